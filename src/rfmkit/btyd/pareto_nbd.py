"""ParetoNBD: customers may leave at any time, whether they buy or not."""

from __future__ import annotations

from rfmkit.btyd._model import BuyTillYouDie
from rfmkit.btyd._pareto_nbd_process import ParetoNBDProcess


class ParetoNBD(BuyTillYouDie):
    """The Pareto/NBD model: customers buy at random times, and leave at a random time.

    A customer buys at a rate that is Gamma(r, alpha) over customers, and leaves at a rate that is
    Gamma(s, beta). The time of leaving does not depend on purchases, so that P(alive) falls with
    every day without a purchase, also for a customer with a single purchase.

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
        r, alpha, s, beta (alpha and beta in the unit of time), and the coefficients of
        covariates.
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
    rfmkit.ModifiedBetaGeo : customers may leave after each purchase; faster to fit.
    rfmkit.GammaGamma : the value of a purchase.

    Notes
    -----
    Schmittlein, Morrison and Colombo (1987), "Counting your customers: who are they and what will
    they do next?", Management Science 33. The letters, P(alive) and the expected purchases are
    those of Fader and Hardie (2005), "A note on deriving the Pareto/NBD model and related
    expressions". x is `repeat_purchases`, t_x is `active_days` and T is `tenure_days`, in the unit
    of time.

    The likelihood is computed before its last integral, over the time y of leaving:

        L = Gamma(r + x) / Gamma(r) alpha^r beta^s [(alpha + T)^-(r+x) (beta + T)^-s
            + integral from t_x to T of s (alpha + y)^-(r+x) (beta + y)^-(s+1) dy].

    The papers write the integral as a difference of two hypergeometric functions, which overflow
    for customers with many purchases. Here the integrand is divided by its value at t_x, so that
    nothing overflows, and integrated by Gauss-Legendre rules in the logarithm of the smaller of
    alpha + y and beta + y.

    Covariates: Fader and Hardie (2007), "Incorporating time-invariant covariates into the
    Pareto/NBD and BG/NBD models", alpha_i = alpha exp(-g'z_i) and beta_i = beta exp(-h'z_i): exp(g)
    is the factor of the rate of buying, and exp(h) the factor of the rate of leaving, per unit of
    z.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> model = rk.ParetoNBD(horizon_days=90).fit(orders)
    >>> model
    <ParetoNBD: r 1.214, alpha 80.06, s 0.7498, beta 183.1 from 1,140 customers; horizon 90
    days; next: .predict_churn(customers)>
    >>> model.predict_alive(orders).head(3).round(3)
      customer_id  alive_probability
    0     C000001              0.579
    1     C000002              0.248
    2     C000003              0.970
    >>> model.predict_purchases(orders, 180).head(3).round(3)
      customer_id  expected_purchases  horizon_days
    0     C000001               0.557           180
    1     C000002               0.130           180
    2     C000003               2.676           180
    """

    @property
    def _process(self) -> ParetoNBDProcess:
        return ParetoNBDProcess()
