"""The formats that come with rfmkit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rfmkit.formats._registry import register
from rfmkit.formats.amazon import AMAZON, AMAZON_ALL_ORDERS
from rfmkit.formats.jd import JD
from rfmkit.formats.keyless import DOUYIN, PINDUODUO
from rfmkit.formats.magento import MAGENTO
from rfmkit.formats.shopify import SHOPIFY
from rfmkit.formats.square import SQUARE, SQUARE_ITEMS
from rfmkit.formats.stripe import STRIPE
from rfmkit.formats.taobao import TAOBAO, TAOBAO_LINES
from rfmkit.formats.teaching import CDNOW, OLIST, OLIST_ORDERS, ONLINE_RETAIL
from rfmkit.formats.woocommerce import WOOCOMMERCE, WOOCOMMERCE_ANALYTICS

if TYPE_CHECKING:
    from rfmkit.formats.format import Format

PLATFORMS: Final[tuple[Format, ...]] = (
    TAOBAO, TAOBAO_LINES, JD, PINDUODUO, DOUYIN, SHOPIFY, WOOCOMMERCE, WOOCOMMERCE_ANALYTICS,
    AMAZON, AMAZON_ALL_ORDERS, MAGENTO, STRIPE, SQUARE, SQUARE_ITEMS, ONLINE_RETAIL, OLIST,
    OLIST_ORDERS, CDNOW,
)  # fmt: skip

for platform in PLATFORMS:
    register(platform)
