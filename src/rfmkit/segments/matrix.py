"""Matrices: counts and money of customers by two measures at once."""

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
    from rfmkit._engine.frame_types import Frame

STAGES = ("new", "repeat", "loyal", "fan")


def lifecycle_matrix(segments: Frame, *, loyal_purchases: int = 3) -> Frame:
    """Return customers and money by value stage and phase, up to twelve rows.

    The value stage depends on purchases and money only. Unlike the segment, it does not depend on
    the present silence: a fan who is lost stays in the row of fans.

    - **new**: one purchase;
    - **repeat**: at least two, and fewer than `loyal_purchases`;
    - **loyal**: `loyal_purchases` or more;
    - **fan**: loyal, with the best frequency score and the best money score of the table.

    Parameters
    ----------
    segments : DataFrame
        The table of ``segment``, in any kind and either language.
    loyal_purchases : int, default 3
        Smallest number of purchases of a loyal customer.

    Returns
    -------
    DataFrame
        `value_stage`, `phase` (str), `customers` (int64), `spend` (float64, money), in the
        input's kind. Pairs without a customer have no row; prospects are not counted.

    Raises
    ------
    ColumnsError
        The table lacks a column of ``segment``.
    RfmkitError
        `loyal_purchases` is not a whole number of at least 1.

    Examples
    --------
    >>> import rfmkit as rk
    >>> segments = rk.segment(rk.read_orders(rk.load_sample()))
    >>> matrix = rk.lifecycle_matrix(segments)
    >>> matrix.pivot(index="value_stage", columns="phase", values="customers")
    phase        active  lost  silent
    value_stage
    fan              68     4      49
    loyal           183    77     149
    new             125   164     120
    repeat           59    58      84
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
    shown = counted.select("value_stage", "phase", "customers", "spend")
    matrix: Frame = source.engine.deliver(shown, source.kind)
    return matrix


def lifecycle_grid(
    segments: Frame,
    *,
    cycle_days: float | None = None,
    purchases: Sequence[int] = (1, 2, 3, 5),
    cycles: Sequence[float] = (0, 1, 2, 3, 6),
) -> Frame:
    """Return customers and money by number of purchases and by silence in purchase cycles.

    Parameters
    ----------
    segments : DataFrame
        The table of ``segment`` or of ``summarize``, in any kind.
    cycle_days : float, optional
        One purchase cycle for all customers, in days, such as
        ``PurchaseCycle().fit(orders).cycle_days_``. Default: each customer's own, the column
        `cycle_days` of ``segment``.
    purchases : sequence of int, default (1, 2, 3, 5)
        Where the bands of purchases begin. Bands are half-open; the last has no end.
    cycles : sequence of float, default (0, 1, 2, 3, 6)
        Where the bands of silence begin, in cycles.

    Returns
    -------
    DataFrame
        `from_purchases` (int64), `from_cycles` (float64, cycles; null where a customer has no
        cycle), `customers` (int64), `spend` (float64, money), in the input's kind. With
        `cycle_days` also `from_days` (float64, days). Pairs without a customer have no row;
        prospects are not counted.

    Raises
    ------
    ColumnsError
        The table lacks a column; without `cycle_days` also where it has no `cycle_days`.
    RfmkitError
        The bands do not rise, or do not begin at 1 purchase and 0 cycles.

    Examples
    --------
    >>> import rfmkit as rk
    >>> segments = rk.segment(rk.read_orders(rk.load_sample()))
    >>> grid = rk.lifecycle_grid(segments, cycles=(0, 1, 3))
    >>> grid.pivot(index="from_purchases", columns="from_cycles", values="customers")
    from_cycles     0.0  1.0  3.0
    from_purchases
    1                46   52  311
    2                41   44  116
    3                46   51  101
    5               153   79  100
    """
    _check_bands(purchases, cycles)
    if cycle_days is not None:
        checks.number("cycle_days", cycle_days, above=0)
    needs = ("purchases", "recency_days", *(("cycle_days",) if cycle_days is None else ()))
    source = _customers(segments, *needs)
    table = source.table
    silence = table.recency_days.cast("float64")
    cycle: Any = table.cycle_days.cast("float64") if cycle_days is None else float(cycle_days)
    rows = [(table.purchases >= start, start) for start in purchases]
    # A product and not a quotient: a quotient could round exactly two cycles to less than two.
    columns = [(silence >= cycle * float(start), float(start)) for start in cycles]
    banded = table.mutate(
        from_purchases=ibis.cases(*reversed(rows)).cast("int64"),
        from_cycles=ibis.cases(*reversed(columns)),
    )
    counted = _count(banded, "from_purchases", "from_cycles")
    names = ["from_purchases", "from_cycles", "customers", "spend"]
    if cycle_days is not None:
        counted = counted.mutate(from_days=counted.from_cycles * cycle_days)
        names.insert(2, "from_days")
    shown = counted.order_by("from_purchases", "from_cycles").select(*names)
    grid: Frame = source.engine.deliver(shown, source.kind)
    return grid


def _check_bands(purchases: Sequence[int], cycles: Sequence[float]) -> None:
    """Check that the starts of the bands rise, and that no customer lies below the first."""
    for name, starts, first in (("purchases", purchases, 1), ("cycles", cycles, 0)):
        given: Any = starts
        listed = list(given) if isinstance(given, Iterable) else []
        if not listed or listed != sorted(set(listed)) or listed[0] > first:
            raise RfmkitError(
                f"{name} must rise from {first}, so that every customer is in a band.",
                found=f"{name}={starts!r}",
                hint=f"for example {name}=({first}, {first + 1}, {first + 2}).",
            )


def _customers(segments: Any, *needs: str) -> Source:
    """Return a table of customers, opened, without its prospects."""
    source = open_frame(segments)
    missing = [name for name in (*needs, "spend") if name not in source.table.columns]
    if missing:
        other = ", or pass cycle_days=" if missing == ["cycle_days"] else ""
        raise ColumnsError(
            "The table must have the columns of rk.segment(orders).",
            found=f"no {examples(missing)} among {examples(source.table.columns)}",
            hint=f"pass rk.segment(orders){other}.",
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
