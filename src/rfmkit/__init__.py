"""Who my customers are, when they leave, and who is worth winning back.

>>> import rfmkit as rk
>>> orders = rk.read_orders(rk.load_sample())
>>> segments = rk.segment(orders)
>>> sorted(segments["segment"].unique())
['dormant', 'fan', 'new', 'prospect', 'repeat']

The same, step by step: ``rk.summarize(orders)``, ``rk.PurchaseCycle().fit(orders)``,
``rk.ChurnCurve(horizon_days=365).fit(orders)``, ``rk.RFMScorer(n_bins=5)``, ``rk.Lifecycle()``.
"""

import lazy_loader

__version__ = "0.1.0"

# Names are imported on first use (Scientific Python, SPEC 1); the stub beside this file has them.
_load, __dir__, _ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    """Return a public name, imported now; the error for a mistyped name suggests a similar one."""
    names = __dir__()
    if name in names:
        return _load(name)
    from difflib import get_close_matches

    near = get_close_matches(name, names, n=1)
    if not near:  # the case of a class may be wrong: rfmscorer
        near = [known for known in names if known.lower() == name.lower()]
    hint = f"did you mean rfmkit.{near[0]}?" if near else "dir(rfmkit) lists the public names."
    # obj=None: Python would append a second suggestion of its own.
    message = f"module 'rfmkit' has no attribute {name!r}. Hint: {hint}"
    raise AttributeError(message, name=name, obj=None)


__all__ = [
    "read_orders",
    "Orders",
    "Audit",
    "Format",
    "summarize",
    "purchase_gaps",
    "snapshots",
    "segment",
    "PurchaseCycle",
    "RFMScorer",
    "ChurnCurve",
    "ChurnModel",
    "GapRegression",
    "churn_rate",
    "churn_period",
    "ParetoNBD",
    "BetaGeo",
    "ModifiedBetaGeo",
    "BetaGeoCNBD",
    "ModifiedBetaGeoCNBD",
    "BetaGeoBetaBinomial",
    "ShiftedBetaGeometric",
    "GammaGamma",
    "Lifecycle",
    "PurchaseCycles",
    "SilenceQuantile",
    "ChurnProbability",
    "lifecycle_matrix",
    "lifecycle_grid",
    "playbook",
    "playbook_actions",
    "backtest",
    "Backtest",
    "recommend_model",
    "save_model",
    "load_model",
    "simulate_orders",
    "load_sample",
    "RfmkitError",
]
