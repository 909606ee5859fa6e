"""Lifecycle: where each customer stands, and the main job, `segment`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import ibis
import numpy as np

from rfmkit import _checks as checks
from rfmkit.churn import ChurnCurve
from rfmkit.columns import LABELS, PHASES
from rfmkit.cycle import PurchaseCycle
from rfmkit.exceptions import NotEnoughHistoryError, NotFittedError, RfmkitError
from rfmkit.history.customers import over_customers
from rfmkit.orders.orders import Orders, as_orders
from rfmkit.segments._prospects import like_customers, listed_ids, prospect_table
from rfmkit.segments.rfm import SCORES, RFMScorer
from rfmkit.segments.thresholds import NEVER, Limit, Quantile, days_of

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

__all__ = ["Lifecycle", "segment"]


class Lifecycle:
    """Segments (new, repeat, dormant, fan) and phases (active, silent, lost) by stated limits.

    - **active** up to `silent_after`, **silent** up to `lost_after`, then **lost**; the limits
      are learned per order number, and a silence of exactly the limit is past it;
    - **dormant**: not active; **fan**: active, with `fan_purchases` or more and frequency and
      money in the top score (or named in `engagement`); **repeat**: active with two or more
      purchases, no fan; **new**: active with exactly one.

    Parameters
    ----------
    silent_after : int, Cycles, Quantile or Probability, default Quantile(0.8)
        Days, purchase cycles, a share of the returners, or a churn probability. The default is
        the silence after which four in five returners had returned.
    lost_after : int, Cycles, Quantile or Probability, default 365
        Likewise; never below `silent_after`.
    fan_purchases : int, default 3
        Purchases that a fan has at least.
    cycle : PurchaseCycle, optional
        A fitted cycle, for ``Cycles``; default: fitted on the same log.
    churn : ChurnCurve, optional
        A fitted curve, for the strata, ``Quantile`` and ``Probability``; default: likewise.
    scorer : RFMScorer, optional
        A fitted scorer; default: quintiles of the same customers.
    lang : {"en", "zh"}, default "en"
        Language of the labels.

    Attributes
    ----------
    boundaries_ : DataFrame
        `stratum, first_order_number, silent_after_days, lost_after_days`: the limits used.
    scorer_ : RFMScorer
        The scorer used.
    churn_ : ChurnCurve
        The curve used.

    See Also
    --------
    rfmkit.segment : the whole job in one call, prospects included.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> stages = rk.Lifecycle(lost_after=180).fit_transform(orders)
    >>> sorted(stages["phase"].unique())
    ['active', 'lost', 'silent']
    """

    def __init__(
        self,
        *,
        silent_after: Limit = Quantile(0.8),
        lost_after: Limit = 365,
        fan_purchases: int = 3,
        cycle: PurchaseCycle | None = None,
        churn: ChurnCurve | None = None,
        scorer: RFMScorer | None = None,
        lang: Literal["en", "zh"] = "en",
    ) -> None:
        self.silent_after = silent_after
        self.lost_after = lost_after
        self.fan_purchases = fan_purchases
        self.cycle = cycle
        self.churn = churn
        self.scorer = scorer
        self.lang = lang

    def fit(self, source: Any) -> Self:
        """Learn the limits and the scores.

        Parameters
        ----------
        source : Orders or DataFrame of customers
            A log; a frame of customers is enough where `churn` (and for ``Cycles`` also `cycle`)
            is given, fitted.

        Returns
        -------
        Lifecycle
            Itself, fitted.
        """
        checks.choice("lang", self.lang, LABELS)
        checks.whole("fan_purchases", self.fan_purchases)
        _insist_fitted(self.cycle, self.churn, self.scorer)
        curve = self.churn or ChurnCurve().fit(_log(source, "churn"))
        self.scorer_ = self.scorer or RFMScorer().fit(source)
        self.churn_ = curve
        self.boundaries_ = self._boundaries(curve, source)
        return self

    def transform(self, customers: Any, *, engagement: Any = None) -> Any:
        """Add segment and phase to customers.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log, or the frame of ``summarize`` in any kind.
        engagement : DataFrame or path, optional
            Customers who spread the word (reviews, shares, referrals), with their `customer_id`.
            While active, they are fans.

        Returns
        -------
        DataFrame
            The customers with the three scores of `scorer_`, `segment` and `phase`.
        """
        needs = ("customer_id", "purchases", "recency_days")
        return over_customers(
            customers, lambda table: self.stage_columns(table, engagement=engagement), needs=needs
        )

    def fit_transform(self, source: Any) -> Any:
        """Fit on a log or on customers, and transform them."""
        return self.fit(source).transform(source)

    def stage_columns(self, table: ir.Table, *, engagement: Any = None) -> ir.Table:
        """Add the columns of `transform` to a table of customers."""
        if not hasattr(self, "boundaries_"):
            raise NotFittedError("A Lifecycle is fitted before use.", hint=".fit(orders) first.")
        table = self.scorer_.score_columns(table)  # scores of another scorer say something else
        words = LABELS[self.lang]
        silent, lost = (self._limit(table, name) for name in ("silent_after", "lost_after"))
        phase = ibis.cases(
            (table.purchases < 1, ibis.null("string")),
            (table.recency_days < silent, "active"),
            (table.recency_days < lost, "silent"),
            else_="lost",
        )
        # Where all are equal there is no top: an edge is what lifts one above another.
        _, best_f, best_m = (
            len(edges) + 1 if len(edges) else 0 for edges in self.scorer_.edges_.values()
        )
        fan = (
            (table.purchases >= self.fan_purchases)
            & (table.frequency_score == best_f)
            & (table.monetary_score == best_m)
        )
        if engagement is not None:
            fan = fan | table.customer_id.cast("string").isin(listed_ids(engagement))
        segment_ = ibis.cases(
            (table.purchases < 1, words["prospect"]),
            (phase != "active", words["dormant"]),
            (fan, words["fan"]),
            (table.purchases > 1, words["repeat"]),
            else_=words["new"],
        )
        named = ibis.cases(*((phase == name, words[name]) for name in PHASES))
        return table.mutate(segment=segment_, phase=named)

    def _limit(self, table: ir.Table, name: str) -> ir.IntegerValue:
        rows = self.boundaries_[["first_order_number", f"{name}_days"]].itertuples(index=False)
        cases = [(table.purchases >= int(first), int(days)) for first, days in rows]
        return ibis.cases(*reversed(cases), else_=ibis.null("int64"))

    def _boundaries(self, curve: ChurnCurve, source: Any) -> pd.DataFrame:
        import pandas as pd

        def cycle() -> PurchaseCycle:
            return self.cycle or PurchaseCycle().fit(_log(source, "cycle"))

        silent = np.array(days_of(self.silent_after, curve, cycle))
        lost = np.array(days_of(self.lost_after, curve, cycle))
        # Where nobody ever returned, no silence tells more than the limit of loss.
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
        """Say where the limits lie."""
        limits = f"silent after {self.silent_after}, lost after {self.lost_after}"
        return f"<Lifecycle: {limits}{'' if hasattr(self, 'boundaries_') else '; not fitted'}>"


def segment(
    orders: Orders,
    *,
    cycle: PurchaseCycle | None = None,
    churn: ChurnCurve | None = None,
    scorer: RFMScorer | None = None,
    lifecycle: Lifecycle | None = None,
    prospects: Any = None,
    engagement: Any = None,
) -> Any:
    """Say of every customer where they stand: the main job, in one call.

    Parameters
    ----------
    orders : Orders
        The log, as of its day.
    cycle, churn, scorer, lifecycle : fitted objects, optional
        What to measure with; whatever is not given is fitted on this log with its defaults.
    prospects : DataFrame or path, optional
        A roster of people known to the shop, with their `customer_id`. Those without a purchase
        are prospects, as are those of the log whose orders were all set aside: never paid,
        cancelled, refunded in full, or not readable.
    engagement : DataFrame or path, optional
        Customers who spread the word, with their `customer_id`: fans while active.

    Returns
    -------
    DataFrame
        One row per customer and prospect, in the source's kind, ordered by `customer_id`:
        `segment, phase`, the columns of ``summarize``, the three scores, the customer's cycle and
        next date with its interval, `churn_probability` with its interval (see ``ChurnCurve``:
        default within 365 days of the last purchase), `ordered_unpaid`. What only a purchase can
        give is null for prospects.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> table = rk.segment(orders)
    >>> counts = table["segment"].value_counts()
    >>> int(counts.sum()) == len(table)
    True
    >>> int((table["segment"] != "prospect").sum()) == len(rk.summarize(orders))
    True
    """
    return as_orders(orders).history.deliver(
        segment_table(
            orders, cycle=cycle, churn=churn, scorer=scorer, lifecycle=lifecycle,
            prospects=prospects, engagement=engagement,
        ),
        order_by=("customer_id",),
    )  # fmt: skip


def segment_table(
    orders: Orders,
    *,
    cycle: PurchaseCycle | None = None,
    churn: ChurnCurve | None = None,
    scorer: RFMScorer | None = None,
    lifecycle: Lifecycle | None = None,
    prospects: Any = None,
    engagement: Any = None,
) -> ir.Table:
    """Give the table of `segment` as an expression that nothing has run yet."""
    customers = orders.history.customers
    people = prospect_table(orders, prospects)
    if not _rows(customers, orders):
        if people is None or not _rows(people, orders):
            raise NotEnoughHistoryError(
                "The log holds at least one customer.",
                found=f"nobody as of {orders.as_of}, in a log that begins on "
                f"{orders.history.facts['first_day']}",
                hint="see orders.audit for what was set aside and why, and orders.hidden.",
            )
        return _only_prospects(customers, people, lifecycle)
    _insist_fitted(cycle, churn, scorer)
    if lifecycle is not None and not isinstance(lifecycle, Lifecycle):
        raise RfmkitError("lifecycle is a Lifecycle.", found=repr(lifecycle))
    if scorer is not None and getattr(lifecycle, "scorer_", scorer) is not scorer:
        raise RfmkitError(
            "A fitted lifecycle brings its own scorer.",
            found="another one in scorer=",
            hint="leave scorer= out, or give it to Lifecycle(scorer=...) before the fit.",
        )
    churn = churn or _of(lifecycle, "churn") or ChurnCurve().fit(orders)
    cycle = cycle or _of(lifecycle, "cycle") or _cycle_or_none(orders)
    scorer = scorer or _of(lifecycle, "scorer") or RFMScorer().fit(orders)
    if lifecycle is None or not hasattr(lifecycle, "boundaries_"):
        given = {} if lifecycle is None else vars(lifecycle)
        given |= {"cycle": cycle, "churn": churn, "scorer": scorer}
        lifecycle = Lifecycle(**given).fit(orders)
    table = scorer.score_columns(customers)
    table = churn.churn_columns(cycle.cycle_columns(table) if cycle else _no_cycle(table))
    table = lifecycle.stage_columns(table, engagement=engagement)
    table = table.mutate(ordered_unpaid=table.unpaid_orders > 0)
    table = _front(table)
    if people is None:
        return table
    table = orders.history.engine.canonical(table)
    word = LABELS[lifecycle.lang]["prospect"]
    return ibis.union(table, like_customers(people, table, word))


def _of(lifecycle: Lifecycle | None, name: str) -> Any:
    """Give what a lifecycle was fitted with, so that applying it moves no fence."""
    return getattr(lifecycle, f"{name}_", None) or getattr(lifecycle, name, None)


def _front(table: ir.Table) -> ir.Table:
    first = ["customer_id", "segment", "phase"]
    return table.select(*first, *(name for name in table.columns if name not in first))


def _rows(table: ir.Table, orders: Orders) -> int:
    return int(orders.history.engine.row(table.aggregate(rows=table.count()))["rows"])


def _insist_fitted(cycle: Any, churn: Any, scorer: Any) -> None:
    checks.fitted("cycle", cycle, PurchaseCycle, "cycle_days_")
    checks.fitted("churn", churn, ChurnCurve, "curve_")
    checks.fitted("scorer", scorer, RFMScorer, "edges_")


def _only_prospects(customers: ir.Table, people: ir.Table, lifecycle: Lifecycle | None) -> ir.Table:
    scores = {name: ibis.null("int64") for name in SCORES}
    empty = _no_cycle(customers.mutate(**scores)).mutate(
        **{f"churn_{name}": ibis.null("float64") for name in ("probability", "lower", "upper")},
        segment=ibis.null("string"), phase=ibis.null("string"), ordered_unpaid=ibis.literal(True),  # noqa: FBT003
    )  # fmt: skip
    word = LABELS[lifecycle.lang if lifecycle else "en"]["prospect"]
    return like_customers(people, _front(empty), word)


def _cycle_or_none(orders: Orders) -> PurchaseCycle | None:
    """Where nobody has bought twice there is no cycle, and its columns are null."""
    import warnings

    from rfmkit.exceptions import RfmkitWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RfmkitWarning)  # who asks for the cycle is warned
        try:
            return PurchaseCycle().fit(orders)
        except NotEnoughHistoryError:
            return None


def _no_cycle(table: ir.Table) -> ir.Table:
    return table.mutate(
        cycle_days=ibis.null("float64"),
        expected_next_purchase=ibis.null("date"),
        next_purchase_from=ibis.null("date"),
        next_purchase_to=ibis.null("date"),
        overdue_ratio=ibis.null("float64"),
    )


def _log(source: Any, need: str) -> Orders:
    if isinstance(source, Orders):
        return source
    raise RfmkitError(
        "Limits are learned from a log.",
        found="a frame of customers, which holds no gaps",
        hint=f"fit on the orders, or pass {need}= a fitted object.",
    )
