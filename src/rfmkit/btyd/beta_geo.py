"""BetaGeo and ModifiedBetaGeo: each purchase may be a customer's last one."""

from __future__ import annotations

from rfmkit.btyd._beta_geo_process import BetaGeoProcess
from rfmkit.btyd._model import BuyTillYouDie


class BetaGeo(BuyTillYouDie):
    """The BG/NBD model: customers buy at random times, and may leave after a repeat purchase.

    A customer buys at a rate that is Gamma(r, alpha) over customers. After every repeat purchase
    the customer leaves with a probability that is Beta(a, b) over customers. A customer with a
    single purchase cannot have left: if most of your customers buy once, use `ModifiedBetaGeo`.

    Parameters
    ----------
    horizon_days : int, default 365
        The horizon of the predictions, in days.
    unit_days : float, default 1
        The unit of time of `params_`, in days; 7 for weeks, as in the papers. No prediction
        depends on it.
    buying, leaving : str, optional
        Formulas of covariates: columns of the frame of customers beside those of ``summarize``,
        such as ``"gender + channel"``. `buying` explains how often customers buy, `leaving` how
        soon they leave. Text is taken by levels, relative to the first in sorted order;
        ``C(region)`` takes a numeric column by levels. The intercept is always in the model.

    Attributes
    ----------
    params_ : dict of str to float
        r, alpha (in the unit of time), a, b, and the coefficients of covariates.
    summary_ : DataFrame
        One row per parameter: `parameter` (str), `estimate`, `log_error`, `lower`, `upper`
        (float64). `log_error` is the standard error of the logarithm, `lower` to `upper` the 95 %
        interval; null where the data do not identify the parameter.
    log_likelihood_ : float
        The log-likelihood at `params_`, in the unit of time.
    boundary_, diagnosis_ : str
        The boundary of the parameters on which the likelihood has its maximum, and what it means
        for the predictions; empty if there is none.
    customers_ : int
        The number of customers of the fit.
    converged_ : bool
        Whether the gradient of the likelihood is 0 at `params_`, up to a tolerance.
    covariates_ : Covariates or None
        The columns, levels and designs of the formulas.

    See Also
    --------
    rfmkit.ModifiedBetaGeo : customers may leave after the first purchase as well.
    rfmkit.BetaGeoCNBD : times between purchases that are more regular than random.
    rfmkit.ParetoNBD : customers may leave at any time.

    Notes
    -----
    Fader, Hardie and Lee (2005), "Counting your customers the easy way: an alternative to the
    Pareto/NBD model", Marketing Science 24, equations 6 (likelihood) and 10 (expected purchases,
    here summed purchase by purchase). x is `repeat_purchases`, t_x is `active_days` and T is
    `tenure_days`, in the unit of time.

    Covariates: Fader and Hardie (2007), "Incorporating time-invariant covariates into the
    Pareto/NBD and BG/NBD models", alpha_i = alpha exp(-g'z_i) and a_i = a exp(h'z_i). They give b
    coefficients of its own. Here b is the same for all customers, so that exp(h) is the factor of
    the mean odds of leaving, a / (b - 1), per unit of z. (CLVTools multiplies a and b by the same
    factor, which does not change the share that leaves.) A coefficient over 0 means more
    purchases, or leaving sooner.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> model = rk.BetaGeo(horizon_days=90).fit(orders)
    >>> model
    <BetaGeo: r 0.5402, alpha 35.2, a 0.6165, b 3.921 from 1,140 customers; horizon 90 days;
    next: .predict_churn(customers)>
    >>> model.summary_.round(3)
      parameter  estimate  log_error   lower   upper
    0         r     0.540      0.058   0.483   0.605
    1     alpha    35.197      0.079  30.130  41.115
    2         a     0.617      0.214   0.406   0.937
    3         b     3.921      0.291   2.218   6.930
    >>> model.predict_churn(orders).head(3).round(3)
      customer_id  churn_probability
    0     C000001              0.768
    1     C000002              0.876
    2     C000003              0.325
    """

    @property
    def _process(self) -> BetaGeoProcess:
        return BetaGeoProcess()


class ModifiedBetaGeo(BetaGeo):
    """The MBG/NBD model: `BetaGeo`, where customers may leave after the first purchase as well.

    It is the better default: the BG/NBD takes all customers with a single purchase to be still
    there, after any time.

    Parameters
    ----------
    horizon_days : int, default 365
        The horizon of the predictions, in days.
    unit_days : float, default 1
        The unit of time of `params_`, in days; 7 for weeks, as in the papers. No prediction
        depends on it.
    buying, leaving : str, optional
        Formulas of covariates, as in `BetaGeo`.

    Attributes
    ----------
    params_ : dict of str to float
        r, alpha (in the unit of time), a, b, and the coefficients of covariates.
    summary_ : DataFrame
        One row per parameter: `parameter` (str), `estimate`, `log_error`, `lower`, `upper`
        (float64). `log_error` is the standard error of the logarithm, `lower` to `upper` the 95 %
        interval; null where the data do not identify the parameter.
    log_likelihood_ : float
        The log-likelihood at `params_`, in the unit of time.
    boundary_, diagnosis_ : str
        The boundary of the parameters on which the likelihood has its maximum, and what it means
        for the predictions; empty if there is none.
    customers_ : int
        The number of customers of the fit.
    converged_ : bool
        Whether the gradient of the likelihood is 0 at `params_`, up to a tolerance.
    covariates_ : Covariates or None
        The columns, levels and designs of the formulas.

    See Also
    --------
    rfmkit.BetaGeo : customers with a single purchase have not left.
    rfmkit.ModifiedBetaGeoCNBD : times between purchases that are more regular than random.
    rfmkit.recommend_model : compare models on past days.

    Notes
    -----
    Batislam, Denizel and Filiztekin (2007), "Empirical validation and comparison of models for
    customer base analysis", International Journal of Research in Marketing 24. Covariates are as in
    `BetaGeo`.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> model = rk.ModifiedBetaGeo(horizon_days=90).fit(orders)
    >>> model
    <ModifiedBetaGeo: r 1.814, alpha 85.91, a 0.5228, b 1.465 from 1,140 customers; horizon
    90 days; next: .predict_churn(customers)>
    >>> model.predict_churn(orders).head(3).round(3)
      customer_id  churn_probability
    0     C000001              0.805
    1     C000002              0.947
    2     C000003              0.305
    >>> customers = rk.summarize(orders)
    >>> customers["start"] = customers["first_purchase"].dt.year.astype(str)
    >>> by_start = rk.ModifiedBetaGeo(90, buying="start").fit(customers)
    >>> by_start.summary_.tail(1).round(3)
                parameter  estimate  log_error  lower  upper
    4  buying.start[2024]    -0.006      0.077 -0.156  0.144
    """

    @property
    def _process(self) -> BetaGeoProcess:
        return BetaGeoProcess(at_first=1)
