"""Search spaces: every point has its parameters, and the mean log-likelihood its gradient."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfmkit.btyd._beta_geo_beta_binomial_process import BetaGeoBetaBinomialSpace
from rfmkit.btyd._beta_geo_process import BetaGeoProcess
from rfmkit.btyd._gamma_gamma_density import GammaGammaSpace
from rfmkit.btyd._pareto_nbd_process import ParetoNBDProcess
from rfmkit.btyd._search_space import in_space, mean_log_likelihood, weighted_sum
from rfmkit.btyd.shifted_beta_geometric import BetaSpace

SPACES = [
    BetaGeoProcess(),
    ParetoNBDProcess(),
    BetaGeoBetaBinomialSpace(),
    GammaGammaSpace(),
    BetaSpace(),
]
spaces = st.sampled_from(SPACES)
points = st.lists(st.floats(-4, 4), min_size=4, max_size=4).map(np.array)


@given(space=spaces, point=points)
def test_a_point_is_found_again_from_its_parameters(space, point):
    point = point[: len(space.names)]
    params, _ = space.natural(point)
    assert (params > 0).all()
    assert space.point(params) == pytest.approx(point, abs=1e-8)


@given(space=spaces, point=points)
def test_the_jacobian_is_that_of_the_logarithms(space, point):
    point = point[: len(space.names)]
    _, jacobian = space.natural(point)
    for place, step in enumerate(1e-6 * np.eye(len(point))):
        rise = np.log(space.natural(point + step)[0] / space.natural(point - step)[0]) / 2e-6
        assert jacobian[:, place] == pytest.approx(rise, abs=1e-7)


@pytest.mark.parametrize("space", SPACES, ids=lambda space: type(space).__name__)
def test_a_space_describes_each_coordinate(space):
    assert len(space.limits) == len(space.names) == len(space.widths)
    assert space.coefficients == 0
    assert all(low < high for low, high in space.limits)
    bounds = {*space.boundaries, *space.unidentified}
    assert bounds <= {(place, side) for place in range(len(space.names)) for side in (-1, 1)}
    for start in space.starts:
        at = space.point(np.array(start))
        assert all(low < value < high for value, (low, high) in zip(at, space.limits, strict=True))


def test_the_objective_is_the_mean_with_its_gradient():
    space, weight = BetaSpace(), np.array([1.0, 3.0])

    def log_terms(params):
        terms = np.array([np.log(params).sum(), params[0] ** 2])
        return terms, np.array([1 / params, [2 * params[0], 0.0]])

    objective = mean_log_likelihood(in_space(space, weighted_sum(log_terms, weight)), 4.0)
    point = np.array([0.3, -0.2])
    params, _ = space.natural(point)
    value, gradient = objective(point)
    assert value == pytest.approx((np.log(params).sum() + 3 * params[0] ** 2) / 4)
    for place, step in enumerate(1e-6 * np.eye(2)):
        rise = objective(point + step)[0] - objective(point - step)[0]
        assert gradient[place] == pytest.approx(rise / 2e-6, rel=1e-6)
