"""Cells read as ids, money and moments: decided by the column, exactly, and never by a guess."""

import datetime as dt
import itertools
import re
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rfmkit._engine import open_frame
from rfmkit.exceptions import OrdersError
from rfmkit.formats import _cells as cells
from rfmkit.orders._census import count_columns


def read(engine, values, kind, reader, dtype=None):
    """Read a column as `read_orders` does: a look at all of it, then each cell."""
    column = pa.array(values, dtype or pa.string())
    frame = pa.table({"place": range(len(column)), "x": column})
    table = open_frame(frame, engine=engine).table
    counts = count_columns(table, engine, {"x": ("x", kind)})["x"]
    value = reader(table.x, counts)
    found = engine.arrow(table.select(place=table.place, y=value).order_by("place"))
    return found["y"].to_pylist()


def read_ids(engine, values, dtype=None):
    return read(engine, values, "id", cells.read_id, dtype)


def mangled(engine, values, dtype=None):
    return read(engine, values, "id", cells.is_mangled, dtype)


def read_money(engine, values, *, decimal=None, dtype=None):
    def reader(column, census):
        return cells.read_money(column, census, decimal=decimal, name="total")

    return read(engine, values, "money", reader, dtype)


# --- ids -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "ids"),
    [
        (["a", " b ", "\tc\n", "A"], ["a", "b", "c", "A"]),
        (["", "  ", "nan", "NaN", "NULL", "null", "None", None], [None] * 8),
        (["<NA>", "NaT", "N/A", "#N/A", "#n/a"], [None] * 5),
        (["0017", "17", "1 7"], ["0017", "17", "1 7"]),
        (["17850.0", "17851.0", "nan", None], ["17850", "17851", None, None]),
        (["17850.0", "A1"], ["17850.0", "A1"]),
        (["17850.0", "17850"], ["17850.0", "17850"]),
        (["17850.0", "1.5"], ["17850.0", "1.5"]),
        (["17850.0", "1.7E+16"], ["17850", "1.7E+16"]),
        (["351531000123456789", "3515310001234567"], ["351531000123456789", "3515310001234567"]),
        (["nana", "null1", "none@x.org"], ["nana", "null1", "none@x.org"]),
        (["张", "李"], ["张", "李"]),
    ],
)  # fmt: skip
def test_text_ids_are_exact_but_for_spaces_and_what_a_float_left(engine, written, ids):
    assert read_ids(engine, written) == ids


@pytest.mark.parametrize(
    ("values", "dtype", "ids"),
    [
        ([17850, None, 3], pa.int64(), [17850, None, 3]),
        ([17850, 3], pa.uint32(), [17850, 3]),
        ([17850.0, float("nan"), None], pa.float64(), ["17850", None, None]),
        ([float("inf"), 5.0], pa.float64(), [None, "5"]),
        ([Decimal(17850)], pa.decimal128(18, 0), ["17850"]),
    ],
)
def test_integers_stay_integers_and_whole_floats_lose_their_zero(engine, values, dtype, ids):
    assert read_ids(engine, values, dtype) == ids


def test_floats_that_are_no_whole_numbers_are_not_rounded_into_one_id(engine):
    ids = read_ids(engine, [1.5, 2.0, 2.5], pa.float64())
    assert len(set(ids) - {None}) == len([one for one in ids if one is not None])


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        (["3.51531E+16", "5"], None, [True, False]),
        (["1.7e+16", "1e16", "1E5", None], None, [True, True, True, False]),
        (["17850.0", "5"], None, [False, False]),
        ([1e16, 5.0, 2.0**53], pa.float64(), [True, False, True]),
        ([2.0**53 - 1, None], pa.float64(), [False, False]),
        ([2**60], pa.int64(), [False]),
    ],
)
def test_ids_whose_digits_a_float_destroyed_are_told(engine, values, dtype, expected):
    assert mangled(engine, values, dtype) == expected


@pytest.mark.parametrize("one", ["12345e67", "1e5", "00e1"])
def test_an_id_among_hexadecimal_ones_is_no_number(engine, one):
    assert mangled(engine, [one, "abcdef01", "0a1b2c3d"]) == [False, False, False]


# --- money -----------------------------------------------------------------------------------

