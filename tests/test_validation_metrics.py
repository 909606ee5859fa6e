"""Scores agree with scikit-learn and with counts by hand, and keep their laws."""

from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn
from sklearn.linear_model import LogisticRegression

from rfmkit.validation import _metrics as metrics

PERCENT = st.integers(0, 100).map(lambda value: value / 100)
FORETOLD = st.lists(st.tuples(st.booleans(), PERCENT), min_size=1, max_size=60)


def drawn(customers=4000, seed=1, digits=3):
    """Give outcomes of probabilities that are true, some of them equal."""
    random = np.random.default_rng(seed)
    chance = random.beta(1.5, 0.8, customers).round(digits)
    return random.random(customers) < chance, chance


@pytest.fixture(scope="module")
def many():
    return drawn()


@pytest.fixture(params=["all", "few", "tied"])
def case(request):
    return drawn(*{"all": (4000, 1, 6), "few": (23, 2, 3), "tied": (700, 3, 1)}[request.param])


# --- against scikit-learn ------------------------------------------------------------------------


def test_the_log_loss_is_that_of_scikit_learn(case):
    churned, chance = case
    inside = chance.clip(1e-6, 1 - 1e-6)
    expected = sklearn.log_loss(churned, inside, labels=[False, True])
    assert metrics.log_loss(churned, chance) == pytest.approx(expected, rel=1e-12)


def test_the_brier_score_is_that_of_scikit_learn(case):
    churned, chance = case
    expected = sklearn.brier_score_loss(churned, chance)
    assert metrics.brier_score(churned, chance) == pytest.approx(expected, rel=1e-12)


def test_the_auc_is_that_of_scikit_learn(case):
    churned, chance = case
    expected = sklearn.roc_auc_score(churned, chance)
    assert metrics.auc(churned, chance) == pytest.approx(expected, rel=1e-12)


def test_the_calibration_line_is_a_logistic_regression(case):
    churned, chance = case
    inside = chance.clip(1e-6, 1 - 1e-6)
    odds = np.log(inside / (1 - inside))[:, None]
    fit = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(odds, churned)
    slope, intercept = metrics.calibration_line(churned, chance)
    assert slope == pytest.approx(fit.coef_[0, 0], rel=1e-4)
    assert intercept == pytest.approx(fit.intercept_[0], rel=1e-4, abs=1e-5)


# --- by hand -------------------------------------------------------------------------------------


def test_a_certainty_that_fails_is_clipped_to_a_millionth():
    assert metrics.log_losses([True, False], [0.0, 1.0]).tolist() == pytest.approx(
        [-np.log(1e-6)] * 2, rel=1e-9
    )
    assert metrics.log_losses([True, False], [1.0, 0.0]).max() < 2e-6


def test_skill_is_the_share_of_the_loss_that_is_gone():
    assert metrics.skill(0.15, 0.2) == pytest.approx(0.25)
    assert metrics.skill(0.3, 0.2) == pytest.approx(-0.5)
    assert np.isnan(metrics.skill(0.1, 0.0))


def test_bins_are_of_equal_size():
    chance = np.arange(100) / 100
    table = metrics.reliability_table(chance > 0.5, chance, bins=4)
    assert table["customers"].tolist() == [25, 25, 25, 25]
    assert table["predicted"].tolist() == pytest.approx([0.12, 0.37, 0.62, 0.87])
    assert table["observed"].tolist() == pytest.approx([0, 0, 24 / 25, 1])
    assert table["bin"].tolist() == [1, 2, 3, 4]


def test_equal_probabilities_stay_in_one_bin():
    chance = np.array([0.1] * 6 + [0.5] * 3 + [0.9])
    churned = np.array([1, 0, 0, 0, 0, 0, 1, 1, 0, 1])
    table = metrics.reliability_table(churned, chance, bins=10)
    assert table["customers"].tolist() == [6, 3, 1]
    assert table["observed"].tolist() == pytest.approx([1 / 6, 2 / 3, 1])
    expected = (6 * (1 / 6 - 0.1) + 3 * (2 / 3 - 0.5) + (1 - 0.9)) / 10
    assert metrics.calibration_error(churned, chance) == pytest.approx(expected)


def test_one_probability_is_one_bin():
    assert metrics.calibration_error([1, 0, 0, 0], [0.4] * 4) == pytest.approx(0.15)


