"""Order logs to learn and test with: simulated ones whose truth is known, and bundled samples."""

from rfmkit.datasets.samples import load_sample, sample_path, write_samples
from rfmkit.datasets.simulation import Simulation, simulate_orders

__all__ = ["Simulation", "load_sample", "sample_path", "simulate_orders", "write_samples"]
