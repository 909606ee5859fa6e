"""Who are my customers, when do they leave, and who is worth winning back?

>>> import rfmkit as rk
>>> orders = rk.read_orders(rk.load_sample("orders"))
>>> segments = rk.segment(orders)
>>> sorted(segments["segment"].unique())
['dormant', 'fan', 'new', 'prospect', 'repeat']

The same, step by step: ``rk.summarize(orders)``, ``rk.PurchaseCycle().fit(orders)``,
``rk.ChurnCurve(horizon_days=365).fit(orders)``, ``rk.RFMScorer(n_bins=5)``, ``rk.Lifecycle()``.
"""

import lazy_loader

__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "orders": ["Orders", "read_orders"],
        "history": ["purchase_gaps", "snapshots", "summarize"],
        "cycle": ["PurchaseCycle"],
        "rfm": ["RFMScorer"],
        "churn": ["ChurnCurve", "churn_rate"],
        "lifecycle": ["Cycles", "Lifecycle", "Probability", "Quantile", "segment"],
        "datasets": ["load_sample", "simulate_orders"],
        "exceptions": ["RfmkitError"],
    },
)
__version__ = "0.1.0"

__all__ = [
    "read_orders",
    "Orders",
    "summarize",
    "purchase_gaps",
    "snapshots",
    "segment",
    "PurchaseCycle",
    "RFMScorer",
    "ChurnCurve",
    "churn_rate",
    "Lifecycle",
    "Cycles",
    "Quantile",
    "Probability",
    "simulate_orders",
    "load_sample",
    "RfmkitError",
]
