"""Estimates: what every model learns where its likelihood is greatest."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, ClassVar, Final

import ibis
import numpy as np

from rfmkit._engine.backend import unique_name
from rfmkit.btyd._counts import dot
from rfmkit.exceptions import NotFittedError
from rfmkit.orders.orders import Orders

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import ibis.expr.types as ir
    from numpy.typing import NDArray

    from rfmkit.btyd._covariate_space import Coordinates
    from rfmkit.btyd._optimizer import Objective, Optimum

    Floats = NDArray[np.float64]

DRAWS: Final = 256  # a power of two, as Sobol points want it
FLAT: Final = 100.0
"""The standard error of a logarithm from which on nothing is known of the parameter."""
SEED: Final = 20_261_122

NO_DROP_OUT: Final = ("no drop-out", "The data show nobody leaving: P(alive) is 1 for everybody.")


def alike(what: str, given: str, letters: str) -> str:
    """Return what it means that customers do not differ."""
    return (
        f"The data do not tell customers apart in how {what}: all are given one {given}, and "
        f"{letters} mean nothing but their ratio."
    )


ONE_RATE: Final = ("homogeneous rates", alike("often they buy", "rate", "r and alpha"))


class Fitted:
    """Parameters of greatest likelihood, how surely they are known, and what a boundary means.

    Attributes
    ----------
    params_ : dict of str to float
        The parameters, by the letters of the paper.
    summary_ : DataFrame
        `parameter, estimate, log_error, lower, upper`: the standard error of the logarithm, and
        an interval of 95 % from it; null where the parameter lies on a boundary, or the data do not
        it. A coefficient of a covariate is the logarithm of a ratio itself: its error is that of
        the estimate as it stands.
    boundary_ : str
        Empty, or the name of the boundary on which the likelihood is greatest.
    diagnosis_ : str
        In words: what a boundary means for the predictions.
    customers_ : int
        How many customers it was fitted on.
    converged_ : bool
        Whether the search ended where the slope is 0.
    """

    names: ClassVar[tuple[str, ...]]
    """The parameters."""
    limits: ClassVar[tuple[tuple[float, float], ...]]
    """Between which the coordinates of the search lie."""
    boundaries: ClassVar[Mapping[tuple[int, int], tuple[str, str]]]
    """Of a coordinate and its side: the name of the boundary, and what it means."""

    moot: ClassVar[Mapping[tuple[int, int], tuple[int, ...]]] = {}
    """Of a coordinate and its side: the other coordinates that mean nothing there."""

    def natural(self, point: Floats) -> tuple[Floats, Floats]:
        """Turn a point of the search into parameters, with the derivatives of their logarithms."""
        raise NotImplementedError

    def _mean(
        self, log_terms: Callable[[Floats], tuple[Floats, Floats]], weight: Floats
    ) -> Objective:
        """Make what is maximised: the mean log-likelihood of a customer, at a point."""
        share = weight / weight.sum()

        def mean(point: Floats) -> tuple[float, Floats]:
            params, by_point = self.natural(point)
            with np.errstate(all="ignore"):
                terms, slopes = log_terms(params)
            return float(dot(share, terms)), (dot(share, slopes) * params) @ by_point

        return mean

    def _learn(
        self,
        found: Optimum,
        *,
        customers: float,
        unit: Floats | float = 1.0,
        space: Coordinates | None = None,
    ) -> None:
        """Keep an optimum; `unit` is what each parameter was measured in.

        It was sought among the parameters, or in the space of coefficients as well.
        """
        import pandas as pd

        sought = space or self
        params, by_point = sought.natural(found.at)
        estimate = params * unit
        self.params_ = dict(zip(sought.names, estimate.tolist(), strict=True))
        self.customers_ = round(customers)
        self.converged_ = found.converged
        faces = list(enumerate(found.bound.tolist()))
        moot = {other for face in faces for other in sought.moot.get(face, ())}
        named = sought.boundaries
        reached = [named[face] for face in faces if face in named and face[0] not in moot]
        self.boundary_ = "; ".join(name for name, _ in reached)
        self.diagnosis_ = " ".join(meaning for _, meaning in reached)
        free = found.bound == 0
        covariance = np.zeros_like(found.curvature)
        inner = np.linalg.pinv(found.curvature[np.ix_(free, free)] * customers)
        covariance[np.ix_(free, free)] = inner
        error = np.sqrt(np.maximum(np.diag(by_point @ covariance @ by_point.T), 0))
        lost = (np.abs(by_point[:, ~free]) > 0).any(axis=1)  # moves along a boundary
        widths = space.widths if space else np.ones(len(estimate))
        error = np.where(lost | (error > FLAT * widths) | (error == 0), np.nan, error)
        with np.errstate(over="ignore"):
            lower, upper = estimate * np.exp(-1.96 * error), estimate * np.exp(1.96 * error)
        logs = np.arange(len(estimate)) >= len(self.names)  # coefficients
        lower = np.where(logs, estimate - 1.96 * error, lower)
        upper = np.where(logs, estimate + 1.96 * error, upper)
        self.summary_ = pd.DataFrame(
            {
                "parameter": list(sought.names),
                "estimate": estimate,
                "log_error": error,
                "lower": lower,
                "upper": upper,
            }
        )
        # Drawn from the normal of the curvature, in the coordinates of the search.
        low, high = np.array(sought.limits).T
        points = np.clip(found.at + _normals(covariance), low, high)
        drawn = [sought.natural(point)[0] for point in points]
        self._draws = np.array(drawn) * unit

    def _insist_on_fit(self) -> None:
        if not hasattr(self, "params_"):
            raise NotFittedError(
                f"A {type(self).__name__} must be fitted before use.",
                found=f"a {type(self).__name__} that has not been fitted",
                hint=f"rk.{type(self).__name__}().fit(orders).",
            )

    @property
    def _params(self) -> Floats:
        return np.array(list(self.params_.values()))

    def _quantile(self, predict: Callable[..., Floats], share: float) -> Callable[..., Floats]:
        def over_draws(*row: Floats) -> Floats:
            found = [predict(params, *row) for params in self._draws]
            # The rule that holds what it says of draws that are not many.
            return np.quantile(found, share, axis=0, method="weibull")

        return over_draws

    def __repr__(self) -> str:
        """Return what was fitted, on how many customers."""
        name = type(self).__name__
        if not hasattr(self, "params_"):
            return f"<{name}: not fitted>"
        params = ", ".join(f"{letter} {value:.4g}" for letter, value in self.params_.items())
        edge = f"; {self.boundary_}" if self.boundary_ else ""
        return f"<{name}: {params} from {self.customers_:,} customers{edge}>"


def _normals(covariance: Floats) -> Floats:
    """Draw from a normal about 0, evenly in every direction: by Sobol's points.

    As many independent draws would hold an interval of 90 % in some directions 85 times in 100.
    """
    from scipy.stats import qmc

    size = len(covariance)
    points = qmc.Sobol(size, scramble=True, seed=SEED)
    spread, axes = np.linalg.eigh(covariance)
    even = qmc.MultivariateNormalQMC(np.zeros(size), engine=points).random(DRAWS)
    return np.asarray(even * np.sqrt(np.maximum(spread, 0)) @ axes.T)


def in_batches(function: Callable[..., Floats], *kinds: str, alike: bool = True) -> Any:
    """Make a function of columns of these types one that an engine calls, many rows at a time.

    Where many rows are `alike` they are looked for, and asked of the function once.
    """
    import pandas as pd
    import pyarrow as pa

    def known(rows: Floats) -> Floats:
        """Ask the function of the rows that are numbers; of others there is nothing to say."""
        finite = np.isfinite(rows).all(axis=0)
        found = np.full(rows.shape[1], np.nan)
        if finite.any():
            with np.errstate(all="ignore"):
                found[finite] = function(*rows[:, finite])
        return found

    def batch(*columns: Any) -> Any:
        in_arrow = not isinstance(columns[0], pd.Series)
        options: dict[str, bool] = {"zero_copy_only": False} if in_arrow else {}
        row = [column.to_numpy(**options).astype(float) for column in columns]
        rows = np.stack(row)
        if alike:
            distinct, place = np.unique(rows, axis=1, return_inverse=True)
            found = known(distinct)[np.ravel(place)]
        else:
            found = known(rows)
        return pa.array(found) if in_arrow else pd.Series(found)

    # Ibis counts the columns by the signature.
    positional = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(f"c{place}", positional) for place in range(len(kinds))]
    vars(batch)["__signature__"] = inspect.Signature(parameters)
    name = unique_name("predict")

    def call(*columns: ir.Column) -> ir.Value:
        # Spark takes many rows at a time from pandas alone.
        in_spark = columns[0].get_backend().name == "pyspark"
        kind = ibis.udf.scalar.pandas if in_spark else ibis.udf.scalar.pyarrow
        # DuckDB takes no null from a function.
        return kind(batch, name=name, signature=(kinds, "float64"))(*columns).nullif(float("nan"))

    return call


def beside(
    source: Any,
    table: ir.Table,
    *,
    kept: Sequence[str],
    row: Sequence[ir.Column],
    functions: Mapping[str, Callable[..., ir.Value] | ir.Value],
) -> ir.Table:
    """Return columns of a table of `source`, followed by predictions for each of its rows.

    Parameters
    ----------
    source : Orders or DataFrame
        What the table was made of.
    table : Table
        One row per customer.
    kept : sequence of str
        The columns to keep, where the table has them.
    row : sequence of columns
        The arguments of every function.
    functions : mapping of str to callable or value
        The new columns in their order: a function of `in_batches`, or a constant.
    """
    names = [name for name in (*kept, "rfmkit_row") if name in table.columns]
    columns = {
        name: value if isinstance(value, ibis.Value) else value(*row)
        for name, value in functions.items()
    }
    made = table.select(*names, **columns)
    # A view names a function and does not bring it along; a query does, if only for no rows.
    run = source.history.engine.arrow if isinstance(source, Orders) else ibis.Expr.to_pyarrow
    run(made.limit(0))
    return made
