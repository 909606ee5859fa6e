"""The traps of Taobao's and Tmall's exports, each by its name."""

import datetime as dt
from decimal import Decimal

import pandas as pd
import pytest

import rfmkit as rk
from conftest import audited
from rfmkit.exceptions import NoCustomerKeyError

# One worker reads the log that the tests share.
pytestmark = pytest.mark.xdist_group("taobao")

HEADER = (
    "订单编号",
    "买家会员名",
    "买家应付货款",
    "买家应付邮费",
    "总金额",
    "买家实际支付金额",
    "订单状态",
    "订单创建时间",
    "订单付款时间 ",
    "宝贝标题 ",
    "宝贝种类 ",
    "宝贝总数量",
    "订单关闭原因",
    "退款金额",
)
PAID = ("买家已付款，等待卖家发货", "2024-03-01 10:00:00", "2024-03-01 10:05:00")


def order(
    number,
    *,
    buyer="阿一",
    due="100.00",
    paid="100.00",
    status=PAID[0],
    made=PAID[1],
    paid_at=PAID[2],
    title="杯",
    reason="订单未关闭",
    refund="0.00",
):
    return (
        f'="{number}"',
        buyer,
        due,
        "0.00",
        due,
        paid,
        status,
        made,
        paid_at,
        title,
        "1",
        "1",
        reason,
        refund,
    )


def export(*orders):
    return pd.DataFrame(list(orders), columns=HEADER)


def write(path, *orders, encoding="gbk", header=HEADER):
    rows = [",".join(f'"{cell}"' for cell in header)]
    for row in orders:
        quoted = (
            cell if cell.startswith("=") else '"' + cell.replace('"', '""') + '"' for cell in row
        )
        rows.append(",".join(quoted))
    path.write_bytes(("\r\n".join(rows) + "\r\n").encode(encoding))
    return path


CLOSED = {
    ("", "买家未付款"): "closed_unpaid",
    ("null", "订单未关闭"): "closed_unpaid",
    ("2024-03-01 10:05:00", "退款"): "closed_refunded",
    ("2024-03-01 10:05:00", "订单未关闭"): "closed_refunded",
    ("2024-03-01 10:05:00", "买家未付款"): "closed_unpaid",
}
NET = {
    ("100.00", "80.00", "20.00"): "80",  # waived before payment: not given back again
    ("100.00", "80.00", "20.009"): "80",
    ("100.00", "80.00", "20.02"): "59.98",
    ("100.00", "100.00", "20.00"): "80",
    ("100.00", "80.00", "0.00"): "80",
}
COMMAS = ",", "，"


@pytest.fixture(scope="module")
def orders():
    """The log of an order and of those that differ from it in one thing, each by an id of its own.

    The ids of closed orders begin at 11, those of orders with a refund at 21.
    """
    closed = [
        order(11 + place, status="交易关闭", paid_at=paid_at, reason=reason)
        for place, (paid_at, reason) in enumerate(CLOSED)
    ]
    refunded = [
        order(21 + place, due=due, paid=paid, refund=refund)
        for place, (due, paid, refund) in enumerate(NET)
    ]
    commas = [
        order(31 + place, status=f"买家已付款{comma}等待卖家发货")
        for place, comma in enumerate(COMMAS)
    ]
    return rk.read_orders(
        export(
            order(1),
            *closed,
            *refunded,
            *commas,
            order(41, due="50.00", paid="0.00"),
            order(43, buyer="小**"),
            order(44, buyer="小**"),
        )
    )


@pytest.fixture(scope="module")
def kept(orders):
    return orders.to_frame(exact=True).set_index("order_id")


@pytest.fixture(scope="module")
def rules(orders):
    """The rule by which each order was set aside, by its id as it is written."""
    return orders.rejected.set_index("订单编号")["rule"].to_dict()


def test_the_order_list_is_recognised_and_says_why(orders):
    assert orders.notes[0].startswith(
        "format: taobao (Taobao or Tmall order list (ExportOrderList)), its columns '订单编号', "
    )


@pytest.mark.parametrize(
    "encoding", ["gbk", pytest.param("gb18030", marks=pytest.mark.slow), "utf-8-sig"]
)
def test_titles_with_commas_and_line_breaks_inside_quotes(tmp_path, encoding):
    file = write(
        tmp_path / "ExportOrderList202404.csv",
        order(35001, title="杯,大，红\r\n第二行"),
        order(35002, title='碗 "小"'),
        encoding=encoding,
    )
    frame = rk.read_orders(file).to_frame()
    assert frame["order_id"].tolist() == ["35001", "35002"]
    assert frame["amount"].sum() == 200


def test_headers_with_trailing_spaces_and_in_another_order():
    frame = export(order(1), order(2, buyer="阿二"))
    mixed = frame[list(reversed(frame.columns))]
    found = rk.read_orders(frame).to_frame()
    assert rk.read_orders(mixed).to_frame().equals(found)
    assert found["ordered_at"][0] == dt.datetime(2024, 3, 1, 10, 5)


