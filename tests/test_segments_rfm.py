"""Scores: ties stay together, every score is reached, thresholds are data and frozen."""

from functools import cache

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

import rfmkit as rk
from rfmkit.exceptions import RfmkitError
from sample_segments import parts_of, segments_of

SCORES = ["recency_score", "frequency_score", "monetary_score"]
INPUTS = ["recency_days", "purchases", "spend"]
LEARNED = ("quantile", "mean", "pareto", "kmeans")
BANDS = {"recency_days": [30, 180], "purchases": [2, 4, 6], "spend": [100, 250.5]}

quick = settings(deadline=None, max_examples=25)
# Without shrinking: an example asks an engine.
slow = settings(deadline=None, max_examples=10, phases=[Phase.explicit, Phase.generate])

columns_of_values = st.lists(
    st.integers(0, 40) | st.integers(0, 100_000).map(lambda cents: cents / 100),
    min_size=1,
    max_size=80,
)
shops = st.lists(
    st.tuples(st.integers(0, 900), st.integers(1, 12), st.integers(1, 100_000)),
    min_size=1,
    max_size=60,
)


def as_customers(rows):
    recency, purchases, cents = zip(*rows, strict=True)
    return pd.DataFrame(
        {
            "customer_id": [f"c{place}" for place in range(len(rows))],
            "recency_days": recency,
            "purchases": purchases,
            "spend": np.array(cents) / 100,
        }
    )


def scored(values, n_bins, method="quantile"):
    """Score one column as frequency is scored: more is better."""
    table = np.column_stack([np.zeros(len(values)), values])
    return rk.RFMScorer(n_bins, method=method).fit_transform(table)[:, 1]


@pytest.fixture(scope="module")
def scorer(orders):
    """The default scorer of the sample; never to be fitted again."""
    return parts_of(orders)["scorer"]


@pytest.fixture(scope="module")
def scores(scorer, orders):
    """The default scores of the sample."""
    return scorer.transform(orders)


@pytest.fixture(scope="module")
def learned(customers):
    """A scorer of a method, fitted once on the customers of the sample."""
    return cache(lambda method: rk.RFMScorer(method=method).fit(customers))


# --- laws ----------------------------------------------------------------------------------------


@quick
@given(columns_of_values, st.integers(2, 7), st.sampled_from(LEARNED))
def test_equal_values_get_equal_scores_and_more_is_never_less(values, n_bins, method):
    scores = pd.Series(scored(values, n_bins, method)).groupby(np.array(values, dtype=float))
    assert (scores.nunique() == 1).all()
    assert scores.first().is_monotonic_increasing
    assert scores.min().min() >= 1
    assert scores.max().max() <= (2 if method == "mean" else n_bins)


@quick
@given(columns_of_values, st.integers(2, 7))
def test_every_score_is_reached_where_the_values_suffice(values, n_bins):
    distinct = len(np.unique(np.array(values, dtype=float)))
    assert set(scored(values, n_bins)) == set(range(1, min(n_bins, distinct) + 1))


@quick
@given(st.lists(st.integers(2, 30), min_size=1, max_size=20), st.integers(2, 6))
def test_every_score_is_reached_with_four_in_five_one_time_buyers(others, n_bins):
    purchases = [1] * (4 * len(others)) + others
    scores = scored(purchases, n_bins)
    distinct = len(set(purchases))
    assert set(scores) == set(range(1, min(n_bins, distinct) + 1))
    assert set(scores[: 4 * len(others)]) == {1}


@quick
@given(columns_of_values, st.integers(2, 7), st.sampled_from(LEARNED))
def test_recency_is_scored_the_other_way_round(values, n_bins, method):
    # Recency has no total to share: "pareto" takes its quantiles.
    method = "quantile" if method == "pareto" else method
    values = np.array(values, dtype=float)[:, None]
    scorer = rk.RFMScorer(n_bins, method=method)
    both = scorer.fit_transform(np.hstack([values, values]))
    best = scorer.thresholds_["score"].max()
    assert (both[:, 0] == best + 1 - both[:, 1]).all()


@quick
@given(columns_of_values, st.integers(2, 7), st.sampled_from(LEARNED), st.randoms())
def test_the_order_of_the_rows_does_not_matter(values, n_bins, method, random):
    place = list(range(len(values)))
    random.shuffle(place)
    straight = scored(values, n_bins, method)
    mixed = scored([values[one] for one in place], n_bins, method)
    assert mixed.tolist() == straight[place].tolist()


