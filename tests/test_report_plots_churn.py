"""The picture of a churn curve: probabilities, intervals, and dashes beyond the data."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import rfmkit as rk
from rfmkit.exceptions import MissingExtraError

pytestmark = pytest.mark.usefixtures("no_figure_is_left")


@pytest.fixture(scope="module")
def curve(orders):
    return rk.ChurnCurve(180).fit(orders)


def drawn(ax):
    """Return the solid and the dashed line of each stratum, in the order they were drawn."""
    solid = [line for line in ax.lines if line.get_linestyle() == "-"]
    dashed = [line for line in ax.lines if line.get_linestyle() == "--"]
    return list(zip(solid, dashed, strict=True))


def predicted(curve, first, days):
    table = pd.DataFrame({"customer_id": days, "purchases": first, "recency_days": days})
    return curve.predict_churn(table)


def test_the_curve_draws_the_probabilities_of_every_stratum(curve, ax):
    curve.plot(ax=ax)
    lines, end = drawn(ax), ax.get_xlim()[1]
    assert len(lines) == len(curve.strata_) == 5
    assert 170 < end <= 180  # where churn is certain in every stratum
    for (solid, dashed), stratum in zip(lines, curve.strata_.itertuples(), strict=True):
        days, chance = solid.get_xydata().T
        assert days.tolist() == list(range(len(days)))
        expected = predicted(curve, stratum.first_order_number, days.astype(int))
        assert chance.tolist() == expected["churn_probability"].tolist()
        assert days[-1] == min(stratum.last_return_days, end)
        assert all(day >= stratum.last_return_days for day in dashed.get_xdata())


def test_beyond_the_data_it_goes_on_dashed(orders, ax):
    curve = rk.ChurnCurve(3000, min_gaps=10**6).fit(orders)
    curve.plot(ax=ax)
    (solid, dashed), last = drawn(ax)[0], curve.strata_["last_return_days"].iloc[0]
    assert solid.get_xdata()[-1] == dashed.get_xdata()[0] == last
    assert len(dashed.get_xdata()) > 1
    expected = predicted(curve, 1, dashed.get_xdata().astype(int))["churn_probability"]
    assert dashed.get_ydata().tolist() == expected.tolist()


def test_the_bands_are_the_intervals(curve, ax):
    curve.plot(ax=ax)
    assert len(ax.collections) == len(curve.strata_)
    corners = {tuple(corner) for corner in ax.collections[0].get_paths()[0].vertices}
    expected = predicted(curve, 1, np.arange(180))
    for row in expected.itertuples():
        assert {(row.customer_id, row.churn_lower), (row.customer_id, row.churn_upper)} <= corners


def test_the_picture_says_what_it_shows(curve, ax):
    curve.plot(ax=ax)
    assert ax.get_title() == curve.estimand
    assert ax.get_xlabel() == "days since the last purchase"
    assert ax.get_ylabel() == "probability of churn"
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == [f"after purchase {stratum}" for stratum in curve.strata_["stratum"]]
    assert ax.get_ylim()[0] == 0
    assert ax.get_ylim()[1] >= 1


@pytest.mark.parametrize("count", [6, 7, 9])
def test_many_strata_are_all_drawn(orders, ax, count):
    curve = rk.ChurnCurve(180, order_numbers=range(1, count + 1), min_gaps=1).fit(orders)
    curve.plot(ax=ax)
    assert len(ax.get_legend().get_texts()) == len(curve.strata_) == count


def test_the_axes_given_are_used_and_no_figure_is_opened(curve, ax):
    assert curve.plot(ax=ax) is ax
    assert plt.get_fignums() == []


def test_without_axes_new_ones_come(curve):
    found = curve.plot()
    assert plt.get_fignums() == [found.figure.number]
    assert found.has_data()


def test_without_matplotlib_the_extra_is_named(curve, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(
        MissingExtraError, match=r"^ChurnCurve\.plot needs .*\n.*\nHint: .*rfmkit\[report"
    ):
        curve.plot()
