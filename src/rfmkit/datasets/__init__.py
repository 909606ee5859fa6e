"""Order logs to learn and to test with: simulated logs with a known truth, and samples."""

from rfmkit.datasets.exports import FORMATS, Export, export_orders
from rfmkit.datasets.samples import load_sample, sample_path, write_samples
from rfmkit.datasets.simulation import Simulation, simulate_orders

__all__ = [
    "FORMATS",
    "Export",
    "Simulation",
    "export_orders",
    "load_sample",
    "sample_path",
    "simulate_orders",
    "write_samples",
]
