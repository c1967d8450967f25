"""The series that are reported: name, unit, meaning, allowed range, and where each changes its meaning."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

from thinmargin.shown import LONGEST, plain, shown

Kind: TypeAlias = Literal["sum", "end", "share", "ratio"]
"""Meaning of one number for its period: the sum of its months, the state at its end, a share or a ratio over it."""

EV_REVENUE_2024 = 32.754
"""RMB bn of `revenue_other_rmb_bn` and of `revenue_total_rmb_bn` in 2024 that came from electric cars and other new
initiatives. Annual results 2024; mobileworldlive.com and ctol.digital state the rounded 32.8. Nothing before 2024."""


class Series(NamedTuple):
    """One column of the figures."""

    name: str
    unit: str
    meaning: str
    kind: Kind
    low: float
    """Lowest value allowed."""
    high: float
    """Highest value allowed: more than any firm reaches, so that a wrong unit is noticed."""
    breaks: str = ""
    """Breaks and weak spots; empty if none is known."""


_WITHOUT_VAT = "Without VAT in every year; figures of the press before 2015 include 17 % of it."

SERIES: tuple[Series, ...] = (
    Series(
        "smartphone_shipments_m", "m units", "smartphones shipped", "sum", 0, 10_000,
        "2015 is the prospectus figure; the press of the time said more than 70, IDC 70.8.",
    ),
    Series(
        "smartphone_asp_rmb", "RMB", "average selling price, smartphone revenue over shipments", "ratio", 0, 100_000,
        "Before 2015 a list price or revenue estimate over shipments.",
    ),
    Series(
        "revenue_total_rmb_bn", "RMB bn", "revenue", "sum", 0, 10_000,
        f"{_WITHOUT_VAT} 2024 includes {EV_REVENUE_2024} of electric cars and other new initiatives.",
    ),
    Series("revenue_smartphones_rmb_bn", "RMB bn", "revenue of smartphones", "sum", 0, 10_000, _WITHOUT_VAT),
    Series(
        "revenue_iot_rmb_bn", "RMB bn", "revenue of IoT and lifestyle products", "sum", 0, 10_000,
        "2012 to 2014 are residuals and interpolation.",
    ),
    Series(
        "revenue_internet_services_rmb_bn", "RMB bn", "revenue of internet services", "sum", 0, 10_000,
        "2014 may be gross of partners' shares (2015: 3.71 gross, 3.24 net).",
    ),
    Series(
        "revenue_other_rmb_bn", "RMB bn", "revenue of everything else", "sum", 0, 10_000,
        f"2024 includes {EV_REVENUE_2024} of electric cars and other new initiatives; the rest is 3.174.",
    ),
    Series(
        "gm_smartphones_pct", "%", "gross margin of smartphones", "ratio", -100, 100,
        "2023: a page prints 15.5, which its own gross profit contradicts.",
    ),
    Series(
        "gm_iot_pct", "%", "gross margin of IoT and lifestyle products", "ratio", -100, 100,
        "2023 was restated later: 16.4.",
    ),
    Series("gm_internet_pct", "%", "gross margin of internet services", "ratio", -100, 100),
    Series(
        "gm_total_pct", "%", "gross margin of the firm", "ratio", -100, 100,
        "2024 includes electric cars and other new initiatives, at 18.5.",
    ),
    Series(
        "selling_marketing_rmb_bn", "RMB bn", "selling and marketing expense", "sum", 0, 10_000,
        "2020 is computed from 2021 and its growth.",
    ),
    Series("rnd_rmb_bn", "RMB bn", "research and development expense", "sum", 0, 10_000),
    Series(
        "admin_rmb_bn", "RMB bn", "administrative expense", "sum", 0, 10_000,
        "2018 holds a one-off share award of about 9.9; the run-rate is about 2.2.",
    ),
    Series(
        "adjusted_net_profit_rmb_bn", "RMB bn", "adjusted (non-IFRS) net profit", "sum", -10_000, 10_000,
        "2012 and 2013 are the group's net profit from a leaked document, not the adjusted measure. "
        "2022 to 2024 are after what electric cars and other new initiatives cost.",
    ),
    Series(
        "miui_mau_m", "m users", "monthly active users of MIUI in December", "end", 0, 10_000,
        "2012 to 2014 are users, about 1 in 6 of them on other makers' phones; monthly active users from 2015.",
    ),
    Series(
        "iot_connected_devices_m", "m devices", "IoT devices connected", "end", 0, 100_000,
        "The definition changes in 2018, to a narrower one; 2017 is put on it from the growth reported for 2018.",
    ),
    Series(
        "mi_home_stores_china", "stores", "Mi Home stores in China", "end", 0, 1_000_000,
        "2015 are service centres more than stores.",
    ),
    Series("overseas_revenue_share_pct", "%", "share of revenue earned outside mainland China", "share", 0, 100),
    Series(
        "china_smartphone_market_m_units", "m units", "smartphones of all makers shipped in China", "sum", 0, 10_000,
    ),
    Series(
        "global_smartphone_market_m_units", "m units", "smartphones of all makers shipped worldwide", "sum", 0, 10_000,
    ),
    Series("xiaomi_china_share_pct", "%", "share of the smartphones shipped in China", "share", 0, 100),
    Series(
        "xiaomi_india_share_pct", "%", "share of the smartphones shipped in India", "share", 0, 100,
        "2023 and later exclude POCO.",
    ),
    Series(
        "retention_home_pct", "%", "owners in mainland China who bought the brand again when they changed phones",
        "share", 0, 100,
        "Surveys of one institute that contradict each other: 49 in 2023 is reported as a rise, yet 2021 has 63.2.",
    ),
    Series(
        "inventory_rmb_bn", "RMB bn", "inventories", "end", 0, 10_000,
        "Before 2023 recalled, yet within 0.3 % of published inventory days times cost of sales.",
    ),
    Series(
        "ecosystem_companies_invested", "companies", "companies the firm has invested in", "end", 0, 100_000,
        "2014 to 2017 hardware makers only, from 2018 all investees (March 2018: more than 90 against more than 210).",
    ),
)  # fmt: skip
"""Every column, in the order of the file."""

BREAKS: dict[str, str] = {series.name: series.breaks for series in SERIES if series.breaks}
"""Series name to its breaks and weak spots."""

_WORDS_OF_UNITS = frozenset(
    {"rmb", "pct", "units", "xiaomi", "the", "and", "for", "all", "who", "when", "they", "bought"}
)
"""Words that suggest no series."""
_BY_NAME = {series.name: series for series in SERIES}


def series_named(name: str) -> Series:
    """The series called `name`; an unknown name is a ValueError that suggests the nearest ones."""
    if not isinstance(name, str) or name not in _BY_NAME:
        raise ValueError(f"series is {shown(name)}: {suggestion(plain(name), _BY_NAME)}")
    return _BY_NAME[name]


def suggestion(name: str, allowed: Iterable[str]) -> str:
    """The allowed names nearest to `name`, by their letters or by a word of them, or all, as the end of a message."""
    names = list(allowed)
    text = "_".join(re.findall(r"[a-z0-9&]+", name[:LONGEST].lower()))
    words = {word for word in re.findall(r"[a-z]{2,}", text) if word not in _WORDS_OF_UNITS}
    shared = {known: sum(_likeness(known, word) for word in words) for known in names}
    most = max(shared.values(), default=0)
    by_word = [known for known in names if shared[known] == most > 0][:4]
    near = list(dict.fromkeys([*by_word, *difflib.get_close_matches(text, names, n=3)]))[: max(3, len(by_word))]
    return f"did you mean {' or '.join(near)}?" if near else f"allowed are {', '.join(names)}"


def _likeness(name: str, word: str) -> int:
    """2 for a word, or the beginning of one, of a name, 1 for a word of what the series means, else 0."""
    if any(part.startswith(word) or part.removesuffix("s") == word.removesuffix("s") for part in name.split("_")):
        return 2
    meaning = re.findall(r"[a-z]+", _BY_NAME[name].meaning.lower()) if name in _BY_NAME else []
    return int(any(part == word or part.removesuffix("s") == word.removesuffix("s") for part in meaning))
