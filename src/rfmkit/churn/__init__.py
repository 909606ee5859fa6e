"""The probability of churn: always no purchase within a stated horizon."""

from rfmkit.churn.curve import ChurnCurve
from rfmkit.churn.rate import churn_rate

__all__ = ["ChurnCurve", "churn_rate"]
