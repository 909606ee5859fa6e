"""Moments: every form of a date, and nothing guessed."""

import datetime as dt
import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rfmkit._engine import open_frame
from rfmkit.exceptions import OrdersError
from rfmkit.formats import _moments as reading
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


def moment(column, census, *, dayfirst=None):
    return reading.read_time(column, census, dayfirst=dayfirst, name="date")


def read_times(engine, values, *, dayfirst=None, dtype=None):
    def reader(column, census):
        return moment(column, census, dayfirst=dayfirst).value

    return read(engine, values, "time", reader, dtype)


def is_instant(engine, values, dtype=None):
    table = open_frame(pa.table({"x": pa.array(values, dtype)}), engine=engine).table
    counts = count_columns(table, engine, {"x": ("x", "time")})["x"]
    return moment(table.x, counts).is_instant


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
        "The order of day and month in the column 'date' must be known.\n"
        f"Found: {written!r}, which may be {day_first} (day first) or {month_first} "
        "(month first); no cell decides\n"
        "Hint: pass dayfirst=True or dayfirst=False."
    )
    with pytest.raises(OrdersError, match=f"^{re.escape(expected)}$"):
        read_times(engine, [written, None, "2024-01-01"])


def test_a_column_in_both_orders_is_an_error_with_counts(engine):
    expected = "Found: 2 cells with the day first and 1 with the month first\nHint: pass dayfirst"
    with pytest.raises(OrdersError, match=expected):
        read_times(engine, ["13/05/2024", "14/05/2024", "05/13/2024", "01/01/2024"])


NO_DATES = [
    "2024-02-30", "2023-02-29", "2024/02/30", "20240230", "2024-13-01", "0000-00-00", "2024-00-10",
    "null", "NaT", "", "N/A", None, "soon", "2024-05-03 25:00", "2024/05/03 25:00", "2024",
    "99999999",
]  # fmt: skip


def test_cells_that_are_no_dates_are_null_in_one_column(engine):
    found = read_times(engine, NO_DATES + ["2024-05-03", "20240503"] * len(NO_DATES))
    read = dict(zip(NO_DATES, found, strict=False))
    assert read == dict.fromkeys(NO_DATES)
    assert set(found[len(NO_DATES) :]) == {DAY}


@pytest.mark.slow
@pytest.mark.parametrize("other", ["2024-05-03", "20240503"])
def test_what_is_no_date_is_null(engine, other):
    found = read_times(engine, NO_DATES + [other] * len(NO_DATES))
    nothing = dict.fromkeys(NO_DATES)
    assert dict(zip([*NO_DATES, other], found[: len(NO_DATES) + 1], strict=True)) == nothing | {
        other: DAY
    }


WORDS = [
    "epoch", "Epoch", "infinity", "-infinity", "Infinity", "inf", "-inf", "now", "today",
    "tomorrow", "yesterday", "NaN", "NaT", "allballs", "24:00", "10:00", "2024-01-05 (BC)",
    "2024-01-05 BC",
    "-2024-01-05", "12024-01-05", "290309-12-22", "2024 01 05", "2024\\01\\05", "2024-001",
    "2024-W01", "2024-01-05 10:60", "2024-01-05 10:00:61", "2024-01-05 24:01", "2024-01-05 25:00",
]  # fmt: skip


OTHERS = ["2024-05-03", "2024-05-03 10:00:00", "3.5.2024", "20240503"]


@pytest.mark.parametrize(
    "others", [OTHERS, *(pytest.param([other], marks=pytest.mark.slow) for other in OTHERS)]
)
def test_a_word_that_some_engine_casts_is_no_moment(engine, others):
    found = read_times(engine, WORDS + others * len(WORDS), dayfirst=True)
    read = {cell: moment for cell, moment in zip(WORDS, found, strict=False) if moment is not None}
    assert read == {}
    assert None not in found[len(WORDS) :]


@pytest.mark.parametrize("offset", ["Z", "+08:00"])
def test_a_word_among_instants_is_no_moment(engine, offset):
    instant = f"2024-05-03T10:00:00{offset}"
    found = read_times(engine, WORDS[:14] + [instant] * 15)
    assert found[:14] == [None] * 14
    assert None not in found[14:]


HOUR_24 = {
    "2024-02-28 24:00": "2024-05-03 10:00",
    "2024-02-28T24:00:00": "2024-05-03T10:00:00",
    "2024-02-28 24:00:00.000": "2024-05-03 10:00:00.5",
    "2024/2/28 24:00": "2024/5/3 9:00",
    "28.02.2024 24:00:00": "03.05.2024 10:00:00",
    "28-Feb-2024 24:00": "03-May-2024 10:00",
}


