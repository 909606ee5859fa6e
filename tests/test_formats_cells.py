"""Cells read as ids, money and moments: decided by the column, exactly, and never by a guess."""

import datetime as dt
import re
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rfmkit._engine import open_frame
from rfmkit.exceptions import OrdersError
from rfmkit.formats import cells
from rfmkit.lines import count_cells


def read(engine, values, kind, reader, dtype=None):
    """Read a column as `read_orders` does: a look at all of it, then each cell."""
    column = pa.array(values, dtype or pa.string())
    frame = pa.table({"place": range(len(column)), "x": column})
    table = open_frame(frame, engine=engine).table
    counts = count_cells(table, engine, {"x": ("x", kind)})["x"]
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


def moment(column, census, *, dayfirst=None):
    return cells.read_time(column, census, dayfirst=dayfirst, name="date")


def read_times(engine, values, *, dayfirst=None, dtype=None):
    def reader(column, census):
        return moment(column, census, dayfirst=dayfirst).value

    return read(engine, values, "time", reader, dtype)


def is_instant(engine, values, dtype=None):
    table = open_frame(pa.table({"x": pa.array(values, dtype)}), engine=engine).table
    counts = count_cells(table, engine, {"x": ("x", "time")})["x"]
    return moment(table.x, counts).is_instant


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


@pytest.mark.parametrize(
    ("written", "value"), [(text, value) for value, texts in SPELLINGS.items() for text in texts]
)
def test_an_amount_reads_in_any_spelling(engine, written, value):
    assert read_money(engine, [written, "7.25"]) == [Decimal(value), Decimal("7.25")]


@pytest.mark.parametrize(
    "written",
    ["", "  ", "nan", "NaN", "inf", "-inf", "Infinity", "null", "abc", "free", "5%", "5 pieces",
     "1.2.3", "12:30", "2024-01-01", "0x10", "$", "-", "()", "true", "$5 and $6",
     "999999999999999", None],
)  # fmt: skip
def test_what_is_no_amount_is_null(engine, written):
    assert read_money(engine, [written, "7.25"]) == [None, Decimal("7.25")]


@pytest.mark.parametrize("written", ["(5.00", "5.00)", "($5.00"])
def test_an_amount_with_half_its_parentheses_is_not_guessed(engine, written):
    assert read_money(engine, [written, "7.25"]) == [None, Decimal("7.25")]


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
        "The column 'total' writes decimals with one mark.\n"
        f"Found: {comma!r} with a comma and {dot!r} with a dot\n"
        "Hint: say which: decimal=',' or decimal='.'."
    )
    with pytest.raises(OrdersError, match=f"^{re.escape(expected)}$"):
        read_money(engine, [comma, dot, "5", None])


@pytest.mark.parametrize(("written", "value"), [("0,999", "0.999"), ("-0,125", "-0.125")])
def test_a_comma_after_a_lone_zero_is_no_thousands_mark(engine, written, value):
    assert read_money(engine, [written, "5"]) == [Decimal(value), Decimal(5)]


@pytest.mark.parametrize(
    "written", ["1\u00a0234,50 €", "1\u202f234,50 €", "1\u00a0234,50\u00a0€", "1\u2009234,50"]
)
def test_a_space_that_does_not_break_is_a_space(engine, written):
    assert read_money(engine, [written]) == [Decimal("1234.50")]


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
    expected = f"'total' holds amounts: .*\nFound: dtype {shown}.*\nHint: .*amount='...'"
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


styles = st.tuples(
    st.sampled_from(["", ",", "'", "’", " "]),
    st.sampled_from(["", "$", "€", "¥", "￥", "US$", "USD ", " EUR", "元", " kr"]),
    st.sampled_from(["before", "after"]),
    st.sampled_from(["-{}", "({})", "{}-", "−{}", "- {}", "({} )", "{}−"]),
)
cents = st.decimals(Decimal(-(10**13)), Decimal(10**13), places=2)


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


# --- moments ---------------------------------------------------------------------------------

DAY = dt.datetime(2024, 5, 3)
YEAR_FIRST = {
    "2024-05-03": DAY,
    " 2024-05-03 ": DAY,
    "2024-05-03 14:30": DAY.replace(hour=14, minute=30),
    "2024-05-03T14:30:05": DAY.replace(hour=14, minute=30, second=5),
    "2024-05-03 02:30:05 PM": DAY.replace(hour=14, minute=30, second=5),
}
OTHER_FORMS = {
    "20240503": DAY,
    "2024/05/03": DAY,
    "2024/5/3": DAY,
    "2024.5.3": DAY,
    "2024-5-3": DAY,
    "2024/5/3 4:05": DAY.replace(hour=4, minute=5),
    "2024/5/3 4:05:06": DAY.replace(hour=4, minute=5, second=6),
    "2024/5/3 4:05:06 PM": DAY.replace(hour=16, minute=5, second=6),
    "2024/5/3 12:05 AM": DAY.replace(hour=0, minute=5),
    "2024/5/3 12:05 pm": DAY.replace(hour=12, minute=5),
    "2024/5/3 11:59:59 p.m.": DAY.replace(hour=23, minute=59, second=59),
}


