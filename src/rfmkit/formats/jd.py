"""JD (京东商家后台): one row per line, each with the amounts of the order."""

from __future__ import annotations

from typing import Final

from rfmkit.formats.format import Format

DELETED: Final = ("锁定", "等待出库", "等待确认收货", "等待付款", "未付款", "暂停", "完成")

JD: Final = Format(
    name="jd",
    title="JD order export",
    marks=("订单号", "下单帐号|下单账号", "下单时间", "京东价", "订单状态"),
    columns={
        "order_id": "订单号",
        "customer_id": ("下单帐号", "下单账号"),
        "created_at": "下单时间",
        "paid_at": "付款确认时间",
        "completed_at": "订单完成时间",
        "amount": ("应付金额", "结算金额", "订单金额"),
        "status": "订单状态",
    },
    statuses={
        "锁定": "held",
        "(锁定)等待出库": "held",
        "暂停订单": "held",
        **{f"(删除){word}": "deleted" for word in DELETED},
    },
    # An order that the system has split is deleted: its parts are orders of their own.
    overrules=(("订单状态", r"^\s*[(（]删除[)）]", "deleted"),),
    once=("amount",),
    decimal=".",
)