@quick
@given(columns_of_values, columns_of_values, st.integers(2, 6), st.sampled_from(LEARNED))
def test_a_score_depends_on_the_thresholds_and_on_nobody_else(values, later, n_bins, method):
    one = rk.RFMScorer(n_bins, method=method).fit(np.array(values, dtype=float)[:, None])
    before = one.thresholds_.copy()
    later = np.array(later, dtype=float)[:, None]
    together = one.transform(later)
    for row, score in zip(later, together, strict=True):
        assert one.transform(row[None, :]).tolist() == [score.tolist()]
    pd.testing.assert_frame_equal(one.thresholds_, before)
    for row, score in zip(later[:, 0], together[:, 0], strict=True):
        inside = (before["from_value"] <= row) & (row < before["to_value"])
        assert before.loc[inside, "score"].tolist() == [score]


@pytest.mark.slow
@slow
@given(shops, st.integers(2, 6), st.sampled_from(LEARNED))
def test_the_engine_scores_as_the_array_does(rows, n_bins, method):
    scored_alike(rows, n_bins, method)


@pytest.mark.parametrize(("n_bins", "method"), [(5, "quantile"), (3, "pareto")])
def test_the_engine_scores_a_small_shop_as_the_array_does(n_bins, method):
    rows = [(31 * day % 90, 1 + day % 7 * (day % 3), 100 + 997 * day % 9000) for day in range(40)]
    scored_alike(rows, n_bins, method)


def scored_alike(rows, n_bins, method):
    customers = as_customers(rows)
    in_engine = rk.RFMScorer(n_bins, method=method).fit(customers)
    in_memory = rk.RFMScorer(n_bins, method=method).fit(customers[INPUTS].to_numpy())
    by_place = in_memory.thresholds_["column"].map(dict(zip("012", INPUTS, strict=True)))
    pd.testing.assert_frame_equal(
        in_engine.thresholds_, in_memory.thresholds_.assign(column=by_place), rtol=1e-12
    )
    expected = in_memory.transform(customers[INPUTS].to_numpy())
    assert in_engine.transform(customers)[SCORES].to_numpy().tolist() == expected.tolist()
    assert in_engine.transform(customers[INPUTS].to_numpy()).tolist() == expected.tolist()


# --- on the sample -------------------------------------------------------------------------------


@pytest.mark.parametrize("method", LEARNED)
def test_a_log_a_frame_and_an_array_are_scored_alike(orders, customers, learned, method):
    from_log = rk.RFMScorer(method=method).fit(orders)
    from_frame = learned(method)
    array = rk.RFMScorer(method=method).fit_transform(customers[INPUTS].to_numpy())
    pd.testing.assert_frame_equal(from_log.thresholds_, from_frame.thresholds_, check_exact=True)
    assert from_log.transform(orders)[SCORES].to_numpy().tolist() == array.tolist()
    assert from_frame.transform(customers)[SCORES].to_numpy().tolist() == array.tolist()


def test_quantiles_share_the_customers_equally_where_values_differ(scores, customers):
    for score in ("recency_score", "monetary_score"):
        counts = scores[score].value_counts()
        assert sorted(counts.index) == [1, 2, 3, 4, 5]
        assert counts.between(0.19 * len(customers), 0.21 * len(customers)).all()
    assert sorted(scores["frequency_score"].unique()) == [1, 2, 3, 4, 5]


def test_good_customers_score_high(scores):
    best, worst = (scores[scores["recency_score"] == score] for score in (5, 1))
    assert best["recency_days"].max() < worst["recency_days"].min()
    best, worst = (scores[scores["monetary_score"] == score] for score in (5, 1))
    assert best["spend"].min() > worst["spend"].max()


def test_later_customers_are_measured_with_the_old_rule(orders, scorer):
    refitted = scorer
    scorer = rk.RFMScorer().fit(orders.until("2024-03-31"))
    before = scorer.thresholds_.copy()
    later = scorer.transform(orders)
    pd.testing.assert_frame_equal(scorer.thresholds_, before)
    for column, score in zip(INPUTS, SCORES, strict=True):
        rule = before[before["column"] == column].sort_values("from_value")
        bands = pd.cut(later[column], [*rule["from_value"], np.inf], right=False, labels=False)
        assert later[score].tolist() == rule["score"].to_numpy()[bands].tolist()
    assert refitted.thresholds_["from_value"].ne(before["from_value"]).any()


