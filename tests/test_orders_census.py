"""What is decided for the log as a whole: currencies, exclusions, and what a column is."""

from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rfmkit as rk
from conftest import audited, log
from rfmkit._engine import open_frame
from rfmkit.exceptions import ColumnsError, OrdersError, RfmkitError
from rfmkit.formats import _cells as cells
from rfmkit.formats import _moments as moments
from rfmkit.orders import _census as census

MIXED = log(currency=["USD", "eur ", "USD"], total=["1", "2.50", "3"], refund=["0", "0.5", ""])


def test_rates_convert_amounts_and_refunds_exactly():
    frame = rk.read_orders(MIXED, rates={"USD": 1, "eur": "1.0837"}).to_frame(exact=True)
    assert sorted(frame["amount"]) == [Decimal(1), Decimal("2.1674"), Decimal(3)]


SLOW_RATES = [pytest.param(rate, marks=pytest.mark.slow) for rate in ("1.08", Decimal("1.08"))]


@pytest.mark.parametrize("rate", [1.08, *SLOW_RATES])
def test_a_rate_is_the_number_that_was_written(rate):
    orders = rk.read_orders(MIXED.assign(refund="0"), rates={"USD": 1, "EUR": rate})
    frame = orders.to_frame(exact=True)
    assert sorted(frame["amount"]) == [Decimal(1), Decimal("2.7"), Decimal(3)]


def test_small_rates_and_large_amounts_keep_their_digits():
    frame = log(currency=["VND", "USD"], total=["9999999999", "1"])
    found = rk.read_orders(frame, rates={"VND": "0.00003921", "USD": 1}).to_frame()
    assert sorted(found["amount"]) == [Decimal(1), Decimal("392100.0000")]


def test_rates_without_a_column_of_currencies_are_an_error():
    with pytest.raises(ColumnsError, match=r"Hint: name it: currency='\.\.\.'; signs beside"):
        rk.read_orders(log(total=["2"]), rates={"USD": 3})


def test_a_currency_without_a_rate_is_an_error():
    with pytest.raises(
        RfmkitError,
        match=r"Found: no rate for 'EUR'\nHint: add what one EUR is worth in the currency",
    ):
        rk.read_orders(MIXED, rates={"USD": 1})


@pytest.mark.parametrize(
    "rates", [{}, {"USD": 0}, {"USD": -1}, {"USD": "x"}, {"USD": None}, [1], 1.1]
)
def test_rates_are_positive_numbers_by_currency(rates):
    with pytest.raises(
        RfmkitError,
        match=r"^rates must map each currency to a positive number, .+\.\nFound: rates=",
    ):
        rk.read_orders(MIXED, rates=rates)


@pytest.mark.parametrize("currencies", [["USD", "usd", " USD ", None, ""], [None, None]])
def test_one_currency_is_fine(currencies):
    assert audited(rk.read_orders(log(currency=currencies)))["kept"][0] == len(currencies)


def test_several_currencies_are_an_error():
    expected = (
        r"Found: 'EUR', 'USD' in 'currency'\nHint: filter .*rates=\{'EUR': 1, 'USD': \.\.\.\}"
    )
    with pytest.raises(OrdersError, match=expected):
        rk.read_orders(log(currency=["USD", "eur", "USD", None]))


MEMOS = log(memo=["", "G-brush", None, "刷单 补单"], item=["Cup", "Cup", "DEPOSIT", "Cup"])


def test_rows_go_by_any_of_the_patterns():
    orders = rk.read_orders(MEMOS, exclude={"memo": "^G-|刷单", "item": "deposit"})
    assert audited(orders)["excluded"] == (3, Decimal(3))
    assert orders.rejected["rule"].tolist() == ["excluded"] * 3


def test_a_service_line_leaves_its_order():
    frame = log(order_id=["1", "1"], item=["Cup", "安装"], total=["10", "3"])
    assert rk.read_orders(frame, exclude={"item": "安装"}).to_frame()["amount"].tolist() == [10]


def test_numbers_are_matched_as_they_are_written():
    frame = log(code=[85, 86])
    assert audited(rk.read_orders(frame, exclude={"code": "^85$"}))["excluded"][0] == 1