SPELLINGS = {
    "12.50": ["12.50", " 12.5 ", "+12.50", "$12.50", "$ 12.50", "US$12.50", "12.50 USD", "USD12.50",
              "€12.50", "12.50€", "¥12.50", "￥12.50", "12.50元", "CNY 12.50", "12.50 kr", "£12.50",
              "HK$12.50", "Rs. 12.50"],
    "1234.50": ["1234.50", "1,234.50", "1'234.50", "1’234.50", "1 234.50", "$1,234.50",
                "1,234.50 EUR", "0,001,234.50"],
    "1234567.89": ["1,234,567.89", "12,34,567.89", "1 234 567.89", "1'234'567.89"],
    "-12.50": ["-12.50", "(12.50)", "12.50-", "−12.50", "-$12.50", "$-12.50", "($12.50)",
               "- 12.50", "12.50 -", "( 12.50 )", "12.50−", "-12.50 €", "12.50€-"],
    "-1234.50": ["(1,234.50)", "-1,234.50", "$1,234.50-", "−$1,234.50", "($1,234.50)"],
    "0.50": [".50", "0.5", "$.50", "0.5000"],
    "1000": ["1000", "1e3", "1,000", "1,000.00", "$1,000"],
    "0": ["0", "0.00", "-0", "(0.00)", "$0"],
    "0.0001": ["0.0001", "1e-4"],
    "99999999999999.9999": ["99999999999999.9999", "99,999,999,999,999.9999"],
}  # fmt: skip


SPELLED = [(text, value) for value, texts in SPELLINGS.items() for text in texts]
BARE = ["1e3", "1E+3", "+1000", "1000.", " 1000", "1000 ", "\t1000"]
NO_AMOUNTS = [
    "", "  ", "nan", "NaN", "inf", "-inf", "Infinity", "null", "abc", "free", "5%", "5 pieces",
    "1.2.3", "12:30", "2024-01-01", "0x10", "$", "-", "()", "true", "$5 and $6", None,
    "(5.00", "5.00)", "($5.00",
]  # fmt: skip
TOO_MUCH = "999999999999999"
CAST_SOMEWHERE = [
    "1_000", "1_000.50", "1__000", "1e0_1", "0x10", "0X1F", "0b11", "0o17", "1d3", "inf",
    "+inf", "-Infinity", "nan", "-nan", "true", "false", "TRUE", "t", "yes", "1e400",
    "1.5e3.5", "\u0661\u0662", "\uff15", "1/2", "1:5", "#5",
]  # fmt: skip


def is_plain_number(text):
    return re.fullmatch(r" *-?\d+(\.\d+)?", text) is not None


@pytest.mark.parametrize("only_plain", [False, True])
def test_amounts_in_all_spellings_read_from_one_column(engine, only_plain):
    pairs = [*SPELLED, *((text, "1000") for text in BARE), (TOO_MUCH, None), ("7.25", "7.25")]
    pairs = [(text, value) for text, value in pairs if is_plain_number(text) or not only_plain]
    found = read_money(engine, [text for text, _ in pairs])
    expected = [(text, None if value is None else Decimal(value)) for text, value in pairs]
    assert [(text, value) for (text, _), value in zip(pairs, found, strict=True)] == expected


def test_cells_that_are_no_amounts_are_null_in_one_column(engine):
    found = read_money(engine, [*NO_AMOUNTS, TOO_MUCH, "7.25"])
    nothing = dict.fromkeys([*NO_AMOUNTS, TOO_MUCH])
    assert dict(zip([*NO_AMOUNTS, TOO_MUCH], found, strict=False)) == nothing
    assert found[-1] == Decimal("7.25")


@pytest.mark.parametrize("decimal", [None, ".", ","])
def test_numbers_that_only_some_engine_casts_are_no_amounts(engine, decimal):
    found = read_money(engine, [*CAST_SOMEWHERE, "7"], decimal=decimal)
    assert dict(zip(CAST_SOMEWHERE, found, strict=False)) == dict.fromkeys(CAST_SOMEWHERE)
    assert found[-1] == Decimal(7)


@pytest.mark.slow
@pytest.mark.parametrize(("written", "value"), SPELLED)
def test_an_amount_reads_in_any_spelling(engine, written, value):
    assert read_money(engine, [written, "7.25"]) == [Decimal(value), Decimal("7.25")]


@pytest.mark.slow
@pytest.mark.parametrize("written", [*NO_AMOUNTS, TOO_MUCH])
def test_what_is_no_amount_is_null(engine, written):
    assert read_money(engine, [written, "7.25"]) == [None, Decimal("7.25")]


@pytest.mark.slow
@pytest.mark.parametrize("written", CAST_SOMEWHERE)
@pytest.mark.parametrize("decimal", [None, ".", ","])
def test_a_number_that_only_some_engine_casts_is_no_amount(engine, written, decimal):
    assert read_money(engine, [written, "7"], decimal=decimal) == [None, Decimal(7)]


