"""The formats that can be written, and the function that writes any of them."""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, Final

import numpy as np

from rfmkit import _checks as checks
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

# Each format with its versions; the first is the default.
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
    """Return a simulated shop's orders as the files that a platform would export, and their truth.

    The files have the difficulties of real ones: ids that a float destroys, the encoding and the
    quotes of the platform, several rows for an order, refunds that are already subtracted, rows
    that are no purchases. The buyers are invented, and their addresses belong to nobody.

    Parameters
    ----------
    shop : Simulation
        The result of `simulate_orders`.
    format : str
        The platform, one of `FORMATS`. The files of ``"amazon_all_orders"``, ``"pinduoduo"`` and
        ``"douyin"`` name no buyer, as those of the platforms.
    vintage : str, optional
        The version of the format, one of ``FORMATS[format]``; by default the first.
    seed : int, default 0
        Equal arguments give equal bytes, on any day.

    Returns
    -------
    Export
        The `files`, and the `truth`: what a reader must find in them.

    Raises
    ------
    RfmkitError
        Where there is no such format or vintage, or the seed is no whole number from 0 on.

    Examples
    --------
    >>> import rfmkit as rk
    >>> shop = rk.simulate_orders(300, seed=1)
    >>> export = rk.datasets.export_orders(shop, format="shopify")
    >>> list(export.files)
    ['orders_export_1.csv']
    >>> export.truth[["order_id", "ordered_at", "amount"]].head(2)
            order_id          ordered_at  amount
    0  5400000032768 2023-01-02 13:31:33  152.07
    1  5400000065536 2023-01-09 13:24:29   17.40
    >>> rk.datasets.export_orders(shop, format="shopify", vintage="2012")
    Traceback (most recent call last):
    rfmkit.exceptions.RfmkitError: vintage must be one of '2023'.
    Found: vintage='2012'
    Hint: did you mean vintage='2023'?
    """
    checks.choice("format", format, FORMATS)
    exporter, vintages = _EXPORTERS[format]
    vintage = vintages[0] if vintage is None else vintage
    checks.choice("vintage", vintage, vintages)
    try:
        rng = np.random.default_rng(index(seed))
    except (TypeError, ValueError) as error:
        raise RfmkitError(
            "seed must be a whole number of at least 0.",
            found=f"seed={seed!r}",
            hint="for example seed=0.",
        ) from error
    return exporter(shop, rng, vintage)
