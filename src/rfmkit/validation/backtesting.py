"""Validation: which model foretells churn best on this log, by what happened on past days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from rfmkit import _checks as checks
from rfmkit.exceptions import NotEnoughHistoryError, RfmkitError, examples
from rfmkit.orders.orders import as_day, as_orders
from rfmkit.report._sections import Report, Section, as_html, as_text
from rfmkit.validation import _metrics as metrics
from rfmkit.validation._baselines import BASELINES
from rfmkit.validation._trial import (
    POOLED,
    board,
    hold,
    made_later,
    named,
    pooled,
    predictions,
    track,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from rfmkit.orders.orders import Day, Orders
    from rfmkit.validation._trial import Trial

__all__ = ["Backtest", "backtest"]

MOST_ORIGINS: Final = 3
SHOWN: Final = (
    "log_loss", "log_loss_lower", "log_loss_upper", "brier", "brier_skill", "ece",
    "calibration_slope", "calibration_intercept", "auc", "top_decile_lift", "count_mae",
)  # fmt: skip


def backtest(
    orders: Orders,
    models: Any,
    *,
    horizon_days: int,
    origins: Sequence[Day] | None = None,
    bins: int = 10,
    sample: int = 200_000,
    keep_predictions: bool = False,
) -> Backtest:
    """Score models of churn on past days, whose outcomes the log holds in full.

    On each origin every model is made anew and fitted on the log as it was known that day, asked
    for everybody who had bought by then, and set against who bought in the `horizon_days` after.
    Four baselines learn by the same rule, and are always in the table: the base rate, recency
    alone, recency over the own mean gap, and purchases at random times at the own rate.

    Parameters
    ----------
    orders : Orders
        The log, as of its day.
    models : sequence of models, or dict of names to models
        Each has ``fit(orders)`` and ``predict_churn(orders, horizon_days=)``, which gives
        `customer_id, churn_probability`; with ``predict_purchases(customers, horizon_days=)``
        their counts are scored as well. They are copied, fitted or not, and left alone; of a
        model with a parameter `horizon_days` the copies have the one asked for here.
    horizon_days : int
        The horizon: churn is no purchase in (origin, origin + horizon_days].
    origins : sequence of dates, optional
        The past days. Left out: `as_of` less one, two and three horizons, so that outcomes do not
        overlap; the last needs one horizon of log before it and each earlier one two, of which
        the models and the baselines can learn. A shorter log has fewer origins.
    bins : int, default 10
        Bins of the reliability table and of `ece`, of equal size.
    sample : int, default 200,000
        Of more customers so many are scored: those whose id has the lowest hash, the same on
        every origin. Models are fitted on all.
    keep_predictions : bool, default False
        Whether to keep every customer's probabilities, in `predictions`.

    Returns
    -------
    Backtest
        Its `leaderboard` is a DataFrame: `model, origin` ("all", then each day), `customers`,
        `churn_rate` (the share that churned) and the metrics, the lowest log-loss first.

    Raises
    ------
    NotEnoughHistoryError
        The log is too short for one origin, or an outcome would reach beyond `orders.as_of`.

    Notes
    -----
    `log_loss` clips probabilities to 1e-6 from 0 and 1. `behind` is the log-loss less the best
    one; intervals are of 95 %, from 200 draws of customers with all their rows, paired over the
    models; `tie` says that the interval of `behind` holds zero. `brier_skill` is against the base
    rate that was known on the day. `calibration_slope` and `calibration_intercept` are those of a
    logistic regression on the log-odds: 1 and 0 are perfect. `count_mae` is the mean distance of
    purchases expected and made. A model that finds too little history on a day has null metrics
    there and under "all", and a `note` that says so.

    What a model is given is cut off at the origin: later rows are not in it, and its ``until``
    leads to no later day.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> models = [rk.ModifiedBetaGeo()]
    >>> result = rk.backtest(orders, models, horizon_days=90, origins=["2024-07-03"])
    >>> result.leaderboard["origin"].unique().tolist()
    ['all', '2024-07-03']
    >>> result.pooled["model"].tolist()
    ['ModifiedBetaGeo', 'recency', 'recency / own gap', 'rate x horizon', 'base rate']
    """
    orders = as_orders(orders)
    horizon_days = checks.horizon(horizon_days)
    checks.whole("bins", bins, least=2)
    checks.whole("sample", sample)
    entrants = named(models) | {kind.name: kind() for kind in BASELINES}
    table = orders.history.customers
    log = orders.history.engine.row(
        table.aggregate(customers=table.count(), first=table.first_purchase.min())
    )
    days = _origins(orders.as_of, log["first"], horizon_days, origins)
    share = min(1.0, sample / log["customers"])
    trials = [hold(orders, entrants, day, horizon_days, share) for day in days]
    made = made_later(orders, trials[-1], horizon_days, share)
    result = Backtest(trials, made, horizon_days=horizon_days, bins=bins)
    if keep_predictions:
        result.predictions = predictions(trials)
    return result


class Backtest:
    """What `backtest` found: a leaderboard, and the tables behind its pictures.

    Attributes
    ----------
    leaderboard : DataFrame
        `model, origin, customers, churn_rate`, the metrics of `backtest`, `note`.
    reliability : DataFrame
        `model, bin, customers, predicted, observed, lower, upper`, over all origins: the mean
        probability of each bin and the share that churned, with Wilson's interval.
    tracking : DataFrame
        `model, days, expected_purchases, purchases`: of the customers of the last origin, bought
        in all by so many days after it; of the models that expect counts.
    predictions : DataFrame or None
        `origin, customer_id, churned` and a column a model, where they were to be kept.
    horizon_days : int
        The horizon of the outcomes.
    """

    predictions: pd.DataFrame | None = None

    def __init__(
        self, trials: Sequence[Trial], made: pd.DataFrame, *, horizon_days: int, bins: int
    ) -> None:
        import pandas as pd

        self.horizon_days = horizon_days
        self._last, self._made = trials[-1], made
        together = pooled(trials)
        scopes = (together, *trials)
        self.leaderboard = pd.concat([board(scope, bins) for scope in scopes], ignore_index=True)
        tables = [
            metrics.reliability_table(together.churned, chance, bins=bins).assign(model=name)
            for name, chance in together.chances.items()
            if not np.isnan(chance).any()
        ]
        found = pd.concat(tables, ignore_index=True)
        self.reliability = found[["model", *found.columns.drop("model")]]

    @cached_property
    def tracking(self) -> pd.DataFrame:
        """Purchases after the last origin, expected and made; worked out when first asked for."""
        return track(self._last, self._made)

    @property
    def pooled(self) -> pd.DataFrame:
        """The leaderboard over all origins, the best model first."""
        board = self.leaderboard
        return board[board["origin"] == POOLED].reset_index(drop=True)

    def to_frame(self) -> pd.DataFrame:
        """Give the leaderboard."""
        return self.leaderboard

    def plot_reliability(
        self, ax: Axes | None = None, *, models: Sequence[str] | None = None
    ) -> Axes:
        """Draw the share that churned against the probability foretold.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw.
        models : sequence of str, optional
            The names of those to draw. Left out: those that were asked for and the best of the
            baselines, since nine lines cannot be told apart.

        Returns
        -------
        Axes
        """
        from rfmkit.report.plots import reliability_curve

        every = list(self.pooled["model"])
        baselines = {kind.name for kind in BASELINES}
        best = next(name for name in every if name in baselines)
        chosen = models or [name for name in every if name == best or name not in baselines]
        unknown = [name for name in chosen if name not in every]
        if unknown:
            raise RfmkitError(
                f"models are names of the leaderboard: {examples(every)}.",
                found=examples(unknown),
            )
        table = self.reliability[self.reliability["model"].isin(chosen)]
        title = f"No purchase within {self.horizon_days} days: foretold and seen"
        return reliability_curve(table, title=title, ax=ax)

    def plot_tracking(self, ax: Axes | None = None) -> Axes:
        """Draw purchases after the last origin, as expected and as made."""
        from rfmkit.report.plots import tracking_curve

        if self.tracking.empty:
            raise RfmkitError(
                "Some model expects counts of purchases.",
                found="none with predict_purchases that could be fitted on the last origin",
                hint="add rk.ModifiedBetaGeo() to the models.",
            )
        title = f"Purchases after {self.leaderboard['origin'].iloc[-1]}"
        return tracking_curve(self.tracking, title=title, ax=ax)

    @property
    def report(self) -> Report:
        """The report before it is written."""
        board = self.pooled
        days = [day for day in self.leaderboard["origin"].unique() if day != POOLED]
        rows = [
            (str(row["model"]), *(_shown(row[name]) for name in SHOWN),
             "yes" if row["tie"] is True else "", str(row["note"]))
            for row in board.to_dict("records")
        ]  # fmt: skip
        headings = ("model", *(name.replace("_", " ") for name in SHOWN), "tie", "note")
        rate = board["churn_rate"].iloc[0]
        counted = f"{board['customers'].iloc[0]:,} outcomes, {rate:.1%} churned"
        heading = f"{counted}; as of {', '.join(days)}"
        section = Section(heading, tuple(rows), headings, right=tuple(range(1, len(SHOWN) + 1)))
        title = f"Churn within {self.horizon_days} days, foretold on {len(days)} past days"
        return Report(title, (section,))

    def __repr__(self) -> str:
        """Write the leaderboard over all origins as plain text."""
        return as_text(self.report)

    def _repr_html_(self) -> str:
        return as_html(self.report)


def _shown(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.4f}"


def _origins(
    as_of: dt.date, first: dt.date, horizon: int, given: Sequence[Day] | None
) -> list[dt.date]:
    """Give the past days, checked, or the last few that do not overlap."""
    if given is None:
        back = [
            (place, as_of.toordinal() - place * horizon) for place in range(1, MOST_ORIGINS + 1)
        ]
        days = [
            dt.date.fromordinal(day) for place, day in back
            if day - first.toordinal() >= (horizon if place == 1 else 2 * horizon)
        ]  # fmt: skip
        if not days:
            most = (as_of - first).days // 2
            raise NotEnoughHistoryError(
                f"The log holds a horizon of {horizon} days before the origin and one after.",
                found=f"{(as_of - first).days} days, {first} to {as_of}",
                hint=f"ask for at most {most} days, or name origins=." if most else "a longer log.",
            )
        return days[::-1]
    listed = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
    days = sorted({as_day(day, "origins") for day in listed})
    if not days:
        raise RfmkitError("origins names a day at least.", found=f"origins={given!r}")
    if (as_of - days[-1]).days < horizon:
        raise NotEnoughHistoryError(
            f"Every origin lies {horizon} days or more before as_of.",
            found=f"origin {days[-1]} with as_of {as_of}",
            hint="take earlier origins or a shorter horizon_days.",
        )
    if days[0] < first:
        raise NotEnoughHistoryError(
            "Somebody has bought by every origin.",
            found=f"origin {days[0]}, and the first purchase on {first}",
            hint="take later origins.",
        )
    return days
