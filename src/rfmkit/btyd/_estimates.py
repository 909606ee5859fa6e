"""Estimates: what a fit learns, and predictions in the engine that holds the customers."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, ClassVar, Final

import ibis
import numpy as np

from rfmkit import _checks as checks
from rfmkit._engine.backend import unique_name
from rfmkit.exceptions import NotFittedError
from rfmkit.orders.orders import Orders

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import ibis.expr.types as ir
    from numpy.typing import NDArray

    from rfmkit.btyd._optimizer import Optimum
    from rfmkit.btyd._search_space import SearchSpace

    Floats = NDArray[np.float64]

DRAWS: Final = 256
"""Number of parameter draws of an interval: a power of two, as Sobol sequences need."""
FLAT: Final = 100.0
"""A parameter is not identified if the standard error of its logarithm is larger."""
NORMAL_95: Final = 1.96
SEED: Final = 20_261_122

NO_DROP_OUT: Final = ("no drop-out", "The data show nobody leaving: P(alive) is 1 for everybody.")


def homogeneous(what: str, given: str, letters: str) -> str:
    """Return a sentence about a boundary on which customers do not differ."""
    return (
        f"The data show no difference between customers in how {what}: all are given one {given}, "
        f"and only the ratio of {letters} has a meaning."
    )


ONE_RATE: Final = (
    "homogeneous rates",
    homogeneous("often they buy", "rate", "r and alpha"),
)


class Fitted:
    """Maximum likelihood estimates of a model, with their uncertainty.

    Attributes
    ----------
    params_ : dict of str to float
        The parameters, by the letters of the paper; with covariates also the coefficients.
    summary_ : DataFrame
        One row per parameter: `parameter` (str), `estimate`, `log_error`, `lower`, `upper`
        (float64). `log_error` is the standard error of the logarithm of the parameter, and `lower`
        and `upper` are the ends of its 95 % interval. A coefficient of a covariate is a logarithm
        already: its `log_error` is its own standard error. The three are null for a parameter that
        is not identified, or on a boundary.
    boundary_ : str
        The names of the boundaries on which the likelihood has its maximum, separated by ``"; "``;
        empty if there is none.
    diagnosis_ : str
        What these boundaries mean for the predictions, in sentences.
    customers_ : int
        The number of customers of the fit.
    converged_ : bool
        Whether the gradient of the likelihood is 0 at the estimates, up to a tolerance of 1e-6.
    """

    _fit_call: ClassVar = "fit(customers)"
    _next_call: ClassVar = "predict_churn(customers)"

    def _keep_estimates(
        self,
        found: Optimum,
        space: SearchSpace,
        *,
        customers: float,
        unit: Floats | float = 1.0,
    ) -> None:
        """Keep the estimates at an optimum, their errors, and draws for intervals.

        Parameters
        ----------
        found : Optimum
            The maximum of the mean log-likelihood.
        space : SearchSpace
            The coordinates in which it was searched.
        customers : float
            The number of customers.
        unit : float or float64 array
            The unit of each parameter during the search, in the unit that it is reported in.
        """
        import pandas as pd

        params, jacobian = space.natural(found.at)
        estimate = params * unit
        self.params_ = dict(zip(space.names, estimate.tolist(), strict=True))
        self.customers_ = round(customers)
        self.converged_ = found.converged
        self.boundary_, self.diagnosis_ = _describe_bounds(found, space)
        covariance = _covariance(found, customers)
        error = _standard_errors(found, jacobian, covariance, space.widths)
        with np.errstate(over="ignore"):
            factor = np.exp(NORMAL_95 * error)
            lower, upper = estimate / factor, estimate * factor
        is_coefficient = np.arange(len(estimate)) >= len(estimate) - space.coefficients
        lower = np.where(is_coefficient, estimate - NORMAL_95 * error, lower)
        upper = np.where(is_coefficient, estimate + NORMAL_95 * error, upper)
        self.summary_ = pd.DataFrame(
            {
                "parameter": list(space.names),
                "estimate": estimate,
                "log_error": error,
                "lower": lower,
                "upper": upper,
            }
        )
        low, high = np.array(space.limits).T
        points = np.clip(found.at + _normal_draws(covariance), low, high)
        self._draws = np.array([space.natural(point)[0] for point in points]) * unit

    def _check_fitted(self) -> None:
        if not hasattr(self, "params_"):
            name = type(self).__name__
            raise NotFittedError(
                f"A {name} must be fitted before use.",
                found=f"a {name} that has not been fitted",
                hint=f"call .{self._fit_call} first.",
            )

    @property
    def _params(self) -> Floats:
        return np.array(list(self.params_.values()))

    @property
    def _horizon_in_words(self) -> str:
        return ""

    def _prediction_columns(
        self,
        predict: Callable[..., Floats],
        names: Sequence[str],
        *,
        as_udf: Callable[[Callable[..., Floats]], Any],
        interval: float | None,
        constants: Mapping[str, int] | None = None,
    ) -> dict[str, Any]:
        """Return the columns of a prediction, for `beside`.

        Parameters
        ----------
        predict : callable
            A function of the parameters and of the arrays of a row.
        names : sequence of three str
            The names of the prediction, and of the lower and the upper end of its interval.
        as_udf : callable
            Returns a function of arrays as one of columns.
        interval : float or None
            The level of the interval, if there is one.
        constants : mapping of str to int, optional
            More columns, right after the prediction.
        """
        columns = {names[0]: as_udf(lambda *row: predict(self._params, *row))}
        for name, value in (constants or {}).items():
            columns[name] = ibis.literal(value, "int64")
        if interval is not None:
            checks.number("interval", interval, above=0, below=1)
            for name, share in zip(names[1:], (1 - interval, 1 + interval), strict=True):
                columns[name] = as_udf(self._quantile(predict, share / 2))
        return columns

    def _quantile(self, predict: Callable[..., Floats], share: float) -> Callable[..., Floats]:
        """Return a function of rows: a quantile of their predictions over the parameter draws."""

        def over_draws(*row: Floats) -> Floats:
            found = [predict(params, *row) for params in self._draws]
            # Of the rules for quantiles, "weibull" keeps the coverage when there are few draws.
            return np.quantile(found, share, axis=0, method="weibull")

        return over_draws

    def __repr__(self) -> str:
        """Return the parameters, the customers of the fit, the horizon, and what to call next."""
        name = type(self).__name__
        horizon = f"; {self._horizon_in_words}" if self._horizon_in_words else ""
        if not hasattr(self, "params_"):
            return f"<{name}: not fitted; call {self._fit_call}{horizon}>"
        params = ", ".join(f"{letter} {value:.4g}" for letter, value in self.params_.items())
        customers = f" from {self.customers_:,} customers" if hasattr(self, "customers_") else ""
        edge = f"; {self.boundary_}" if getattr(self, "boundary_", "") else ""
        return f"<{name}: {params}{customers}{edge}{horizon}; next: .{self._next_call}>"


def _describe_bounds(found: Optimum, space: SearchSpace) -> tuple[str, str]:
    """Return the names of the bounds at an optimum, and what they mean."""
    at_bounds = list(enumerate(found.bound.tolist()))
    ignored = {other for bound in at_bounds for other in space.unidentified.get(bound, ())}
    described = space.boundaries
    reached = [
        described[bound] for bound in at_bounds if bound in described and bound[0] not in ignored
    ]
    return "; ".join(name for name, _ in reached), " ".join(meaning for _, meaning in reached)


def _covariance(found: Optimum, customers: float) -> Floats:
    """Return the covariance of the coordinates; 0 for those on a bound."""
    free = found.bound == 0
    covariance = np.zeros_like(found.curvature)
    inverse = np.linalg.pinv(found.curvature[np.ix_(free, free)] * customers)
    covariance[np.ix_(free, free)] = inverse
    return covariance


def _standard_errors(
    found: Optimum, jacobian: Floats, covariance: Floats, widths: Floats
) -> Floats:
    """Return standard errors by the delta method; NaN for parameters that are not identified."""
    free = found.bound == 0
    error = np.sqrt(np.maximum(np.diag(jacobian @ covariance @ jacobian.T), 0))
    depends_on_bound = (np.abs(jacobian[:, ~free]) > 0).any(axis=1)
    return np.where(depends_on_bound | (error > FLAT * widths) | (error == 0), np.nan, error)


def _normal_draws(covariance: Floats) -> Floats:
    """Return quasi-random draws of a normal distribution around 0, by a Sobol sequence.

    As many independent draws vary too much: in some directions the 90 % interval of their
    quantiles has a coverage of 85 %.
    """
    from scipy.stats import qmc

    size = len(covariance)
    sequence = qmc.Sobol(size, scramble=True, seed=SEED)
    variances, axes = np.linalg.eigh(covariance)
    standard = qmc.MultivariateNormalQMC(np.zeros(size), engine=sequence).random(DRAWS)
    return np.asarray(standard * np.sqrt(np.maximum(variances, 0)) @ axes.T)


def in_batches(function: Callable[..., Floats], *kinds: str, deduplicate: bool = True) -> Any:
    """Return a function of arrays as one of columns, which an engine calls with batches of rows.

    Parameters
    ----------
    function : callable
        A function of float64 arrays, one per column, that returns a float64 array.
    *kinds : str
        The types of the columns, such as ``"int64"``.
    deduplicate : bool, default True
        Whether to call the function with distinct rows only: faster if many rows are equal.

    Returns
    -------
    callable
        A function of ibis columns. It is null where an argument or the result is not a number.
    """
    import pandas as pd
    import pyarrow as pa

    def of_finite(rows: Floats) -> Floats:
        """Return the function of the rows that are numbers, and NaN for the others."""
        finite = np.isfinite(rows).all(axis=0)
        found = np.full(rows.shape[1], np.nan)
        if finite.any():
            with np.errstate(all="ignore"):
                found[finite] = function(*rows[:, finite])
        return found

    def batch(*columns: Any) -> Any:
        in_arrow = not isinstance(columns[0], pd.Series)
        options: dict[str, bool] = {"zero_copy_only": False} if in_arrow else {}
        rows = np.stack([column.to_numpy(**options).astype(float) for column in columns])
        if deduplicate:
            distinct, place = np.unique(rows, axis=1, return_inverse=True)
            found = of_finite(distinct)[np.ravel(place)]
        else:
            found = of_finite(rows)
        return pa.array(found) if in_arrow else pd.Series(found)

    # Ibis reads the number of columns from the signature.
    positional = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(f"c{place}", positional) for place in range(len(kinds))]
    vars(batch)["__signature__"] = inspect.Signature(parameters)
    name = unique_name("predict")

    def call(*columns: ir.Column) -> ir.Value:
        # On Spark only functions of pandas get batches.
        in_spark = columns[0].get_backend().name == "pyspark"
        kind = ibis.udf.scalar.pandas if in_spark else ibis.udf.scalar.pyarrow
        # On DuckDB a function cannot return null.
        return kind(batch, name=name, signature=(kinds, "float64"))(*columns).nullif(float("nan"))

    return call


def beside(
    source: Any,
    table: ir.Table,
    *,
    kept: Sequence[str],
    row: Sequence[ir.Column],
    functions: Mapping[str, Callable[..., ir.Value] | ir.Value],
) -> ir.Table:
    """Return columns of a table of `source`, followed by predictions for each of its rows.

    Parameters
    ----------
    source : Orders or DataFrame
        What the table was made of.
    table : Table
        One row per customer.
    kept : sequence of str
        The columns to keep, where the table has them.
    row : sequence of columns
        The arguments of every function.
    functions : mapping of str to callable or value
        The new columns in their order: a function of `in_batches`, or a constant.

    Returns
    -------
    Table
        The kept columns and the new ones.
    """
    names = [name for name in (*kept, "rfmkit_row") if name in table.columns]
    columns = {
        name: value if isinstance(value, ibis.Value) else value(*row)
        for name, value in functions.items()
    }
    made = table.select(*names, **columns)
    # DuckDB registers a Python function when a query runs, and not when a view is made of it.
    run = source.history.engine.arrow if isinstance(source, Orders) else ibis.Expr.to_pyarrow
    run(made.limit(0))
    return made
