"""How long between purchases: the cycle of the shop, of each customer, and of each category."""

from rfmkit.cycle.methods import METHODS
from rfmkit.cycle.purchase_cycle import PurchaseCycle
from rfmkit.cycle.regularity import two_last_gaps, wheat_morrison
from rfmkit.cycle.shrinkage import shrinkage_strength

__all__ = [
    "METHODS",
    "PurchaseCycle",
    "shrinkage_strength",
    "two_last_gaps",
    "wheat_morrison",
]
