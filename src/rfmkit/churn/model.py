"""ChurnModel: the probability of churn, learned from what customers did after past days."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import numpy as np

from rfmkit import _checks as checks
from rfmkit.btyd import ModifiedBetaGeo
from rfmkit.btyd._estimates import beside, in_batches
from rfmkit.churn import _training_days as training_days
from rfmkit.churn._blend import LEAST, Blend, Day, btyd_churn, expit, logit
from rfmkit.churn._explanation import importances, shapley
from rfmkit.churn._features import FACTS, GROUPS, feature_table
from rfmkit.exceptions import NotFittedError, RfmkitError, examples, warn
from rfmkit.orders.orders import as_orders

if TYPE_CHECKING:
    import datetime as dt

    import pandas as pd
    from numpy.typing import NDArray

    from rfmkit.orders.orders import Orders

    Floats = NDArray[np.float64]

Learns = Literal["logistic", "boosting", "blend"]
MIN_OUTCOMES: Final = 50
PARTS: Final = (1, 2, 3, 4)
"""Which parts of the horizon are tried, where the past is too short to teach all of it."""
TWO_YEARS: Final = 730


class ChurnModel:
    """Probability of no purchase within the horizon, learned from the log's own past.

    Customers are shown as they stood on past days whose horizon is over, with what they did next.
    A logistic regression and gradient boosted trees learn from that, both on top of what
    `ModifiedBetaGeo`, fitted on what was known by then, had expected; these three and the
    `ChurnCurve` of that day are blended with weights that were learned on days they had not seen.
    With few customers the learners are held close to `ModifiedBetaGeo`, and where no past day can
    tell it is used alone: see `fallback_`.

    Parameters
    ----------
    horizon_days : int, default 365
        The horizon H, in days.
    learner : {"blend", "logistic", "boosting"}, default "blend"
        What learns. `ModifiedBetaGeo` is blended with each; ``"blend"`` has both learners, and the
        curve as well.
    sample : int, default 200_000
        How many rows, a customer on a past day each, are learned from at most. Customers are
        chosen by a hash of their id.
    origins : int, default 12
        How many past days are learned from at most: spread evenly over the log, so that every
        season counts.

    Attributes
    ----------
    training_ : DataFrame
        `origin, customers, churn_rate, role`: the past days. `role` is ``"calibrate"`` for those
        on which the weights were learned, with members fitted on earlier outcomes alone; all are
        ``"fit"`` for the members that predict, in the end.
    weights_ : dict of str to float
        The weight of each member; they add up to one.
    importances_ : DataFrame
        `feature, log_loss`: by how much the mean logarithmic loss grows on the days of role
        ``"calibrate"`` when the feature is shuffled among customers.
    learned_days_ : int
        The horizon that was learned: `horizon_days`, or a part of it where the log is too short
        for more, or 0 for none.
    fallback_ : str
        Empty, or what is done instead and why: a shorter horizon is learned and carried on by
        `ModifiedBetaGeo`, or `ModifiedBetaGeo` alone is used.
    btyd_ : ModifiedBetaGeo
        The one fitted on the whole log.
    curve_ : ChurnCurve
        The same, by silence and order number.

    See Also
    --------
    rfmkit.ChurnCurve : the same question by the days of silence alone, with a picture.
    rfmkit.ModifiedBetaGeo : the same from a model of two lines, with fewer data.

    Notes
    -----
    The features are counts of purchases, in all and in trailing windows of H/2, H, 2H and 4H, the
    silence in days and in own cycles (shrunk by the gamma of the purchase rates), tenure, the
    trend and spread of gaps, and the value of purchases. With two years and more the season joins
    them. Neither the level nor the trend of one past season is carried on to the next.

    Logits are averaged: Genest and Zidek (1986), "Combining probability distributions",
    Statistical Science 1, section 3 (logarithmic opinion pool). Their weights are drawn towards
    fixed ones, since weights that follow one season closely do worse in the next than a plain
    mean: Smith and Wallis (2009), "A simple explanation of the forecast combination puzzle",
    Oxford Bulletin of Economics and Statistics 71.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> model = rk.ChurnModel(horizon_days=60, origins=6).fit(orders)
    >>> churn = model.predict_churn(orders)
    >>> list(churn.columns)
    ['customer_id', 'churn_probability']
    >>> bool(churn["churn_probability"].between(0, 1).all())
    True
    """

    def __init__(
        self,
        horizon_days: int = 365,
        *,
        learner: Learns = "blend",
        sample: int = 200_000,
        origins: int = 12,
    ) -> None:
        self.horizon_days = horizon_days
        self.learner = learner
        self.sample = sample
        self.origins = origins

    # --- fit ---------------------------------------------------------------------------------

    def fit(self, orders: Orders) -> Self:
        """Learn from the past days of a log; nothing after `orders.as_of` is seen.

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
            The log holds no purchase, or is one of a single day.

        Warns
        -----
        RfmkitWarning
            The past cannot teach what was asked: `fallback_` says why, and what is done instead.
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
        days: list[Day] = []
        held: list[Day] = []
        reason = ""
        for part in PARTS:
            self.learned_days_ = horizon // part
            if not self.learned_days_:
                break
            plan = training_days.plan(orders, self.learned_days_, self.origins, self.sample)
            days = training_days.look_back(orders, plan, self.learned_days_)
            held, early = training_days.split(days)
            why_not = _why_not(days, early, self.learned_days_)
            reason = reason or why_not
            if not why_not:
                self._learn(days, held, early, plan)
                break
        self._typical = np.median(
            training_days.now(orders, self.learned_days_ or 1, plan.share), axis=0
        )
        self._end(reason, days)
        self.training_ = _training(days, held, learned=self._blend is not None)
        return self

    def _end(self, reason: str, days: list[Day]) -> None:
        """Return what was done where the past cannot teach what was asked."""
        self.fallback_ = ""
        if self._blend is None:
            self.learned_days_ = 0
            self.weights_ = {"ModifiedBetaGeo": 1.0}
            self.importances_ = importances([], Day.btyd_logit)
            self.fallback_ = f"ModifiedBetaGeo alone is used. {reason}"
        elif reason:
            self.fallback_ = (
                f"{self.learned_days_} days are learned, and carried on to {self.horizon_days} by "
                f"ModifiedBetaGeo. {reason}"
            )
        if self.fallback_:
            churned, back = _most(days)
            way = "a longer" if back < MIN_OUTCOMES <= churned else "a shorter"
            warn(self.fallback_, hint=f"ask for {way} horizon_days, or give a longer log.")

    def _learn(
        self, days: list[Day], held: list[Day], early: list[Day], plan: training_days.Plan
    ) -> None:
        """Learn the weights on the days held back, then the members on all."""
        training_days.fit_btyd(days)
        seasons = plan.log_days >= TWO_YEARS
        weight = min(1.0, plan.step_days / self.learned_days_)
        trial = Blend(self.learner, seasons=seasons).fit(early, weight)
        weights = trial.weigh(held, weight)
        self.importances_ = importances(held, trial.logit)
        self._blend = Blend(self.learner, seasons=seasons).fit(days, weight)
        self._blend.weights = weights
        self.weights_ = dict(zip(self._blend.names, weights.tolist(), strict=True))

    # --- predictions -------------------------------------------------------------------------

    @property
    def estimand(self) -> str:
        """What the probabilities are probabilities of."""
        return f"P(no purchase within {self.horizon_days} days from now | purchases so far)"

    def predict_churn(self, orders: Orders, horizon_days: int | None = None) -> Any:
        """Return each customer's probability of no purchase within the horizon.

        Parameters
        ----------
        orders : Orders
            A log, as of its day.
        horizon_days : int, optional
            Another horizon than the model's own. The hazard that `btyd_` expects until then is
            multiplied by how much more or less the model expects within `learned_days_`.

        Returns
        -------
        DataFrame
            `customer_id, churn_probability`, in the log's kind, ordered by `customer_id`.
        """
        horizon = checks.horizon(self.horizon_days if horizon_days is None else horizon_days)
        self._fitted()
        table = feature_table(as_orders(orders), horizon_days=self.learned_days_ or 1)
        day = orders.as_of

        def churn(*facts: Floats) -> Floats:
            return self._churn(np.stack(facts, axis=1), day, horizon)

        # An engine calls it with a few thousand customers at a time, however many there are.
        score = {"churn_probability": in_batches(churn, *["float64"] * len(FACTS), alike=False)}
        row = [table[name] for name in FACTS]
        scored = beside(orders, table, kept=("customer_id",), row=row, functions=score)
        if orders.history.kind == "duckdb":  # a relation is SQL, which would not know the function
            scored = orders.history.engine.store(scored, "churn")
        return orders.history.deliver(scored, order_by=("customer_id",))

    def explain(
        self, orders: Orders, *, customers: Iterable[Any] | None = None, top: int = 3
    ) -> pd.DataFrame:
        """Return what moves the probability of each customer away from that of a typical one.

        Parameters
        ----------
        orders : Orders
            A log, as of its day.
        customers : iterable of ids, optional
            Whom to explain; left out, everybody, as far as `sample` goes.
        top : int, default 3
            How many features for each, those first that move most.

        Returns
        -------
        pandas.DataFrame
            `customer_id, churn_probability, rank, feature, effect`: the effect is in logits, over
            zero where it makes churn more probable. The effects of all five features add up to
            the difference from the typical customer, whose facts are the medians.

        Notes
        -----
        Shapley values, exact over the five groups of facts: Strumbelj and Kononenko (2014),
        Knowledge and Information Systems 41.
        """
        import pandas as pd

        self._fitted()
        checks.whole("top", top)
        table = feature_table(as_orders(orders), horizon_days=self.learned_days_ or 1)
        asked = None if customers is None else _ids(customers)
        table = table.order_by("customer_id")
        table = (
            table.limit(self.sample)
            if asked is None
            else table.filter(table.customer_id.cast("string").isin(asked))
        )
        frame = orders.history.engine.frame(table)
        _check_customers(asked, frame)
        facts = training_days.facts_of(frame)
        day = orders.as_of
        effects = shapley(
            facts, self._typical, lambda rows: logit(self._churn(rows, day, self.horizon_days))
        )
        order = np.argsort(-np.abs(effects), axis=1, kind="stable")[:, :top]
        names = np.array(list(GROUPS))
        width = order.shape[1]
        return pd.DataFrame(
            {
                "customer_id": frame["customer_id"].repeat(width).to_numpy(),
                "churn_probability": self._churn(facts, day, self.horizon_days).repeat(width),
                "rank": np.tile(np.arange(1, width + 1), len(frame)),
                "feature": names[order].ravel(),
                "effect": np.take_along_axis(effects, order, axis=1).ravel(),
            }
        )

    def _churn(self, facts: Floats, day: dt.date, horizon_days: int) -> Floats:
        """Return the probability of churn within any horizon."""
        other = btyd_churn(self.btyd_, facts, horizon_days)
        if self._blend is None:
            return other
        standing = Day(day, self.learned_days_, facts, self.btyd_, self.curve_)
        churn = expit(self._blend.logit(standing))
        churn = np.clip(churn, LEAST, 1 - LEAST)
        if horizon_days == self.learned_days_:
            return churn
        learned = btyd_churn(self.btyd_, facts, self.learned_days_)
        carried = [np.log(np.clip(found, LEAST, 1 - LEAST)) for found in (other, learned)]
        return np.asarray(np.exp(np.log(churn) * carried[0] / carried[1]))

    def _fitted(self) -> None:
        if not hasattr(self, "weights_"):
            raise NotFittedError(
                "A ChurnModel must be fitted before use.",
                found="a ChurnModel that has not been fitted",
                hint="rk.ChurnModel(90).fit(orders).",
            )

    def __repr__(self) -> str:
        """Return what was asked, and of what the answer is made."""
        if not hasattr(self, "weights_"):
            return f"<ChurnModel: {self.estimand}; not fitted>"
        members = ", ".join(f"{weight:.0%} {name}" for name, weight in self.weights_.items())
        return f"<ChurnModel: {self.estimand}; {members} from {len(self.training_)} past days>"


