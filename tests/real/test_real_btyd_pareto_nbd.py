"""ParetoNBD on the logs for which it was published."""

import numpy as np
import pandas as pd
import pytest

import rfmkit as rk

pytestmark = pytest.mark.real

NAMES = ["master_id", "customer_id", "date", "cds", "amount"]


@pytest.fixture(scope="module")
def cdnow(real_data):
    path = real_data / "cdnow" / "CDNOW_sample.txt"
    return rk.read_orders(path, names=NAMES, zero_amounts="keep")


@pytest.fixture(scope="module")
def model(cdnow):
    return rk.ParetoNBD(273, unit_days=7).fit(cdnow.until("1997-09-30"))


@pytest.fixture(scope="module")
def grocery(real_data):
    path = real_data / "grocery_elog" / "groceryElog.csv"
    return rk.read_orders(path, amount=1).until("2006-12-31")


@pytest.fixture(scope="module")
def apparel(real_data):
    path = real_data / "apparel" / "apparelTrans.csv"
    return rk.read_orders(path, customer="Id", amount="Price", zero_amounts="keep")


def errors(model):
    table = model.summary_.set_index("parameter")
    return (table["estimate"] * table["log_error"]).to_numpy()


def test_cdnow_is_fitted_as_published(model):
    assert list(model.params_.values()) == pytest.approx([0.5533, 10.578, 0.6062, 11.669], rel=1e-4)
    assert model.log_likelihood_ == pytest.approx(-9594.976, abs=5e-4)
    assert errors(model) == pytest.approx([0.0476264, 0.8427222, 0.1872594, 6.2105448], rel=2e-4)
    assert model.converged_
    assert not model.boundary_


def test_days_are_no_other_fit_than_weeks(model, cdnow):
    log = cdnow.until("1997-09-30")
    days = rk.ParetoNBD(273).fit(log)
    assert days.params_["beta"] == pytest.approx(7 * model.params_["beta"], rel=1e-6)
    repeats = rk.summarize(log)["repeat_purchases"].sum()
    moved = model.log_likelihood_ - repeats * np.log(7)
    assert days.log_likelihood_ == pytest.approx(moved, abs=1e-7)
    for name in ("predict_churn", "predict_alive", "predict_purchases"):
        pd.testing.assert_frame_equal(
            getattr(days, name)(log), getattr(model, name)(log), rtol=1e-6, atol=0
        )


def test_the_holdout_of_cdnow_is_forecast_as_published(model, cdnow):
    customers = rk.summarize(cdnow.until("1997-09-30"))
    expected = model.predict_purchases(customers)["expected_purchases"]
    assert expected.sum() == pytest.approx(1665.5, abs=0.05)
    by_repeats = expected.groupby(customers["repeat_purchases"].clip(upper=7))
    assert by_repeats.size().tolist() == [1411, 439, 214, 100, 62, 38, 29, 64]
    published = [0.138, 0.600, 1.196, 1.714, 2.399, 2.907, 3.819, 6.403]
    assert by_repeats.mean().tolist() == pytest.approx(published, abs=1.5e-3)


def test_the_customer_of_the_textbooks_is_as_published(model, cdnow):
    customers = rk.summarize(cdnow.until("1997-09-30"))
    heavy = customers[(customers["repeat_purchases"] == 26) & (customers["active_days"] == 216)]
    assert len(heavy) == 1
    purchases = model.predict_purchases(heavy, horizon_days=364)["expected_purchases"]
    assert purchases.tolist() == pytest.approx([25.45647], rel=1e-4)
    alive = model.predict_alive(heavy)["alive_probability"]
    assert alive.tolist() == pytest.approx([0.997874], abs=3e-6)


def test_the_predictions_of_25_customers_are_those_of_another_library(real_data):
    table = pd.read_csv(real_data / "oracle_cdnow25.csv")
    params = np.array([0.5534, 10.5802, 0.6061, 11.6562])
    row = [table[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T")]
    model = rk.ParetoNBD()
    assert model._process.alive(params, *row) == pytest.approx(
        table["pnbd_palive"].to_numpy(), abs=1e-8
    )
    for weeks in (1, 3, 6):
        expected = table[f"pnbd_cet{weeks}"].to_numpy()
        assert model._process.purchases(params, *row, weeks) == pytest.approx(expected, abs=1e-8)


def test_grocery_is_fitted_as_published(grocery):
    model = rk.ParetoNBD(364, unit_days=7).fit(grocery)
    assert list(model.params_.values()) == pytest.approx([0.786, 5.679, 0.386, 5.717], abs=1e-3)
    assert model.log_likelihood_ == pytest.approx(-15782.39, abs=5e-3)
    assert model.predict_purchases(grocery)["expected_purchases"].sum() == pytest.approx(
        3991, abs=0.5
    )
    silent = pd.DataFrame({"customer_id": range(1, 6), "repeat_purchases": range(1, 6)})
    silent = silent.assign(active_days=12 * 7, tenure_days=52 * 7)
    purchases = model.predict_purchases(silent)["expected_purchases"]
    assert purchases.tolist() == pytest.approx([0.448, 0.363, 0.217, 0.109, 0.049], abs=6e-4)
    alive = model.predict_alive(silent)["alive_probability"]
    assert alive.tolist() == pytest.approx([0.3186, 0.1652, 0.0728, 0.0288, 0.0107], abs=6e-5)


def test_apparel_is_fitted_as_published(apparel):
    log = apparel.until("2006-12-31")
    model = rk.ParetoNBD(1450, unit_days=7).fit(log)
    published = [1.4489768, 48.6360845, 0.5612598, 46.8843633]
    assert list(model.params_.values()) == pytest.approx(published, rel=6e-5)
    assert model.log_likelihood_ == pytest.approx(-5848.0978, abs=5e-5)
    assert errors(model) == pytest.approx([0.2434, 7.4892, 0.2710, 35.6114], rel=3e-4)
    some = ["1", "10", "100", "101"]
    customers = model.predict_alive(log).merge(model.predict_purchases(log), on="customer_id")
    found = customers.set_index("customer_id").loc[some]
    alive = [0.9468478, 0.9825606, 0.2784686, 0.4739762]
    assert found["alive_probability"].tolist() == pytest.approx(alive, abs=3e-6)
    purchases = [7.3256573, 3.5198114, 0.4190901, 1.2056215]
    assert found["expected_purchases"].tolist() == pytest.approx(purchases, rel=3e-5)


def test_forty_weeks_of_apparel_end_on_a_boundary_that_is_named(apparel):
    # Where others drift to s = 112 and beta = 13,583, or do not converge.
    log = apparel.until("2005-10-09")
    model = rk.ParetoNBD(unit_days=7).fit(log)
    assert model.boundary_ == "homogeneous drop-out"
    assert "one rate of leaving" in model.diagnosis_
    assert model.converged_
    assert model.summary_["log_error"].isna().tolist() == [False, False, True, True]
    assert model.log_likelihood_ > -2612.1750
    assert model.predict_churn(log)["churn_probability"].between(0, 1).all()
