"""Whether newer figures can be of the same firm as the known ones: units, parts of a whole, parts of a year."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

from thinmargin.data.figures import SEGMENTS, TOTAL, Figures, FiguresError
from thinmargin.data.periods import Period
from thinmargin.data.series import SERIES, Series

FACTOR = 5.0
"""Most that a figure may differ from the nearest known year, either way, at a year's pace."""
MARKET_FACTOR = 1.6
"""The same of markets, which move less."""
MARKETS = ("china_smartphone_market_m_units", "global_smartphone_market_m_units")
SHORT, OF_A_YEAR = 4, 0.7
"""A period of at most so many months, with at least this share of a near year, has the figure of a whole year."""
NEAR = 36
"""Months within which a known year is near."""
PARTS_TOLERANCE = 0.02
"""Share by which parts of a period may miss the whole of it: both are published rounded."""
PROFIT = "adjusted_net_profit_rmb_bn"
LARGEST_FRACTION = 1.0
LIKELY_PERCENT = 3.0
"""A percentage of at most the first is a fraction where a near year has at least the second."""
WHOLES = (
    *((part, TOTAL) for part in SEGMENTS),
    ("selling_marketing_rmb_bn", TOTAL),
    ("rnd_rmb_bn", TOTAL),
    ("admin_rmb_bn", TOTAL),
    ("smartphone_shipments_m", "global_smartphone_market_m_units"),
    ("china_smartphone_market_m_units", "global_smartphone_market_m_units"),
)
"""Pairs of series of which the first cannot be larger than the second in the same period."""


def check_plausible(newer: Figures, known: Figures, merged: Figures) -> list[str]:
    """Check newer figures against their own rows, against parts of the same periods, and against what is known.

    Args:
        newer: the figures of a user.
        known: the figures below them.
        merged: both together.

    Returns:
        Warnings, in the words of a FiguresError: figures so far from the nearest known year that their unit or period
        may be another one. A firm may change that much, so they are no errors.

    Raises:
        FiguresError: cells contradict each other: a part is more than its whole, or parts do not add up to it.
    """
    for row, period in enumerate(newer.periods):
        for part, whole in WHOLES:
            small, large = merged.value(part, period), merged.value(whole, period)
            if small > large * (1.0 + PARTS_TOLERANCE):
                problem = f"{small:.10g} is more than {whole} of the same period, {large:.10g}, of which it is a part"
                raise _error(newer, row, part, problem)
    for series in SERIES:
        if series.kind == "sum" and series.name in newer.columns:
            _check_parts(series, newer, merged)
    return [str(_error(newer, row, name, problem)) for row, name, problem in _strange(newer, known)]


def _strange(newer: Figures, known: Figures) -> Iterator[tuple[int, str, str]]:
    """Row, series and reason of every figure that is far from the nearest known year."""
    for row, period in enumerate(newer.periods):
        for series in SERIES:
            value = newer.value(series.name, period)
            near = _nearest(series.name, period, known)
            if math.isnan(value) or near is None:
                continue
            problem = _as_fraction(series, value, *near) or _as_year(series, value, period, *near)
            problem = problem or _as_unit(series, value, period, *near)
            if problem:
                yield row, series.name, problem


def _as_fraction(series: Series, value: float, year: Period, before: float) -> str:
    """The warning if a percentage looks like a fraction, else nothing."""
    if series.unit != "%" or not 0.0 < abs(value) <= LARGEST_FRACTION or abs(before) < LIKELY_PERCENT:
        return ""
    return f"{value:g} looks like a fraction, {year} has {before:g}: write percents, {100.0 * value:g}"


def _as_year(series: Series, value: float, period: Period, year: Period, before: float) -> str:
    """The warning if the sum of a short period looks like that of a year, else nothing."""
    near = OF_A_YEAR * before <= value <= before / OF_A_YEAR
    if series.kind != "sum" or series.name == PROFIT or period.months > SHORT or before <= 0.0 or not near:
        return ""
    return f"{value:.10g} looks like a whole year's, {year} has {before:g}: write what {period} alone had"


