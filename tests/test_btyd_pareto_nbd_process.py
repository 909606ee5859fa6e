"""The Pareto/NBD process against 60-digit arithmetic, published values, and laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rfmkit.btyd import _pareto_nbd_process as module
from rfmkit.btyd._counts import Counts
from rfmkit.btyd._pareto_nbd_process import ParetoNBDProcess

# r, alpha, s, beta, x, t_x, T; log-likelihood and P(alive) by mpmath's hypergeometric function
# with 60 digits.
CORNERS = [
    (0.01, 0.001, 0.01, 0.001, 0, 0, 1, -0.066702899281873332, 0.931022163091794),
    (0.01, 1e5, 0.01, 0.001, 0, 0, 1, -9.4259956847606336e-8, 0.933244967607362),
    (0.01, 0.001, 100, 1e5, 0, 0, 1, -0.069077521617879193, 0.998990488724397),
    (100, 0.001, 100, 1e5, 0, 0, 1, -18.410630418404986, 8.94938432249853e-293),
    (0.55, 0.3, 0.6, 0.35, 0, 0, 1, -0.51560986954752183, 0.33259440031539),
    (0.01, 0.001, 0.01, 0.001, 1000, 1, 1, 5899.5523405044507, 1.0),
    (100, 1e5, 100, 1e5, 1000, 0.5, 1, -5271.2816826797877, 0.999498752143448),
    (0.01, 0.001, 100, 0.001, 1000, 0.001, 1, 12043.578560463846, 0.0),
    (0.5, 0.01, 0.01, 1e5, 1000, 0.999, 1, 5895.8439196943355, 0.999999999829076),
    (100, 1e5, 0.01, 0.001, 1, 0.0001, 1, -6.9096612893031723, 0.934081549541214),
    (100, 100, 0.01, 0.001, 1, 0, 1, -0.91412187498174453, 0.852187173578883),
    (0.01, 1e5, 100, 0.001, 10, 0.9, 1, -787.25500102669967, 2.68576121783117e-5),
    # parameters on which hypergeometric functions overflow
    (10.465, 0.00798565, 3.0516, 2.82, 400, 5, 6, 1323.1889287438494, 5.13745798830848e-31),
    (10.465, 0.00798565, 3.0516, 2.82, 500, 0.1, 6, 3733.4922938590635, 0.0),
    (0.55, 10.58, 0.61, 11.67, 133, 200, 200, -196.84535254945133, 1.0),
    (1, 1, 1, 1, 1, 0.5, 1, -1.7032060718866099, 0.686440677966102),
]
CDNOW = np.array([0.5534, 10.5802, 0.6061, 11.6562])
PROCESS = ParetoNBDProcess()


def array(*values):
    return np.array(values, dtype=float)


def counts(x, t_x, T):
    return Counts(array(x), array(t_x), array(T), array(1))


@pytest.mark.parametrize("corner", CORNERS)
def test_the_likelihood_holds_in_every_corner(corner):
    *params, x, t_x, T, log_likelihood, alive = corner
    term, slopes = PROCESS.log_terms(array(*params), counts(x, t_x, T))
    assert term[0] == pytest.approx(log_likelihood, rel=1e-14, abs=1e-11)
    found = PROCESS.alive(array(*params), array(x), array(t_x), array(T))
    assert found[0] == pytest.approx(alive, rel=1e-11, abs=1e-300)
    assert np.isfinite(slopes).all()


@st.composite
def cases(draw):
    """Draw parameters and one customer."""
    logs = [draw(st.floats(low, high)) for low, high in ((-4, 4), (-6, 6), (-4, 4), (-6, 6))]
    x = draw(st.integers(0, 200))
    tenure = draw(st.floats(0.01, 100))
    share = draw(st.floats(0, 1)) if x else 0
    return np.exp(logs), float(x), share * tenure, tenure


@settings(max_examples=30)
@given(cases())
def test_the_derivatives_are_those_of_the_likelihood(case):
    params, *row = case
    _, slopes = PROCESS.log_terms(params, counts(*row))
    by_difference = []
    for place in range(4):
        step = np.zeros(4)
        step[place] = 1e-4
        high, low = (
            PROCESS.log_terms(params * np.exp(d), counts(*row))[0][0] for d in (step, -step)
        )
        by_difference.append((high - low) / 2e-4)
    size = 1 + row[0] + params[0] + params[2]
    assert slopes[0] * params == pytest.approx(by_difference, rel=1e-5, abs=1e-6 * size)


@settings(max_examples=30)
@given(cases(), st.floats(0.01, 1000))
def test_no_unit_of_time_matters(case, unit):
    params, x, t_x, T = case
    term, _ = PROCESS.log_terms(params, counts(x, t_x, T))
    moved = params * array(1, unit, 1, unit)
    other, _ = PROCESS.log_terms(moved, counts(x, t_x * unit, T * unit))
    assert other[0] + x * np.log(unit) == pytest.approx(term[0], rel=1e-9, abs=1e-9)
    row = (array(x), array(t_x), array(T))
    scaled = (array(x), array(t_x * unit), array(T * unit))
    for one, two in [
        (PROCESS.alive(params, *row), PROCESS.alive(moved, *scaled)),
        (PROCESS.churn(params, *row, 3), PROCESS.churn(moved, *scaled, 3 * unit)),
        (PROCESS.purchases(params, *row, 3), PROCESS.purchases(moved, *scaled, 3 * unit)),
    ]:
        assert two == pytest.approx(one, rel=1e-8, abs=1e-200)


@given(cases(), st.floats(0.01, 50), st.floats(0.01, 50))
def test_silence_adds_up(case, first, second):
    params, x, t_x, T = case
    row = (array(x), array(t_x))
    early = PROCESS.churn(params, *row, array(T), first)
    late = PROCESS.churn(params, *row, array(T + first), second)
    both = PROCESS.churn(params, *row, array(T), first + second)
    assert early * late == pytest.approx(both, rel=1e-9)
    assert both[0] <= early[0] * (1 + 1e-10) <= 1 + 2e-10
    # Who has left does not buy.
    assert both[0] >= 1 - PROCESS.alive(params, *row, array(T))[0] - 1e-10


@given(cases(), st.floats(0.01, 50))
def test_expected_purchases_are_at_least_the_chance_of_one(case, horizon):
    params, x, t_x, T = case
    row = (array(x), array(t_x), array(T))
    expected = PROCESS.purchases(params, *row, horizon)[0]
    assert expected >= (1 - PROCESS.churn(params, *row, horizon)[0]) * (1 - 1e-9) - 1e-9


def test_a_drop_out_of_shape_1_is_the_limit_of_its_neighbours():
    at, *near = (
        PROCESS.purchases(array(0.6, 10, s, 12), array(2), array(20), array(30), 52)
        for s in (1, 1 - 1e-9, 1 + 1e-9)
    )
    assert near == [pytest.approx(at, rel=1e-8)] * 2


def test_many_rows_are_worked_out_like_each_alone():
    rng = np.random.default_rng(7)
    T = rng.uniform(0.001, 50, 3000)
    x = np.floor(rng.exponential(20, 3000))
    t_x = np.where(x > 0, rng.uniform(0, 1, 3000) * T, 0)
    together = PROCESS.churn(CDNOW, x, t_x, T, 10)
    for row in range(0, 3000, 100):
        alone = PROCESS.churn(CDNOW, x[[row]], t_x[[row]], T[[row]], 10)
        assert together[row] == pytest.approx(alone[0], rel=1e-13)


def test_fewer_nodes_would_not_do(monkeypatch):
    corner = CORNERS[4]
    monkeypatch.setattr(module, "NODES", (2,) * len(module.NODES))
    term, _ = PROCESS.log_terms(array(*corner[:4]), counts(*corner[4:7]))
    assert abs(term[0] - corner[7]) > 1e-6


def new_customers(horizon, params=CDNOW):
    return PROCESS.purchases(params, array(0), array(0), array(0), horizon)[0]


@pytest.mark.parametrize(("weeks", "expected"), [(1, 0.0510045), (3, 0.1461243), (6, 0.2750506)])
def test_new_customers_buy_as_published(weeks, expected):
    assert new_customers(weeks) == pytest.approx(expected, abs=5e-8)


def test_the_growth_of_a_new_customer_is_as_published():
    params = array(0.55, 10.56, 0.61, 11.64)
    weeks = [new_customers(week, params) for week in range(10)]
    published = [
        0.0, 0.05077821, 0.09916088, 0.14542507, 0.18979930,
        0.23247466, 0.27361274, 0.31335159, 0.35181024, 0.38909211,
    ]  # fmt: skip
    assert weeks == pytest.approx(published, abs=5e-9)


def test_customers_of_cdnow_are_as_published():
    # Customer 1516 of the sample, 52 weeks ahead. The parameters of the publication have more
    # digits than it prints.
    row = (array(26), array(216 / 7), array(31))
    assert PROCESS.purchases(CDNOW, *row, 52)[0] == pytest.approx(25.45647, rel=2e-4)
    assert PROCESS.alive(CDNOW, *row)[0] == pytest.approx(0.997874, abs=2e-6)
    assert new_customers(52) == pytest.approx(1.473434, rel=3e-4)
    # Who bought more often and is silent as long is expected to buy less.
    x = array(10, 15, 20, 25)
    paradox = PROCESS.purchases(CDNOW, x, np.full(4, 20.0), np.full(4, 39.0), 52)
    assert paradox == pytest.approx([0.7062289, 0.1442396, 0.02250658, 0.00309267], rel=6e-4)


def test_heavy_buyers_are_as_published():
    params = array(0.55, 10.58, 0.61, 11.67)
    expected = PROCESS.purchases(params, array(132, 133), array(200, 200), array(200, 200), 10)
    assert expected == pytest.approx([6.2060517890, 6.2528722476], abs=5e-11)
    alive = PROCESS.alive(
        array(0.5143, 2.8845, 0.2856, 14.1087),
        array(221, 254, 161, 204),
        array(103.42857, 97.14286, 94.71429, 98.57143),
        array(103.57143, 97.28571, 98, 99.42857),
    )
    assert (alive > 0.7).all()
    assert (alive < 1).all()


def test_the_coordinates_are_those_of_the_parameters():
    params = array(0.55, 0.3, 0.6, 0.35)
    point = PROCESS.point(params)
    found, by_point = PROCESS.natural(point)
    assert found == pytest.approx(params, rel=1e-12)
    assert point[2] == pytest.approx(np.log(0.6 * np.log(1 + 1 / 0.35)))
    for place in range(4):
        step = np.zeros(4)
        step[place] = 1e-6
        moved = np.log(PROCESS.natural(point + step)[0] / PROCESS.natural(point - step)[0]) / 2e-6
        assert by_point[:, place] == pytest.approx(moved, abs=1e-8)