def test_wilsons_interval_is_the_one_of_his_quadratic():
    """Where the normal distance of a share from p is 1.96: Wilson's own definition."""
    z = NormalDist().inv_cdf(0.975)
    for gone, size in [(0, 5), (3, 10), (81, 263), (9, 9)]:
        share = gone / size
        low, high = metrics.wilson(np.array([share]), np.array([size]))
        for bound in (low[0], high[0]):
            if 1e-9 < bound < 1 - 1e-9:
                distance = abs(share - bound) / np.sqrt(bound * (1 - bound) / size)
                assert distance == pytest.approx(z, rel=1e-9)
    # Newcombe (1998, Statistics in Medicine 17), table I, method 3: 81 of 263, and 0 of 20.
    low, high = metrics.wilson(np.array([81 / 263, 0.0]), np.array([263, 20]))
    assert np.round(low, 4).tolist() == [0.2553, 0.0]
    assert np.round(high, 4).tolist() == [0.3662, 0.1611]


@pytest.mark.parametrize(
    ("churned", "chance"),
    [
        ([1, 0, 1], [0.5, 0.5, 0.5]),
        ([1, 1, 1], [0.1, 0.5, 0.9]),
        ([0, 0, 0], [0.1, 0.5, 0.9]),
        ([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4]),
        ([1, 1, 0, 0], [0.1, 0.2, 0.3, 0.4]),
        ([0, 0, 1, 1], [0.1, 0.2, 0.2, 0.4]),
    ],
    ids=["one probability", "all", "none", "parted", "parted downwards", "parted at a tie"],
)
def test_where_there_is_no_line_there_is_none(churned, chance):
    assert np.isnan(metrics.calibration_line(churned, chance)).all()


def test_a_stretched_probability_has_half_the_slope():
    churned, chance = drawn(200_000, digits=6)
    chance = chance.clip(0.001, 0.999)
    odds = 2 * np.log(chance / (1 - chance)) + 1
    slope, intercept = metrics.calibration_line(churned, 1 / (1 + np.exp(-odds)))
    assert slope == pytest.approx(0.5, abs=0.01)
    assert intercept == pytest.approx(-0.5, abs=0.02)


def test_without_both_kinds_there_is_no_ranking():
    assert np.isnan(metrics.auc([1, 1], [0.2, 0.4]))
    assert np.isnan(metrics.auc([0, 0], [0.2, 0.4]))
    assert np.isnan(metrics.top_decile_lift([0, 0], [0.2, 0.4]))


def test_the_lift_counts_the_top_tenth():
    chance = np.arange(20) / 20
    churned = np.zeros(20)
    churned[[19, 3, 4, 5]] = 1
    # One of the two best churned; four of twenty in all.
    assert metrics.top_decile_lift(churned, chance) == pytest.approx((1 / 2) / (4 / 20))
    assert metrics.top_decile_lift([1] + [0] * 10, np.arange(11)[::-1] / 11) == 5.5  # two of eleven


def test_the_lift_of_tied_customers_is_the_mean_over_their_orders():
    churned = np.array([1, 0, 0, 1, 0, 0, 0, 1, 0, 0])
    chance = np.array([0.9] + [0.8] * 4 + [0.1] * 5)
    random = np.random.default_rng(4)
    found = []
    for _ in range(4000):
        shuffled = random.permutation(10)
        top = shuffled[np.argsort(-chance[shuffled], kind="stable")][:3]
        found.append(churned[top].mean() / churned.mean())
    expected = metrics.top_decile_lift(churned, chance, share=0.3)
    assert expected == pytest.approx((1 + 2 * 1 / 4) / 3 / 0.3)
    assert np.mean(found) == pytest.approx(expected, rel=0.02)


# --- laws ----------------------------------------------------------------------------------------

few = settings(max_examples=40)
ORDERLESS = [
    metrics.log_loss, metrics.brier_score, metrics.calibration_error, metrics.auc,
    metrics.top_decile_lift, lambda y, p: metrics.calibration_line(y, p)[0],
]  # fmt: skip


@few
@given(FORETOLD, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows, random):
    shuffled = random.sample(rows, len(rows))
    for score in ORDERLESS:
        first, second = (score(*map(np.array, zip(*r, strict=True))) for r in (rows, shuffled))
        assert first == pytest.approx(second, rel=1e-9, abs=1e-12, nan_ok=True)


