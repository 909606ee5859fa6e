"""The bundled samples: their paths, their reading, and the code that made them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from rfmkit import _checks as checks
from rfmkit.datasets.exports import export_orders
from rfmkit.datasets.simulation import simulate_orders
from rfmkit.exceptions import RfmkitError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["load_sample", "sample_path", "write_samples"]

_LOGS: Final = ("orders.csv", "orders.parquet")
# Exports of another, tiny shop; of each format the first file.
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

    Returns
    -------
    pathlib.Path
        The path of the file.

    Raises
    ------
    RfmkitError
        Where there is no such sample.

    Examples
    --------
    >>> from rfmkit.datasets import sample_path
    >>> sample_path("taobao.csv").read_bytes()[:12].decode("gbk")
    '"订单编号","'
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(sample_path("shopify.csv"))
    >>> orders.to_frame()[["customer_id", "status"]].head(2)
                  customer_id status
    0  amberley19@example.com   paid
    1  amberley19@example.com   paid
    """
    checks.choice("name", name, _SAMPLES)
    package = Path(__file__).resolve().parents[1]
    # A wheel carries the files inside the package, a source checkout beside src.
    for folder in (package / "samples", package.parents[1] / "data" / "samples"):
        if (folder / name).is_file():
            return folder / name
    raise RfmkitError(
        "The bundled samples must be installed.", found=f"no {name}", hint="reinstall rfmkit."
    )


def load_sample(name: str = "orders") -> pd.DataFrame:
    """Return the bundled log: 1,200 customers of a simulated coffee shop over two years.

    Parameters
    ----------
    name : {"orders", "orders.csv", "orders.parquet"}, default "orders"
        Both files hold the same log; "orders" reads the Parquet one.

    Returns
    -------
    pandas.DataFrame
        The columns of `Simulation.orders`.

    Raises
    ------
    RfmkitError
        Where there is no such log; for the exports, pass their `sample_path` to `read_orders`.

    Examples
    --------
    >>> import rfmkit as rk
    >>> rk.load_sample()[["customer_id", "ordered_at", "amount", "status"]].head(3)
      customer_id          ordered_at  amount     status
    0     C000040 2023-01-01 11:06:42   47.77  completed
    1     C000622 2023-01-01 16:00:06   45.99  completed
    2     C000737 2023-01-01 17:51:54   64.81  completed
    >>> rk.load_sample("products")
    Traceback (most recent call last):
    rfmkit.exceptions.RfmkitError: name must be one of 'orders', 'orders.csv', 'orders.parquet'.
    Found: name='products'
    Hint: for example name='orders'.
    """
    import pandas as pd

    if name in _EXPORTS:
        raise RfmkitError(
            f"name must be one of {', '.join(map(repr, ('orders', *_LOGS)))}.",
            found=f"name={name!r}, which is the export of a platform",
            hint=f"read it: rk.read_orders(rk.datasets.sample_path({name!r})).",
        )
    checks.choice("name", name, ("orders", *_LOGS))
    path = sample_path("orders.parquet" if name == "orders" else name)
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    orders = pd.read_csv(path, parse_dates=["ordered_at"])
    # pandas 2 reads nanoseconds here, and the Parquet file has microseconds.
    return orders.astype({"ordered_at": "datetime64[us]"})


def write_samples(folder: str | Path) -> list[Path]:
    """Write the bundled samples into a folder, always with the same bytes; return their paths."""
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
