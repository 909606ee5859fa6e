"""GammaGamma: the value of a customer's purchases, drawn to that of all."""

import ibis
import numpy as np
import pandas as pd
import pytest

import rfmkit as rk
from conftest import plain
from rfmkit.exceptions import (
    ColumnsError,
    NotEnoughHistoryError,
    NotFittedError,
    RfmkitError,
    RfmkitWarning,
)

KINDS = [
    "pandas", "polars_lazy", "duckdb",
    *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("polars", "pyarrow", "ibis")),
]  # fmt: skip


def simulated(p, q, v, *, customers=4000, seed=0, mean_count=4.0):
    """Customers with mean values of their own, of counts that have nothing to do with them."""
    random = np.random.default_rng(seed)
    count = 1 + random.poisson(mean_count - 1, customers)
    rate = random.gamma(q, 1 / v, customers)
    value = random.gamma(p * count, 1 / rate) / count
    return pd.DataFrame(
        {"customer_id": np.arange(customers), "purchases": count, "mean_purchase_value": value}
    )


@pytest.fixture(scope="module")
def truth():
    return simulated(6.25, 3.74, 15.44)


@pytest.fixture(scope="module")
def model(truth):
    return rk.GammaGamma().fit(truth)


def of(p, q, v):
    """A model of known parameters."""
    made = rk.GammaGamma()
    made.params_, made.columns_ = {"p": p, "q": q, "v": v}, ("purchases", "mean_purchase_value")
    return made


def test_what_was_simulated_is_found_again(model):
    summary = model.summary_.set_index("parameter")
    for name, true in {"p": 6.25, "q": 3.74, "v": 15.44}.items():
        off = abs(np.log(model.params_[name] / true))
        assert off < 3 * summary.loc[name, "log_error"]
        assert summary.loc[name, "log_error"] < 0.25
    assert model.mean_ == pytest.approx(6.25 * 15.44 / 2.74, rel=0.05)
    assert model.converged_
    assert (model.customers_, model.left_out_, model.boundary_, model.diagnosis_) == (
        4000, 0, "", "",
    )  # fmt: skip


@pytest.mark.parametrize("shops", [4, pytest.param(10, marks=pytest.mark.slow)])
def test_the_interval_holds_the_truth_as_often_as_it_says(shops):
    inside = []
    for seed in range(shops):
        summary = rk.GammaGamma().fit(simulated(2, 4, 30, customers=400, seed=seed)).summary_
        inside.append((summary["lower"] < [2, 4, 30]) & (summary["upper"] > [2, 4, 30]))
    assert np.mean(inside) > 0.8


@pytest.mark.parametrize(
    "scale", [1e9, *(pytest.param(scale, marks=pytest.mark.slow) for scale in (1e-6, 7.0))]
)
def test_another_currency_changes_v_and_the_money_alone(scale):
    frame = simulated(3, 3, 40, customers=300, seed=3)
    other = frame.assign(mean_purchase_value=frame["mean_purchase_value"] * scale)
    one, two = rk.GammaGamma().fit(frame), rk.GammaGamma().fit(other)
    for name in ("p", "q"):
        assert two.params_[name] == pytest.approx(one.params_[name], rel=1e-6)
    assert two.params_["v"] == pytest.approx(one.params_["v"] * scale, rel=1e-6)
    assert two.log_likelihood_ == pytest.approx(one.log_likelihood_ - 300 * np.log(scale))
    assert two.correlation_ == pytest.approx(one.correlation_)
    spend = [m.predict_spend(f, interval=0.9) for m, f in ((one, frame), (two, other))]
    for name in ("expected_purchase_value", "purchase_value_lower", "purchase_value_upper"):
        assert spend[1][name].to_numpy() == pytest.approx(spend[0][name].to_numpy() * scale)


def test_customers_alike_are_counted_and_their_order_does_not_matter(truth):
    some = truth.head(300).assign(mean_purchase_value=lambda t: t["mean_purchase_value"].round())
    mixed = some.sample(frac=1, random_state=1)
    assert rk.GammaGamma().fit(some).params_ == rk.GammaGamma().fit(mixed).params_


@pytest.fixture(scope="module")
def few(truth):
    return truth.head(200)


@pytest.fixture(scope="module")
def params_of_few(few):
    return rk.GammaGamma().fit(few).params_


