"""Buy-till-you-die models: who is still a customer, and how often they will buy."""

from rfmkit.btyd.beta_geo import BetaGeo, BetaGeoCNBD, ModifiedBetaGeo, ModifiedBetaGeoCNBD
from rfmkit.btyd.pareto_nbd import ParetoNBD

__all__ = ["BetaGeo", "BetaGeoCNBD", "ModifiedBetaGeo", "ModifiedBetaGeoCNBD", "ParetoNBD"]
