"""What all buy-till-you-die models share: the fit, its errors, and predictions of any kind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import numpy as np

from rfmkit import checks
from rfmkit.btyd.counts import NEEDS, Counts, count_customers, dot
from rfmkit.btyd.fitted import Fitted, beside, in_batches
from rfmkit.btyd.optimum import maximise
from rfmkit.history import over_customers

if TYPE_CHECKING:
    from collections.abc import Callable

    import ibis.expr.types as ir
    from numpy.typing import NDArray

    from rfmkit.btyd.optimum import Optimum

    Floats = NDArray[np.float64]

ROUGH_ROWS: Final = 2000


class BuyTillYouDie(Fitted):
    """A model of customers who buy at a rate of their own until they leave, unseen.

    Parameters
    ----------
    horizon_days : int, default 365
        The horizon of `predict_churn` and `predict_purchases`, in days.
    unit_days : float, default 1
        The unit of time of `params_`, in days; 7 for weeks, as the papers have it. No prediction
        depends on it.

    Attributes
    ----------
    params_ : dict of str to float
        The parameters, by the letters of the paper.
    log_likelihood_ : float
        Its logarithm at `params_`, in the unit of time.
    summary_ : DataFrame
        `parameter, estimate, log_error, lower, upper`: the standard error of the logarithm, and
        an interval of 95 % from it; null where the parameter lies on a boundary, or nothing tells
        it.
    boundary_ : str
        Empty, or the name of the boundary on which the likelihood is greatest.
    diagnosis_ : str
        In words: what a boundary means for the predictions.
    customers_ : int
        How many customers it was fitted on.
    """

    times: ClassVar[tuple[str, ...]]
    """Those of them that are times."""
    starts: ClassVar[tuple[tuple[float, ...], ...]]
    """Where the search begins, with the mean tenure as unit of time."""
    regularity: int = 1
    """The shape k of the times between purchases: 1 is random timing."""

    def __init__(self, horizon_days: int = 365, *, unit_days: float = 1.0) -> None:
        self.horizon_days = horizon_days
        self.unit_days = unit_days

    # --- what a model says -----------------------------------------------------------------

    def log_terms(self, params: Floats, counts: Counts) -> tuple[Floats, Floats]:
        """Give each row's log-likelihood, and its derivatives by the parameters."""
        raise NotImplementedError

    def log_likelihood(self, params: Floats, counts: Counts) -> tuple[float, Floats]:
        """Give the log-likelihood of all customers, and its derivatives by the parameters."""
        terms, slopes = self.log_terms(params, counts)
        return float(dot(counts.weight, terms)), dot(counts.weight, slopes)

    def alive(self, params: Floats, x: Floats, t_x: Floats, T: Floats) -> Floats:
        """Give the probability that a customer has not left."""
        raise NotImplementedError

    def churn(self, params: Floats, x: Floats, t_x: Floats, T: Floats, H: float) -> Floats:
        """Give the probability of no purchase in (T, T + H]."""
        raise NotImplementedError

    def purchases(self, params: Floats, x: Floats, t_x: Floats, T: Floats, H: float) -> Floats:
        """Give the expected number of purchases in (T, T + H]."""
        raise NotImplementedError

    def point(self, params: Floats) -> Floats:
        """Turn parameters into a point of the search."""
        raise NotImplementedError

    # --- fit ---------------------------------------------------------------------------------

    def fit(self, customers: Any) -> Self:
        """Maximise the likelihood.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log, or the frame of ``summarize`` in any kind.

        Returns
        -------
        BuyTillYouDie
            Itself, fitted.

        Raises
        ------
        NotEnoughHistoryError
            There is no customer, or no time has passed since the first purchases.
        """
        checks.whole("horizon_days", self.horizon_days)
        counts = count_customers(customers, unit_days=float(self.unit_days))
        self._fit_counts(counts)
        return self

    def _fit_counts(self, counts: Counts) -> None:
        scaled = counts.scaled()
        found = maximise(
            self._objective(scaled),
            [self.point(np.array(start)) for start in self.starts],
            self.limits,
            rough=self._objective(scaled.thinned(ROUGH_ROWS)),
        )
        scale = scaled.unit_days / counts.unit_days
        self._keep(found, counts, scale)
        # A density of times grows as their unit shrinks.
        density = self.regularity * counts.repeats * np.log(scale)
        self.log_likelihood_ = float(found.value * counts.customers - density)

    def _objective(self, counts: Counts) -> Callable[[Floats], tuple[float, Floats]]:
        def mean(point: Floats) -> tuple[float, Floats]:
            params, by_point = self.natural(point)
            with np.errstate(all="ignore"):
                value, slopes = self.log_likelihood(params, counts)
            return value / counts.customers, (slopes / counts.customers * params) @ by_point

        return mean

    def _keep(self, found: Optimum, counts: Counts, scale: float) -> None:
        unit = np.array([scale if name in self.times else 1.0 for name in self.names])
        self._learn(found, customers=counts.customers, unit=unit)

    def bootstrap(self, customers: Any, *, times: int = 100, seed: int = 0) -> Self:
        """Draw the parameters of intervals by fitting again on customers drawn with replacement.

        Without it they come from the curvature of the likelihood, which takes the model to be
        right; where it is not, these intervals are wider, and more honest.

        Parameters
        ----------
        customers : Orders or DataFrame
            What the model was fitted on.
        times : int, default 100
            How many times; each costs about as much as the fit.
        seed : int, default 0
            Of the draws.

        Returns
        -------
        BuyTillYouDie
            Itself, with the draws.

        Notes
        -----
        Efron (1979), "Bootstrap methods: another look at the jackknife", Annals of Statistics 7.
        """
        self._insist_on_fit()
        checks.whole("times", times, least=2)
        counts = count_customers(customers, unit_days=float(self.unit_days))
        scaled = counts.scaled()
        scale = scaled.unit_days / counts.unit_days
        unit = np.array([scale if name in self.times else 1.0 for name in self.names])
        start = self.point(self._params / unit)
        rng, draws = np.random.default_rng(seed), []
        for _ in range(times):
            drawn = rng.multinomial(round(counts.customers), counts.weight / counts.customers)
            sample = replace(scaled, weight=drawn.astype(float))
            found = maximise(self._objective(sample), [start], self.limits)
            draws.append(self.natural(found.at)[0] * unit)
        self._draws = np.array(draws)
        return self

    # --- predictions -------------------------------------------------------------------------

    @property
    def estimand(self) -> str:
        """What the probabilities of churn are probabilities of."""
        return f"P(no purchase within {self.horizon_days} days from now | purchases so far)"

    def predict_churn(
        self, customers: Any, *, horizon_days: int | None = None, interval: float | None = None
    ) -> Any:
        """Give each customer's probability of no purchase within the horizon.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log, or the frame of ``summarize`` in any kind.
        horizon_days : int, optional
            Another horizon than the model's own; nothing needs to be fitted again.
        interval : float, optional
            A level such as 0.9: adds `churn_lower` and `churn_upper`, from draws of the
            parameters (see `bootstrap`). They tell how surely the model is known, not whether it
            is right.

        Returns
        -------
        DataFrame
            `customer_id, churn_probability`, in the input's kind and row order.

        Notes
        -----
        L(x, t_x, T + H) / L(x, t_x, T): the likelihood of the same purchases with H more days of
        silence, over that of the purchases.
        """
        horizon = self._horizon(horizon_days)

        def churn(params: Floats, x: Floats, t_x: Floats, T: Floats) -> Floats:
            return np.clip(self.churn(params, x, t_x, T, horizon), 0, 1)

        names = ("churn_probability", "churn_lower", "churn_upper")
        return self._predict(customers, churn, names, interval)

    def predict_alive(self, customers: Any, *, interval: float | None = None) -> Any:
        """Give each customer's probability of not having left: P(alive).

        It says nothing of when a customer comes back, and is no probability of churn: who buys
        once in three years is alive, and gone for any campaign.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log, or the frame of ``summarize`` in any kind.
        interval : float, optional
            A level such as 0.9: adds `alive_lower` and `alive_upper`.

        Returns
        -------
        DataFrame
            `customer_id, alive_probability`, in the input's kind and row order.
        """
        names = ("alive_probability", "alive_lower", "alive_upper")
        return self._predict(customers, self.alive, names, interval)

    def predict_purchases(
        self, customers: Any, *, horizon_days: int | None = None, interval: float | None = None
    ) -> Any:
        """Give each customer's expected number of purchases within the horizon.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log, or the frame of ``summarize`` in any kind.
        horizon_days : int, optional
            Another horizon than the model's own.
        interval : float, optional
            A level such as 0.9: adds `purchases_lower` and `purchases_upper`, of the expectation.

        Returns
        -------
        DataFrame
            `customer_id, expected_purchases`, in the input's kind and row order.
        """
        horizon = self._horizon(horizon_days)

        def expected(params: Floats, x: Floats, t_x: Floats, T: Floats) -> Floats:
            return self.purchases(params, x, t_x, T, horizon)

        names = ("expected_purchases", "purchases_lower", "purchases_upper")
        return self._predict(customers, expected, names, interval)

    def _horizon(self, horizon_days: int | None) -> float:
        days = self.horizon_days if horizon_days is None else horizon_days
        return checks.whole("horizon_days", days) / float(self.unit_days)

    def _predict(
        self,
        customers: Any,
        predict: Callable[[Floats, Floats, Floats, Floats], Floats],
        names: tuple[str, str, str],
        interval: float | None,
    ) -> Any:
        self._insist_on_fit()
        functions = {names[0]: _udf(lambda *row: predict(self._params, *row), self.unit_days)}
        if interval is not None:
            checks.number("interval", interval, above=0, below=1)
            for name, share in zip(names[1:], (1 - interval, 1 + interval), strict=True):
                functions[name] = _udf(self._quantile(predict, share / 2), self.unit_days)

        def expression(table: ir.Table) -> ir.Table:
            row = [table[name].cast("int64") for name in NEEDS]
            return beside(customers, table, kept=("customer_id",), row=row, functions=functions)

        return over_customers(customers, expression, needs=("customer_id", *NEEDS))


def _udf(function: Callable[..., Floats], unit_days: float) -> Any:
    """Make a function of (x, t_x, T) one that an engine calls, a batch of rows at a time."""

    def in_units(x: Floats, t_x: Floats, T: Floats) -> Floats:
        return function(x, t_x / unit_days, T / unit_days)

    return in_batches(in_units, "int64", "int64", "int64")
