"""BetaGeoCNBD and ModifiedBetaGeoCNBD: regular timing, and how its regularity is found."""

import numpy as np
import pandas as pd
import pytest

import rfmkit as rk
from beta_geo_shops import TRUTH, shop
from rfmkit.exceptions import NotEnoughHistoryError, RfmkitError

REGULAR = [rk.BetaGeoCNBD, rk.ModifiedBetaGeoCNBD]
QUICK = [rk.BetaGeoCNBD, pytest.param(rk.ModifiedBetaGeoCNBD, marks=pytest.mark.slow)]
MODELS = [rk.BetaGeo, rk.ModifiedBetaGeo]


@pytest.fixture(scope="module")
def customers():
    frame = shop(500)
    return frame.assign(active_days=np.floor(frame["active_days"])).astype("int64")


@pytest.fixture(scope="module")
def logs():
    """Logs of random and of regular gaps, by their regularity."""
    return {
        k: rk.read_orders(rk.simulate_orders(300, seed=3, regularity=k, days=700).orders)
        for k in (1, 3)
    }


@pytest.mark.parametrize("cls", REGULAR)
@pytest.mark.parametrize("k", [1, 3])
def test_the_parameters_of_a_known_truth_are_found(cls, k):
    frame = shop(6000, k=k, at_first=cls is rk.ModifiedBetaGeoCNBD)
    model = cls(k=k).fit(frame)
    table = model.summary_.set_index("parameter")
    for name, true in TRUTH.items():
        assert abs(np.log(table.loc[name, "estimate"] / true)) < 4 * table.loc[name, "log_error"]
    assert model.converged_
    assert (model.boundary_, model.diagnosis_) == ("", "")
    assert model.customers_ == 6000


@pytest.mark.parametrize("cls", QUICK)
def test_regularity_is_found_in_the_gaps(cls, logs):
    model = cls(90).fit(logs[3])
    assert model.k_ in (2, 3, 4)
    assert model.by_k_["log_likelihood"].max() == pytest.approx(model.log_likelihood_)
    given = cls(90, k=model.k_).fit(logs[3])
    assert given.params_ == model.params_
    assert cls(90).fit(logs[1]).k_ == 1


@pytest.mark.parametrize(("regular", "random"), list(zip(REGULAR, MODELS, strict=True)))
def test_regular_timing_with_k_of_one_is_the_random_model(regular, random, customers):
    one, other = regular(90, k=1).fit(customers), random(90).fit(customers)
    assert one.params_ == other.params_
    assert one.log_likelihood_ == pytest.approx(other.log_likelihood_)
    pd.testing.assert_frame_equal(one.predict_churn(customers), other.predict_churn(customers))


@pytest.mark.parametrize("cls", QUICK)
@pytest.mark.parametrize("k", [1, 3])
def test_regularity_is_that_of_the_last_two_gaps(cls, k, logs):
    log = logs[k]
    model = cls(90, k="wheat_morrison").fit(log)
    assert model.k_ == round(rk.PurchaseCycle().fit(log).regularity_) == k
    assert model.by_k_["k"].tolist() == [k]
    assert model.params_ == cls(90, k=k).fit(log).params_


def test_gaps_that_are_all_equal_are_as_regular_as_can_be():
    days = pd.date_range("2024-01-01", periods=6, freq="30D")
    frame = pd.DataFrame({"customer": np.repeat(list("abc"), 6), "date": [*days] * 3, "amount": 1})
    assert rk.BetaGeoCNBD(90, k="wheat_morrison").fit(rk.read_orders(frame)).k_ == 12


def test_two_gaps_are_needed_to_tell_how_regular_they_are():
    frame = pd.DataFrame({"customer": ["a", "b", "a"], "date": "2024-01-01", "amount": 1})
    frame.loc[2, "date"] = "2024-02-01"
    with pytest.raises(NotEnoughHistoryError, match=r"bought three times(.|\n)*\(k=2\)"):
        rk.BetaGeoCNBD(k="wheat_morrison").fit(rk.read_orders(frame))


def test_regularity_is_not_found_in_customers_alone(customers):
    for k in ("likelihood", "wheat_morrison"):
        with pytest.raises(RfmkitError, match=r"BetaGeoCNBD\(k=2\)"):
            rk.BetaGeoCNBD(k=k).fit(customers)
    with pytest.raises(RfmkitError, match="k must be a whole number of at least 1"):
        rk.BetaGeoCNBD(k=1.5).fit(customers)
    with pytest.raises(RfmkitError, match="k must be one of 'likelihood', 'wheat_morrison'"):
        rk.BetaGeoCNBD(k="often").fit(customers)
