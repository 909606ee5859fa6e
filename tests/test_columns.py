"""The vocabulary is one: no name means two things, and results have the dtypes it states."""

from collections import Counter, defaultdict
from dataclasses import FrozenInstanceError

import ibis
import pyarrow as pa
import pytest

import rfmkit as rk
from rfmkit.columns import COLUMNS, DTYPES, PHASES, SEGMENTS, STATUSES

ARROW = {
    "int64": pa.int64(),
    "float64": pa.float64(),
    "date": pa.date32(),
    "boolean": pa.bool_(),
    "string": pa.string(),
    "timestamp": pa.timestamp("us"),
    "decimal(18, 4)": pa.decimal128(18, 4),
}


def test_a_column_is_named_once():
    times = Counter(column.name for column in COLUMNS)
    assert {name for name, count in times.items() if count > 1} == set()


def test_a_name_has_one_dtype():
    dtypes = defaultdict(set)
    for column in COLUMNS:
        dtypes[column.name].add(column.dtype)
    assert {name: kinds for name, kinds in dtypes.items() if len(kinds) > 1} == {}


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_a_column_has_a_dtype_and_a_meaning(column):
    assert column.meaning
    assert column.dtype == "" or ibis.dtype(column.dtype) is not None
    assert DTYPES.get(column.name, "") == column.dtype


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_what_is_called_days_is_counted_in_days(column):
    assert column.name.endswith("_days") == (column.unit == "days")


def test_a_column_does_not_change():
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'name'"):
        COLUMNS[0].name = "other"


def test_the_words_are_those_of_the_vocabulary():
    assert SEGMENTS == ("prospect", "new", "repeat", "dormant", "fan")
    assert PHASES == ("active", "silent", "lost")
    assert set(STATUSES) == {
        "unpaid", "paid", "shipped", "completed", "closed_unpaid", "closed_refunded",
        "partially_refunded", "refunded", "cancelled", "void", "test", "deleted", "unknown",
    }  # fmt: skip


@pytest.fixture(scope="module")
def as_arrow(sample):
    return rk.read_orders(sample, output="pyarrow")


@pytest.mark.parametrize(
    ("table", "make"),
    [
        ("orders", lambda orders: orders.to_frame()),
        ("customers", rk.summarize),
        ("gaps", rk.purchase_gaps),
        (
            "snapshots",
            lambda orders: rk.snapshots(orders, origins=["2024-01-01"], horizon_days=30),
        ),
    ],
)
def test_a_result_has_the_columns_and_dtypes_of_the_vocabulary(as_arrow, table, make):
    result = make(as_arrow)
    mine = {column.name for column in COLUMNS if column.table == table}
    assert mine & set(result.column_names)
    for field in result.schema:
        if field.name in DTYPES:
            assert field.type == ARROW[DTYPES[field.name]], field.name
        else:
            assert field.name == "customer_id"
