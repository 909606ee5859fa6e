"""Warnings: each is given for what it is made for, and not for what is common."""

import numpy as np
import pandas as pd
import pytest

import rfmkit as rk
from shops import SHOP, only, shop


def changed(rows, **columns):
    """Return the shop's log with some cells of its first rows changed."""
    frame = SHOP.copy()
    for name, cell in columns.items():
        frame[name] = frame[name].astype(object)
        frame.loc[: rows - 1, name] = cell
    return frame


def without_days(first, last):
    return SHOP[(SHOP["date"] < first) | (SHOP["date"] > last)]


@pytest.fixture(scope="module")
def uneventful():
    """The shop's log, read."""
    return rk.read_orders(SHOP)


def test_an_uneventful_log_is_silent(uneventful):
    assert uneventful.audit.warnings == ()


def with_odd_cells(**odd):
    """Return the shop's log with odd cells in some rows, every row odd in one column at most."""
    frame, used = SHOP.astype(object), 0
    for name, (cell, rows) in odd.items():
        # Seven rows apart, so that no day is without an order.
        frame.loc[(used + np.arange(rows)) * 7 % len(frame), name.rstrip("_")] = cell
        used += rows
    return frame


def test_few_odd_cells_are_silent():
    frame = with_odd_cells(
        customer=(None, 30), date=("2024-02-30", 30), total=("free", 30), total_=("0", 25),
        total__=("$7.00", 9),
    )  # fmt: skip
    assert rk.read_orders(frame).audit.warnings == ()


def test_many_odd_cells_ring_by_their_share():
    frame = with_odd_cells(
        customer=(None, 31), customer_=("1.7E+16", 1), order_id=("1.7E+16", 1),
        date=("1900-01-01", 1), date_=("2024-02-30", 31), total=("free", 31), total_=("0", 31),
        status=("odd", 2),
    )  # fmt: skip
    found = rk.read_orders(frame).audit.warnings
    expected = {
        "Rows without a customer: ": "31 of 600 rows (5.2 %)",
        "Rows whose customer id a float": "1 of 600 rows (0.2 %)",
        "Rows whose order id a float": "1 of 600 rows (0.2 %)",
        "Rows dated outside dates_between": "1 of 600 rows (0.2 %)",
        "Rows without a date that exists": "31 of 600 rows (5.2 %)",
        "Rows without an amount": "31 of 600 rows (5.2 %)",
        "Orders of amount zero": "31 of 503 orders (6.2 %), set aside",
        "Statuses that no table names": "'odd': 2 of 600 rows (0.3 %)",
    }
    assert len(found) == len(expected)
    for start, figure in expected.items():
        (warning,) = (warning for warning in found if warning.startswith(start))
        assert figure in warning


@pytest.mark.slow
@pytest.mark.parametrize(
    ("column", "cell", "rows", "start", "figure"),
    [
        ("customer", None, 30, "Rows without a customer: ", None),
        ("customer", None, 31, "Rows without a customer: ", "31 of 600 rows (5.2 %)"),
        ("customer", "1.7E+16", 1, "Rows whose customer id a float", "1 of 600 rows (0.2 %)"),
        ("order_id", "1.7E+16", 1, "Rows whose order id a float", "1 of 600 rows (0.2 %)"),
        ("date", "1900-01-01", 1, "Rows dated outside dates_between", "1 of 600 rows (0.2 %)"),
        ("date", "2024-02-30", 30, "Rows without a date that exists", None),
        ("date", "2024-02-30", 31, "Rows without a date that exists", "31 of 600 rows (5.2 %)"),
        ("total", "free", 30, "Rows without an amount", None),
        ("total", "free", 31, "Rows without an amount", "31 of 600 rows (5.2 %)"),
        ("total", "0", 30, "Orders of amount zero", None),
        ("total", "0", 31, "Orders of amount zero", "31 of 600 orders (5.2 %), set aside"),
        ("status", "odd", 2, "Statuses that no table names", "'odd': 2 of 600 rows (0.3 %)"),
        ("total", "$7.00", 9, "Signs beside the amounts", None),
    ],
)
def test_odd_cells_of_one_kind_cause_no_other_warning(column, cell, rows, start, figure):
    warning = only(rk.read_orders(changed(rows, **{column: cell})).audit.warnings, start)
    assert (figure or "") in warning
    assert bool(warning) == (figure is not None)


def test_gifts_that_are_kept_ring_too():
    orders = rk.read_orders(changed(31, total="0"), zero_amounts="keep")
    warning = only(orders.audit.warnings, "Orders of amount zero: 31 of 600 orders (5.2 %), kept")
    assert "zero_amounts='drop'" in warning


def lined(same, orders=40, amounts=30):
    """Return a log of orders with two lines each, some with one amount on both of them."""
    places = np.arange(orders).repeat(2)
    first = np.arange(2 * orders) % 2 == 0
    return pd.DataFrame({
        "order_id": [f"o{place}" for place in places],
        "customer": [f"c{place % 9}" for place in places],
        "date": pd.Timestamp("2024-01-01") + pd.to_timedelta(places, unit="D"),
        "total": places % amounts + 5.5 + np.where((places < same) | first, 0, 1),
    })  # fmt: skip