def test_what_is_excluded_makes_no_prospect_and_no_date():
    frame = log(customer=["a", "b"], memo=["", "x"])
    orders = rk.read_orders(frame, exclude={"memo": "x"})
    assert set(rk.segment(orders)["customer_id"]) == {"a"}


def test_excluding_by_a_column_that_is_not_there_is_an_error():
    with pytest.raises(
        ColumnsError, match=r"Found: no 'Memo' among .+\nHint: did you mean exclude={'memo': "
    ):
        rk.read_orders(MEMOS, exclude={"Memo": "x"})


@pytest.mark.parametrize("exclude", [{"memo": "("}, {"memo": 3}, {3: "x"}, ["memo"], "memo"])
def test_exclude_maps_columns_to_patterns(exclude):
    with pytest.raises(
        RfmkitError, match=r"^exclude must map columns to regular expressions\.\nFound: exclude="
    ):
        rk.read_orders(MEMOS, exclude=exclude)


def test_a_platforms_own_columns_are_the_only_ones_that_play_roles():
    frame = pd.DataFrame(
        {
            "InvoiceNo": ["1"],
            "StockCode": ["a"],
            "InvoiceDate": ["2024-01-01"],
            "Quantity": ["2"],
            "UnitPrice": ["2"],
            "CustomerID": ["c"],
            "Total": ["99"],
            "Order Date": ["1999-01-01"],
        }
    )
    assert rk.read_orders(frame).to_frame()["amount"].tolist() == [4]


# --- rows that are the same --------------------------------------------------------------------

HEADER = "订单编号,买家会员名,买家实际支付金额,订单状态,订单付款时间,收货地址"
ROWS = [f"{n},c{n % 7},{n}.50,交易成功,2024-01-{n % 28 + 1:02} 10:00:00,x" for n in range(100, 190)]


AGAIN = [
    (ROWS[0], "duplicate"),
    (ROWS[0].replace(",x", ",y"), None),
    ("1,c,2.50,交易成功,NA,x", None),
]


@pytest.mark.parametrize(
    ("place", "again", "rule"),
    [
        (80, *AGAIN[0]),
        pytest.param(80, *AGAIN[1], marks=pytest.mark.slow),
        pytest.param(80, *AGAIN[2], marks=pytest.mark.slow),
        pytest.param(1, *AGAIN[0], marks=pytest.mark.slow),
        (1, *AGAIN[1]),
        pytest.param(1, *AGAIN[2], marks=pytest.mark.slow),
    ],
)
def test_rows_are_compared_wherever_an_id_comes_again(tmp_path, place, again, rule):
    path = tmp_path / "ExportOrderList.csv"
    path.write_text("\n".join([HEADER, *ROWS[:place], again, *ROWS[place:], ""]), encoding="utf-8")
    orders = rk.read_orders(path, format="taobao")
    frame = rk.read_orders(pd.read_csv(path, dtype=str), format="taobao")
    assert audited(orders) == audited(frame)
    assert ("duplicate" in audited(orders)) == (rule is not None)


def test_what_was_held_before_is_freed(tmp_path):
    path = tmp_path / "ExportOrderList.csv"
    path.write_text("\n".join([HEADER, *ROWS, ROWS[0], ""]), encoding="utf-8")
    engine = rk.read_orders(path, format="taobao").history.engine
    held = "FROM duckdb_tables() WHERE NOT contains(table_name, '_errors_')"
    held += " AND NOT contains(table_name, '_scan_') AND starts_with(table_name, 'rfmkit_csv')"
    assert engine.scalar_sql(f"SELECT count(*) {held}") == 1


# --- odd cells among plain ones ----------------------------------------------------------------