def test_the_scores_of_some_are_some_of_the_scores(scorer, scores, customers):
    some = customers.sample(frac=0.3, random_state=1)
    assert scores["customer_id"].equals(customers["customer_id"])
    pd.testing.assert_frame_equal(scorer.transform(some), scores.loc[some.index], check_dtype=False)


def test_money_can_be_the_mean_purchase(customers):
    scorer = rk.RFMScorer(monetary="mean_purchase_value").fit(customers)
    assert scorer.thresholds_["column"].unique().tolist() == [*INPUTS[:2], "mean_purchase_value"]
    array = customers[["recency_days", "purchases", "mean_purchase_value"]].to_numpy()
    expected = rk.RFMScorer().fit_transform(array)
    assert scorer.transform(customers)[SCORES].to_numpy().tolist() == expected.tolist()


def test_people_without_a_purchase_have_no_recency_score(orders, scorer):
    table = segments_of(orders).drop(columns=SCORES)
    scored_table = scorer.transform(table)
    prospects = table["segment"] == "prospect"
    assert prospects.any()
    assert scored_table["recency_score"].isna().tolist() == prospects.tolist()


@pytest.mark.parametrize("method", LEARNED)
def test_missing_recencies_do_not_move_the_thresholds(customers, learned, method):
    unknown = customers.head(200).assign(recency_days=pd.NA)
    both = pd.concat([customers, unknown.astype({"recency_days": "Int64"})])
    found, expected = (
        fitted.thresholds_.query("column == 'recency_days'")
        for fitted in (rk.RFMScorer(method=method).fit(both), learned(method))
    )
    pd.testing.assert_frame_equal(found, expected)


@pytest.mark.parametrize("fits", [True, False])
def test_lazy_polars_customers_are_scored(customers, learned, scores, fits):
    lazy = pl.from_pandas(customers).lazy()
    fitted = rk.RFMScorer().fit(lazy) if fits else learned("quantile")
    found = fitted.transform(lazy)
    assert isinstance(found, pl.LazyFrame)
    assert found.collect()["frequency_score"].to_list() == scores["frequency_score"].tolist()


# --- every method, by hand -----------------------------------------------------------------------


def edges(values, n_bins, method, **options):
    table = np.column_stack([np.zeros(len(values)), values])
    learned = rk.RFMScorer(n_bins, method=method, **options).fit(table).thresholds_
    return learned.loc[learned["column"] == "1", "from_value"].tolist()[1:]


def test_the_mean_is_the_only_threshold():
    assert edges([1, 2, 9], 5, "mean") == [4]
    assert scored([1, 4, 9, 2, 4], 5, "mean").tolist() == [1, 2, 2, 1, 2]  # the mean itself is 4


def test_pareto_takes_four_fifths_of_the_money_from_the_top():
    # 80 of 100 make score 3; 16 of the other 20 make score 2; the rest is 1.
    assert edges([80, 16, 3, 1], 3, "pareto") == [16, 80]
    assert scored([80, 16, 3, 1], 3, "pareto").tolist() == [3, 2, 1, 1]
    assert scored([10, 10, 10, 10], 3, "pareto").tolist() == [1, 1, 1, 1]


def test_kmeans_cuts_between_the_clusters():
    values = [1, 2, 3, 50, 51, 52, 200, 201]
    assert scored(values, 3, "kmeans").tolist() == [1, 1, 1, 2, 2, 2, 3, 3]


def test_bands_are_half_open():
    scorer = rk.RFMScorer(method="bands", bands=BANDS)
    customers = as_customers([(29, 1, 9999), (30, 2, 10_000), (179, 3, 25_049), (180, 6, 25_050)])
    found = scorer.fit(customers).transform(customers)
    assert found["recency_score"].tolist() == [3, 2, 2, 1]
    assert found["frequency_score"].tolist() == [1, 2, 2, 4]
    assert found["monetary_score"].tolist() == [1, 2, 2, 3]


def test_the_thresholds_tile_the_line(scorer):
    table = scorer.thresholds_
    for column in INPUTS:
        rule = table[table["column"] == column]
        assert rule["from_value"].iloc[0] == -np.inf
        assert rule["to_value"].iloc[-1] == np.inf
        assert rule["from_value"].tolist()[1:] == rule["to_value"].tolist()[:-1]
        score = rule["score"].tolist()
        assert score == ([5, 4, 3, 2, 1] if column == "recency_days" else [1, 2, 3, 4, 5])


