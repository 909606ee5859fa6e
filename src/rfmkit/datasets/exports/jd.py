"""JD: the order list of the seller centre, one row per line, each with the order's total."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from rfmkit.datasets.exports.export import Account, Export
from rfmkit.datasets.exports.sales import CHINESE, VALID, draw_sales
from rfmkit.datasets.exports.sheets import picked, plain

if TYPE_CHECKING:
    import datetime as dt

    import numpy as np

    from rfmkit.datasets.exports.sales import Line, Sale
    from rfmkit.datasets.simulation import Simulation

__all__ = ["HEADER", "jd"]

ZONE: Final = "Asia/Shanghai"
EXTRAS: Final = {"cancelled": 0.02, "gift": 0.01}
HEADER: Final = (
    "订单号", "商品ID", "商品名称", "订购数量", "支付方式", "下单时间", "京东价", "订单金额",
    "结算金额", "余额支付", "应付金额", "订单状态", "订单类型", "下单帐号", "客户姓名", "客户地址",
    "联系电话", "订单备注", "发票类型", "发票抬头", "发票内容", "商家备注",
    "商家备注等级（等级1-5为由高到低）", "运费金额", "付款确认时间", "增值税发票", "货号",
    "订单完成时间", "订单来源", "订单渠道",
)  # fmt: skip
_QUOTED: Final = ("商品名称", "客户姓名", "客户地址", "联系电话", "商家备注")
# The words for a sale of each kind, in turn, and the rule that sets it aside.
_STATUSES: Final = {
    "paid": ("等待出库",),
    "shipped": ("等待确认收货",),
    "completed": ("完成", "已完成"),
    "partially_refunded": ("完成",),
    "gift": ("完成",),
    "unpaid": ("等待付款", "未付款", "等待付款确认"),
    "closed_unpaid": ("(删除)未付款", "(删除)等待付款"),
    "refunded": ("已取消",),
    "closed_refunded": ("(删除)等待确认收货", "(删除)等待出库"),
    "cancelled": ("已取消",),
}
_RULE: Final = {
    "unpaid": "unpaid",
    "closed_unpaid": "deleted",
    "refunded": "cancelled",
    "closed_refunded": "deleted",
    "cancelled": "cancelled",
    "gift": "zero_amount",
}


def jd(shop: Simulation, rng: np.random.Generator, vintage: str) -> Export:
    """Return the order list. Refunds are in another file of JD, and not in this one."""
    sales = draw_sales(shop, rng, zone=ZONE, goods=CHINESE, extras=EXTRAS)
    account = Account()
    rows = [_row(dict.fromkeys(HEADER, ""), header=True)]
    for sale in sales:
        for part in _parts(sale):
            status = _status(sale)
            if sale.is_valid:
                account.keep(_order(part), _account(sale), sale.moment, part.amount)
            else:
                account.leave(_RULE[sale.kind], len(part.lines))
            rows += [_row(_cells(part, line, status)) for line in part.lines]
        if _is_split(sale):
            # The split order stays in the file, deleted: with its parts it would count twice.
            account.leave("deleted", len(sale.lines))
            memo = "订单拆分为  " + "    ".join(map(_order, _parts(sale)))
            rows += [
                _row(_cells(sale, line, "(删除)等待出库") | {"商家备注": memo})
                for line in sale.lines
            ]
    # GB 18030: some names have characters that GBK does not have.
    files = {"orders_jd.csv": "".join(rows).encode("gb18030")}
    return account.export("jd", vintage, files, ZONE)


def _is_split(sale: Sale) -> bool:
    eligible = sale.kind in VALID and len(sale.lines) > 1 and not sale.discount
    return eligible and sale.number % 3 == 1


def _parts(sale: Sale) -> list[Sale]:
    """Return the orders into which JD splits one by warehouse: the first line, the others."""
    if not _is_split(sale):
        return [sale]
    first = replace(sale, lines=sale.lines[:1], shipping=0)
    others = replace(sale, lines=sale.lines[1:])
    return [
        replace(first, amount=first.goods, number=sale.number + 10**6),
        replace(others, amount=others.goods + sale.shipping, number=sale.number + 2 * 10**6),
    ]


def _order(sale: Sale) -> str:
    return str(11_700_000_000 + 7 * sale.number)


def _account(sale: Sale) -> str:
    return f"jd_{sale.person.number:05d}_p"


def _status(sale: Sale) -> str:
    words = _STATUSES[sale.kind]
    space = " " if sale.number % 5 == 0 else ""
    return space + words[sale.number % len(words)]


def _time(moment: dt.datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""


def _cells(sale: Sale, line: Line, status: str) -> dict[str, object]:
    person = sale.person
    return {
        "订单号": _order(sale), "商品ID": 1_000_000 + len(line.sku), "商品名称": line.title,
        "订购数量": line.quantity, "支付方式": "在线支付", "下单时间": _time(sale.created),
        "京东价": plain(line.price), "订单金额": plain(sale.goods), "结算金额": plain(sale.amount),
        "余额支付": plain(0), "应付金额": plain(sale.amount), "订单状态": status,
        "订单类型": "销售订单", "下单帐号": _account(sale), "客户姓名": person.chinese_name,
        "客户地址": person.chinese_address, "联系电话": person.mobile,
        "运费金额": plain(sale.shipping), "付款确认时间": _time(sale.paid), "货号": line.sku,
        "订单完成时间": _time(sale.back_at) if "完成" in status else "",
        "订单来源": "移动端订单", "订单渠道": "暂无来源",
    }  # fmt: skip


def _row(cells: dict[str, object], *, header: bool = False) -> str:
    """Return a row as text: few columns are quoted, and each row ends in a comma."""
    texts = list(HEADER) if header else picked(HEADER, cells)
    quoted = () if header else _QUOTED
    written = [
        '"' + text.replace('"', '""') + '"' if name in quoted else text
        for name, text in zip(HEADER, texts, strict=True)
    ]
    return ",".join(written) + ",\r\n"
