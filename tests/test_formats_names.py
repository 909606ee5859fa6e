"""Columns are found by name, in two languages, however written; never by a guess."""

import re

import pytest

import rfmkit as rk
from conftest import log
from rfmkit.exceptions import ColumnsError
from rfmkit.formats._names import ROLES, find_columns, find_email, keyword, normalized, require

HEADERS = [
    # the exports that people have: shop systems, teaching datasets, seller centres
    (
        ["InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID"],
        {
            "order_id": "InvoiceNo",
            "quantity": "Quantity",
            "ordered_at": "InvoiceDate",
            "unit_price": "UnitPrice",
            "customer_id": "CustomerID",
        },
    ),
    (
        ["Invoice", "InvoiceDate", "Price", "Quantity", "Customer ID"],
        {
            "order_id": "Invoice",
            "ordered_at": "InvoiceDate",
            "unit_price": "Price",
            "quantity": "Quantity",
            "customer_id": "Customer ID",
        },
    ),
    (
        ["订单编号", "买家会员名", "买家实际支付金额", "订单状态", "订单创建时间", "订单付款时间 "],
        {
            "order_id": "订单编号",
            "customer_id": "买家会员名",
            "amount": "买家实际支付金额",
            "status": "订单状态",
            "created_at": "订单创建时间",
            "paid_at": "订单付款时间 ",
        },
    ),
    (
        ["订单号", "下单帐号", "下单时间", "付款确认时间", "订单完成时间", "订单金额", "订单状态"],
        {
            "order_id": "订单号",
            "customer_id": "下单帐号",
            "created_at": "下单时间",
            "paid_at": "付款确认时间",
            "completed_at": "订单完成时间",
            "amount": "订单金额",
            "status": "订单状态",
        },
    ),
    (
        ["customer_unique_id", "order_purchase_timestamp", "payment_value", "order_status"],
        {
            "customer_id": "customer_unique_id",
            "ordered_at": "order_purchase_timestamp",
            "amount": "payment_value",
            "status": "order_status",
        },
    ),
    (
        ["Created at", "Paid at", "Total", "Subtotal", "Refunded Amount", "Financial Status"],
        {
            "created_at": "Created at",
            "paid_at": "Paid at",
            "amount": "Total",
            "refund_amount": "Refunded Amount",
            "status": "Financial Status",
        },
    ),
]


@pytest.mark.parametrize(("seen", "found"), HEADERS)
def test_the_columns_of_known_exports_are_found(seen, found):
    assert find_columns(seen, {}) == found


@pytest.mark.parametrize(
    "name",
    [
        "customer_id", "Customer ID", "CUSTOMER-ID", " customer  id ", "customerId", "CustomerID",
        "customer.id", "customer/id", "Ｃｕｓｔｏｍｅｒ　ＩＤ", "customer\u00a0id",
        '="Customer ID"', "'customer id'", "#Customer ID", "customer\nid", "客户ID",
        "客户ｉｄ", " 客户 id",
    ],
)  # fmt: skip
def test_case_spaces_signs_and_full_width_forms_do_not_matter(name):
    assert find_columns([name], {}) == {"customer_id": name}


@pytest.mark.parametrize("role", ROLES)
def test_the_name_of_a_role_is_a_name_of_its_column(role):
    assert find_columns([role], {}) == {role: role}


@pytest.mark.parametrize(
    ("alias", "role"),
    [(alias, role) for role, aliases in ROLES.items() for alias in aliases],
)
def test_an_alias_names_one_role_in_any_spelling(alias, role):
    for spelling in (alias, alias.upper(), alias.replace(" ", "_"), f" {alias} "):
        assert find_columns([spelling], {}) == {role: spelling}


def test_no_alias_stands_in_two_roles():
    claims = [
        normalized(alias)
        for role, aliases in ROLES.items()
        for alias in {normalized(role), *map(normalized, aliases)}
    ]
    assert len(claims) == len(set(claims))


@pytest.mark.parametrize(
    "name",
    ["Subtotal", "customer name", "order line", "total tax", "discount", "备注", "postcode", ""],
)
def test_a_column_without_a_role_is_left_alone(name):
    assert find_columns([name], {}) == {}


@pytest.mark.parametrize(
    ("first", "second", "role", "argument"),
    [
        ("Customer", "User ID", "customer_id", "customer"),
        ("Total", "金额", "amount", "amount"),
        ("Order Date", "Date", "ordered_at", "time"),
        ("Total", "Total.1", "amount", "amount"),
        ("status", "订单状态", "status", "status"),
    ],
)
def test_two_columns_that_claim_one_role_are_an_error_naming_both(first, second, role, argument):
    expected = (
        f"Exactly one column must be the {role}.\nFound: {first!r} and {second!r} both fit\n"
        f"Hint: name the right one: {argument}={first!r}."
    )
    with pytest.raises(ColumnsError, match=f"^{re.escape(expected)}$"):
        find_columns([first, second], {})


@pytest.mark.parametrize("chosen", ["Customer", "User ID", "what"])
def test_what_the_caller_names_wins(chosen):
    seen = ["Customer", "User ID", "what"]
    assert find_columns(seen, {"customer_id": chosen}) == {"customer_id": chosen}


def test_a_column_that_the_caller_took_plays_no_second_role():
    seen = ["Customer", "Date", "Total", "Price"]
    assert find_columns(seen, {"unit_price": "Total"}) == {
        "unit_price": "Total",
        "customer_id": "Customer",
        "ordered_at": "Date",
    }


