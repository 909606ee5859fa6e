"""Baselines: simple models that a model of churn must beat, fitted on past outcomes only.

They have the methods of every model: ``fit(orders)``, ``predict_churn(orders, horizon_days)``.
They learn the outcomes of the last complete horizon: which customers of the day `horizon_days`
before `orders.as_of` bought between that day and `as_of`.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import ibis
import numpy as np

from rfmkit import _checks as checks
from rfmkit._engine import ROW, kind_of, open_frame
from rfmkit.cycle import PurchaseCycle
from rfmkit.exceptions import NotEnoughHistoryError, NotFittedError, RfmkitError
from rfmkit.history.customers import over_customers
from rfmkit.history.snapshots import snapshots
from rfmkit.orders.orders import as_orders

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import ibis.expr.types as ir
    import pandas as pd
    from numpy.typing import NDArray

    from rfmkit.orders.orders import Orders

    Floats = NDArray[np.float64]

MOST_CUSTOMERS: Final = 200_000
"""Most customers that a baseline is fitted on, chosen by a hash of their id."""
MOST_BINS: Final = 50
CUSTOMERS_PER_BIN: Final = 50
PRIOR: Final = 0.5
"""Jeffreys's prior of a share: half a customer of each kind."""
SHORTEST: Final = 1.0
"""Days. A shorter mean gap counts as one day, so that no ratio is infinite."""


class BaseRate:
    """A baseline with one probability for all: the share that churned in the last horizon.

    Parameters
    ----------
    horizon_days : int, default 365
        The horizon, in days, of the outcomes it is fitted on and of its predictions.

    Attributes
    ----------
    rate_ : float
        The share that churned.

    Examples
    --------
    >>> import rfmkit as rk
    >>> from rfmkit.validation._baselines import BaseRate
    >>> orders = rk.read_orders(rk.load_sample())
    >>> model = BaseRate(horizon_days=90).fit(orders)
    >>> model.predict_churn(orders).head(2).round(4)
      customer_id  churn_probability
    0     C000001             0.7049
    1     C000002             0.7049
    """

    name: ClassVar = "base rate"
    needs: ClassVar[tuple[str, ...]] = ()

    def __init__(self, horizon_days: int = 365) -> None:
        self.horizon_days = horizon_days

    def fit(self, orders: Orders) -> Self:
        """Fit on the outcomes of the last complete horizon.

        Parameters
        ----------
        orders : Orders
            The log, as of its day.

        Returns
        -------
        BaseRate
            Itself, fitted.

        Raises
        ------
        NotEnoughHistoryError
            No customer had bought by `horizon_days` before `orders.as_of`.
        """
        self._learn(self._past(as_orders(orders)), orders)
        return self

    def _past(self, orders: Orders) -> pd.DataFrame:
        """Return the customers of the last complete horizon, with their outcomes."""
        horizon = checks.horizon(self.horizon_days)
        # All baselines are fitted on this table: it is computed once per log.
        found: pd.DataFrame = orders.history.once(
            f"customers {horizon} days ago", lambda: _last_horizon(orders, horizon)
        )
        return found

    def _learn(self, past: pd.DataFrame, orders: Orders) -> None:  # noqa: ARG002 (of subclasses)
        self.rate_ = float(past["churned"].mean())

    def predict_churn(self, customers: Any, horizon_days: int | None = None) -> Any:
        """Return each customer's probability of no purchase within the horizon.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log, or the frame of ``summarize`` in any kind.
        horizon_days : int, optional
            The horizon, in days. Default: the model's own. Only `PoissonRate` takes another.

        Returns
        -------
        DataFrame
            `customer_id`, `churn_probability` (float64, 0 to 1), in the input's kind and row
            order.

        Raises
        ------
        NotFittedError
            It has not been fitted.
        RfmkitError
            The horizon is not the one it was fitted on.
        """
        horizon = self._horizon(horizon_days)
        return self._predicted(
            customers, lambda table: {"churn_probability": self._churn(table, horizon)}
        )

    def _predicted(
        self, customers: Any, columns: Callable[[ir.Table], Mapping[str, ir.Value]]
    ) -> Any:
        def expression(table: ir.Table) -> ir.Table:
            kept = [name for name in ("customer_id", ROW) if name in table.columns]
            return table.select(*kept, **columns(table))

        return over_customers(customers, expression, needs=("customer_id", *self.needs))

    def _horizon(self, horizon_days: int | None) -> int:
        if not any(name.endswith("_") for name in vars(self)):
            name = type(self).__name__
            raise NotFittedError(
                f"A {name} must be fitted before it is used.",
                found=f"a {name} that has not been fitted",
                hint="call .fit(orders) first.",
            )
        horizon = self.horizon_days if horizon_days is None else horizon_days
        if horizon != self.horizon_days:
            raise RfmkitError(
                "horizon_days must be the horizon that the baseline was fitted on.",
                found=f"horizon_days={horizon!r}, fitted on {self.horizon_days}",
                hint=f"fit {type(self).__name__}(horizon_days={horizon!r}).",
            )
        return horizon

    def _churn(self, table: ir.Table, horizon: int) -> ir.Value:  # noqa: ARG002 (of subclasses)
        return ibis.literal(self.rate_, "float64")

    def __repr__(self) -> str:
        """Return the class, the name in the leaderboard, and the horizon."""
        return f"<{type(self).__name__}: {self.name}, within {self.horizon_days} days>"


