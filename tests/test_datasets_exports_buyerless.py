"""Pinduoduo and Douyin: everything is in their lists but the buyer."""

import csv
import io

import pytest

from rfmkit.datasets import export_orders, simulate_orders
from rfmkit.datasets.exports.buyerless import DOUYIN, PINDUODUO

SHOP = simulate_orders(150, seed=1)


def rows_of(name: str) -> list[dict[str, str]]:
    (content,) = export_orders(SHOP, format=name).files.values()
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize(
    ("name", "header", "count"), [("pinduoduo", PINDUODUO, 23), ("douyin", DOUYIN, 26)]
)
def test_the_lists_have_no_buyer(name: str, header: tuple, count: int) -> None:
    assert len(set(header)) == len(header) == count
    assert tuple(rows_of(name)[0]) == header
    assert not [column for column in header if "买家" in column or "会员" in column]
    export = export_orders(SHOP, format=name)
    assert len(export.truth) == 0
    assert export.aside == {}


def test_the_traps_of_pinduoduo_are_in_the_rows() -> None:
    rows = rows_of("pinduoduo")
    assert {row["订单状态"] for row in rows} == {
        "待支付", "已取消", "已发货，退款成功", "未发货，退款成功", "已收货", "已发货，待签收",
    }  # fmt: skip
    untimed = [row for row in rows if not row["订单成交时间"] and row["订单状态"] == "已收货"]
    assert untimed
    # only the id says the day
    assert all(row["订单号"][:6].isdigit() and row["订单号"][6] == "-" for row in rows)


def test_the_traps_of_douyin_are_in_the_rows() -> None:
    rows = rows_of("douyin")
    assert all(row["主订单编号"].startswith("\t69") for row in rows)
    assert {(row["收件人"], row["收件人手机号"]) for row in rows} == {("##密文", "$$密文")}
    assert any(";" in row["选购商品"] for row in rows)
    assert {"-", "退款成功"} == {row["售后状态"] for row in rows}
    assert any(row["支付完成时间"] == "-" for row in rows)
