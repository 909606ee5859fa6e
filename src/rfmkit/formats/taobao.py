"""Taobao and Tmall (Qianniu): the order list, in its versions, and the list of order lines."""

from __future__ import annotations

from typing import Final

from rfmkit.formats.format import Format

STATUSES: Final = {
    "卖家部分发货": "shipped",
    "交易关闭": "closed",
    "付款以后用户退款成功,交易自动关闭": "closed_refunded",
    "付款以前,卖家或买家主动关闭交易": "closed_unpaid",
}

TAOBAO: Final = Format(
    name="taobao",
    title="Taobao or Tmall order list (ExportOrderList)",
    marks=("订单编号", "买家会员名|买家昵称", "买家实际支付金额|买家实付金额", "订单状态"),
    columns={
        "order_id": "订单编号",
        "customer_id": ("买家会员名", "买家昵称"),
        "created_at": ("订单创建时间", "买家下单时间"),
        "paid_at": ("订单付款时间", "买家付款时间"),
        "completed_at": "确认收货时间",
        "amount": ("买家实际支付金额", "买家实付金额"),
        # Some exports write a discount before payment into the refund.
        "due_amount": "买家应付货款",
        "refund_amount": "退款金额",
        "status": "订单状态",
        "close_reason": "订单关闭原因",
    },
    statuses=STATUSES,
    unique="order_id",
    sheets=("订单报表",),
    decimal=".",
)

TAOBAO_LINES: Final = Format(
    name="taobao_lines",
    title="Taobao or Tmall list of order lines (ExportOrderDetailList)",
    marks=("标题", "购买数量", "外部系统编号", "商品属性", "套餐信息"),
    columns={
        "order_id": ("主订单编号", "订单编号"),
        "line_id": "子订单编号",
        "created_at": "订单创建时间",
        "paid_at": "订单付款时间",
        "amount": "买家实际支付金额",
        "unit_price": "价格",
        "quantity": "购买数量",
        "due_amount": "买家应付货款",
        "refund_amount": "退款金额",
        "status": "订单状态",
    },
    statuses=STATUSES,
    unique="line_id",
    lines_of="taobao",
    instead="take the order list (ExportOrderList): its column 买家会员名 identifies the buyer.",
    decimal=".",
)
