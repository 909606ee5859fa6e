"""Pictures draw the numbers they are given, on the axes they are given."""

import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import rfmkit as rk
from rfmkit.columns import SEGMENTS
from rfmkit.exceptions import MissingExtraError
from rfmkit.report import plots

mpl.use("agg")
import matplotlib.pyplot as plt

SIZES = pd.DataFrame(
    {"segment": ["prospect", "new", "fan"], "customers": [5, 1200, 40], "spend": [0.0, 75.0, 25.0]}
)


@pytest.fixture
def ax():
    return Figure().subplots()


@pytest.fixture(autouse=True)
def no_figure_is_left():
    """Whatever a test opens it closes; what it does not open is not there."""
    assert plt.get_fignums() == []
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def curve(orders):
    return rk.ChurnCurve(180).fit(orders)


def drawn(ax):
    """Give the solid and the dashed line of each stratum, in the order they were drawn."""
    solid = [line for line in ax.lines if line.get_linestyle() == "-"]
    dashed = [line for line in ax.lines if line.get_linestyle() == "--"]
    return list(zip(solid, dashed, strict=True))


def predicted(curve, first, days):
    table = pd.DataFrame({"customer_id": days, "purchases": first, "recency_days": days})
    return curve.predict_churn(table)


# --- the churn curve -----------------------------------------------------------------------------


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


# --- segment sizes -------------------------------------------------------------------------------


def test_the_bars_are_the_counts(ax):
    plots.segment_sizes(SIZES, ax=ax)
    assert [bar.get_width() for bar in ax.patches] == [5, 1200, 40]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["prospect", "new", "fan"]
    texts = [text.get_text().strip() for text in ax.texts]
    assert texts == [
        "5 customers, 0% of the money",
        "1,200 customers, 75% of the money",
        "40 customers, 25% of the money",
    ]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first on top


def test_each_segment_has_its_own_colour(ax):
    plots.segment_sizes(SIZES, ax=ax)
    found = [to_hex(bar.get_facecolor()) for bar in ax.patches]
    assert found == [plots.COLOURS[name].lower() for name in SIZES["segment"]]
    assert set(plots.COLOURS) == set(SEGMENTS)
    assert len(set(plots.COLOURS.values())) == len(SEGMENTS)


def test_without_money_there_is_no_division_by_it(ax):
    plots.segment_sizes(SIZES.assign(spend=0.0), ax=ax)
    assert all("0% of the money" in text.get_text() for text in ax.texts)


# --- backtests -----------------------------------------------------------------------------------

RELIABILITY = pd.DataFrame({
    "model": ["curve", "curve", "rate"], "bin": [1, 2, 1], "customers": [50, 50, 100],
    "predicted": [0.2, 0.7, 0.5], "observed": [0.25, 0.8, 0.5], "lower": [0.1, 0.6, 0.4],
    "upper": [0.4, 0.9, 0.6],
})  # fmt: skip
TRACKING = pd.DataFrame({
    "model": ["geo", "geo", "rate", "rate"], "days": [7, 14, 7, 14],
    "expected_purchases": [3.5, 6.5, 4.0, 8.0], "purchases": [4, 7, 4, 7],
})  # fmt: skip


