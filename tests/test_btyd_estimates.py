"""Estimates: predictions on every engine, intervals, and what a model prints."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

import rfmkit as rk
from conftest import plain
from rfmkit._engine import over_rows
from rfmkit.btyd._estimates import beside, in_batches
from rfmkit.btyd._gamma_gamma_density import expected_value

ROWS = pd.DataFrame({"customer_id": ["b", "a", "c", "d"], "x": [2, 2, None, 3], "z": [4, 4, 1, -1]})
KINDS = [
    "pandas", "polars_lazy", "duckdb",
    *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("polars", "pyarrow", "ibis")),
]  # fmt: skip


def roots(source, *, seen=None):
    """Return the root of x - z + 2 beside the customers; it is not defined for some."""

    def root(x, z):
        if seen is not None:
            seen.append(len(x))
        return np.sqrt(x - z + 2) if len(x) else x

    function = in_batches(root, "float64", "float64")

    def expression(table):
        row = [table[name].cast("float64") for name in ("x", "z")]
        kept = ("customer_id", "no_such")
        return beside(source, table, kept=kept, row=row, functions={"root": function})

    return over_rows(source, expression)


@pytest.mark.parametrize("kind", KINDS)
def test_a_function_is_called_by_every_engine(as_kind, kind):
    rows = ROWS.assign(x=[2, 2, None, -9])
    found = plain(roots(as_kind(rows, kind)))
    assert found.columns.tolist() == ["customer_id", "root"]
    assert found["root"].fillna(-1).tolist() == [0, 0, -1, -1]


def test_what_is_not_there_is_null_and_no_nan():
    table = roots(ROWS.assign(x=[2, 2, None, -9]).convert_dtypes(dtype_backend="pyarrow"))
    assert table["root"].isna().tolist() == [False, False, True, True]
    import polars as pl

    assert roots(pl.from_pandas(ROWS.assign(x=[2, 2, None, -9])))["root"].null_count() == 2


def test_customers_alike_are_worked_out_once():
    seen = []
    roots(ROWS, seen=seen)
    assert sum(seen) == 2  # of three rows with an answer two are alike


@pytest.mark.parametrize(
    "kind", ["duckdb", pytest.param("ibis", marks=pytest.mark.slow), "polars_lazy"]
)
def test_the_models_of_days_predict_on_engines(as_kind, kind, customers):
    model = rk.ModifiedBetaGeo(horizon_days=90).fit(customers)
    found = plain(model.predict_churn(as_kind(customers, kind)))
    expected = plain(model.predict_churn(customers))
    pd.testing.assert_frame_equal(found, expected)


def test_several_threads_may_predict_from_one_log(orders):
    model = rk.GammaGamma().fit(orders)
    expected = model.predict_spend(orders)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(model.predict_spend, [orders] * 12):
            pd.testing.assert_frame_equal(found, expected)


def test_intervals_are_the_same_each_time(customers):
    one, two = (rk.GammaGamma().fit(customers) for _ in range(2))
    assert np.array_equal(one._draws, two._draws)
    row = (np.array([3.0]), np.array([50.0]))
    assert one._quantile(expected_value, 0.1)(*row) < one._quantile(expected_value, 0.9)(*row)


def test_the_interval_is_that_of_the_logarithm(customers):
    model = rk.GammaGamma().fit(customers)
    summary = model.summary_
    assert summary.columns.tolist() == ["parameter", "estimate", "log_error", "lower", "upper"]
    assert dict(zip(summary["parameter"], summary["estimate"], strict=True)) == model.params_
    middle = np.sqrt(summary["lower"] * summary["upper"])
    assert middle.to_numpy() == pytest.approx(summary["estimate"].to_numpy())
    # The draws spread as the errors say, up to chance.
    spread = np.log(model._draws).std(axis=0)
    assert spread == pytest.approx(summary["log_error"].to_numpy(), rel=0.3)


@pytest.mark.spark
def test_the_models_predict_on_spark(spark, customers):
    few = customers.head(40)[
        ["customer_id", "purchases", "mean_purchase_value", "repeat_purchases", "active_days",
         "tenure_days"]
    ]  # fmt: skip
    source = spark.createDataFrame(few)
    spend, days = rk.GammaGamma().fit(few), rk.ModifiedBetaGeo(horizon_days=90).fit(few)
    assert rk.GammaGamma().fit(source).params_ == pytest.approx(spend.params_)
    for predict in (spend.predict_spend, days.predict_churn):
        found = plain(predict(source))
        pd.testing.assert_frame_equal(found, plain(predict(few)), check_exact=False)