@pytest.mark.parametrize("forms", [YEAR_FIRST, YEAR_FIRST | OTHER_FORMS], ids=["iso", "mixed"])
def test_a_year_first_reads_at_once(engine, forms):
    assert dict(zip(forms, read_times(engine, list(forms)), strict=True)) == forms


@pytest.mark.parametrize(
    ("written", "moments"),
    [
        (["13/5/2024", "3/5/2024"], [dt.datetime(2024, 5, 13), DAY]),
        (["5-13-2024", "5-3-2024"], [dt.datetime(2024, 5, 13), DAY]),
        (["31.12.24", "03.05.24"], [dt.datetime(2024, 12, 31), DAY]),
        (
            ["13/05/2024 2:15 PM", "13/05/2024, 12:15:09 am", "03.05.2024"],
            [dt.datetime(2024, 5, 13, 14, 15), dt.datetime(2024, 5, 13, 0, 15, 9), DAY],
        ),
        (["05/13/2024 14:15", "2024-05-03"], [dt.datetime(2024, 5, 13, 14, 15), DAY]),
    ],
)
def test_the_column_decides_whether_the_day_comes_first(engine, written, moments):
    assert read_times(engine, written) == moments


@pytest.mark.parametrize(
    ("dayfirst", "moments"),
    [
        (True, [dt.datetime(2024, 4, 3), dt.datetime(2024, 5, 13), None]),
        (False, [dt.datetime(2024, 3, 4), None, dt.datetime(2024, 5, 13)]),
    ],
)
def test_the_caller_may_say_whether_the_day_comes_first(engine, dayfirst, moments):
    written = ["03/04/2024", "13/05/2024", "05/13/2024"]
    assert read_times(engine, written, dayfirst=dayfirst) == moments


@pytest.mark.parametrize(
    ("written", "day_first", "month_first"),
    [
        ("03/05/2024", "2024-05-03", "2024-03-05"),
        ("3.5.2024", "2024-05-03", "2024-03-05"),
        ("03-05-2024 10:30", "2024-05-03", "2024-03-05"),
        ("3/5/24", "2024-05-03", "2024-03-05"),
    ],
)
def test_an_ambiguous_column_is_an_error_that_names_both_readings(
    engine, written, day_first, month_first
):
    expected = (
        "The order of day and month in the column 'date' is known.\n"
        f"Found: {written!r}, which may be {day_first} (day first) or {month_first} "
        "(month first); no cell decides\n"
        "Hint: say which: dayfirst=True or dayfirst=False."
    )
    with pytest.raises(OrdersError, match=f"^{re.escape(expected)}$"):
        read_times(engine, [written, None, "2024-01-01"])


def test_a_column_in_both_orders_is_an_error_with_counts(engine):
    expected = "Found: 2 cells with the day first and 1 with the month first\nHint: say which"
    with pytest.raises(OrdersError, match=expected):
        read_times(engine, ["13/05/2024", "14/05/2024", "05/13/2024", "01/01/2024"])


NO_DATES = [
    "2024-02-30", "2023-02-29", "2024/02/30", "20240230", "2024-13-01", "0000-00-00", "2024-00-10",
    "null", "NaT", "", "N/A", None, "soon", "2024-05-03 25:00", "2024/05/03 25:00", "2024",
    "99999999",
]  # fmt: skip


@pytest.mark.parametrize("other", ["2024-05-03", "20240503"])
def test_what_is_no_date_is_null(engine, other):
    found = read_times(engine, NO_DATES + [other] * len(NO_DATES))
    nothing = dict.fromkeys(NO_DATES)
    assert dict(zip([*NO_DATES, other], found[: len(NO_DATES) + 1], strict=True)) == nothing | {
        other: DAY
    }


def test_a_day_that_its_month_does_not_have_is_null(engine):
    written = ["30/02/2024", "31/04/2024", "00/05/2024", "13/13/2024", "03/05/2024"]
    assert read_times(engine, written, dayfirst=True) == [None, None, None, None, DAY]


def test_a_placeholder_reads_as_the_date_it_is(engine):
    written = ["1900-01-01", "9999-12-31", "0001-01-01"]
    assert [found.isoformat()[:10] for found in read_times(engine, written)] == written


