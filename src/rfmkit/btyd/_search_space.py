"""What the search for parameters needs of a model, as a protocol of types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rfmkit.btyd._counts import Counts

    Floats = NDArray[np.float64]

Limits = tuple[tuple[float, float], ...]
Boundaries = Mapping[tuple[int, int], tuple[str, str]]


class Likelihood(Protocol):
    """A model whose log-likelihood is computed from counts, with covariates that move parameters.

    `names` are its parameters, `limits` the range of each in the search, `boundaries` the name and
    the meaning of each end of a range, `moot` the parameters that mean nothing at such an end, and
    `moved` the parameters that covariates of buying and of leaving raise (1) or lower (-1).
    """

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def limits(self) -> Limits: ...

    @property
    def boundaries(self) -> Boundaries: ...

    @property
    def moot(self) -> Mapping[tuple[int, int], tuple[int, ...]]: ...

    @property
    def moved(self) -> tuple[tuple[str, int], tuple[str, int]]: ...

    def natural(self, point: Floats, /) -> tuple[Floats, Floats]:
        """Return the parameters at a point of the search, and their derivatives."""

    def point(self, params: Floats, /) -> Floats:
        """Return the point of the search at which the parameters are these."""

    def log_terms(self, params: Any, counts: Counts, /) -> tuple[Floats, Floats]:
        """Return the log-likelihood of each row, and its derivatives."""
