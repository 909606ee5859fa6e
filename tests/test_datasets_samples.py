"""The bundled samples: small, found wherever rfmkit is installed, and made again to the byte."""

import pandas as pd
import pytest

import rfmkit as rk
from rfmkit.datasets import sample_path, samples, simulate_orders, write_samples

EVERY_KIND = {
    "paid", "shipped", "completed", "partially_refunded", "unpaid", "closed_unpaid", "refunded",
    "closed_refunded",
}  # fmt: skip


@pytest.mark.parametrize("load", [rk.load_sample, sample_path])
def test_an_unknown_sample_is_answered_with_the_known_ones(load: object) -> None:
    with pytest.raises(ValueError, match=r"one of \('orders.csv', 'orders.parquet'\)\.\nFound: 'o"):
        load("orders.xlsx")


def test_missing_samples_are_an_error_with_a_hint(
    monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    monkeypatch.setattr(
        samples, "__file__", str(tmp_path / "src" / "rfmkit" / "datasets" / "samples.py")
    )
    with pytest.raises(rk.RfmkitError, match=r"no orders.csv\nHint: reinstall rfmkit"):
        sample_path("orders.csv")


def test_the_committed_samples_are_what_write_samples_writes(tmp_path) -> None:
    csv, parquet = write_samples(tmp_path / "new" / "folder")
    assert csv.read_bytes() == sample_path("orders.csv").read_bytes()
    pd.testing.assert_frame_equal(
        pd.read_parquet(parquet), pd.read_parquet(sample_path("orders.parquet"))
    )


def test_both_samples_hold_the_same_log() -> None:
    log = rk.load_sample()
    pd.testing.assert_frame_equal(log, rk.load_sample("orders.csv"))
    pd.testing.assert_frame_equal(log, rk.load_sample("orders.parquet"))
    assert list(log.columns) == list(simulate_orders(2).orders.columns)
    assert log["ordered_at"].dtype == "datetime64[us]"
    assert log["customer_id"].nunique() == 1200
    assert set(log["status"]) >= EVERY_KIND


def test_the_samples_are_small() -> None:
    assert sum(sample_path(name).stat().st_size for name in samples._SAMPLES) < 700_000


def test_a_loaded_sample_belongs_to_the_caller() -> None:
    log = rk.load_sample()
    log["amount"] = 0.0
    assert (rk.load_sample()["amount"] > 0).all()


def test_a_packaged_sample_comes_before_the_checkout(
    monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    package = tmp_path / "site-packages" / "rfmkit"
    write_samples(package / "samples")
    monkeypatch.setattr(samples, "__file__", str(package / "datasets" / "samples.py"))
    assert sample_path("orders.parquet").parent == (package / "samples").resolve()
