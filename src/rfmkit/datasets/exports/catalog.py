"""Which formats there are, and the one call that writes any of them."""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, Final

import numpy as np

from rfmkit.datasets.exports.amazon import amazon, amazon_all_orders
from rfmkit.datasets.exports.buyerless import douyin, pinduoduo
from rfmkit.datasets.exports.jd import jd
from rfmkit.datasets.exports.magento import magento
from rfmkit.datasets.exports.retail import cdnow, olist, online_retail
from rfmkit.datasets.exports.shopify import shopify
from rfmkit.datasets.exports.square import square
from rfmkit.datasets.exports.stripe import stripe
from rfmkit.datasets.exports.taobao import taobao, taobao_lines
from rfmkit.datasets.exports.woocommerce import woocommerce, woocommerce_analytics
from rfmkit.exceptions import RfmkitError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rfmkit.datasets.exports.export import Export
    from rfmkit.datasets.simulation import Simulation

    Exporter = Callable[[Simulation, np.random.Generator, str], Export]

__all__ = ["FORMATS", "export_orders"]

# Each format with its generations, of which the first is the one to write unless told.
_EXPORTERS: Final[dict[str, tuple[Exporter, tuple[str, ...]]]] = {
    "taobao": (taobao, ("2019", "2018", "2017", "2012", "qianniu")),
    "taobao_lines": (taobao_lines, ("2019", "2017")),
    "jd": (jd, ("2015",)),
    "pinduoduo": (pinduoduo, ("2024",)),
    "douyin": (douyin, ("2024",)),
    "shopify": (shopify, ("2023",)),
    "woocommerce": (woocommerce, ("orders", "lines")),
    "woocommerce_analytics": (woocommerce_analytics, ("2024", "2021")),
    "amazon": (amazon, ("2020",)),
    "amazon_all_orders": (amazon_all_orders, ("2020",)),
    "magento": (magento, ("2.4",)),
    "stripe": (stripe, ("2024", "2019")),
    "square": (square, ("2022", "2026")),
    "online_retail": (online_retail, ("1", "2")),
    "olist": (olist, ("2018",)),
    "cdnow": (cdnow, ("1998",)),
}
FORMATS: Final = {name: vintages for name, (_, vintages) in _EXPORTERS.items()}


def export_orders(
    shop: Simulation,
    *,
    format: str,  # noqa: A002
    vintage: str | None = None,
    seed: int = 0,
) -> Export:
    """Write a simulated shop's orders as a platform would export them, with what is true of them.

    The files have the traps of the real ones: ids that a float destroys, cells in the encoding
    and quoting of the platform, several rows to an order, refunds that are off the price already,
    rows that are no purchases. Buyers are invented, at addresses that belong to nobody.

    Parameters
    ----------
    shop : Simulation
        What `simulate_orders` returned.
    format : str
        The platform, one of `FORMATS`. Of ``"amazon_all_orders"``, ``"pinduoduo"`` and
        ``"douyin"`` the files name no buyer, so that nobody can tell customers from them.
    vintage : str, optional
        Which generation of the format, one of ``FORMATS[format]``; the first unless told.
    seed : int, default 0
        Equal arguments give equal bytes, on any day.

    Returns
    -------
    Export
        The `files`, and the `truth` that a reader is to find in them.

    Examples
    --------
    >>> import rfmkit as rk
    >>> shop = rk.simulate_orders(300, seed=1)
    >>> export = rk.datasets.export_orders(shop, format="shopify")
    >>> list(export.files)
    ['orders_export_1.csv']
    >>> export.truth.columns.tolist()
    ['order_id', 'customer_id', 'ordered_at', 'amount']
    >>> rk.datasets.export_orders(shop, format="shopify", vintage="2012")
    Traceback (most recent call last):
    rfmkit.exceptions.RfmkitError: vintage= is one of ('2023',) for shopify.
    Found: '2012'
    """
    if format not in _EXPORTERS:
        raise RfmkitError(f"format= is one of {tuple(FORMATS)}.", found=repr(format))
    exporter, vintages = _EXPORTERS[format]
    vintage = vintages[0] if vintage is None else vintage
    if vintage not in vintages:
        raise RfmkitError(f"vintage= is one of {vintages} for {format}.", found=repr(vintage))
    try:
        rng = np.random.default_rng(index(seed))
    except (TypeError, ValueError) as error:
        raise RfmkitError("seed= is a whole number from 0 on.", found=repr(seed)) from error
    return exporter(shop, rng, vintage)
