"""GammaGamma on CDNOW and the apparel shop, BetaGeoBetaBinomial on the donations: as published."""

import math

import numpy as np
import pandas as pd
import pytest

import rfmkit as rk
from rfmkit.btyd._beta_geo_beta_binomial_process import log_terms

pytestmark = pytest.mark.real

# Of numbers with more digits than the parameters they were published with.
NEAR = 5e-5
NEEDS = ["repeat_purchases", "last_opportunity", "opportunities"]


def repeats(log, end):
    """Sum a log by customer and day, and give the purchases after each customer's first."""
    days = log[log["date"] <= end].groupby(["id", "date"], as_index=False)["amount"].sum()
    days = days[days.groupby("id").cumcount() > 0]
    return days.groupby("id")["amount"].agg(repeats="size", value="mean").reset_index()


@pytest.fixture(scope="module")
def cdnow(real_data):
    log = pd.read_csv(
        real_data / "cdnow" / "CDNOW_sample.txt", sep=r"\s+", header=None,
        names=["master_id", "id", "date", "cds", "amount"],
    )  # fmt: skip
    log["date"] = pd.to_datetime(log["date"].astype(str))
    return repeats(log, "1997-09-30")


@pytest.fixture(scope="module")
def published(real_data):
    return pd.read_csv(real_data / "cdnow" / "cdnow_customers_summary_with_transactions.csv")


def test_the_spend_of_cdnow_is_as_published(cdnow):
    model = rk.GammaGamma().fit(cdnow, count="repeats", value="value")
    expected = {"p": 6.2496, "q": 3.7442, "v": 15.4435}
    assert {name: round(value, 4) for name, value in model.params_.items()} == expected
    assert model.log_likelihood_ == pytest.approx(-4055.9177, abs=5e-5)
    assert (model.customers_, model.left_out_, model.boundary_) == (946, 0, "")


def test_the_spend_of_the_rounded_summary_is_as_published(published):
    model = rk.GammaGamma().fit(published, count="x", value="zbar")
    expected = {"p": 6.2488, "q": 3.7446, "v": 15.4477}
    assert {name: round(value, 4) for name, value in model.params_.items()} == expected
    assert model.log_likelihood_ == pytest.approx(-4055.9232, abs=5e-5)
    assert model.mean_ == pytest.approx(35.17, abs=5e-3)
    assert model.correlation_ == pytest.approx(0.113884, abs=5e-7)
    assert "which is weak" in model.independence_


def test_the_expected_values_are_as_published(published):
    model = rk.GammaGamma()
    model.params_, model.columns_ = {"p": 6.25, "q": 3.74, "v": 15.44}, ("x", "zbar")
    found = model.predict_spend(published.head(10).rename(columns={"ID": "customer_id"}))
    expected = [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17]
    assert found["expected_purchase_value"].tolist() == pytest.approx(expected, abs=0.1)


def test_the_spend_of_the_apparel_shop_is_as_published(real_data):
    log = pd.read_csv(real_data / "apparel" / "apparelTrans.csv", parse_dates=["Date"])
    log = log.rename(columns={"Id": "id", "Date": "date", "Price": "amount"})
    customers = repeats(log, log["date"].min() + pd.Timedelta(weeks=40))
    model = rk.GammaGamma().fit(customers, count="repeats", value="value")
    expected = {"p": 3.675, "q": 4.630, "v": 36.111}
    assert {name: round(value, 3) for name, value in model.params_.items()} == expected
    assert model.log_likelihood_ == pytest.approx(-1276.727, abs=5e-4)
    assert model.customers_ == 293


@pytest.fixture(scope="module")
def donations(real_data):
    frame = pd.read_csv(real_data / "donations" / "donations.csv")
    return frame.set_axis([*NEEDS, "customers"], axis=1)


@pytest.fixture(scope="module")
def donors(donations):
    return rk.BetaGeoBetaBinomial(opportunities_ahead=5).fit(donations)


def test_the_donations_are_as_published(donors):
    expected = {"alpha": 1.2035, "beta": 0.7497, "gamma": 0.6567, "delta": 2.7834}
    assert {name: round(value, 4) for name, value in donors.params_.items()} == expected
    assert donors.log_likelihood_ == pytest.approx(-33225.58, abs=5e-3)
    assert (donors.customers_, donors.converged_, donors.boundary_) == (11104, True, "")


def expected_purchases(model, row, ahead):
    frame = pd.DataFrame([row], columns=NEEDS)
    found = model.predict_purchases(frame, opportunities_ahead=ahead)
    return float(found["expected_purchases"][0])


def test_a_new_donor_gives_as_often_as_published(donors):
    found = [expected_purchases(donors, (0, 0, 0), ahead) for ahead in range(1, 12)]
    expected = [0.4985, 0.9233, 1.2969, 1.6323, 1.9381, 2.2202, 2.4826, 2.7285, 2.9603, 3.1798,
                3.3887]  # fmt: skip
    assert found == pytest.approx(expected, abs=5e-5)
    assert found[9] == pytest.approx(3.179805, rel=NEAR)


def test_known_donors_give_as_often_as_published(donors, donations):
    assert expected_purchases(donors, (0, 0, 6), 10) == pytest.approx(0.1302169, rel=NEAR)
    assert expected_purchases(donors, (4, 5, 6), 10) == pytest.approx(3.627858, rel=NEAR)
    ahead = donors.predict_purchases(donations)
    assert ahead["expected_purchases"] @ donations["customers"] == pytest.approx(12884.2, abs=0.05)


@pytest.mark.parametrize(
    ("row", "alive"), [((0, 0, 6), 0.11), ((2, 4, 6), 0.59), ((6, 6, 6), 0.93)]
)
def test_donors_are_as_alive_as_published(donors, row, alive):
    found = donors.predict_alive(pd.DataFrame([row], columns=NEEDS))["alive_probability"]
    assert found[0] == pytest.approx(alive, abs=5e-3)


def test_as_many_donors_give_as_often_as_published(donors):
    params = np.array(list(donors.params_.values()))
    rows = np.array([(x, t_x) for t_x in range(7) for x in range(1 if t_x else 0, t_x + 1)], float)
    x, t_x = rows.T
    chance = np.exp(log_terms(params, x, t_x, np.full_like(x, 6))[0])
    ways = [math.comb(int(last) - 1, int(many) - 1) if many else 1 for many, last in rows]
    counts = pd.Series(chance * ways * donors.customers_).groupby(x).sum()
    assert counts[0] == pytest.approx(3454.9, abs=0.05)
    assert counts[6] == pytest.approx(1253.1, abs=0.05)
    assert counts.sum() == pytest.approx(11104)
