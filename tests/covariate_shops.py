"""Simulated customers whose rates of buying and of leaving depend on covariates."""

import numpy as np
import pandas as pd

BUYING = {"m": 0.5, "x": -0.6}
LEAVING = {"m": -0.5, "x": 0.7}


def shop(number=3000, *, seed=1, buying=BUYING, leaving=LEAVING, age=0.02):
    """Return customers of a Pareto/NBD: both rates depend on gender, that of buying also on age."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "customer_id": np.arange(number),
            "gender": rng.choice(["f", "m", "x"], number, p=[0.5, 0.3, 0.2]),
            "age": rng.integers(20, 60, number),
            "shop": rng.integers(1, 4, number),
            "member": rng.random(number) < 0.5,
        }
    )
    faster = frame["gender"].map({"f": 0} | buying) + age * (frame["age"] - 40)
    rate = rng.gamma(0.9, 1 / 50, number) * np.exp(faster)
    risk = rng.gamma(0.8, 1 / 200, number) * np.exp(frame["gender"].map({"f": 0} | leaving))
    tenure = rng.integers(300, 700, number)
    life = np.minimum(rng.exponential(1, number) / risk, tenure)
    bought = rng.poisson(rate * life)
    last = np.floor(life * rng.uniform(size=number) ** (1 / np.maximum(bought, 1)))
    return frame.assign(
        repeat_purchases=bought,
        active_days=np.where(bought > 0, last, 0).astype("int64"),
        tenure_days=tenure,
    )
