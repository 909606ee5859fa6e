"""Playbook: what to do for each segment, as a table that a shop edits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import ibis

from rfmkit import _checks as checks
from rfmkit._engine import ROW, kind_of, over_rows
from rfmkit.columns import LABELS
from rfmkit.exceptions import ColumnsError, RfmkitError, examples, kind_in_words

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from rfmkit._engine.frame_types import Frame
    from rfmkit.segments.lifecycle import Lang

LANGS: Final[tuple[Lang, ...]] = ("en", "zh")
# From manuals of customer care for Chinese marketplaces: a starting point, to be edited.
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


def playbook_actions(lang: Lang = "en") -> pd.DataFrame:
    """Return the default table of actions, to be edited and passed to ``playbook``.

    Parameters
    ----------
    lang : {"en", "zh"}, default "en"
        Language of the labels and of the actions.

    Returns
    -------
    DataFrame
        `segment`, `phase` (null for prospects), `action` (str), in pandas.

    Raises
    ------
    RfmkitError
        `lang` is neither "en" nor "zh".

    Examples
    --------
    >>> import rfmkit as rk
    >>> rk.playbook_actions()[["segment", "phase", "action"]].iloc[1:4]
      segment   phase                                             action
    1     new  active  Notes on dispatch and arrival, help with the p...
    2  repeat  active  New goods first, related goods and sets, steps...
    3     fan  active  Invite to what others do not get; ask for revi...
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
    segments: Frame, *, actions: pd.DataFrame | None = None, lang: Lang | None = None
) -> Frame:
    """Return the table of segments with what to do for each customer.

    Parameters
    ----------
    segments : DataFrame
        The table of ``segment``, in any kind. Its labels may be English or Chinese.
    actions : DataFrame, optional
        The shop's own table: `segment`, `phase`, `action`, one row for each pair; the phase of
        prospects is null. Its labels may be English or Chinese, whichever those of `segments`
        are. Default: ``rk.playbook_actions(lang)``, a starting point to be edited.
    lang : {"en", "zh"}, optional
        Language of the default actions. Default: that of the labels in `segments`.

    Returns
    -------
    DataFrame
        The segments with `action` (str; null where the table has no row for the pair), in the
        input's kind and row order.

    Raises
    ------
    ColumnsError
        A column is missing, or `actions` has two rows for one pair.
    RfmkitError
        `actions` is no pandas DataFrame, or `lang` is neither "en" nor "zh".

    Examples
    --------
    >>> import rfmkit as rk
    >>> segments = rk.segment(rk.read_orders(rk.load_sample()))
    >>> rk.playbook(segments)[["customer_id", "segment", "action"]].head(3)
      customer_id  segment                                             action
    0     C000001      new  Notes on dispatch and arrival, help with the p...
    1     C000002  dormant  Win back now: goods of the kind they bought, a...
    2     C000003   repeat  New goods first, related goods and sets, steps...
    """
    if lang is not None:
        checks.choice("lang", lang, LABELS)
    pairs = _pairs(actions, lang)

    def expression(rows: ir.Table) -> ir.Table:
        missing = [name for name in ("segment", "phase") if name not in rows.columns]
        if missing:
            seen = [name for name in rows.columns if name != ROW]
            raise ColumnsError(
                "The table must have the columns segment and phase.",
                found=f"no {examples(missing)} among {examples(seen)}",
                hint="pass rk.segment(orders).",
            )
        cases = [
            ((rows.segment == segment) & _is(rows.phase, phase), action)
            for (segment, phase), action in pairs.items()
        ]
        kept = [name for name in rows.columns if name not in ("action", ROW)]
        return rows.select(*kept, *_row(rows), action=ibis.cases(*cases))

    return over_rows(segments, expression)


def _pairs(actions: pd.DataFrame | None, lang: Lang | None) -> dict[tuple[str, str | None], str]:
    """Return the action of each pair of labels, in every language that a table may have.

    A label of one language stands for the same label of the others, unless these have rows of
    their own.
    """
    if actions is None:
        tables = [playbook_actions(lang)] if lang else [playbook_actions(each) for each in LANGS]
    else:
        tables = [_checked(actions)]
    written = {
        (str(segment), None if phase is None or phase != phase else str(phase)): str(action)  # noqa: PLR0124 (NaN)
        for table in tables
        for segment, phase, action in table[["segment", "phase", "action"]].to_numpy()
    }
    translated = {
        (_word(segment, words), phase if phase is None else _word(phase, words)): action
        for words in LABELS.values()
        for (segment, phase), action in written.items()
    }
    return translated | written


def _word(label: str, words: dict[str, str]) -> str:
    """Return a label in another language; a label that no language has stays as it is."""
    keys = {name: key for names in LABELS.values() for key, name in names.items()}
    return words.get(keys.get(label, label), label)


def _checked(actions: Any) -> pd.DataFrame:
    hint = "start from rk.playbook_actions()."
    if kind_of(actions) != "pandas":
        raise RfmkitError(
            "actions must be a pandas DataFrame of segment, phase and action.",
            found=kind_in_words(actions),
            hint=hint,
        )
    table: pd.DataFrame = actions
    missing = [name for name in ("segment", "phase", "action") if name not in table]
    if missing or table.duplicated(["segment", "phase"]).any():
        raise ColumnsError(
            "actions must have segment, phase and action, one row for each pair.",
            found=f"no {examples(missing)}" if missing else "several rows for one pair",
            hint=hint,
        )
    return table


def _is(phase: ir.StringValue, word: str | None) -> ir.BooleanValue:
    return phase.isnull() if word is None else phase == word


def _row(table: ir.Table) -> list[str]:
    return [name for name in table.columns if name == ROW]
