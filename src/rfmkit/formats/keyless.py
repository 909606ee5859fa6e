"""Exports without a buyer: each order would be a customer of its own."""

from __future__ import annotations

from typing import Final

from rfmkit.formats.format import Format

PINDUODUO: Final = Format(
    name="pinduoduo",
    title="Pinduoduo order export",
    marks=("订单号", "商品总价(元)", "用户实付金额(元)", "商家实收金额(元)", "售后状态"),
    columns={
        "order_id": "订单号",
        "paid_at": ("支付时间", "拼单成功时间", "订单成交时间"),
        "amount": ("用户实付金额(元)", "商家实收金额(元)"),
        "status": "订单状态",
    },
    statuses={"未发货,退款成功": "refunded", "已发货,退款成功": "refunded"},
    instead="Pinduoduo exports no buyer. Take the orders from your ERP or membership system, where "
    "they are joined to members, or name its column: customer='...'.",
    decimal=".",
)

DOUYIN: Final = Format(
    name="douyin",
    title="Douyin order export",
    marks=("主订单编号", "子订单编号", "选购商品", "订单应付金额", "订单提交时间"),
    columns={
        "order_id": "主订单编号",
        "line_id": "子订单编号",
        "created_at": "订单提交时间",
        "paid_at": "支付完成时间",
        "completed_at": "订单完成时间",
        "amount": "订单应付金额",
        "status": "订单状态",
        "close_reason": "取消原因",
    },
    statuses={"已关闭": "closed"},
    instead="Douyin exports encrypted names and phones. Take the orders from your ERP or "
    "membership system, where they are joined to members, or name its column: customer='...'.",
    decimal=".",
)
