"""Every export: always the same bytes, the amounts of the shop, and invented people."""

import functools
import re
import warnings
import zipfile
from io import BytesIO

import pandas as pd
import pytest

import rfmkit as rk
from rfmkit.columns import RULES
from rfmkit.datasets import FORMATS, Export, export_orders, simulate_orders

# One worker writes the exports that the tests share.
pytestmark = pytest.mark.xdist_group("exports")
SHOP = simulate_orders(60, seed=2)
EVERY = [(name, vintage) for name, vintages in FORMATS.items() for vintage in vintages]
BUYERLESS = ("amazon_all_orders", "pinduoduo", "douyin")
# The files of these do not say what went back on orders, so that their truth is gross.
GROSS = ("jd", "amazon", "olist", "online_retail", "cdnow")


@functools.cache
def exported(name: str, vintage: str) -> Export:
    """Export once what several tests look at, and none changes."""
    return export_orders(SHOP, format=name, vintage=vintage)


def texts(export: Export) -> list[str]:
    found = []
    # Half a Chinese character can look like an @: each file is read in its own encoding.
    encoding = "gb18030" if export.format in ("taobao", "taobao_lines", "jd") else "utf-8"
    for name, content in export.files.items():
        if name.endswith(".xlsx"):
            archive = zipfile.ZipFile(BytesIO(content))
            found += [archive.read(part).decode() for part in archive.namelist()]
        else:
            found.append(content.decode(encoding, errors="replace"))
    return found


@pytest.mark.parametrize(("name", "vintage"), EVERY)
def test_equal_arguments_give_equal_bytes(name: str, vintage: str) -> None:
    first, again = exported(name, vintage), export_orders(SHOP, format=name, vintage=vintage)
    assert first.files == again.files
    pd.testing.assert_frame_equal(first.truth, again.truth)
    assert first.aside == again.aside
    assert export_orders(SHOP, format=name, vintage=vintage, seed=6).files != first.files


@pytest.mark.parametrize(("name", "vintage"), EVERY)
def test_the_truth_is_the_simulated_shop_s(name: str, vintage: str) -> None:
    export = exported(name, vintage)
    assert (export.format, export.vintage) == (name, vintage)
    truth = export.truth
    assert list(truth.columns) == ["order_id", "customer_id", "ordered_at", "amount"]
    assert list(export.refunds.columns) == list(truth.columns)
    assert truth["ordered_at"].dtype == "datetime64[us]"
    assert truth["ordered_at"].is_monotonic_increasing
    assert set(export.aside) <= set(RULES)
    if name in BUYERLESS:
        assert truth.empty
        return
    assert truth["order_id"].is_unique
    assert (truth["customer_id"] != "").all()
    assert (truth["amount"] > 0).all()
    assert (truth["amount"] == truth["amount"].round(2)).all()
    orders = SHOP.orders
    kept = orders["status"].isin(["paid", "shipped", "completed", "partially_refunded"])
    if name in ("amazon", "online_retail"):
        kept |= orders["status"].isin(["refunded", "closed_refunded"])
    money = orders["amount"] if name in GROSS else orders["amount"] - orders["refund_amount"]
    if name not in ("woocommerce_analytics", "cdnow"):  # less shipping; with twins
        assert truth["amount"].sum() == pytest.approx(money[kept].sum(), abs=0.005)
    assert truth["customer_id"].nunique() == orders[kept]["customer_id"].nunique()
    if name not in ("jd", "cdnow"):  # orders that were split; twins
        assert len(truth) == kept.sum()


@pytest.mark.parametrize(("name", "vintage"), EVERY)
def test_nobody_real_is_in_the_files(name: str, vintage: str) -> None:
    for text in texts(exported(name, vintage)):
        domains = set(re.findall(r"@([A-Za-z0-9.-]+)", text))
        assert {domain.lower() for domain in domains} <= {
            "example.com", "example.org", "marketplace.example.com",
        }  # fmt: skip


@pytest.mark.parametrize(("name", "vintage"), EVERY)
def test_a_tiny_shop_has_an_export_too(name: str, vintage: str) -> None:
    tiny = simulate_orders(1, seed=3, days=1, spend_mean=0.001)
    export = export_orders(tiny, format=name, vintage=vintage)
    assert all(export.files.values())


def test_writing_warns_of_nothing_and_leaves_the_shop_as_it_was() -> None:
    before = SHOP.orders.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in FORMATS:
            export_orders(SHOP, format=name)
    pd.testing.assert_frame_equal(SHOP.orders, before)


def test_the_first_vintage_is_the_one_to_write() -> None:
    assert export_orders(SHOP, format="taobao").vintage == FORMATS["taobao"][0] == "2019"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "ebay"}, r"^format must be one of 'taobao', .*\.\nFound: format='ebay'"),
        (
            {"format": "taobao", "vintage": "1999"},
            r"^vintage must be one of '2019', .*\.\nFound: vintage='1999'\nHint: ",
        ),
        (
            {"format": "jd", "seed": 1.5},
            r"^seed must be a whole number .*0\.\nFound: seed=1\.5\nHint",
        ),
        ({"format": "jd", "seed": -1}, r"^seed must be a whole number .*0\.\nFound: seed=-1\nHint"),
    ],
)
def test_a_wrong_argument_is_named(options: dict, message: str) -> None:
    with pytest.raises(rk.RfmkitError, match=message):
        export_orders(SHOP, **options)
