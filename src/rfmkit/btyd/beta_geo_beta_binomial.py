"""BetaGeoBetaBinomial: customers who buy or not at each of many opportunities, until they leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import ibis
import numpy as np

from rfmkit import _checks as checks
from rfmkit.btyd._beta_binomial import from_mean, log_chance, to_mean
from rfmkit.btyd._estimates import Fitted, beside, in_batches
from rfmkit.btyd._grouping import spread
from rfmkit.btyd._opportunities import (
    NEEDS,
    WEIGHT,
    count_opportunities,
    may_be,
    opportunity_table,
)
from rfmkit.btyd._optimizer import maximise
from rfmkit.history.customers import over_customers
from rfmkit.orders.orders import Orders

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import ibis.expr.types as ir
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ROUGH_ROWS: Final = 2000


class BetaGeoBetaBinomial(Fitted):
    """Buy or not at each opportunity until leaving: the BG/BB model.

    For purchases that can come but once a period: a yearly donation, a weekly market, an event. A
    customer buys at an opportunity with a probability that is Beta(alpha, beta) over customers,
    and before each opportunity leaves with a probability that is Beta(gamma, delta).

    Parameters
    ----------
    opportunities_ahead : int, default 1
        The horizon of the predictions, in opportunities.
    period_days : int, optional
        Of a log: the length of a period, in days. Each whole period since a customer's first
        purchase is an opportunity, taken where there is a purchase in it.

    Attributes
    ----------
    params_ : dict of str to float
        alpha, beta, gamma, delta.
    log_likelihood_ : float
        Its logarithm at `params_`.

    Notes
    -----
    Fader, Hardie and Shang (2010), "Customer-base analysis in a discrete-time noncontractual
    setting", Marketing Science 29, equation 5 (likelihood). x is `repeat_purchases`, t_x is
    `last_opportunity`, n is `opportunities`.

    Examples
    --------
    Of customers alike, how many there are may be said in one row.

    >>> import pandas as pd
    >>> import rfmkit as rk
    >>> donors = pd.DataFrame({"customer_id": ["a", "b", "c", "d", "e", "f", "g"],
    ...                        "repeat_purchases": [0, 1, 1, 1, 2, 2, 3],
    ...                        "last_opportunity": [0, 1, 2, 3, 2, 3, 3], "opportunities": 3,
    ...                        "customers": [50, 10, 6, 8, 9, 12, 30]})
    >>> model = rk.BetaGeoBetaBinomial(opportunities_ahead=2).fit(donors)
    >>> model.customers_
    125
    >>> bool(model.predict_churn(donors)["churn_probability"].between(0, 1).all())
    True
    """

    names: ClassVar = ("alpha", "beta", "gamma", "delta")
    starts: ClassVar = ((1.0, 1.0, 0.5, 3.0), (0.5, 2.0, 1.0, 1.0), (4.0, 6.0, 2.0, 20.0))
    limits: ClassVar = ((-16.0, 16.0), (-8.0, 11.0), (-16.0, 16.0), (-8.0, 11.0))
    boundaries: ClassVar = {
        (0, -1): ("no repeat purchase", "Nobody buys again."),
        (0, 1): ("certain purchase", "Who is still a customer buys at every opportunity."),
        (1, -1): (
            "polarised purchases",
            "Customers buy at every opportunity while they stay, or never.",
        ),
        (1, 1): (
            "homogeneous purchases",
            (
                "The data do not tell customers apart in how often they buy: all are given one "
                "probability, and alpha and beta mean nothing but their ratio."
            ),
        ),
        (2, -1): ("no drop-out", "The data show nobody leaving: P(alive) is 1 for everybody."),
        (2, 1): ("certain drop-out", "Everybody leaves before the next opportunity."),
        (3, -1): ("polarised drop-out", "Customers leave at once or never."),
        (3, 1): (
            "homogeneous drop-out",
            (
                "The data do not tell customers apart in how soon they leave: all are given one "
                "probability, and gamma and delta mean nothing but their ratio."
            ),
        ),
    }

    def __init__(self, opportunities_ahead: int = 1, *, period_days: int | None = None) -> None:
        self.opportunities_ahead = opportunities_ahead
        self.period_days = period_days

    def natural(self, point: Floats) -> tuple[Floats, Floats]:
        """Read (logit alpha/(alpha+beta), log(alpha+beta)) and the same of gamma and delta."""
        buys, by_buys = from_mean(*point[:2])
        leaves, by_leaves = from_mean(*point[2:])
        by_point = np.zeros((4, 4))
        by_point[:2, :2], by_point[2:, 2:] = by_buys, by_leaves
        return np.hstack([buys, leaves]), by_point

    def point(self, params: Floats) -> Floats:
        """Turn parameters into a point of the search."""
        return np.hstack([to_mean(*params[:2]), to_mean(*params[2:])])

    # --- fit -----------------------------------------------------------------------------------

    def fit(self, customers: Any) -> Self:
        """Maximise the likelihood.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log, where `period_days` was said; or a frame of any kind with `repeat_purchases`,
            `last_opportunity`, `opportunities`, and optionally `customers`: for how many a row
            stands.

        Returns
        -------
        BetaGeoBetaBinomial
            Itself, fitted.

        Raises
        ------
        ColumnsError
            A column is missing, or does not hold numbers.
        RfmkitError
            A customer bought more often than could be, or `period_days` is not said.
        NotEnoughHistoryError
            There is no customer, nobody had three opportunities (fewer cannot tell four
            parameters), or nobody took one.
        """
        checks.whole("opportunities_ahead", self.opportunities_ahead)
        x, t_x, n, weight = count_opportunities(customers, self.period_days)
        some, rough = spread(weight, ROUGH_ROWS)
        found = maximise(
            self._mean(lambda params: _log_terms(params, x, t_x, n), weight),
            [self.point(np.array(start)) for start in self.starts],
            self.limits,
            rough=self._mean(lambda params: _log_terms(params, x[some], t_x[some], n[some]), rough),
        )
        self._learn(found, customers=float(weight.sum()))
        self.log_likelihood_ = found.value * float(weight.sum())
        return self

    # --- predictions ---------------------------------------------------------------------------

    @property
    def estimand(self) -> str:
        """What the probabilities of churn are probabilities of."""
        ahead = self.opportunities_ahead
        return f"P(no purchase at the next {ahead} opportunities | purchases so far)"

    def predict_churn(
        self,
        customers: Any,
        opportunities_ahead: int | None = None,
        *,
        interval: float | None = None,
    ) -> Any:
        """Return each customer's probability of no purchase at the opportunities ahead.

        Parameters
        ----------
        customers : Orders or DataFrame
            As in `fit`.
        opportunities_ahead : int, optional
            Another horizon than the model's own; nothing needs to be fitted again.
        interval : float, optional
            A level such as 0.9: adds `churn_lower` and `churn_upper`, from draws of the
            parameters. They tell how surely the model is known, not whether it is right.

        Returns
        -------
        DataFrame
            `churn_probability` beside `customer_id`, or beside the columns of `fit` where there
            is none; in the input's kind and row order, null for a row that cannot be.

        Notes
        -----
        L(x, t_x, n + ahead) / L(x, t_x, n).
        """
        ahead = self._ahead(opportunities_ahead)

        def churn(params: Floats, x: Floats, t_x: Floats, n: Floats) -> Floats:
            return _churn(params, x, t_x, n, ahead)

        names = ("churn_probability", "churn_lower", "churn_upper")
        return self._predict(customers, churn, names, interval)

    def predict_alive(self, customers: Any, *, interval: float | None = None) -> Any:
        """Return each customer's probability of being one still at the next opportunity.

        Parameters
        ----------
        customers : Orders or DataFrame
            As in `fit`.
        interval : float, optional
            A level such as 0.9: adds `alive_lower` and `alive_upper`.

        Returns
        -------
        DataFrame
            `alive_probability`, as `predict_churn` gives its own.

        Notes
        -----
        Fader, Hardie and Shang (2010), equation 11, one opportunity ahead.
        """
        names = ("alive_probability", "alive_lower", "alive_upper")
        return self._predict(customers, _alive, names, interval)

    def predict_purchases(
        self,
        customers: Any,
        opportunities_ahead: int | None = None,
        *,
        interval: float | None = None,
    ) -> Any:
        """Return each customer's expected number of purchases at the opportunities ahead.

        A row of noughts is a customer who has just bought for the first time.

        Parameters
        ----------
        customers : Orders or DataFrame
            As in `fit`.
        opportunities_ahead : int, optional
            Another horizon than the model's own.
        interval : float, optional
            A level such as 0.9: adds `purchases_lower` and `purchases_upper`, of the expectation.

        Returns
        -------
        DataFrame
            `expected_purchases` (float64, purchases) and `opportunities_ahead` (int64), as
            `predict_churn` gives its own.

        Notes
        -----
        Fader, Hardie and Shang (2010), equation 13, summed opportunity by opportunity: the closed
        form has a hole at gamma = 1.
        """
        ahead = self._ahead(opportunities_ahead)

        def expected(params: Floats, x: Floats, t_x: Floats, n: Floats) -> Floats:
            return _purchases(params, x, t_x, n, ahead)

        names = ("expected_purchases", "purchases_lower", "purchases_upper")
        return self._predict(customers, expected, names, interval, {"opportunities_ahead": ahead})

    def _ahead(self, given: int | None) -> int:
        ahead = self.opportunities_ahead if given is None else given
        return checks.whole("opportunities_ahead", ahead)

    def _predict(
        self,
        customers: Any,
        predict: Callable[..., Floats],
        names: tuple[str, str, str],
        interval: float | None,
        constants: Mapping[str, int] | None = None,
    ) -> Any:
        self._insist_on_fit()

        def possible(params: Floats, x: Floats, t_x: Floats, n: Floats) -> Floats:
            known = may_be(x, t_x, n)
            found = np.full(len(x), np.nan)
            found[known] = predict(params, x[known], t_x[known], n[known])
            return found

        whole = ("int64", "int64", "int64")
        functions = {names[0]: in_batches(lambda *row: possible(self._params, *row), *whole)}
        for name, value in (constants or {}).items():
            functions[name] = ibis.literal(value, "int64")
        if interval is not None:
            checks.number("interval", interval, above=0, below=1)
            for name, share in zip(names[1:], (1 - interval, 1 + interval), strict=True):
                functions[name] = in_batches(self._quantile(possible, share / 2), *whole)

        def expression(table: ir.Table) -> ir.Table:
            if isinstance(customers, Orders):
                table = opportunity_table(customers, table, self.period_days)
            row = [table[name].cast("int64") for name in NEEDS]
            kept = ("customer_id",) if "customer_id" in table.columns else (*NEEDS, WEIGHT)
            return beside(customers, table, kept=kept, row=row, functions=functions)

        return over_customers(customers, expression, needs=NEEDS)


def _log_terms(params: Floats, x: Floats, t_x: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Return the log-likelihood: still here, or left before opportunity t_x + 1, t_x + 2, ... n."""
    alpha, beta, gamma, delta = params
    total, slopes = _joined(log_chance(alpha, beta, x, n - x), log_chance(gamma, delta, 0 * n, n))
    gone, by_gone = _joined(
        log_chance(alpha, beta, x, t_x - x), log_chance(gamma, delta, 0 * n + 1, t_x)
    )
    for silent in range(int(np.max(n - t_x, initial=0))):
        seen = t_x + silent  # opportunities before leaving
        together = np.where(seen < n, np.logaddexp(total, gone), total)
        share = np.where(seen < n, np.exp(gone - together), 0.0)[:, None]
        total, slopes = together, slopes * (1 - share) + by_gone * share
        # One more opportunity passed by, one more time stayed.
        missed, buys = beta + seen - x, alpha + beta + seen
        stayed, leaves = delta + seen, gamma + delta + seen + 1
        gone = gone + np.log(missed / buys) + np.log(stayed / leaves)
        by_gone = by_gone + np.stack(
            [-1 / buys, 1 / missed - 1 / buys, -1 / leaves, 1 / stayed - 1 / leaves], axis=1
        )
    return total, slopes


