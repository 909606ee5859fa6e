"""Order exports of platforms, written from simulated shops, each with its truth."""

from rfmkit.datasets.exports.catalog import FORMATS, export_orders
from rfmkit.datasets.exports.export import Export

__all__ = ["FORMATS", "Export", "export_orders"]