@pytest.mark.parametrize(
    "written",
    [list(HOUR_24), *(pytest.param([cell], marks=pytest.mark.slow) for cell in HOUR_24)],
)
def test_the_hour_24_is_the_midnight_that_ends_the_day(engine, written):
    late = [cell.replace("24:00", "24:01") for cell in written]
    others = [HOUR_24[cell] for cell in written]
    found = read_times(engine, [*written, *late, *others, *others], dayfirst=True)
    count = len(written)
    assert found[: 2 * count] == [dt.datetime(2024, 2, 29)] * count + [None] * count
    assert {moment.hour for moment in found[2 * count :]} <= {9, 10}


def test_the_hour_24_of_an_instant_is_the_midnight_that_ends_the_day(engine):
    found = read_times(engine, ["2024-02-28T24:00:00+08:00", "2024-02-28 24:30:00Z"])
    assert found == [dt.datetime(2024, 2, 28, 16, tzinfo=dt.UTC), None]


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
    expected = f"The column 'date' must hold dates: .*\nFound: {found}.*\nHint: convert it first"
    with pytest.raises(OrdersError, match=expected):
        read_times(engine, values, dtype=dtype)


OFFSETS = [
    "2024-05-01T23:30:00+00:00", "2024-05-01T23:30:00Z", "2024-05-01 23:30:00z",
    "2024-05-01T23:30Z", "2024-05-02 07:30:00+08", "2024-05-02 07:30:00 +0800",
    "2024-05-02T07:30:00.000+08:00", "2024-05-01T16:30:00-07:00", "2024-05-02T05:00:00+05:30",
]  # fmt: skip


@pytest.mark.parametrize(
    "written", [OFFSETS, *(pytest.param([cell], marks=pytest.mark.slow) for cell in OFFSETS)]
)
def test_offsets_make_instants(engine, written):
    utc = dt.datetime(2024, 5, 1, 23, 30, tzinfo=dt.UTC)
    found = read_times(engine, [*written, "2024-05-01T23:30:00+00:00"])
    assert found == [utc] * (len(written) + 1)
    assert is_instant(engine, written)


@pytest.mark.parametrize("written", ["2024-05-01 23:30:00 UTC", "2024-05-01T23:30:00 GMT"])
def test_a_named_universal_time_is_an_offset(engine, written):
    assert is_instant(engine, [written])


ZONES = [
    "2024-05-01 23:30:00 EST", "2024-05-01 23:30:00 Europe/Berlin", "2024/05/01 23:30 +0000",
]  # fmt: skip


@pytest.mark.parametrize(
    "written", [ZONES, *(pytest.param([cell], marks=pytest.mark.slow) for cell in ZONES)]
)
def test_a_zone_that_is_not_understood_is_not_passed_over(engine, written):
    """The moment is either an instant or unread, and never a clock of nowhere."""
    count = len(written)
    assert is_instant(engine, [*written, *["2024-05-01T00:00:00Z"] * count])
    found = read_times(engine, [*written, *["2024-05-01"] * count])
    assert found == [None] * count + [dt.datetime(2024, 5, 1)] * count


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


FORMS = ["%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M", "%d/%m/%Y %I:%M %p", "%Y%m%d"]


def test_moments_written_in_several_forms_read_back(engine):
    step = dt.timedelta(days=283, hours=7, minutes=13, seconds=29)
    moments = [dt.datetime(1980, 1, 1) + place * step for place in range(152)]
    cells = [(moment.strftime(form), form) for moment in moments for form in FORMS]
    expected = [dt.datetime.strptime(cell, form) for cell, form in cells]  # noqa: DTZ007 (naive)
    assert read_times(engine, [cell for cell, _ in cells], dayfirst=True) == expected


@pytest.mark.slow
@given(
    st.lists(st.datetimes(dt.datetime(1980, 1, 1), dt.datetime(2099, 12, 31)), min_size=20),
    st.sampled_from(FORMS),
)
@settings(max_examples=10, deadline=None)
def test_a_moment_written_in_one_form_reads_back(engine, moments, form):
    written = [moment.strftime(form) for moment in moments]
    expected = [dt.datetime.strptime(cell, form) for cell in written]  # noqa: DTZ007 (naive)
    assert read_times(engine, written, dayfirst=True) == expected


def test_days_that_are_the_same_in_both_orders_need_no_decision(engine):
    assert read_times(engine, ["03/03/2024", "12.12.2024"]) == [
        dt.datetime(2024, 3, 3),
        dt.datetime(2024, 12, 12),
    ]


def test_the_example_of_an_ambiguous_column_shows_the_difference(engine):
    with pytest.raises(OrdersError, match=r"'03/04/2024'.*2024-04-03.*or 2024-03-04"):
        read_times(engine, ["12/12/2024", "03/04/2024"])
