"""Backtesting: models of churn scored on past days, whose outcomes the log holds."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from rfmkit import _checks as checks
from rfmkit.exceptions import RfmkitError, examples
from rfmkit.orders.orders import as_orders
from rfmkit.report._sections import Report, Section, as_html, as_text
from rfmkit.validation import _metrics as metrics
from rfmkit.validation._baselines import BASELINES
from rfmkit.validation._leaderboard import leaderboard
from rfmkit.validation._origins import choose_origins
from rfmkit.validation._trial import (
    POOLED,
    hold_trial,
    is_reanchored,
    named_models,
    pooled,
    predictions,
    purchases_made,
    tracking_table,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from rfmkit.orders.orders import DateLike, Orders
    from rfmkit.validation._trial import Trial

__all__ = ["Backtest", "backtest"]

SHOWN: Final = ("brier", "ece", "auc", "top_decile_lift", "count_mae")
"""The metrics beside the log-loss that fit on a screen; `leaderboard` has all of them."""


def backtest(
    orders: Orders,
    models: Any,
    horizon_days: int,
    *,
    origins: Sequence[DateLike] | None = None,
    bins: int = 10,
    sample: int = 200_000,
    keep_predictions: bool = False,
) -> Backtest:
    """Score models of churn on past days, whose outcomes the log holds in full.

    On each origin (a past day) a copy of every model is fitted on the log up to that day. It
    predicts churn for all customers who had bought by then, and its probabilities are compared
    with the purchases in the `horizon_days` after the origin. The table always contains four
    baselines: the base rate, recency, recency over the customer's own mean gap, and purchases at
    random times at the customer's own rate.

    Parameters
    ----------
    orders : Orders
        The log, as of its day.
    models : model, sequence of models, or dict of names to models
        Each has ``fit(orders)`` and ``predict_churn(orders, horizon_days=)``, which returns
        `customer_id, churn_probability`. Where it also has ``predict_purchases(customers,
        horizon_days=)``, its counts are scored. Models are copied, fitted or not, and stay as
        they are. The copies of a model with a parameter `horizon_days` have the one passed here,
        and those of a model with a parameter `anchor` have ``"snapshot"``: the horizon begins on
        the origin. Where the anchor was another, the note of the model says so.
    horizon_days : int
        The horizon, in days: churn is no purchase in (origin, origin + horizon_days].
    origins : sequence of dates, optional
        The past days. Default: `as_of` less one, two and three horizons, so that outcomes do not
        overlap. The last origin needs one horizon of log before it and each earlier one two, for
        the models and the baselines to learn from. A shorter log has fewer origins.
    bins : int, default 10
        Bins of the reliability table and of `ece`, of equal size.
    sample : int, default 200,000
        Largest number of customers that are scored. They are chosen by a hash of their id, the
        same on every origin. Models are fitted on all customers.
    keep_predictions : bool, default False
        Whether to keep the probabilities of every customer, in `predictions`.

    Returns
    -------
    Backtest
        Its `leaderboard` is a DataFrame, the lowest log-loss first: `model`, `origin` ("all", then
        each day), `customers` (int64), `churn_rate` (float64, the share that churned), the metrics
        (float64; `tie` is boolean) and `note` (str).

    Raises
    ------
    NotEnoughHistoryError
        The log is too short for one origin, or an outcome would reach beyond `orders.as_of`.
    RfmkitError
        `models` contains something that is no model, or a model whose horizon cannot begin on the
        origin.

    See Also
    --------
    rfmkit.recommend_model : the model that a backtest recommends.

    Notes
    -----
    `log_loss` clips probabilities to 1e-6 from 0 and 1. `behind` is the log-loss less the best
    one. Intervals are of 95 %, from 200 bootstrap draws of customers with all their rows, paired
    over the models; `tie` is true where the interval of `behind` contains zero. `brier_skill` is
    against the base rate that was known on the day. `calibration_slope` and
    `calibration_intercept` are those of a logistic regression on the log-odds (Cox 1958,
    Biometrika 45): 1 and 0 are perfect. `count_mae` is the mean absolute difference of purchases
    expected and made. A model with too little history on a day has null metrics there and under
    "all", and a `note` that says so.

    The log that a model gets ends on the origin: later rows are not in it, and its ``until``
    cannot reach a later day.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> result = rk.backtest(orders, [rk.ModifiedBetaGeo()], 90, origins=["2024-07-03"])
    >>> result.pooled[["model", "customers", "log_loss", "brier", "tie"]].round(4)
                   model  customers  log_loss   brier    tie
    0    ModifiedBetaGeo        846    0.4149  0.1331   True
    1            recency        846    0.4689  0.1543  False
    2  recency / own gap        846    0.4769  0.1576  False
    3     rate x horizon        846    0.5641  0.1885  False
    4          base rate        846    0.6281  0.2181  False
    """
    orders = as_orders(orders)
    horizon_days = checks.horizon(horizon_days)
    checks.whole("bins", bins, least=2)
    checks.whole("sample", sample)
    models = named_models(models)
    entrants = models | {kind.name: kind() for kind in BASELINES}
    table = orders.history.customers
    log = orders.history.engine.row(
        table.aggregate(customers=table.count(), first=table.first_purchase.min())
    )
    days = choose_origins(orders.as_of, log["first"], horizon_days, origins)
    share = min(1.0, sample / log["customers"])
    trials = [hold_trial(orders, entrants, day, horizon_days, share) for day in days]
    result = Backtest(
        trials,
        purchases_made(orders, trials[-1], horizon_days, share),
        horizon_days=horizon_days,
        bins=bins,
        reanchored=[name for name, model in models.items() if is_reanchored(model)],
    )
    if keep_predictions:
        result.predictions = predictions(trials)
    return result


class Backtest:
    """Result of `backtest`: a leaderboard, and the tables that its plots draw.

    Attributes
    ----------
    leaderboard : DataFrame
        `model`, `origin` ("all", then each day), `customers` (int64), `churn_rate` (float64), the
        metrics of `backtest` (float64; `tie` is boolean), `note` (str).
    reliability : DataFrame
        `model`, `bin`, `customers` (int64), `predicted`, `observed`, `lower`, `upper` (float64, 0
        to 1), over all origins: the mean probability of each bin and the share that churned, with
        Wilson's interval of 95 %.
    tracking : DataFrame
        `model`, `days` (int64), `expected_purchases` (float64), `purchases` (int64): purchases of
        all customers of the last origin in the `days` after it. Models without
        ``predict_purchases`` have no rows.
    predictions : DataFrame or None
        `origin`, `customer_id`, `churned` (bool) and one column per model (float64), with
        ``keep_predictions=True``.
    horizon_days : int
        The horizon of the outcomes, in days.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> result = rk.backtest(orders, [rk.ModifiedBetaGeo()], 90, origins=["2024-07-03"])
    >>> bins = result.reliability.query("model == 'ModifiedBetaGeo'")
    >>> bins[["bin", "customers", "predicted", "observed"]].head(3).round(3)
       bin  customers  predicted  observed
    0    1         85      0.198     0.141
    1    2         84      0.378     0.250
    2    3         85      0.500     0.400
    >>> result.tracking.query("model == 'ModifiedBetaGeo'").tail(2).round(1)
                  model  days  expected_purchases  purchases
    11  ModifiedBetaGeo    84               500.7        552
    12  ModifiedBetaGeo    90               533.7        592
    """

    predictions: pd.DataFrame | None = None

    def __init__(
        self,
        trials: Sequence[Trial],
        made: pd.DataFrame,
        *,
        horizon_days: int,
        bins: int,
        reanchored: Collection[str] = (),
    ) -> None:
        import pandas as pd

        self.horizon_days = horizon_days
        self._last, self._made = trials[-1], made
        together = pooled(trials)
        self.leaderboard = pd.concat(
            [leaderboard(scope, bins, reanchored=reanchored) for scope in (together, *trials)],
            ignore_index=True,
        )
        tables = [
            metrics.reliability_table(together.churned, chance, bins=bins).assign(model=name)
            for name, chance in together.chances.items()
            if not np.isnan(chance).any()
        ]
        found = pd.concat(tables, ignore_index=True)
        self.reliability = found[["model", *found.columns.drop("model")]]

    @cached_property
    def tracking(self) -> pd.DataFrame:
        """Purchases after the last origin, expected and made; computed on first use."""
        return tracking_table(self._last, self._made)

    @property
    def pooled(self) -> pd.DataFrame:
        """The leaderboard over all origins, the best model first."""
        board = self.leaderboard
        return board[board["origin"] == POOLED].reset_index(drop=True)

    def to_frame(self) -> pd.DataFrame:
        """Return the leaderboard.

        Returns
        -------
        DataFrame
            `leaderboard`, in pandas.

        Examples
        --------
        >>> import rfmkit as rk
        >>> orders = rk.read_orders(rk.load_sample())
        >>> result = rk.backtest(orders, rk.ChurnCurve(), 90, origins=["2024-07-03"])
        >>> result.to_frame()[["model", "origin", "log_loss"]].head(3).round(4)
                       model origin  log_loss
        0         ChurnCurve    all    0.4395
        1            recency    all    0.4689
        2  recency / own gap    all    0.4769
        """
        return self.leaderboard

    def plot_reliability(
        self, ax: Axes | None = None, *, models: Sequence[str] | None = None
    ) -> Axes:
        """Plot the share that churned against the predicted probability.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw.
        models : sequence of str, optional
            Names of the models to draw. Default: those that were passed to `backtest` and the
            best baseline; more lines than that cannot be distinguished.

        Returns
        -------
        Axes
            The axes drawn on.

        Raises
        ------
        RfmkitError
            A name is not in the leaderboard.
        """
        from rfmkit.report.plots import reliability_curve

        every = list(self.pooled["model"])
        baselines = {kind.name for kind in BASELINES}
        best = next(name for name in every if name in baselines)
        chosen = models or [name for name in every if name == best or name not in baselines]
        unknown = [name for name in chosen if name not in every]
        if unknown:
            near = checks.nearest(unknown[0], every) or every[0]
            raise RfmkitError(
                "models must be names of the leaderboard.",
                found=f"{examples(unknown)}, which are not among {examples(every)}",
                hint=f"for example models=[{near!r}].",
            )
        table = self.reliability[self.reliability["model"].isin(chosen)]
        title = f"No purchase within {self.horizon_days} days: predicted and observed"
        return reliability_curve(table, title=title, ax=ax)

    def plot_tracking(self, ax: Axes | None = None) -> Axes:
        """Plot purchases after the last origin, as expected and as made.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw.

        Returns
        -------
        Axes
            The axes drawn on.

        Raises
        ------
        RfmkitError
            No model that could be fitted expects counts of purchases.
        """
        from rfmkit.report.plots import tracking_curve

        if self.tracking.empty:
            raise RfmkitError(
                "A plot of purchases needs a model that expects counts of them.",
                found="none with predict_purchases that could be fitted on the last origin",
                hint="add rk.ModifiedBetaGeo() to the models.",
            )
        title = f"Purchases after {self.leaderboard['origin'].iloc[-1]}"
        return tracking_curve(self.tracking, title=title, ax=ax)

    def _report(self) -> Report:
        board = self.pooled
        days = [day for day in self.leaderboard["origin"].unique() if day != POOLED]
        rows = [
            (str(row["model"]), _shown(row["log_loss"]), _interval(row),
             *(_shown(row[name]) for name in SHOWN),
             "yes" if row["tie"] is True else "", str(row["note"]))
            for row in board.to_dict("records")
        ]  # fmt: skip
        metrics_shown = (name.replace("_", " ") for name in SHOWN)
        headings = ("model", "log loss", "95 % interval", *metrics_shown, "tie", "note")
        rate = board["churn_rate"].iloc[0]
        counted = f"{board['customers'].iloc[0]:,} outcomes, {rate:.1%} churned"
        heading = f"{counted}; as of {', '.join(days)}"
        section = Section(heading, tuple(rows), headings, right=tuple(range(1, len(SHOWN) + 3)))
        past = "1 past day" if len(days) == 1 else f"{len(days)} past days"
        title = f"Churn within {self.horizon_days} days, predicted on {past}"
        return Report(title, (section,))

    def __repr__(self) -> str:
        """Return the leaderboard over all origins as plain text, and the next calls."""
        text = as_text(self._report()).rstrip("\n")
        return (
            f"{text}\n\nNext: .leaderboard has every origin and metric; .plot_reliability() draws "
            "calibration."
        )

    def _repr_html_(self) -> str:
        return as_html(self._report())


def _shown(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.4f}"


def _interval(row: Mapping[Any, Any]) -> str:
    low, high = row["log_loss_lower"], row["log_loss_upper"]
    return "" if np.isnan(low) else f"{low:.4f} to {high:.4f}"
