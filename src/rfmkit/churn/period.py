"""The churn period: after how many days of silence fewer than one in ten ever come back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from rfmkit import _checks as checks
from rfmkit.cycle._survival import MIN_AT_RISK, REACH, Survival, from_frame
from rfmkit.exceptions import NotEnoughHistoryError
from rfmkit.orders._history import days_between
from rfmkit.orders.orders import as_orders

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from rfmkit.orders.orders import Orders

    Floats = NDArray[np.float64]

SOURCES: Final = {
    "return_rate": "Kaplan and Meier (1958), JASA 53",
    "inflection": "拐点法: the knee of the curve of returns, of Chinese practice",
    "half_value": "Adobe Commerce Intelligence, Define customer churn",
    "quantile": "a quantile of the gaps, of general practice",
}
BENT: Final = 0.05
"""A curve nearer to its chord than a twentieth of its fall has no knee."""
COLUMNS: Final = ("method", "days", "reached", "value", "return_rate", "note", "source")


def churn_period(
    orders: Orders,
    *,
    return_rate: float = 0.10,
    horizon_days: int | None = None,
    q: float = 0.90,
) -> Any:
    """Return the silence after which a customer counts as churned, by four methods side by side.

    Parameters
    ----------
    orders : Orders
        The log, as of its day.
    return_rate : float, default 0.10
        Fewer than this share come back after the days of ``"return_rate"``.
    horizon_days : int, optional
        Within how many days of the silence they would have to come back; left out, ever.
    q : float, default 0.90
        The quantile of ``"quantile"``.

    Returns
    -------
    DataFrame
        One row a method: `method`, `days` (int64, null where `reached` is false), `reached`,
        `value` (what the method itself reads off after so many days: its own share of returns, or
        the quantile), `return_rate` (what Kaplan and Meier's curve says of the same days), `note`
        and `source`; in the source's own kind, where that is a DataFrame in memory.

    Raises
    ------
    NotEnoughHistoryError
        Nobody has bought twice.

    Notes
    -----
    With S(N) the share of gaps longer than N days, by Kaplan and Meier of ended and open gaps:

    - ``"return_rate"``: the first N from which on 1 - S(inf) / S(N), the share of those silent
      for N days who ever return, stays below `return_rate`; with `horizon_days` H it is
      1 - S(N + H) / S(N). S goes on beyond the data by the fitted tail of
      ``ChurnCurve``; the note says where it counts.
    - ``"inflection"``: of the customers who were ever silent for N days (bought once and silent
      now, M; came back sooner and silent now, F1; came back after it, F2) the share
      F2 / (M + F1 + F2) came back; N at the largest distance of this curve to its chord.
    - ``"half_value"``: ended gaps longer than N over all gaps longer than N; the first N where
      it has fallen to half of its value over all gaps.
    - ``"quantile"``: the quantile `q` of the ended gaps.

    The last three count whoever has not returned by `as_of` as one who never will, and so call
    customers lost too soon; the first counts the open silences in. In a simulated shop over one
    year (``simulate_orders(20_000, seed=2, days=365)``) ``"half_value"`` ends at 100 days and
    says that 33 % return after them; Kaplan and Meier's curve says 54 %, and 59 % do. On a short
    log even that curve ends too soon: the 333 days after which it sees 10 % return are followed
    by 20 %, and with two years its 434 days by 14 %.

    Not here is the D-curve of Indeed, which weighs customers called lost who return against lost
    ones not called so: it needs a cost for either.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> period = rk.churn_period(orders, return_rate=0.10)
    >>> period["method"].tolist()
    ['return_rate', 'inflection', 'half_value', 'quantile']
    >>> bool(period.set_index("method").loc["return_rate", "return_rate"] < 0.10)
    True
    """
    checks.number("return_rate", return_rate, above=0, below=1)
    checks.number("q", q, above=0, below=1)
    if horizon_days is not None:
        checks.horizon(horizon_days)
    gaps = as_orders(orders).history.engine.frame(orders.history.gaps)
    ended = gaps[gaps["returned"]]
    if not len(ended):
        raise NotEnoughHistoryError(
            "At least one customer must have bought on two different days.",
            found=f"{int(gaps['gaps'].sum()):,} purchases by as many customers",
            hint="give a longer log, or same_day='keep' where one day holds several purchases.",
        )
    survival = from_frame(gaps)
    returns = _returns(survival, horizon_days)
    found = {
        "return_rate": _by_return_rate(survival, returns, return_rate, horizon_days),
        "inflection": _by_inflection(_ever_silent(orders)),
        "half_value": _by_half_value(survival),
        "quantile": _by_quantile(ended, q),
    }
    rows = [
        (method, days, days is not None, value, _at(returns, days), note, SOURCES[method])
        for method, (days, value, note) in found.items()
    ]
    table = dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
    return orders.history.engine.small(table, orders.history.kind)


def _returns(survival: Survival, horizon_days: int | None) -> Floats:
    """Return, for each number of silent days, the share who return: ever, or within the horizon."""
    silent = np.arange(survival.days * REACH + 2)
    if horizon_days is None:
        return np.maximum(1 - survival.never / survival.at(silent), 0.0)
    return np.asarray(1 - survival.lasts(silent, silent + horizon_days))


def _at(returns: Floats, days: int | None) -> float | None:
    return None if days is None else float(returns[days])


def _by_return_rate(
    survival: Survival, returns: Floats, return_rate: float, horizon_days: int | None
) -> tuple[int | None, float | None, str]:
    asked = "ever" if horizon_days is None else f"within {horizon_days} days"
    note = f"fewer than {return_rate:.0%} return {asked}, open silences counted in"
    over = np.flatnonzero(returns >= return_rate)
    days = int(over[-1]) + 1 if len(over) else 0
    if horizon_days is None and survival.tail.decay <= 0:
        note += f"; ever: within the {survival.days} days of the longest silence"
    if days >= len(returns):
        return None, None, f"{note}; never that few"
    if not days:
        note += "; this holds from the first day on, so it identifies no lost customer"
    if days > survival.tail_from:
        note += f"; by the fitted tail, which begins at {survival.tail_from} days"
    return days, float(returns[days]), note


def _ever_silent(orders: Orders) -> pd.DataFrame:
    """Count customers by the longest silence they ever came back from, and the longest of all."""
    table = orders.history.purchases
    table = table.filter(orders.history.ends_purchase(table))
    gap = days_between(table.day, table.next_day.fill_null(orders.as_of))
    of_each = table.group_by("customer_id").agg(
        came_back_after=gap.max(where=table.next_day.notnull()).fill_null(0), silent_for=gap.max()
    )
    keys = ("came_back_after", "silent_for")
    counted = of_each.group_by(*keys).agg(customers=of_each.count())
    return orders.history.engine.frame(counted.order_by(*keys))


def _by_inflection(silences: pd.DataFrame) -> tuple[int | None, float | None, str]:
    note = "the knee of the share who came back after so long: who may yet return counts as lost"
    longest = int(silences["silent_for"].max())
    came_back, silent = (
        np.bincount(silences[name], silences["customers"], minlength=longest + 1)[::-1].cumsum()[
            ::-1
        ]
        for name in ("came_back_after", "silent_for")
    )
    days = np.flatnonzero(silent >= min(MIN_AT_RISK, silent[0] / 2))
    days = days[days >= 1]
    if len(days) < 3:  # noqa: PLR2004 (a chord and a point between its ends)
        return None, None, f"{note}; too few silences"
    share = came_back[days] / silent[days]
    # The distance to a line is the vertical distance times a constant: the units do not matter.
    chord = np.interp(days, days[[0, -1]], share[[0, -1]])
    knee = int(np.argmax(chord - share))
    if chord[knee] - share[knee] <= BENT * (share[0] - share[-1]):
        return None, None, f"{note}; the curve has no knee"
    return int(days[knee]), float(share[knee]), note


def _by_half_value(survival: Survival) -> tuple[int | None, float | None, str]:
    note = "half of the share of purchases that were followed by another: open silences are lost"
    returned = survival.returns[::-1].cumsum()[::-1]
    # Longer than N days: at least N + 1.
    longer, back = survival.at_risk[1:], returned[1:]
    first = returned[0] / survival.at_risk[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(longer > 0, back / longer, 0.0)
    reached = np.flatnonzero(share <= first / 2)
    if not len(reached):
        return None, None, f"{note}; never that few"
    return int(reached[0]), float(share[reached[0]]), f"{note}; {first:.0%} were"


def _by_quantile(ended: pd.DataFrame, q: float) -> tuple[int | None, float | None, str]:
    counted = ended.groupby("gap_days")["gaps"].sum()
    share = counted.to_numpy(dtype=float).cumsum() / counted.sum()
    days = int(counted.index[int(np.argmax(share >= q))])
    return days, q, f"{q:.0%} of the ended gaps are no longer: biased low by the window"
