"""Purchase cycles: the usual days between purchases of the shop, a customer or a category."""

from rfmkit.cycle._methods import METHODS
from rfmkit.cycle._regularity import two_last_gaps, wheat_morrison
from rfmkit.cycle._shrinkage import shrinkage_strength
from rfmkit.cycle.purchase_cycle import PurchaseCycle

__all__ = [
    "METHODS",
    "PurchaseCycle",
    "shrinkage_strength",
    "two_last_gaps",
    "wheat_morrison",
]
