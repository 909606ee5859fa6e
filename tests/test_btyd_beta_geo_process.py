"""The beta-geometric process: gradients, laws of its probabilities, published values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beta_geo_shops import TRUTH, shop, shop_ahead
from rfmkit.btyd._beta_geo_process import BetaGeoProcess
from rfmkit.btyd._counts import Counts, count_customers

AT_FIRST = [0, 1]


@pytest.mark.parametrize("at_first", AT_FIRST)
@pytest.mark.parametrize("k", [1, 2, 5])
def test_the_derivatives_are_those_of_the_likelihood(at_first, k):
    counts = count_customers(shop(60, k=k)).scaled()
    process, params = BetaGeoProcess(at_first, k), np.array([0.7, 0.2, 1.3, 2.9])
    value, slopes = process.log_likelihood(params, counts)
    rows, by_row = process.log_terms(params, counts)
    assert value == pytest.approx(counts.weight @ rows, rel=1e-12)
    assert slopes == pytest.approx(counts.weight @ by_row, rel=1e-9)
    for place in range(4):
        step = np.zeros(4)
        step[place] = 1e-6
        rise = (
            process.log_terms(params + step, counts)[0]
            - process.log_terms(params - step, counts)[0]
        )
        assert by_row[:, place] == pytest.approx(rise / 2e-6, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("at_first", AT_FIRST)
@pytest.mark.parametrize("k", [1, 2])
def test_predictions_come_true_on_average(at_first, k):
    """Customers of the truth itself: what they do next is what the truth says of them."""
    both = shop(40_000, k=k, at_first=bool(at_first), tenure=(400, 401), seed=5)
    rng_rows = shop_ahead(both, k, at_first)
    process, params = BetaGeoProcess(at_first, k), np.array(list(TRUTH.values()))
    row = [rng_rows[name].to_numpy(float) for name in ("x", "t_x", "T")]
    churn, expected = process.churn(params, *row, 150.0), process.purchases(params, *row, 150.0)
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


params = st.tuples(*[st.floats(0.05, 20)] * 4).map(np.array)
rows = st.tuples(st.integers(0, 40), st.floats(0, 1), st.floats(0.1, 50), st.floats(0.1, 50))


@given(params=params, row=rows, k=st.integers(1, 4), at_first=st.sampled_from(AT_FIRST))
@settings(max_examples=25, deadline=None)
def test_probabilities_and_expectations_keep_their_laws(params, row, k, at_first):
    x, share, T, H = row
    row = np.array([float(x)]), np.array([share * T if x else 0.0]), np.array([T])
    process = BetaGeoProcess(at_first, k)
    alive = process.alive(params, *row)[0]
    churn, longer = (process.churn(params, *row, time)[0] for time in (H, 2 * H))
    expected, more = (process.purchases(params, *row, time)[0] for time in (H, 2 * H))
    assert 0 <= alive <= 1
    assert 1 - alive - 1e-9 <= longer <= churn + 1e-12 <= 1 + 1e-9
    # Somebody who buys at all buys at least once.
    assert 1 - churn <= expected + 1e-9
    assert expected <= more + 1e-9
    # With no horizon nothing happens.
    assert process.churn(params, *row, 0.0)[0] == pytest.approx(1)
    assert process.purchases(params, *row, 0.0)[0] == pytest.approx(0, abs=1e-9)


def test_a_likelihood_with_regular_timing_by_hand():
    """Reutterer, Platzer and Schroeder's own check values, for (k, r, alpha, a, b) of theirs."""
    params = np.array([0.5, 2, 0.3, 0.6])
    for (x, t_x, T), expected in {(3, 12, 14): -10.42500, (4, 12, 14): -12.22396}.items():
        process = BetaGeoProcess(regularity=3)
        counts = Counts(*(np.array([float(v)]) for v in (x, t_x, T, 1)), log_gaps=3.0)
        terms, _ = process.log_terms(params, counts)
        assert terms[0] + 2 * 3.0 - x * np.log(2) == pytest.approx(expected, abs=5e-6)
