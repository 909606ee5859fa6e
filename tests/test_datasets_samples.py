"""The bundled samples: small, found wherever rfmkit is installed, and made again to the byte."""

import pandas as pd
import pytest

import rfmkit as rk
from rfmkit.datasets import sample_path, samples, simulate_orders, write_samples

EVERY_KIND = {
    "paid", "shipped", "completed", "partially_refunded", "unpaid", "closed_unpaid", "refunded",
    "closed_refunded",
}  # fmt: skip


def test_an_unknown_sample_is_answered_with_the_known_ones() -> None:
    logs = r"must be one of 'orders', 'orders.csv', 'orders.parquet'\.\nFound: name='orders.xlsx'\n"
    with pytest.raises(ValueError, match=logs):
        rk.load_sample("orders.xlsx")
    every = r"must be one of 'orders.csv', .*'shopify.csv', .*\.\nFound: name='orders.xlsx'\nHint"
    with pytest.raises(ValueError, match=every):
        sample_path("orders.xlsx")


def test_an_export_is_no_log_to_load() -> None:
    with pytest.raises(
        rk.RfmkitError, match=r"\nHint: read it: .*read_orders\(.*sample_path\('jd.csv'\)\)"
    ):
        rk.load_sample("jd.csv")


def test_missing_samples_are_an_error_with_a_hint(
    monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    monkeypatch.setattr(
        samples, "__file__", str(tmp_path / "src" / "rfmkit" / "datasets" / "samples.py")
    )
    expected = r"must be .*\nFound: no orders.csv\nHint: reinstall rfmkit"
    with pytest.raises(rk.RfmkitError, match=expected):
        sample_path("orders.csv")


def test_the_committed_samples_are_what_write_samples_writes(tmp_path) -> None:
    paths = write_samples(tmp_path / "new" / "folder")
    assert tuple(path.name for path in paths) == samples._SAMPLES
    csv, parquet, *exports = paths
    for path in (csv, *exports):
        assert path.read_bytes() == sample_path(path.name).read_bytes(), path.name
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
    assert sum(sample_path(name).stat().st_size for name in samples._SAMPLES) < 850_000
    for name in samples._EXPORTS:
        assert sample_path(name).stat().st_size < 60_000


@pytest.mark.parametrize(
    ("name", "encoding", "traps"),
    [
        (
            "taobao.csv", "gbk",
            ["，等待买家确认", ",等待卖家发货", '"null"', '=""', "'1700000",
             '"买家未付款"', '"退款"', "【预售定金】", "送货入户安装服务", "陶瓷杯\n（大号）"],
        ),
        ("jd.csv", "gb18030", ["(删除)等待出库", "订单拆分为  ", ", 完成,", "已取消", "𠮷"]),
        (
            "shopify.csv", "utf-8",
            ["partially_refunded", "voided", "ogus", "'+1555", "+0100", "+0200", "pending",
             '"Mug, large"'],
        ),
        ("woocommerce.csv", "utf-8", ["amount:", "refunded", "failed", "cancelled", "on-hold"]),
        ("amazon.txt", "utf-8", ["order-id\torder-item-id\t", "-07:00", "Z\t", "@marketplace."]),
    ],
)  # fmt: skip
def test_the_small_exports_have_the_traps_of_the_large(
    name: str, encoding: str, traps: list[str]
) -> None:
    text = sample_path(name).read_bytes().decode(encoding)
    assert [trap for trap in traps if trap not in text] == []


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
