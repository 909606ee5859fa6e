"""What holds of every public function: the future changes nothing, nor does the order of rows."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import rfmkit as rk
from conftest import plain

AS_OF = dt.date(2024, 6, 30)
ORIGINS = ["2023-12-31", "2024-03-31"]
ROSTER = pd.DataFrame({"customer_id": ["C000001", "X1", "L001", "stranger"]})


def order_log():
    """Customers of the sample, as their orders stood on `AS_OF`: one row an order."""
    log = rk.load_sample()
    some = log["customer_id"].isin(sorted(log["customer_id"].unique())[:250])
    return log[some & (log["ordered_at"].dt.date <= AS_OF)].reset_index(drop=True)


def line_log():
    """Invoices of several lines, with returns of single lines and returns that name no order."""
    rng = np.random.default_rng(3)
    size = 700
    order = np.sort(rng.integers(0, 260, size))
    per_order = pd.DataFrame(
        {
            "customer_id": [f"L{number:03d}" for number in rng.integers(0, 90, 260)],
            "day": np.sort(rng.integers(0, 540, 260)),
        }
    )
    log = per_order.loc[order].reset_index(drop=True)
    log["order_id"] = [f"O{number}" for number in order]
    log["amount"] = rng.integers(1, 5000, size) / 100
    back = rng.random(size) < 0.08
    log.loc[back, "amount"] *= -1
    log.loc[back & (rng.random(size) < 0.5), "order_id"] = None
    log["ordered_at"] = pd.Timestamp("2023-01-05") + pd.to_timedelta(log.pop("day"), unit="D")
    log["refund_amount"] = 0.0
    log["status"] = np.where(rng.random(size) < 0.05, "unpaid", "paid")
    log["category"] = rng.choice(["tea", "coffee"], size)
    return log


LOGS = {"orders": order_log(), "lines": line_log()}


def essentials(orders):
    """Give what most other results are made of, and the segments, which use every estimator."""
    return {
        "as_of": orders.as_of,
        "audit": orders.audit.to_frame(),
        "rejected": orders.rejected,
        "summarize": rk.summarize(orders),
        "segment": rk.segment(orders, prospects=ROSTER, engagement=ROSTER),
    }


def outputs(orders):
    """Give all that the library says of a log, by name."""
    cycle = rk.PurchaseCycle().fit(orders)
    scorer = rk.RFMScorer().fit(orders)
    curve = rk.ChurnCurve(180).fit(orders)
    return {
        "as_of": orders.as_of,
        "audit": orders.audit.to_frame(),
        "rejected": orders.rejected,
        "to_frame": orders.to_frame(),
        "summarize": rk.summarize(orders, categories=True),
        "purchase_gaps": rk.purchase_gaps(orders),
        "snapshots": rk.snapshots(orders, origins=ORIGINS, horizon_days=90),
        "segment": rk.segment(orders, prospects=ROSTER, engagement=ROSTER),
        "cycle": cycle.summary_,
        "cycle_numbers": [cycle.never_share_, cycle.regularity_, cycle.strength_],
        "due": cycle.transform(orders),
        "thresholds": scorer.thresholds_,
        "mean_thresholds": rk.RFMScorer(method="mean").fit(orders).thresholds_,
        "scores": scorer.transform(orders),
        "curve": curve.curve_,
        "predict_churn": curve.predict_churn(orders),
        "churn_rate": rk.churn_rate(orders, horizon_days=90),
        "boundaries": rk.Lifecycle(churn=curve, scorer=scorer).fit(orders).boundaries_,
    }


def assert_same(found, expected, but=()):
    for name in expected.keys() - set(but):
        if isinstance(expected[name], pd.DataFrame):
            pd.testing.assert_frame_equal(found[name], expected[name], obj=name, check_exact=True)
        else:
            assert found[name] == expected[name], name


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(("lines", essentials), id="lines-essentials"),
        *[pytest.param((name, outputs), id=name, marks=pytest.mark.slow) for name in LOGS],
    ],
)
def known(request):
    """Give a log, a function that says something of it, and what it says."""
    name, say = request.param
    return LOGS[name], say, say(rk.read_orders(LOGS[name], as_of=AS_OF))


# --- the future ----------------------------------------------------------------------------------

later_rows = st.lists(
    st.fixed_dictionaries(
        {
            "customer": st.sampled_from(["known", "new", "nobody"]),
            "order": st.sampled_from(["new", "known", "none"]),
            "place": st.integers(0, 10_000),
            "seconds": st.integers(0, 3 * 365 * 86_400),
            "cents": st.sampled_from([-50_000, -1, 0, 1, 1999, 9_999_999]),
            "back": st.sampled_from([0, 500, 9_999_999]),
            "status": st.sampled_from(
                ["paid", "completed", "unpaid", "closed_unpaid", "refunded", "cancelled", "test",
                 "partially_refunded", "no word of ours"]
            ),
        }
    ),
    min_size=1,
    max_size=30,
)  # fmt: skip


def appended(log, rows):
    """Append orders dated after `AS_OF`: of known customers and orders, of new ones, of nobody."""
    later = []
    for number, row in enumerate(rows):
        known = log.iloc[row["place"] % len(log)]
        customers = {"known": known["customer_id"], "new": f"X{row['place'] % 9}", "nobody": None}
        orders = {"known": known["order_id"], "new": f"later {number}", "none": None}
        moment = pd.Timestamp(AS_OF) + pd.Timedelta(days=1, seconds=row["seconds"])
        later.append(
            {
                **known,
                "customer_id": customers[row["customer"]],
                "order_id": orders[row["order"]],
                "ordered_at": moment,
                "amount": row["cents"] / 100,
                "refund_amount": row["back"] / 100,
                "status": row["status"],
                "category": "a category of later days",
            }
        )
    return pd.concat([log, pd.DataFrame(later).astype(log.dtypes)], ignore_index=True)


# Without shrinking: an example takes seconds.
@pytest.mark.slow
@settings(deadline=None, max_examples=2, phases=[Phase.explicit, Phase.generate])
@given(rows=later_rows)
def test_orders_of_later_days_change_nothing(known, rows):
    log, say, expected = known
    assert_same(say(rk.read_orders(appended(log, rows), as_of=AS_OF)), expected)


def test_the_past_is_the_same_seen_from_later(known):
    log, say, expected = known
    later = appended(log, [
        {"customer": who, "order": what, "place": 37 * place, "seconds": 86_400 * place,
         "cents": cents, "back": 0, "status": status}
        for place, (who, what, cents, status) in enumerate([
            ("known", "new", 1999, "paid"), ("new", "new", 5000, "paid"),
            ("known", "known", -500, "paid"), ("known", "none", -700, "paid"),
            ("new", "none", -10, "paid"), ("known", "new", 100, "unpaid"),
            ("known", "new", 100, "refunded"), ("nobody", "new", 1, "paid"),
        ])
    ])  # fmt: skip
    now = rk.read_orders(later)
    assert now.as_of > AS_OF
    past = now.until(AS_OF)
    assert_same(say(past), expected)
    assert now.hidden["rows"] == 0
    assert past.hidden["rows"] == 8


# --- order of rows, and manners ------------------------------------------------------------------


def test_the_order_of_the_rows_changes_nothing(known):
    log, say, expected = known
    found = say(rk.read_orders(log.sample(frac=1, random_state=1), as_of=AS_OF))
    assert_same(found, expected, but={"audit", "rejected"})
    # The examples of the audit are places in the source, and so is the order of what is rejected.
    audit, before = (one["audit"].drop(columns="examples") for one in (found, expected))
    pd.testing.assert_frame_equal(audit, before)
    columns = [name for name in expected["rejected"] if name != "row"]
    rejected, before = (
        plain(one["rejected"]).sort_values(columns, ignore_index=True)[columns]
        for one in (found, expected)
    )
    pd.testing.assert_frame_equal(rejected, before)


@pytest.mark.parametrize("name", ["lines", pytest.param("orders", marks=pytest.mark.slow)])
def test_what_is_given_is_left_alone(name):
    log, roster = LOGS[name].copy(), ROSTER.copy()
    orders = rk.read_orders(log, as_of=AS_OF)
    customers = rk.summarize(orders)
    before = customers.copy()
    curve, cycle = rk.ChurnCurve().fit(orders), rk.PurchaseCycle().fit(orders)
    curve.predict_churn(customers)
    cycle.transform(customers)
    rk.RFMScorer().fit(customers).transform(customers)
    rk.Lifecycle(churn=curve).fit(customers).transform(customers, engagement=roster)
    rk.segment(orders, prospects=roster, engagement=roster)
    pd.testing.assert_frame_equal(log, LOGS[name], check_exact=True)
    pd.testing.assert_frame_equal(customers, before, check_exact=True)
    pd.testing.assert_frame_equal(roster, ROSTER, check_exact=True)


def test_what_comes_out_belongs_to_the_caller_who_may_ask_again(known):
    log, say, expected = known
    given_log = log.copy()
    orders = rk.read_orders(given_log, as_of=AS_OF)
    for result in say(orders).values():
        if isinstance(result, pd.DataFrame):
            result[result.columns[0]] = None
    assert_same(say(orders), expected)
    pd.testing.assert_frame_equal(given_log, log, check_exact=True)