@pytest.mark.slow
@pytest.mark.parametrize("written", BARE)
def test_a_bare_number_is_an_amount_on_every_engine(engine, written):
    assert read_money(engine, [written, "7.25"]) == [Decimal(1000), Decimal("7.25")]


@pytest.mark.parametrize(
    ("written", "values"),
    [
        (["12,50", "3"], ["12.50", "3"]),
        (["1.234,50", "1.234"], ["1234.50", "1234"]),
        (["1 234,50", "1'234,50"], ["1234.50", "1234.50"]),
        (["1.234.567,89"], ["1234567.89"]),
        (["€ 12,50", "12,50 EUR", "(12,50)", "12,50-"], ["12.50", "12.50", "-12.50", "-12.50"]),
        (["0,1234", "5"], ["0.1234", "5"]),
        (["1.234.567", "8"], ["1234567", "8"]),
        (["1,234,567", "8"], ["1234567", "8"]),
        (["1,234.5", "2,000"], ["1234.5", "2000"]),
        (["12,5", "1.000"], ["12.5", "1000"]),
    ],
)
def test_the_column_decides_its_decimal_mark(engine, written, values):
    assert read_money(engine, written) == [Decimal(value) for value in values]


@pytest.mark.parametrize(
    ("written", "decimal", "values"),
    [
        (["1,234", "5"], ".", ["1234", "5"]),
        (["1,234", "5"], ",", ["1.234", "5"]),
        (["1.234", "5"], ",", ["1234", "5"]),
        (["1.234", "5"], ".", ["1.234", "5"]),
        (["1,23,456", "1,234.5"], ".", ["123456", "1234.5"]),  # lakh
        # What would be a group of two digits is set aside, not read a hundredfold.
        (["12,50", "12.50"], ",", ["12.50", None]),
        (["12,50", "12.50"], ".", [None, "12.50"]),
        (["1.234,5", "1,234.5"], ",", ["1234.5", None]),
    ],
)
def test_the_caller_may_say_which_mark(engine, written, decimal, values):
    expected = [None if value is None else Decimal(value) for value in values]
    assert read_money(engine, written, decimal=decimal) == expected


@pytest.mark.parametrize(
    ("comma", "dot"),
    [("12,50", "12.50"), ("1.234,50", "7.5"), ("0,5", "1,234.50"), ("1.234.567", "1,234,567.5")],
)
def test_evidence_for_both_marks_is_an_error_that_shows_both(engine, comma, dot):
    expected = (
        "The column 'total' must write decimals with one mark.\n"
        f"Found: {comma!r} with a comma and {dot!r} with a dot\n"
        "Hint: pass decimal=',' or decimal='.'; amounts with the other mark are set aside."
    )
    with pytest.raises(OrdersError, match=f"^{re.escape(expected)}$"):
        read_money(engine, [comma, dot, "5", None])


@pytest.mark.parametrize(("written", "value"), [("0,999", "0.999"), ("-0,125", "-0.125")])
def test_a_comma_after_a_lone_zero_is_no_thousands_mark(engine, written, value):
    assert read_money(engine, [written, "5"]) == [Decimal(value), Decimal(5)]


SPACED = ["1\u00a0234,50 €", "1\u202f234,50 €", "1\u00a0234,50\u00a0€", "1\u2009234,50"]


@pytest.mark.parametrize(
    "written", [SPACED, *(pytest.param([cell], marks=pytest.mark.slow) for cell in SPACED)]
)
def test_a_space_that_does_not_break_is_a_space(engine, written):
    assert read_money(engine, written) == [Decimal("1234.50")] * len(written)


def test_a_currency_with_a_dot_is_no_decimal_mark(engine):
    written = ["Rs.1,234.50", "Rs.500", "Rs.50"]
    assert read_money(engine, written) == [Decimal("1234.50"), Decimal(500), Decimal(50)]


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([0.1, 0.2, 1e-5], pa.float64(), ["0.1", "0.2", "0"]),
        ([0.1], pa.float32(), ["0.1"]),
        ([float("nan"), float("inf"), float("-inf"), None], pa.float64(), [None] * 4),
        ([1e15], pa.float64(), [None]),
        ([3, -4, None], pa.int64(), ["3", "-4", None]),
        ([255], pa.uint8(), ["255"]),
        ([10**15], pa.int64(), [None]),
        ([Decimal("0.10"), Decimal("-7.00"), None], pa.decimal128(18, 2), ["0.10", "-7.00", None]),
        ([Decimal("1.23456")], pa.decimal128(18, 5), ["1.2346"]),
        ([None, None], pa.string(), [None, None]),
        ([None, None], pa.null(), [None, None]),
    ],
)
def test_numbers_are_exact_to_four_decimals(engine, values, dtype, expected):
    found = read_money(engine, values, dtype=dtype)
    assert found == [None if value is None else Decimal(value) for value in expected]


