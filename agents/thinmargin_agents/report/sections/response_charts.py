"""Pictures of the responses of a policy: a figure a feature, a small plot a lever."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from thinmargin.names import quantity_name
from thinmargin.palette import TONES
from thinmargin.records import LEVERS
from thinmargin_agents.play.outcome import FIRST_YEAR
from thinmargin_agents.report.sections.responses import MONTHS, VARIED, Curve, Responses, Varied
from thinmargin_agents.report.style import (
    GREY,
    POINTS,
    WIDTH,
    Chart,
    Reading,
    chart_of,
    round_axis,
    tick,
    year_ticks,
)
from thinmargin_agents.report.words import listed, number

Numbers = npt.NDArray[np.float64]

HEIGHT = 360.0
LEVER_WORDS = (
    (f"{quantity_name('price')}, %", 100.0, 5.0),
    (f"{quantity_name('accessories')}, % of revenue", 100.0, 0.5),
    (f"{quantity_name('marketing')}, % of revenue", 100.0, 1.0),
    (f"{quantity_name('updates')} a month", 1.0, 0.5),
)
"""For each lever the title of its plot, the factor to that unit, and the least span of its axis."""
MOST_TICKS, MONTHS_OF_A_YEAR = 4, 12
MONTH_TONES, MARKERS = ("early", "middle", "late", "last"), ("o", "s", "^", "D")
"""Tones and markers of the months that a policy is asked in: early ones are light, late ones dark."""


def month_tone(month: int) -> str:
    """The tone of a month's curves."""
    return MONTH_TONES[MONTHS.index(month)]


def month_mark(month: int) -> str:
    """The mark of a month's typical point, in matplotlib's notation."""
    return MARKERS[MONTHS.index(month)]


def month_words(month: int) -> str:
    """The month of a curve in words."""
    return f"January {FIRST_YEAR + month // 12}"


def response_charts(found: Responses, color: str) -> list[Chart]:
    """The path of the levers over the months, then a figure for each feature that is varied."""
    limits = _limits(found)
    return [_path_chart(found, color, limits), *_curve_charts(found, limits)]


def _limits(found: Responses) -> list[tuple[float, float]]:
    """The axis of each lever, the same in all figures, so that slopes can be compared."""
    ends = []
    for column, (_, scale, least) in enumerate(LEVER_WORDS):
        known = [found.path[..., column].ravel()]
        known += [curve.levers[:, column] for curves in found.curves.values() for curve in curves]
        numbers = scale * np.concatenate(known)
        low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
        spare = max(0.06 * (high - low), (least - (high - low)) / 2.0)
        ends.append((low - spare, high + spare))
    return ends


def _plots(limits: list[tuple[float, float]]) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(WIDTH / POINTS, HEIGHT / POINTS))
    left, bottom, right, top = 34.0, 46.0, 8.0, 22.0
    edges = {"left": left / WIDTH, "right": 1.0 - right / WIDTH, "bottom": bottom / HEIGHT, "top": 1.0 - top / HEIGHT}
    plots = list(figure.subplots(2, 2, sharex=True, gridspec_kw={**edges, "wspace": 0.24, "hspace": 0.24}).flat)
    for axes, (words, _, _), ends in zip(plots, LEVER_WORDS, limits, strict=True):
        axes.set_title(words, fontsize=11, loc="left")
        axes.set_ylim(*ends)
    return figure, plots


def _path_chart(found: Responses, color: str, limits: list[tuple[float, float]]) -> Chart:
    figure, plots = _plots(limits)
    years = FIRST_YEAR + np.arange(found.path.shape[1]) / 12.0
    words, readings = [], list[Reading]()
    for column, axes in enumerate(plots):
        middle, low, high = LEVER_WORDS[column][1] * found.path[..., column]
        axes.fill_between(years, low, high, color=color, alpha=0.18, linewidth=0)
        axes.plot(years, middle, color=color)
        year_ticks(axes)
        words.append(f"{quantity_name(LEVERS[column].name)} from {number(float(middle[0]))} to {_last(middle)}")
        for month in range(6, len(middle), MONTHS_OF_A_YEAR):
            if np.isfinite(middle[month]):
                told = f"{FIRST_YEAR + month // MONTHS_OF_A_YEAR}, middle of the year: {LEVER_WORDS[column][0]}"
                band = f"{number(float(low[month]))} to {number(float(high[month]))}"
                at = float(middle[month])
                readings.append(Reading(axes, float(years[month]), at, f"{told} {number(at)} ({band})"))
    return chart_of(
        figure,
        "response-months",
        "As the months pass",
        f"What it asked for in {found.worlds} worlds: median and 10-90 % band. A broad band means that it reacts to"
        " what happens; no band at all is a plan that reacts to nothing.",
        f"Levers over the years, medians: {listed(words)}.",
        readings=readings,
    )


