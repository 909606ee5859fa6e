"""The pictures of backtests: predictions against what was observed."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import rfmkit as rk
from rfmkit.exceptions import MissingExtraError
from rfmkit.report import plots
from rfmkit.validation._baselines import BASELINES
from rfmkit.validation.backtesting import Backtest

pytestmark = pytest.mark.usefixtures("no_figure_is_left")
RELIABILITY = pd.DataFrame({
    "model": ["curve", "curve", "rate"], "bin": [1, 2, 1], "customers": [50, 50, 100],
    "predicted": [0.2, 0.7, 0.5], "observed": [0.25, 0.8, 0.5], "lower": [0.1, 0.6, 0.4],
    "upper": [0.4, 0.9, 0.6],
})  # fmt: skip
TRACKING = pd.DataFrame({
    "model": ["geo", "geo", "rate", "rate"], "days": [7, 14, 7, 14],
    "expected_purchases": [3.5, 6.5, 4.0, 8.0], "purchases": [4, 7, 4, 7],
})  # fmt: skip
DRAWN = [
    (plots.reliability_curve, RELIABILITY, r"Backtest\.plot_reliability"),
    (plots.tracking_curve, TRACKING, r"Backtest\.plot_tracking"),
]


def test_reliability_sets_shares_against_probabilities(ax):
    plots.reliability_curve(RELIABILITY, title="Churn", ax=ax)
    diagonal, curve, rate = (ax.lines[place].get_xydata().tolist() for place in range(3))
    assert diagonal == [[0, 0], [1, 1]]
    assert curve == [[0.2, 0.25], [0.7, 0.8]]
    assert rate == [[0.5, 0.5]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["curve", "rate"]
    assert ax.get_title() == "Churn"
    assert (ax.get_xlim(), ax.get_ylim()) == ((0, 1), (0, 1))


def test_reliability_has_its_intervals(ax):
    plots.reliability_curve(RELIABILITY, title="Churn", ax=ax)
    ends = [bar.tolist() for bar in ax.collections[0].get_segments()]
    expected = [[[0.2, 0.1], [0.2, 0.4]], [[0.7, 0.6], [0.7, 0.9]]]
    np.testing.assert_allclose(ends, expected)


def test_tracking_begins_with_nothing(ax):
    plots.tracking_curve(TRACKING, title="after it", ax=ax)
    observed, geo, rate = (line.get_xydata().tolist() for line in ax.lines)
    assert observed == [[0, 0], [7, 4], [14, 7]]
    assert geo == [[0, 0], [7, 3.5], [14, 6.5]]
    assert rate == [[0, 0], [7, 4], [14, 8]]
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["observed", "geo", "rate"]
    assert ax.get_title() == "after it"
    assert ax.get_ylim()[0] == 0


def test_many_models_have_different_lines(ax):
    names = [f"model {place}" for place in range(9)]
    table = pd.concat([RELIABILITY.head(2).assign(model=name) for name in names])
    plots.reliability_curve(table, title="Churn", ax=ax)
    looks = {(line.get_color(), line.get_linestyle()) for line in ax.lines[1:]}
    assert len(looks) == len(ax.lines) - 1 == 9


@pytest.mark.slow
def test_a_backtest_draws_its_tables(orders):
    draws_its_tables(
        rk.backtest(orders, [rk.ModifiedBetaGeo()], horizon_days=90, origins=["2024-07-03"])
    )


def test_the_tables_of_a_result_are_drawn():
    names = {"geo": "ModifiedBetaGeo", "curve": "ModifiedBetaGeo", "rate": BASELINES[0].name}
    result = Backtest.__new__(Backtest)  # its tables, without the trials that they come from
    result.horizon_days = 90
    result.reliability = RELIABILITY.replace({"model": names})
    result.tracking = TRACKING.replace({"model": names})
    models = result.reliability["model"].unique()
    rows = [(model, origin) for origin in ("all", "2024-07-03") for model in models]
    result.leaderboard = pd.DataFrame(rows, columns=["model", "origin"])
    draws_its_tables(result)


def draws_its_tables(result):
    left, right = (Figure().subplots() for _ in range(2))
    assert result.plot_reliability(left, models=result.pooled["model"].tolist()) is left
    assert result.plot_tracking(right) is right
    table = result.reliability.groupby("model", sort=False)
    for line, (_, bins) in zip(left.lines[1:], table, strict=True):
        assert line.get_xydata().tolist() == bins[["predicted", "observed"]].values.tolist()
    assert left.get_title() == "No purchase within 90 days: predicted and observed"
    assert right.get_title() == "Purchases after 2024-07-03"
    expected = result.tracking["expected_purchases"][result.tracking["model"] == "ModifiedBetaGeo"]
    assert right.lines[1].get_ydata().tolist() == [0, *expected]


@pytest.mark.parametrize(("draw", "table", "_caller"), DRAWN)
def test_the_axes_given_are_used_and_no_figure_is_opened(ax, draw, table, _caller):
    assert draw(table, title="", ax=ax) is ax
    assert plt.get_fignums() == []


@pytest.mark.parametrize(("draw", "table", "_caller"), DRAWN)
def test_without_axes_new_ones_come(draw, table, _caller):
    found = draw(table, title="")
    assert plt.get_fignums() == [found.figure.number]
    assert found.has_data()


@pytest.mark.parametrize(("draw", "table", "caller"), DRAWN)
def test_without_matplotlib_the_extra_is_named(monkeypatch, draw, table, caller):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingExtraError, match=rf"^{caller} needs .*\n.*\nHint: .*rfmkit\[report"):
        draw(table, title="")
