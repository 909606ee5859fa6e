"""Simulate, export, read: every format gives back the orders that were written, to the cent."""

from decimal import Decimal

import pandas as pd
import pytest

import rfmkit as rk
from rfmkit.datasets import FORMATS, export_orders
from rfmkit.exceptions import NoCustomerKeyError
from rfmkit.formats import known

SHOP = rk.simulate_orders(60, seed=11, days=300)
KEYLESS = ("amazon_all_orders", "pinduoduo", "douyin")
READ_AS = {"taobao_lines": "taobao"}
WITH_OFFSETS = ("amazon", "stripe", "shopify")
CASES = [
    (name, vintage)
    for name, vintages in FORMATS.items()
    for vintage in vintages
    if name not in KEYLESS
]
NOT_ASIDE = ("kept", "refund", "refund_deducted", "read")


def options(name, vintage, export):
    """What a user must say: the zone of days where moments have offsets, and what is not UTF-8."""
    more = {"tz": export.zone} if name in WITH_OFFSETS else {}
    return more | ({"encoding": "latin-1"} if (name, vintage) == ("online_retail", "1") else {})


def cents(amounts):
    return [Decimal(str(amount)).quantize(Decimal("0.01")) for amount in amounts]


def in_order(frame):
    """Return orders sorted by their values: some formats have no order id."""
    columns = ["ordered_at", "customer_id", "order_id", "amount"]
    frame = frame.astype({"ordered_at": "datetime64[us]"}).assign(
        amount=cents(frame["amount"]), order_id=frame["order_id"].astype(object).fillna("")
    )
    return frame[columns].sort_values(columns, ignore_index=True)


NAMED = [(name, vintage, True) for name, vintage in CASES if name in ("taobao_lines", "square")]
# One file and several, money in one column and in two, a format found and a format named; the
# tests of the other formats hold by default what their rows mean.
QUICK = {
    ("jd", "2015", False), ("stripe", "2024", False), ("shopify", "2023", False),
    ("taobao", "2019", False), ("square", "2022", True),
}  # fmt: skip


def some_slow(cases, quick):
    """Mark the cases slow that are not among the quick ones."""
    assert quick <= set(cases)
    return [
        pytest.param(
            *(case if isinstance(case, tuple) else (case,)),
            marks=() if case in quick else pytest.mark.slow,
        )
        for case in cases
    ]


@pytest.mark.parametrize(
    ("name", "vintage", "named"), some_slow([(*case, False) for case in CASES] + NAMED, QUICK)
)
def test_what_was_exported_is_read_back(name, vintage, named, tmp_path):
    export = export_orders(SHOP, format=name, vintage=vintage, seed=2)
    paths = export.write(tmp_path)
    platform = READ_AS.get(name, name)
    orders = rk.read_orders(
        paths[0] if len(paths) == 1 else tmp_path,
        format=platform if named else "auto",
        **options(name, vintage, export),
    )
    assert orders.audit.format == platform
    found, truth = orders.to_frame(), export.truth
    if found["order_id"].isna().all():  # CDNOW has none
        truth = truth.assign(order_id=None)
    found, truth = in_order(found), in_order(truth)
    pd.testing.assert_frame_equal(found, truth, check_dtype=False)
    audit = orders.audit.to_frame().set_index("rule")
    aside = {rule: rows for rule, rows in audit["rows"].items() if rule not in NOT_ASIDE}
    assert aside == export.aside
    assert audit["rows"].drop("read").sum() == audit.loc["read", "rows"]
    assert audit["amount"].drop("read").sum() == audit.loc["read", "amount"]


@pytest.mark.parametrize("name", some_slow(["cdnow", "online_retail", "square"], {"cdnow"}))
def test_refunds_that_nothing_links_are_netted_of_their_customer(name, tmp_path):
    export = export_orders(SHOP, format=name, seed=2)
    paths = export.write(tmp_path)
    source = paths[0] if len(paths) == 1 else tmp_path
    orders = rk.read_orders(source, **options(name, export.vintage, export))
    bought = set(export.truth["customer_id"])
    refunds = export.refunds[export.refunds["customer_id"].isin(bought)]
    expected = sum(cents(export.truth["amount"])) + sum(cents(refunds["amount"]))
    assert Decimal(str(rk.summarize(orders)["spend"].sum())).quantize(Decimal("0.01")) == expected