def _why_not(days: list[Day], early: list[Day], horizon_days: int) -> str:
    """Return the reason why nothing can be learned from the past, if there is one."""
    if not early:
        return f"The log is too short to learn and to check a horizon of {horizon_days} days."
    if training_days.enough(early, MIN_OUTCOMES):
        return ""
    churned, back = _most(days)
    return (
        f"To learn from, {MIN_OUTCOMES} customers come back within {horizon_days} days of an early "
        f"day and as many stay away: at most {back:,} and {churned:,} did on any."
    )


def _most(days: list[Day]) -> tuple[int, int]:
    """Return how many churned, and how many came back, on the day on which most did."""
    churned = max((int(day.churned.sum()) for day in days), default=0)
    return churned, max((int((1 - day.churned).sum()) for day in days), default=0)


def _training(days: list[Day], held: list[Day], *, learned: bool) -> pd.DataFrame:
    import pandas as pd

    roles = ["calibrate" if day in held else "fit" for day in days] if learned else "not used"
    return pd.DataFrame(
        {
            "origin": pd.to_datetime([day.day for day in days]),
            "customers": np.array([len(day.churned) for day in days], dtype="int64"),
            "churn_rate": [
                float(day.churned.mean()) if len(day.churned) else np.nan for day in days
            ],
            "role": roles,
        }
    )


def _ids(customers: Iterable[Any]) -> list[str]:
    if isinstance(customers, str) or not isinstance(customers, Iterable):
        raise RfmkitError(
            "customers must be a list of customer ids.",
            found=f"customers={customers!r}",
            hint="for example customers=['c1', 'c2'].",
        )
    return [str(customer) for customer in customers]


def _check_customers(asked: list[str] | None, frame: pd.DataFrame) -> None:
    """Check that there is a customer to explain, and that all of them have bought."""
    known = set(frame["customer_id"].astype(str))
    unknown = [customer for customer in asked or () if customer not in known]
    if unknown or not known:
        raise RfmkitError(
            "explain needs customers who have bought.",
            found=f"no purchase of {examples(unknown)}" if unknown else "no customer",
            hint="customers=list(frame['customer_id']) of a frame of them.",
        )