@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_of_any_kind_gives_the_same(few, params_of_few, as_kind, kind):
    source = as_kind(few, kind)
    fitted = rk.GammaGamma().fit(source)
    assert fitted.params_ == pytest.approx(params_of_few, rel=1e-9)
    found = fitted.predict_spend(as_kind(few, kind))
    assert type(found) is type(source) or isinstance(found, ibis.Table)
    p, q, v = fitted._params
    x, z = few["purchases"], few["mean_purchase_value"]
    expected = p * (v + x * z) / (p * x + q - 1)
    assert plain(found)["expected_purchase_value"].to_numpy() == pytest.approx(expected.to_numpy())


def test_an_engine_is_asked_only_when_the_result_is_read(truth):
    table = ibis.memtable(truth.head(5))
    found = of(6.25, 3.74, 15.44).predict_spend(table)
    assert isinstance(found, ibis.expr.types.Table)
    assert found.columns == ("customer_id", "expected_purchase_value")


def test_a_log_is_fitted_by_its_customers(orders, customers):
    by_log, by_frame = rk.GammaGamma().fit(orders), rk.GammaGamma().fit(customers)
    assert by_log.params_ == pytest.approx(by_frame.params_)
    found = by_log.predict_spend(orders)
    assert found["customer_id"].tolist() == customers["customer_id"].tolist()
    assert found["expected_purchase_value"].dtype == "float64"


def test_rows_and_index_stay_as_they_are():
    frame = pd.DataFrame(
        {"customer_id": ["b", "a"], "purchases": [0, 2], "mean_purchase_value": [np.nan, 5.0]},
        index=[7, 3],
    )
    found = of(6.25, 3.74, 15.44).predict_spend(frame)
    assert found.index.tolist() == [7, 3]
    assert found["customer_id"].tolist() == ["b", "a"]
    assert found.loc[7, "expected_purchase_value"] == pytest.approx(35.22, abs=0.01)


def test_an_interval_holds_the_expectation(model, truth):
    found = model.predict_spend(truth.head(50), interval=0.9)
    middle = found["expected_purchase_value"]
    assert (
        (found["purchase_value_lower"] < middle) & (middle < found["purchase_value_upper"])
    ).all()


# --- what is left out, and boundaries ------------------------------------------------------------


def test_values_that_are_not_above_0_are_left_out_with_a_warning():
    frame = simulated(3, 3, 40, customers=300)
    clean = rk.GammaGamma().fit(frame)
    bad = pd.DataFrame(
        {"customer_id": [-1, -2, -3, -4], "purchases": [1, 2, 1, 3],
         "mean_purchase_value": [0.0, -5.0, np.nan, np.inf]}
    )  # fmt: skip
    both = pd.concat([frame, bad])
    with pytest.warns(RfmkitWarning, match="4 of 304 customers with purchases are left out"):
        found = rk.GammaGamma().fit(both)
    assert found.params_ == clean.params_
    assert (found.left_out_, found.customers_) == (4, 300)
    assert found.predict_spend(bad)["expected_purchase_value"].isna().all()


def test_a_few_are_left_out_quietly_and_those_who_never_bought_are_no_matter():
    frame = simulated(3, 3, 40, customers=300)
    others = pd.DataFrame(
        {"customer_id": [-1, -2, -3], "purchases": [1, 0, None],
         "mean_purchase_value": [0.0, 0.0, None]}
    )  # fmt: skip
    found = rk.GammaGamma().fit(pd.concat([frame, others.astype({"purchases": "Int64"})]))
    assert (found.left_out_, found.customers_) == (1, 300)
    spend = found.predict_spend(others.astype({"purchases": "Int64"}))
    assert spend["expected_purchase_value"].tolist()[1:] == pytest.approx([found.mean_] * 2)


def test_a_heavy_tail_has_no_mean():
    found = rk.GammaGamma().fit(simulated(3, 0.7, 40, customers=2000))
    assert found.params_["q"] < 1
    assert np.isnan(found.mean_)
    assert "no mean over all exists" in found.diagnosis_
    nobody = pd.DataFrame({"customer_id": [1, 2], "purchases": [0, 1],
                           "mean_purchase_value": [None, 9.0]})  # fmt: skip
    spend = found.predict_spend(nobody)["expected_purchase_value"]
    assert np.isnan(spend[0])
    assert spend[1] > 0


