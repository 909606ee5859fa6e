"""Who bought: keys in one form each, never mixed, and hashed where that is asked for."""

import hashlib

import ibis
import pandas as pd
import pytest

import rfmkit as rk
from conftest import log
from rfmkit.exceptions import RfmkitError
from rfmkit.orders import _customer_keys as customer_keys

SECRET = "correct horse battery"  # noqa: S105 (a test's)


def read(reader, *cells):
    table = ibis.memtable(
        pd.DataFrame({"x": pd.Series(cells, dtype="object")}), schema={"x": "string"}
    )
    return [None if pd.isna(v) else v for v in table.mutate(y=reader(table.x)).to_pandas()["y"]]


def test_an_address_is_read_in_small_letters_and_only_where_it_is_one():
    cells = "Anna@Example.COM ", "anna", "a b@c", "", None, "n/a", "a***@example.com"
    assert read(customer_keys.email_key, *cells) == ["anna@example.com", *[None] * 6]


def test_a_phone_is_its_digits_and_at_least_six():
    cells = "'+49 (555) 01-00", "12345", "139****0100", "$$cipher0123456", None
    assert read(customer_keys.phone_key, *cells) == ["495550100", None, None, None, None]


def test_a_name_is_read_with_single_spaces_in_small_letters():
    assert read(customer_keys.name_key, " Anna  A ", "", "王**", "##abc") == [
        "anna a",
        None,
        None,
        None,
    ]


def people(**columns):
    return pd.DataFrame({"Date": ["2024-01-01", "2024-02-01"], "Total": ["1", "2"]} | columns)


CHAIN = rk.formats.Format(
    name="chain",
    title="chain",
    columns={
        "customer_id": "Id",
        "email": "Mail",
        "phone": "Phone",
        "name": "Name",
        "postcode": "Zip",
        "ordered_at": "Date",
        "amount": "Total",
    },
    customer=("customer_id", "email", "phone", "name"),
)


@pytest.mark.parametrize(
    ("columns", "customers", "kinds"),
    [
        ({"Id": ["1", ""], "Mail": ["a@b", "a@b"]}, ["1", "email:a@b"], ["customer_id", "email"]),
        ({"Id": [1, None], "Mail": ["a@b", "a@b"]}, ["1", "email:a@b"], ["customer_id", "email"]),
        (
            {"Mail": ["", "A@b"], "Phone": ["5550100", ""]},
            ["phone:5550100", "a@b"],
            ["phone", "email"],
        ),
        (
            {"Mail": ["", ""], "Name": ["A", "A"], "Zip": ["1", "2"]},
            ["name:a|1", "name:a|2"],
            ["name"] * 2,
        ),
        ({"Mail": ["a@b", "a@b"]}, ["a@b", "a@b"], ["email"] * 2),
    ],
)
def test_kinds_of_keys_are_never_mixed(columns, customers, kinds):
    frame = rk.read_orders(people(**columns), format=CHAIN).to_frame().sort_values("ordered_at")
    assert frame["customer_id"].tolist() == customers
    assert frame["customer_key"].tolist() == kinds


def test_a_pseudonym_is_the_nested_keyed_hash():
    def digest(text):
        return hashlib.sha256(text.encode()).hexdigest()

    inner, outer = (digest(f"rfmkit {part} {SECRET}") for part in ("inner", "outer"))
    expected = digest(outer + digest(inner + "a"))[:32]
    frame = rk.read_orders(log(customer=["a", "a"]), pseudonymize=SECRET).to_frame()
    assert frame["customer_id"].tolist() == [expected] * 2


def test_the_same_secret_gives_the_same_ids_and_another_gives_others():
    first, again, other = (
        set(rk.read_orders(log(customer=["a", "b"]), pseudonymize=secret).to_frame()["customer_id"])
        for secret in (SECRET, SECRET, SECRET + "!")
    )
    assert first == again
    assert not first & other


def test_an_integer_id_has_the_pseudonym_of_its_digits():
    ids = [
        rk.read_orders(log(customer=cells), pseudonymize=SECRET).to_frame()["customer_id"].tolist()
        for cells in ([7, 8], ["7", "8"])
    ]
    assert ids[0] == ids[1]


def test_without_a_customer_there_is_no_pseudonym():
    orders = rk.read_orders(log(customer=["a", None]), pseudonymize=SECRET)
    assert orders.rejected["rule"].tolist() == ["no_customer"]


def assert_same_but_for_the_ids(plain, hashed, order):
    plain, hashed = (
        frame.drop(columns="customer_id").sort_values(order).reset_index(drop=True)
        for frame in (plain, hashed)
    )
    pd.testing.assert_frame_equal(plain, hashed)


ORDER = ["spend", "recency_days", "orders", "unpaid_orders", "tenure_days"]


def test_customers_are_the_same_under_pseudonyms(sample, customers):
    hashed = rk.summarize(rk.read_orders(sample, pseudonymize=SECRET))
    assert_same_but_for_the_ids(customers, hashed, ORDER)


@pytest.mark.slow
def test_segments_are_the_same_under_pseudonyms(sample, orders):
    hashed = rk.segment(rk.read_orders(sample, pseudonymize=SECRET))
    assert_same_but_for_the_ids(rk.segment(orders), hashed, ["segment", *ORDER])


def test_a_roster_meets_the_log_under_pseudonyms():
    orders = rk.read_orders(log(customer=["a", "b"]), pseudonymize=SECRET)
    segments = rk.segment(orders, prospects=pd.DataFrame({"customer": ["a", "c"]}))
    assert segments["segment"].tolist().count("prospect") == 1
    assert not {"a", "b", "c"} & set(segments["customer_id"])


def test_a_roster_of_addresses_meets_a_log_that_knows_its_customers_by_them():
    frame = people(Mail=["Anna@example.com", "bert@example.com"])
    roster = pd.DataFrame({"E-Mail": ["ANNA@example.com", "cara@example.com", "no address"]})
    segments = rk.segment(rk.read_orders(frame, format=CHAIN), prospects=roster)
    assert segments.set_index("segment")["customer_id"].get("prospect") == "cara@example.com"


def test_no_result_shows_what_was_hashed():
    frame = log(customer=["anna@example.com", "bert@example.com"], total=["1", "x"])
    orders = rk.read_orders(frame, pseudonymize=SECRET)
    shown = [orders.to_frame(), orders.rejected, rk.segment(orders), repr(orders), orders.notes]
    assert not any("example.com" in str(one) or SECRET in str(one) for one in shown)
    assert list(orders.rejected.columns)[:2] == ["row", "rule"]
    assert SECRET not in repr(orders.history.options)


@pytest.mark.parametrize("secret", ["short", ""])
def test_a_short_secret_is_an_error(secret):
    with pytest.raises(RfmkitError, match=f"Found: {len(secret)} characters"):
        rk.read_orders(log(customer=["a"]), pseudonymize=secret)


def test_a_secret_is_text():
    with pytest.raises(RfmkitError, match=r"^pseudonymize must be text\."):
        rk.read_orders(log(customer=["a"]), pseudonymize=12345678)
