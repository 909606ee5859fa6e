"""PurchaseCycle: how long between purchases, with the silences counted in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, Self

import ibis
import numpy as np

from rfmkit import checks
from rfmkit.exceptions import NotEnoughHistoryError, NotFittedError, warn
from rfmkit.history import (
    customer_table,
    days_between,
    gap_table,
    in_sample,
    over_customers,
    purchases,
)
from rfmkit.orders import as_orders
from rfmkit.survival import from_frame

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd
    from numpy.typing import NDArray

    from rfmkit.orders import Orders

    Floats = NDArray[np.float64]

Method = Literal["kaplan_meier", "median", "mean", "quantile", "normal", "lognormal", "gamma"]
METHODS: Final[dict[str, str]] = {
    "kaplan_meier": "median gap of those who return, open silences counted in",
    "median": "median of the ended gaps: biased low by the window",
    "mean": "mean of the ended gaps: biased low by the window",
    "quantile": "the q quantile of the ended gaps",
    "normal": "expectation of a normal fitted to the customers' mean gaps",
    "lognormal": "median of a lognormal fitted to the ended gaps",
    "gamma": "median of an Erlang-k with the mean of the ended gaps, k by Wheat and Morrison",
}
SHORT_WINDOW: Final = 3
REGULARITY_SAMPLE: Final = 100_000
HALF: Final = 0.5


class PurchaseCycle:
    """The usual time between purchases, of the shop and of each customer.

    The default counts the silences that are still open: naive means and medians of the ended
    gaps are too short, since a window cuts off the long ones.

    Parameters
    ----------
    method : str, default "kaplan_meier"
        Which row of `summary_` is the cycle: ``"kaplan_meier"``, ``"median"``, ``"mean"``,
        ``"quantile"``, ``"normal"``, ``"lognormal"`` or ``"gamma"``.
    q : float, default 0.8
        The quantile of ``method="quantile"``.

    Attributes
    ----------
    cycle_days_ : float
        The cycle, in days.
    never_share_ : float
        Share of purchases that no other ever follows; beyond the data by the tail of the curve.
    regularity_ : float
        Wheat-Morrison k: 1 is random timing, higher is more regular; nan under two customers.
    strength_ : float
        How many gaps of a customer's own weigh as much as the shop's cycle.
    summary_ : DataFrame
        All methods side by side: `method, cycle_days, gaps, window_days, open_share, note`.

    Notes
    -----
    Regularity (Wheat and Morrison 1990, "Estimating purchase regularity with two interpurchase
    times", J. Marketing Research 27): with M = g1 / (g1 + g2) of a customer's last two gaps,
    k = (1 - 4 v) / (8 v), v = E[(M - 1/2)^2].

    A customer's own cycle is the posterior mean of a gamma-gamma model, (s + w c) / (n + w): the
    sum s of n own gaps, the shop's cycle c, and the weight w (`strength_`) by maximum likelihood
    of the marginal distribution of s given n (Fader and Hardie 2013, "The Gamma-Gamma model of
    monetary value", eq. 1a, with gaps in the place of spend). A one-time buyer borrows c whole.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> cycle = rk.PurchaseCycle().fit(orders)
    >>> naive = cycle.summary_.set_index("method")["cycle_days"]
    >>> bool(naive["median"] < cycle.cycle_days_)
    True
    >>> due = cycle.transform(rk.summarize(orders))
    >>> list(due.columns[-3:])
    ['cycle_days', 'expected_next_purchase', 'overdue_ratio']
    """

    def __init__(self, method: Method = "kaplan_meier", *, q: float = 0.8) -> None:
        self.method = method
        self.q = q

    def fit(self, orders: Orders) -> Self:
        """Estimate the cycle by every method.

        Parameters
        ----------
        orders : Orders
            The log, as of its day.

        Returns
        -------
        PurchaseCycle
            Itself, fitted.

        Raises
        ------
        NotEnoughHistoryError
            Nobody has bought twice.

        Warns
        -----
        RfmkitWarning
            The log spans less than three cycles, so that long gaps cannot be seen.
        """
        checks.choice("method", self.method, METHODS)
        checks.number("q", self.q, above=0, below=1)
        gaps = as_orders(orders).engine.frame(gap_table(orders))
        ended = gaps[gaps["returned"]]
        if not len(ended):
            raise NotEnoughHistoryError(
                "Somebody has bought twice.",
                found=f"{int(gaps['gaps'].sum())} purchases by as many customers",
                hint="a longer log, or same_day='keep' where one day holds several purchases.",
            )
        survival = from_frame(gaps)
        pairs = _compressed(orders)
        self.regularity_ = wheat_morrison(*_last_two(orders))
        values = {
            "kaplan_meier": float(survival.returned_within(0.5)),
            **_of_ended(ended, self.q),
            **_of_means(pairs),
        }
        values["gamma"] = _erlang_median(values["mean"], self.regularity_)
        self.cycle_days_ = values[self.method]
        self.never_share_ = survival.never
        self.strength_ = shrinkage_strength(pairs, self.regularity_)
        self.summary_ = _summary(values, gaps, orders)
        is_normal = self.summary_["method"] == "normal"
        self.summary_.loc[is_normal, "note"] += f"; {_normal_fit(pairs)}"
        self._warn()
        return self

    def _warn(self) -> None:
        window = int(self.summary_["window_days"].iloc[0])
        if window < SHORT_WINDOW * self.cycle_days_:
            warn(
                f"The log spans {window} days, under {SHORT_WINDOW} cycles of "
                f"{self.cycle_days_:.0f} days: longer gaps cannot be seen, and the cycle may be "
                "too short.",
                hint="give a longer log; for durable goods a purchase cycle is not meaningful.",
            )

    def transform(self, customers: Any) -> Any:
        """Add each customer's own cycle, next date and overdue ratio.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log, or the frame of ``summarize`` in any kind.

        Returns
        -------
        DataFrame
            The customers with `cycle_days` (days), `expected_next_purchase` (date, may be past)
            and `overdue_ratio` (recency_days / cycle_days).
        """
        needs = ("customer_id", "repeat_purchases", "active_days", "recency_days", "last_purchase")
        return over_customers(customers, self.cycle_columns, needs=needs)

    def fit_transform(self, orders: Orders) -> Any:
        """Fit on a log and transform its customers."""
        return self.fit(orders).transform(orders)

    def cycle_columns(self, table: ir.Table) -> ir.Table:
        """Add the columns of `transform` to a table of customers."""
        if not hasattr(self, "cycle_days_"):
            raise NotFittedError(
                "A PurchaseCycle is fitted before use.", hint=".fit(orders) first."
            )
        shop, weight = self.cycle_days_, self.strength_
        own = (table.active_days.cast("float64") + weight * shop) / (
            table.repeat_purchases.cast("float64") + weight
        )
        table = table.mutate(
            cycle_days=table.last_purchase.isnull().ifelse(ibis.null("float64"), own)
        )
        wait = table.cycle_days.round().cast("int64").as_interval("D")
        due = table.last_purchase.cast("date") + wait
        return table.mutate(
            # A date plus an interval is a timestamp on some engines, whatever Ibis calls it.
            expected_next_purchase=due.cast("timestamp").cast("date"),
            overdue_ratio=table.recency_days.cast("float64") / table.cycle_days.nullif(0),
        )

    def __repr__(self) -> str:
        """Say which cycle, and on how much it was fitted."""
        if not hasattr(self, "cycle_days_"):
            return f"<PurchaseCycle: {self.method}; not fitted>"
        gaps = int(self.summary_["gaps"].iloc[0])
        return f"<PurchaseCycle: {self.cycle_days_:.1f} days by {self.method} from {gaps:,} gaps>"


def wheat_morrison(first: Floats, second: Floats, weight: Floats) -> float:
    """Estimate regularity k from pairs of gaps; the order of the two does not matter.

    >>> import numpy as np
    >>> round(wheat_morrison(np.array([10., 20.]), np.array([30., 20.]), np.ones(2)), 2)
    3.5
    """
    if weight.sum() < 2:  # noqa: PLR2004 (two pairs, for a variance)
        return float("nan")
    spread = np.average((first / (first + second) - 0.5) ** 2, weights=weight)
    return float((1 - 4 * spread) / (8 * spread)) if spread > 0 else float("inf")


def shrinkage_strength(pairs: pd.DataFrame, regularity: float) -> float:
    """Estimate how many gaps the shop's cycle is worth, by the gamma-gamma marginal likelihood.

    Gaps are Gamma(k, k / m) with mean m, and 1 / m is Gamma over customers with shape w k + 1 and
    mean 1 / c; then E[m | n gaps of sum s] = (s + w c) / (n + w). Maximised over w and c.
    """
    from scipy.optimize import minimize
    from scipy.special import gammaln

    pairs = pairs[(pairs["repeat_purchases"] > 0) & (pairs["active_days"] > 0)]
    count, total, weight = (
        pairs[name].to_numpy(dtype=float)
        for name in ("repeat_purchases", "active_days", "customers")
    )
    k = float(np.clip(np.nan_to_num(regularity, nan=1.0, posinf=50.0), 0.5, 50.0))
    if weight.sum() < 2:  # noqa: PLR2004
        return 1.0
    centre = float((weight * total).sum() / (weight * count).sum())

    def loss(logs: Floats) -> float:
        shape, scale = np.exp(logs[0]) * k + 1, np.exp(logs[0] + logs[1]) * k * centre
        n, s = k * count, k * total
        value = (
            gammaln(shape + n) - gammaln(shape)
            + shape * np.log(scale / (scale + s)) - n * np.log(scale + s)
        )  # fmt: skip
        return -float((weight * value).sum() / weight.sum())

    found = minimize(loss, np.zeros(2), method="L-BFGS-B", bounds=[(-5, 8), (-5, 5)])
    return float(np.exp(found.x[0]))


def _compressed(orders: Orders) -> pd.DataFrame:
    """Count customers by (repeat_purchases, active_days): all that the models need."""
    table = customer_table(orders)
    counted = table.group_by("repeat_purchases", "active_days").agg(customers=table.count())
    return orders.engine.frame(counted.order_by("repeat_purchases", "active_days"))


def _last_two(orders: Orders) -> tuple[Floats, Floats, Floats]:
    pairs = orders.engine.frame(two_last_gaps(orders))
    first, second, weight = (
        pairs[name].to_numpy(dtype=float) for name in ("gap_before", "last_gap", "customers")
    )
    return first, second, weight


def two_last_gaps(orders: Orders) -> ir.Table:
    """Count customers by their last two gaps, for regularity.

    Of more than 100,000 customers with three purchases so many are sampled, by hash: regularity
    is then known to its third digit, at a tenth of the cost.
    """
    often = customer_table(orders).filter(lambda t: t.purchases >= 3)  # noqa: PLR2004
    found = orders.engine.row(often.aggregate(customers=often.count()))["customers"]
    if found > REGULARITY_SAMPLE:
        often = often.filter(in_sample(often.customer_id, REGULARITY_SAMPLE / found))
    # The last gap is known of the customer; the one before began two purchases before the last.
    often = often.select(
        "customer_id", "last_gap_days", purchase_number=(often.purchases - 2).cast("int32")
    )
    pairs = purchases(orders).inner_join(often, ["customer_id", "purchase_number"])
    # Of several orders of a purchase the last one begins the gap, and is the only one to have one.
    pairs = pairs.group_by("customer_id").agg(
        gap_before=days_between(pairs.day, pairs.next_day).max(),
        last_gap=pairs.last_gap_days.max(),
    )
    pairs = pairs.filter(pairs.gap_before + pairs.last_gap > 0)
    counted = pairs.group_by("gap_before", "last_gap").agg(customers=pairs.count())
    return counted.order_by("gap_before", "last_gap")


def _of_ended(ended: pd.DataFrame, q: float) -> dict[str, float]:
    counted = ended.groupby("gap_days")["gaps"].sum()
    days, weight = counted.index.to_numpy(dtype=float), counted.to_numpy(dtype=float)
    share = weight.cumsum() / weight.sum()
    logs = np.log(np.maximum(days, 0.5))
    return {
        "median": float(days[np.argmax(share >= HALF)]),
        "mean": float(np.average(days, weights=weight)),
        "quantile": float(days[np.argmax(share >= q)]),
        "lognormal": float(np.exp(np.average(logs, weights=weight))),
    }


def _of_means(pairs: pd.DataFrame) -> dict[str, float]:
    twice = pairs[pairs["repeat_purchases"] > 0]
    means = twice["active_days"] / twice["repeat_purchases"]
    return {"normal": float(np.average(means, weights=twice["customers"]))}


def _normal_fit(pairs: pd.DataFrame) -> str:
    """Check the normal on the customers' mean gaps by its skewness."""
    twice = pairs[pairs["repeat_purchases"] > 0]
    means, weights = twice["active_days"] / twice["repeat_purchases"], twice["customers"]
    apart = means - np.average(means, weights=weights)
    spread = np.sqrt(np.average(apart**2, weights=weights))
    if not spread:
        return "all mean gaps are equal"
    skewness = np.average((apart / spread) ** 3, weights=weights)
    return f"skewness {skewness:.1f}, where a normal has 0"


def _erlang_median(mean: float, regularity: float) -> float:
    from scipy.stats import gamma

    if not np.isfinite(regularity):
        return mean
    k = max(1, round(regularity))
    return float(gamma.median(k, scale=mean / k))


def _summary(values: dict[str, float], gaps: pd.DataFrame, orders: Orders) -> pd.DataFrame:
    import pandas as pd

    window = (orders.as_of - orders.facts["first_day"]).days
    total, opened = int(gaps["gaps"].sum()), int(gaps.loc[~gaps["returned"], "gaps"].sum())
    return pd.DataFrame(
        {
            "method": list(METHODS),
            "cycle_days": [values[method] for method in METHODS],
            "gaps": total,
            "window_days": window,
            "open_share": opened / total,
            "note": list(METHODS.values()),
        }
    )
