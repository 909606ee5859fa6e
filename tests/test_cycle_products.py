"""Products: a category's gaps are those of a log that holds nothing else."""

import pandas as pd
import pytest

import rfmkit as rk
from rfmkit.cycle._products import (
    product_buyers,
    product_customers,
    product_gaps,
    product_purchases,
    product_regularity,
    product_silences,
)


@pytest.mark.parametrize("category", [pytest.param("coffee", marks=pytest.mark.slow), "kitchen"])
def test_the_gaps_of_a_category_are_those_of_a_log_of_it(sample, orders, category):
    alone = rk.read_orders(sample[sample["category"] == category], as_of=orders.as_of)
    expected = rk.purchase_gaps(alone).groupby(["gap_days", "returned"])["gaps"].sum()
    gaps = product_gaps(orders, per_unit=False)
    gaps = gaps[gaps["category"] == category].set_index(["gap_days", "returned"])["gaps"]
    pd.testing.assert_series_equal(gaps, expected, check_dtype=False)
    customers = orders.history.engine.frame(product_customers(orders, per_unit=False))
    customers = customers[customers["category"] == category].set_index("customer_id").sort_index()
    expected = rk.summarize(alone).set_index("customer_id")
    for name in ("purchases", "last_purchase", "recency_days", "repeat_purchases", "active_days"):
        assert customers[name].tolist() == expected[name].tolist(), name
    assert (customers["open_days"] == customers["recency_days"]).all()


def lines(*rows, columns=("customer", "order", "date", "category", "amount", "quantity")):
    return pd.DataFrame(rows, columns=list(columns))


def bought(orders, *, per_unit=False):
    table = orders.history.engine.frame(product_purchases(orders, per_unit=per_unit))
    table = table.sort_values(["customer_id", "category", "day", "next_day"])
    days = [f"{day:%m-%d}" for day in table["day"]]
    return list(zip(table["customer_id"], table["category"], days, strict=True))


def test_lines_of_one_day_and_category_are_one_purchase():
    log = lines(
        ("a", "1", "2024-01-01", "tea", 5, 1),
        ("a", "1", "2024-01-01", "tea", 6, 2),
        ("a", "1", "2024-01-01", " coffee ", 6, 1),
        ("a", "2", "2024-01-01", "tea", 7, 1),
        ("a", "3", "2024-01-09", "tea", 7, 1),
        ("a", "4", "2024-01-09", "  ", 7, 1),
        ("a", "5", "2024-01-09", None, 7, 1),
    )
    assert bought(rk.read_orders(log)) == [
        ("a", "coffee", "01-01"), ("a", "tea", "01-01"), ("a", "tea", "01-09"),
    ]  # fmt: skip
    kept = rk.read_orders(log, same_day="keep")
    assert [day for _, category, day in bought(kept) if category == "tea"] == [
        "01-01", "01-01", "01-09",
    ]  # fmt: skip
    gaps = product_gaps(kept, per_unit=False)
    assert gaps.loc[gaps["category"] == "tea", "gap_days"].tolist() == [0, 0, 8]


def test_only_lines_of_valid_orders_count():
    log = lines(
        ("a", "1", "2024-01-01", "tea", 5, 1),
        ("a", "2", "2024-01-02", "tea", 0, 1),  # a gift
        ("a", "3", "2024-01-03", "tea", -5, 1),  # what is given back is no purchase
        ("a", "4", "2024-01-04", "tea", 9, 1),
        ("a", "4", "2024-01-04", "tea", -9, 1),  # and what came to nothing is none
        ("a", "5", "2024-01-05", "tea", 0, 1),
        ("a", "5", "2024-01-05", "coffee", 8, 1),  # the total may stand on another line
        ("b", "6", "2024-01-06", "tea", 8, 1),
    ).assign(status=["paid"] * 7 + ["cancelled"])
    assert bought(rk.read_orders(log)) == [
        ("a", "coffee", "01-05"), ("a", "tea", "01-01"), ("a", "tea", "01-05"),
    ]  # fmt: skip
    with_gifts = rk.read_orders(log, zero_amounts="keep")
    assert ("a", "tea", "01-02") in bought(with_gifts)


