"""The newest month of an episode as a statement in plain text.

A history is a sequence of records of type `thinmargin.records.REPORT`, month 0 (January 2012, nothing
sold yet) first. Money is RMB million, users and phones are million.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from thinmargin.discounting import MONTHLY_DISCOUNT
from thinmargin.records import BN, LEVERS, MONEY_SCALE, REPORT, UPDATES

Array = npt.NDArray[Any]

FIRST_YEAR = 2012
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
YEAR = 12
"""Months in a year."""


def date_of(month: int) -> str:
    """The calendar month that `month` months of play have closed; month 0 is the day before the first."""
    if month == 0:
        return f"start of January {FIRST_YEAR}"
    return f"{MONTHS[(month - 1) % YEAR]} {FIRST_YEAR + (month - 1) // YEAR}"


def month_table(history: Sequence[np.record]) -> Array:
    """The history as an array of type REPORT, a row a month, ending with the newest report.

    After `set_state` a history may step back (the newest report of a month counts) or leap (months that
    are not known are nan). A row of nan stands before a history that does not begin with month 0.

    Raises:
        ValueError: the history is empty.
    """
    if not history:
        raise ValueError("history is empty: must hold at least the report of month 0")
    reports = np.array(history, REPORT)
    months = reports["month"].astype(int)
    reports, months = reports[months <= months[-1]], months[months <= months[-1]]
    first = max(int(months.min()) - 1, 0)
    rows = np.full((int(months[-1]) - first + 1, len(REPORT.fields or ())), np.nan)
    table = rows.view(REPORT)[:, 0]
    table["month"] = np.arange(first, months[-1] + 1)
    for month, report in zip(months, reports, strict=True):
        table[month - first] = report
    return table


def last_year(table: Array) -> Array:
    """Those of the last twelve months of `month_table` that have run and are known; none at the start.

    Fewer are known where an episode is young, or after `set_state`, which does not know what led to a state.
    """
    year = table[1:][-YEAR:]
    return np.asarray(year[np.isfinite(year["revenue"])])


class Value(NamedTuple):
    """J and its parts, RMB bn: profits and closing value, discounted to the first month as everywhere."""

    J: float
    years: float
    closing: float


def value_of(table: Array) -> Value | None:
    """J of the months of `month_table`, as policies are judged by it: shaping is no part of it.

    None where a month is not known, as after `set_state`.
    """
    months = table[1:]
    if table["month"][0] != 0.0 or not np.isfinite(months["profit_term"]).all():
        return None
    return Value(*np.sum([value_of_month(month) for month in months] or [Value(0.0, 0.0, 0.0)], axis=0).tolist())


def value_of_month(report: np.record) -> Value:
    """What one month adds to J."""
    discount = MONEY_SCALE / BN * MONTHLY_DISCOUNT ** (float(report["month"]) - 1.0)
    years, closing = (discount * float(report[term]) for term in ("profit_term", "closing_term"))
    return Value(years + closing, years, closing)


_PROFIT_AND_LOSS = (
    ("phones", "device_revenue", 1),
    ("accessories", "accessory_revenue", 1),
    ("services", "services_revenue", 1),
    ("REVENUE", "revenue", 1),
    ("on phones", "device_profit", 1),
    ("on accessories", "accessory_profit", 1),
    ("on services", "services_profit", 1),
    ("GROSS PROFIT", "gross_profit", 1),
    ("selling, marketing", "marketing", -1),
    ("accessory tickets", "tickets", -1),
    ("software releases", "releases", -1),
    ("overhead", "overhead", -1),
    ("excess stock", "holding", -1),
    ("OPERATING PROFIT", "operating_profit", 1),
    ("funding cost", "interest", -1),
    ("income tax", "tax", -1),
    ("PROFIT", "profit", 1),
    ("paid for stock", "stock", -1),
)
"""Label, book, and the sign with which the book enters the sum below it."""
_LEVER_LABELS = ("markup", "tickets", "marketing", "releases a month")


def month_as_text(history: Sequence[np.record]) -> str:
    """The newest month as a statement in plain ASCII, at most 80 columns wide.

    Costs are negative, so that the lines add up; the second column of the profit-and-loss statement
    sums the last twelve months, or as many of them as have run and are known, and its head says how many.

    Raises:
        ValueError: the history is empty.
    """
    table = month_table(history)
    last = table[-1]
    left = [*_profit_and_loss(last, last_year(table)), "", *_phones(last), "", *_value(value_of(table))]
    right = [*_levers(last), "", *_balance(last), "", *_regions(last), "", *_loyalty(last), "", *_reward(last)]
    height = max(len(left), len(right))
    left += [""] * (height - len(left))
    right += [""] * (height - len(right))
    month = int(last["month"])
    title = f"ThinMargin | {date_of(month)} | month {month}"
    if last["bankrupt"]:
        title += " | BANKRUPT"
    rule = "-" * 79
    body = [f"{one:<38} | {two}".rstrip() for one, two in zip(left, right, strict=True)]
    return "\n".join([rule, title, rule, *body, rule])


def _row(label: str, *values: str) -> str:
    return f"{label:<{38 - 10 * len(values)}}" + "".join(f"{value:>10}" for value in values)


def amount(value: float, digits: int = 1) -> str:
    """A number with thousands separated and this many decimals, never minus zero."""
    return f"{round(value, digits) + 0.0:,.{digits}f}"


def months_in_words(count: int) -> str:
    """A number of months, such as `1 month`."""
    return f"{count} month" if count == 1 else f"{count} months"


def percent(value: float, digits: int = 1) -> str:
    """A share in per cent."""
    return f"{amount(100.0 * value, digits)} %"


def _profit_and_loss(last: np.record, year: Array) -> list[str]:
    lines = [_row("RMB m", "month", months_in_words(len(year)))]
    for label, book, sign in _PROFIT_AND_LOSS:
        lines.append(_row(label, amount(sign * last[book]), amount(sign * year[book].sum())))
    return lines


def _phones(last: np.record) -> list[str]:
    return [
        _row("PHONES"),
        _row("list price, RMB", amount(last["price"], 0)),
        _row("unit cost, RMB", amount(last["unit_cost"], 0)),
        _row("rivals' home price, RMB", amount(last["rival_price"], 0)),
        _row("wanted, m", amount(last["wanted"], 3)),
        _row("sold, m", amount(last["sales"], 3)),
        _row("demand served", percent(last["fill_rate"])),
        _row("hardware net margin", percent(last["hardware_net_margin"])),
    ]


def _levers(last: np.record) -> list[str]:
    lines = [_row("LEVERS", "asked", "applied")]
    for lever, label in zip(LEVERS, _LEVER_LABELS, strict=True):
        asked, applied = (
            amount(last[f"{when}_{lever.name}"], 2)
            if lever is LEVERS[UPDATES]
            else percent(last[f"{when}_{lever.name}"], 2)
            for when in ("asked", "applied")
        )
        lines.append(_row(label, asked if last["month"] else "-", applied))
    return lines


def _balance(last: np.record) -> list[str]:
    return [
        _row("BALANCE"),
        _row("cash, RMB m", amount(last["cash"])),
        _row("credit line, RMB m", amount(last["credit_line"])),
        _row("stock, m phones", amount(last["inventory"], 3)),
        _row("capacity, m phones a month", amount(last["capacity"], 3)),
    ]


def _regions(last: np.record) -> list[str]:
    def both(label: str, name: str, digits: int | None = None) -> str:
        home, overseas = last[f"{name}_home"], last[f"{name}_overseas"]
        if digits is None:
            return _row(label, percent(home), percent(overseas))
        return _row(label, amount(home, digits), amount(overseas, digits))

    def split(label: str, name: str, digits: int) -> str:
        overseas = last[f"{name}_overseas"]
        return _row(label, amount(last[name] - overseas, digits), amount(overseas, digits))

    return [
        _row("REGIONS", "home", "overseas"),
        split("revenue, RMB m", "revenue", 1),
        split("phones sold, m", "sales", 3),
        both("users, m", "users", 2),
        both("buyers reached", "coverage"),
        both("market, m phones", "market", 2),
        both("own share", "share"),
    ]


def _loyalty(last: np.record) -> list[str]:
    return [
        _row("ECOSYSTEM"),
        _row("active users, m", amount(last["active_users"], 2)),
        _row("fans among users", percent(last["fans"])),
        _row("owners who bought again", percent(last["retention"])),
        _row("engagement, index", amount(last["engagement"], 2)),
        _row("live ventures", amount(last["breadth"], 2)),
        _row("ventures in gestation", amount(last["pipeline"], 2)),
    ]


def _reward(last: np.record) -> list[str]:
    return [
        _row("REWARD, RMB 10 bn"),
        _row("profit", amount(last["profit_term"], 4)),
        _row("closing value, undiscounted", amount(last["closing_term"], 4)),
        _row("shaping", amount(last["shaping_term"], 4)),
    ]


def _value(value: Value | None) -> list[str]:
    labels = ("J so far", "of it years run", "of it closing value")
    numbers = ["not known"] * len(labels) if value is None else [amount(part) for part in value]
    return [_row("DISCOUNTED, RMB bn"), *(_row(*row) for row in zip(labels, numbers, strict=True))]
