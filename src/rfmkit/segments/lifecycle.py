"""Lifecycle: the segment and the phase of each customer, by thresholds of silence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self, overload

import ibis
import numpy as np

from rfmkit import _checks as checks
from rfmkit.churn import ChurnCurve
from rfmkit.columns import LABELS, PHASES
from rfmkit.cycle import PurchaseCycle
from rfmkit.exceptions import NotFittedError, RfmkitError
from rfmkit.history.customers import over_customers
from rfmkit.orders.orders import Orders
from rfmkit.segments._prospects import listed_ids
from rfmkit.segments.rfm import RFMScorer, score_columns
from rfmkit.segments.thresholds import NEVER, SilenceQuantile, Threshold, threshold_days

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from rfmkit._engine.frame_types import Frame

__all__ = ["Lang", "Lifecycle", "check_parts", "stage_columns"]

Lang = Literal["en", "zh"]


class Lifecycle:
    """A rule of segments (new, repeat, dormant, fan) and phases (active, silent, lost).

    - **active**: silent for fewer than `silent_after` days; **silent**: for fewer than
      `lost_after` days; **lost**: for `lost_after` days or more. The thresholds are learned per
      order number. At exactly `silent_after` days a customer is silent.
    - **dormant**: not active; **fan**: active, with `fan_purchases` purchases or more and the top
      score of frequency and of money (or named in `engagement`); **repeat**: active with two or
      more purchases, not a fan; **new**: active with exactly one purchase.

    Parameters
    ----------
    silent_after : int, PurchaseCycles, SilenceQuantile or ChurnProbability
        Days, purchase cycles, a share of the returners, or a churn probability. Default:
        ``SilenceQuantile(0.8)``, the silence after which 80 % of the returners had returned.
    lost_after : int, PurchaseCycles, SilenceQuantile or ChurnProbability, default 365
        As `silent_after`. Raised to `silent_after` where it is shorter.
    fan_purchases : int, default 3
        Smallest number of purchases of a fan.
    cycle : PurchaseCycle, optional
        A fitted cycle, for ``PurchaseCycles``. Default: fitted on the same log.
    churn : ChurnCurve, optional
        A fitted curve, for the strata, ``SilenceQuantile`` and ``ChurnProbability``. Default:
        fitted on the same log.
    scorer : RFMScorer, optional
        A fitted scorer. Default: quintiles of the same customers.
    lang : {"en", "zh"}, default "en"
        Language of the labels.

    Attributes
    ----------
    boundaries_ : DataFrame
        The thresholds used, one row per stratum: `stratum` (str), `first_order_number` (int64),
        `silent_after_days`, `lost_after_days` (int64, days).
    scorer_ : RFMScorer
        The scorer used.
    churn_ : ChurnCurve
        The curve used.

    See Also
    --------
    rfmkit.segment : the same with prospects, cycle and churn, in one call.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> lifecycle = rk.Lifecycle(lost_after=180).fit(orders)
    >>> lifecycle.boundaries_.head(3)
      stratum  first_order_number  silent_after_days  lost_after_days
    0       1                   1                124              180
    1       2                   2                 89              180
    2     3-4                   3                 80              180
    >>> stages = lifecycle.transform(orders)
    >>> stages[["customer_id", "recency_days", "purchases", "segment", "phase"]].head(3)
      customer_id  recency_days  purchases  segment   phase
    0     C000001           108          1      new  active
    1     C000002           288          1  dormant    lost
    2     C000003            14          5   repeat  active
    """

    def __init__(
        self,
        *,
        silent_after: Threshold = SilenceQuantile(0.8),
        lost_after: Threshold = 365,
        fan_purchases: int = 3,
        cycle: PurchaseCycle | None = None,
        churn: ChurnCurve | None = None,
        scorer: RFMScorer | None = None,
        lang: Lang = "en",
    ) -> None:
        self.silent_after = silent_after
        self.lost_after = lost_after
        self.fan_purchases = fan_purchases
        self.cycle = cycle
        self.churn = churn
        self.scorer = scorer
        self.lang = lang

    def fit(self, source: Any) -> Self:
        """Learn the thresholds of silence and the scores.

        Parameters
        ----------
        source : Orders or DataFrame of customers
            A log. A frame of customers suffices where a fitted `churn` was passed (for
            ``PurchaseCycles`` also a fitted `cycle`).

        Returns
        -------
        Lifecycle
            Itself, fitted.

        Raises
        ------
        RfmkitError
            An argument is wrong, or a frame of customers cannot replace a log.
        NotEnoughHistoryError
            The log has no purchase, or no cycle where ``PurchaseCycles`` needs one.
        """
        checks.choice("lang", self.lang, LABELS)
        checks.whole("fan_purchases", self.fan_purchases)
        check_parts(self.cycle, self.churn, self.scorer)
        curve = self.churn or ChurnCurve().fit(_log(source, "churn"))
        self.scorer_ = self.scorer or RFMScorer().fit(source)
        self.churn_ = curve
        self.boundaries_ = self._boundaries(curve, source)
        return self

    @overload
    def transform(self, customers: Orders[Frame], *, engagement: Any = None) -> Frame: ...

    @overload
    def transform(self, customers: Frame, *, engagement: Any = None) -> Frame: ...

    def transform(self, customers: Any, *, engagement: Any = None) -> Any:
        """Return customers with their scores, segment and phase.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log, or the frame of ``summarize`` in any kind.
        engagement : DataFrame or path, optional
            Customers who recommend the shop (reviews, shares, referrals), with their
            `customer_id`. While active, they are fans.

        Returns
        -------
        DataFrame
            The customers, in the input's kind and row order, with `recency_score`,
            `frequency_score`, `monetary_score` (int64) of `scorer_`, `segment` and `phase` (str).

        Raises
        ------
        NotFittedError
            It has not been fitted.
        ColumnsError
            The frame lacks a column.

        Examples
        --------
        >>> import rfmkit as rk
        >>> orders = rk.read_orders(rk.load_sample())
        >>> stages = rk.Lifecycle().fit(orders).transform(orders)
        >>> stages.groupby(["phase", "segment"])["customer_id"].count().head(3)
        phase   segment
        active  fan         68
                new        125
                repeat     242
        Name: customer_id, dtype: int64
        """
        needs = ("customer_id", "purchases", "recency_days")
        return over_customers(
            customers, lambda table: stage_columns(self, table, engagement=engagement), needs=needs
        )

    @overload
    def fit_transform(self, source: Orders[Frame]) -> Frame: ...

    @overload
    def fit_transform(self, source: Frame) -> Frame: ...

    def fit_transform(self, source: Any) -> Any:
        """Return ``fit(source).transform(source)``.

        Parameters
        ----------
        source : Orders or DataFrame of customers
            See ``fit``.

        Returns
        -------
        DataFrame
            See ``transform``.

        Examples
        --------
        >>> import rfmkit as rk
        >>> orders = rk.read_orders(rk.load_sample())
        >>> stages = rk.Lifecycle(silent_after=60).fit_transform(orders)
        >>> stages["phase"].value_counts()
        phase
        silent    466
        active    371
        lost      303
        Name: count, dtype: int64
        """
        return self.fit(source).transform(source)

    def _boundaries(self, curve: ChurnCurve, source: Any) -> pd.DataFrame:
        import pandas as pd

        def cycle() -> PurchaseCycle:
            return self.cycle or PurchaseCycle().fit(_log(source, "cycle"))

        silent = np.array(threshold_days(self.silent_after, curve, cycle))
        lost = np.array(threshold_days(self.lost_after, curve, cycle))
        # Where nobody ever returned, no silence separates active from silent customers.
        silent = np.where(silent == NEVER, lost, silent)
        lost = np.maximum(lost, silent)
        return pd.DataFrame(
            {
                "stratum": curve.strata_["stratum"],
                "first_order_number": curve.strata_["first_order_number"],
                "silent_after_days": silent,
                "lost_after_days": lost,
            }
        )

    def __repr__(self) -> str:
        """Return the thresholds, as days where they were learned, and the next call."""
        if not hasattr(self, "boundaries_"):
            silent, lost = (
                f"{given} days" if isinstance(given, int) else given
                for given in (self.silent_after, self.lost_after)
            )
            return (
                f"<Lifecycle: silent after {silent}, lost after {lost}; not fitted. "
                "Next: .fit(orders)>"
            )
        silent, lost = (
            _range_of_days(self.boundaries_[name])
            for name in ("silent_after_days", "lost_after_days")
        )
        return (
            f"<Lifecycle: silent after {silent}, lost after {lost}. Next: .transform(orders), or "
            "rk.segment(orders, lifecycle=...)>"
        )


def check_parts(cycle: Any, churn: Any, scorer: Any) -> None:
    """Check that the parts of a lifecycle that were passed are fitted objects of their class."""
    checks.fitted("cycle", cycle, PurchaseCycle, "cycle_days_")
    checks.fitted("churn", churn, ChurnCurve, "curve_")
    checks.fitted("scorer", scorer, RFMScorer, "edges_")


def stage_columns(
    lifecycle: Lifecycle, table: ir.Table, *, engagement: Any = None, lang: Lang | None = None
) -> ir.Table:
    """Return a table of customers with the columns of `Lifecycle.transform`.

    Customers are scored here, by the lifecycle's own scorer, and nowhere else in `segment`.
    """
    if not hasattr(lifecycle, "boundaries_"):
        raise NotFittedError(
            "A Lifecycle must be fitted before it is used.",
            found="a Lifecycle that has not been fitted",
            hint="call .fit(orders) first.",
        )
    scorer = lifecycle.scorer_
    table = score_columns(scorer, table)
    words = LABELS[lang or lifecycle.lang]
    silent, lost = (
        _threshold(lifecycle.boundaries_, table.purchases, f"{name}_days")
        for name in ("silent_after", "lost_after")
    )
    phase = ibis.cases(
        (table.purchases < 1, ibis.null("string")),
        (table.recency_days < silent, "active"),
        (table.recency_days < lost, "silent"),
        else_="lost",
    )
    # Without an edge all customers have one score: nobody is on top, and 0 matches no score.
    _, best_f, best_m = (len(edges) + 1 if len(edges) else 0 for edges in scorer.edges_.values())
    fan = (
        (table.purchases >= lifecycle.fan_purchases)
        & (table.frequency_score == best_f)
        & (table.monetary_score == best_m)
    )
    if engagement is not None:
        fan = fan | table.customer_id.cast("string").isin(listed_ids(engagement))
    segment = ibis.cases(
        (table.purchases < 1, words["prospect"]),
        (phase != "active", words["dormant"]),
        (fan, words["fan"]),
        (table.purchases > 1, words["repeat"]),
        else_=words["new"],
    )
    named = ibis.cases(*((phase == name, words[name]) for name in PHASES))
    return table.mutate(segment=segment, phase=named)


def _threshold(boundaries: pd.DataFrame, purchases: ir.IntegerValue, name: str) -> ir.IntegerValue:
    """Return the threshold of each customer's stratum, in days."""
    rows = boundaries[["first_order_number", name]].itertuples(index=False)
    cases = [(purchases >= int(first), int(days)) for first, days in rows]
    return ibis.cases(*reversed(cases), else_=ibis.null("int64"))


def _range_of_days(days: pd.Series[int]) -> str:
    low, high = int(days.min()), int(days.max())
    if low == NEVER:
        return "no silence"
    return f"{low} days" if low == high else f"{low} to {high if high < NEVER else 'endless'} days"


def _log(source: Any, need: str) -> Orders:
    if isinstance(source, Orders):
        return source
    raise RfmkitError(
        "Thresholds of silence must be learned from a log.",
        found="a frame of customers, which has no gaps between purchases",
        hint=f"fit on the orders, or pass a fitted object as {need}=.",
    )
