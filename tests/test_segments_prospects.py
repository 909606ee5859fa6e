"""Prospects, and the lists of people that name customers as the log does."""

import pandas as pd
import polars as pl
import pytest

import rfmkit as rk
from rfmkit.exceptions import ColumnsError, RfmkitError
from rfmkit.segments._prospects import listed_ids, prospect_table
from sample_segments import parts_of, segments_of


@pytest.fixture(scope="module")
def table(orders):
    return segments_of(orders)


@pytest.fixture(scope="module")
def parts(orders):
    return parts_of(orders)


@pytest.fixture(scope="module")
def fitted(orders, parts):
    """A lifecycle fitted on the sample, with the default parts."""
    return rk.Lifecycle(**parts).fit(orders)


def people(orders, roster):
    """The prospects of a log and a roster, before they become rows of segments."""
    return set(orders.history.engine.frame(prospect_table(orders, roster))["customer_id"])


def test_a_roster_adds_prospects_and_leaves_customers_as_they_are(orders, table, parts):
    buyer, unpaid = table.query("segment == 'fan'")["customer_id"].iloc[0], "C-unpaid"
    prospect = table.query("segment == 'prospect'")["customer_id"].iloc[0]
    roster = pd.DataFrame(
        {"User ID": [buyer, prospect, unpaid, f"  {buyer} ", "new\t", "new", None]}
    )
    found = rk.segment(orders, prospects=roster, **parts)
    added = found[~found["customer_id"].isin(table["customer_id"])]
    assert added["customer_id"].tolist() == [unpaid, "new"]
    assert set(added["segment"]) == {"prospect"}
    assert not added["ordered_unpaid"].any()
    known = found[found["customer_id"].isin(table["customer_id"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(known, table)


@pytest.fixture(scope="module")
def numbered(sample):
    """The sample with numbers for ids, read by the kind of these numbers in the log."""
    numbers = sample["customer_id"].str[1:].astype(int)
    log = sample.assign(customer_id=numbers)[numbers <= 200]
    return {
        int: rk.read_orders(log),
        str: rk.read_orders(log.assign(customer_id=log["customer_id"].astype(str))),
    }


@pytest.mark.parametrize(
    ("log_ids", "ids"),
    [
        (int, ["9000001", " 9000002 "]),
        (int, [9_000_001.0, 9_000_002.0]),
        (str, [9_000_001, 9_000_002]),
        (str, [9_000_001.0, 9_000_002.0]),
    ],
)
def test_a_roster_may_write_its_ids_otherwise(numbered, log_ids, ids):
    orders = numbered[log_ids]
    known = rk.summarize(orders)["customer_id"].iloc[0]
    roster = pd.DataFrame({"customer_id": [*ids, type(ids[0])(known)]})
    added = people(orders, roster) - people(orders, None)
    assert sorted(added) == [log_ids(9_000_001), log_ids(9_000_002)]


def test_blank_names_of_a_roster_are_nobody(orders):
    roster = pd.DataFrame({"customer_id": ["", "  ", None, "nan", "somebody"]})
    assert people(orders, roster) - people(orders, None) == {"somebody"}


def test_a_roster_may_be_of_another_kind(orders):
    expected = people(orders, pd.DataFrame({"customer_id": ["x"]}))
    assert people(orders, pl.DataFrame({"customer_id": ["x"]})) == expected


def test_the_engaged_are_fans_while_active(orders, table, parts, fitted):
    def first(query):
        return table.query(query)["customer_id"].iloc[0]

    new, repeat = first("segment == 'new'"), first("segment == 'repeat'")
    dormant, prospect = first("segment == 'dormant'"), first("segment == 'prospect'")
    engagement = pd.DataFrame({"customer_id": [new, repeat, dormant, prospect, "stranger"]})
    found = rk.segment(orders, engagement=engagement, **parts)
    changed = found["segment"] != table["segment"]
    assert found.loc[changed, "customer_id"].tolist() == sorted([new, repeat])
    assert set(found.loc[changed, "segment"]) == {"fan"}
    staged = fitted.transform(orders, engagement=engagement)
    buyers = found[found["segment"] != "prospect"]
    assert staged["segment"].tolist() == buyers["segment"].tolist()


@pytest.mark.parametrize("write", [pytest.param("{}", marks=pytest.mark.slow), " {}\n"])
def test_the_engaged_are_found_as_a_roster_is(orders, table, fitted, write):
    new = table.query("segment == 'new'")["customer_id"].iloc[0]
    engagement = pd.DataFrame({"customer_id": [write.format(new)]})
    found = fitted.transform(orders, engagement=engagement).set_index("customer_id")
    assert found.loc[new, "segment"] == "fan"


@pytest.mark.parametrize(("log_ids", "given_ids"), [(int, str), (str, int), (str, float)])
def test_the_engaged_may_have_their_ids_written_otherwise(
    numbered, table, fitted, log_ids, given_ids
):
    orders = numbered[log_ids]
    new = log_ids(int(table.query("segment == 'new'")["customer_id"].iloc[0][1:]))
    engagement = pd.DataFrame({"customer_id": [given_ids(new)]})
    found = fitted.transform(orders, engagement=engagement).set_index("customer_id")
    assert found.loc[new, "segment"] == "fan"


@pytest.mark.parametrize("name", ["prospects", "engagement"])
def test_a_list_of_people_has_their_ids(orders, parts, name):
    listed = pd.DataFrame({"mail": ["a@b.c"]})
    with pytest.raises(ColumnsError, match=r"a column for the customer\.\nFound: .*'mail'"):
        rk.segment(orders, **{name: listed}, **parts)


def test_a_name_of_the_roster_that_the_log_cannot_hold_is_an_error():
    log = pd.DataFrame({"customer_id": [1, 2], "date": "2024-01-01", "amount": [1, 2]})
    roster = pd.DataFrame({"customer_id": ["x9", "3", None]})
    with pytest.raises(RfmkitError, match=r"Found: 1 such as 'x9', where the log has int64\nHint"):
        rk.segment(rk.read_orders(log), prospects=roster)


ADDRESSES = ["Buyer Email", "Contact Email", "E-mail", "邮件地址", "买家邮箱"]


def log_by_address(name):
    days = ["2024-01-01", "2024-02-01", "2024-02-01"]
    log = pd.DataFrame({name: ["a@x.org", "A@x.org ", "b@x.org"], "date": days, "amount": 5})
    return rk.read_orders(log)


@pytest.fixture(scope="module")
def by_address():
    return log_by_address("Customer Email")


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_roster_may_be_keyed_by_an_address_of_any_name(by_address, name):
    roster = pd.DataFrame({name: ["B@X.ORG", "new@x.org", None]})
    assert people(by_address, roster) == {"new@x.org"}


@pytest.mark.parametrize(
    "name",
    [*(pytest.param(name, marks=pytest.mark.slow) for name in ADDRESSES[:-1]), ADDRESSES[-1]],
)
def test_a_roster_may_be_keyed_by_any_address_that_a_log_may(name):
    roster = pd.DataFrame({name: ["B@X.ORG", "new@x.org", None]})
    found = rk.segment(log_by_address(name), prospects=roster).set_index("customer_id")
    assert found["purchases"].to_dict() == {"a@x.org": 2, "b@x.org": 1, "new@x.org": 0}
    assert found.loc["new@x.org", "segment"] == "prospect"


def test_without_a_roster_only_orders_that_were_set_aside_make_prospects(orders, table):
    found = table.query("segment == 'prospect'")
    paid = rk.read_orders(rk.load_sample().query("status == 'paid'"))
    assert prospect_table(paid, None) is None
    aside = prospect_table(orders, None)
    counted = orders.history.engine.frame(aside.order_by("customer_id"))
    assert counted["customer_id"].tolist() == found["customer_id"].tolist()
    assert counted["unpaid_orders"].tolist() == found["unpaid_orders"].tolist()


def test_ids_are_listed_as_text():
    listed = listed_ids(pd.DataFrame({"Customer ID": [7, 8, None]}))
    assert listed == ["7", "8"]
