"""Simulated customers of the beta-geometric models, whose parameters are known."""

import numpy as np
import pandas as pd

TRUTH = {"r": 1.2, "alpha": 40.0, "a": 0.8, "b": 2.5}


def shop(customers=3000, *, k=1, at_first=False, seed=1, truth=TRUTH, tenure=(300, 700)):
    """Simulate customers of whom the parameters are known, a purchase at a time."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(truth["r"], 1 / truth["alpha"], customers)
    leaves = rng.beta(truth["a"], truth["b"], customers)
    now = rng.integers(*tenure, customers).astype(float)
    x, last, time = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    here = rng.random(customers) >= leaves if at_first else np.ones(customers, bool)
    while here.any():
        time[here] += rng.gamma(k, 1 / rate[here])
        here &= time <= now
        x[here] += 1
        last[here] = time[here]
        here &= rng.random(customers) >= leaves
    return pd.DataFrame({
        "customer_id": np.arange(customers), "repeat_purchases": x.astype(int),
        "active_days": last, "tenure_days": now,
    })  # fmt: skip


def shop_ahead(frame, k, at_first):
    """Simulate the same shop until 250 days, and count what comes in the 150 days after."""
    rng = np.random.default_rng(11)
    size = len(frame)
    rate, leaves = rng.gamma(TRUTH["r"], 1 / TRUTH["alpha"], size), rng.beta(0.8, 2.5, size)
    x, last, ahead, time = (np.zeros(size) for _ in range(4))
    here = rng.random(size) >= leaves if at_first else np.ones(size, bool)
    while here.any():
        time[here] += rng.gamma(k, 1 / rate[here])
        here &= time <= 400
        early = here & (time <= 250)
        x[early] += 1
        last[early] = time[early]
        ahead[here & (time > 250)] += 1
        here &= rng.random(size) >= leaves
    return pd.DataFrame({"x": x, "t_x": last, "T": 250.0, "ahead": ahead})