def _last(values: Numbers) -> str:
    known = values[np.isfinite(values)]
    return number(float(known[-1])) if len(known) else number(None)


def _curve_charts(found: Responses, limits: list[tuple[float, float]]) -> Iterator[Chart]:
    for varied in VARIED:
        curves = found.curves[varied.feature]
        if not curves:
            continue
        figure, plots = _plots(limits)
        readings: list[Reading] = []
        for column, axes in enumerate(plots):
            for curve in curves:
                y = LEVER_WORDS[column][1] * curve.levers[:, column]
                axes.plot(
                    curve.x, y, color=TONES[month_tone(curve.month)].light, marker=month_mark(curve.month),
                    markevery=[curve.typical], markersize=5.5,
                )  # fmt: skip
                readings += [_reading(axes, curve, at, column, varied) for at in (0, curve.typical, len(y) - 1)]
            round_axis(axes.yaxis, 4)
            _scale(axes, varied)
        figure.text(0.5, 8.0 / HEIGHT, f"{varied.title}, {varied.unit}", ha="center", color=GREY)
        name = f"response-{varied.feature.replace('_', '-')}"
        yield chart_of(
            figure,
            name,
            f"How it answers to its {varied.title}",
            f"Each line is asked in one month, over the 5th to 95th percentile of {varied.title} seen then; all else it"
            " observes stays at that month's medians. The mark is the typical month itself.",
            _effects(found, varied),
            readings=readings,
        )


def _reading(axes: Axes, curve: Curve, at: int, column: int, varied: Varied) -> Reading:
    """One point of a curve in words."""
    x, y = float(curve.x[at]), float(LEVER_WORDS[column][1] * curve.levers[at, column])
    words = (
        f"{month_words(curve.month)}, {varied.title} {_short(x)} {varied.unit}: {LEVER_WORDS[column][0]} {_short(y)}"
    )
    return Reading(axes, x, y, words)


def _short(value: float) -> str:
    return tick(float(f"{value:.3g}"))


def _scale(axes: Axes, varied: Varied) -> None:
    if varied.linear_to is None:
        round_axis(axes.xaxis, 4)
    else:
        axes.set_xscale("symlog", linthresh=varied.linear_to, linscale=0.6)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticks(log_ticks(*axes.get_xlim(), varied.linear_to))
        axes.xaxis.set_major_formatter(lambda value, _: tick(value))


def log_ticks(low: float, high: float, first: float) -> list[float]:
    """At most four round numbers between two on an axis that is logarithmic from `first` on.

    Zero and 1, 2, 5, 10, ... times the first, and their negatives; evenly spaced ones where fewer than two of these
    lie between.
    """
    found: list[float] = []
    for steps in ((1, 2, 5), (1,)):
        sizes = [first * step * 10.0**power for power in range(5) for step in steps]
        found = [at for at in (*(-size for size in reversed(sizes)), 0.0, *sizes) if low <= at <= high]
        if len(found) <= MOST_TICKS:
            break
    if len(found) < 2:
        spaced = MaxNLocator(MOST_TICKS - 1, steps=[1, 2, 5, 10]).tick_values(low, high)
        return [float(at) for at in spaced if low <= at <= high]
    return found[:: -(-len(found) // MOST_TICKS)]


def _effects(found: Responses, varied: Varied) -> str:
    """Change of each lever from the low to the high end, in words."""
    parts = []
    for curve in found.curves[varied.feature]:
        moves = [
            f"{quantity_name(lever.name)} {_short(scale * float(curve.levers[0, column]))} to"
            f" {_short(scale * float(curve.levers[-1, column]))}"
            for column, (lever, (_, scale, _)) in enumerate(zip(LEVERS, LEVER_WORDS, strict=True))
        ]
        parts.append(
            f"{month_words(curve.month)}, {varied.title} from {_short(float(curve.x[0]))} to"
            f" {_short(float(curve.x[-1]))} {varied.unit}: {listed(moves)}"
        )
    return "; ".join(parts)
