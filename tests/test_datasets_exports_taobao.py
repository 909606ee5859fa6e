"""Taobao's exports: the headers and traps are there, and a plain reading finds the truth."""

import csv
import io
import re

import openpyxl
import pandas as pd
import pytest

from rfmkit.datasets import export_orders, simulate_orders
from rfmkit.datasets.exports.taobao import LINES, ORDERS

SHOP = simulate_orders(150, seed=1)
CSV = ["2019", "2018", "2017", "2012"]


def rows_of(content: bytes) -> pd.DataFrame:
    header, *rows = csv.reader(io.StringIO(content.decode("gbk"), newline=""))
    frame = pd.DataFrame([row[: len(header)] for row in rows], columns=header)
    frame.columns = frame.columns.str.strip()
    return frame.map(lambda cell: cell.removeprefix('="').removesuffix('"'))


def orders_of(vintage: str) -> tuple[pd.DataFrame, dict]:
    export = export_orders(SHOP, format="taobao", vintage=vintage)
    return rows_of(next(iter(export.files.values()))), export


def read(orders: pd.DataFrame) -> pd.DataFrame:
    """Read as the rules say: closed by its payment time, a discount no refund, 0 a value."""
    paid_at = orders["订单付款时间"].replace("null", "")
    closed = orders["订单状态"] == "交易关闭"
    paid = orders["买家实际支付金额"].astype(float)
    refund = (orders["退款金额"] if "退款金额" in orders else pd.Series(0, orders.index)).astype(
        float
    )
    netted = ((orders["总金额"].astype(float) - paid) - refund).abs() < 0.01
    amount = (paid - refund.where(~netted, 0)).round(2)
    valid = (paid_at != "") & ~closed & (paid > 0)
    read = pd.DataFrame(
        {
            "order_id": orders["订单编号"],
            "customer_id": orders["买家会员名"],
            "ordered_at": pd.to_datetime(paid_at),
            "amount": amount,
        }
    )
    return read[valid].sort_values(["ordered_at", "order_id"], ignore_index=True)


def test_the_headers_are_those_of_the_platform() -> None:
    counts = {vintage: len(header) for vintage, header in ORDERS.items()}
    assert counts == {"2019": 61, "2018": 56, "2017": 46, "2012": 30, "qianniu": 24}
    assert {vintage: len(header) for vintage, header in LINES.items()} == {"2019": 28, "2017": 10}
    assert all(len(set(header)) == len(header) for header in [*ORDERS.values(), *LINES.values()])
    spaced = ["收货地址 ", "联系电话 ", "订单付款时间 ", "宝贝标题 ", "宝贝种类 ", "物流单号 "]
    assert [name for name in ORDERS["2017"] if name.endswith(" ")] == spaced
    assert [name for name in ORDERS["2012"] if name.endswith(" ")] == []
    # by position the file would be read wrongly: the same column is elsewhere a year later
    assert ORDERS["2017"].index("订单创建时间") == 17
    assert ORDERS["2018"].index("订单创建时间") == 19
    assert ORDERS["2019"][-5:] == (
        "是否信用购",
        "体验期结束时间",
        "前N有礼",
        "配送类型",
        "主订单编号",
    )


@pytest.mark.parametrize("vintage", CSV)
def test_a_plain_reading_finds_the_truth(vintage: str) -> None:
    orders, export = orders_of(vintage)
    found = read(orders)
    pd.testing.assert_frame_equal(found, export.truth, check_dtype=False)
    assert len(orders) == len(export.truth) + sum(export.aside.values())


@pytest.mark.parametrize("vintage", CSV)
def test_what_is_set_aside_is_what_the_statuses_say(vintage: str) -> None:
    orders, export = orders_of(vintage)
    unpaid_at = orders["订单付款时间"].isin(["", "null"])
    closed = orders["订单状态"] == "交易关闭"
    assert export.aside["closed_unpaid"] == (closed & unpaid_at).sum()
    assert export.aside["closed_unpaid"] == (orders["订单关闭原因"] == "买家未付款").sum()
    assert export.aside["closed_refunded"] == (closed & ~unpaid_at).sum()
    assert export.aside["unpaid"] == (orders["订单状态"] == "等待买家付款").sum()
    free = ~closed & (orders["买家实际支付金额"] == "0.00") & ~unpaid_at
    assert export.aside["zero_amount"] == free.sum()


