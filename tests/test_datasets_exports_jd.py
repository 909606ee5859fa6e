"""JD's export: money repeats on each line, and a deleted parent would count its children twice."""

import csv
import io

import pandas as pd

from rfmkit.datasets import export_orders, simulate_orders
from rfmkit.datasets.exports.jd import HEADER

EXPORT = export_orders(simulate_orders(150, seed=1), format="jd")
TEXT = EXPORT.files["orders_jd.csv"].decode("gb18030")
RULES = {
    "(删除)": "deleted", "已取消": "cancelled", "等待付款": "unpaid", "未付款": "unpaid",
}  # fmt: skip


def lines() -> pd.DataFrame:
    header, *rows = csv.reader(io.StringIO(TEXT, newline=""))
    assert {len(row) for row in rows} == {31}
    assert {row[-1] for row in rows} == {""}
    return pd.DataFrame([row[:-1] for row in rows], columns=header[:-1])


def rule(status: str) -> str:
    return next((rule for word, rule in RULES.items() if status.strip().startswith(word)), "")


def test_the_header_has_thirty_names_and_a_comma_at_its_end() -> None:
    assert len(HEADER) == 30
    assert TEXT.split("\r\n")[0] == ",".join(HEADER) + ","


def test_a_plain_reading_finds_the_truth() -> None:
    table = lines()
    table["rule"] = table["订单状态"].map(rule)
    table.loc[(table["rule"] == "") & (table["应付金额"] == "0.00"), "rule"] = "zero_amount"
    aside = table["rule"][table["rule"] != ""].value_counts().to_dict()
    assert aside == EXPORT.aside
    # the order's money is on each of its lines, and is taken once
    kept = table[table["rule"] == ""].groupby("订单号", as_index=False).first()
    found = pd.DataFrame(
        {
            "order_id": kept["订单号"],
            "customer_id": kept["下单帐号"],
            "ordered_at": pd.to_datetime(kept["付款确认时间"]),
            "amount": kept["应付金额"].astype(float),
        }
    ).sort_values(["ordered_at", "order_id"], ignore_index=True)
    pd.testing.assert_frame_equal(found, EXPORT.truth, check_dtype=False)


def test_the_order_money_repeats_on_its_lines() -> None:
    per_order = lines().groupby("订单号")
    assert per_order.size().max() > 1
    for column in ("订单金额", "结算金额", "应付金额", "运费金额", "下单帐号", "付款确认时间"):
        assert per_order[column].nunique().max() == 1


def test_the_children_of_a_deleted_parent_are_orders_of_their_own() -> None:
    table = lines()
    parents = table[table["商家备注"] != ""].drop_duplicates("订单号").set_index("订单号")
    assert len(parents) > 5
    assert set(parents["订单状态"]) == {"(删除)等待出库"}
    truth = EXPORT.truth.set_index("order_id")["amount"]
    for memo, whole in parents[["商家备注", "应付金额"]].itertuples(index=False):
        word, *children = memo.split()
        assert word == "订单拆分为"
        assert len(children) == 2
        assert abs(truth[children].sum() - float(whole)) < 0.005
    assert not set(parents.index) & set(truth.index)


def test_the_traps_are_in_the_bytes() -> None:
    statuses = set(lines()["订单状态"])
    assert {" 完成", "完成", "已完成", "等待出库", "等待确认收货", "已取消"} <= statuses
    assert {"(删除)未付款", "(删除)等待出库", "未付款"} <= {text.strip() for text in statuses}
    # a character that is in GB 18030 and not in GBK
    assert "𠮷" in TEXT
    assert "冷萃咖啡液,无糖" in TEXT
    assert "陶瓷杯\n（大号）" in TEXT
