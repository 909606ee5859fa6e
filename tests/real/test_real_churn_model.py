"""ChurnModel on real logs: nowhere worse than the curve or the BTYD model, and mostly better."""

import datetime as dt

import numpy as np
import pytest

import rfmkit as rk

pytestmark = [
    pytest.mark.real,
    pytest.mark.filterwarnings("ignore:.* days is learned:rfmkit.exceptions.RfmkitWarning"),
]

NAMES = ["master_id", "customer_id", "date", "cds", "amount"]
READ = {
    "cdnow": ("cdnow/CDNOW_sample.txt", {"names": NAMES, "zero_amounts": "keep"}),
    "retail": ("online_retail/OnlineRetail.zstd.parquet", {}),
    "grocery": ("grocery_elog/groceryElog.csv", {"amount": 1}),
    "journey": (
        "completejourney/transactions.parquet",
        {"customer": "household_id", "time": "transaction_timestamp"},
    ),
    "apparel": (
        "apparel/apparelTrans.csv",
        {"customer": "Id", "time": "Date", "amount": "Price"},
    ),
}


def losses(model, known, past):
    churn = model.fit(known).predict_churn(known)
    both = past.merge(churn, on="customer_id", validate="one_to_one")
    kept = np.clip(both["churn_probability"].astype(float), 1e-6, 1 - 1e-6)
    return -np.where(both["churned"], np.log(kept), np.log(1 - kept))


@pytest.mark.parametrize(
    ("name", "horizon_days", "better"),
    [
        ("cdnow", 90, True),
        ("cdnow", 270, False),
        ("retail", 90, True),
        ("grocery", 90, True),
        ("grocery", 180, True),
        ("journey", 30, True),
        ("apparel", 180, False),
    ],
)
def test_it_is_not_worse_than_what_it_is_made_of(real_data, name, horizon_days, better):
    path, settings = READ[name]
    orders = rk.read_orders(real_data / path, **settings)
    origin = orders.as_of - dt.timedelta(days=horizon_days)
    known = orders.until(origin)
    past = rk.snapshots(orders, origins=[origin], horizon_days=horizon_days)
    model = rk.ChurnModel(horizon_days)
    found = losses(model, known, past)
    for other in (
        rk.ModifiedBetaGeo(horizon_days),
        rk.ChurnCurve(horizon_days, anchor="snapshot"),
    ):
        excess = found - losses(other, known, past)
        error = excess.std(ddof=1) / np.sqrt(len(excess))  # customers are drawn one by one
        assert excess.mean() < 1.96 * error
    if better:
        assert found.mean() < losses(rk.ModifiedBetaGeo(horizon_days), known, past).mean()
    assert bool(model.fallback_) == (horizon_days == 270)