IDS = [
    "A1",
    "0017",
    "17",
    " 17",
    "17.0",
    "1.7E+16",
    "12e3",
    "nan",
    "NULL",
    '="01"',
    "'5",
    "a\v",
    None,
]
IDS += ["\vabcd", "C 1", "n/a", "long id", "\u00a0x", ""]
AMOUNTS = ["5", "12.50", "1.234", "12.345", "1,234.5", "1.234,5", "12,50", "1,234", "0.125", "NA"]
AMOUNTS += [
    "",
    " 7.5 ",
    "1e3",
    "1.5e3",
    ".5",
    "5.",
    "-3",
    "+3",
    "(4.10)",
    "¥5.00",
    "1234.567",
    None,
]
TIMES = ["2024-01-05", "2024-01-05 10:00", "2024-01-05T10:00:05", "2024-01-05 10:00:05.5", "NA", ""]
TIMES += [
    "2024-02-30",
    "2024-01-05 24:00:00",
    "2024/1/5 9:00",
    "20240105",
    "05/01/2024",
    "13/01/2024",
]
TIMES += ["01/13/2024", "Jan 5, 2024", " 2024-01-05 ", "2024-01-05 10:00:00+08", "words", None]
READERS = {
    "id": lambda x, census: x.as_table().select(
        y=cells.read_id(x, census), z=cells.is_mangled(x, census)
    ),
    "money": lambda x, census: x.as_table().select(
        y=cells.read_money(x, census, decimal=None, name="x")
    ),
    "time": lambda x, census: x.as_table().select(
        y=moments.read_time(x, census, dayfirst=None, name="x").value
    ),
}


def cells_of(written, alphabet):
    """Return columns of cells in these forms, and of any others."""
    cell = st.sampled_from(written) | st.text(alphabet, max_size=8)
    few = st.lists(st.sampled_from(written), min_size=1, max_size=3).flatmap(st.sampled_from)
    return st.lists(cell, min_size=1, max_size=6) | st.lists(few, min_size=1, max_size=4)


def outcome(engine, kind, column):
    """Read a column as `read_orders` does, or give the error."""
    table = open_frame(pa.table({"x": pa.array(column, pa.string())}), engine=engine).table
    counts = census.count_columns(table, engine, {"x": ("x", kind)})["x"]
    try:
        return [
            tuple(row.values()) for row in engine.arrow(READERS[kind](table.x, counts)).to_pylist()
        ]
    except RfmkitError as error:
        return str(error)


def outcome_of_the_whole(engine, kind, column):
    """Do the same with the census of every cell, and each cell read by the whole grammar."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(census.PLAIN, kind, lambda cell: cell.isnull() & cell.notnull())
        for module in (cells, moments):
            patch.setattr(module, "where_plain", lambda _plain, _value, other: other)
        return outcome(engine, kind, column)


FEW = (1, census.FEW)
MONEY = ["5", "12.50", "1.234", "12.345", "NA", "", " 7.5 ", "1e3", "1.5e3", ".5", "5.", "-3"]
MONEY += ["+3", "(4.10)", "¥5.00", "1234.567", None]
DATES = ["2024-01-05", "2024-01-05 10:00", "2024-01-05T10:00:05", "2024-01-05 10:00:05.5", "NA"]
DATES += ["", "2024-02-30", "2024/1/5 9:00", " 2024-01-05 ", "words", None]


@pytest.mark.parametrize(
    ("kind", "column"),
    [
        ("id", IDS),
        ("money", MONEY),
        ("money", AMOUNTS),
        ("time", DATES),
        ("time", TIMES),
        pytest.param(
            "time", ["05/01/2024", "13/01/2024", "05/01/2024 9:00"], marks=pytest.mark.slow
        ),
    ],
)
def test_plain_cells_beside_odd_ones_read_as_by_the_whole_grammar(engine, kind, column):
    whole = outcome_of_the_whole(engine, kind, column)
    for few in FEW:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(census, "FEW", few)
            assert outcome(engine, kind, column) == whole


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        ("id", cells_of(IDS, "0123.eE+ naN'=\"\v\tÄ")),
        ("money", cells_of(AMOUNTS, "0123.,- e+¥()")),
        ("time", cells_of(TIMES, "0123-/.: T+Z")),
    ],
)
@pytest.mark.parametrize("few", FEW)
def test_any_cells_read_as_by_the_whole_grammar(engine, kind, columns, few):
    @given(column=columns)
    @settings(max_examples=40, deadline=None)
    def agrees(column):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(census, "FEW", few)
            found = outcome(engine, kind, column)
        assert found == outcome_of_the_whole(engine, kind, column)

    agrees()
