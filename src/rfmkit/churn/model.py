"""ChurnModel: the probability of churn, learned from the outcomes of past days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, Self

import numpy as np

from rfmkit import _checks as checks
from rfmkit.btyd import ModifiedBetaGeo
from rfmkit.btyd._estimates import beside, in_batches
from rfmkit.churn import _training_days as training_days
from rfmkit.churn._blend import Blend
from rfmkit.churn._explanation import (
    check_buyers,
    customer_ids,
    effects_table,
    importances,
    shapley,
)
from rfmkit.churn._features import FACTS, feature_table
from rfmkit.churn._logits import LEAST, expit, logit
from rfmkit.churn._training_days import MIN_OUTCOMES, TrainingDay, btyd_churn, most_outcomes
from rfmkit.exceptions import NotFittedError, warn
from rfmkit.orders.orders import as_orders

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    import pandas as pd
    from numpy.typing import NDArray

    from rfmkit._engine.frame_types import Frame
    from rfmkit.orders.orders import Orders

    Floats = NDArray[np.float64]

Learner = Literal["logistic", "boosting", "blend"]
HORIZON_PARTS: Final = (1, 2, 3, 4)
"""Parts of the horizon that are tried in turn, where the log is too short for all of it."""
TWO_YEARS: Final = 730


class ChurnModel:
    """Probability of no purchase within the horizon, learned from past days of the same log.

    The model takes customers as they were on past days whose horizon is complete, with their
    outcome. A logistic regression and gradient boosted trees learn from these rows; both start
    from the prediction of a `ModifiedBetaGeo` that was fitted on the log up to that day. The
    prediction is a blend of the two, `ModifiedBetaGeo` and `ChurnCurve`, with weights learned on
    later days than the members. With few customers the result is close to `ModifiedBetaGeo`.
    Where no past day has enough outcomes, `ModifiedBetaGeo` is used alone, and `fallback_` says
    so.

    Parameters
    ----------
    horizon_days : int, default 365
        The horizon H, in days.
    learner : {"blend", "logistic", "boosting"}, default "blend"
        ``"logistic"`` and ``"boosting"`` blend one learner with `ModifiedBetaGeo`; ``"blend"``
        blends both learners, `ModifiedBetaGeo` and `ChurnCurve`.
    sample : int, default 200_000
        Largest number of rows to learn from; a row is a customer on a past day. Customers are
        chosen by a hash of their id.
    origins : int, default 12
        Largest number of past days to learn from. They are spread evenly over the log, so that
        all seasons are included.

    Attributes
    ----------
    training_ : DataFrame
        One row per past day: `origin` (datetime64), `customers` (int64), `churn_rate` (float64, 0
        to 1, the observed share that churned), `role` (str): ``"calibrate"`` for the days on which
        the weights were learned, ``"fit"`` for the others, ``"not used"`` with a fallback to
        `ModifiedBetaGeo`. The members that predict are fitted on the days of both roles.
    weights_ : dict of str to float
        The weight of each member; they add up to one.
    importances_ : DataFrame
        `feature` (str: a group of facts), `log_loss` (float64): growth of the mean logarithmic
        loss on the days of role ``"calibrate"`` when the group is shuffled among customers.
    learned_days_ : int
        The horizon that was learned, in days: `horizon_days`, or a part of it where the log is too
        short, or 0 with a fallback to `ModifiedBetaGeo`.
    fallback_ : str
        Empty, or why the log is too short for the horizon and what is done instead: a shorter
        horizon is learned and extrapolated, or `ModifiedBetaGeo` is used alone.
    btyd_ : ModifiedBetaGeo
        The model fitted on the whole log.
    curve_ : ChurnCurve
        The curve fitted on the whole log.

    See Also
    --------
    rfmkit.ChurnCurve : the same probability by days of silence and order number alone.
    rfmkit.ModifiedBetaGeo : the same probability from a model of four parameters.

    Notes
    -----
    The facts about a customer are in five groups. `purchases`: repeat purchases and active days.
    `silence`: days since the last purchase. `recent_purchases`: purchases in the last H/2, H, 2H
    and 4H days. `rhythm`: the last gap, and how uneven the gaps are. `value`: spend in all and in
    the last 2H days. In logs of two years and more the time of year is included. The level of
    churn in one season is not carried over to the next.

    The blend is a weighted mean of logits, the logarithmic opinion pool: Genest and Zidek (1986),
    "Combining probability distributions", Statistical Science 1, section 3. The weights are
    shrunk towards fixed ones, because weights estimated on one season often predict the next one
    less well than equal weights: Smith and Wallis (2009), "A simple explanation of the forecast
    combination puzzle", Oxford Bulletin of Economics and Statistics 71.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> model = rk.ChurnModel(60, origins=6).fit(orders)
    >>> model.predict_churn(orders).head(3).round(2)
      customer_id  churn_probability
    0     C000001               0.89
    1     C000002               0.97
    2     C000003               0.47
    >>> model.training_.head(3).round(2)
          origin  customers  churn_rate       role
    0 2024-10-31       1032        0.75  calibrate
    1 2024-06-18        825        0.72  calibrate
    2 2024-02-19        672        0.73        fit
    """

    def __init__(
        self,
        horizon_days: int = 365,
        *,
        learner: Learner = "blend",
        sample: int = 200_000,
        origins: int = 12,
    ) -> None:
        self.horizon_days = horizon_days
        self.learner = learner
        self.sample = sample
        self.origins = origins

    # --- fit ---------------------------------------------------------------------------------

    def fit(self, orders: Orders) -> Self:
        """Learn from the past days of a log; nothing after `orders.as_of` is used.

        Parameters
        ----------
        orders : Orders
            The log, as of its day.

        Returns
        -------
        ChurnModel
            Itself, fitted.

        Raises
        ------
        NotEnoughHistoryError
            The log holds no purchase, or purchases of a single day only.
        RfmkitError
            An argument of the model is wrong, or `orders` is no log.

        Warns
        -----
        RfmkitWarning
            The log is too short for the horizon. `fallback_` says why and what is done instead.
        """
        horizon = checks.horizon(self.horizon_days)
        checks.choice("learner", self.learner, ("logistic", "boosting", "blend"))
        checks.whole("sample", self.sample)
        checks.whole("origins", self.origins)
        self.btyd_ = ModifiedBetaGeo(self.horizon_days)
        with np.errstate(all="ignore"):
            self.btyd_.fit(as_orders(orders))
        self.curve_ = training_days.curve_of(orders, self.horizon_days)
        self._blend: Blend | None = None
        days: list[TrainingDay] = []
        held: list[TrainingDay] = []
        reason = ""
        for part in HORIZON_PARTS:
            self.learned_days_ = horizon // part
            if not self.learned_days_:
                break
            plan = training_days.plan(orders, self.learned_days_, self.origins, self.sample)
            days = training_days.look_back(orders, plan, self.learned_days_)
            held, early = training_days.split(days)
            why_not = training_days.why_not(days, early, self.learned_days_)
            reason = reason or why_not
            if not why_not:
                self._learn(days, held, early, plan)
                break
        facts = training_days.facts_now(orders, self.learned_days_ or 1, plan.share)
        self._typical = np.median(facts, axis=0)
        self._set_fallback(reason, days)
        learned = self._blend is not None
        self.training_ = training_days.training_table(days, held, learned=learned)
        return self

    def _set_fallback(self, reason: str, days: list[TrainingDay]) -> None:
        """Set what is used where the past days have too few outcomes, and warn of it."""
        self.fallback_ = ""
        if self._blend is None:
            self.learned_days_ = 0
            self.weights_ = {"ModifiedBetaGeo": 1.0}
            self.importances_ = importances([], TrainingDay.btyd_logit)
            self.fallback_ = f"ModifiedBetaGeo alone is used. {reason}"
        elif reason:
            self.fallback_ = (
                f"A horizon of {self.learned_days_} days is learned, and ModifiedBetaGeo extends "
                f"it to {self.horizon_days} days. {reason}"
            )
        if self.fallback_:
            churned, back = most_outcomes(days)
            way = "a longer" if back < MIN_OUTCOMES <= churned else "a shorter"
            warn(self.fallback_, hint=f"ask for {way} horizon_days, or give a longer log.")

    def _learn(
        self,
        days: list[TrainingDay],
        held: list[TrainingDay],
        early: list[TrainingDay],
        plan: training_days.Plan,
    ) -> None:
        """Learn the weights on the days held out, then fit the members on all days."""
        training_days.fit_btyd(days)
        seasons = plan.log_days >= TWO_YEARS
        # Horizons of neighbouring days overlap: each row counts by the part that is its own.
        row_weight = min(1.0, plan.step_days / self.learned_days_)
        trial = Blend(self.learner, seasons=seasons).fit(early, row_weight)
        weights = trial.learn_weights(held, row_weight)
        self.importances_ = importances(held, trial.logit)
        self._blend = Blend(self.learner, seasons=seasons).fit(days, row_weight)
        self._blend.weights = weights
        self.weights_ = dict(zip(self._blend.names, weights.tolist(), strict=True))

    # --- predictions -------------------------------------------------------------------------

    @property
    def estimand(self) -> str:
        """What the probabilities are probabilities of, in words.

        Returns
        -------
        str
            For example ``P(no purchase within 90 days from now | purchases so far)``.
        """
        return f"P(no purchase within {self.horizon_days} days from now | purchases so far)"

    def predict_churn(self, orders: Orders[Frame], horizon_days: int | None = None) -> Frame:
        """Return each customer's probability of no purchase within the horizon.

        Parameters
        ----------
        orders : Orders
            A log, as of its day.
        horizon_days : int, optional
            The horizon, in days. Default: the model's own. For another one, the log of the
            probability within `learned_days_` is multiplied by the ratio of the logs that `btyd_`
            predicts for the two horizons.

        Returns
        -------
        DataFrame
            `customer_id`, `churn_probability` (float64, 0 to 1), in the log's kind, ordered by
            `customer_id`.

        Raises
        ------
        NotFittedError
            The model has not been fitted.
        RfmkitError
            `horizon_days` is no whole number of days of at least 1, or `orders` is no log.

        Examples
        --------
        >>> import rfmkit as rk
        >>> orders = rk.read_orders(rk.load_sample())
        >>> model = rk.ChurnModel(60, origins=6).fit(orders)
        >>> model.predict_churn(orders, 30).head(3).round(2)
          customer_id  churn_probability
        0     C000001               0.93
        1     C000002               0.98
        2     C000003               0.66
        """
        horizon = checks.horizon(self.horizon_days if horizon_days is None else horizon_days)
        self._check_fitted()
        table = feature_table(as_orders(orders), horizon_days=self.learned_days_ or 1)
        day = orders.as_of

        def churn(*facts: Floats) -> Floats:
            return self._churn(np.stack(facts, axis=1), day, horizon)

        # The engine calls it for a few thousand customers at a time, so that memory stays small.
        kinds = ["float64"] * len(FACTS)
        score = {"churn_probability": in_batches(churn, *kinds, deduplicate=False)}
        row = [table[name] for name in FACTS]
        scored = beside(orders, table, kept=("customer_id",), row=row, functions=score)
        if orders.history.kind == "duckdb":  # a relation is SQL, which cannot call the function
            scored = orders.history.engine.store(scored, "churn")
        return orders.history.deliver(scored, order_by=("customer_id",))

    def explain(
        self, orders: Orders, *, customers: Iterable[Any] | None = None, top: int = 3
    ) -> pd.DataFrame:
        """Return which facts move each customer's probability away from the typical customer's.

        Parameters
        ----------
        orders : Orders
            A log, as of its day.
        customers : iterable of ids, optional
            The customers to explain. Default: the first `sample` customers of the log.
        top : int, default 3
            Number of features per customer, those with the largest effects.

        Returns
        -------
        pandas.DataFrame
            `customer_id`, `churn_probability` (float64, 0 to 1), `rank` (int64, from 1),
            `feature` (str, a group of facts), `effect` (float64, in logits: above zero it makes
            churn more likely). The effects of all five groups add up to the difference from the
            typical customer, whose facts are the medians.

        Raises
        ------
        NotFittedError
            The model has not been fitted.
        RfmkitError
            `customers` is no list, or names somebody without a purchase; `top` is no whole number
            of at least 1.

        Notes
        -----
        The effects are Shapley values, exact for the five groups of facts: Strumbelj and Kononenko
        (2014), "Explaining prediction models and individual predictions with feature
        contributions", Knowledge and Information Systems 41.

        Examples
        --------
        >>> import rfmkit as rk
        >>> orders = rk.read_orders(rk.load_sample())
        >>> model = rk.ChurnModel(60, origins=6).fit(orders)
        >>> model.explain(orders, customers=["C000001"], top=2).round(2)
          customer_id  churn_probability  rank    feature  effect
        0     C000001               0.89     1  purchases    0.41
        1     C000001               0.89     2    silence   -0.41
        """
        self._check_fitted()
        checks.whole("top", top)
        table = feature_table(as_orders(orders), horizon_days=self.learned_days_ or 1)
        asked = None if customers is None else customer_ids(customers)
        table = table.order_by("customer_id")
        table = (
            table.limit(self.sample)
            if asked is None
            else table.filter(table.customer_id.cast("string").isin(asked))
        )
        frame = orders.history.engine.frame(table)
        check_buyers(asked, frame)
        facts = training_days.facts_of(frame)
        day = orders.as_of
        effects = shapley(
            facts, self._typical, lambda rows: logit(self._churn(rows, day, self.horizon_days))
        )
        churn = self._churn(facts, day, self.horizon_days)
        return effects_table(frame["customer_id"], churn, effects, top=top)

    def _churn(self, facts: Floats, day: dt.date, horizon_days: int) -> Floats:
        """Return the probability of churn within any horizon."""
        btyd = btyd_churn(self.btyd_, facts, horizon_days)
        if self._blend is None:
            return btyd
        today = TrainingDay(day, self.learned_days_, facts, self.btyd_, self.curve_)
        churn = np.clip(expit(self._blend.logit(today)), LEAST, 1 - LEAST)
        if horizon_days == self.learned_days_:
            return churn
        learned = btyd_churn(self.btyd_, facts, self.learned_days_)
        hazard, learned_hazard = (np.log(np.clip(p, LEAST, 1 - LEAST)) for p in (btyd, learned))
        return np.asarray(np.exp(np.log(churn) * hazard / learned_hazard))

    def _check_fitted(self) -> None:
        if not hasattr(self, "weights_"):
            raise NotFittedError(
                "A ChurnModel must be fitted before use.",
                found="a ChurnModel that has not been fitted",
                hint="call .fit(orders) first.",
            )

    def __repr__(self) -> str:
        """Return the estimand, the members of the blend, and what to call next."""
        if not hasattr(self, "weights_"):
            return f"<ChurnModel: {self.estimand}; not fitted, next: .fit(orders)>"
        members = ", ".join(f"{weight:.0%} {name}" for name, weight in self.weights_.items())
        return (
            f"<ChurnModel: {self.estimand}; {members} from {len(self.training_)} past days; "
            "next: .predict_churn(orders)>"
        )
