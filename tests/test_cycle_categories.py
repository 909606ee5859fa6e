"""Categories: each as a shop of its own where it can be, and borrowing where it cannot."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import rfmkit as rk
from rfmkit.cycle._categories import STRENGTH_CUSTOMERS, distributions_by_category
from rfmkit.cycle._gap_distribution import interval_factors
from rfmkit.exceptions import NotEnoughHistoryError, RfmkitWarning

GOODS = {"coffee": 20, "filters": 60, "kettles": 150}


@pytest.fixture(scope="module")
def stall():
    """A shop in which the same customers buy three goods, each at a pace of its own."""
    sims = {
        name: rk.simulate_orders(3000, seed=place, mean_gap_days=days, regularity=1 + place)
        for place, (name, days) in enumerate(GOODS.items())
    }
    log = pd.concat(
        sim.orders.assign(category=name, order_id=name + sim.orders["order_id"])
        for name, sim in sims.items()
    )
    last_day = sims["coffee"].last_day
    return sims, rk.read_orders(log, as_of=last_day)


@pytest.fixture(scope="module")
def products(stall):
    return rk.PurchaseCycle(by="category").fit(stall[1])


@pytest.mark.parametrize(
    "name",
    ["filters", *(pytest.param(name, marks=pytest.mark.slow) for name in ("coffee", "kettles"))],
)
def test_a_category_is_as_a_shop_of_its_own(stall, products, name):
    sims, orders = stall
    log = rk.read_orders(sims[name].orders, as_of=orders.as_of)
    alone = rk.PurchaseCycle().fit(log)
    row = products.categories_.set_index("category").loc[name]
    assert row["borrowed_share"] == 0
    assert row["cycle_days"] == alone.cycle_days_
    assert row["never_share"] == alone.never_share_
    assert row["strength"] == pytest.approx(alone.strength_, rel=1e-3)
    facts = alone.regularity_summary_.iloc[0]
    assert row[["pairs", "timing"]].tolist() == facts[["pairs", "timing"]].tolist()
    for number in ("regularity", "regularity_lower", "regularity_upper"):
        assert row[number] == pytest.approx(facts[number], rel=1e-6)
    block = products.summary_[products.summary_["category"] == name].set_index("method")
    expected = alone.summary_.set_index("method")
    np.testing.assert_allclose(block["cycle_days"], expected["cycle_days"], rtol=1e-6)
    assert (block[["gaps", "open_share"]] == expected[["gaps", "open_share"]]).all(axis=None)
    customers = rk.summarize(log)
    assert row["customers"] == len(customers)
    assert row["repeat_share"] == (customers["purchases"] > 1).mean()


def test_the_cycle_of_a_category_is_the_truth(stall, products):
    found = products.categories_.set_index("category")["cycle_days"]
    for name, sim in stall[0].items():
        assert found[name] == pytest.approx(sim.gaps["gap_days"].median(), rel=0.06)
    together = products.cycle_days_
    assert found["coffee"] < together < found["kettles"]


@pytest.mark.parametrize(
    ("every", "least"), [("6ME", 75), pytest.param("3ME", 150, marks=pytest.mark.slow)]
)
def test_what_is_due_comes_as_often_as_stated(stall, products, every, least):
    """Of customers within two days of a purchase, hardly any gap is chosen by its length."""
    sims, orders = stall
    held = {name: [] for name in sims}
    for day in pd.date_range("2023-03-31", "2024-11-30", freq=every):
        due = products.transform(orders.until(day))
        due = due[due["recency_days"] <= 2]
        for name, sim in sims.items():
            known = sim.gaps[sim.gaps["purchased_on"] <= day].groupby("customer_id")["gap_days"]
            mine = due[due["category"] == name]
            gap = mine["customer_id"].map(known.last())
            lower, upper = (
                (mine[end] - mine["last_purchase"]).dt.days
                for end in ("next_purchase_from", "next_purchase_to")
            )
            held[name] += gap.between(lower, upper)[gap.notna()].tolist()
    for name, found in held.items():
        assert len(found) > least
        assert 0.72 <= np.mean(found) <= 0.9, name


def test_regularity_changes_the_spread_and_not_the_median():
    distribution = {"regularity": 1.0, "shape": 2.0, "scale_days": 80.0}
    table = pd.DataFrame(
        {"category": ["clock", "few", "wild"], "regularity": [9.0, 9.0, 0.6],
         "pairs": [500, 99, 500]}
    )  # fmt: skip
    made, kinds = distributions_by_category(distribution, table)
    assert kinds["own_place"].tolist() == [2, 0, 1]
    assert made[0] == distribution
    assert [one["regularity"] for one in made] == pytest.approx([1.0, 0.6, 9.0], rel=0.05)
    ends = [interval_factors(one, 0.8).iloc[0] * one["scale_days"] / one["shape"] for one in made]
    wild, clock = (end["upper_factor"] - end["lower_factor"] for end in ends[1:])
    assert wild > clock
    medians = [
        stats.betaprime.median(k, one["shape"]) * one["scale_days"] / k
        for one in made
        for k in [one["regularity"]]
    ]
    assert medians == pytest.approx([medians[0]] * 3)


def test_few_gaps_borrow_from_the_shop(stall):
    _, orders = stall
    log = orders.to_frame().assign(category="coffee")
    some = log["order_id"].str.startswith("filters")
    log = log[some].head(3000)
    rare = log.groupby("customer_id").head(2).iloc[:20].assign(category="rare")
    once = log.drop_duplicates("customer_id").iloc[:5].assign(category="never again")
    log = pd.concat([log, rare, once]).assign(order_id=range(len(log) + len(rare) + len(once)))
    mixed = rk.read_orders(log)
    found = rk.PurchaseCycle("mean", by="category").fit(mixed)
    table = found.categories_.set_index("category")
    own = found.summary_.set_index(["category", "method"])["cycle_days"]
    ended = table.loc["rare", "gaps"] * (1 - table.loc["rare", "open_share"])
    assert 0 < ended < 30
    share = table.loc["rare", "borrowed_share"]
    assert share == pytest.approx(1 - ended / 30)
    expected = (1 - share) * own["rare", "mean"] + share * found.cycle_days_
    assert table.loc["rare", "cycle_days"] == pytest.approx(expected)
    assert table.loc["never again", "borrowed_share"] == 1
    assert table.loc["never again", "cycle_days"] == found.cycle_days_
    assert np.isnan(own["never again", "mean"])
    assert np.isnan(table.loc["never again", "never_share"])
    assert table.loc["never again", ["timing", "pairs"]].tolist() == ["unknown", 0]
    assert table.loc["rare", "strength"] == found.strength_
    generous = rk.PurchaseCycle("mean", by="category", min_gaps=1).fit(mixed)
    table = generous.categories_.set_index("category")
    assert table.loc["rare", "cycle_days"] == own["rare", "mean"]
    assert table.loc["rare", "borrowed_share"] == 0


def test_a_strength_of_its_own_takes_many_who_came_back(products):
    again = products.categories_["customers"] * products.categories_["repeat_share"]
    own = products.categories_["strength"] != products.strength_
    assert (own == (again >= STRENGTH_CUSTOMERS)).all()
    assert own.any()


def test_two_pieces_last_twice_as_long():
    sim = rk.simulate_orders(600, seed=3, categories=["tea"], regularity=2)
    ones = rk.read_orders(sim.orders.assign(quantity=1))
    twos = rk.read_orders(sim.orders.assign(quantity=2))
    one, two = (
        rk.PurchaseCycle("mean", by="category", per_unit=True).fit(log) for log in (ones, twos)
    )
    assert two.cycle_days_ == pytest.approx(one.cycle_days_ / 2, rel=0.02)
    due_one, due_two = one.transform(ones), two.transform(twos)
    np.testing.assert_allclose(due_two["cycle_days"], due_one["cycle_days"], rtol=0.1)
    np.testing.assert_allclose(
        due_two["unit_days"] * due_two["last_units"], due_two["cycle_days"], rtol=1e-12
    )
    later = due_one["last_units"] < due_one["last_units"].max()
    assert later.any()  # who bought twice that day has more to use up
    long = due_one[~later & (due_one["purchases"] == 1)]["cycle_days"]
    short = due_one[later & (due_one["purchases"] == 1)]["cycle_days"]
    assert long.min() > short.max()


def check_tables(found, number):
    """Check that a cycle has all of its categories, and a cycle for each."""
    assert len(found.categories_) == number
    assert found.categories_["cycle_days"].notna().all()
    assert found.categories_["borrowed_share"].between(0, 1).all()
    assert len(found.summary_) == number * 7


def test_every_category_is_learned(products):
    check_tables(products, len(GOODS))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The log spans:rfmkit.exceptions.RfmkitWarning")
def test_hundreds_of_categories_are_learned_at_once(sample):
    rng = np.random.default_rng(1)
    log = sample.assign(category=np.char.mod("sku %03d", rng.integers(300, size=len(sample))))
    check_tables(rk.PurchaseCycle(by="category").fit(rk.read_orders(log)), 300)


def test_no_category_twice_is_no_cycle():
    log = pd.DataFrame(
        {"customer": ["a", "a", "b"], "date": ["2024-01-01", "2024-02-01", "2024-02-01"],
         "category": ["tea", "coffee", "tea"], "amount": 1}
    )  # fmt: skip
    with pytest.raises(
        NotEnoughHistoryError, match=r"category on two different days\.\nFound: 3 purch"
    ):
        rk.PurchaseCycle(by="category").fit(rk.read_orders(log))


def test_a_short_log_is_warned_of_by_category_too():
    log = pd.DataFrame(
        {"customer": ["a", "a", "b", "b"], "date": ["2024-01-01", "2024-02-01"] * 2,
         "category": "tea", "amount": 1}
    )  # fmt: skip
    with pytest.warns(RfmkitWarning, match="spans 31 days, under 3 cycles of 31 days"):
        rk.PurchaseCycle(by="category").fit(rk.read_orders(log))
