"""The traps of JD's export, each by its name."""

from decimal import Decimal

import pandas as pd
import pytest

import rfmkit as rk
from conftest import audited

# One worker reads the log that the tests share.
pytestmark = pytest.mark.xdist_group("jd")

HEADER = (
    "订单号",
    "商品ID",
    "商品名称",
    "订购数量",
    "支付方式",
    "下单时间",
    "京东价",
    "订单金额",
    "结算金额",
    "余额支付",
    "应付金额",
    "订单状态",
    "下单帐号",
    "商家备注",
    "运费金额",
    "付款确认时间",
)


def line(
    order="7001",
    *,
    item="1",
    due="30.00",
    status="完成",
    who="jd_a",
    paid="2024-03-01 10:00:00",
    memo="",
):
    return (
        order,
        item,
        "杯,大",
        "1",
        "在线支付",
        "2024-03-01 09:59:00",
        "10.00",
        due,
        due,
        "0.00",
        due,
        status,
        who,
        memo,
        "5.00",
        paid,
    )


def read(*lines, **options):
    return rk.read_orders(pd.DataFrame(list(lines), columns=HEADER), **options)


def test_amounts_that_repeat_on_every_line_count_once():
    orders = read(line(), line(item="2"), line(item="3"), line("7002", due="8.00"))
    assert orders.to_frame()["amount"].tolist() == [Decimal(30), Decimal(8)]
    assert audited(orders)["kept"] == (4, Decimal(38))
    assert audited(orders)["read"] == (4, Decimal(38))


DELETED = ["(删除)等待出库", "（删除）锁定", " (删除)未付款", "(删除)等待确认收货"]
SPACED = [" 完成", "已完成"]
PAID_AT = "2024-03-01 10:00:00"
LOCKED = {
    ("锁定", PAID_AT): "kept",
    ("(锁定)等待出库", PAID_AT): "kept",
    ("锁定", ""): "unpaid",
    ("等待付款", ""): "unpaid",
    ("已取消", ""): "cancelled",
}


@pytest.fixture(scope="module")
def orders():
    """The log of two children, of parents that were split, and of orders of other statuses."""
    parents = [
        line(str(8001 + place), status=status, memo="订单拆分为 7001 7002", due="38.00")
        for place, status in enumerate(DELETED)
    ]
    spaced = [line(str(8011 + place), status=status) for place, status in enumerate(SPACED)]
    locked = [
        line(str(8021 + place), status=status, paid=paid)
        for place, (status, paid) in enumerate(LOCKED)
    ]
    return read(line(), line("7002", due="8.00"), *parents, *spaced, *locked)


@pytest.fixture(scope="module")
def rules(orders):
    """The rule of each order, by its id."""
    kept = dict.fromkeys(orders.to_frame()["order_id"], "kept")
    return kept | orders.rejected.set_index("订单号")["rule"].to_dict()


@pytest.mark.parametrize("place", range(len(DELETED)))
def test_a_parent_that_was_split_is_deleted_and_its_children_count(rules, place):
    assert (rules["7001"], rules["7002"], rules[str(8001 + place)]) == ("kept", "kept", "deleted")


def test_the_money_of_deleted_parents_is_in_the_audit(orders):
    assert audited(orders)["deleted"] == (len(DELETED), 38 * len(DELETED))
    assert audited(orders)["kept"] == (6, 30 + 8 + 4 * 30)


@pytest.mark.parametrize("place", range(len(SPACED)))
def test_a_space_before_the_status(rules, place):
    assert rules[str(8011 + place)] == "kept"


@pytest.mark.parametrize("place", range(len(LOCKED)))
def test_a_locked_order_counts_where_it_was_paid(rules, place):
    assert rules[str(8021 + place)] == [*LOCKED.values()][place]


def test_the_export_as_a_file_with_a_trailing_comma(tmp_path):
    file = tmp_path / "jd.csv"
    rows = [HEADER, line(), line(item="2")]
    quoted = (",".join(f'"{cell}"' for cell in row) + "," for row in rows)
    file.write_bytes(("\r\n".join(quoted) + "\r\n").encode("gb18030"))
    assert rk.read_orders(file).to_frame()["amount"].tolist() == [Decimal(30)]


def test_lines_of_destroyed_order_ids_are_set_aside_since_each_has_the_total():
    orders = read(line("2.95E+11", due="120.00"), line("2.95E+11", due="120.00"), line("7002"))
    assert audited(orders)["mangled_order"] == (2, Decimal(240))
    assert orders.to_frame()["amount"].tolist() == [Decimal(30)]


def test_the_words_of_deleted_orders_are_known(orders):
    statuses = orders.audit.statuses.set_index("status")["meaning"]
    assert set(statuses[DELETED]) == {"deleted"}
    assert statuses["完成"] == "completed"