class RecencyRate(BaseRate):
    """A baseline of churn by days since the last purchase, in the last complete horizon.

    Customers are put into bins of equal size by their silence. The shares that churned are
    smoothed by half a customer of each kind, and made to rise with the silence by isotonic
    regression (scikit-learn).

    Parameters
    ----------
    horizon_days : int, default 365
        The horizon, in days.

    Attributes
    ----------
    bins_ : DataFrame
        `upto` (float64, days, the longest silence of the bin), `customers` (int64),
        `churn_probability` (float64, 0 to 1).
    """

    name: ClassVar = "recency"
    needs: ClassVar[tuple[str, ...]] = ("recency_days",)

    def _learn(self, past: pd.DataFrame, orders: Orders) -> None:
        self._prepare(orders)
        self.bins_ = _rising(self._of_frame(past), past["churned"].to_numpy(dtype=float))

    def _prepare(self, orders: Orders) -> None:
        """Fit what the measure needs beside the customer: nothing here."""

    def _of_frame(self, past: pd.DataFrame) -> Floats:
        engine = open_frame(past)
        found = engine.engine.frame(engine.table.select(measure=self._measure(engine.table)))
        return found["measure"].to_numpy(dtype=float)

    def _measure(self, table: ir.Table) -> ir.Value:
        return table.recency_days.cast("float64")

    def _churn(self, table: ir.Table, horizon: int) -> ir.Value:  # noqa: ARG002 (fitted)
        measure = self._measure(table)
        upto, chances = (self.bins_[name].tolist() for name in ("upto", "churn_probability"))
        last = ibis.literal(chances[-1], "float64")
        steps = [(measure <= edge, p) for edge, p in zip(upto[:-1], chances[:-1], strict=True)]
        return ibis.cases(*steps, else_=last) if steps else last


class OverdueRate(RecencyRate):
    """A baseline of churn by silence in own gaps: days since the last purchase over the mean gap.

    The gap is the customer's own mean where there is one, and the shop's cycle (`PurchaseCycle`)
    for customers who have bought once.

    Parameters
    ----------
    horizon_days : int, default 365
        The horizon, in days.

    Attributes
    ----------
    bins_ : DataFrame
        `upto` (float64, the largest ratio of the bin), `customers` (int64), `churn_probability`
        (float64, 0 to 1).
    cycle_days_ : float
        The shop's cycle, in days.
    """

    name: ClassVar = "recency / own gap"
    needs: ClassVar = ("recency_days", "mean_gap_days")

    def _prepare(self, orders: Orders) -> None:
        self.cycle_days_ = max(float(PurchaseCycle().fit(orders).cycle_days_), SHORTEST)

    def _measure(self, table: ir.Table) -> ir.Value:
        own = table.mean_gap_days.cast("float64").fill_null(self.cycle_days_)
        return table.recency_days.cast("float64") / ibis.greatest(own, SHORTEST)