def test_customers_who_are_all_alike_are_given_one_mean():
    random = np.random.default_rng(5)
    count = 1 + random.poisson(30, 400)
    frame = pd.DataFrame(
        {"customer_id": count, "purchases": count,
         "mean_purchase_value": random.gamma(2.0 * count, 10.0) / count}
    )  # fmt: skip
    found = rk.GammaGamma().fit(frame)
    assert found.boundary_ == "homogeneous values"
    assert "all get one mean" in found.diagnosis_
    assert found.params_["p"] == pytest.approx(2, rel=0.2)
    assert found.summary_.set_index("parameter").loc["q", "log_error":].isna().all()
    spend = found.predict_spend(frame)["expected_purchase_value"]
    assert spend.to_numpy() == pytest.approx(np.full(400, found.mean_), rel=2e-3)


def test_customers_who_always_spend_the_same_are_believed():
    random = np.random.default_rng(6)
    count = 1 + random.poisson(3, 400)
    frame = pd.DataFrame(
        {"customer_id": count, "purchases": count,
         "mean_purchase_value": 1 / random.gamma(4.0, 0.1, 400)}
    )  # fmt: skip
    found = rk.GammaGamma().fit(frame)
    assert found.boundary_ == "constant values"
    spend = found.predict_spend(frame)["expected_purchase_value"].to_numpy()
    assert spend == pytest.approx(frame["mean_purchase_value"].to_numpy(), rel=1e-3)


def test_one_value_for_everybody_is_one_mean():
    frame = pd.DataFrame({"customer_id": [1, 2, 3], "purchases": [1, 2, 3],
                          "mean_purchase_value": 20.0})  # fmt: skip
    found = rk.GammaGamma().fit(frame)
    assert found.boundary_ == "constant values; homogeneous values"
    assert found.predict_spend(frame)["expected_purchase_value"].tolist() == pytest.approx(
        [20] * 3, rel=1e-4
    )
    assert np.isnan(found.correlation_)
    assert "cannot be checked" in found.independence_


def test_the_independence_of_value_and_frequency_is_put_in_words(model, truth):
    assert model.correlation_ == pytest.approx(
        truth["purchases"].corr(truth["mean_purchase_value"]), abs=1e-12
    )
    assert "negligible" in model.independence_
    for sign, side in ((1, "too low for those with many"), (-1, "too high for those with many")):
        power = truth["purchases"].astype(float) ** sign
        tied = truth.assign(mean_purchase_value=truth["mean_purchase_value"] * power)
        found = rk.GammaGamma().fit(tied)
        assert side in found.independence_
        assert found.independence_ in found.diagnosis_


# --- what cannot be ------------------------------------------------------------------------------


def test_a_model_that_is_not_fitted_says_so(truth):
    assert repr(rk.GammaGamma()) == "<GammaGamma: not fitted; call fit(customers)>"
    with pytest.raises(NotFittedError, match="A GammaGamma must be fitted before use"):
        rk.GammaGamma().predict_spend(truth)
    with pytest.raises(NotFittedError, match="A GammaGamma must be fitted before use"):
        _ = rk.GammaGamma().mean_


def test_a_fitted_model_is_one_line(model):
    assert repr(model).startswith("<GammaGamma: p ")
    assert repr(model).endswith(" from 4,000 customers; next: .predict_spend(customers)>")


@pytest.mark.parametrize("count", [-1, 1.5])
def test_a_count_is_a_count(truth, count):
    with pytest.raises(RfmkitError, match="The number of purchases must be whole and not negative"):
        rk.GammaGamma().fit(truth.head(3).assign(purchases=count))


def test_a_column_is_there_and_holds_numbers(truth):
    with pytest.raises(ColumnsError, match="no 'repeats' among 'customer_id'"):
        rk.GammaGamma().fit(truth, count="repeats")
    with pytest.raises(ColumnsError, match="must be numbers"):
        rk.GammaGamma().fit(truth.head(3).assign(mean_purchase_value=["a", "b", "c"]))
    with pytest.raises(ColumnsError, match="no 'purchases', 'mean_purchase_value' among"):
        of(6, 3, 15).predict_spend(truth[["customer_id"]])


def test_something_must_have_been_spent(truth):
    with pytest.raises(NotEnoughHistoryError, match="at least one customer"):
        rk.GammaGamma().fit(truth.head(0))
    with pytest.raises(
        NotEnoughHistoryError, match="At least one customer must have spent something"
    ):
        rk.GammaGamma().fit(truth.head(3).assign(mean_purchase_value=0.0))


def test_an_interval_is_a_share(model, truth):
    with pytest.raises(RfmkitError, match="interval must be a number between 0 and 1"):
        model.predict_spend(truth, interval=90)