def test_reliability_sets_shares_against_probabilities(ax):
    plots.reliability_curve(RELIABILITY, title="foretold", ax=ax)
    diagonal, curve, rate = (ax.lines[place].get_xydata().tolist() for place in range(3))
    assert diagonal == [[0, 0], [1, 1]]
    assert curve == [[0.2, 0.25], [0.7, 0.8]]
    assert rate == [[0.5, 0.5]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["curve", "rate"]
    assert ax.get_title() == "foretold"
    assert (ax.get_xlim(), ax.get_ylim()) == ((0, 1), (0, 1))


def test_reliability_has_its_intervals(ax):
    plots.reliability_curve(RELIABILITY, title="foretold", ax=ax)
    ends = [bar.tolist() for bar in ax.collections[0].get_segments()]
    expected = [[[0.2, 0.1], [0.2, 0.4]], [[0.7, 0.6], [0.7, 0.9]]]
    np.testing.assert_allclose(ends, expected)


def test_tracking_begins_with_nothing(ax):
    plots.tracking_curve(TRACKING, title="after it", ax=ax)
    made, geo, rate = (line.get_xydata().tolist() for line in ax.lines)
    assert made == [[0, 0], [7, 4], [14, 7]]
    assert geo == [[0, 0], [7, 3.5], [14, 6.5]]
    assert rate == [[0, 0], [7, 4], [14, 8]]
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["made", "geo", "rate"]
    assert ax.get_title() == "after it"
    assert ax.get_ylim()[0] == 0


def test_many_models_are_told_apart(ax):
    names = [f"model {place}" for place in range(9)]
    table = pd.concat([RELIABILITY.head(2).assign(model=name) for name in names])
    plots.reliability_curve(table, title="foretold", ax=ax)
    looks = {(line.get_color(), line.get_linestyle()) for line in ax.lines[1:]}
    assert len(looks) == len(ax.lines) - 1 == 9


def test_a_backtest_draws_its_tables(orders):
    result = rk.backtest(orders, [rk.ModifiedBetaGeo()], horizon_days=90, origins=["2024-07-03"])
    left, right = (Figure().subplots() for _ in range(2))
    assert result.plot_reliability(left, models=result.pooled["model"].tolist()) is left
    assert result.plot_tracking(right) is right
    table = result.reliability.groupby("model", sort=False)
    for line, (_, bins) in zip(left.lines[1:], table, strict=True):
        assert line.get_xydata().tolist() == bins[["predicted", "observed"]].values.tolist()
    assert left.get_title() == "No purchase within 90 days: foretold and seen"
    assert right.get_title() == "Purchases after 2024-07-03"
    expected = result.tracking["expected_purchases"][result.tracking["model"] == "ModifiedBetaGeo"]
    assert right.lines[1].get_ydata().tolist() == [0, *expected]


# --- axes and figures ----------------------------------------------------------------------------


def test_the_axes_given_are_used_and_no_figure_is_opened(curve, ax):
    assert curve.plot(ax=ax) is ax
    assert plots.segment_sizes(SIZES, ax=ax) is ax
    assert plt.get_fignums() == []


@pytest.mark.parametrize("which", ["curve", "sizes"])
def test_without_axes_new_ones_come(curve, which):
    found = curve.plot() if which == "curve" else plots.segment_sizes(SIZES)
    assert plt.get_fignums() == [found.figure.number]
    assert found.has_data()


def test_side_by_side_belongs_to_no_window():
    figure, (left, right) = plots.side_by_side()
    assert left.figure is right.figure is figure
    assert plt.get_fignums() == []


def test_the_tables_given_are_left_alone(ax):
    before = SIZES.copy()
    plots.segment_sizes(SIZES, ax=ax)
    pd.testing.assert_frame_equal(SIZES, before)


@pytest.mark.parametrize(
    ("draw", "caller"),
    [
        (lambda curve: curve.plot(), r"ChurnCurve\.plot"),
        (lambda _: plots.segment_sizes(SIZES), "segment_sizes"),
        (lambda _: plots.side_by_side(), "A picture"),
        (
            lambda _: plots.reliability_curve(RELIABILITY, title=""),
            r"Backtest\.plot_reliability",
        ),
        (lambda _: plots.tracking_curve(TRACKING, title=""), r"Backtest\.plot_tracking"),
    ],
    ids=["curve", "sizes", "side_by_side", "reliability", "tracking"],
)
def test_without_matplotlib_the_extra_is_named(curve, monkeypatch, draw, caller):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=rf"^{caller} needs .*\n.*\nHint: .*rfmkit\[report"):
        draw(curve)
