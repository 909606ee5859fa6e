"""The traps of JD's export, each by its name."""

from decimal import Decimal

import pandas as pd
import pytest

import rfmkit as rk
from conftest import audited

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


@pytest.mark.parametrize(
    "deleted", ["(删除)等待出库", "（删除）锁定", " (删除)未付款", "(删除)等待确认收货"]
)
def test_a_parent_that_was_split_is_deleted_and_its_children_count(deleted):
    parent = line("7000", status=deleted, memo="订单拆分为 7001 7002", due="38.00")
    orders = read(parent, line(), line("7002", due="8.00"))
    assert audited(orders)["deleted"] == (1, Decimal(38))
    assert audited(orders)["kept"] == (2, Decimal(38))


def test_a_space_before_the_status():
    assert len(read(line(status=" 完成"), line("7002", status="已完成")).to_frame()) == 2


@pytest.mark.parametrize(
    ("status", "paid", "rule"),
    [
        ("锁定", "2024-03-01 10:00:00", "kept"),
        ("(锁定)等待出库", "2024-03-01 10:00:00", "kept"),
        ("锁定", "", "unpaid"),
        ("等待付款", "", "unpaid"),
        ("已取消", "", "cancelled"),
    ],
)
def test_a_locked_order_counts_where_it_was_paid(status, paid, rule):
    rows = audited(read(line(), line("7002", status=status, paid=paid)))
    assert rows[rule][0] == (2 if rule == "kept" else 1)


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


def test_the_words_of_deleted_orders_are_known():
    statuses = read(line(), line("7000", status="(删除)等待出库")).audit.statuses
    assert set(statuses["meaning"]) == {"completed", "deleted"}