def test_the_traps_are_in_the_bytes() -> None:
    export = export_orders(SHOP, format="taobao", vintage="2017")
    text = next(iter(export.files.values())).decode("gbk")
    assert "，等待" in text
    assert ",等待" in text
    assert '"null"' in text
    assert '=""' in text
    assert re.search(r'"\'1700000\d{4}"', text)
    assert "【预售定金】" in text
    assert "送货入户安装服务" in text
    assert "阶段1：已付款，" in text
    assert "冷萃咖啡液,无糖" in text
    assert "手工曲奇，礼盒装" in text
    assert "陶瓷杯\n（大号）" in text
    assert '""经典""' in text
    first = text.split("\r\n")[1]
    assert re.match(r'="\d{17,19}","', first)
    ids = re.findall(r'^="(\d+)"', text, re.MULTILINE)
    assert {len(number) for number in ids} == {17, 18, 19}
    # as floats, different orders are one
    assert len({float(number) for number in ids}) < len(set(ids))


def test_a_refund_column_holds_refunds_and_discounts() -> None:
    orders, _ = orders_of("2019")
    gone = orders["总金额"].astype(float) - orders["买家实际支付金额"].astype(float)
    refund = orders["退款金额"].astype(float)
    done = orders["订单状态"] == "交易成功"
    assert (done & (refund > 0) & ((gone - refund).abs() < 0.01)).any()
    assert (done & (refund > 0) & ((gone - refund).abs() > 0.01)).any()
    assert (done & (refund == 0) & (gone > 0)).any()


def test_the_lines_name_no_buyer_and_belong_to_the_orders() -> None:
    for vintage, header in LINES.items():
        export = export_orders(SHOP, format="taobao_lines", vintage=vintage)
        orders, lines = map(rows_of, export.files.values())
        assert list(lines.columns) == list(header)
        assert not {"买家会员名", "收货人姓名"} & set(lines.columns)
        key = "主订单编号" if vintage == "2019" else "订单编号"
        assert set(lines[key]) == set(orders["订单编号"])
    assert list(export.files)[1].startswith("ExportOrderDetailList")


def test_the_lines_add_up_to_the_payment_without_the_freight() -> None:
    export = export_orders(SHOP, format="taobao_lines")
    orders, lines = map(rows_of, export.files.values())
    assert lines["子订单编号"].is_unique
    paid = lines["买家实际支付金额"].astype(float).groupby(lines["主订单编号"]).sum()
    orders = orders.set_index("订单编号")
    held = orders["订单状态"] != "交易关闭"
    freight = orders["买家应付邮费"].astype(float)
    expected = (orders["买家实际支付金额"].astype(float) - freight)[held]
    waiting = orders["订单状态"] == "等待买家付款"
    assert (paid[expected.index] - expected.where(~waiting, 0)).abs().max() < 0.005
    # the first line of an order went back, the order stands
    mixed = lines.groupby("主订单编号")["订单状态"].nunique()
    assert (mixed > 1).any()
    assert set(lines["退款状态"]) == {"退款成功", "没有申请退款"}


def test_the_old_lines_end_in_a_comma_that_the_header_has_not() -> None:
    export = export_orders(SHOP, format="taobao_lines", vintage="2017")
    rows = list(csv.reader(io.StringIO(list(export.files.values())[1].decode("gbk"), newline="")))
    assert {len(row) for row in rows[1:]} == {11}
    assert len(rows[0]) == 10


def test_the_workbook_is_one_that_excel_reads() -> None:
    export = export_orders(SHOP, format="taobao", vintage="qianniu")
    ((name, content),) = export.files.items()
    assert name.endswith(".xlsx")
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book.sheetnames == ["订单报表", "销售明细", "发货报表"]
    header, *rows = book["订单报表"].iter_rows(values_only=True)
    assert header == ORDERS["qianniu"]
    orders = pd.DataFrame(rows, columns=header).fillna("")
    names = {"买家实付金额": "买家实际支付金额", "买家付款时间": "订单付款时间"}
    found = read(orders.rename(columns=names))
    pd.testing.assert_frame_equal(found, export.truth, check_dtype=False)
