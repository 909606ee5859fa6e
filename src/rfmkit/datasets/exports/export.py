"""An export: the files of a platform, and what a reader must find in them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt

    import pandas as pd

__all__ = ["Account", "Export"]


@dataclass(frozen=True, eq=False, repr=False)
class Export:
    """The order export of a platform, made from a simulated shop, and its truth.

    Attributes
    ----------
    format, vintage : str
        The platform's format, and its version.
    files : dict of str to bytes
        File name to content, in the platform's encoding, delimiter, quoting and line ends.
    zone : str
        The shop's time zone. The files write moments with an offset, in UTC, or in the local time
        of this zone.
    truth : pandas.DataFrame
        One row per valid order in order of time: `order_id` and `customer_id` (text),
        `ordered_at` (datetime64, local time: paid, else created), `amount` (float64, in money:
        charged less the refunds that the files show). Empty where the format names no buyer.
    refunds : pandas.DataFrame
        Refunds that no column of the files links to an order, in the columns of `truth`; their
        amounts are negative, and `truth` does not contain them. Most formats have none.
    aside : dict of str to int
        The number of rows of the orders' file that each rule of `rfmkit.columns.RULES` sets
        aside. Where each line of an order has a row, an order of three lines counts three times.

    Examples
    --------
    >>> import rfmkit as rk
    >>> shop = rk.simulate_orders(300, seed=1)
    >>> export = rk.datasets.export_orders(shop, format="magento")
    >>> export.aside
    {'cancelled': 74, 'closed_refunded': 41, 'no_customer': 15, 'unpaid': 43, 'zero_amount': 15}
    >>> export.truth[["customer_id", "amount"]].head(2)
                  customer_id  amount
    0   oakden164@example.org  152.07
    1  kestrin255@example.com   17.40
    """

    format: str
    vintage: str
    files: dict[str, bytes]
    zone: str
    truth: pd.DataFrame
    refunds: pd.DataFrame
    aside: dict[str, int]

    def __repr__(self) -> str:
        """Return the size of the export, and what to look at next."""
        return (
            f"<Export: {self.format} ({self.vintage}), {len(self.truth):,} valid orders in "
            f"{', '.join(self.files)}; use .files, .truth, .refunds, .aside, .write(folder)>"
        )

    def write(self, folder: str | Path) -> list[Path]:
        """Write the files into a folder, made where it does not exist; return their paths."""
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        for name, content in self.files.items():
            (place / name).write_bytes(content)
        return [place / name for name in self.files]


@dataclass
class Account:
    """The orders that a reader must find and the rows it must leave, noted by an exporter."""

    kept: list[tuple[str, str, dt.datetime, int]] = field(default_factory=list)
    returned: list[tuple[str, str, dt.datetime, int]] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)

    def keep(self, order_id: str, customer_id: str, when: dt.datetime, cents: int) -> None:
        """Add an order that a reader must find."""
        self.kept.append((order_id, customer_id, when, cents))

    def give_back(self, order_id: str, customer_id: str, when: dt.datetime, cents: int) -> None:
        """Add a refund that nothing links to its order."""
        self.returned.append((order_id, customer_id, when, -cents))

    def leave(self, rule: str, rows: int = 1) -> None:
        """Add rows that a rule sets aside."""
        self.left[rule] += rows

    def export(self, name: str, vintage: str, files: dict[str, bytes], zone: str) -> Export:
        """Return the export with its truth."""
        truth, refunds = _frame(self.kept), _frame(self.returned)
        return Export(name, vintage, files, zone, truth, refunds, dict(sorted(self.left.items())))


def _frame(noted: list[tuple[str, str, dt.datetime, int]]) -> pd.DataFrame:
    import pandas as pd

    names = ["order_id", "customer_id", "ordered_at", "amount"]
    rows = sorted(noted, key=lambda row: (row[2], row[0]))
    frame = pd.DataFrame(rows, columns=names)
    types = {"order_id": "object", "customer_id": "object", "ordered_at": "datetime64[us]"}
    return frame.astype(types).assign(amount=frame["amount"].astype("float64") / 100)
