"""`read_orders`: the checks of its arguments, and the form of its errors."""

import re
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rfmkit as rk
from conftest import audited, log
from rfmkit.exceptions import ColumnsError, OrdersError, RfmkitError
from rfmkit.orders import reading

THREE_DAYS = log(
    customer=["a", "b", "a", None],
    date=["2024-01-01 10:00", "2024-01-02 23:59:59", "2024-01-03", "2024-01-03"],
    total=[1, 2, 4, 8],
)


# --- arguments -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "found"),
    [
        ({"memory_limit": "lots"}, "memory_limit='lots'"),
        ({"threads": 0}, "threads=0"),
    ],
)
def test_a_limit_that_is_none_is_an_error(limits, found):
    with pytest.raises(RfmkitError, match=f"Found: {found}\nHint: "):
        rk.read_orders(THREE_DAYS, **limits)


def test_within_limits_the_result_is_the_same():
    found = rk.read_orders(THREE_DAYS, memory_limit="200MB", threads=1)
    assert repr(found) == repr(rk.read_orders(THREE_DAYS))


CHOICES = {
    "refunds": ("Net", "drop", None),
    "zero_amounts": ("remove", True),
    "same_day": ("sum", False),
    "decimal": (";", "comma", ""),
    "output": ("spark", "duckdb"),
}


@pytest.mark.parametrize(
    ("argument", "value"), [(name, value) for name, values in CHOICES.items() for value in values]
)
def test_a_choice_that_is_none_is_an_error_that_lists_them(argument, value):
    with pytest.raises(RfmkitError, match=rf"^{argument} must be one of .+\.\nFound: .*{value!r}"):
        rk.read_orders(THREE_DAYS, **{argument: value})


@pytest.mark.parametrize("between", [("2024", "2025"), ("2024-01-01",), "2024-01-01", (1, 2), None])
def test_plausible_dates_are_a_pair_of_days(between):
    with pytest.raises(RfmkitError, match="dates_between"):
        rk.read_orders(THREE_DAYS, dates_between=between)


def test_days_are_whatever_is_a_day():
    between = ("2024-01-01", pd.Timestamp("2024-01-03 12:00"))
    found = audited(rk.read_orders(THREE_DAYS.dropna(), dates_between=between))
    assert found["kept"] == (2, Decimal(3))
    assert found["implausible_time"] == (1, Decimal(4))


@pytest.mark.parametrize(
    "exclude",
    [["memo"], "memo", {"memo": "("}, {"memo": None}, {1: "x"}],
)
def test_patterns_are_regular_expressions_by_column(exclude):
    with pytest.raises(RfmkitError, match=r"^exclude must map columns to regular expressions\.\n"):
        rk.read_orders(THREE_DAYS, exclude=exclude)


@pytest.mark.parametrize("names", ["customer", [1, 2], {"customer": 1}])
def test_names_are_a_list_of_texts(names):
    with pytest.raises(
        RfmkitError, match=r"^names must be a list of column names\.\nFound: names="
    ):
        rk.read_orders(THREE_DAYS, names=names)


@pytest.mark.parametrize("argument", ["customer", "time", "order_id", "status", "currency"])
def test_a_column_is_named_by_text(argument):
    with pytest.raises(RfmkitError, match=rf"^{argument} must be .*\nFound: {argument}=7"):
        rk.read_orders(THREE_DAYS, **{argument: 7})


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), 1e13, -1e14])
def test_a_constant_amount_is_a_number_that_an_amount_can_be(amount):
    with pytest.raises(RfmkitError, match=r"^amount must be .*\nFound: amount="):
        rk.read_orders(THREE_DAYS, amount=amount)


@given(st.decimals("0.000001", "1000000", places=6), st.sampled_from([str, float, Decimal]))
def test_a_rate_is_the_decimal_that_was_written(rate, kind):
    given_rate = kind(rate)
    found = reading._rates({" eur ": given_rate})
    assert found == {"EUR": Decimal(str(given_rate))}


@given(st.one_of(st.just(0), st.floats(max_value=0), st.just(float("nan")), st.text("xyz")))
def test_what_is_no_positive_number_is_no_rate(rate):
    expected = f"Found: rates={ {'EUR': rate}!r}\n"
    with pytest.raises(
        RfmkitError, match=f"^rates must map each currency.*\n{re.escape(expected)}"
    ):
        reading._rates({"EUR": rate})


# --- errors ----------------------------------------------------------------------------------

ERRORS = {
    "no frame": (OrdersError, [{"x": 1}], {}),
    "no columns": (OrdersError, pd.DataFrame(), {}),
    "no rows": (OrdersError, THREE_DAYS.iloc[:0], {}),
    "no file": (OrdersError, "nothing.csv", {}),
    "no customer": (ColumnsError, THREE_DAYS.drop(columns="customer"), {}),
    "no time": (ColumnsError, THREE_DAYS.drop(columns="date"), {}),
    "no amount": (ColumnsError, THREE_DAYS.drop(columns="total"), {}),
    "no such column": (ColumnsError, THREE_DAYS, {"customer": "nobody"}),
    "two columns": (ColumnsError, THREE_DAYS.assign(buyer="x"), {}),
    "one name twice": (OrdersError, pd.concat([THREE_DAYS, THREE_DAYS], axis=1), {}),
    "no dates": (OrdersError, log(date=["null", "1900-01-01"]), {}),
    "other dates": (OrdersError, log(date=["Monday", "Tuesday"]), {}),
    "numbers as dates": (OrdersError, log(date=[45292, 45293]), {}),
    "ambiguous dates": (OrdersError, log(date=["03/05/2024", "04/05/2024"]), {}),
    "mixed dates": (OrdersError, log(date=["13/05/2024", "05/13/2024"]), {}),
    "an offset": (OrdersError, log(date=["2024-05-01T23:30:00Z"]), {}),
    "both marks": (OrdersError, log(total=["1,50", "1.50"]), {}),
    "flags as money": (OrdersError, log(total=[True, False]), {}),
    "moments as money": (OrdersError, log(total=pd.to_datetime(["2024-01-01"])), {}),
    "two currencies": (OrdersError, log(currency=["USD", "EUR"]), {}),
    "many statuses": (ColumnsError, log(status=[f"word {n}" for n in range(1001)]), {}),
    "another status": (RfmkitError, log(status=["x"]), {"statuses": {"x": "sold"}}),
    "no such zone": (RfmkitError, log(date=["2024-05-01T23:30:00Z"]), {"tz": "Mars/Phobos"}),
    "memory": (RfmkitError, THREE_DAYS, {"memory_limit": "lots"}),
    "threads": (RfmkitError, THREE_DAYS, {"threads": -1}),
}


@pytest.mark.parametrize("what", ERRORS)
def test_an_error_says_what_must_hold_what_was_found_and_what_to_do(what):
    kind, source, options = ERRORS[what]
    with pytest.raises(kind, match=r"^[^\n]+\.\nFound: [^\n]+\nHint: [^\n]+$") as caught:
        rk.read_orders(source, **options)
    assert caught.value.found.count(", ") <= 8  # at most five examples, and a count


def test_an_error_shows_forty_columns_and_a_count():
    frame = pd.DataFrame({f"column {n}": [1] for n in range(79)})
    expected = (
        r"Found: columns 'column 0', 'column 1', .*'column 38', 'column 39', \.\.\. \(79 in all\)\n"
    )
    with pytest.raises(ColumnsError, match=expected):
        rk.read_orders(frame)