@pytest.mark.parametrize("name", KEYLESS)
def test_an_export_without_a_buyer_is_refused_with_the_one_to_take(name, tmp_path):
    path, *_ = export_orders(SHOP, format=name).write(tmp_path)
    with pytest.raises(NoCustomerKeyError, match=r"Hint: .*(take|Take) the order"):
        rk.read_orders(path)


def test_every_format_that_can_be_read_has_its_round_trip():
    readable = {one.name for one in known() if not one.instead}
    assert readable - {"square_items"} == {READ_AS.get(name, name) for name, _ in CASES}
    assert {one.name for one in known() if one.instead} >= set(KEYLESS)


@pytest.mark.slow
def test_the_items_of_square_are_its_orders_too(tmp_path):
    paths = export_orders(SHOP, format="square", seed=2).write(tmp_path)
    items = next(path for path in paths if path.name.startswith("items"))
    orders = rk.read_orders(items)
    assert orders.audit.format == "square_items"
    assert set(orders.to_frame()["customer_id"]) <= set(
        rk.read_orders(tmp_path).to_frame()["customer_id"]
    )


SAMPLES = {"taobao.csv": "taobao", "jd.csv": "jd", "shopify.csv": "shopify",
           "woocommerce.csv": "woocommerce", "amazon.txt": "amazon"}  # fmt: skip


@pytest.mark.parametrize("name", some_slow(SAMPLES, {"jd.csv"}))
def test_the_bundled_exports_just_work(name):
    orders = rk.read_orders(rk.datasets.sample_path(name))
    assert orders.audit.format == SAMPLES[name]
    assert len(rk.segment(orders)) > 10


@pytest.mark.parametrize(
    ("name", "vintage"),
    some_slow([("taobao", "2019"), ("shopify", "2023"), ("jd", "2015")], {("jd", "2015")}),
)
def test_overlapping_exports_give_what_one_gives(name, vintage, tmp_path):
    export = export_orders(SHOP, format=name, vintage=vintage, seed=2)
    (path,) = export.write(tmp_path)
    again = path.with_name("z_" + path.name)
    again.write_bytes(path.read_bytes())
    once = rk.read_orders(path, **options(name, vintage, export))
    twice = rk.read_orders([path, again], **options(name, vintage, export))
    pd.testing.assert_frame_equal(in_order(once.to_frame()), in_order(twice.to_frame()))
    audit = twice.audit.to_frame().set_index("rule")["rows"]
    assert audit["superseded"] + audit.get("duplicate", 0) >= len(once.to_frame())
    assert (
        audit.drop("read").sum()
        == audit["read"]
        == 2 * once.audit.to_frame().set_index("rule")["rows"]["read"]
    )


def test_the_same_number_in_two_shops_is_two_orders(tmp_path):
    header = "order_id,order_number,order_date,order_total,order_currency,billing_email,status\n"
    for name, people in (("de", ("ann", "ann")), ("fr", ("jean", "lu"))):
        rows = (
            f"{101 + k},1,3/{k + 13}/2024 9:00,50,EUR,{who}@x.{name},completed\n"
            for k, who in enumerate(people)
        )
        (tmp_path / f"{name}.csv").write_text(header + "".join(rows))
    orders = rk.read_orders(tmp_path)
    assert orders.audit.format == "woocommerce"
    assert orders.to_frame()["amount"].sum() == 200


def test_a_generic_log_in_several_files_warns_of_ids_that_come_again(tmp_path):
    header = "order_id,customer,date,amount\n"
    (tmp_path / "1.csv").write_text(
        header + "1,a,2024-02-01,10\n2,b,2024-02-28,20\n3,b,2024-03-02,7\n"
    )
    (tmp_path / "2.csv").write_text(header + "2,b,2024-02-28,20\n3,b,2024-03-02,5\n")
    orders = rk.read_orders(tmp_path)
    assert orders.to_frame()["amount"].tolist() == [10, 20, 12]
    assert orders.audit.to_frame().set_index("rule").loc["superseded", "rows"] == 1
    assert any(
        warning.startswith("Order ids in several files: 1;") for warning in orders.audit.warnings
    )
