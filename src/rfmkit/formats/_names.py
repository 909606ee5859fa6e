"""The roles of columns: a table of names for each role, and no guess beyond it.

Names are compared without case, spaces, underscores, hyphens and full-width forms. Two columns
that fit one role are an error that names both. So is a role that no column fits.
"""

from __future__ import annotations

import re
import unicodedata
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from rfmkit._checks import nearest
from rfmkit.columns import COLUMNS
from rfmkit.exceptions import ColumnsError, examples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROLES: Final[dict[str, tuple[str, ...]]] = {
    "customer_id": (
        "customer id", "customer", "cust id", "cust", "client id", "client", "user id", "userid",
        "buyer id", "buyer", "buyer nick", "member id", "account id", "customer no",
        "customer number", "shopper id", "customer key", "customer unique id",
        "客户", "客户id", "客户编号", "客户名称", "顾客", "顾客id", "会员", "会员id", "会员号",
        "会员名", "会员编号", "买家", "买家id", "买家会员名", "买家昵称", "买家会员名称", "用户",
        "用户id", "用户编号", "用户名", "下单帐号", "下单账号",
    ),
    "order_id": (
        "order id", "order no", "order number", "order", "order ref", "invoice", "invoice no",
        "invoice id", "invoice number", "transaction id", "transaction no", "basket id",
        "receipt number", "receipt id", "purchase id",
        "订单编号", "订单号", "订单id", "订单", "主订单编号", "交易号", "交易编号", "单号",
    ),
    "ordered_at": (
        "ordered at", "order date", "order time", "order datetime", "order timestamp", "ordered",
        "date", "datetime", "time", "timestamp", "day", "invoice date", "purchase date",
        "purchased at", "purchase time", "purchase timestamp", "order purchase timestamp",
        "transaction date", "transaction time", "transaction timestamp", "event time",
        "日期", "时间", "订单日期", "订单时间", "交易时间", "交易日期", "购买时间", "购买日期",
        "消费时间", "消费日期",
    ),
    "created_at": (
        "created at", "created", "create time", "created time", "creation date", "created date",
        "placed at", "order created at", "下单时间", "下单日期", "创建时间", "订单创建时间",
        "买家下单时间", "拍下时间",
    ),
    "paid_at": (
        "paid at", "paid date", "payment date", "payments date", "pay time", "payment time",
        "paid time", "付款时间", "支付时间", "订单付款时间", "买家付款时间", "付款日期",
        "支付完成时间", "付款确认时间",
    ),
    "completed_at": (
        "completed at", "completed", "completion date", "date completed", "finish time",
        "delivered at", "完成时间", "交易成功时间", "确认收货时间", "订单完成时间",
    ),
    "amount": (
        "amount", "total", "order total", "order amount", "order value", "total amount",
        "total price", "grand total", "revenue", "sales", "sales value", "sales amount", "spend",
        "value", "net amount", "net sales", "paid amount", "amount paid", "payment", "price paid",
        "monetary", "monetary value", "dollar value", "payment value",
        "金额", "订单金额", "实付金额", "支付金额", "付款金额", "实际支付金额",
        "买家实际支付金额", "买家实付金额", "用户实付金额(元)", "总金额", "消费金额", "成交金额",
        "销售额", "交易金额",
    ),
    "unit_price": ("unit price", "price", "item price", "lineitem price", "单价", "价格"),
    "quantity": (
        "quantity", "qty", "units", "number of cds", "item quantity", "lineitem quantity",
        "number of items", "数量", "购买数量", "商品数量", "件数", "宝贝总数量",
    ),
    "refund_amount": (
        "refund amount", "refunded amount", "amount refunded", "refund", "refunded",
        "total refunded", "refund total", "退款金额", "退款", "已退款金额",
    ),
    "status": (
        "status", "order status", "financial status", "payment status",
        "transaction status", "订单状态", "交易状态", "状态", "支付状态",
    ),
    "category": (
        "category", "product category", "category name", "department", "item category", "类目",
        "品类", "商品类目", "商品分类", "分类",
    ),
    "currency": ("currency", "order currency", "currency code", "币种", "货币"),
}  # fmt: skip

EMAILS: Final = (
    "email", "e mail", "email address", "customer email", "buyer email", "billing email",
    "contact email", "邮箱", "电子邮箱", "邮件地址", "买家邮箱",
)  # fmt: skip
"""Names of the e-mail address, which identifies customers where no id does; the first counts."""
MOST_COLUMNS: Final = 40
SIMILAR: Final = 0.8
"""From this ratio of difflib on, a column name counts as a mistyped one."""

# Roles that only the export of a platform has: see `rfmkit.formats.Format`.
MORE_ROLES: Final = (
    "order_name", "line_id", "email", "account_email", "phone", "mobile", "first_name", "name",
    "postcode", "close_reason", "due_amount",
    "shipping_amount", "wrapping_amount", "discount_amount", "shipping_discount_amount",
)  # fmt: skip
ALL_ROLES: Final = (*ROLES, *MORE_ROLES)
MONEY_ROLES: Final = tuple(
    role for role in ALL_ROLES if role.endswith("amount") or role in ("unit_price", "quantity")
)
TIME_ROLES: Final = ("ordered_at", "created_at", "paid_at", "completed_at")


