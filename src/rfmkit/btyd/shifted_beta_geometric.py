"""ShiftedBetaGeometric: how many of a cohort will renew, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import numpy as np

from rfmkit import _checks as checks
from rfmkit._engine import kind_of, open_frame
from rfmkit.btyd._beta_binomial import from_mean, log_chance, to_mean
from rfmkit.btyd._estimates import Fitted
from rfmkit.btyd._optimizer import maximise
from rfmkit.exceptions import ColumnsError, NotEnoughHistoryError, RfmkitError, examples

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

NEEDS: Final = ("period", "survivors")
TINY: Final = 1e-17
HINT: Final = (
    "give how many customers of a cohort were there at the start and after 1, 2, ... periods: "
    "[1000, 869, 743]; several cohorts as a list of such lists."
)


class ShiftedBetaGeometric(Fitted):
    """Renew a contract or leave, each period anew: the shifted-beta-geometric model.

    For customers whose leaving is seen: subscriptions, memberships, insurance. Each customer
    leaves at the end of a period with a probability that is Beta(alpha, beta) over customers. Who
    is prone to leave leaves early, so the retention rate of a cohort grows.

    Attributes
    ----------
    params_ : dict of str to float
        alpha, beta.
    log_likelihood_ : float
        Its logarithm at `params_`.

    Notes
    -----
    Fader and Hardie (2007), "How to project customer retention", Journal of Interactive Marketing
    21, equations 5 and 6, and appendix B (likelihood).

    Examples
    --------
    >>> import rfmkit as rk
    >>> model = rk.ShiftedBetaGeometric().fit([1000, 869, 743, 653, 593])
    >>> model.survival([0, 4, 8]).round(2).tolist()
    [1.0, 0.59, 0.41]
    >>> model.retention([1, 2, 3]).round(2).tolist()
    [0.86, 0.87, 0.88]
    """

    names: ClassVar = ("alpha", "beta")
    starts: ClassVar = ((1.0, 1.0), (0.5, 3.0), (5.0, 20.0))
    limits: ClassVar = ((-16.0, 16.0), (-8.0, 11.0))
    boundaries: ClassVar = {
        (0, -1): ("no drop-out", "Nobody leaves: the survivors stay for ever."),
        (0, 1): ("certain drop-out", "Everybody leaves at the first chance."),
        (1, -1): ("polarised drop-out", "Customers leave at the first chance or never."),
        (1, 1): (
            "homogeneous drop-out",
            (
                "Retention does not grow with time, as it would if customers differed: it is "
                "taken to be one number for ever, and alpha and beta mean nothing but their ratio."
            ),
        ),
    }

    def natural(self, point: Floats) -> tuple[Floats, Floats]:
        """Read (logit alpha/(alpha+beta), log(alpha+beta))."""
        return from_mean(*point)

    def point(self, params: Floats) -> Floats:
        """Turn parameters into a point of the search."""
        return to_mean(*params)

    def fit(self, survivors: Any) -> Self:
        """Maximise the likelihood.

        Parameters
        ----------
        survivors : sequence of int, or DataFrame, or a list of these
            How many customers of a cohort were there at the start and after 1, 2, ... periods; or
            a frame of any kind with `period` (0, 1, 2, ...) and `survivors`. Several cohorts, of
            any length, as a list.

        Returns
        -------
        ShiftedBetaGeometric
            Itself, fitted.

        Raises
        ------
        ColumnsError
            A frame lacks a column, or a period.
        RfmkitError
            Survivors are not whole, or become more.
        NotEnoughHistoryError
            There is no customer, or no cohort with two renewals behind it: fewer cannot tell two
            parameters.
        """
        cohorts = [_checked(cohort) for cohort in _cohorts(survivors)]
        if not any(len(cohort) > len(NEEDS) for cohort in cohorts):
            raise NotEnoughHistoryError(
                "At least one cohort must have two renewals.",
                found=f"{max(map(len, cohorts)) - 1} at most",
                hint=HINT,
            )
        # Those who left at the end of a period, and those who are there still.
        stayed = np.hstack([np.r_[np.arange(len(c) - 1.0), len(c) - 1.0] for c in cohorts])
        left = np.hstack([np.r_[np.ones(len(c) - 1), 0.0] for c in cohorts])
        weight = np.hstack([np.r_[-np.diff(c), c[-1]] for c in cohorts])
        customers = float(weight.sum())
        found = maximise(
            self._mean(lambda params: log_chance(params[0], params[1], left, stayed), weight),
            [self.point(np.array(start)) for start in self.starts],
            self.limits,
        )
        self._learn(found, customers=customers)
        self.log_likelihood_ = found.value * customers
        return self

    def survival(self, periods: ArrayLike) -> Floats:
        """Return the share of a cohort that is still there after so many periods.

        Parameters
        ----------
        periods : int or array of int
            How many, from 0.

        Returns
        -------
        float64 array
            Of the shape of `periods`.

        Notes
        -----
        B(alpha, beta + t) / B(alpha, beta): Fader and Hardie (2007), equation 6.
        """
        self._insist_on_fit()
        alpha, beta = self._params
        after = _wholes("periods", periods, least=0)
        return np.exp(log_chance(alpha, beta, np.zeros_like(after), after)[0])

    def retention(self, periods: ArrayLike) -> Floats:
        """Return the share of those there before a period's end who renew then.

        Parameters
        ----------
        periods : int or array of int
            Of which renewal, from 1.

        Returns
        -------
        float64 array
            Of the shape of `periods`.

        Notes
        -----
        (beta + t - 1) / (alpha + beta + t - 1): Fader and Hardie (2007), equation 8.
        """
        self._insist_on_fit()
        alpha, beta = self._params
        before = _wholes("periods", periods, least=1) - 1
        return np.asarray((beta + before) / (alpha + beta + before))

    def expected_lifetime(self, renewals: ArrayLike = 0, *, discount: float = 0.0) -> Floats:
        """Return how many periods more customers will stay, later ones counting for less.

        Customers have renewed so many times, and the next renewal is due: if they make it, that
        period counts in full, the one after 1 / (1 + discount) of it, and so on.

        Parameters
        ----------
        renewals : int or array of int, default 0
            How many renewals are behind.
        discount : float, default 0
            The rate a period, such as 0.1. Without one the expectation is infinite unless alpha
            is over 1: some customers never leave.

        Returns
        -------
        float64 array
            Of the shape of `renewals`, in periods: DERL, the discounted expected residual
            lifetime.

        Notes
        -----
        Fader and Hardie (2010), "Customer-base valuation in a contractual setting: the perils of
        ignoring heterogeneity", Marketing Science 29, equation 6, where n is `renewals` + 1:
        (beta + n - 1) / (alpha + beta + n - 1) 2F1(1, beta + n; alpha + beta + n; 1 / (1 + d)).
        """
        self._insist_on_fit()
        checks.number("discount", discount, least=0)
        alpha, beta = self._params
        behind = _wholes("renewals", renewals, least=0)
        if discount == 0:
            sure = np.full_like(behind, np.inf) if alpha <= 1 else (beta + behind) / (alpha - 1)
            return np.asarray(sure)
        return _lifetime(alpha, beta + behind, float(discount))


def _lifetime(a: float, b: Floats, discount: float) -> Floats:
    """Return b / (a + b) 2F1(1, b + 1; a + b + 1; 1 / (1 + discount)) by a continued fraction.

    scipy's own overflows where a and b are in the hundreds. Pfaff's transformation makes it
    (1 + 1 / discount) 2F1(1, a; a + b + 1; -1 / discount), and Gauss's continued fraction of that
    has positive terms alone: Digital Library of Mathematical Functions, 15.8.1 and 15.7.1. Its
    error falls by `rate` a step.
    """
    root = np.sqrt(1 + 1 / discount)
    rate = (root - 1) / (root + 1)
    fraction = np.ones_like(b)
    for step in range(int(np.ceil(np.log(TINY) / np.log(rate))), 0, -1):
        m, odd = divmod(step, 2)
        up = (a + m) * (a + b + m) if odd else m * (b + m)
        share = up / ((a + b + step - 1) * (a + b + step))
        fraction = 1 + share / discount / fraction
    return np.asarray(b / (a + b) * (1 + 1 / discount) / fraction)


def _cohorts(survivors: Any) -> list[Any]:
    """Return the cohorts: one, or several."""
    several = isinstance(survivors, list | tuple) and any(
        kind_of(item) is not None or np.ndim(item) for item in survivors
    )
    return list(survivors) if several else [survivors]


def _checked(cohort: Any) -> Floats:
    """Return the survivors of one cohort, period by period."""
    if kind_of(cohort) is not None:
        cohort = _by_period(cohort)
    try:
        counts = np.asarray(cohort, dtype=float)
    except (TypeError, ValueError) as error:
        raise RfmkitError("Survivors must be numbers.", found=repr(cohort), hint=HINT) from error
    if counts.ndim != 1:
        raise RfmkitError("Survivors must be one row of numbers.", found=repr(cohort), hint=HINT)
    if not counts.any():
        raise NotEnoughHistoryError(
            "A cohort must begin with at least one customer.",
            found=examples(counts.tolist()) or "none",
            hint=HINT,
        )
    wrong = ~np.isfinite(counts) | (counts < 0) | (counts != np.floor(counts))
    if wrong.any():
        raise RfmkitError(
            "Survivors must be counts of customers: whole, and not negative.",
            found=examples(counts[wrong].tolist()),
            hint="pass the numbers of customers, and not percentages.",
        )
    more = np.flatnonzero(np.diff(counts) > 0)
    if more.size:
        at = int(more[0])
        raise RfmkitError(
            "The survivors of a cohort cannot increase.",
            found=f"{counts[at]:.0f} after {at} periods, {counts[at + 1]:.0f} after {at + 1}",
            hint="count a cohort: customers who began together, whoever joined later left out.",
        )
    return counts


def _by_period(frame: Any) -> list[Any]:
    """Read the survivors of a frame in the order of their periods."""
    opened = open_frame(frame)
    table = opened.table
    missing = [name for name in NEEDS if name not in table.columns]
    if missing:
        raise ColumnsError(
            "A cohort must have the columns period and survivors.",
            found=f"no {examples(missing)} among {examples(table.columns)}",
            hint=HINT,
        )
    rows = opened.engine.frame(table.select(*NEEDS).order_by("period"))
    periods = rows["period"].tolist()
    if periods != list(range(len(periods))):
        raise ColumnsError(
            "The periods of a cohort must be 0, 1, 2, ..., each in one row.",
            found=examples(periods),
            hint="period 0 is the start; several cohorts go into a list of frames.",
        )
    return list(rows["survivors"])


def _wholes(name: str, values: ArrayLike, *, least: int) -> Floats:
    """Check that values are whole numbers."""
    given = np.asarray(values)
    found = given.astype(float) if given.dtype.kind in "iuf" else np.full(given.shape, np.nan)
    if not np.all((found >= least) & (found == np.floor(found)) & np.isfinite(found)):
        raise RfmkitError(
            f"{name} must be whole numbers of at least {least}.",
            found=f"{name}={values!r}",
            hint=f"for example {name}=[{least}, {least + 1}].",
        )
    return found
