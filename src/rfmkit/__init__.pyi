from . import advice as advice
from . import datasets as datasets
from . import formats as formats
from . import plots as plots
from .advice import playbook as playbook
from .audit import Audit as Audit
from .churn import ChurnCurve as ChurnCurve
from .churn import churn_rate as churn_rate
from .cycle import PurchaseCycle as PurchaseCycle
from .datasets import load_sample as load_sample
from .datasets import simulate_orders as simulate_orders
from .exceptions import RfmkitError as RfmkitError
from .grids import lifecycle_grid as lifecycle_grid
from .grids import lifecycle_matrix as lifecycle_matrix
from .history import purchase_gaps as purchase_gaps
from .history import snapshots as snapshots
from .history import summarize as summarize
from .lifecycle import Lifecycle as Lifecycle
from .lifecycle import segment as segment
from .limits import Cycles as Cycles
from .limits import Probability as Probability
from .limits import Quantile as Quantile
from .orders import Orders as Orders
from .reading import read_orders as read_orders
from .rfm import RFMScorer as RFMScorer

__version__: str
