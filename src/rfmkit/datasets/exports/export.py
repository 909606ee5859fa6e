"""An export: the files a platform would give out, and what is to be read in them."""

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
        The platform's format, and which of its generations.
    files : dict of str to bytes
        File name to content, in the platform's encoding, delimiter, quoting and line ends.
    zone : str
        The shop's time zone. Moments that the files write with an offset or in UTC are moments
        of this zone; those that they write without one are its clock time.
    truth : pandas.DataFrame
        One row per valid order in order of time: `order_id` and `customer_id` (text),
        `ordered_at` (the shop's clock: paid, else created), `amount` (charged less what the
        files say went back). Empty where the format names no buyer.
    refunds : pandas.DataFrame
        Refunds that no column of the files links to an order, in the columns of `truth`; their
        amounts are negative and are in no amount of `truth`. Most formats have none.
    aside : dict of str to int
        How many rows of the orders' file each rule of `rfmkit.columns.RULES` sets aside: the
        file's own rows, so an order of three lines counts three times where lines have rows.
    """

    format: str
    vintage: str
    files: dict[str, bytes]
    zone: str
    truth: pd.DataFrame
    refunds: pd.DataFrame
    aside: dict[str, int]

    def __repr__(self) -> str:
        """Say how much there is, and where."""
        return (
            f"<Export: {self.format} ({self.vintage}), {len(self.truth):,} valid orders in "
            f"{', '.join(self.files)}; use .files, .truth, .refunds, .aside, .write(folder)>"
        )

    def write(self, folder: str | Path) -> list[Path]:
        """Write the files into a folder, which is made if need be, and return their paths."""
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        for name, content in self.files.items():
            (place / name).write_bytes(content)
        return [place / name for name in self.files]


@dataclass
class Account:
    """What an exporter notes while it writes: the orders to be read, and the rows to be left."""

    kept: list[tuple[str, str, dt.datetime, int]] = field(default_factory=list)
    returned: list[tuple[str, str, dt.datetime, int]] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)

    def keep(self, order_id: str, customer_id: str, when: dt.datetime, cents: int) -> None:
        """Note an order that is to be read."""
        self.kept.append((order_id, customer_id, when, cents))

    def give_back(self, order_id: str, customer_id: str, when: dt.datetime, cents: int) -> None:
        """Note a refund that nothing links to its order."""
        self.returned.append((order_id, customer_id, when, -cents))

    def leave(self, rule: str, rows: int = 1) -> None:
        """Note rows that a rule sets aside."""
        self.left[rule] += rows

    def export(self, name: str, vintage: str, files: dict[str, bytes], zone: str) -> Export:
        """Close the account."""
        truth, refunds = _frame(self.kept), _frame(self.returned)
        return Export(name, vintage, files, zone, truth, refunds, dict(sorted(self.left.items())))


def _frame(noted: list[tuple[str, str, dt.datetime, int]]) -> pd.DataFrame:
    import pandas as pd

    names = ["order_id", "customer_id", "ordered_at", "amount"]
    rows = sorted(noted, key=lambda row: (row[2], row[0]))
    frame = pd.DataFrame(rows, columns=names)
    types = {"order_id": "object", "customer_id": "object", "ordered_at": "datetime64[us]"}
    return frame.astype(types).assign(amount=frame["amount"].astype("float64") / 100)
