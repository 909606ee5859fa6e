"""An export holds its files and its truth, and writes itself."""

import datetime as dt

import pytest

from rfmkit.datasets.exports.export import Account

NOON = dt.datetime(2024, 5, 1, 12)


def closed() -> object:
    account = Account()
    account.keep("2", "ann", NOON + dt.timedelta(days=1), 1050)
    account.keep("1", "bob", NOON, 999)
    account.give_back("C1", "bob", NOON, 199)
    account.leave("unpaid")
    account.leave("test", 3)
    return account.export("shop", "2024", {"a.csv": b"a\r\n", "b.csv": b"\xff"}, "UTC")


def test_the_account_becomes_the_truth() -> None:
    export = closed()
    assert export.truth["order_id"].tolist() == ["1", "2"]
    assert export.truth["amount"].tolist() == [9.99, 10.5]
    assert export.refunds["amount"].tolist() == [-1.99]
    assert export.aside == {"test": 3, "unpaid": 1}


def test_the_files_are_written_as_they_are(tmp_path) -> None:
    export = closed()
    paths = export.write(tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["a.csv", "b.csv"]
    assert {path.name: path.read_bytes() for path in paths} == export.files


def test_an_export_does_not_change() -> None:
    with pytest.raises(AttributeError, match="cannot assign to field"):
        closed().zone = "Asia/Shanghai"


def test_the_repr_says_what_there_is() -> None:
    assert repr(closed()).startswith("<Export: shop (2024), 2 valid orders in a.csv, b.csv; use ")
