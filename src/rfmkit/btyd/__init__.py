"""Buy-till-you-die models: who is still a customer, how often they will buy, and for how much."""

from rfmkit.btyd.beta_geo import BetaGeo, BetaGeoCNBD, ModifiedBetaGeo, ModifiedBetaGeoCNBD
from rfmkit.btyd.beta_geo_beta_binomial import BetaGeoBetaBinomial
from rfmkit.btyd.gamma_gamma import GammaGamma
from rfmkit.btyd.pareto_nbd import ParetoNBD
from rfmkit.btyd.shifted_beta_geometric import ShiftedBetaGeometric

__all__ = [
    "BetaGeo",
    "BetaGeoBetaBinomial",
    "BetaGeoCNBD",
    "GammaGamma",
    "ModifiedBetaGeo",
    "ModifiedBetaGeoCNBD",
    "ParetoNBD",
    "ShiftedBetaGeometric",
]