def _as_unit(series: Series, value: float, period: Period, year: Period, before: float) -> str:
    """The warning if a figure looks like one in another unit, else nothing; percentages have one of their own."""
    yearly = value * 12.0 / period.months if series.kind == "sum" else value
    most = MARKET_FACTOR if series.name in MARKETS else FACTOR
    if series.name == PROFIT:  # it may fall to nothing, and below
        fine = abs(yearly) <= most * max(abs(before), 1.0)
    else:
        fine = series.unit == "%" or before <= 0.0 or before / most <= yearly <= before * most
    if fine:
        return ""
    factor = abs(yearly / before)
    words = f"{factor:.3g} times" if factor >= 1.0 else f"1/{1.0 / max(factor, 1e-12):.3g} of"
    same = "" if period.months == 12 or series.kind != "sum" else ", at a year's pace,"
    return (
        f"{value:.10g} is{same} {words} the {before:g} of {year}, which is more than {most:g} times apart: is it in"
        f" {series.unit}, and of {period} alone?"
    )


def _nearest(name: str, period: Period, known: Figures) -> tuple[Period, float] | None:
    """The known year nearest to a period and its value, the one that contains it first; None if none is near."""
    found = [
        (abs(2 * (year.first - period.first) + year.months - period.months), year)
        for year in known.periods
        if year.is_year and not math.isnan(known.value(name, year))
    ]
    if not found:
        return None
    distance, year = min(found)
    return (year, known.value(name, year)) if distance <= 2 * NEAR else None


def _check_parts(series: Series, newer: Figures, merged: Figures) -> None:
    """Raise FiguresError where a part of a period is more than all of it, or parts do not add up to it."""
    told = [period for period in merged.periods if not math.isnan(merged.value(series.name, period))]
    for whole in told:
        total = merged.value(series.name, whole)
        inside = [part for part in told if part != whole and whole.first <= part.first and part.end <= whole.end]
        for parts in _extreme_covers(whole, inside, partial(merged.value, series.name)):
            summed = sum(merged.value(series.name, part) for part in parts)
            room = PARTS_TOLERANCE * abs(total) + (0.05 if series.low < 0.0 else 0.0)
            if abs(summed - total) > room:
                problem = f"{' + '.join(map(str, parts))} are {summed:.6g}, but {whole} is {total:.10g}"
                raise _error(newer, _row(newer, (*parts, whole), series.name), series.name, problem)
        for part in inside:
            value = merged.value(series.name, part)
            if series.low >= 0.0 and value > total * (1.0 + PARTS_TOLERANCE):
                problem = f"{value:.10g} of {part} is more than {total:.10g} of {whole}, of which it is a part"
                raise _error(newer, _row(newer, (part, whole), series.name), series.name, problem)


def _extreme_covers(
    whole: Period, inside: list[Period], value_of: Callable[[Period], float]
) -> Iterator[tuple[Period, ...]]:
    """Of all ways to cover a period with others inside it, one after the other, those of the least and the largest sum.

    If these two add up to the whole, so do all others.
    """
    for sign in (1.0, -1.0):
        least: dict[int, tuple[float, tuple[Period, ...]]] = {whole.first: (0.0, ())}  # by where a cover ends
        for part in sorted(inside, key=lambda one: one.first):  # what it goes on from ends before it begins
            if part.first in least:
                summed, before = least[part.first]
                found = (summed + sign * value_of(part), (*before, part))
                if part.end not in least or found[0] < least[part.end][0]:
                    least[part.end] = found
        if whole.end in least:
            yield least[whole.end][1]


def _row(newer: Figures, periods: tuple[Period, ...], name: str) -> int:
    """The row of the newer figures that has one of these periods, the first of them."""
    rows = [
        newer.periods.index(period)
        for period in periods
        if period in newer.periods and not math.isnan(newer.value(name, period))
    ]
    return rows[0] if rows else 0


def _error(newer: Figures, row: int, name: str, problem: str) -> FiguresError:
    return FiguresError.at(newer.files[row], problem, line=newer.lines[row], period=newer.periods[row], column=name)
