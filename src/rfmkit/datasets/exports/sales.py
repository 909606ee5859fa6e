"""The sales of a simulated shop, with the data of a platform that an order log lacks."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from rfmkit.datasets.exports.people import Person

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from rfmkit.datasets.simulation import Simulation

__all__ = ["BACK", "NEVER", "VALID", "Goods", "Line", "Sale", "draw_sales"]

VALID: Final = ("paid", "shipped", "completed", "partially_refunded")
BACK: Final = ("refunded", "closed_refunded")
NEVER: Final = ("unpaid", "closed_unpaid")

# Names of goods with the characters that separate cells: commas, quotes and line breaks.
ENGLISH: Final = (
    ("Filter coffee 500 g", "CF-500"), ("Mug, large", "MUG-L"), ('Tin "Classic"', "TIN-C"),
    ("Green tea", "TEA-G"), ("Oat biscuits\n(2 packs)", "BIS-2"), ("Kettle; steel", "KET-S"),
)  # fmt: skip
CHINESE: Final = (
    ("云雾绿茶 250g", "TEA-250"), ("冷萃咖啡液,无糖 8条", "COF-8"), ("手工曲奇，礼盒装", "COO-1"),
    ("陶瓷杯\n（大号）", "MUG-L"), ('"经典"铁罐', "TIN-C"), ("不锈钢水壶", "KET-S"),
)  # fmt: skip

# Sales up to this many cents have no shipping costs: they must not exceed the goods.
_SENT_FREE: Final = 1500

Goods = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One product of a sale; money in cents."""

    title: str
    sku: str
    price: int
    quantity: int

    @property
    def total(self) -> int:
        """Price times quantity."""
        return self.price * self.quantity


@dataclass(frozen=True, slots=True)
class Sale:
    """One order; money in cents: lines less discount plus shipping is the amount charged.

    `kind` is a status of the simulation, or one of the extra ones that a format asks for:
    cancelled, test, gift (worth nothing), nobody (no customer), twin (a sale once more).
    """

    number: int
    person: Person
    kind: str
    created: dt.datetime
    paid: dt.datetime | None
    amount: int
    refund: int
    lines: tuple[Line, ...]
    discount: int = 0
    shipping: int = 0

    @property
    def goods(self) -> int:
        """The sum of the lines."""
        return sum(line.total for line in self.lines)

    @property
    def moment(self) -> dt.datetime:
        """The moment that counts: paid, else created."""
        return self.paid or self.created

    @property
    def back_at(self) -> dt.datetime:
        """The moment of the refund: a few days later, never on the same day."""
        return self.moment + dt.timedelta(days=2 + self.number % 9)

    @property
    def is_valid(self) -> bool:
        """Whether it is a valid purchase."""
        return self.kind in VALID


def draw_sales(
    shop: Simulation,
    rng: np.random.Generator,
    *,
    zone: str = "UTC",
    goods: Goods = ENGLISH,
    extras: Mapping[str, float] | None = None,
    discounts: bool = True,
    shipping: bool = True,
) -> list[Sale]:
    """Return the simulated orders, and extra ones, as sales sorted by time.

    Parameters
    ----------
    shop : Simulation
        The shop.
    rng : numpy.random.Generator
        The source of all random numbers.
    zone : str, default "UTC"
        Time zone of the shop. A clock time that its summer time skips is moved past the gap.
    goods : sequence of (title, sku), default `ENGLISH`
        What the lines are made of.
    extras : mapping of str to float, optional
        Kinds that the simulation does not have, and their number as a share of its orders; at
        least one of each.
    discounts, shipping : bool, default True
        Whether some sales have a discount, and some a charge for shipping.
    """
    rows = shop.orders[["customer_id", "ordered_at", "amount", "refund_amount", "status"]]
    drawn = [_sale(row, rng, ZoneInfo(zone)) for row in rows.itertuples(index=False, name=None)]
    bought = [sale for sale in drawn if sale.is_valid]
    for kind, share in (extras or {}).items():
        again = rng.integers(len(bought), size=max(1, round(share * len(drawn))))
        drawn += [_extra(bought[int(place)], kind) for place in again]
    drawn.sort(key=lambda sale: sale.created)
    fill = partial(_filled, rng=rng, goods=goods, discounts=discounts, shipping=shipping)
    return [fill(replace(sale, number=place)) for place, sale in enumerate(drawn, start=1)]


def _sale(row: tuple[Any, ...], rng: np.random.Generator, zone: ZoneInfo) -> Sale:
    customer, ordered_at, amount, refund, kind = row
    created = ordered_at.to_pydatetime()
    created = created.replace(tzinfo=zone).astimezone(dt.UTC)
    later = dt.timedelta(seconds=int(rng.integers(5, 900)))
    paid = None if kind in NEVER else (created + later).astimezone(zone).replace(tzinfo=None)
    return Sale(
        number=0,
        person=Person(int(customer[1:])),
        kind=kind,
        created=created.astimezone(zone).replace(tzinfo=None),
        paid=paid,
        amount=round(100 * amount),
        refund=round(100 * refund),
        lines=(),
    )


def _extra(sale: Sale, kind: str) -> Sale:
    if kind == "twin":
        return replace(sale, kind="completed", refund=0)
    # Half an hour later, so that it does not always stand beside the sale that it copies.
    when, unpaid = sale.created + dt.timedelta(minutes=30), kind == "cancelled"
    paid = None if unpaid else when + dt.timedelta(minutes=1)
    amount = 0 if kind == "gift" else sale.amount
    return replace(sale, kind=kind, created=when, paid=paid, amount=amount, refund=0)


def _filled(
    sale: Sale, *, rng: np.random.Generator, goods: Goods, discounts: bool, shipping: bool
) -> Sale:
    """Return the lines of a sale; the number of the sale determines its peculiarities."""
    number, amount = sale.number, sale.amount
    fee = 600 if shipping and number % 3 == 0 and amount > _SENT_FREE else 0
    cheaper = discounts and number % 4 == 1 and sale.kind in ("paid", "shipped", "completed")
    discount = max(1, amount // 10) if cheaper and amount else 0
    lines = _lines(rng, amount - fee + discount, goods, number)
    return replace(sale, lines=lines, discount=discount, shipping=fee)


def _lines(rng: np.random.Generator, total: int, goods: Goods, number: int) -> tuple[Line, ...]:
    count = min((1, 1, 2, 1, 3)[number % 5], max(1, total))
    cuts = [total * part // count for part in range(count + 1)]
    lines = []
    for place, (low, high) in enumerate(pairwise(cuts)):
        title, sku = goods[(number + place) % len(goods)]
        quantity = int(rng.integers(1, 4))
        quantity = quantity if (high - low) % quantity == 0 else 1
        lines.append(Line(title, sku, (high - low) // quantity, quantity))
    return tuple(lines)