@pytest.mark.parametrize(
    ("values", "dtype", "moments"),
    [
        ([20240503, 20240230, None], pa.int64(), [DAY, None, None]),
        ([20240503.0, float("nan")], pa.float64(), [DAY, None]),
        ([20240503, 99991231], pa.int32(), [DAY, dt.datetime(9999, 12, 31)]),
        ([dt.date(2024, 5, 3), None], pa.date32(), [DAY, None]),
        ([DAY, None], pa.timestamp("us"), [DAY, None]),
        ([DAY, None], pa.timestamp("s"), [DAY, None]),
    ],
)
def test_numbers_dates_and_timestamps_read(engine, values, dtype, moments):
    assert read_times(engine, values, dtype=dtype) == moments


@pytest.mark.parametrize(
    ("values", "dtype", "found"),
    [
        ([45292, 45293], pa.int64(), "numbers that are not yyyymmdd"),
        ([1704067200.0], pa.float64(), "numbers that are not yyyymmdd"),
        ([True], pa.bool_(), "dtype boolean"),
        (["yesterday", "today", "2024-05-03"], pa.string(), "for example "),
        (["1704067200"], pa.string(), "for example "),
        ([[1]], pa.list_(pa.int64()), "dtype array"),
    ],
)
def test_a_column_without_dates_is_an_error(engine, values, dtype, found):
    expected = f"The column 'date' holds dates: .*\nFound: {found}.*\nHint: convert it first"
    with pytest.raises(OrdersError, match=expected):
        read_times(engine, values, dtype=dtype)


@pytest.mark.parametrize(
    "written",
    ["2024-05-01T23:30:00+00:00", "2024-05-01T23:30:00Z", "2024-05-01 23:30:00z",
     "2024-05-01T23:30Z", "2024-05-02 07:30:00+08", "2024-05-02 07:30:00 +0800",
     "2024-05-02T07:30:00.000+08:00", "2024-05-01T16:30:00-07:00", "2024-05-02T05:00:00+05:30"],
)  # fmt: skip
def test_offsets_make_instants(engine, written):
    utc = dt.datetime(2024, 5, 1, 23, 30, tzinfo=dt.UTC)
    assert read_times(engine, [written, "2024-05-01T23:30:00+00:00"]) == [utc, utc]
    assert is_instant(engine, [written])


@pytest.mark.parametrize("written", ["2024-05-01 23:30:00 UTC", "2024-05-01T23:30:00 GMT"])
def test_a_named_universal_time_is_an_offset(engine, written):
    assert is_instant(engine, [written])


@pytest.mark.parametrize(
    "written",
    ["2024-05-01 23:30:00 EST", "2024-05-01 23:30:00 Europe/Berlin", "2024/05/01 23:30 +0000"],
)  # fmt: skip
def test_a_zone_that_is_not_understood_is_not_passed_over(engine, written):
    """The moment is either an instant or unread, and never a clock of nowhere."""
    instant = "2024-05-01T00:00:00Z"
    assert is_instant(engine, [written, instant])
    assert read_times(engine, [written, "2024-05-01"]) == [None, dt.datetime(2024, 5, 1)]


def test_moments_with_an_offset_and_without_do_not_mix(engine):
    cells = ["2024-05-01 23:30:00+00:00", "2024-05-01", "2024/05/01 10:00"]
    found = re.escape("1 cells such as '2024-05-01 23:30:00+00:00' and 2 without an offset")
    with pytest.raises(OrdersError, match=rf"offset, or none\.\nFound: {found}\nHint: "):
        read_times(engine, cells)


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        (["2024-05-01", "2024-05-01 10:00"], pa.string(), False),
        ([DAY], pa.timestamp("us"), False),
        ([DAY.replace(tzinfo=dt.UTC)], pa.timestamp("us", "UTC"), True),
        ([dt.date(2024, 5, 3)], pa.date32(), False),
        ([20240503], pa.int64(), False),
    ],
)
def test_only_moments_with_an_offset_or_zone_are_instants(engine, values, dtype, expected):
    assert is_instant(engine, values, dtype) is expected


@given(
    st.lists(st.datetimes(dt.datetime(1980, 1, 1), dt.datetime(2099, 12, 31)), min_size=20),
    st.sampled_from(["%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M", "%d/%m/%Y %I:%M %p", "%Y%m%d"]),
)
@settings(max_examples=10, deadline=None)
def test_a_moment_written_in_one_form_reads_back(engine, moments, form):
    written = [moment.strftime(form) for moment in moments]
    expected = [dt.datetime.strptime(cell, form) for cell in written]  # noqa: DTZ007 (naive)
    assert read_times(engine, written, dayfirst=True) == expected