@few
@given(FORETOLD)
def test_scores_keep_their_bounds(rows):
    churned, chance = (np.array(column) for column in zip(*rows, strict=True))
    assert 0 <= metrics.brier_score(churned, chance) <= 1
    assert 0 <= metrics.log_loss(churned, chance) <= -np.log(1e-6) + 1e-9
    assert 0 <= metrics.calibration_error(churned, chance) <= 1
    table = metrics.reliability_table(churned, chance)
    assert table["customers"].sum() == len(rows)
    assert (table["customers"] * table["observed"]).sum() == pytest.approx(churned.sum())
    assert (table["customers"] * table["predicted"]).sum() == pytest.approx(chance.sum())
    assert ((table["lower"] <= table["observed"]) & (table["observed"] <= table["upper"])).all()
    assert table["predicted"].is_monotonic_increasing
    assume(churned.any())
    assert 0 <= metrics.top_decile_lift(churned, chance) <= 1 / churned.mean() + 1e-9


@few
@given(FORETOLD)
def test_only_the_order_of_probabilities_ranks(rows):
    churned, chance = (np.array(column) for column in zip(*rows, strict=True))
    for score in (metrics.auc, metrics.top_decile_lift):
        assert score(churned, chance) == pytest.approx(score(churned, chance**3 / 2), nan_ok=True)
    assume(0 < churned.mean() < 1)
    both = metrics.auc(churned, chance) + metrics.auc(churned, 1 - chance)
    assert both == pytest.approx(1)


@few
@given(st.lists(st.booleans(), min_size=2, max_size=80), PERCENT)
def test_no_constant_beats_the_share_itself(churned, other):
    churned = np.array(churned)
    assume(0 < churned.mean() < 1)
    truth = np.full(len(churned), churned.mean())
    for score in (metrics.log_loss, metrics.brier_score):
        assert score(churned, truth) <= score(churned, np.full(len(churned), other)) + 1e-12
    assert metrics.calibration_error(churned, truth) == pytest.approx(0, abs=1e-12)


def test_the_truth_beats_what_is_not(many):
    churned, chance = drawn(50_000)
    for wrong in (chance**2, np.sqrt(chance), 0.9 * chance + 0.05, np.full_like(chance, 0.6)):
        assert metrics.log_loss(churned, chance) < metrics.log_loss(churned, wrong)
        assert metrics.brier_score(churned, chance) < metrics.brier_score(churned, wrong)
    slope, intercept = metrics.calibration_line(churned, chance)
    assert slope == pytest.approx(1, abs=0.03)
    assert intercept == pytest.approx(0, abs=0.03)
    assert metrics.calibration_error(churned, chance) < 0.01


# --- the bootstrap -------------------------------------------------------------------------------


def test_the_bootstrap_spreads_as_theory_says():
    losses = np.random.default_rng(7).exponential(1.0, (5000, 1))
    drawn_means = metrics.bootstrap_means(losses, np.arange(5000), draws=600)
    assert drawn_means.mean() == pytest.approx(losses.mean(), abs=3e-3)
    assert drawn_means.std() == pytest.approx(losses.std() / np.sqrt(5000), rel=0.1)


def test_rows_of_one_customer_are_no_more_than_one():
    """Four equal rows of each customer are as uncertain as one."""
    losses = np.random.default_rng(8).exponential(1.0, (2000, 1))
    once = metrics.bootstrap_means(losses, np.arange(2000))
    four = metrics.bootstrap_means(np.repeat(losses, 4, axis=0), np.repeat(np.arange(2000), 4))
    np.testing.assert_allclose(once, four)


def test_models_are_drawn_in_pairs():
    losses = np.random.default_rng(9).exponential(1.0, 300)
    both = metrics.bootstrap_means(np.stack([losses, losses + 0.25], axis=1), np.arange(300))
    np.testing.assert_allclose(both[:, 1] - both[:, 0], 0.25)
    assert both[:, 0].std() > 0.01


def test_the_bootstrap_is_the_same_in_every_run_and_in_parts(monkeypatch):
    losses = np.random.default_rng(9).exponential(1.0, (50, 1))
    whole = metrics.bootstrap_means(losses, np.arange(50))
    monkeypatch.setattr(metrics, "MOST_WEIGHTS", 170)
    np.testing.assert_allclose(metrics.bootstrap_means(losses, np.arange(50)), whole)
    other = metrics.bootstrap_means(losses, np.arange(50), seed=1)
    assert not np.allclose(other, whole)


def test_a_draw_of_nobody_is_left_out():
    found = metrics.bootstrap_means(np.ones((1, 1)), np.array([0]))
    assert 80 < len(found) < 170  # 1 - 1/e of 200
    assert found.tolist() == [[1.0]] * len(found)


def test_inputs_are_left_alone(many):
    churned, chance = (column.copy() for column in many)
    metrics.reliability_table(churned, chance)
    for score in ORDERLESS:
        score(pd.Series(churned), list(chance))
    assert churned.tolist() == many[0].tolist()
    assert chance.tolist() == many[1].tolist()
