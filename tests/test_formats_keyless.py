"""Exports without a buyer: an error that says what to do, unless the caller names one."""

from decimal import Decimal

import pandas as pd
import pytest

import rfmkit as rk
from conftest import audited
from rfmkit.exceptions import ColumnsError, NoCustomerKeyError

PINDUODUO = {
    "商品": ["杯", "碗"],
    "订单号": ["240301-1", "240302-2"],
    "订单状态": ["已收货", "已发货，退款成功"],
    "商品总价(元)": ["10.00", "8.00"],
    "用户实付金额(元)": ["9.00", "8.00"],
    "商家实收金额(元)": ["10.00", "8.00"],
    "售后状态": ["无售后或售后取消", "退款成功"],
    "支付时间": ["2024-03-01 10:00:00", "2024-03-02 10:00:00"],
}
DOUYIN = {
    "主订单编号": ["\t691"],
    "子订单编号": ["\t6911"],
    "选购商品": ["杯"],
    "订单应付金额": ["9.00"],
    "收件人": ["##密文"],
    "订单提交时间": ["2024-03-01 10:00:00"],
    "订单状态": ["已完成"],
}


@pytest.mark.parametrize(("export", "platform"), [(PINDUODUO, "Pinduoduo"), (DOUYIN, "Douyin")])
def test_an_export_without_a_buyer_says_what_to_take_instead(export, platform):
    with pytest.raises(
        NoCustomerKeyError, match=f"Hint: {platform} exports .+ customer='...'"
    ) as found:
        rk.read_orders(pd.DataFrame(export))
    assert isinstance(found.value, ColumnsError)


def test_joined_to_members_it_is_read():
    orders = rk.read_orders(pd.DataFrame(PINDUODUO | {"会员": ["a", "b"]}), customer="会员")
    assert orders.to_frame()["amount"].tolist() == [Decimal(9)]
    assert audited(orders)["refunded"] == (1, Decimal(8))