@pytest.mark.parametrize(
    ("frame", "warned"),
    [
        (lined(37), True),
        pytest.param(lined(36), False, marks=pytest.mark.slow),  # nine in ten
        pytest.param(lined(20, orders=20), True, marks=pytest.mark.slow),
        (lined(19, orders=19), False),  # too few to tell
        pytest.param(lined(40, amounts=9), False, marks=pytest.mark.slow),  # few prices
    ],
)
def test_totals_that_are_on_every_line_are_warned_of(frame, warned):
    warning = only(rk.read_orders(frame).audit.warnings, "Orders with the same amount on each")
    assert bool(warning) == warned


def test_totals_are_not_looked_for_where_the_format_knows_of_them():
    declared = rk.formats.Format(
        name="lined", title="lined", once=("amount",), marks=("order_id", "total"),
        columns={"order_id": "order_id", "customer_id": "customer", "ordered_at": "date",
                 "amount": "total"},
    )  # fmt: skip
    orders = rk.read_orders(lined(40), format=declared)
    assert orders.audit.warnings == ()
    assert orders.to_frame()["amount"].sum() == sum(place % 30 + 5.5 for place in range(40))


def test_several_signs_of_currency_are_warned_of():
    frame = changed(9, total="$7.00")
    frame.loc[20, "total"] = "7.00 EUR"
    frame.loc[21, "total"] = "no sign of 5"
    warning = only(rk.read_orders(frame).audit.warnings, "Signs beside the amounts: '$', 'EUR'; ")
    assert "convert the amounts first" in warning


def test_lines_that_cannot_be_read_are_warned_of(tmp_path):
    path = tmp_path / "orders.csv"
    text = SHOP.to_csv(index=False)
    path.write_text(text + "o1,c1,2024-01-01\n", "utf-8")
    warnings = rk.read_orders(path).audit.warnings
    warning = only(warnings, "Lines that cannot be read: 1 of 601 rows (0.2 %)")
    assert "the first in line 602 of 'orders.csv'" in warning


def test_unknown_statuses_name_their_words_and_the_way_out():
    frame = changed(3, status=["odd", "odd", None])
    warning = only(rk.read_orders(frame).audit.warnings, "Statuses that no table names, 'odd', ''")
    assert warning.endswith("statuses={'odd': '...'}.")


# --- days ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "quiet"),
    [
        pytest.param(SHOP, "", marks=pytest.mark.slow),
        pytest.param(  # six days
            without_days("2024-02-10", "2024-02-15"), "", marks=pytest.mark.slow
        ),
        (without_days("2024-02-10", "2024-02-16"), "2024-02-10 to 2024-02-16 (7 days); "),
        # A shop that sells once a month has no odd pauses.
        (SHOP[SHOP["date"].dt.day == 1], ""),
        # Weekly orders, and once nothing for five weeks and more.
        pytest.param(SHOP[SHOP["date"].dt.day_of_week == 0], "", marks=pytest.mark.slow),
        (
            SHOP[(SHOP["date"].dt.day_of_week == 0) & ~SHOP["date"].dt.month.isin([2, 3])],
            "2024-01-30 to 2024-03-31 (62 days); ",
        ),
    ],
)
def test_runs_of_days_without_an_order_are_warned_of(frame, quiet):
    warning = only(rk.read_orders(frame).audit.warnings, "Days without any order: ")
    assert quiet in warning
    assert bool(warning) == bool(quiet)


@pytest.mark.parametrize(("as_of", "quiet"), [("2024-05-06", False), ("2024-05-07", True)])
def test_a_log_that_ends_before_its_day_is_warned_of(uneventful, as_of, quiet):
    """The shop's last day is the 29th of April."""
    warning = only(uneventful.until(as_of).audit.warnings, "Days without any order: ")
    assert ("2024-04-30 to 2024-05-07 (8 days)" in warning) == quiet


def test_a_row_dated_years_ahead_is_warned_of():
    frame = changed(1, date=pd.Timestamp("2034-01-01"))
    warning = only(rk.read_orders(frame).audit.warnings, "Days without any order: ")
    assert "2024-04-30 to 2033-12-31" in warning


def test_at_most_three_runs_are_named():
    cut = SHOP[~SHOP["date"].dt.day.between(3, 12)]
    found = rk.read_orders(cut, dates_between=("2000-01-01", "2030-01-01")).audit.warnings
    assert found == ()  # four pauses in 78 are what the log usually shows
    long = shop(1200)
    cut = long[~((long["date"].dt.day < 11) & (long["date"].dt.month % 6 == 2))]
    warning = only(rk.read_orders(cut).audit.warnings, "Days without any order: ")
    assert warning.count("(10 days)") == 3
    assert "... (7 in all)" in warning


# --- what is hidden --------------------------------------------------------------------------


def test_hidden_rows_are_counted_and_cause_no_other_warning():
    frame = pd.concat([SHOP, changed(40, customer=None, date="2024-06-01").head(40)])
    frame["date"] = pd.to_datetime(frame["date"])
    orders = rk.read_orders(frame)
    assert len(orders.audit.warnings) == 2  # no customer, and a month of nothing
    warning = only(orders.until("2024-04-29").audit.warnings, "Rows dated after ")
    assert warning.startswith("Rows dated after 2024-04-29: 40, hidden by as_of")


def test_a_day_before_the_first_row_causes_no_warning(uneventful):
    only(uneventful.until("2020-01-01").audit.warnings, "Rows dated after 2020-01-01")
