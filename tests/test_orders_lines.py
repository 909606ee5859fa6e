"""Lines: the ids of customers and orders, and cells as spreadsheets and exports write them."""

from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest

import rfmkit as rk
from conftest import audited, log

# --- ids -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["17850.0", "17851.0"], ["17850", "17851"]),
        ([17850.0, 17851.0, None], ["17850", "17851"]),
        ([17850, 17851], [17850, 17851]),
        (["a", "A", " a"], ["A", "a", "a"]),
        (["007", "7"], ["007", "7"]),
        ([17850, "A1"], ["17850", "A1"]),
    ],
)
def test_customers_are_exact_text_or_the_sources_integers(ids, expected):
    found = rk.read_orders(log(customer=ids)).to_frame()["customer_id"].tolist()
    assert found == expected


@pytest.mark.parametrize("ids", [["1.5E+16", "1.5E+16", "7"], [1.5e16, 1.5e16, 7.0]])
def test_orders_whose_id_was_destroyed_are_orders_of_their_own(ids):
    orders = rk.read_orders(log(order_id=ids, total=[1, 2, 4]))
    assert rk.summarize(orders)["orders"].tolist() == [3]
    assert orders.to_frame()["order_id"].isna().tolist().count(True) == 2


def test_destroyed_order_ids_are_noted():
    notes = rk.read_orders(log(order_id=["1.5E+16", "1.5E+16", "7"])).notes
    assert "2 order ids destroyed by a float" in notes


def test_order_ids_are_text_in_results():
    found = rk.read_orders(log(order_id=[17850, 17851])).to_frame()
    assert found["order_id"].tolist() == ["17850", "17851"]


# --- cells of spreadsheets -------------------------------------------------------------------


def test_an_id_with_a_space_is_the_same_id():
    frame = log(order_id=["A1", "A1 "], date=["2024-01-01", "2024-02-01"], total=[10, -10])
    assert audited(rk.read_orders(frame))["refunded"][0] == 2


HELD = {
    "as it is": ["35001", "35002", "1,234.50"],
    "formula": ['="35001"', '="35002"', '="1,234.50"'],
    "apostrophe": ["'35001", "'35002", "'1,234.50"],
    "tab": ["\t35001", "35002\t", "\t1,234.50"],
    "spaces within": ['=" 35001 "', '="35002"', "' 1,234.50"],
}


def test_what_a_spreadsheet_holds_text_with_is_no_part_of_it():
    """The rows are lines of two orders, as every cell is read to one of two ids."""
    frame = pd.concat(
        [
            log(order_id=[first, second], customer=[second, first], total=[total, "1.5"])
            for first, second, total in HELD.values()
        ]
    )
    found = rk.read_orders(frame).to_frame()
    assert found["order_id"].tolist() == ["35002", "35001"]
    assert found["customer_id"].tolist() == ["35001", "35002"]
    assert found["amount"].tolist() == [len(HELD) * Decimal("1.5"), len(HELD) * Decimal("1234.5")]


@pytest.mark.slow
@pytest.mark.parametrize("held", HELD)
def test_what_a_spreadsheet_holds_all_text_with_is_no_part_of_it(held):
    first, second, total = HELD[held]
    frame = log(order_id=[first, second], customer=[second, first], total=[total, "1.5"])
    found = rk.read_orders(frame).to_frame()
    assert found["order_id"].tolist() == ["35002", "35001"]
    assert found["customer_id"].tolist() == ["35001", "35002"]
    assert found["amount"].tolist() == [Decimal("1.5"), Decimal("1234.5")]


def test_an_empty_formula_is_no_id():
    orders = rk.read_orders(log(customer=["a", '=""', "'"]))
    assert audited(orders)["no_customer"][0] == 2


def test_a_name_with_signs_of_its_own_stays_as_it_is():
    names = ["o'neill", "=1+1", '"quoted"', "it's"]
    found = rk.read_orders(log(customer=names)).to_frame()["customer_id"]
    assert sorted(found) == sorted(names)


@pytest.mark.parametrize(
    "name",
    [
        "Amount",
        pytest.param("AMOUNT", marks=pytest.mark.slow),
        "Category",
        pytest.param("Status", marks=pytest.mark.slow),
    ],
)
def test_columns_that_differ_from_ours_in_case_alone(name):
    amounts = pa.array([Decimal("1.5"), Decimal(2)], pa.decimal128(18, 4))
    columns = {"customer": ["a", "b"], "date": ["2024-01-01"] * 2, "amount": amounts}
    columns |= {"category": ["x", "y"], "status": ["paid", "paid"]}
    table = pa.table({(name if old == name.lower() else old): v for old, v in columns.items()})
    orders = rk.read_orders(table, output="pandas")
    assert orders.to_frame()["amount"].tolist() == [Decimal("1.5"), Decimal(2)]
    assert len(rk.summarize(orders)) == 2
