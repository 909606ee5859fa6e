"""Baselines: what a model of churn must beat. Each learns from the past only, as a model does.

They keep the protocol of every model: ``fit(orders)``, ``predict_churn(orders, horizon_days=)``.
What they learn are outcomes of the last horizon that is complete: of the customers as they stood
`horizon_days` before `orders.as_of`, who bought until then?
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import ibis
import numpy as np

from rfmkit import _checks as checks
from rfmkit._engine import kind_of, open_frame
from rfmkit.cycle import PurchaseCycle
from rfmkit.exceptions import NotEnoughHistoryError, NotFittedError, RfmkitError
from rfmkit.history.customers import over_customers
from rfmkit.history.snapshots import snapshots
from rfmkit.orders.orders import as_orders

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd
    from numpy.typing import NDArray

    from rfmkit.orders.orders import Orders

    Floats = NDArray[np.float64]

ENOUGH: Final = 200_000
"""Of more customers so many are learnt from, chosen by a hash of their id."""
MOST_BINS: Final = 50
IN_A_BIN: Final = 50
PRIOR: Final = 0.5
"""Jeffreys's prior of a share: half a customer of each kind."""
SHORTEST: Final = 1.0
"""A gap of less than a day is taken for one, in days."""


class BaseRate:
    """Everybody churns with one probability: the share that did in the last complete horizon.

    Parameters
    ----------
    horizon_days : int, default 365
        The horizon, in days; the outcomes it learns from are of this horizon only.

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
    >>> churn = model.predict_churn(orders)["churn_probability"]
    >>> bool((churn == model.rate_).all())
    True
    """

    name: ClassVar = "base rate"
    needs: ClassVar[tuple[str, ...]] = ()

    def __init__(self, horizon_days: int = 365) -> None:
        self.horizon_days = horizon_days

    def fit(self, orders: Orders) -> Self:
        """Learn from the log.

        Raises
        ------
        NotEnoughHistoryError
            Nobody had bought by `horizon_days` before `orders.as_of`.
        """
        self._learn(self._past(as_orders(orders)), orders)
        return self

    def _past(self, orders: Orders) -> pd.DataFrame:
        """Give the customers of the last complete horizon, with what they did in it."""
        horizon = checks.horizon(self.horizon_days)
        # The baselines learn from the same table: it is made once for a log.
        found: pd.DataFrame = orders.history.once(
            f"customers {horizon} days ago", lambda: _last_horizon(orders, horizon)
        )
        return found

    def _learn(self, past: pd.DataFrame, orders: Orders) -> None:  # noqa: ARG002 (of others)
        self.rate_ = float(past["churned"].mean())

    def predict_churn(self, customers: Any, *, horizon_days: int | None = None) -> Any:
        """Give each customer's probability of no purchase within the horizon.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log, or the frame of ``summarize`` in any kind.
        horizon_days : int, optional
            The model's own, unless the model can foretell others.

        Returns
        -------
        DataFrame
            `customer_id, churn_probability`, in the input's kind and row order.

        Raises
        ------
        RfmkitError
            Another horizon than the one it has learnt.
        """
        horizon = self._horizon(horizon_days)
        return self._columns(customers, "churn_probability", lambda t: self._churn(t, horizon))

    def _columns(self, customers: Any, name: str, value: Any) -> Any:
        def expression(table: ir.Table) -> ir.Table:
            kept = [kept for kept in ("customer_id", "rfmkit_row") if kept in table.columns]
            return table.select(*kept, **{name: value(table)})

        return over_customers(customers, expression, needs=("customer_id", *self.needs))

    def _horizon(self, horizon_days: int | None) -> int:
        if not any(name.endswith("_") for name in vars(self)):
            name = type(self).__name__
            raise NotFittedError(f"A {name} is fitted before use.", hint=".fit(orders) first.")
        horizon = self.horizon_days if horizon_days is None else horizon_days
        if horizon != self.horizon_days:
            raise RfmkitError(
                "The horizon is the one that outcomes were learnt of.",
                found=f"horizon_days={horizon!r} after {self.horizon_days}",
                hint=f"fit {type(self).__name__}(horizon_days={horizon!r}).",
            )
        return horizon

    def _churn(self, table: ir.Table, horizon: int) -> ir.Value:  # noqa: ARG002 (of others)
        return ibis.literal(self.rate_, "float64")

    def __repr__(self) -> str:
        """Say what it is."""
        return f"<{type(self).__name__}: {self.name}, within {self.horizon_days} days>"


class RecencyRate(BaseRate):
    """Churn by days since the last purchase, as it was in the last complete horizon.

    Customers are put into bins of equal size by their silence, the shares that churned are
    smoothed by half a customer of each kind, and made to rise with the silence (isotonic
    regression, by scikit-learn).

    Parameters
    ----------
    horizon_days : int, default 365
        The horizon, in days.

    Attributes
    ----------
    bins_ : DataFrame
        `upto` (of the silence, included), `customers`, `churn_probability`.
    """

    name: ClassVar = "recency"
    needs: ClassVar[tuple[str, ...]] = ("recency_days",)

    def _learn(self, past: pd.DataFrame, orders: Orders) -> None:
        self._prepare(orders)
        self.bins_ = _rising(self._of_frame(past), past["churned"].to_numpy(dtype=float))

    def _prepare(self, orders: Orders) -> None:
        """Learn what the measure needs beside the customer: here, nothing."""

    def _of_frame(self, past: pd.DataFrame) -> Floats:
        engine = open_frame(past)
        found = engine.engine.frame(engine.table.select(measure=self._measure(engine.table)))
        return found["measure"].to_numpy(dtype=float)

    def _measure(self, table: ir.Table) -> ir.Value:
        return table.recency_days.cast("float64")

    def _churn(self, table: ir.Table, horizon: int) -> ir.Value:  # noqa: ARG002 (learnt)
        measure = self._measure(table)
        upto, chances = (self.bins_[name].tolist() for name in ("upto", "churn_probability"))
        last = ibis.literal(chances[-1], "float64")
        steps = [(measure <= edge, p) for edge, p in zip(upto[:-1], chances[:-1], strict=True)]
        return ibis.cases(*steps, else_=last) if steps else last


