"""Simulated order logs, with the truth about each customer."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from rfmkit import _checks as checks
from rfmkit.exceptions import RfmkitError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

__all__ = ["Simulation", "simulate_orders"]

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Ints: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Texts: TypeAlias = np.ndarray[Any, np.dtype[np.object_]]
Rng: TypeAlias = np.random.Generator

_YEAR, _TINY = 365.25, 1e-6
_VALID, _REFUNDED, _UNPAID = 0, 1, 2
_ARRIVALS = ("uniform", "growing", "start")


@dataclass(frozen=True, eq=False, repr=False)
class Simulation:
    """A simulated order log, and the truth about its customers.

    Attributes
    ----------
    orders : pandas.DataFrame
        The log, one row per order, sorted by time: `order_id`, `customer_id` (text), `ordered_at`
        (datetime64, local time), `amount` (float64, in money: charged, before refunds, whole
        cents), `refund_amount` (float64, in money; 0 where nothing was refunded), `status`,
        `category`, `channel`, `region` (text), `quantity` (int64, pieces).
    customers : pandas.DataFrame
        The truth, one row per customer: `customer_id` (text), `arrived_on` (datetime64, day of
        the first purchase, or of a prospect's order), `purchases_per_day` (float64) and its
        reciprocal `mean_gap_days` (float64, days), `regularity` (float64), `dropout_probability`
        (float64), `dropped_out_on` (datetime64, day of the purchase after which the customer
        left; NaT while active on `last_day`), `mean_order_value` (float64, in money), `purchases`
        (int64, in the window). A prospect has 0 purchases and no rate, regularity or drop-out.
    gaps : pandas.DataFrame
        The truth, one row per purchase in the window: `customer_id` (text), `order_number` (int64:
        1, 2, ...), `purchased_on` (datetime64), `gap_days` (float64, whole days to the next
        purchase, also where that is after the window; NaN where there is none), `observed` (bool:
        the gap ended inside the window).
    first_day, last_day : datetime.date
        The window, both days included. The last order may be earlier than `last_day`.

    Examples
    --------
    >>> import rfmkit as rk
    >>> shop = rk.simulate_orders(200, seed=1, mean_gap_days=30)
    >>> shop
    <Simulation: 1,317 orders of 200 customers, 2023-01-01 to
    2024-12-30; use .orders, .customers, .gaps>
    >>> shop.customers[["customer_id", "mean_gap_days", "purchases"]].round(1).head(3)
      customer_id  mean_gap_days  purchases
    0     C000001           63.7          1
    1     C000002           47.2         10
    2     C000003           19.6          4
    """

    orders: pd.DataFrame
    customers: pd.DataFrame
    gaps: pd.DataFrame
    first_day: dt.date
    last_day: dt.date

    def __repr__(self) -> str:
        """Return the size of the log, and what to look at next."""
        return (
            f"<Simulation: {len(self.orders):,} orders of {len(self.customers):,} customers, "
            f"{self.first_day} to {self.last_day}; use .orders, .customers, .gaps>"
        )


def simulate_orders(
    n_customers: int = 1000, *, seed: int = 0, start: str | dt.date = "2023-01-01", days: int = 730,
    arrival: Literal["uniform", "growing", "start"] = "uniform", seasonality: float = 0.0,
    mean_gap_days: float = 60.0, rate_cv: float = 0.7, regularity: float = 1.0,
    dropout: float = 0.15, dropout_concentration: float = 10.0,
    spend_mean: float = 80.0, spend_p: float = 6.25, spend_q: float = 3.74,
    categories: Sequence[str] = ("coffee", "tea", "snacks", "kitchen"),
    channels: Sequence[str] = ("app", "web", "store"),
    regions: Sequence[str] = ("east", "south", "north", "west"),
    same_day_share: float = 0.03, partial_refund_share: float = 0.02,
    refund_share: float = 0.03, unpaid_share: float = 0.05, prospects_share: float = 0.05,
) -> Simulation:  # fmt: skip
    """Return a simulated order log, with the truth about each customer.

    Customers arrive with a first purchase. After each purchase, also the first, a customer leaves
    for good with a probability of their own, or buys again after a gamma distributed gap. A
    purchase is a day on which a customer buys: the next is one day later at the earliest. Unpaid
    and fully refunded orders are extra orders near a purchase. `gaps` does not depend on the
    spend, the labels and their shares.

    Parameters
    ----------
    n_customers, seed : int, default 1000 and 0
        Number of customers, with the prospects, and the seed of the random numbers. Equal
        arguments give equal results.
    start, days : str or datetime.date, and int
        First day and length of the window.
    arrival : {"uniform", "growing", "start"}, default "uniform"
        First purchases spread evenly, grow linearly from none, or all fall on the first day.
    seasonality : float, default 0.0
        Amplitude of a yearly wave in arrivals and gaps: d days from a peak on 11 November, time
        passes ``1 + seasonality * cos(2 pi d / 365.25)`` times as fast.
    mean_gap_days : float, default 60.0
        Gap in days at the mean rate, 1 / E[rate]. The mean over customers of their own mean gaps
        is longer: ``mean_gap_days / (1 - rate_cv**2)``, and infinite for `rate_cv` from 1 on.
    rate_cv : float, default 0.7
        Coefficient of variation of the purchase rates, r = 1 / rate_cv**2; 0: one rate for all.
    regularity : float, default 1.0
        k of the gamma (Erlang-k) gaps: 1 is exponential; the larger k, the more regular.
    dropout, dropout_concentration : float, default 0.15 and 10.0
        Mean and concentration (a + b) of the beta distributed probability of a customer to leave
        after a purchase; an infinite concentration makes all customers alike.
    spend_mean, spend_p, spend_q : float, default 80.0, 6.25 and 3.74
        Mean over customers of `mean_order_value`; gamma shapes of one customer's amounts and of
        the scales over customers (over 1). The shapes are the paper's estimates for CDNOW.
    categories, channels, regions : sequence of str
        Labels, most frequent first. A customer has a favourite category and channel, one region.
    same_day_share, partial_refund_share : float, default 0.03 and 0.02
        Share of purchases with a second order that day; share of valid orders of which 10 to 60 %
        is refunded.
    refund_share, unpaid_share, prospects_share : float, default 0.03, 0.05 and 0.05
        Share of paid orders refunded in full; share of orders never paid, without those of
        prospects; share of customers with one unpaid order and no purchase (at least one customer
        is a buyer).

    Returns
    -------
    Simulation
        The log in `orders`; the truth in `customers` and `gaps`.

    Raises
    ------
    RfmkitError
        Where an argument is outside of its range.

    Notes
    -----
    Gamma rates with Erlang-k gaps: (M)BG/CNBD-k, Reutterer, Platzer and Schroeder (2021, *IJRM*
    38), after Platzer and Reutterer (2016, *Marketing Science* 35). Beta distributed drop-out
    after a purchase: BG/NBD, Fader, Hardie and Lee (2005, *Marketing Science* 24); after the
    first one too: MBG/NBD, Batislam, Denizel and Filiztekin (2007, *IJRM* 24). Gamma-gamma
    spend: Fader and Hardie (2013, brucehardie.com/notes/025).

    Examples
    --------
    >>> import rfmkit as rk
    >>> shop = rk.simulate_orders(200, seed=1, mean_gap_days=30, regularity=2)
    >>> shop.orders[["customer_id", "ordered_at", "amount", "status"]].head(3)
      customer_id          ordered_at  amount         status
    0     C000035 2023-01-10 09:50:01   48.39      completed
    1     C000065 2023-01-17 12:01:03   53.65  closed_unpaid
    2     C000177 2023-01-18 18:08:48   61.49      completed
    >>> shop.gaps.head(3)
      customer_id  order_number purchased_on  gap_days  observed
    0     C000001             1   2024-12-27      82.0     False
    1     C000002             1   2023-04-28      28.0      True
    2     C000002             2   2023-05-26      24.0      True
    >>> rk.simulate_orders(200, dropout=15)
    Traceback (most recent call last):
    rfmkit.exceptions.RfmkitError: dropout must be in [0, 1].
    Found: dropout=15
    Hint: shares and probabilities are fractions: 0.15, not 15.
    """
    import pandas as pd

    checks.whole("n_customers", n_customers)
    checks.whole("days", days)
    checks.whole("seed", seed, least=0)
    _check("[0, inf)", rate_cv=rate_cv)
    _check("(0, inf)", regularity=regularity, spend_mean=spend_mean, spend_p=spend_p)
    _check("(1, inf)", spend_q=spend_q)
    _check("(0, inf]", mean_gap_days=mean_gap_days, dropout_concentration=dropout_concentration)
    _check("[0, 1)", seasonality=seasonality, refund_share=refund_share)
    _check("[0, 1)", unpaid_share=unpaid_share, prospects_share=prospects_share)
    _check("[0, 1]", dropout=dropout, same_day_share=same_day_share)
    _check("[0, 1]", partial_refund_share=partial_refund_share)
    checks.choice("arrival", arrival, _ARRIVALS)
    labels = {"category": categories, "channel": channels, "region": regions}
    try:
        first_day = dt.date.fromisoformat(str(start)[:10])
    except ValueError as error:
        raise RfmkitError(
            "start must be a day.", found=f"start={start!r}", hint="for example start='2023-01-31'."
        ) from error
    # Days are counted from a peak of the season, so that the cosine needs no shift.
    peak = dt.date(first_day.year - 1, 11, 11)
    begin, end = ((first_day - peak).days + more for more in (0, days))

    # One stream of random numbers per subject: an option of one does not change another.
    streams = np.random.SeedSequence(seed).spawn(5)
    buyer_rng, gap_rng, order_rng, value_rng, label_rng = map(np.random.default_rng, streams)
    n_prospects = min(round(n_customers * prospects_share), n_customers - 1)
    buys = buyer_rng.permutation(n_customers) >= n_prospects
    arrived = _arrivals(buyer_rng, n_customers, (begin, end), arrival, seasonality)
    rate = np.where(buys, _rates(buyer_rng, n_customers, mean_gap_days, rate_cv), np.nan)
    leave = np.where(buys, _beta(buyer_rng, n_customers, dropout, dropout_concentration), np.nan)
    bought = _purchases(gap_rng, arrived, rate, leave, k=regularity, end=end, wave=seasonality)

    buyer, kind, day = _order_days(order_rng, bought, same_day_share, refund_share, unpaid_share)
    prospects = np.flatnonzero(~buys)
    buyer, kind = np.append(buyer, prospects), np.append(kind, np.full(n_prospects, _UNPAID))
    day = np.append(day, np.floor(arrived[prospects])).clip(begin, end - 1)
    # The mean of p / nu for nu ~ Gamma(q, gamma) is p gamma / (q - 1): the paper's E(Z).
    mean_value = spend_mean * (spend_q - 1) / value_rng.gamma(spend_q, size=n_customers)
    value = mean_value[buyer] * value_rng.gamma(spend_p, 1 / spend_p, size=buyer.size)
    columns = _money(order_rng, value, kind, end - day, partial_refund_share)
    columns |= {name: _labels(label_rng, name, labels[name], buyer) for name in labels}
    columns["quantity"] = 1 + label_rng.poisson(0.5, size=buyer.size)
    ids = np.char.mod("C%06d", np.arange(1, n_customers + 1)).astype(object)
    who, left = bought["who"], bought[bought["next_day"].isna()]
    dropped_out_on = np.full(n_customers, np.datetime64("NaT", "us"))
    dropped_out_on[left["who"]] = _dates(peak, left["day"])
    customers = {
        "customer_id": ids,
        "arrived_on": _dates(peak, np.floor(arrived)),
        "purchases_per_day": rate,
        "mean_gap_days": 1 / rate,
        "regularity": np.where(buys, float(regularity), np.nan),
        "dropout_probability": leave,
        "dropped_out_on": dropped_out_on,
        "mean_order_value": mean_value,
        "purchases": np.bincount(who, minlength=n_customers),
    }
    gaps = {
        "customer_id": ids[who],
        "order_number": bought.groupby("who").cumcount() + 1,
        "purchased_on": _dates(peak, bought["day"]),
        "gap_days": bought["next_day"] - bought["day"],
        "observed": bought["next_day"] < end,
    }
    orders = _orders_frame(order_rng, ids[buyer], _dates(peak, day), columns)
    last_day = first_day + dt.timedelta(days=days - 1)
    return Simulation(orders, pd.DataFrame(customers), pd.DataFrame(gaps), first_day, last_day)


def _rates(rng: Rng, size: int, mean_gap_days: float, cv: float) -> Floats:
    # Below _TINY the gamma overflows: less variation is none, and the slowest rate is 2,700 years.
    relative = rng.gamma(cv**-2, cv**2, size=size) if cv > _TINY else np.ones(size)
    return np.maximum(relative / mean_gap_days, _TINY)


def _beta(rng: Rng, size: int, mean: float, concentration: float) -> Floats:
    if mean in (0, 1) or concentration == np.inf:
        return np.full(size, float(mean))
    a, b = (max(part * concentration, _TINY) for part in (mean, 1 - mean))
    return rng.beta(a, b, size=size)


def _season_clock(day: Floats, wave: float) -> Floats:
    """Return the integral of 1 + wave * cos(2 pi day / year); day 0 is a peak."""
    return day + wave * _YEAR / (2 * np.pi) * np.sin(2 * np.pi * day / _YEAR)


def _season_day(clock: Floats, wave: float) -> Floats:
    """Return the inverse of `_season_clock`, by a table of one year: the clock repeats."""
    years, rest = np.divmod(clock, _YEAR)
    grid = np.linspace(0, _YEAR, 3654)
    return years * _YEAR + np.interp(rest, _season_clock(grid, wave), grid)


def _arrivals(rng: Rng, size: int, window: tuple[int, int], arrival: str, wave: float) -> Floats:
    share = rng.random(size) ** (0.5 if arrival == "growing" else 1.0)
    begin, end = (window[0], window[0] + 1) if arrival == "start" else window
    first, last = _season_clock(np.array([begin, end], dtype=np.float64), wave)
    # Rounding in the inverse must not move a customer out of the window.
    return _season_day(first + share * (last - first), wave).clip(begin, end - 1e-6)


def _purchases(
    rng: Rng, arrived: Floats, rate: Floats, leave: Floats, *, k: float, end: int, wave: float
) -> pd.DataFrame:
    """Return random purchases before `end`: customer, day and next day (NaN: left)."""
    import pandas as pd

    who = np.flatnonzero(rate > 0)
    now, rounds = arrived[who], []
    # Each round draws one purchase of each customer. A gap is at least a day: the loop ends.
    while who.size:
        stays = rng.random(who.size) >= leave[who]
        gap = rng.gamma(k, 1 / (k * rate[who]))
        later = _season_day(_season_clock(now, wave) + gap, wave)
        later = np.maximum(later, np.floor(now) + 1)
        next_day = np.where(stays, np.floor(later), np.nan)
        rounds.append(np.stack([who, np.floor(now), next_day], axis=1))
        who, now = who[next_day < end], later[next_day < end]
    bought = pd.DataFrame(np.concatenate(rounds), columns=["who", "day", "next_day"])
    return bought.astype({"who": np.int64}).sort_values(["who", "day"], ignore_index=True)


def _order_days(
    rng: Rng, bought: pd.DataFrame, same_day: float, refund: float, unpaid: float
) -> tuple[Ints, Ints, Floats]:
    """Return customer, kind and day of the buyers' orders: the purchases, then the extra ones."""
    twice = rng.permutation(len(bought))[: round(len(bought) * same_day)]
    n_valid = len(bought) + twice.size
    n_refunded = round(n_valid * refund / (1 - refund))
    n_unpaid = round((n_valid + n_refunded) * unpaid / (1 - unpaid))
    beside = rng.integers(len(bought), size=n_refunded + n_unpaid)
    rows = bought.iloc[np.concatenate([np.arange(len(bought)), twice, beside])]
    kind = np.repeat([_VALID, _REFUNDED, _UNPAID], [n_valid, n_refunded, n_unpaid])
    away = np.where(kind == _VALID, 0, rng.integers(-14, 15, size=kind.size))
    return rows["who"].to_numpy(), kind, rows["day"].to_numpy() + away


def _money(rng: Rng, value: Floats, kind: Ints, age: Floats, partial: float) -> dict[str, Any]:
    # At least two cents: one can be refunded, and the order is still worth one.
    cents = np.rint(100 * value).clip(2, 1e14)
    refunded, unpaid = kind == _REFUNDED, kind == _UNPAID
    back = np.where(refunded, cents, 0.0)
    valid = rng.permutation(np.flatnonzero(kind == _VALID))
    partly = valid[: round(valid.size * partial)]
    share = rng.uniform(0.1, 0.6, size=partly.size)
    back[partly] = np.rint(share * cents[partly]).clip(1, cents[partly] - 1)
    coin = rng.integers(2, size=kind.size) == 1
    # Orders of the last three days are paid, those of the week before shipped.
    on_its_way = np.array(["paid", "shipped", "completed"])[np.searchsorted([3, 10], age)]
    rules = {
        "closed_refunded": refunded & coin, "refunded": refunded, "partially_refunded": back > 0,
        "closed_unpaid": unpaid & coin, "unpaid": unpaid,
    }  # fmt: skip
    status = np.select(list(rules.values()), list(rules), on_its_way).astype(object)
    return {"amount": cents / 100, "refund_amount": back / 100, "status": status}


def _labels(rng: Rng, column: str, names: Sequence[str], who: Ints) -> Texts:
    if isinstance(names, str) or not names:
        raise RfmkitError(
            f"The labels of {column} must be a list of at least one text.",
            found=repr(names),
            hint="for example ['a', 'b'].",
        )
    weight = 1 / np.arange(1, len(names) + 1)
    sizes = (who.max() + 1, who.size)
    favourite, any_name = (rng.choice(len(names), n, p=weight / weight.sum()) for n in sizes)
    loyal = rng.random(who.size) < (1 if column == "region" else 0.6)
    return np.array(names, dtype=object)[np.where(loyal, favourite[who], any_name)]


def _dates(peak: dt.date, day: Any) -> Any:
    return (np.datetime64(peak, "D") + np.asarray(day).astype("m8[D]")).astype("M8[us]")


def _orders_frame(rng: Rng, buyer: Texts, date: Any, columns: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    afternoon = (86_400 * rng.beta(3.5, 2.2, size=date.size)).astype("m8[s]")
    frame = pd.DataFrame({"customer_id": buyer, "ordered_at": date + afternoon, **columns})
    frame = frame.sort_values("ordered_at", kind="stable", ignore_index=True)
    frame.insert(0, "order_id", np.char.mod("O%07d", np.arange(1, len(frame) + 1)).astype(object))
    return frame


def _check(interval: str, **numbers: float) -> None:
    low, high = (float(end) for end in interval[1:-1].split(","))
    for name, number in numbers.items():
        closed = (interval[0] == "[" and number == low) or (interval[-1] == "]" and number == high)
        if not (closed or low < number < high):
            fraction = "shares and probabilities are fractions: 0.15, not 15."
            hint = fraction if high == 1 else "leave it out: there is a default."
            raise RfmkitError(
                f"{name} must be in {interval}.", found=f"{name}={number!r}", hint=hint
            )
