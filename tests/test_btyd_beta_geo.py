"""BetaGeo and its kin: derivatives, laws, recovery of a known truth, and boundaries."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rfmkit as rk
from rfmkit.btyd._counts import Counts, count_customers
from rfmkit.btyd._erlang import Timing
from rfmkit.exceptions import NotEnoughHistoryError, NotFittedError, RfmkitError

MODELS = [rk.BetaGeo, rk.ModifiedBetaGeo]
REGULAR = [rk.BetaGeoCNBD, rk.ModifiedBetaGeoCNBD]
TRUTH = {"r": 1.2, "alpha": 40.0, "a": 0.8, "b": 2.5}


def shop(customers=3000, *, k=1, at_first=False, seed=1, truth=TRUTH, tenure=(300, 700)):
    """Simulate customers of whom the parameters are known, a purchase at a time."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(truth["r"], 1 / truth["alpha"], customers)
    leaves = rng.beta(truth["a"], truth["b"], customers)
    now = rng.integers(*tenure, customers).astype(float)
    x, last, time = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    here = rng.random(customers) >= leaves if at_first else np.ones(customers, bool)
    while here.any():
        time[here] += rng.gamma(k, 1 / rate[here])
        here &= time <= now
        x[here] += 1
        last[here] = time[here]
        here &= rng.random(customers) >= leaves
    return pd.DataFrame({
        "customer_id": np.arange(customers), "repeat_purchases": x.astype(int),
        "active_days": last, "tenure_days": now,
    })  # fmt: skip


def regular(cls, k):
    model = cls()
    model.regularity = k
    return model


@pytest.fixture(scope="module")
def customers():
    frame = shop(500)
    return frame.assign(active_days=np.floor(frame["active_days"])).astype("int64")