def _joined(
    one: tuple[Floats, Floats], other: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:  # fmt: skip
    """Multiply two chances, each of parameters of its own."""
    return one[0] + other[0], np.hstack([one[1], other[1]])


def _alive(params: Floats, x: Floats, t_x: Floats, n: Floats) -> Floats:
    """Return the probability of being a customer at opportunity n + 1."""
    alpha, beta, gamma, delta = params
    here = log_chance(alpha, beta, x, n - x)[0] + log_chance(gamma, delta, 0 * n, n + 1)[0]
    return np.clip(np.exp(here - _log_terms(params, x, t_x, n)[0]), 0, 1)


def _churn(params: Floats, x: Floats, t_x: Floats, n: Floats, ahead: int) -> Floats:
    """Return the probability of no purchase at the opportunities up to n + ahead."""
    later = _log_terms(params, x, t_x, n + ahead)[0]
    return np.clip(np.exp(later - _log_terms(params, x, t_x, n)[0]), 0, 1)


def _purchases(params: Floats, x: Floats, t_x: Floats, n: Floats, ahead: int) -> Floats:
    """Sum the chances of being there at each opportunity up to n + ahead, and of buying then."""
    alpha, beta, gamma, delta = params
    alive = _alive(params, x, t_x, n)
    total = np.zeros_like(alive)
    for seen in range(1, ahead + 1):
        total += alive
        alive = alive * (delta + n + seen) / (gamma + delta + n + seen)
    return np.asarray(total * (alpha + x) / (alpha + beta + n))