class OverdueRate(RecencyRate):
    """Churn by silence in own cycles: days since the last purchase over the mean gap.

    A customer's own mean gap where there is one; the shop's cycle (`PurchaseCycle`) for those
    who have bought once.

    Parameters
    ----------
    horizon_days : int, default 365
        The horizon, in days.

    Attributes
    ----------
    bins_ : DataFrame
        `upto` (of the ratio, included), `customers`, `churn_probability`.
    cycle_days_ : float
        The shop's cycle.
    """

    name: ClassVar = "recency / own gap"
    needs: ClassVar = ("recency_days", "mean_gap_days")

    def _prepare(self, orders: Orders) -> None:
        self.cycle_days_ = max(float(PurchaseCycle().fit(orders).cycle_days_), SHORTEST)

    def _measure(self, table: ir.Table) -> ir.Value:
        own = table.mean_gap_days.cast("float64").fill_null(self.cycle_days_)
        return table.recency_days.cast("float64") / ibis.greatest(own, SHORTEST)


class PoissonRate(BaseRate):
    """Purchases at random times, at a customer's own rate, and nobody ever leaves.

    P(no purchase in H days) = exp(-rate H), with rate = purchases / (tenure_days + d), where d is
    the shop's mean days between purchases (tenure of all over repeat purchases of all): one gap
    of the shop's length before the first purchase. It keeps the rate of who has just come from
    being infinite.

    Parameters
    ----------
    horizon_days : int, default 365
        The horizon, in days; any other may be asked of the same fit.

    Attributes
    ----------
    days_per_purchase_ : float
        d, in days.
    """

    name: ClassVar = "rate x horizon"
    needs: ClassVar = ("purchases", "tenure_days")

    def fit(self, orders: Orders) -> Self:
        """Learn the shop's rate from its customers.

        Raises
        ------
        NotEnoughHistoryError
            Nobody has come back, or no time has passed.
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
                "Somebody has come back on a later day.",
                found=f"{sums['repeats']:,} repeat purchases as of {orders.as_of}",
                hint="take a later origin or a longer log.",
            )
        self.days_per_purchase_ = float(sums["days"] / sums["repeats"])
        return self

    def _horizon(self, horizon_days: int | None) -> int:
        super()._horizon(None)
        horizon = self.horizon_days if horizon_days is None else horizon_days
        return checks.horizon(horizon)

    def predict_purchases(self, customers: Any, *, horizon_days: int | None = None) -> Any:
        """Give each customer's expected number of purchases within the horizon: rate x horizon.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log, or the frame of ``summarize`` in any kind.
        horizon_days : int, optional
            Another horizon than the model's own.

        Returns
        -------
        DataFrame
            `customer_id, expected_purchases`, in the input's kind and row order.
        """
        horizon = self._horizon(horizon_days)
        return self._columns(
            customers, "expected_purchases", lambda table: self._expected(table, horizon)
        )

    def _expected(self, table: ir.Table, horizon: int) -> ir.FloatingValue:
        days = table.tenure_days.cast("float64") + self.days_per_purchase_
        return table.purchases.cast("float64") / days * float(horizon)

    def _churn(self, table: ir.Table, horizon: int) -> ir.Value:
        return (-self._expected(table, horizon)).exp()


BASELINES: Final = (BaseRate, RecencyRate, OverdueRate, PoissonRate)


def _last_horizon(orders: Orders, horizon_days: int) -> pd.DataFrame:
    origin = orders.as_of - dt.timedelta(days=horizon_days)
    earlier = orders.until(origin)  # kept until it is counted
    then = earlier.history.customers
    found = orders.history.engine.row(then.aggregate(customers=then.count()))["customers"]
    if not found:
        raise NotEnoughHistoryError(
            f"Somebody has bought by {origin}, {horizon_days} days before {orders.as_of}.",
            found="nobody",
            hint="take a later origin or a shorter horizon_days.",
        )
    table = snapshots(
        orders, origins=[origin], horizon_days=horizon_days, sample=min(1.0, ENOUGH / found)
    )
    return as_pandas(table, "recency_days", "mean_gap_days", "churned")


def as_pandas(table: Any, *columns: str) -> pd.DataFrame:
    """Bring columns of a result of any kind here."""
    if kind_of(table) == "pandas":
        found: pd.DataFrame = table[list(columns)]
        return found
    opened = open_frame(table)
    return opened.engine.frame(opened.table.select(*columns))


def _rising(measure: Floats, churned: Floats) -> pd.DataFrame:
    """Give the share that churned by bins of a measure, smoothed, and rising with it."""
    import pandas as pd
    from sklearn.isotonic import IsotonicRegression

    bins = int(np.clip(len(measure) // IN_A_BIN, 1, MOST_BINS))
    edges = np.quantile(measure, np.arange(1, bins + 1) / bins, method="inverted_cdf")
    edges = np.unique(edges)  # equal values share a bin
    place = np.searchsorted(edges, measure)
    size = np.bincount(place, minlength=len(edges))
    share = (np.bincount(place, weights=churned, minlength=len(edges)) + PRIOR) / (size + 2 * PRIOR)
    rising = IsotonicRegression().fit_transform(np.arange(len(edges)), share, sample_weight=size)
    return pd.DataFrame({"upto": edges, "customers": size, "churn_probability": rising})
