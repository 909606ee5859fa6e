"""Grids of segments: the same customers, counted by two things at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import ibis

from rfmkit import _checks as checks
from rfmkit._engine import open_frame
from rfmkit.columns import LABELS, PHASES
from rfmkit.exceptions import ColumnsError, RfmkitError, examples

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis.expr.types as ir

    from rfmkit._engine import Source

STAGES = ("new", "repeat", "loyal", "fan")


def lifecycle_matrix(segments: Any, *, loyal_purchases: int = 3) -> Any:
    """Count customers and money by value stage and phase: the manuals' twelve cells.

    Unlike `segment`, the value stage does not fade with silence: a fan who is lost stands in the
    row of fans. New is one purchase, repeat fewer than `loyal_purchases`, loyal so many or more,
    fan a loyal customer with the best frequency and money scores that the table holds.

    Parameters
    ----------
    segments : DataFrame
        The table of ``segment``, in any kind.
    loyal_purchases : int, default 3
        Purchases from which on a customer is loyal.

    Returns
    -------
    DataFrame
        `value_stage, phase, customers, spend` (money), in the input's kind; cells without a
        customer are not listed, prospects are not counted.

    Examples
    --------
    >>> import rfmkit as rk
    >>> segments = rk.segment(rk.read_orders(rk.load_sample()))
    >>> matrix = rk.lifecycle_matrix(segments)
    >>> int(matrix["customers"].sum()) == int((segments["segment"] != "prospect").sum())
    True
    """
    checks.whole("loyal_purchases", loyal_purchases)
    source = _customers(segments, "purchases", "phase", "frequency_score", "monetary_score")
    table = source.table
    best = (table.frequency_score == table.frequency_score.max()) & (
        table.monetary_score == table.monetary_score.max()
    )
    loyal = table.purchases >= loyal_purchases
    place = ibis.cases((loyal & best, 3), (loyal, 2), (table.purchases > 1, 1), else_=0)
    words = [(word, at) for words in LABELS.values() for at, word in enumerate(_phases(words))]
    phase = ibis.cases(*((table.phase == word, at) for word, at in words))
    counted = _count(table.mutate(row=place, column=phase), "row", "column", "phase")
    counted = counted.mutate(
        value_stage=ibis.cases(*((counted.row == at, word) for at, word in enumerate(STAGES)))
    )
    counted = counted.order_by("row", "column")
    return source.engine.deliver(
        counted.select("value_stage", "phase", "customers", "spend"), source.kind
    )


def lifecycle_grid(
    segments: Any,
    *,
    cycle_days: float,
    purchases: Sequence[int] = (1, 2, 3, 5),
    cycles: Sequence[float] = (0, 1, 2, 3, 6),
) -> Any:
    """Count customers and money by purchases and by silence in purchase cycles.

    Parameters
    ----------
    segments : DataFrame
        The table of ``segment`` or of ``summarize``, in any kind.
    cycle_days : float
        The purchase cycle, in days, such as ``PurchaseCycle().fit(orders).cycle_days_``.
    purchases : sequence of int, default (1, 2, 3, 5)
        Where the bands of purchases begin; bands are half-open, the last has no end.
    cycles : sequence of float, default (0, 1, 2, 3, 6)
        Where the bands of silence begin, in cycles.

    Returns
    -------
    DataFrame
        `from_purchases, from_cycles, from_days, customers, spend` (money), in the input's kind;
        cells without a customer are not listed.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> cycle = rk.PurchaseCycle().fit(orders)
    >>> grid = rk.lifecycle_grid(rk.summarize(orders), cycle_days=cycle.cycle_days_)
    >>> int(grid["customers"].sum()) == len(rk.summarize(orders))
    True
    """
    checks.number("cycle_days", cycle_days, above=0)
    for name, starts in (("purchases", purchases), ("cycles", cycles)):
        listed: Any = starts
        rising = isinstance(listed, Iterable) and list(listed) == sorted(set(listed))
        if not rising or not listed:
            raise RfmkitError(f"{name} rise, and there is one at least.", found=repr(starts))
    if purchases[0] > 1 or cycles[0] > 0:
        raise RfmkitError(
            "The bands begin at 1 purchase and 0 cycles.",
            found=f"purchases={purchases!r}, cycles={cycles!r}",
            hint="every customer is to have a cell.",
        )
    source = _customers(segments, "purchases", "recency_days")
    table = source.table
    silence = table.recency_days.cast("float64")
    rows = [(table.purchases >= start, start) for start in purchases]
    columns = [(silence >= start * cycle_days, float(start)) for start in cycles]
    banded = table.mutate(
        from_purchases=ibis.cases(*reversed(rows)), from_cycles=ibis.cases(*reversed(columns))
    )
    counted = _count(banded, "from_purchases", "from_cycles")
    counted = counted.mutate(from_days=counted.from_cycles * cycle_days)
    names = ("from_purchases", "from_cycles", "from_days", "customers", "spend")
    return source.engine.deliver(
        counted.order_by("from_purchases", "from_cycles").select(*names), source.kind
    )


def _customers(segments: Any, *needs: str) -> Source:
    """Open a table of customers, without its prospects."""
    source = open_frame(segments)
    missing = [name for name in (*needs, "spend") if name not in source.table.columns]
    if missing:
        raise ColumnsError(
            "The table is that of rk.segment(orders).",
            found=f"no {examples(missing)} among {examples(source.table.columns)}",
        )
    buyers = source.table.filter(source.table.purchases >= 1)
    return type(source)(buyers, source.engine, source.kind)


def _count(table: ir.Table, *keys: str) -> ir.Table:
    # Money is summed as decimals: a sum of doubles would depend on the order of the rows.
    return table.group_by(*keys).agg(
        customers=table.count(), spend=table.spend.cast("decimal(38, 4)").sum().cast("float64")
    )


def _phases(words: dict[str, str]) -> list[str]:
    return [words[phase] for phase in PHASES]