def normalized(name: str) -> str:
    """Return the part of a column name that is compared with others."""
    name = re.sub(r"\.\d+$", "", unicodedata.normalize("NFKC", name).casefold())
    return re.sub(r"[\s_\-./=\"'#]+", "", name)


_CLAIMS: Final = {
    normalized(alias): role for role, aliases in ROLES.items() for alias in (role, *aliases)
}
_OTHERS: Final = {*_CLAIMS, *(normalized(column.name) for column in COLUMNS)}
IN_WORDS: Final = {"customer_id": "customer", "ordered_at": "date or time of the order"}
"""Roles whose name is not a word of every day, as errors write them."""


def find_columns(
    seen: Sequence[str], named: Mapping[str, str], *, advice: str = "."
) -> dict[str, str]:
    """Return the column of each role: those that the caller named, then by the table of names.

    Parameters
    ----------
    seen : sequence of str
        The columns of the log.
    named : mapping of str to str
        Roles whose column the caller named.
    advice : str
        How a hint ends: with a second way to mend it, where there is one.

    Returns
    -------
    dict of str to str
        The column of each role that was found.

    Raises
    ------
    ColumnsError
        Where a named column does not exist, or two columns fit one role.

    Examples
    --------
    >>> find_columns(["User ID", "下单时间", "Total"], {})
    {'customer_id': 'User ID', 'created_at': '下单时间', 'amount': 'Total'}
    """
    found: dict[str, str] = {}
    for role, column in named.items():
        found[role] = existing(column, seen, role)
    taken = set(found.values())
    claims: dict[str, list[str]] = {}
    for column in seen:
        role = _CLAIMS.get(normalized(column), "")
        if role and role not in found and column not in taken:
            claims.setdefault(role, []).append(column)
    for role, columns in claims.items():
        if len(columns) > 1:
            raise ColumnsError(
                f"Exactly one column must be the {role}.",
                found=f"{' and '.join(map(repr, columns))} both fit",
                hint=f"name the right one: {keyword(role)}={columns[0]!r}{advice}",
            )
        found[role] = columns[0]
    return found


def find_email(seen: Sequence[str]) -> str | None:
    """Return the column of the e-mail address, which identifies customers where no id does."""
    by_name = {normalized(column): column for column in reversed(seen)}
    return next((by_name[name] for name in map(normalized, EMAILS) if name in by_name), None)


def require(role: str, found: Mapping[str, str], seen: Sequence[str], *, advice: str = ".") -> None:
    """Check that a role was found; the error shows the columns seen and how to name one."""
    if role in found:
        return
    free = [column for column in seen if column not in found.values()]
    column = _similar_column(role, free) or "..."
    raise ColumnsError(
        f"An order log must have a column for the {IN_WORDS.get(role, role)}.",
        found=f"columns {columns_seen(seen)}",
        hint=f"name it: read_orders(..., {keyword(role)}={column!r})"
        + (advice if advice != "." else _first_line(seen)),
    )


def _similar_column(role: str, columns: Sequence[str]) -> str | None:
    """Return the column that has a name of the role, or else a mistyped one, such as Custmer.

    A name of another role, or of a column that rfmkit returns, is not a mistyped one.
    """
    exact = (name for name in columns if _CLAIMS.get(normalized(name)) == role)
    names = [normalized(name) for name in ROLES.get(role, ())]
    similar = (
        name
        for name in columns
        if normalized(name) not in _OTHERS
        and get_close_matches(normalized(name), names, 1, SIMILAR)
    )
    return next(exact, None) or next(similar, None)


def keyword(role: str) -> str:
    """Return the argument of ``read_orders`` that names the column of a role."""
    return {"customer_id": "customer", "ordered_at": "time"}.get(role, role)


def columns_seen(seen: Sequence[str]) -> str:
    """Return the columns of a log as text, for a reader who is to name one of them."""
    return examples(seen, most=MOST_COLUMNS)


def _first_line(seen: Sequence[str]) -> str:
    """Return the end of a hint, for a file whose first line may be no header."""
    if any(re.fullmatch(r"[\d.,/:\- ]+", name) for name in seen):
        return ", or names=[...] where the file has no header line."
    if len(seen) == 1 or any(re.fullmatch(r"Unnamed: \d+|column\d+", name) for name in seen):
        return "; where a title stands above the header line, take it out of the file first."
    return "."


def existing(column: str, seen: Sequence[str], role: str) -> str:
    """Return the column that the caller named, in the spelling of the log."""
    if column in seen:
        return column
    alike = [name for name in seen if normalized(name) == normalized(column)]
    if len(alike) == 1:
        return alike[0]
    near = nearest(column, seen)
    raise ColumnsError(
        f"The column named for the {role} must exist.",
        found=f"no {column!r} among {columns_seen(seen)}",
        hint=f"did you mean {keyword(role)}={near!r}?"
        if near
        else f"name one of them: {keyword(role)}='...'.",
    )