def test_ids_of_17_digits_stay_whole():
    ids = ["12345678901234567", "12345678901234568"]
    found = rk.read_orders(export(*map(order, ids))).to_frame()
    assert sorted(found["order_id"]) == ids


def test_ids_in_scientific_notation_are_flagged_and_not_merged():
    orders = rk.read_orders(export(order("3.51531E+16"), order("3.51531E+16", buyer="阿二")))
    assert len(orders.to_frame()) == 2
    assert "2 order ids destroyed by a float" in orders.notes


@pytest.mark.parametrize("place", range(len(COMMAS)))
def test_both_commas_in_statuses(kept, place):
    assert kept.loc[str(31 + place), "status"] == "paid"


@pytest.mark.parametrize("place", range(len(CLOSED)))
def test_a_closed_order_is_unpaid_or_refunded_by_reason_and_pay_time(rules, place):
    assert rules[f'="{11 + place}"'] == [*CLOSED.values()][place]


def test_a_closed_order_without_any_evidence_stays_unknown():
    frame = export(order(1), order(2, status="交易关闭")).drop(
        columns=["订单付款时间 ", "订单关闭原因"]
    )
    orders = rk.read_orders(frame)
    assert audited(orders)["unknown_status"][0] == 1


def test_who_never_paid_is_a_prospect():
    frame = export(
        order(1), order(2, buyer="阿二", status="交易关闭", paid_at="", reason="买家未付款")
    )
    segments = rk.segment(rk.read_orders(frame)).set_index("customer_id")
    assert segments.loc["阿二", "segment"] == "prospect"
    assert segments.loc["阿二", "ordered_unpaid"]


@pytest.mark.parametrize("place", range(len(NET)))
def test_a_refund_that_was_already_netted_is_not_taken_twice(kept, place):
    assert kept.loc[str(21 + place), "amount"] == Decimal([*NET.values()][place])


def test_paid_zero_is_a_value(orders, rules):
    assert rules['="41"'] == "zero_amount"
    assert audited(orders)["zero_amount"] == (1, Decimal(0))


def test_the_same_row_twice_is_a_copy():
    orders = rk.read_orders(export(order(1), order(1), order(2, buyer="阿二")))
    assert audited(orders)["duplicate"] == (1, Decimal(100))
    assert len(orders.to_frame()) == 2


def test_deposits_brushing_and_service_lines_go_by_exclude():
    frame = export(order(1), order(2, title="定金 勿拍"), order(3, title="送货入户"))
    orders = rk.read_orders(frame, exclude={"宝贝标题 ": "定金|送货|安装"})
    assert audited(orders)["excluded"] == (2, Decimal(200))


def test_the_first_vintage_and_the_last_are_read_alike():
    first = export(order(1)).drop(columns=["退款金额"])
    last = export(order(1)).rename(
        columns={
            "买家实际支付金额": "买家实付金额",
            "订单创建时间": "买家下单时间",
            "订单付款时间 ": "买家付款时间",
        }
    )
    found = [rk.read_orders(frame).to_frame() for frame in (first, last)]
    assert found[0].equals(found[1])


LINES = {
    "子订单编号": ["1", "2"],
    "主订单编号": ["9", "9"],
    "标题": ["杯", "碗"],
    "价格": ["5", "7"],
    "购买数量": ["1", "1"],
    "外部系统编号": ["", ""],
    "商品属性": ["", ""],
    "套餐信息": ["", ""],
    "订单状态": ["交易成功", "交易成功"],
    "买家实际支付金额": ["5", "7"],
    "订单付款时间": ["2024-03-01"] * 2,
}


def test_the_list_of_lines_says_which_export_tells_the_buyer():
    with pytest.raises(NoCustomerKeyError, match=r"Hint: take the order list .ExportOrderList."):
        rk.read_orders(pd.DataFrame(LINES))


def test_lines_joined_to_their_buyer_are_summed_to_orders():
    frame = pd.DataFrame(LINES | {"谁": ["阿一", "阿一"]})
    orders = rk.read_orders(frame, customer="谁")
    assert orders.to_frame()["amount"].tolist() == [Decimal(12)]


def test_ids_that_a_spreadsheet_has_rounded_are_flagged_and_not_merged():
    ids = ["3500000000000000000", "3500000000000100000", "3500000000000000000"]
    orders = rk.read_orders(export(*map(order, ids)))
    assert len(orders.to_frame()) == 3
    assert any("rounded by a spreadsheet" in note for note in orders.notes)


def test_a_few_ids_that_end_in_zeros_are_no_such_thing():
    ids = ["3500000000000000000", "3500000000000123457", "3500000000000223450"]
    assert sorted(rk.read_orders(export(*map(order, ids))).to_frame()["order_id"]) == sorted(ids)


def test_a_masked_member_is_no_key(orders, rules):
    assert (rules['="43"'], rules['="44"']) == ("no_customer", "no_customer")
    assert audited(orders)["no_customer"][0] == 2
