"""What all buy-till-you-die models share: the fit, its errors, and predictions of any kind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import ibis
import numpy as np

from rfmkit import _checks as checks
from rfmkit.btyd._counts import NEEDS, Counts, count_customers, count_with, dot
from rfmkit.btyd._covariate_space import Coordinates, coordinates, varied
from rfmkit.btyd._covariates import Covariates, check_customers, learn, tell_of_unknown, terms_of
from rfmkit.btyd._estimates import Fitted, beside, in_batches
from rfmkit.btyd._formulas import names_of
from rfmkit.btyd._optimizer import maximise
from rfmkit.exceptions import RfmkitError
from rfmkit.history.customers import over_customers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import ibis.expr.types as ir
    from numpy.typing import NDArray

    from rfmkit.btyd._counts import Params
    from rfmkit.btyd._optimizer import Objective, Optimum

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
    buying, leaving : str, optional
        Formulas of covariates, for the models that take them.

    Attributes
    ----------
    log_likelihood_ : float
        Its logarithm at `params_`, in the unit of time; for the others see `Fitted`.
    covariates_ : Covariates or None
        What the formulas name: columns, their levels, and the columns of the design.
    """

    times: ClassVar[tuple[str, ...]]
    """Those of them that are times."""
    starts: ClassVar[tuple[tuple[float, ...], ...]]
    """Where the search begins, with the mean tenure as unit of time."""
    moved: ClassVar[tuple[tuple[str, int], tuple[str, int]]]
    """The parameter that covariates of buying raise or lower, and the one for leaving."""
    regularity: int = 1
    """The shape k of the times between purchases: 1 is random timing."""
    covariates_: Covariates | None = None

    def __init__(
        self,
        horizon_days: int = 365,
        *,
        unit_days: float = 1.0,
        buying: str | None = None,
        leaving: str | None = None,
    ) -> None:
        self.horizon_days = horizon_days
        self.unit_days = unit_days
        self.buying = buying
        self.leaving = leaving

    def log_terms(self, params: Params, counts: Counts) -> tuple[Floats, Floats]:
        """Return each row's log-likelihood, and its derivatives by the parameters."""
        raise NotImplementedError

    def log_likelihood(self, params: Floats, counts: Counts) -> tuple[float, Floats]:
        """Return the log-likelihood of all customers, and its derivatives by the parameters."""
        terms, slopes = self.log_terms(params, counts)
        return float(dot(counts.weight, terms)), dot(counts.weight, slopes)

    def alive(self, params: Params, x: Floats, t_x: Floats, T: Floats) -> Floats:
        """Return the probability that a customer has not left."""
        raise NotImplementedError

    def churn(self, params: Params, x: Floats, t_x: Floats, T: Floats, H: float) -> Floats:
        """Return the probability of no purchase in (T, T + H]."""
        raise NotImplementedError

    def purchases(self, params: Params, x: Floats, t_x: Floats, T: Floats, H: float) -> Floats:
        """Return the expected number of purchases in (T, T + H]."""
        raise NotImplementedError

    def point(self, params: Floats) -> Floats:
        """Turn parameters into a point of the search."""
        raise NotImplementedError

    def fit(self, customers: Any) -> Self:
        """Maximise the likelihood.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log, or the frame of ``summarize`` in any kind; with covariates the frame, which
            then has their columns too.

        Returns
        -------
        BuyTillYouDie
            Itself, fitted.

        Raises
        ------
        NotEnoughHistoryError
            There is no customer, or no time has passed since the first purchases.
        RfmkitError
            A formula cannot be read, or its covariates are missing of some customers, or tell
            nobody apart.
        """
        checks.horizon(self.horizon_days)
        if self.buying is None and self.leaving is None:
            self.covariates_ = None
            self._fit_counts(count_customers(customers, unit_days=float(self.unit_days)))
        else:
            self._fit_covariates(customers)
        return self

    def _fit_counts(self, counts: Counts) -> None:
        scaled = counts.scaled()
        found = maximise(
            self.objective(scaled), self._starts, self.limits,
            rough=self.objective(scaled.thinned(ROUGH_ROWS)),
        )  # fmt: skip
        self._keep(found, counts, scaled.unit_days / counts.unit_days)

    def _fit_covariates(self, customers: Any) -> None:
        buying, leaving = terms_of(self.buying, "buying"), terms_of(self.leaving, "leaving")
        names = names_of([*buying, *leaving])
        counts, cells = self._counted(customers, names)
        self.covariates_ = learn(buying, leaving, cells, counts.weight)
        space, scaled = self._space(self.covariates_, counts, cells)
        rough = scaled.thinned(ROUGH_ROWS)
        # The search begins where covariates have no effect: first at the fit without them.
        without = maximise(self.objective(replace(rough, z=None)), self._starts, self.limits)
        none = np.zeros(len(space.scale))
        starts = [np.concatenate([start, none]) for start in (without.at, *self._starts)]
        whole = space.objective(scaled)
        found = maximise(whole, starts, space.limits, rough=space.objective(rough))
        if not found.converged:  # of many coefficients the rough ones lie too far away
            found = maximise(whole, [found.at], space.limits)
        own = space.natural(found.at)[0][: len(self.names)]
        if not (np.isfinite(own) & (own > 0)).all():
            raise RfmkitError(
                "Covariates must be centred: their mean is too large relative to their spread.",
                found="parameters of a customer with covariates 0 that no float can hold",
                hint="subtract the mean of each numeric covariate first.",
            )
        self._keep(found, counts, scaled.unit_days / counts.unit_days, space)

    def _counted(self, customers: Any, names: Sequence[str]) -> tuple[Counts, dict[str, Any]]:
        check_customers(customers, names)
        counts, more = count_with(customers, names, unit_days=float(self.unit_days))
        return counts, dict(zip(names, more, strict=True))

    def _space(
        self, covariates: Covariates, counts: Counts, cells: dict[str, Any]
    ) -> tuple[Coordinates, Counts]:
        design = covariates.matrix(covariates.code(cells))
        space, z = coordinates(self, covariates, design, counts.weight)
        return space, replace(counts.scaled(), z=z)

    @property
    def _starts(self) -> list[Floats]:
        return [self.point(np.array(start)) for start in self.starts]

    def _again(self, customers: Any) -> tuple[Self | Coordinates, Counts, float]:
        """Count customers anew for a model that is fitted, with where its parameters lie."""
        if self.covariates_ is None:
            counts = count_customers(customers, unit_days=float(self.unit_days))
            return self, counts.scaled(), counts.unit_days
        counts, cells = self._counted(customers, self.covariates_.names)
        return *self._space(self.covariates_, counts, cells), counts.unit_days

    def objective(self, counts: Counts) -> Objective:
        """Make what is maximised: the mean log-likelihood of a customer, at a point."""

        def mean(point: Floats) -> tuple[float, Floats]:
            params, by_point = self.natural(point)
            with np.errstate(all="ignore"):
                value, slopes = self.log_likelihood(params, counts)
            return value / counts.customers, (slopes / counts.customers * params) @ by_point

        return mean

    def _keep(
        self, found: Optimum, counts: Counts, scale: float, space: Coordinates | None = None
    ) -> None:
        unit = self._units(scale, len(found.at))
        self._learn(found, customers=counts.customers, unit=unit, space=space)
        # A density of times grows as their unit shrinks.
        density = self.regularity * counts.repeats * np.log(scale)
        self.log_likelihood_ = float(found.value * counts.customers - density)

    def _units(self, scale: float, number: int) -> Floats:
        """Return what each parameter is measured in; coefficients have no unit of time."""
        unit = np.ones(number)
        unit[: len(self.names)] = [scale if name in self.times else 1.0 for name in self.names]
        return unit

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
        space, scaled, unit_days = self._again(customers)
        if round(scaled.customers) != self.customers_:
            raise RfmkitError(
                "A bootstrap needs the customers of the fit.",
                found=f"{scaled.customers:,.0f} customers, and a fit on {self.customers_:,}",
                hint="pass what was passed to fit.",
            )
        unit = self._units(scaled.unit_days / unit_days, len(self.params_))
        start = space.point(self._params / unit)
        rng, draws = np.random.default_rng(seed), []
        for _ in range(times):
            drawn = rng.multinomial(self.customers_, scaled.weight / scaled.customers)
            objective = space.objective(replace(scaled, weight=drawn.astype(float)))
            found = maximise(objective, [start], space.limits)
            draws.append(space.natural(found.at)[0] * unit)
        self._draws = np.array(draws)
        return self

    @property
    def estimand(self) -> str:
        """What the probabilities of churn are probabilities of."""
        return f"P(no purchase within {self.horizon_days} days from now | purchases so far)"

    def predict_churn(
        self, customers: Any, horizon_days: int | None = None, *, interval: float | None = None
    ) -> Any:
        """Return each customer's probability of no purchase within the horizon.

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
        horizon = self._horizon(horizon_days) / float(self.unit_days)

        def churn(params: Params, x: Floats, t_x: Floats, T: Floats) -> Floats:
            return np.clip(self.churn(params, x, t_x, T, horizon), 0, 1)

        names = ("churn_probability", "churn_lower", "churn_upper")
        return self._predict(customers, churn, names, interval)

    def predict_alive(self, customers: Any, *, interval: float | None = None) -> Any:
        """Return each customer's probability of not having left: P(alive).

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
        self, customers: Any, horizon_days: int | None = None, *, interval: float | None = None
    ) -> Any:
        """Return each customer's expected number of purchases within the horizon.

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
            `customer_id`, `expected_purchases` (float64, purchases), `horizon_days` (int64, days),
            in the input's kind and row order.
        """
        days = self._horizon(horizon_days)

        def expected(params: Params, x: Floats, t_x: Floats, T: Floats) -> Floats:
            return self.purchases(params, x, t_x, T, days / float(self.unit_days))

        names = ("expected_purchases", "purchases_lower", "purchases_upper")
        return self._predict(customers, expected, names, interval, {"horizon_days": days})

    def _horizon(self, horizon_days: int | None) -> int:
        return checks.horizon(self.horizon_days if horizon_days is None else horizon_days)

    def _predict(
        self,
        customers: Any,
        predict: Callable[[Params, Floats, Floats, Floats], Floats],
        names: tuple[str, str, str],
        interval: float | None,
        constants: Mapping[str, int] | None = None,
    ) -> Any:
        self._insist_on_fit()
        known = self.covariates_

        def of_each(params: Floats, *row: Floats) -> Floats:
            return predict(self._of_each(params, row[3:]), *row[:3])

        functions = {names[0]: self._udf(lambda *row: of_each(self._params, *row))}
        for name, value in (constants or {}).items():
            functions[name] = ibis.literal(value, "int64")
        if interval is not None:
            checks.number("interval", interval, above=0, below=1)
            for name, share in zip(names[1:], (1 - interval, 1 + interval), strict=True):
                functions[name] = self._udf(self._quantile(of_each, share / 2))
        if known:
            check_customers(customers, known.names)

        def expression(table: ir.Table) -> ir.Table:
            row = [table[name].cast("int64") for name in NEEDS]
            if known:
                row += known.columns(table)
                tell_of_unknown(known, customers, table)
            return beside(customers, table, kept=("customer_id",), row=row, functions=functions)

        needs = ("customer_id", *NEEDS, *(known.names if known else ()))
        return over_customers(customers, expression, needs=needs)

    def _of_each(self, params: Floats, row: tuple[Floats, ...]) -> Params:
        if self.covariates_ is None:
            return params
        own, design = len(self.names), self.covariates_.matrix(row)
        return varied(self, params[:own], params[own:], design, self.covariates_)

    def _udf(self, function: Callable[..., Floats]) -> Any:
        """Make a function of (x, t_x, T, ...) one that an engine calls, many rows at a time."""
        unit_days, factors = self.unit_days, self.covariates_.factors if self.covariates_ else ()

        def in_units(x: Floats, t_x: Floats, T: Floats, *more: Floats) -> Floats:
            return function(x, t_x / unit_days, T / unit_days, *more)

        return in_batches(in_units, *["int64"] * 3, *["float64"] * len(factors))
