"""Taobao and Tmall: the order list of the seller centre, in five versions, and its lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rfmkit.datasets.exports.export import Account, Export
from rfmkit.datasets.exports.sales import BACK, CHINESE, draw_sales
from rfmkit.datasets.exports.sheets import picked, plain, workbook

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    import numpy as np

    from rfmkit.datasets.exports.sales import Line, Sale
    from rfmkit.datasets.simulation import Simulation

__all__ = ["LINES", "ORDERS", "taobao", "taobao_lines"]

ZONE: Final = "Asia/Shanghai"
EXTRAS: Final = {"gift": 0.02}


def _names(text: str) -> tuple[str, ...]:
    """Return names split at commas, with the trailing space that six names have in real exports."""
    return tuple(text.replace("\n", "").split(","))


_2012: Final = _names(
    "订单编号,买家会员名,买家支付宝账号,买家应付货款,买家应付邮费,买家支付积分,总金额,返点积分,"
    "买家实际支付金额,买家实际支付积分,订单状态,买家留言,收货人姓名,收货地址,运送方式,联系电话,"
    "联系手机,订单创建时间,订单付款时间,宝贝标题,宝贝种类,物流单号,物流公司,订单备注,宝贝总数量,"
    "店铺Id,店铺名称,订单关闭原因,卖家服务费,买家服务费"
)
_SPACED: Final = ("收货地址", "联系电话", "订单付款时间", "宝贝标题", "宝贝种类", "物流单号")
_FIRST: Final = tuple(f"{name} " if name in _SPACED else name for name in _2012)
_LATER: Final = _names(
    "发票抬头,是否手机订单,分阶段订单信息,特权订金订单id,是否上传合同照片,是否上传小票,是否代付,"
    "定金排名,修改后的sku,修改后的收货地址,异常信息,天猫卡券抵扣,集分宝抵扣,是否是O2O交易"
)
_SHOPS: Final = _names(
    "新零售交易类型,新零售导购门店名称,新零售导购门店id,新零售发货门店名称,新零售发货门店id"
)
_PAID_OUT: Final = _names("确认收货时间,打款商家金额,含应开票给个人的个人红包")
_2017: Final = (*_FIRST, *_LATER, "退款金额", "预约门店")
_2018: Final = (
    *_FIRST[:3], "支付单号", "支付详情", *_FIRST[3:], *_LATER, *_SHOPS, "退款金额", "预约门店",
    *_PAID_OUT,
)  # fmt: skip
_2019: Final = (*_2018, *_names("是否信用购,体验期结束时间,前N有礼,配送类型,主订单编号"))
_QIANNIU: Final = _names(
    "订单编号,买家会员名,支付单号,买家应付货款,买家应付邮费,总金额,买家实付金额,订单状态,"
    "订单关闭原因,退款金额,收货人姓名,收货地址,联系手机,买家下单时间,买家付款时间,发货时间,"
    "确认收货时间,宝贝标题,宝贝规格,宝贝总数量,物流公司,运单号,商家备注,店铺名称"
)
ORDERS: Final = {
    "2019": _2019, "2018": _2018, "2017": _2017, "2012": _2012, "qianniu": _QIANNIU,
}  # fmt: skip
LINES: Final = {
    "2019": _names(
        "子订单编号,主订单编号,标题,价格,购买数量,外部系统编号,商品属性,套餐信息,备注,订单状态,"
        "商家编码,支付单号,买家应付货款,买家实际支付金额,退款状态,退款金额,订单创建时间,订单付款时间,"
        "商品id,分阶段订单信息,主订单备注,主订单买家留言,发货时间,物流单号,物流公司,是否赔付,赔付金额,"
        "赔付出账时间"
    ),
    "2017": _names(
        "订单编号,标题,价格,购买数量,外部系统编号,商品属性,套餐信息,备注,订单状态,商家编码"
    ),
}
_SHEETS: Final = ("订单报表", "销售明细", "发货报表")
_SHIPMENTS: Final = ("订单编号", "发货时间", "物流公司", "运单号")

_STATUS: Final = {
    "unpaid": "等待买家付款",
    "paid": "买家已付款，等待卖家发货",
    "shipped": "卖家已发货，等待买家确认",
    "completed": "交易成功",
    "partially_refunded": "交易成功",
    "gift": "交易成功",
    "closed_unpaid": "交易关闭",
    "refunded": "交易关闭",
    "closed_refunded": "交易关闭",
}
_RULE: Final = {
    "unpaid": "unpaid",
    "closed_unpaid": "closed_unpaid",
    "refunded": "closed_refunded",
    "closed_refunded": "closed_refunded",
    "gift": "zero_amount",
}


def taobao(shop: Simulation, rng: np.random.Generator, vintage: str) -> Export:
    """Return the order list."""
    sales, account = _drawn(shop, rng)
    stamp = f"{shop.last_day:%Y%m%d}2359"
    if vintage == "qianniu":
        name = f"ExportOrderList{stamp}.xlsx"
        files = {name: _workbook(sales)}
    else:
        files = {f"ExportOrderList{stamp}.csv": _order_list(sales, vintage)}
    return account.export("taobao", vintage, files, ZONE)


def taobao_lines(shop: Simulation, rng: np.random.Generator, vintage: str) -> Export:
    """Return the order list, and the list of lines, which does not name the buyer."""
    sales, account = _drawn(shop, rng)
    stamp = f"{shop.last_day:%Y%m%d}2359"
    files = {
        f"ExportOrderList{stamp}.csv": _order_list(sales, vintage),
        f"ExportOrderDetailList{stamp}.csv": _line_list(sales, vintage),
    }
    return account.export("taobao_lines", vintage, files, ZONE)


def _drawn(shop: Simulation, rng: np.random.Generator) -> tuple[list[Sale], Account]:
    sales = draw_sales(shop, rng, zone=ZONE, goods=CHINESE, extras=EXTRAS)
    account = Account()
    for sale in sales:
        if sale.is_valid:
            net = sale.amount - sale.refund
            account.keep(_number(sale), sale.person.nick, sale.moment, net)
        else:
            account.leave(_RULE[sale.kind])
    return sales, account


def _number(sale: Sale) -> str:
    # 17 to 19 digits that differ in the last ones: as floats, neighbours would be equal.
    return f"{('35153131473', '935153131473', '2035153131473')[sale.number % 3]}{sale.number:06d}"


def _order_list(sales: Sequence[Sale], vintage: str) -> bytes:
    header = ORDERS[vintage]
    rows = [picked(header, _cells(sale, vintage)) for sale in sales]
    return _quoted([list(header), *rows])


def _quoted(rows: Iterable[Sequence[str]], end: str = "") -> bytes:
    """Return rows as the seller centre writes them: all quoted; ids are formulas."""
    lines = (",".join(map(_quote, row)) for row in rows)
    text = "".join(f"{line}{end if place else ''}\r\n" for place, line in enumerate(lines))
    return text.encode("gbk")


def _quote(text: str) -> str:
    return text if text.startswith('="') else '"' + text.replace('"', '""') + '"'


def _formula(text: str) -> str:
    return f'="{text}"'


def _time(moment: dt.datetime | None, sale: Sale) -> str:
    empty = "null" if sale.number % 2 else ""
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else empty


def _status(sale: Sale) -> str:
    status = _STATUS[sale.kind]
    return status if sale.number % 3 else status.replace("，", ",")


def _paid_cents(sale: Sale, vintage: str) -> int:
    """Return 买家实际支付金额: 0 for a closed order, which is a value and not a missing one."""
    if sale.paid is None or (sale.kind in BACK and sale.number % 2):
        return 0
    # The oldest list has no column for refunds: they are subtracted from the payment.
    gone = sale.refund if vintage == "2012" and sale.kind == "partially_refunded" else 0
    return sale.amount - gone


def _refund_cents(sale: Sale) -> int:
    """Return 退款金额: a refund, or a discount that the payment already contains."""
    if sale.kind in BACK:
        return sale.amount
    if sale.is_valid and sale.discount and not sale.shipping:
        return sale.discount
    return sale.refund


def _reason(sale: Sale) -> str:
    if sale.kind == "closed_unpaid":
        return "买家未付款"
    return "退款" if sale.kind in BACK else "订单未关闭"


def _stages(sale: Sale) -> str:
    if sale.number % 13 or sale.paid is None or not sale.amount:
        return ""
    deposit = sale.amount // 5
    return f"阶段1：已付款，{plain(deposit)}元；阶段2：已付款，{plain(sale.amount - deposit)}元"


def _titles(sale: Sale) -> list[str]:
    titles = [line.title for line in sale.lines]
    if _stages(sale):
        titles[0] = f"【预售定金】{titles[0]}"
    if sale.number % 11 == 0:
        titles[-1] = "送货入户安装服务"
    return titles


def _cells(sale: Sale, vintage: str) -> dict[str, object]:
    person, paid = sale.person, _paid_cents(sale, vintage)
    sent = sale.kind in ("shipped", "completed", "partially_refunded")
    owed, whole = plain(sale.goods), plain(sale.goods + sale.shipping)
    tracking = f"YT{sale.number:011d}" if sent else ""
    finished = _time(sale.back_at, sale) if _status(sale) == "交易成功" else ""
    return {
        "订单编号": _formula(_number(sale)), "主订单编号": _formula(_number(sale)),
        "买家会员名": person.nick, "买家支付宝账号": person.email,
        "支付单号": _formula(f"2024{sale.number:024d}"), "支付详情": "",
        "买家应付货款": owed, "买家应付邮费": plain(sale.shipping), "总金额": whole,
        "买家实际支付金额": plain(paid), "买家实付金额": plain(paid),
        "买家支付积分": "0", "返点积分": "0", "买家实际支付积分": "0",
        "订单状态": _status(sale), "订单关闭原因": _reason(sale),
        "买家留言": '请用"好"包装,谢谢' if sale.number % 17 == 0 else "",
        "收货人姓名": person.chinese_name.replace("𠮷", "吉"),
        "收货地址": person.chinese_address, "运送方式": "快递", "联系电话": "",
        "联系手机": f"'{person.mobile}",
        "订单创建时间": _time(sale.created, sale), "买家下单时间": _time(sale.created, sale),
        "订单付款时间": _time(sale.paid, sale), "买家付款时间": _time(sale.paid, sale),
        "宝贝标题": "，".join(_titles(sale)), "宝贝种类": len(sale.lines),
        "宝贝总数量": sum(line.quantity for line in sale.lines), "宝贝规格": "默认",
        "物流单号": tracking, "运单号": tracking, "物流公司": "示例快递" if sent else "",
        "发货时间": _time(sale.paid, sale) if sent else "", "确认收货时间": finished,
        "店铺Id": "0", "店铺名称": "示例旗舰店", "卖家服务费": "0", "买家服务费": "0元",
        "是否手机订单": "手机订单" if sale.number % 2 else "", "分阶段订单信息": _stages(sale),
        "特权订金订单id": _formula(""), "是否上传合同照片": "否", "是否上传小票": "否",
        "是否代付": "否", "是否信用购": "否", "退款金额": plain(_refund_cents(sale)),
        "打款商家金额": f"{plain(sale.amount - sale.refund)}元",
    }  # fmt: skip


def _line_list(sales: Sequence[Sale], vintage: str) -> bytes:
    header = LINES[vintage]
    cells = [_line_cells(sale, place) for sale in sales for place in range(len(sale.lines))]
    # In the older file each row, but not the header, ends in a comma too many.
    end = "," if vintage == "2017" else ""
    return _quoted([list(header), *(picked(header, row) for row in cells)], end)


def _line_cells(sale: Sale, place: int) -> dict[str, object]:
    line, title = sale.lines[place], _titles(sale)[place]
    order, own = _formula(_number(sale)), f"{4 + place}{_number(sale)[1:]}"
    back = _line_refund(sale, place)
    status = "交易关闭" if back == line.total and back else _status(sale)
    return {
        "子订单编号": order if len(sale.lines) == 1 else _formula(own),
        "主订单编号": order, "订单编号": order, "标题": title, "价格": plain(line.price),
        "购买数量": line.quantity, "外部系统编号": line.sku, "商家编码": line.sku,
        "商品属性": "颜色分类：默认", "套餐信息": "", "备注": "", "订单状态": status,
        "买家应付货款": plain(line.total), "买家实际支付金额": plain(_line_paid(sale, line, place)),
        "退款状态": "退款成功" if back else "没有申请退款", "退款金额": plain(back),
        "订单创建时间": _time(sale.created, sale), "订单付款时间": _time(sale.paid, sale),
        "商品id": _formula(f"6{sale.number % 6:011d}"), "分阶段订单信息": _stages(sale),
        "是否赔付": "否", "赔付金额": plain(0),
    }  # fmt: skip


def _line_paid(sale: Sale, line: Line, place: int) -> int:
    """Return a line's share of the payment; the freight is in no line."""
    if sale.paid is None:
        return 0
    before = sum(earlier.total for earlier in sale.lines[:place])
    if not sale.goods:
        return 0
    cut = [sale.discount * total // sale.goods for total in (before, before + line.total)]
    return line.total - (cut[1] - cut[0])


def _line_refund(sale: Sale, place: int) -> int:
    """Return the refund of a line: the first lines are refunded first, without freight."""
    before = sum(line.total for line in sale.lines[:place])
    return max(0, min(sale.refund - before, sale.lines[place].total))


def _workbook(sales: Sequence[Sale]) -> bytes:
    orders = [picked(_QIANNIU, _bare(_cells(sale, "qianniu"))) for sale in sales]
    header = LINES["2019"]
    lines = [
        picked(header, _bare(_line_cells(sale, place)))
        for sale in sales
        for place in range(len(sale.lines))
    ]
    sent = [sale for sale in sales if sale.kind in ("shipped", "completed")]
    shipped = [picked(_SHIPMENTS, _bare(_cells(sale, "qianniu"))) for sale in sent]
    tables = ([list(_QIANNIU), *orders], [list(header), *lines], [list(_SHIPMENTS), *shipped])
    return workbook(dict(zip(_SHEETS, tables, strict=True)))


def _bare(cells: dict[str, object]) -> dict[str, object]:
    """Return cells without formulas: a workbook has text cells."""
    return {name: str(cell).removeprefix('="').removesuffix('"') for name, cell in cells.items()}
