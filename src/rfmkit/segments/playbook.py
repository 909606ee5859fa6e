"""Advice: what to do for whom, as a table that a shop edits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import ibis

from rfmkit import _checks as checks
from rfmkit._engine import ROW, kind_of, over_rows
from rfmkit.columns import LABELS
from rfmkit.exceptions import ColumnsError, RfmkitError, examples

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

# Gathered from the manuals' rules A6, A7, A10, A13 to A17, A21, D2 and E6.
ACTIONS: Final = (
    ("prospect", None,
     "Where an order was not paid, remind at the hour they tend to buy; else a first offer.",
     "有未付款订单的，在其常下单的时段提醒付款；其余的给予首单优惠"),
    ("new", "active",
     "Notes on dispatch and arrival, help with the product, then what is new.",
     "发货与签收关怀，使用指导，随后推荐新品"),
    ("repeat", "active",
     "New goods first, related goods and sets, steps of membership.",
     "新品优先，关联商品与套餐，会员等级"),
    ("fan", "active",
     "Invite to what others do not get; ask for reviews and referrals, and reward them.",
     "粉丝专享活动，邀请晒单与推荐并给予奖励"),
    ("dormant", "silent",
     "Win back now: goods of the kind they bought, a coupon with a date, a reason to return.",
     "及时挽回：同类商品，限时优惠券，给出回来的理由"),
    ("dormant", "lost",
     "Rarely, with a strong offer: clearance and big events; stop where nothing answers.",
     "低频高力度：清仓与大促唤醒，无回应则停止打扰"),
)  # fmt: skip


def playbook_actions(lang: Literal["en", "zh"] = "en") -> pd.DataFrame:
    """Give the table of actions, to be edited and handed to ``playbook``.

    Parameters
    ----------
    lang : {"en", "zh"}, default "en"
        Language of the labels and the actions.

    Returns
    -------
    DataFrame
        `segment, phase, action`, in pandas.
    """
    import pandas as pd

    checks.choice("lang", lang, LABELS)
    words = LABELS[lang]
    rows = [
        (words[segment], words.get(str(phase)), english if lang == "en" else chinese)
        for segment, phase, english, chinese in ACTIONS
    ]
    return pd.DataFrame(rows, columns=["segment", "phase", "action"])


def playbook(
    segments: Any, *, actions: pd.DataFrame | None = None, lang: Literal["en", "zh"] = "en"
) -> Any:
    """Join what to do to the table of segments.

    Parameters
    ----------
    segments : DataFrame
        The table of ``segment``, in any kind.
    actions : DataFrame, optional
        The shop's own table: `segment, phase, action`, one row for each pair; the phase of
        prospects is null. Default: ``rk.playbook_actions(lang)``, a start to be edited.
    lang : {"en", "zh"}, default "en"
        Language of the default table; that of the segments' labels.

    Returns
    -------
    DataFrame
        The segments with `action` (null where the table has no row), in the input's kind and row
        order.

    Examples
    --------
    >>> import rfmkit as rk
    >>> segments = rk.segment(rk.read_orders(rk.load_sample()))
    >>> bool(rk.playbook(segments)["action"].notna().all())
    True
    """
    checks.choice("lang", lang, LABELS)
    table: Any = playbook_actions(lang) if actions is None else actions
    if kind_of(table) != "pandas":
        raise RfmkitError(
            "actions is a pandas DataFrame of segment, phase and action.",
            found=type(table).__name__,
            hint="start from rk.playbook_actions().",
        )
    missing = [name for name in ("segment", "phase", "action") if name not in table]
    if missing or table.duplicated(["segment", "phase"]).any():
        raise ColumnsError(
            "actions holds segment, phase and action, one row for each pair.",
            found=f"no {examples(missing)}" if missing else "several rows for one pair",
            hint="start from rk.playbook_actions().",
        )
    pairs = [
        (str(segment), None if phase is None or phase != phase else str(phase), str(action))  # noqa: PLR0124 (NaN)
        for segment, phase, action in table[["segment", "phase", "action"]].to_numpy()
    ]

    def expression(rows: ir.Table) -> ir.Table:
        if not {"segment", "phase"} <= set(rows.columns):
            raise ColumnsError(
                "A playbook is for the table of rk.segment(orders).",
                found=f"columns {examples(rows.columns)}",
            )
        cases = [
            ((rows.segment == segment) & _is(rows.phase, phase), action)
            for segment, phase, action in pairs
        ]
        kept = [name for name in rows.columns if name not in ("action", ROW)]
        return rows.select(*kept, *_row(rows), action=ibis.cases(*cases))

    return over_rows(segments, expression)


def _is(phase: ir.StringValue, word: str | None) -> ir.BooleanValue:
    return phase.isnull() if word is None else phase == word


def _row(table: ir.Table) -> list[str]:
    return [name for name in table.columns if name == ROW]
