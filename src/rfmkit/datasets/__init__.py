"""Order logs to learn and test with: simulated ones whose truth is known, and bundled samples."""

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