class PoissonRate(BaseRate):
    """A baseline of purchases at random times at each customer's own rate, without churn.

    P(no purchase in H days) = exp(-rate H), with rate = purchases / (tenure_days + d). Here d is
    the shop's mean number of days between purchases (the tenure of all customers over their
    repeat purchases): one gap of the shop's length before the first purchase, so that the rate
    of a customer who first bought on `as_of` is finite.

    Parameters
    ----------
    horizon_days : int, default 365
        The horizon, in days. A fitted baseline also predicts other horizons.

    Attributes
    ----------
    days_per_purchase_ : float
        d, in days.
    """

    name: ClassVar = "rate x horizon"
    needs: ClassVar = ("purchases", "tenure_days")

    def fit(self, orders: Orders) -> Self:
        """Fit the shop's rate on its customers.

        Parameters
        ----------
        orders : Orders
            The log, as of its day.

        Returns
        -------
        PoissonRate
            Itself, fitted.

        Raises
        ------
        NotEnoughHistoryError
            No customer has bought on two different days.
        """
        checks.horizon(self.horizon_days)
        table = as_orders(orders).history.customers
        sums = orders.history.engine.row(
            table.aggregate(
                days=table.tenure_days.sum().fill_null(0),
                repeats=table.repeat_purchases.sum().fill_null(0),
            )
        )
        if not sums["days"] or not sums["repeats"]:
            raise NotEnoughHistoryError(
                "At least one customer must have bought on two different days.",
                found=f"{sums['repeats']:,} repeat purchases as of {orders.as_of}",
                hint="pass a later origin, or read a longer log.",
            )
        self.days_per_purchase_ = float(sums["days"] / sums["repeats"])
        return self

    def _horizon(self, horizon_days: int | None) -> int:
        super()._horizon(None)
        horizon = self.horizon_days if horizon_days is None else horizon_days
        return checks.horizon(horizon)

    def predict_purchases(self, customers: Any, horizon_days: int | None = None) -> Any:
        """Return each customer's expected number of purchases within the horizon: rate x horizon.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log, or the frame of ``summarize`` in any kind.
        horizon_days : int, optional
            The horizon, in days. Default: the model's own.

        Returns
        -------
        DataFrame
            `customer_id`, `expected_purchases` (float64, purchases), `horizon_days` (int64, days),
            in the input's kind and row order.

        Raises
        ------
        NotFittedError
            It has not been fitted.
        """
        horizon = self._horizon(horizon_days)
        return self._predicted(
            customers,
            lambda table: {
                "expected_purchases": self._expected(table, horizon),
                "horizon_days": ibis.literal(horizon, "int64"),
            },
        )

    def _expected(self, table: ir.Table, horizon: int) -> ir.FloatingValue:
        days = table.tenure_days.cast("float64") + self.days_per_purchase_
        return table.purchases.cast("float64") / days * float(horizon)

    def _churn(self, table: ir.Table, horizon: int) -> ir.Value:
        return (-self._expected(table, horizon)).exp()


BASELINES: Final = (BaseRate, RecencyRate, OverdueRate, PoissonRate)


def _last_horizon(orders: Orders, horizon_days: int) -> pd.DataFrame:
    origin = orders.as_of - dt.timedelta(days=horizon_days)
    earlier = orders.until(origin)  # bound to a name: it is counted while it lives
    then = earlier.history.customers
    found = orders.history.engine.row(then.aggregate(customers=then.count()))["customers"]
    if not found:
        raise NotEnoughHistoryError(
            f"At least one customer must have bought by {origin}, {horizon_days} days before "
            f"{orders.as_of}.",
            found="none",
            hint="pass a later origin or a shorter horizon_days.",
        )
    table = snapshots(
        orders, origins=[origin], horizon_days=horizon_days, sample=min(1.0, MOST_CUSTOMERS / found)
    )
    return as_pandas(table, "recency_days", "mean_gap_days", "churned")


def as_pandas(table: Any, *columns: str) -> pd.DataFrame:
    """Return columns of a result of any kind as pandas."""
    if kind_of(table) == "pandas":
        found: pd.DataFrame = table[list(columns)]
        return found
    opened = open_frame(table)
    return opened.engine.frame(opened.table.select(*columns))


def _rising(measure: Floats, churned: Floats) -> pd.DataFrame:
    """Return the share that churned by bins of a measure: smoothed, and rising with it."""
    import pandas as pd
    from sklearn.isotonic import IsotonicRegression

    bins = int(np.clip(len(measure) // CUSTOMERS_PER_BIN, 1, MOST_BINS))
    edges = np.quantile(measure, np.arange(1, bins + 1) / bins, method="inverted_cdf")
    edges = np.unique(edges)  # equal values share a bin
    place = np.searchsorted(edges, measure)
    size = np.bincount(place, minlength=len(edges))
    share = (np.bincount(place, weights=churned, minlength=len(edges)) + PRIOR) / (size + 2 * PRIOR)
    rising = IsotonicRegression().fit_transform(np.arange(len(edges)), share, sample_weight=size)
    return pd.DataFrame({"upto": edges, "customers": size, "churn_probability": rising})
