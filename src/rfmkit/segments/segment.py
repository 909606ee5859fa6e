"""Segment: the table of all customers and prospects, with all measures of the library."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import ibis

from rfmkit import _checks as checks
from rfmkit.churn.curve import churn_columns
from rfmkit.columns import LABELS
from rfmkit.cycle import PurchaseCycle
from rfmkit.cycle.purchase_cycle import cycle_columns
from rfmkit.exceptions import (
    NotEnoughHistoryError,
    RfmkitError,
    RfmkitWarning,
    kind_in_words,
    warn,
)
from rfmkit.orders.orders import as_orders
from rfmkit.segments._prospects import like_customers, prospect_table
from rfmkit.segments.lifecycle import Lifecycle, check_parts, stage_columns
from rfmkit.segments.rfm import SCORES

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from rfmkit._engine.frame_types import Frame
    from rfmkit.churn import ChurnCurve
    from rfmkit.orders.orders import Orders
    from rfmkit.segments.lifecycle import Lang
    from rfmkit.segments.rfm import RFMScorer

__all__ = ["segment", "segment_table"]

FIRST = ("customer_id", "segment", "phase")
"""The columns that a reader looks for first."""


def segment(
    orders: Orders[Frame],
    *,
    cycle: PurchaseCycle | None = None,
    churn: ChurnCurve | None = None,
    scorer: RFMScorer | None = None,
    lifecycle: Lifecycle | None = None,
    prospects: Any = None,
    engagement: Any = None,
    lang: Lang | None = None,
) -> Frame:
    """Return one row per customer and prospect: segment, phase, scores, cycle and churn.

    Parameters
    ----------
    orders : Orders
        The log, as of its day.
    cycle, churn, scorer, lifecycle : fitted objects, optional
        The fitted objects to use. Each one left out is taken from `lifecycle`, or else fitted on
        this log with its defaults.
    prospects : DataFrame or path, optional
        A roster of people known to the shop, with their `customer_id` (or the e-mail address,
        where the log has addresses for ids). Those without a purchase are prospects. So are those
        of the log whose orders were all set aside: never paid, cancelled, refunded in full, or
        not readable.
    engagement : DataFrame or path, optional
        Customers who recommend the shop, with their `customer_id`: fans while active.
    lang : {"en", "zh"}, optional
        Language of `segment` and `phase`. Default: that of `lifecycle`, which is "en".

    Returns
    -------
    DataFrame
        In the source's kind, ordered by `customer_id`:

        - `segment`, `phase` (str; see ``Lifecycle``);
        - the columns of ``summarize``;
        - `recency_score`, `frequency_score`, `monetary_score` (int64, the highest is best);
        - `cycle_days` (float64, days), `expected_next_purchase`, `next_purchase_from`,
          `next_purchase_to` (dates), `overdue_ratio` (float64, recency in cycles);
        - `churn_probability`, `churn_lower`, `churn_upper` (float64, 0 to 1; see ``ChurnCurve``:
          by default no purchase within 365 days of the last one);
        - `ordered_unpaid` (bool).

        What is computed from purchases is null for prospects; their counts and money are 0.

    Raises
    ------
    NotEnoughHistoryError
        There is no customer and no prospect.
    NotFittedError
        An object that was passed has not been fitted.
    RfmkitError
        An argument is wrong.

    See Also
    --------
    rfmkit.playbook : what to do for each segment.
    rfmkit.lifecycle_matrix, rfmkit.lifecycle_grid : counts of customers by two measures.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> segments = rk.segment(orders)
    >>> segments[["customer_id", "segment", "phase", "purchases", "spend"]].head(3)
      customer_id  segment   phase  purchases   spend
    0     C000001      new  active          1   85.09
    1     C000002  dormant  silent          1  121.46
    2     C000003   repeat  active          5  144.69
    >>> segments["segment"].value_counts()
    segment
    dormant     705
    repeat      242
    new         125
    fan          68
    prospect     60
    Name: count, dtype: int64
    """
    table = segment_table(
        orders, cycle=cycle, churn=churn, scorer=scorer, lifecycle=lifecycle,
        prospects=prospects, engagement=engagement, lang=lang,
    )  # fmt: skip
    return orders.history.deliver(table, order_by=("customer_id",))


def segment_table(
    orders: Orders,
    *,
    cycle: PurchaseCycle | None = None,
    churn: ChurnCurve | None = None,
    scorer: RFMScorer | None = None,
    lifecycle: Lifecycle | None = None,
    prospects: Any = None,
    engagement: Any = None,
    lang: Lang | None = None,
) -> ir.Table:
    """Return the table of `segment` as an expression that no engine has run yet."""
    orders = as_orders(orders)
    lifecycle = _checked(lifecycle, cycle, churn, scorer)
    lang = lifecycle.lang if lang is None else lang
    checks.choice("lang", lang, LABELS)
    customers = orders.history.customers
    people = prospect_table(orders, prospects)
    if not _count(customers, orders):
        if people is None or not _count(people, orders):
            raise NotEnoughHistoryError(
                "The log must hold at least one customer.",
                found=f"nobody as of {orders.as_of}, in a log that begins on "
                f"{orders.history.facts['first_day']}",
                hint="measure on a later day (as_of=), or see orders.audit for what was set aside.",
            )
        warn(
            "No customer has a valid purchase: everybody is a prospect.",
            hint="see orders.audit for what was set aside and why.",
        )
        return like_customers(people, _front(_no_purchases(customers)), LABELS[lang]["prospect"])
    cycle = cycle or lifecycle.cycle or _cycle_or_none(orders)
    if not hasattr(lifecycle, "boundaries_"):
        lifecycle = _with_parts(lifecycle, cycle=cycle, churn=churn, scorer=scorer).fit(orders)
    churn = churn or lifecycle.churn_
    table = stage_columns(lifecycle, customers, engagement=engagement, lang=lang)
    table = churn_columns(churn, cycle_columns(cycle, table) if cycle else _no_cycle(table))
    table = _front(table.mutate(ordered_unpaid=table.unpaid_orders > 0))
    if people is None:
        return table
    table = orders.history.engine.canonical(table)
    return ibis.union(table, like_customers(people, table, LABELS[lang]["prospect"]))


def _checked(
    lifecycle: Lifecycle | None,
    cycle: PurchaseCycle | None,
    churn: ChurnCurve | None,
    scorer: RFMScorer | None,
) -> Lifecycle:
    """Return the lifecycle, or a default one; check the objects that were passed."""
    check_parts(cycle, churn, scorer)
    if lifecycle is None:
        return Lifecycle()
    if not isinstance(lifecycle, Lifecycle):
        raise RfmkitError(
            "lifecycle must be a Lifecycle.",
            found=kind_in_words(lifecycle),
            hint="pass lifecycle=rk.Lifecycle(...), or leave it out.",
        )
    # Its thresholds of fans are scores of its own scorer: those of another scorer do not fit them.
    if scorer is not None and getattr(lifecycle, "scorer_", scorer) is not scorer:
        raise RfmkitError(
            "A fitted lifecycle must be used with its own scorer.",
            found="another one in scorer=",
            hint="leave scorer= out, or fit rk.Lifecycle(scorer=...) with that scorer.",
        )
    return lifecycle


def _with_parts(lifecycle: Lifecycle, **parts: Any) -> Lifecycle:
    """Return a new lifecycle with its parameters, and with the parts that are not None."""
    given = {name: part for name, part in parts.items() if part is not None}
    return Lifecycle(**(vars(lifecycle) | given))


def _front(table: ir.Table) -> ir.Table:
    return table.select(*FIRST, *(name for name in table.columns if name not in FIRST))


def _count(table: ir.Table, orders: Orders) -> int:
    return int(orders.history.engine.row(table.aggregate(rows=table.count()))["rows"])


def _no_purchases(customers: ir.Table) -> ir.Table:
    """Return the empty table of customers with every column of `segment`."""
    scores = {name: ibis.null("int64") for name in SCORES}
    return _no_cycle(customers.mutate(**scores)).mutate(
        **{f"churn_{name}": ibis.null("float64") for name in ("probability", "lower", "upper")},
        segment=ibis.null("string"), phase=ibis.null("string"), ordered_unpaid=ibis.literal(True),  # noqa: FBT003
    )  # fmt: skip


def _cycle_or_none(orders: Orders) -> PurchaseCycle | None:
    """Return the cycle of the log; None where no customer has bought twice."""
    with warnings.catch_warnings():
        # The cycle was not asked for: whoever fits a PurchaseCycle gets its warnings.
        warnings.simplefilter("ignore", RfmkitWarning)
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
