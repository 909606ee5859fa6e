"""Whether fits find a truth that is known, and their intervals hold it.

python benchmarks/coverage.py [--simulations=200] [--customers=2000] [--workers=2]
                              [--bootstrap=0] [CASE ...]

For each case so many shops are simulated and fitted. Given are, a parameter: its truth, the mean of
the logarithm of the estimate over the truth with its standard error, and in how many of 100 shops
the interval of 90 % (estimate * exp(+-1.645 log_error)) holds the truth; and the same of the
predictions for some fixed customers, whose intervals are those of ``interval=0.9`` and whose truth
is that of the true parameters. Of 200 shops, a coverage of 90 % comes out between 85 and 95 in 98
of 100 runs. With --bootstrap=N, the draws of the intervals are those of ``bootstrap(times=N)``.
"""

from __future__ import annotations

import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import pandas as pd
from make_customers import CDNOW, simulate

import rfmkit as rk

LEVEL = 0.9
SIGMAS = 1.6449
HORIZON = 180
YEARS = (365, 730)
# A shop in which rates and chances of leaving differ less than those of CDNOW, and a year has more
# to tell.
SHOP = {
    "BetaGeo": (1.2, 40.0, 0.8, 2.5),
    "ModifiedBetaGeo": (1.2, 40.0, 0.8, 2.5),
    "ParetoNBD": (1.2, 40.0, 0.9, 200.0),
}
TIMED = pd.DataFrame(
    [(0, 0, 60), (0, 0, 400), (1, 100, 365), (2, 30, 365), (4, 300, 365), (12, 340, 365)],
    columns=["repeat_purchases", "active_days", "tenure_days"],
).assign(customer_id=lambda t: np.arange(len(t)))
# Fader, Hardie and Shang (2010), the donors; Fader, Hardie and Lee (2005), the values of CDNOW;
# Fader and Hardie (2007), the regular customers.
DONORS = (1.204, 0.750, 0.657, 2.783)
VALUES = (6.25, 3.74, 15.44)
RENEWALS = (0.704, 1.182)
LETTERS = {
    "BetaGeo": ("r", "alpha", "a", "b"),
    "ModifiedBetaGeo": ("r", "alpha", "a", "b"),
    "ParetoNBD": ("r", "alpha", "s", "beta"),
    "BetaGeoBetaBinomial": ("alpha", "beta", "gamma", "delta"),
    "GammaGamma": ("p", "q", "v"),
    "ShiftedBetaGeometric": ("alpha", "beta"),
}


def timed(model, params, size, rng):
    x, t_x, now = simulate(model, size, rng, params=params, tenure=YEARS)
    return pd.DataFrame({"repeat_purchases": x, "active_days": t_x, "tenure_days": now})


def timed_answers(fitted):
    churn = fitted.predict_churn(TIMED, interval=LEVEL, horizon_days=HORIZON)
    ahead = fitted.predict_purchases(TIMED, interval=LEVEL, horizon_days=HORIZON)
    return {"churn_probability": _numbers(churn), "expected_purchases": _numbers(ahead)}


def donors(params, size, rng, chances=6):
    """Simulate who buys or not at each of six opportunities."""
    alpha, beta, gamma, delta = params
    buys, leaves = rng.beta(alpha, beta, size), rng.beta(gamma, delta, size)
    here, x, last = np.ones(size, bool), np.zeros(size, int), np.zeros(size, int)
    for chance in range(1, chances + 1):
        here &= rng.random(size) >= leaves
        bought = here & (rng.random(size) < buys)
        x[bought] += 1
        last[bought] = chance
    frame = {"repeat_purchases": x, "last_opportunity": last, "opportunities": chances}
    return pd.DataFrame(frame)


DONOR_ROWS = pd.DataFrame(
    [(0, 0, 6), (1, 2, 6), (3, 5, 6), (6, 6, 6)],
    columns=["repeat_purchases", "last_opportunity", "opportunities"],
).assign(customer_id=range(4))


def donor_answers(fitted):
    churn = fitted.predict_churn(DONOR_ROWS, interval=LEVEL, opportunities_ahead=2)
    ahead = fitted.predict_purchases(DONOR_ROWS, interval=LEVEL, opportunities_ahead=2)
    return {"churn_probability": _numbers(churn), "expected_purchases": _numbers(ahead)}


def values(params, size, rng):
    """Simulate the mean value of x purchases of each."""
    p, q, v = params
    x = 1 + rng.negative_binomial(1, 0.4, size)
    scale = rng.gamma(q, 1 / v, size)
    z = rng.gamma(p * x) / (scale * x)
    return pd.DataFrame({"purchases": x, "mean_purchase_value": z})


VALUE_ROWS = pd.DataFrame(
    {"customer_id": range(3), "purchases": [0, 1, 8], "mean_purchase_value": [0.0, 20.0, 60.0]}
)


