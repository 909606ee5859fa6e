"""The words of shops for the status of an order, and the canonical status that each means."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from rfmkit.columns import STATUSES
from rfmkit.exceptions import RfmkitError, examples

if TYPE_CHECKING:
    from collections.abc import Iterable

SHOP_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "unpaid": (
        "pending", "pending payment", "pending_payment", "awaiting payment", "authorized", "open",
        "on-hold", "on hold", "checkout-draft", "created", "等待买家付款", "待付款", "待支付",
        "未付款", "等待付款", "等待付款确认",
    ),
    "paid": (
        "processing", "approved", "invoiced", "succeeded", "partially_paid", "captured",
        "买家已付款,等待卖家发货", "买家已付款", "待发货", "已付款", "已支付", "等待出库",
    ),
    "shipped": (
        "unshipped", "partially shipped", "in transit", "卖家已发货,等待买家确认", "已发货",
        "已发货,待签收", "等待确认收货",
    ),
    "completed": (
        "complete", "delivered", "fulfilled", "done", "closed and paid", "交易成功", "交易完成",
        "已完成", "完成", "已收货", "买家已收货", "已签收", "待评价", "已结算",
    ),
    "closed_unpaid": ("expired", "failed", "abandoned", "unpaid closed"),
    "closed_refunded": (),
    "partially_refunded": ("partially refunded", "partial refund", "部分退款"),
    "refunded": ("refund", "returned", "退款成功", "退货退款", "已退款"),
    "cancelled": ("canceled", "cancel", "已取消"),
    "void": ("voided",),
    "test": (),
    "deleted": ("已删除",),
    "unknown": (),
}  # fmt: skip

CLOSED: Final = "closed"
"""Refunded where it was paid, else never paid: one word of Taobao means both."""
HELD: Final = "held"
"""Paid where it was paid, else not yet."""
LEFT_OPEN: Final = {"交易关闭": CLOSED}

_MEANING: Final = LEFT_OPEN | {
    word: status for status, words in SHOP_WORDS.items() for word in (status, *words)
}


def folded(status: str) -> str:
    """Return a status without case, outer spaces, full-width forms and the prefix ``wc-``."""
    return unicodedata.normalize("NFKC", status).strip().casefold().removeprefix("wc-")


def canonical_statuses(
    seen: Iterable[str],
    own: Mapping[str, str] | None = None,
    *,
    platform: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the canonical status of each word; a word in no table is ``unknown``.

    Parameters
    ----------
    seen : iterable of str
        The status words of the log.
    own : mapping of str to str, optional
        The caller's words with their canonical statuses, which win over all others.
    platform : mapping of str to str, optional
        The words of the log's format, which win over those that every log may use.

    Returns
    -------
    dict of str to str
        The canonical status of each word.

    Raises
    ------
    RfmkitError
        Where the caller maps to something that is not a canonical status.

    Examples
    --------
    >>> canonical_statuses(["Paid", "交易成功", "Verschickt"], own={"verschickt": "shipped"})
    {'Paid': 'paid', '交易成功': 'completed', 'Verschickt': 'shipped'}
    """
    if own is not None and not isinstance(own, Mapping):
        raise RfmkitError(
            "statuses must be a dict of the shop's words and canonical statuses.",
            found=f"statuses={own!r}",
            hint="for example statuses={'Verschickt': 'shipped'}.",
        )
    strange = sorted(set(map(str, (own or {}).values())) - {*STATUSES, CLOSED, HELD})
    if strange:
        raise RfmkitError(
            "statuses must map the shop's words to canonical statuses.",
            found=examples(strange),
            hint=f"the canonical ones are {', '.join(STATUSES)}.",
        )
    more = {**(platform or {}), **(own or {})}
    meaning = _MEANING | {folded(str(word)): status for word, status in more.items()}
    return {status: meaning.get(folded(status), "unknown") for status in seen}
