"""A format of a shop's own and a log in it, for the tests of formats."""

import pandas as pd

from rfmkit.formats import Format

TILL = Format(
    name="till",
    title="our own till",
    marks=("Bon", "Kunde", "Zeit"),
    columns={"order_id": "Bon", "customer_id": "Kunde", "ordered_at": ("Zeit", "Uhrzeit"),
             "amount": "Summe", "status": "Zustand"},
    statuses={"bezahlt": "paid", "storniert": "cancelled"},
    decimal=",",
    dayfirst=True,
)  # fmt: skip
LOG = pd.DataFrame({
    "Bon": ["1", "2"], "Kunde": ["a", "b"], "Zeit": ["03.05.2024", "04.05.2024"],
    "Summe": ["1.234", "5,50"], "Zustand": ["bezahlt", "storniert"],
})  # fmt: skip