@pytest.mark.parametrize("cls", MODELS)
@pytest.mark.parametrize("k", [1, 2, 5])
def test_the_derivatives_are_those_of_the_likelihood(cls, k):
    counts = count_customers(shop(60, k=k)).scaled()
    model, params = regular(cls, k), np.array([0.7, 0.2, 1.3, 2.9])
    value, slopes = model.log_likelihood(params, counts)
    rows, by_row = model.log_terms(params, counts)
    assert value == pytest.approx(counts.weight @ rows, rel=1e-12)
    assert slopes == pytest.approx(counts.weight @ by_row, rel=1e-9)
    for place in range(4):
        step = np.zeros(4)
        step[place] = 1e-6
        rise = model.log_terms(params + step, counts)[0] - model.log_terms(params - step, counts)[0]
        assert by_row[:, place] == pytest.approx(rise / 2e-6, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("cls", MODELS)
@pytest.mark.parametrize("k", [1, 3])
def test_the_parameters_of_a_known_truth_are_found(cls, k):
    frame = shop(6000, k=k, at_first=cls.at_first)
    model = regular(cls, k).fit(frame)
    table = model.summary_.set_index("parameter")
    for name, true in TRUTH.items():
        assert abs(np.log(table.loc[name, "estimate"] / true)) < 4 * table.loc[name, "log_error"]
    assert model.converged_
    assert (model.boundary_, model.diagnosis_) == ("", "")
    assert model.customers_ == 6000


@pytest.mark.parametrize("cls", MODELS)
@pytest.mark.parametrize("k", [1, 2])
def test_predictions_come_true_on_average(cls, k):
    """Customers of the truth itself: what they do next is what the truth says of them."""
    both = shop(40_000, k=k, at_first=cls.at_first, tenure=(400, 401), seed=5)
    rng_rows = shop_ahead(both, k, cls.at_first)
    model, params = regular(cls, k), np.array(list(TRUTH.values()))
    row = [rng_rows[name].to_numpy(float) for name in ("x", "t_x", "T")]
    churn, expected = model.churn(params, *row, 150.0), model.purchases(params, *row, 150.0)
    size = len(rng_rows) ** 0.5
    assert churn.mean() == pytest.approx(
        (rng_rows["ahead"] == 0).mean(), abs=4 * (churn * (1 - churn)).mean() ** 0.5 / size
    )
    assert expected.mean() == pytest.approx(
        rng_rows["ahead"].mean(), abs=4 * rng_rows["ahead"].std() / size
    )
    # And so for those who have been silent for long, and those who have not.
    long = row[2] - row[1] > 150
    for part in (long, ~long):
        assert churn[part].mean() == pytest.approx((rng_rows["ahead"][part] == 0).mean(), abs=0.015)


def shop_ahead(frame, k, at_first):
    """Simulate the same shop until 250 days, and count what comes in the 150 days after."""
    rng = np.random.default_rng(11)
    size = len(frame)
    rate, leaves = rng.gamma(TRUTH["r"], 1 / TRUTH["alpha"], size), rng.beta(0.8, 2.5, size)
    x, last, ahead, time = (np.zeros(size) for _ in range(4))
    here = rng.random(size) >= leaves if at_first else np.ones(size, bool)
    while here.any():
        time[here] += rng.gamma(k, 1 / rate[here])
        here &= time <= 400
        early = here & (time <= 250)
        x[early] += 1
        last[early] = time[early]
        ahead[here & (time > 250)] += 1
        here &= rng.random(size) >= leaves
    return pd.DataFrame({"x": x, "t_x": last, "T": 250.0, "ahead": ahead})


params = st.tuples(*[st.floats(0.05, 20)] * 4).map(np.array)
rows = st.tuples(st.integers(0, 40), st.floats(0, 1), st.floats(0.1, 50), st.floats(0.1, 50))


@given(params=params, row=rows, k=st.integers(1, 4), cls=st.sampled_from(MODELS))
@settings(max_examples=60, deadline=None)
def test_probabilities_and_expectations_keep_their_laws(params, row, k, cls):
    x, share, T, H = row
    row = np.array([float(x)]), np.array([share * T if x else 0.0]), np.array([T])
    model = regular(cls, k)
    alive = model.alive(params, *row)[0]
    churn, longer = (model.churn(params, *row, time)[0] for time in (H, 2 * H))
    expected, more = (model.purchases(params, *row, time)[0] for time in (H, 2 * H))
    assert 0 <= alive <= 1
    assert 1 - alive - 1e-9 <= longer <= churn + 1e-12 <= 1 + 1e-9
    # Somebody who buys at all buys at least once.
    assert 1 - churn <= expected + 1e-9
    assert expected <= more + 1e-9
    # With no horizon nothing happens.
    assert model.churn(params, *row, 0.0)[0] == pytest.approx(1)
    assert model.purchases(params, *row, 0.0)[0] == pytest.approx(0, abs=1e-9)


def test_regular_timing_of_one_phase_is_random_timing():
    x, t_x, T = (np.array(row, dtype=float) for row in ([0, 3, 9], [0, 20, 30], [40, 40, 31]))
    for phases in (1, 2):
        timing = Timing(0.8, 5.0, phases)
        expected = timing.purchases(x, t_x, T, 26.0, (0.9, 2.0 + x))
        assert np.isfinite(expected).all()
    stays = (1e-12, 1e12 + x)  # nobody leaves: the mean of a negative binomial
    mean = Timing(0.8, 5.0).purchases(x, t_x, T, 26.0, stays)
    assert mean == pytest.approx((0.8 + x) / (5 + T) * 26)


def test_a_thousand_purchases_ahead_are_summed():
    timing = Timing(2000.0, 1.0)
    found = timing.purchases(np.zeros(1), np.zeros(1), np.zeros(1), 1.0, (1e-12, np.array([1e12])))
    assert found == pytest.approx([2000], rel=1e-9)


@pytest.mark.parametrize("cls", MODELS)
def test_the_unit_of_time_changes_no_prediction(cls, customers):
    days, weeks = cls(90).fit(customers), cls(90, unit_days=7).fit(customers)
    assert days.params_["alpha"] == pytest.approx(7 * weeks.params_["alpha"], rel=1e-6)
    repeats = customers["repeat_purchases"].sum()
    assert days.log_likelihood_ == pytest.approx(weeks.log_likelihood_ - repeats * np.log(7))
    for predict in ("predict_churn", "predict_alive", "predict_purchases"):
        one, other = (getattr(model, predict)(customers).iloc[:, 1] for model in (days, weeks))
        assert one.to_numpy() == pytest.approx(other.to_numpy(), abs=1e-9)


def test_predictions_come_in_the_kind_and_order_of_the_customers(customers):
    model = rk.ModifiedBetaGeo(90).fit(customers)
    mixed = customers.sample(frac=1, random_state=3)
    churn = model.predict_churn(mixed)
    assert churn.index.equals(mixed.index)
    assert churn["customer_id"].tolist() == mixed["customer_id"].tolist()
    assert list(churn.columns) == ["customer_id", "churn_probability"]
    other = model.predict_churn(pl.from_pandas(mixed))
    assert isinstance(other, pl.DataFrame)
    assert other["churn_probability"].to_list() == churn["churn_probability"].tolist()


def test_a_log_and_its_customers_are_predicted_alike():
    orders = rk.read_orders(rk.load_sample())
    model = rk.ModifiedBetaGeo(90).fit(orders)
    again = rk.ModifiedBetaGeo(90).fit(rk.summarize(orders))
    assert model.params_ == again.params_
    pd.testing.assert_frame_equal(
        model.predict_purchases(orders), again.predict_purchases(rk.summarize(orders))
    )
    lazy = rk.read_orders(rk.load_sample(), output="ibis")
    assert model.predict_churn(lazy).execute()["churn_probability"].between(0, 1).all()


def test_a_customer_without_purchases_has_no_prediction(customers):
    model = rk.BetaGeo(90).fit(customers)
    frame = customers.astype("Int64")
    frame.loc[0, ["repeat_purchases", "active_days", "tenure_days"]] = pd.NA
    assert model.predict_churn(frame)["churn_probability"].isna().tolist()[:2] == [True, False]


def test_intervals_hold_the_prediction_and_narrow_with_more_customers():
    widths = []
    for size in (300, 3000):
        frame = shop(size, at_first=True).assign(active_days=lambda f: np.floor(f["active_days"]))
        model = rk.ModifiedBetaGeo(90).fit(frame)
        churn = model.predict_churn(frame.head(100).astype("int64"), interval=0.9)
        assert (churn["churn_lower"] <= churn["churn_probability"]).mean() > 0.95
        assert (churn["churn_probability"] <= churn["churn_upper"]).mean() > 0.95
        widths.append((churn["churn_upper"] - churn["churn_lower"]).mean())
    assert widths[1] < widths[0] / 2


def test_draws_with_replacement_are_about_as_wide_where_the_model_is_right(customers):
    model = rk.ModifiedBetaGeo(90).fit(shop(1500, at_first=True))
    some = customers.head(50)

    def width():
        churn = model.predict_churn(some, interval=0.9)
        return (churn["churn_upper"] - churn["churn_lower"]).mean()

    by_curvature = width()
    again = model.bootstrap(shop(1500, at_first=True), times=40, seed=1)
    assert again is model
    assert 0.6 < width() / by_curvature < 1.6
    with pytest.raises(NotFittedError, match="A BetaGeo must be fitted"):
        rk.BetaGeo().bootstrap(customers)
    with pytest.raises(RfmkitError, match="A bootstrap needs the customers of the fit"):
        model.bootstrap(shop(1400, at_first=True))


def test_intervals_of_parameters_hold_the_truth():
    """Of 20 shops: 95 in 100 intervals, less chance."""
    held = []
    for seed in range(20):
        model = rk.ModifiedBetaGeo().fit(shop(400, at_first=True, seed=seed))
        table = model.summary_.set_index("parameter")
        if not model.boundary_:
            held += [
                bool(table.loc[n, "lower"] <= v <= table.loc[n, "upper"]) for n, v in TRUTH.items()
            ]
    assert len(held) > 60
    assert 0.88 <= np.mean(held) < 1


def test_drop_out_alike_for_all_is_a_boundary_that_is_named():
    frame = shop(800, truth=TRUTH | {"a": 1e6, "b": 4e6}, seed=2)
    model = rk.BetaGeo(90).fit(frame)
    assert model.boundary_ == "homogeneous drop-out"
    assert "one probability" in model.diagnosis_
    a, b = model.params_["a"], model.params_["b"]
    assert a / (a + b) == pytest.approx(0.2, abs=0.03)
    assert model.summary_["log_error"].isna().tolist() == [False, False, True, True]
    assert "homogeneous drop-out" in repr(model)
    assert model.predict_churn(frame.head(9).astype("int64"), interval=0.9).notna().all(axis=None)


def test_rates_alike_for_all_are_a_boundary_that_is_named():
    # Times more regular than random, at one rate: counts vary less than any gamma of rates allows.
    frame = shop(800, k=4, truth=TRUTH | {"r": 1e6, "alpha": 1e7}, seed=2)
    model = rk.ModifiedBetaGeo(90).fit(frame)
    assert "homogeneous rates" in model.boundary_
    assert "nothing but their ratio" in model.diagnosis_
    assert model.summary_["log_error"].isna().tolist()[:2] == [True, True]


@pytest.mark.parametrize("x", [0, 3])
def test_customers_who_are_all_alike_do_not_fail(x):
    frame = pd.DataFrame({"customer_id": [1, 2], "repeat_purchases": x,
                          "active_days": 30 * bool(x), "tenure_days": 50})  # fmt: skip
    for cls in MODELS:
        churn = cls(90).fit(frame).predict_churn(frame)["churn_probability"]
        assert churn.between(0, 1).all()


@pytest.mark.parametrize("cls", REGULAR)
def test_regularity_is_found_in_the_gaps(cls):
    def log(k):
        frame = rk.simulate_orders(600, seed=3, regularity=k, days=700).orders
        return rk.read_orders(frame)

    model = cls(90).fit(log(3))
    assert model.k_ in (2, 3, 4)
    assert model.by_k_["log_likelihood"].max() == pytest.approx(model.log_likelihood_)
    given = cls(90, k=model.k_).fit(log(3))
    assert given.params_ == model.params_
    assert cls(90).fit(log(1)).k_ == 1


@pytest.mark.parametrize(("regular", "random"), list(zip(REGULAR, MODELS, strict=True)))
def test_regular_timing_with_k_of_one_is_the_random_model(regular, random, customers):
    one, other = regular(90, k=1).fit(customers), random(90).fit(customers)
    assert one.params_ == other.params_
    assert one.log_likelihood_ == pytest.approx(other.log_likelihood_)
    pd.testing.assert_frame_equal(one.predict_churn(customers), other.predict_churn(customers))


@pytest.mark.parametrize("cls", REGULAR)
@pytest.mark.parametrize("k", [1, 3])
def test_regularity_is_that_of_the_last_two_gaps(cls, k):
    log = rk.read_orders(rk.simulate_orders(600, seed=3, regularity=k, days=700).orders)
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


def test_a_model_without_a_fit_says_so(customers):
    with pytest.raises(NotFittedError, match="A BetaGeo must be fitted before use"):
        rk.BetaGeo().predict_churn(customers)
    assert repr(rk.BetaGeo()) == "<BetaGeo: not fitted>"


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"horizon_days": 0}, "horizon_days must be a whole number of at least 1"),
        ({"unit_days": -1}, "unit_days must be a"),
    ],
)
def test_arguments_that_mean_nothing_are_errors(options, match, customers):
    with pytest.raises(RfmkitError, match=match):
        rk.BetaGeo(**options).fit(customers)


def test_a_likelihood_with_regular_timing_by_hand():
    """Reutterer, Platzer and Schroeder's own check values, for (k, r, alpha, a, b) of theirs."""
    params = np.array([0.5, 2, 0.3, 0.6])
    for (x, t_x, T), expected in {(3, 12, 14): -10.42500, (4, 12, 14): -12.22396}.items():
        model = regular(rk.BetaGeo, 3)
        counts = Counts(*(np.array([float(v)]) for v in (x, t_x, T, 1)), log_gaps=3.0)
        terms, _ = model.log_terms(params, counts)
        assert terms[0] + 2 * 3.0 - x * np.log(2) == pytest.approx(expected, abs=5e-6)
