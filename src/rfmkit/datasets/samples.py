"""The bundled samples: where they are, how they are read, and how they were made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from rfmkit.datasets.exports import export_orders
from rfmkit.datasets.simulation import simulate_orders
from rfmkit.exceptions import RfmkitError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["load_sample", "sample_path", "write_samples"]

_LOGS: Final = ("orders.csv", "orders.parquet")
# Exports of another, tiny shop, each the format's first file.
_EXPORTS: Final = {
    "taobao.csv": "taobao",
    "jd.csv": "jd",
    "shopify.csv": "shopify",
    "woocommerce.csv": "woocommerce",
    "amazon.txt": "amazon",
}
_SAMPLES: Final = (*_LOGS, *_EXPORTS)


def sample_path(name: str = "orders.csv") -> Path:
    """Return the path of a bundled sample.

    Parameters
    ----------
    name : str, default "orders.csv"
        ``"orders.csv"`` and ``"orders.parquet"`` hold the log of `load_sample`; ``"taobao.csv"``,
        ``"jd.csv"``, ``"shopify.csv"``, ``"woocommerce.csv"`` and ``"amazon.txt"`` are what those
        platforms would export of a tiny shop, in their own encodings (see `export_orders`).

    Examples
    --------
    >>> from rfmkit.datasets import sample_path
    >>> sample_path("taobao.csv").read_bytes()[:12].decode("gbk")
    '"订单编号","'
    """
    if name not in _SAMPLES:
        raise RfmkitError(f"A sample is one of {_SAMPLES}.", found=repr(name))
    package = Path(__file__).resolve().parents[1]
    # A wheel carries the files inside the package, a source checkout beside src.
    for folder in (package / "samples", package.parents[1] / "data" / "samples"):
        if (folder / name).is_file():
            return folder / name
    raise RfmkitError("The samples must be there.", found=f"no {name}", hint="reinstall rfmkit.")


def load_sample(name: str = "orders") -> pd.DataFrame:
    """Load the bundled log: 1,200 customers of a simulated coffee shop over two years.

    Parameters
    ----------
    name : {"orders", "orders.csv", "orders.parquet"}, default "orders"
        Both files hold the same log; "orders" reads the Parquet one.

    Returns
    -------
    pandas.DataFrame
        The columns of `Simulation.orders`.

    Examples
    --------
    >>> import rfmkit as rk
    >>> rk.load_sample()["customer_id"].nunique()
    1200
    >>> rk.load_sample("products")
    Traceback (most recent call last):
    rfmkit.exceptions.RfmkitError: A sample is one of ('orders.csv', 'orders.parquet').
    Found: 'products'
    """
    import pandas as pd

    name = "orders.parquet" if name == "orders" else name
    if name not in _LOGS:
        hint = f"read_orders(sample_path({name!r})) reads an export." if name in _EXPORTS else ""
        raise RfmkitError(f"A sample is one of {_LOGS}.", found=repr(name), hint=hint)
    path = sample_path(name)
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    orders = pd.read_csv(path, parse_dates=["ordered_at"])
    # pandas 2 reads nanoseconds here: both files are to give the same frame.
    return orders.astype({"ordered_at": "datetime64[us]"})


def write_samples(folder: str | Path) -> list[Path]:
    """Write the bundled samples into a folder, the same ones each time, and return their paths."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    csv, parquet = (place / name for name in _LOGS)
    shop = simulate_orders(1200, seed=7, mean_gap_days=45, regularity=1.5, seasonality=0.25,
                           dropout=0.25, dropout_concentration=3)  # fmt: skip
    shop.orders.to_csv(csv, index=False, float_format="%.2f", lineterminator="\n")
    shop.orders.to_parquet(parquet, engine="pyarrow", index=False)
    tiny = simulate_orders(30, seed=4, days=400, mean_gap_days=60, partial_refund_share=0.08,
                           refund_share=0.08, unpaid_share=0.1)  # fmt: skip
    for name, platform in _EXPORTS.items():
        content = next(iter(export_orders(tiny, format=platform).files.values()))
        (place / name).write_bytes(content)
    return [place / name for name in _SAMPLES]
