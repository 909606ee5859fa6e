"""Shrinkage: the strength that made the gaps is found again."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import gammaln

import rfmkit as rk
from rfmkit.cycle._shrinkage import bounded, count_gap_sums, shrinkage_strength


def drawn(strength, k, *, customers=20_000, seed=1):
    """Draw customers of one to six gaps from the model itself, of a cycle of 30 days."""
    rng = np.random.default_rng(seed)
    shape = strength * k + 1
    mean = 30 * strength * k / rng.gamma(shape, size=customers)
    count = rng.integers(1, 7, size=customers)
    total = rng.gamma(k * count) * mean / k
    return pd.DataFrame({"repeat_purchases": count, "active_days": total, "customers": 1})


@pytest.mark.parametrize(("strength", "k"), [(0.5, 1.0), (2.0, 1.0), (2.0, 3.0), (10.0, 2.0)])
def test_the_strength_is_found_again(strength, k):
    assert shrinkage_strength(drawn(strength, k), k) == pytest.approx(strength, rel=0.12)


def test_the_likelihood_is_greatest_there():
    pairs, k = drawn(2.0, 1.5, customers=500), 1.5
    n, s = k * pairs["repeat_purchases"], k * pairs["active_days"]

    def best(strength):
        """Maximise over the cycle, by trying many."""
        shape = strength * k + 1
        scale = strength * k * np.linspace(5, 120, 2000)[:, None]
        terms = gammaln(shape + n.to_numpy()) - gammaln(shape) + shape * np.log(scale)
        return (terms - (shape + n.to_numpy()) * np.log(scale + s.to_numpy())).sum(axis=1).max()

    found = shrinkage_strength(pairs, k)
    assert best(found) > best(found * 0.9)
    assert best(found) > best(found * 1.1)


@pytest.mark.slow  # test_the_strength_is_found_again: unequal customers have a low strength
def test_unequal_customers_are_shrunk_less_than_equal_ones():
    def strength(rate_cv):
        sim = rk.simulate_orders(3000, seed=4, rate_cv=rate_cv)
        return rk.PurchaseCycle().fit(rk.read_orders(sim.orders)).strength_

    assert strength(1.0) < strength(0.5) < strength(0.1)


def test_the_strength_of_a_log_is_that_of_its_gaps(orders):
    cycle = rk.PurchaseCycle().fit(orders)
    found = shrinkage_strength(count_gap_sums(orders), cycle.regularity_)
    assert cycle.strength_ == pytest.approx(found, rel=1e-12)


def test_one_customer_gives_a_strength_of_one():
    pairs = pd.DataFrame({"repeat_purchases": [3, 0], "active_days": [90, 0], "customers": [1, 9]})
    assert shrinkage_strength(pairs, 1.0) == 1.0


def test_regularity_is_kept_where_a_gamma_can_be_computed():
    found = [bounded(k) for k in (0.1, 0.7, float("nan"), float("inf"))]
    assert found == [0.5, 0.7, 1.0, 50.0]