@pytest.mark.parametrize("named", ["user id", "USER_ID", "User Id"])
def test_a_named_column_is_found_in_another_spelling(named):
    assert find_columns(["User ID"], {"customer_id": named}) == {"customer_id": "User ID"}


def test_the_exact_spelling_is_preferred_among_several():
    seen = ["user id", "User ID"]
    assert find_columns(seen, {"customer_id": "User ID"}) == {"customer_id": "User ID"}


@pytest.mark.parametrize(
    ("seen", "named", "hint"),
    [
        (["a", "b"], "buyer", "name one of them: customer='...'."),
        (["a", "buyers"], "buyer", "did you mean customer='buyers'?"),
        (["User ID", "user_id"], "USER ID", "name one of them: customer='...'."),
    ],
)
def test_a_named_column_that_is_not_there_is_an_error(seen, named, hint):
    expected = (
        "The column named for the customer_id must exist.\n"
        f"Found: no {named!r} among {', '.join(map(repr, seen))}\nHint: {hint}"
    )
    with pytest.raises(ColumnsError, match=f"^{re.escape(expected)}$"):
        find_columns(seen, {"customer_id": named})


@pytest.mark.parametrize(
    ("found", "seen", "column"),
    [
        ({}, ["Custmer ID", "date"], "Custmer ID"),
        ({}, ["客户编码", "日期"], "..."),  # half of the name alike is no typing error
        ({}, ["who", "date"], "..."),
        ({"order_id": "Costumer"}, ["Costumer", "date"], "..."),  # taken by another role
    ],
)
def test_a_missing_role_suggests_a_free_column_of_a_mistyped_name(found, seen, column):
    with pytest.raises(ColumnsError, match=re.escape(f"customer={column!r})")):
        require("customer_id", found, seen)


@pytest.mark.parametrize(
    ("missing", "what", "argument"),
    [
        ("customer", "customer", "customer"),
        ("date", "date or time of the order", "time"),
        ("total", "amount", "amount"),
    ],
)
def test_a_missing_role_lists_the_columns_seen_and_how_to_name_it(missing, what, argument):
    frame = log(note=["x"]).drop(columns=missing)
    seen = ", ".join(map(repr, frame.columns))
    expected = (
        f"An order log must have a column for the {what}.\nFound: columns {seen}\n"
        f"Hint: name it: read_orders(..., {argument}='...')."
    )
    with pytest.raises(ColumnsError, match=f"^{re.escape(expected)}$"):
        rk.read_orders(frame)


def test_a_name_of_another_role_is_no_mistyped_one():
    for seen, column in ((["order_id", "Ordred at"], "Ordred at"), (["purchases"], "...")):
        with pytest.raises(ColumnsError, match=re.escape(f"read_orders(..., time={column!r})")):
            require("ordered_at", {}, seen)


def test_of_many_columns_forty_are_shown():
    seen = [f"c{place}" for place in range(50)]
    with pytest.raises(ColumnsError, match=r"columns 'c0', 'c1', .*'c39', \.\.\. \(50 in all\)"):
        require("amount", {}, seen)


@pytest.mark.parametrize(
    "seen", [["Orders of 2024"], ["Orders", "column2", "column3"], ["Orders", "Unnamed: 1"]]
)
def test_what_looks_like_a_title_hints_at_one(seen):
    with pytest.raises(ColumnsError, match=r"where a title stands above the header line"):
        require("amount", {}, seen)


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        (["Total", "E-Mail"], "E-Mail"),
        (["Billing Email", "email"], "email"),  # the first of the aliases
        (["Emails sent"], None),
    ],
)
def test_the_column_of_the_email_address_is_found(seen, found):
    assert find_email(seen) == found


@pytest.mark.parametrize("seen", [["17850", "2024-01-01", "5.5"], ["a", "01/02/2024"], ["1,5"]])
def test_column_names_that_are_cells_hint_at_a_missing_header(seen):
    with pytest.raises(ColumnsError, match=r"names=\[\.\.\.\] where the file has no header line"):
        require("amount", {}, seen)


def test_column_names_that_are_words_do_not_hint_at_a_missing_header():
    with pytest.raises(ColumnsError, match=r"amount='\.\.\.'\)\.$"):
        require("amount", {}, ["customer", "total 2024"])


@pytest.mark.parametrize(
    ("columns", "roles"),
    [
        (["quantity", "unit price"], "unit_price"),
        (["created at"], "created_at"),
        (["支付时间"], "paid_at"),
    ],
)
def test_other_columns_may_stand_for_the_amount_and_the_time(columns, roles):
    frame = log(**dict.fromkeys(columns, ["20240105"] if roles.endswith("_at") else [2.5]))
    orders = rk.read_orders(frame.drop(columns="date" if roles.endswith("_at") else "total"))
    assert len(orders.to_frame()) == 1


@pytest.mark.parametrize(
    "frame",
    [
        log(Total=[2.0]),
        log(Customer=["b"]),
        log(DATE=["2024-02-02"]),
    ],
    ids=lambda frame: frame.columns[-1],
)
def test_columns_that_differ_in_case_only_claim_one_role(frame):
    with pytest.raises(ColumnsError, match="both fit"):
        rk.read_orders(frame)


@pytest.mark.parametrize("role", sorted(set(ROLES) - {"created_at", "paid_at", "completed_at"}))
def test_an_error_names_an_argument_that_read_orders_has(role):
    assert keyword(role) in rk.read_orders.__kwdefaults__
