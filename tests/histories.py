"""Histories by hand: customers and gaps of a log, row by row in plain pandas and Python."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from hypothesis import Phase, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    import datetime as dt

PAID = ("paid", "shipped", "completed", "partially_refunded")
NEVER_PAID = ("unpaid", "closed_unpaid")
REFUNDED = ("refunded", "closed_refunded")
START = pd.Timestamp("2024-01-01")

# Without shrinking: an example asks an engine, and failing ones are short enough to read.
quick = settings(deadline=None, max_examples=10, phases=[Phase.explicit, Phase.generate])

small_logs = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.integers(0, 30),
        st.sampled_from([-2000, -1000, 0, 1000, 1000, 1999, 2000]),
        st.sampled_from([0, 0, 0, 500, 1000]),
        st.sampled_from(["paid", "paid", "completed", *NEVER_PAID, *REFUNDED, "cancelled"]),
    ),
    min_size=1,
    max_size=25,
)

VARIED = [
    ("a", 0, 1000, 0, "paid"), ("a", 0, 1999, 500, "completed"), ("a", 3, 2000, 0, "paid"),
    ("a", 5, -1000, 0, "paid"), ("a", 9, 1000, 1000, "paid"), ("a", 14, 1999, 0, "paid"),
    ("b", 2, 2000, 0, "completed"), ("b", 2, -2000, 0, "paid"), ("b", 7, 1000, 0, "unpaid"),
    ("b", 8, 1999, 0, "refunded"), ("b", 10, 1000, 500, "paid"), ("b", 20, 1000, 0, "paid"),
    ("c", 4, -1000, 0, "paid"), ("c", 6, 0, 0, "paid"), ("c", 30, 2000, 0, "closed_refunded"),
    ("d", 12, 1000, 0, "paid"), ("d", 13, 1000, 0, "cancelled"), ("d", 25, -2000, 0, "refunded"),
]  # fmt: skip
"""One of the small logs, which has every kind of row."""


def frame_of(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    """Return the rows as a log in euros; every row is an order of its own."""
    log = pd.DataFrame(rows, columns=["customer_id", "day", "cents", "back", "status"])
    return pd.DataFrame(
        {
            "customer_id": log["customer_id"],
            "ordered_at": START + pd.to_timedelta(log["day"] * 24 + log.index % 24, unit="h"),
            "amount": log["cents"] / 100,
            "refund_amount": log["back"] / 100,
            "status": log["status"],
        }
    )


def valid_orders(log: pd.DataFrame) -> pd.DataFrame:
    """Flag each row by the definitions: valid, refund (netted), or neither; money in cents."""
    log = log.assign(
        day=log["ordered_at"].dt.normalize(),
        cents=(log["amount"] * 100).round().astype("int64"),
        back=(log["refund_amount"] * 100).round().astype("int64"),
    )
    paid = log["status"].isin(PAID)
    log["valid"] = paid & (log["cents"] > 0) & (log["back"] < log["cents"])
    # A negative amount is the refund itself, whatever it says of its order.
    log["refund"] = (paid | log["status"].isin(REFUNDED)) & (log["cents"] < 0)
    log["net"] = np.where(log["valid"], log["cents"] - log["back"], log["cents"])
    log["given_back"] = np.select(
        [log["valid"], log["refund"], refunded(log)],
        [
            log["back"],
            np.maximum(log["back"], -log["cents"]),
            log["back"].where(log["back"] > 0, log["cents"]),
        ],
        0,
    )
    counts = log[log["valid"] | log["refund"]]
    for key in set(counts.loc[log["refund"], ["customer_id", "day"]].apply(tuple, axis=1)):
        rows = counts[counts[["customer_id", "day"]].apply(tuple, axis=1) == key]
        if rows["net"].sum() == 0:
            log.loc[rows.index, ["valid", "refund"]] = False
    bought = log.loc[log["valid"], "customer_id"].unique()
    log["refund"] &= log["customer_id"].isin(bought)
    return log


def customers_by_hand(
    log: pd.DataFrame, as_of: dt.date, *, same_day: str = "merge"
) -> pd.DataFrame:
    """Summarize one customer after the other, in plain Python."""
    log = valid_orders(log[log["ordered_at"].dt.date <= as_of])
    rows = []
    for customer, theirs in log.groupby("customer_id"):
        valid = theirs[theirs["valid"]]
        if valid.empty:
            continue
        days = sorted(valid["day"].dt.date)
        if same_day == "merge":
            days = sorted(set(days))
        gaps = [(later - day).days for day, later in itertools.pairwise(days)]
        netted = -theirs.loc[theirs["refund"], "cents"].sum()
        cents = valid["net"].sum() - netted
        rows.append(
            {
                "customer_id": customer,
                "orders": len(valid),
                "purchases": len(days),
                "first_purchase": pd.Timestamp(days[0]),
                "last_purchase": pd.Timestamp(days[-1]),
                "recency_days": (as_of - days[-1]).days,
                "tenure_days": (as_of - days[0]).days,
                "active_days": (days[-1] - days[0]).days,
                "repeat_purchases": len(days) - 1,
                "spend": cents / 100,
                "mean_purchase_value": cents / 100 / len(days),
                "mean_gap_days": sum(gaps) / len(gaps) if gaps else np.nan,
                "last_gap_days": gaps[-1] if gaps else np.nan,
                "unpaid_orders": int(theirs["status"].isin(NEVER_PAID).sum()),
                "refunded_orders": int(((theirs["given_back"] > 0) | refunded(theirs)).sum()),
                "refund_amount": theirs["given_back"].sum() / 100,
            }
        )
    return pd.DataFrame(rows)


def refunded(log: pd.DataFrame) -> pd.Series[bool]:
    """Return which orders were given back in full, by their status or by their refund."""
    in_full = log["status"].isin(PAID) & (log["cents"] > 0) & (log["back"] >= log["cents"])
    return in_full | (log["status"].isin(REFUNDED) & (log["cents"] >= 0))


def assert_same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Compare cell by cell; only the width of numbers may differ."""
    assert list(found.columns) == list(expected.columns)
    for name in expected:
        want, got = expected[name], found[name]
        if pd.api.types.is_numeric_dtype(want):
            want, got = want.astype("float64"), got.astype("float64")
        elif pd.api.types.is_datetime64_any_dtype(want):
            want, got = want.astype("datetime64[us]"), got.astype("datetime64[us]")
        else:
            want, got = want.astype(object), got.astype(object)
        pd.testing.assert_series_equal(got, want, check_exact=True, obj=name)


def raw_gaps(log: pd.DataFrame, as_of: dt.date, *, same_day: str = "merge") -> pd.DataFrame:
    """Return every single gap, from the rows."""
    log = valid_orders(log[log["ordered_at"].dt.date <= as_of])
    log = log[log["valid"]].sort_values(["customer_id", "day"])
    if same_day == "merge":
        log = log.drop_duplicates(["customer_id", "day"])
    following = log.groupby("customer_id")["day"].shift(-1)
    return pd.DataFrame(
        {
            "order_number": log.groupby("customer_id").cumcount() + 1,
            "gap_days": (following.fillna(pd.Timestamp(as_of)) - log["day"]).dt.days,
            "returned": following.notna(),
        }
    )


def counted(raw: pd.DataFrame) -> pd.DataFrame:
    """Return raw gaps counted by order number, length and outcome."""
    names = ["order_number", "gap_days", "returned"]
    return raw.groupby(names).size().rename("gaps").reset_index()