def test_without_order_ids_a_line_counts_by_itself():
    log = lines(
        ("a", "2024-01-01", "tea", 5, 0),
        ("a", "2024-01-01", "coffee", 0, 0),
        ("a", "2024-01-01", "snacks", 4, 4),
        ("a", "2024-01-02", "tea", -5, 0),
        ("b", "2024-01-03", "tea", 5, 0),
        columns=("customer", "date", "category", "amount", "refund_amount"),
    )
    assert bought(rk.read_orders(log)) == [("a", "tea", "01-01"), ("b", "tea", "01-03")]
    gross = bought(rk.read_orders(log, refunds="gross"))
    assert ("a", "snacks", "01-01") in gross
    assert ("a", "coffee", "01-01") not in gross


def test_without_order_ids_two_lines_of_a_day_may_be_two_purchases():
    log = pd.DataFrame({"customer": ["a", "a", "b"], "date": "2024-01-01", "category": "tea"})
    assert len(bought(rk.read_orders(log, amount=1))) == 2
    kept = rk.read_orders(log, amount=1, same_day="keep")
    assert len(bought(kept)) == 3
    assert product_gaps(kept, per_unit=False)["gaps"].tolist() == [2, 1]
    found = rk.purchase_gaps(kept).groupby("returned")["gaps"].sum()
    assert found.tolist() == [2, 1]


def test_gaps_per_piece_are_divided_by_what_was_bought_before():
    log = lines(
        ("a", "1", "2024-01-01", "tea", 5, "2"),
        ("a", "2", "2024-01-01", "tea", 5, "1"),
        ("a", "3", "2024-01-11", "tea", 5, "some"),
        ("a", "4", "2024-01-16", "tea", 5, "4"),
        ("b", "5", "2024-01-22", "tea", 5, "0"),
    )
    orders = rk.read_orders(log, quantity="quantity")
    found = orders.history.engine.frame(product_customers(orders, per_unit=True)).set_index(
        "customer_id"
    )
    # Ten days of three pieces, five of one that cannot be read; four are left after six days.
    assert found.loc["a", "active_days"] == pytest.approx(3.333 + 5)
    assert found.loc["a", ["open_days", "last_units"]].tolist() == [2, 4]
    assert found.loc["b", ["active_days", "open_days", "last_units"]].tolist() == [0, 0, 1]
    gaps = product_gaps(orders, per_unit=True)
    assert gaps[["gap_days", "returned"]].to_numpy().tolist() == [
        [0, False], [2, False], [3, True], [5, True],
    ]  # fmt: skip


def test_pieces_are_read_from_files_as_from_frames(sample, orders, tmp_path):
    sample.to_csv(tmp_path / "orders.csv", index=False)
    from_file = rk.read_orders(tmp_path / "orders.csv")
    for job in (product_gaps, product_silences, product_regularity, product_buyers):
        found, expected = (job(log, per_unit=True) for log in (from_file, orders))
        pd.testing.assert_frame_equal(found, expected)


def test_a_piece_each_is_no_piece_at_all():
    options = dict.fromkeys(("same_day_share", "refund_share", "unpaid_share"), 0.0)
    log = rk.simulate_orders(300, seed=2, **options).orders
    orders = rk.read_orders(log.assign(quantity=1))
    for job in (product_gaps, product_silences, product_regularity):
        found, expected = (job(orders, per_unit=per_unit) for per_unit in (True, False))
        pd.testing.assert_frame_equal(found, expected)


def test_the_moments_are_those_of_the_last_two_gaps(orders):
    table = orders.history.engine.frame(product_purchases(orders, per_unit=False))
    table = table.sort_values("day").dropna(subset=["gap_parts"])
    pairs = [
        (category, *(gaps["gap_parts"].tail(2) / 1000))
        for (_, category), gaps in table.groupby(["customer_id", "category"])
        if len(gaps) > 1
    ]
    expected = pd.DataFrame(pairs, columns=["category", "first", "second"])
    square = (expected["first"] / (expected["first"] + expected["second"]) - 0.5) ** 2
    expected = expected.assign(square=square, fourth=square**2).groupby("category")
    found = product_regularity(orders, per_unit=False).set_index("category")
    assert found["pairs"].to_dict() == expected.size().to_dict()
    assert found["squares"].to_dict() == pytest.approx(expected["square"].sum().to_dict())
    assert found["fourths"].to_dict() == pytest.approx(expected["fourth"].sum().to_dict())


def test_many_customers_are_sampled(monkeypatch, orders):
    everybody = product_silences(orders, per_unit=False)["customers"].sum()
    monkeypatch.setattr("rfmkit.cycle._products.SAMPLE", 600)
    some = product_silences(orders, per_unit=False)["customers"].sum()
    assert everybody == product_buyers(orders, per_unit=False)["customers"].sum()
    assert 500 < some < 700
