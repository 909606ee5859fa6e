"""The probability of churn: always no purchase within a stated horizon."""

from rfmkit.churn.curve import ChurnCurve
from rfmkit.churn.model import ChurnModel
from rfmkit.churn.period import churn_period
from rfmkit.churn.rate import churn_rate
from rfmkit.churn.regression import GapRegression

__all__ = ["ChurnCurve", "ChurnModel", "GapRegression", "churn_period", "churn_rate"]