@pytest.mark.parametrize(
    ("values", "dtype", "shown"),
    [
        ([True], pa.bool_(), "boolean"),
        ([dt.datetime(2024, 1, 1)], pa.timestamp("us"), r"timestamp\(6\)"),
        ([dt.date(2024, 1, 1)], pa.date32(), "date"),
        ([dt.timedelta(1)], pa.duration("us"), "interval"),
    ],
)
def test_a_column_of_another_dtype_is_an_error(engine, values, dtype, shown):
    expected = f"'total' must hold amounts: .*\nFound: dtype {shown}.*\nHint: .*amount='...'"
    with pytest.raises(OrdersError, match=expected):
        read_money(engine, values, dtype=dtype)


def grouped(digits, mark):
    """Whole digits with a thousands mark, as people write them."""
    return f"{int(digits):,}".replace(",", mark)


def spelled(amount, style, decimal_mark):
    """Write an amount of cents in one of many ways."""
    thousands, currency, side, negative = style
    whole, cents = f"{abs(amount):.2f}".split(".")
    if thousands in (".", ","):  # the thousands mark is the one that is not the decimal mark
        thousands = "," if decimal_mark == "." else "."
    text = grouped(whole, thousands) + decimal_mark + cents
    text = f"{currency}{text}" if side == "before" else f"{text}{currency}"
    return negative.format(text) if amount < 0 else text


STYLES = (
    ["", ",", "'", "’", " "],
    ["", "$", "€", "¥", "￥", "US$", "USD ", " EUR", "元", " kr"],
    ["before", "after"],
    ["-{}", "({})", "{}-", "−{}", "- {}", "({} )", "{}−"],
)
styles = st.tuples(*map(st.sampled_from, STYLES))
cents = st.decimals(Decimal(-(10**13)), Decimal(10**13), places=2)


@pytest.mark.parametrize("mark", [".", ","])
def test_every_style_of_writing_an_amount_reads_back_exactly(engine, mark):
    signs = itertools.cycle([-1, 1, -1])
    amounts = [
        (sign * Decimal(place * 7919**2) / 100, style)
        for place, (style, sign) in enumerate(zip(itertools.product(*STYLES), signs, strict=False))
    ]
    written = [spelled(amount, style, mark) for amount, style in amounts]
    assert read_money(engine, written) == [amount for amount, _ in amounts]


@pytest.mark.slow
@given(st.sampled_from([".", ","]), st.lists(st.tuples(cents, styles), min_size=1, max_size=30))
@settings(max_examples=50, deadline=None)
def test_any_amount_in_any_spelling_reads_back_exactly(engine, mark, amounts):
    written = [spelled(amount, style, mark) for amount, style in amounts]
    assert read_money(engine, written) == [amount for amount, _ in amounts]


@given(st.lists(cents, min_size=1, max_size=30))
@settings(max_examples=30, deadline=None)
def test_cents_survive_the_way_through_a_float(engine, amounts):
    amounts = [amount for amount in amounts if abs(amount) < 10**11]
    found = read_money(engine, [float(amount) for amount in amounts], dtype=pa.float64())
    assert found == amounts


@pytest.mark.parametrize("written", [["1.234", "999", "12.345"], ["1.500"], ["$1.500", "2.000 €"]])
def test_dots_that_may_part_thousands_are_an_error_that_names_both_readings(engine, written):
    with pytest.raises(
        OrdersError, match=r"may be \d+ or [\d.]+ with three decimals.*\nHint: pass decimal"
    ):
        read_money(engine, written)
    thousands = [Decimal(re.sub(r"[^\d]", "", cell)) for cell in written]
    assert read_money(engine, written, decimal=",") == thousands
    decimals = [Decimal(re.sub(r"[^\d.]", "", cell)) for cell in written]
    assert read_money(engine, written, decimal=".") == decimals


@pytest.mark.parametrize(
    ("written", "values"),
    [
        (["1.234", "1.5"], ["1.234", "1.5"]),
        (["1.234", "0.500"], ["1.234", "0.5"]),
        (["1234.567", "1.234"], ["1234.567", "1.234"]),
        (["1.234.567", "1.234"], ["1234567", "1234"]),
        (["1.234", "1,5"], ["1234", "1.5"]),
        (["1,500", "2,000"], ["1500", "2000"]),
    ],
)
def test_one_cell_decides_for_the_dots_of_the_others(engine, written, values):
    assert read_money(engine, written) == [Decimal(value) for value in values]
