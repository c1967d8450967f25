"""Whether newer figures can be of the same firm as the known ones: units, parts of a whole, parts of a year."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

from thinmargin.data.figures import SEGMENTS, TOTAL, Figures, FiguresError
from thinmargin.data.periods import Period
from thinmargin.data.series import SERIES, Series
from thinmargin.shown import shown

FACTOR = 5.0
"""Most that a figure may differ from the nearest known year, either way, at a year's pace."""
MARKET_FACTOR = 1.6
"""The same of markets, which move less."""
MARKETS = ("china_smartphone_market_m_units", "global_smartphone_market_m_units")
GROWTH = 1.6
"""Most that a part of a year may be over or under the pace of a near year before it looks like the figure of a longer
or a shorter period."""
OF_A_YEAR, AS_A_YEAR = 0.7, 0.99
"""Share of a near year that looks like a whole one: of a quarter, and of a part that is nearly a year."""
HALF_YEAR = 6
"""Shortest period, in months, that is looked at for the figure of a shorter one; single quarters vary too much."""
NEAR = 36
"""Months within which a known year is near."""
PARTS_TOLERANCE = 0.02
"""Share by which parts of a period may miss the whole of it: both are published rounded."""
PROFIT = "adjusted_net_profit_rmb_bn"
LARGEST_FRACTION = 1.0
LIKELY_PERCENT = 3.0
"""A percentage of at most the first is a fraction where a near year has at least the second; only such are compared."""
OTHER_SCALES = {
    "bn": {1e3: "RMB m", 140.0: "USD m", 10.0: "hundreds of millions of RMB", 1.0 / 7.0: "USD bn", 1e-3: "RMB tn"},
    "m": {1e3: "thousands", 1e2: "ten thousands", 1e-3: "billions"},
    "RMB": {1.0 / 7.0: "USD"},
}
"""Scale of a unit to how many times larger figures in another unit are."""
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
            problem = (
                _as_fraction(series, value, *near)
                or _as_year(series, value, period, *near)
                or _as_unit(series, value, period, *near)
                or _as_less_than_period(series, value, period, *near)
            )
            if problem:
                yield row, series.name, problem + _other_mark(newer, series, period, near[1])


def _as_fraction(series: Series, value: float, year: Period, before: float) -> str:
    """The warning if a percentage looks like a fraction, else nothing."""
    if series.unit != "%" or not 0.0 < abs(value) <= LARGEST_FRACTION or abs(before) < LIKELY_PERCENT:
        return ""
    return f"{value:g} looks like a fraction, {year} has {before:g}: write percents, {100.0 * value:g}"


def _as_year(series: Series, value: float, period: Period, year: Period, before: float) -> str:
    """The warning if the sum of a part of a year looks like that of a year, else nothing.

    It does from a share of a near year on that grows with the period, and sooner where the near year contains it.
    """
    if not _is_steady_sum(series) or period.months >= 12 or before <= 0.0:
        return ""
    share = period.months / 12.0
    least = min(max(OF_A_YEAR, GROWTH * share), AS_A_YEAR)
    if year.first <= period.first and period.end <= year.end:
        least = min(least, (1.0 + share) / 2.0)
    if not least * before <= value <= before / OF_A_YEAR:
        return ""
    return f"{value:.10g} looks like a whole year's, {year} has {before:.10g}: write what {period} alone had"


def _as_less_than_period(series: Series, value: float, period: Period, year: Period, before: float) -> str:
    """The warning if the sum of a half-year or more looks like that of a shorter period, else nothing."""
    if not _is_steady_sum(series) or period.months < HALF_YEAR or before <= 0.0:
        return ""
    expected = before * period.months / 12.0
    if value >= expected / GROWTH:
        return ""
    return (
        f"{value:.10g} looks like the figure of less than {period}, at the pace of {year} it would be"
        f" {_rounded(expected)}: write what all of {period} had"
    )


def _is_steady_sum(series: Series) -> bool:
    """Whether a longer period has more of it, and a year's pace can be told; profit may fall to nothing."""
    return series.kind == "sum" and series.name != PROFIT


def _as_unit(series: Series, value: float, period: Period, year: Period, before: float) -> str:
    """The warning if a figure looks like one in another unit, else nothing."""
    most = MARKET_FACTOR if series.name in MARKETS else FACTOR
    yearly = _yearly(series, value, period)
    if _is_near(series, yearly, before):
        return ""
    paced = series.kind == "sum" and period.months != 12
    has = f"{period} has {value:.10g}" + (f", at a year's pace {_rounded(yearly)}" if paced else "")
    if value == 0.0:
        return f"{has}, and {year} has {before:.10g}: leave the cell empty where nothing was reported"
    if series.unit == "%" and before < LIKELY_PERCENT:
        return (
            f"{has}, and {year} has {before:.10g}; more than {most * LIKELY_PERCENT:g} % is unusual there: is it in"
            f" percent, and of {period} alone?"
        )
    factor = abs(yearly / before)
    words = f"{_times(factor)} times" if factor >= 1.0 else f"{_times(1.0 / factor)} times less than"
    return (
        f"{has}, {words} the {before:.10g} of {year}; more than {most:g} times is unusual: is it in {series.unit}, and"
        f" of {period} alone?{_scale(series, factor)}"
    )


def _times(factor: float) -> str:
    return f"{factor:.3g}" if factor < 100.0 else f"{factor:,.0f}"


def _rounded(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 1000.0 else f"{value:.0f}"


def _yearly(series: Series, value: float, period: Period) -> float:
    return value * 12.0 / period.months if series.kind == "sum" else value


def _is_near(series: Series, yearly: float, before: float) -> bool:
    """Whether a figure, at a year's pace, is within what is usual of a near year's; percentages have a limit too."""
    most = MARKET_FACTOR if series.name in MARKETS else FACTOR
    if series.name == PROFIT:  # it may fall to nothing, and below
        return abs(yearly) <= most * max(abs(before), 1.0)
    if series.unit == "%" and before < LIKELY_PERCENT:
        return yearly <= most * LIKELY_PERCENT
    if series.unit == "%" and yearly <= 0.0 and series.low < 0.0:
        return True  # a margin may turn
    return before <= 0.0 or before / most <= yearly <= before * most


def _scale(series: Series, factor: float) -> str:
    """The unit that a factor is typical of, as the end of a warning; empty where there is none."""
    scale = next((scale for scale in OTHER_SCALES if scale in series.unit.split()), "")
    scales = OTHER_SCALES.get(scale, {})
    unit = next((unit for size, unit in scales.items() if size / 2.0 <= factor <= size * 2.0), "")
    return f" It looks like {unit}." if unit else ""


def _other_mark(newer: Figures, series: Series, period: Period, before: float) -> str:
    """How the mark of a strange figure was read, if the other way would be another number; else nothing."""
    text = newer.either_way.get((series.name, period), "")
    value = newer.value(series.name, period)
    as_decimal = abs(value) < 1000.0  # three digits behind the mark, one to three before it
    other = value * 1000.0 if as_decimal else value / 1000.0
    is_plain = as_decimal and "." in text and not _is_near(series, _yearly(series, other, period), before)
    if not text or is_plain:
        return ""
    mark = "comma" if "," in text else "point"
    use = "decimal mark" if as_decimal else "mark between thousands"
    return f" The {mark} of {shown(text)} was read as a {use}: if it is none, write {other:.10g}."


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
    reported = [period for period in merged.periods if not math.isnan(merged.value(series.name, period))]
    for whole in reported:
        total = merged.value(series.name, whole)
        inside = [part for part in reported if part != whole and whole.first <= part.first and part.end <= whole.end]
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
