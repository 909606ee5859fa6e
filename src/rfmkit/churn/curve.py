"""ChurnCurve: the probability of churn by days since the last purchase."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import ibis
import numpy as np

from rfmkit import _checks as checks
from rfmkit.churn._strata import ORDER_NUMBERS, label, merge_strata
from rfmkit.cycle._survival import Survival, from_frame
from rfmkit.exceptions import NotEnoughHistoryError, NotFittedError, RfmkitError, warn
from rfmkit.history.customers import over_customers
from rfmkit.orders.orders import as_orders

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis.expr.types as ir
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from rfmkit.orders.orders import Orders

    Floats = NDArray[np.float64]

Anchor = Literal["last_order", "snapshot"]
MANY: Final = 0.2
CHURN: Final = ("churn_probability", "churn_lower", "churn_upper")


class ChurnCurve:
    """Probability of churn against days since the last purchase, by Kaplan-Meier.

    Churn is no purchase within `horizon_days`. Two anchors tell where the horizon begins, and the
    answer differs, so it is named in every output:

    - ``"last_order"``: from the last purchase, P(gap > H | gap > r) = S(H) / S(r); it reaches 1
      at r = H by construction;
    - ``"snapshot"``: from the day of asking, P(no purchase in (t, t + H] | silent r days at t)
      = S(r + H) / S(r).

    S is estimated per order number (1, 2, 3-4, 5-8, 9 and more), since who has bought more often
    returns more surely; a stratum of few gaps is merged with its neighbour.

    Parameters
    ----------
    horizon_days : int, default 365
        The horizon H, in days.
    anchor : {"last_order", "snapshot"}, default "last_order"
        Where the horizon begins.
    order_numbers : sequence of int, default (1, 2, 3, 5, 9)
        First order number of each stratum.
    min_gaps : int, default 200
        Strata with fewer gaps are merged.
    confidence : float, default 0.95
        Level of the intervals.

    Attributes
    ----------
    curve_ : DataFrame
        `stratum, days, survival, lower, upper, at_risk, returns, beyond_data` for every day.
    strata_ : DataFrame
        `stratum, first_order_number, last_order_number, gaps, returns, never_share,
        last_return_days`: one row each; `never_share` is the share that never returns.
    estimand : str
        What the probabilities are probabilities of.

    See Also
    --------
    rfmkit.PurchaseCycle : how long between purchases, from the same gaps.

    Notes
    -----
    Kaplan and Meier (1958), JASA 53; intervals by Greenwood's formula on the log(-log) scale.
    Beyond the last return the curve goes on with a falling Gompertz hazard (the
    tail), marked `beyond_data`; a flat tail would claim that nobody returns after the data end.

    From the second purchase on, who buys often is watched longer: censoring is not quite
    independent of the gap. In simulated shops the curves were off by at most 0.7 percentage
    points for that, and 95 % intervals of 1,500 customers held the truth 85 to 98 times in 100;
    with many customers the interval is narrower than that error.

    Examples
    --------
    >>> import rfmkit as rk
    >>> orders = rk.read_orders(rk.load_sample())
    >>> curve = rk.ChurnCurve(horizon_days=180).fit(orders)
    >>> print(curve.estimand)
    P(no purchase within 180 days of the last one | silent so far)
    >>> churn = curve.predict_churn(orders)
    >>> list(churn.columns)
    ['customer_id', 'churn_probability', 'churn_lower', 'churn_upper']
    >>> bool(churn["churn_probability"].between(0, 1).all())
    True
    """

    def __init__(
        self,
        horizon_days: int = 365,
        *,
        anchor: Anchor = "last_order",
        order_numbers: Sequence[int] = ORDER_NUMBERS,
        min_gaps: int = 200,
        confidence: float = 0.95,
    ) -> None:
        self.horizon_days = horizon_days
        self.anchor = anchor
        self.order_numbers = order_numbers
        self.min_gaps = min_gaps
        self.confidence = confidence

    def fit(self, orders: Orders) -> Self:
        """Estimate the curve from the gaps of a log.

        Parameters
        ----------
        orders : Orders
            The log, as of its day.

        Returns
        -------
        ChurnCurve
            Itself, fitted.

        Raises
        ------
        NotEnoughHistoryError
            The log holds no purchase.

        Warns
        -----
        RfmkitWarning
            For a fifth of the customers or more the horizon is longer than what the log shows
            (ten silences at least): their probability rests on the tail of the curve.
        """
        self._check()
        gaps = as_orders(orders).history.engine.frame(orders.history.gaps)
        if not len(gaps):
            raise NotEnoughHistoryError(
                "A churn curve needs at least one purchase.",
                found=f"no purchase as of {orders.as_of}",
                hint="see orders.audit for what was set aside and why.",
            )
        self.fit_gaps(gaps)
        self._warn()
        return self

    def fit_gaps(self, gaps: pd.DataFrame) -> Self:
        """Estimate the curve from gaps that were counted: `order_number, gap_days, returned, gaps`.

        Of a tail that much rests on, nothing is said.
        """
        bounds = merge_strata(gaps, tuple(self.order_numbers), self.min_gaps)
        self._fits: list[tuple[int, int | None, Survival]] = []
        for first, last in bounds:
            inside = (gaps["order_number"] >= first) & (
                gaps["order_number"] <= (last or gaps["order_number"].max())
            )
            self._fits.append((first, last, from_frame(gaps[inside])))
        self.curve_ = self._curve()
        self.strata_ = self._strata()
        return self

    def _warn(self) -> None:
        everybody = sum(fit.open_gaps for _, _, fit in self._fits)
        short = [fit for _, _, fit in self._fits if fit.seen_days < self.horizon_days]
        share = sum(fit.open_gaps for fit in short) / max(everybody, 1)
        if share >= MANY:
            warn(
                f"Churn within {self.horizon_days} days rests on a fitted tail for {share:.0%} of "
                f"the customers: silences are seen up to {min(fit.seen_days for fit in short)} "
                "days.",
                hint="ask for a shorter horizon_days, or give a longer log.",
            )

    def _check(self) -> None:
        checks.choice("anchor", self.anchor, ("last_order", "snapshot"))
        self._horizon(None)
        checks.number("confidence", self.confidence, above=0, below=1)
        checks.whole("min_gaps", self.min_gaps, least=0)
        given: Any = self.order_numbers
        listed = list(given) if isinstance(given, Iterable) else []
        if not listed or listed[0] != 1 or listed != sorted(set(listed)):
            raise RfmkitError(
                "order_numbers must rise from 1: they are the first order number of each stratum.",
                found=f"order_numbers={given!r}",
                hint="for example order_numbers=(1, 2, 5).",
            )

    @property
    def fits(self) -> list[tuple[int, int | None, Survival]]:
        """First and last order number of each stratum, and its survival."""
        if not hasattr(self, "_fits"):
            raise NotFittedError(
                "A ChurnCurve must be fitted before use.",
                found="a ChurnCurve that has not been fitted",
                hint="rk.ChurnCurve().fit(orders).",
            )
        return self._fits

    @property
    def estimand(self) -> str:
        """What the probabilities are probabilities of."""
        return _estimand(self.anchor, self.horizon_days)

    def predict_churn(self, customers: Any, *, horizon_days: int | None = None) -> Any:
        """Return each customer's probability of churn.

        Parameters
        ----------
        customers : Orders or DataFrame
            A log, or the frame of ``summarize`` (`customer_id, purchases, recency_days`) in any
            kind.
        horizon_days : int, optional
            Another horizon than the fitted one; nothing needs to be fitted again.

        Returns
        -------
        DataFrame
            `customer_id, churn_probability, churn_lower, churn_upper`, in the input's kind and
            row order; null where a customer has no purchase, or where nobody ever returned.
        """
        horizon = self._horizon(horizon_days)

        def expression(table: ir.Table) -> ir.Table:
            scored = self.churn_columns(table, horizon)
            return scored.select(
                "customer_id", *CHURN, *(name for name in table.columns if name == "rfmkit_row")
            )

        return over_customers(
            customers, expression, needs=("customer_id", "purchases", "recency_days")
        )

    def churn_columns(self, table: ir.Table, horizon_days: int | None = None) -> ir.Table:
        """Add the probability and its interval to a table of customers: a join with a small one."""
        horizon = self._horizon(horizon_days)
        lookup = ibis.memtable(self.lookup(horizon))
        longest = self._longest(horizon)
        table = table.drop(*(name for name in CHURN if name in table.columns))
        keyed = table.mutate(
            curve_stratum=self.stratum_of(table.purchases.cast("int64")),
            curve_days=table.recency_days.cast("int64").clip(0, longest),
        )
        scored = keyed.left_join(lookup, ["curve_stratum", "curve_days"])
        return scored.select(*table.columns, *CHURN)

    def _horizon(self, horizon_days: int | None) -> int:
        return checks.horizon(self.horizon_days if horizon_days is None else horizon_days)

    def _longest(self, horizon_days: int) -> int:
        """Return the silence from which on the answer no longer changes."""
        return max(horizon_days, *(fit.days for _, _, fit in self.fits)) + 1

    def stratum_of(self, purchases: ir.IntegerValue) -> ir.IntegerValue:
        """Return the place of the stratum for each number of purchases; null for none."""
        places = [(purchases >= first, place) for place, (first, _, _) in enumerate(self.fits)]
        return ibis.cases(*reversed(places), else_=ibis.null("int64")).cast("int64")

    def by_day(self, horizon_days: int) -> Floats:
        """Return the probability, a line for each stratum and a column for each day of silence.

        Not a number where nobody ever returned: nothing says how soon one would.
        """
        silent = np.arange(self._longest(horizon_days) + 1)
        until = self._until(silent, horizon_days)
        return np.stack(
            [
                fit.lasts(silent, until) if fit.returns.any() else np.full(len(silent), np.nan)
                for _, _, fit in self.fits
            ]
        )

    def _until(self, silent: Any, horizon_days: int) -> Any:
        if self.anchor == "snapshot":
            return silent + horizon_days
        return np.full_like(silent, horizon_days)

    def lookup(self, horizon_days: int) -> pd.DataFrame:
        """Tabulate the probability for every stratum and number of silent days."""
        import pandas as pd

        chances = self.by_day(horizon_days)
        silent = np.arange(chances.shape[1])
        tables = []
        for place, (_, _, fit) in enumerate(self.fits):
            lower, upper = fit.interval(silent, self._until(silent, horizon_days), self.confidence)
            tables.append(
                pd.DataFrame(
                    {
                        "curve_stratum": np.full_like(silent, place),
                        "curve_days": silent,
                        "churn_probability": chances[place],
                        "churn_lower": lower,
                        "churn_upper": upper,
                    }
                )
            )
            if not fit.returns.any():
                tables[-1].loc[:, list(CHURN)] = np.nan
        return pd.concat(tables, ignore_index=True)

    def days_until(self, probability: float) -> pd.DataFrame:
        """Return the silence after which churn is at least so probable, per stratum.

        Parameters
        ----------
        probability : float
            Between 0 and 1.

        Returns
        -------
        DataFrame
            `stratum, days`; null where the curve never gets there.
        """
        import pandas as pd

        checks.number("probability", probability, least=0, most=1)
        table = self.lookup(self.horizon_days)
        reached = table[table["churn_probability"] >= probability - 1e-12]
        first = reached.groupby("curve_stratum")["curve_days"].min()
        days = first.reindex(range(len(self.fits))).astype("Int64")
        return pd.DataFrame({"stratum": list(self.strata_["stratum"]), "days": days.to_numpy()})

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the probability of churn against days since the last purchase."""
        from rfmkit.report.plots import churn_curve

        table = self.lookup(self.horizon_days)
        table.insert(0, "stratum", self.strata_["stratum"].to_numpy()[table["curve_stratum"]])
        ends = self.strata_.set_index("stratum")["last_return_days"]
        return churn_curve(table, ends, title=self.estimand, ax=ax)

    def _curve(self) -> pd.DataFrame:
        import pandas as pd

        tables = []
        for first, last, fit in self.fits:
            days = np.arange(fit.days + 1)
            lower, upper = fit.interval(np.zeros_like(days), days, self.confidence)
            tables.append(
                pd.DataFrame(
                    {
                        "stratum": label(first, last),
                        "days": days,
                        "survival": fit.at(days),
                        "lower": lower,
                        "upper": upper,
                        "at_risk": fit.at_risk.astype("int64"),
                        "returns": fit.returns.astype("int64"),
                        "beyond_data": days > fit.tail_from,
                    }
                )
            )
        return pd.concat(tables, ignore_index=True)

    def _strata(self) -> pd.DataFrame:
        import pandas as pd

        rows = [
            {
                "stratum": label(first, last),
                "first_order_number": first,
                "last_order_number": last,
                "gaps": int(fit.at_risk[0]),
                "returns": int(fit.returns.sum()),
                "never_share": fit.never,
                "last_return_days": fit.tail_from,
            }
            for first, last, fit in self.fits
        ]
        return pd.DataFrame(rows).astype({"last_order_number": "Int64"})

    def __repr__(self) -> str:
        """Return what was asked, and on how much it was fitted."""
        if not hasattr(self, "_fits"):
            return f"<ChurnCurve: {self.estimand}; not fitted>"
        gaps = int(self.strata_["gaps"].sum())
        return f"<ChurnCurve: {self.estimand}; {gaps:,} gaps in {len(self.strata_)} strata>"


def _estimand(anchor: str, horizon_days: int) -> str:
    if anchor == "snapshot":
        return f"P(no purchase in the next {horizon_days} days | silent so far)"
    return f"P(no purchase within {horizon_days} days of the last one | silent so far)"