def test_scores_that_nobody_can_get_are_named():
    customers = as_customers([(day, once, 100) for day in range(9) for once in (1, 2)])
    scorer = rk.RFMScorer().fit(customers)
    assert scorer.unreachable_ == {"purchases": [3, 4, 5], "spend": [2, 3, 4, 5]}
    assert sorted(scorer.transform(customers)["frequency_score"].unique()) == [1, 2]
    by_hand = rk.RFMScorer(method="bands", bands=BANDS).fit(customers)
    assert by_hand.unreachable_ == {}


# --- errors and manners --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "median"}, r"method must be one of 'quantile', .*\nFound: method='median'"),
        ({"n_bins": 1}, r"n_bins must be a whole number of at least 2\.\nFound: n_bins=1"),
        ({"n_bins": 2.5}, r"n_bins must be a whole number of at least 2\.\nFound: n_bins=2\.5"),
        ({"method": "bands"}, r"method='bands' needs bands=.*\nFound: .*bands=None\nHint"),
        ({"bands": BANDS}, r"method='bands' needs bands=.*\nFound: method='quantile'"),
        (
            {"method": "bands", "bands": {**BANDS, "spend": [9, 9]}},
            r"bands\['spend'\] must hold rising edges\.\nFound: .*\nHint: edges \[15, 60\] make",
        ),
        (
            {"method": "bands", "bands": {"spend": [1], "purchases": [2]}},
            r"bands\['recency_days'\] must hold rising edges",
        ),
    ],
)
def test_a_wrong_option_is_named(customers, options, message):
    scorer = rk.RFMScorer(**options)
    with pytest.raises(RfmkitError, match=message):
        scorer.fit(customers)


def test_before_fit_there_are_no_thresholds(customers):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        rk.RFMScorer().transform(customers)


@pytest.mark.parametrize("method", LEARNED)
def test_nobody_to_learn_from_gives_one_score(orders, method):
    scorer = rk.RFMScorer(method=method).fit(orders.until("2022-01-01"))
    assert scorer.thresholds_["score"].tolist() == [1, 1, 1]


def test_a_scorer_shows_its_parameters_and_what_to_call_next():
    scorer = rk.RFMScorer(3, method="kmeans")
    assert repr(scorer) == "<RFMScorer: 3 scores by kmeans; not fitted. Next: .fit(orders)>"
    few = scorer.fit(np.array([[10, 1, 5.0]] * 8 + [[5, 2, 7.0], [1, 9, 50.0]])[:, :2])
    assert repr(few) == "<RFMScorer: 3 scores by kmeans of 0, 1. Next: .transform(orders)>"
    few = rk.RFMScorer(3).fit(np.array([[10.0], [10.0], [2.0]]))
    assert "no customer can get 0 [3]. Next" in repr(few)
    assert rk.RFMScorer(3).get_params() == {
        "n_bins": 3, "method": "quantile", "bands": None, "monetary": "spend",
    }  # fmt: skip


def test_the_scores_of_an_array_are_named_after_its_columns(customers):
    scorer = rk.RFMScorer().fit(customers[INPUTS])
    expected = ["recency_days_score", "purchases_score", "spend_score"]
    assert scorer.get_feature_names_out().tolist() == expected
    as_pandas = rk.RFMScorer().set_output(transform="pandas").fit_transform(customers[INPUTS])
    assert as_pandas.columns.tolist() == expected


def test_the_customers_given_are_left_alone(customers):
    before = customers.copy()
    rk.RFMScorer().fit(customers).transform(customers)
    pd.testing.assert_frame_equal(customers, before)


@parametrize_with_checks([rk.RFMScorer()])
def test_scikit_learn_accepts_it(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([rk.RFMScorer(method=method) for method in LEARNED[1:]])
def test_scikit_learn_accepts_the_other_methods(estimator, check):
    check(estimator)


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_scikit_learn_may_be_asked_for_the_kind_of_its_output(customers, scores, kind):
    scorer = rk.RFMScorer().set_output(transform=kind)
    found = scorer.fit_transform(customers)
    assert list(found.columns) == list(scores.columns) == list(scorer.get_feature_names_out())
    assert found["recency_score"].to_list() == scores["recency_score"].to_list()
