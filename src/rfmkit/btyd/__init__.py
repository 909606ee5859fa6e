"""Buy-till-you-die models: P(churn), P(alive), expected purchases, and the value of a purchase."""

from rfmkit.btyd.beta_geo import BetaGeo, ModifiedBetaGeo
from rfmkit.btyd.beta_geo_beta_binomial import BetaGeoBetaBinomial
from rfmkit.btyd.beta_geo_cnbd import BetaGeoCNBD, ModifiedBetaGeoCNBD
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
