"""Pinduoduo and Douyin: order lists that name no buyer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rfmkit.datasets.exports.export import Account, Export
from rfmkit.datasets.exports.sales import CHINESE, draw_sales
from rfmkit.datasets.exports.sheets import picked, plain, table

if TYPE_CHECKING:
    import datetime as dt

    import numpy as np

    from rfmkit.datasets.exports.sales import Sale
    from rfmkit.datasets.simulation import Simulation

__all__ = ["DOUYIN", "PINDUODUO", "douyin", "pinduoduo"]

ZONE: Final = "Asia/Shanghai"
PINDUODUO: Final = (
    "商品", "订单号", "订单状态", "商品总价(元)", "邮费(元)", "店铺优惠折扣(元)",
    "平台优惠折扣(元)", "多多支付立减金额(元)", "用户实付金额(元)", "商家实收金额(元)",
    "商品数量(件)", "发货时间", "确认收货时间", "商品id", "商品规格", "样式ID", "商家编码-规格维度",
    "商家编码-商品维度", "商家备注", "售后状态", "快递单号", "快递公司", "订单成交时间",
)  # fmt: skip
DOUYIN: Final = (
    "主订单编号", "子订单编号", "选购商品", "商品规格", "商品数量", "商品ID", "商家编码",
    "商品金额", "订单应付金额", "运费", "收件人", "收件人手机号", "详细地址", "订单提交时间",
    "支付完成时间", "商家备注", "订单完成时间", "订单状态", "售后状态", "取消原因", "发货时间",
    "平台实际承担优惠金额", "商家实际承担优惠金额", "达人实际承担优惠金额", "达人ID", "达人昵称",
)  # fmt: skip
_PINDUODUO: Final = {
    "unpaid": "待支付",
    "closed_unpaid": "已取消",
    "refunded": "已发货，退款成功",
    "closed_refunded": "未发货，退款成功",
    "completed": "已收货",
    "partially_refunded": "已收货",
}
_DOUYIN: Final = {"completed": "已完成", "partially_refunded": "已完成", "unpaid": "待支付"}


def pinduoduo(shop: Simulation, rng: np.random.Generator, vintage: str) -> Export:
    """Return Pinduoduo's list; for some orders, only the id contains the day."""
    sales = draw_sales(shop, rng, zone=ZONE, goods=CHINESE)
    rows = [picked(PINDUODUO, _pinduoduo(sale)) for sale in sales]
    files = {"orders_export.csv": table([PINDUODUO, *rows], encoding="utf-8-sig")}
    return Account().export("pinduoduo", vintage, files, ZONE)


def douyin(shop: Simulation, rng: np.random.Generator, vintage: str) -> Export:
    """Return Douyin's list: ids begin with a tab, and names are encrypted."""
    sales = draw_sales(shop, rng, zone=ZONE, goods=CHINESE)
    rows = [picked(DOUYIN, _douyin(sale)) for sale in sales]
    files = {"orders.csv": table([DOUYIN, *rows], encoding="utf-8-sig")}
    return Account().export("douyin", vintage, files, ZONE)


def _time(moment: dt.datetime | None, *, empty: str = "") -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else empty


def _pinduoduo(sale: Sale) -> dict[str, object]:
    status = _PINDUODUO.get(sale.kind, "已发货，待签收")
    back = "退款成功" if "退款" in status else "无售后或售后取消"
    return {
        "商品": sale.lines[0].title, "订单号": f"{sale.created:%y%m%d}-{10**14 + sale.number}",
        "订单状态": status, "商品总价(元)": plain(sale.goods), "邮费(元)": plain(sale.shipping),
        "店铺优惠折扣(元)": plain(sale.discount), "平台优惠折扣(元)": plain(0),
        "多多支付立减金额(元)": plain(0), "用户实付金额(元)": plain(sale.amount),
        "商家实收金额(元)": plain(sale.amount), "商品id": 754_000_000_000 + sale.number % 6,
        "商品数量(件)": sum(line.quantity for line in sale.lines), "商品规格": "无规格",
        "售后状态": back, "快递公司": "示例快递",
        "订单成交时间": _time(None if sale.number % 10 == 0 else sale.paid),
    }  # fmt: skip


def _douyin(sale: Sale) -> dict[str, object]:
    status = _DOUYIN.get(sale.kind, "已发货" if sale.is_valid else "已关闭")
    number = f"\t69{sale.number:017d}"
    return {
        "主订单编号": number, "子订单编号": number, "商品规格": "\t默认",
        "选购商品": ";".join(line.title for line in sale.lines), "商品ID": f"\t36{sale.number % 6}",
        "商品数量": sum(line.quantity for line in sale.lines), "商家编码": sale.lines[0].sku,
        "商品金额": plain(sale.goods), "订单应付金额": plain(sale.amount),
        "运费": plain(sale.shipping), "收件人": "##密文", "收件人手机号": "$$密文",
        "详细地址": "##密文", "订单提交时间": _time(sale.created),
        "支付完成时间": _time(sale.paid, empty="-"), "商家备注": "-", "订单状态": status,
        "订单完成时间": _time(sale.back_at if status == "已完成" else None, empty="-"),
        "售后状态": "退款成功" if sale.refund == sale.amount else "-", "取消原因": "-",
        "发货时间": _time(sale.paid, empty="-"), "商家实际承担优惠金额": plain(sale.discount),
        "平台实际承担优惠金额": plain(0), "达人实际承担优惠金额": plain(0), "达人ID": 0,
        "达人昵称": "-",
    }  # fmt: skip