def value_answers(fitted):
    return {"expected_purchase_value": _numbers(fitted.predict_spend(VALUE_ROWS, interval=LEVEL))}


def survivors(params, size, rng, periods=7):
    leaves = rng.beta(*params, size)
    stay = rng.geometric(np.maximum(leaves, 1e-12))
    return [int((stay > period).sum()) for period in range(periods + 1)]


def _numbers(frame):
    more = ["customer_id", "horizon_days", "opportunities_ahead"]
    return frame.drop(columns=more, errors="ignore").to_numpy(dtype=float)


def truths_of(cls, params, answers):
    """Give what a model predicts that has the truth for its parameters."""
    model = cls()
    model.params_ = dict(zip(LETTERS[cls.__name__], params, strict=True))
    model._draws = np.array([params])
    model.columns_ = "purchases", "mean_purchase_value"
    return {name: found[:, 0] for name, found in answers(model).items()}


def cases():
    found = {}
    for where, truths in (("CDNOW", CDNOW), ("shop", SHOP)):
        for model, params in truths.items():
            cls = getattr(rk, model)
            found[f"{model} {where}"] = cls, params, partial(timed, model), timed_answers
    for name, cls, params, make, answers in (
        ("BetaGeoBetaBinomial", rk.BetaGeoBetaBinomial, DONORS, donors, donor_answers),
        ("GammaGamma", rk.GammaGamma, VALUES, values, value_answers),
    ):
        found[name] = cls, params, make, answers
    cls = rk.ShiftedBetaGeometric
    found[cls.__name__] = cls, RENEWALS, survivors, lambda _: {}
    return found


def one(name, size, bootstrap, seed):
    """Simulate and fit one shop: estimates, standard errors, predictions, and any boundary."""
    cls, params, make, answers = cases()[name]
    data = make(params, size, np.random.default_rng([20_261_122, seed]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rk.exceptions.RfmkitWarning)
        fitted = cls().fit(data)
        if bootstrap:
            fitted.bootstrap(data, times=bootstrap, seed=seed)
    draws = fitted._draws  # noqa: SLF001 (intervals of the parameters by the same draws)
    ends = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    table = fitted.summary_
    return {
        "estimate": table["estimate"].to_numpy(dtype=float),
        "error": table["log_error"].to_numpy(dtype=float),
        "ends": ends,
        "answers": answers(fitted),
        "boundary": fitted.boundary_,
    }


def report(name, runs):
    cls, params, _, answers = cases()[name]
    truths = truths_of(cls, params, answers)
    bounds = [run["boundary"] for run in runs if run["boundary"]]
    print(f"\n{name}: {len(runs)} simulations, {len(bounds)} on a boundary {sorted(set(bounds))}")
    print(f"  {'':32} {'truth':>10} {'log bias':>9} {'+-':>6} {'sd/se':>6} {'holds %':>8} draws %")
    estimate, error = (np.array([run[key] for run in runs]) for key in ("estimate", "error"))
    off = np.log(estimate / np.array(params))
    known = np.isfinite(error)
    for place, letter in enumerate(LETTERS[cls.__name__]):
        here = known[:, place]
        away = off[here, place]
        holds = np.abs(away) <= SIGMAS * error[here, place]
        drawn = [run["ends"][0, place] <= params[place] <= run["ends"][1, place] for run in runs]
        ratio = away.std() / np.median(error[here, place])
        print(
            f"  {letter:32} {params[place]:10.4g} {away.mean():9.3f}"
            f" {away.std() / np.sqrt(here.sum()):6.3f} {ratio:6.2f} {holds.mean():8.1%}"
            f" {np.mean(drawn):7.1%}" + ("" if here.all() else f"  ({(~here).sum()} unknown)")
        )
    for answer, truth in truths.items():
        told = np.array([run["answers"][answer] for run in runs])
        for place, true in enumerate(truth):
            point, low, high = told[:, place].T
            away = np.log(point / true)
            print(
                f"  {answer + ' ' + str(place):32} {true:10.4g} {away.mean():9.3f}"
                f" {away.std() / np.sqrt(len(away)):6.3f} {'':6}"
                f" {np.mean((low <= true) & (true <= high)):8.1%}"
                f"  below {np.mean(high < true):.1%}, above {np.mean(low > true):.1%}"
            )


def main(chosen, simulations, size, workers, bootstrap):
    with ProcessPoolExecutor(workers) as pool:
        for name in chosen or cases():
            job = partial(one, name, size, bootstrap)
            report(name, list(pool.map(job, range(simulations), chunksize=5)))


if __name__ == "__main__":
    options = dict(a[2:].split("=", 1) for a in sys.argv[1:] if a.startswith("--"))
    main(
        [a for a in sys.argv[1:] if not a.startswith("--")],
        *(
            int(options.get(name, usual))
            for name, usual in (
                ("simulations", 200), ("customers", 2000), ("workers", 2), ("bootstrap", 0),
            )
        ),
    )  # fmt: skip
