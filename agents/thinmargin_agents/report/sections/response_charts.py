"""Pictures of the responses of a policy: a figure a feature, a small plot a lever."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from thinmargin.records import LEVERS
from thinmargin_agents.play.outcome import FIRST_YEAR
from thinmargin_agents.report.sections.responses import MONTHS, VARIED, Responses, Varied
from thinmargin_agents.report.style import GREY, POINTS, WIDTH, Chart, mixed, round_axis, svg_of, tick, year_ticks
from thinmargin_agents.report.words import listed, number

Numbers = npt.NDArray[np.float64]

HEIGHT = 360.0
LEVER_WORDS = (
    ("markup over unit cost, %", 100.0, 5.0),
    ("tickets, % of revenue", 100.0, 0.5),
    ("selling, % of revenue", 100.0, 1.0),
    ("releases a month", 1.0, 0.5),
)
"""For each lever the title of its plot, the factor to that unit, and the least span of its axis."""
MOST_TICKS = 4
LIGHT, DARK = "#8cc5e3", "#0b2e4a"


def month_color(month: int) -> str:
    """Early months are light, late ones dark."""
    return mixed(LIGHT, DARK, MONTHS.index(month) / (len(MONTHS) - 1))


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
        axes.set_title(words, fontsize=12, loc="left")
        axes.set_ylim(*ends)
    return figure, plots


def _path_chart(found: Responses, color: str, limits: list[tuple[float, float]]) -> Chart:
    figure, plots = _plots(limits)
    years = FIRST_YEAR + np.arange(found.path.shape[1]) / 12.0
    words = []
    for column, axes in enumerate(plots):
        middle, low, high = LEVER_WORDS[column][1] * found.path[..., column]
        axes.fill_between(years, low, high, color=color, alpha=0.18, linewidth=0)
        axes.plot(years, middle, color=color)
        year_ticks(axes)
        words.append(f"{LEVERS[column].name} from {number(float(middle[0]))} to {_last(middle)}")
    return Chart(
        "response-months",
        "As the months pass",
        f"What it asked for in {found.worlds} worlds: median and 10-90 % band. A broad band means that it reacts to"
        " what happens; no band at all is a plan that reacts to nothing.",
        svg_of(figure, "response-months", f"Levers over the years: {listed(words)}."),
        "half",
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
        for column, axes in enumerate(plots):
            for curve in curves:
                y = LEVER_WORDS[column][1] * curve.levers[:, column]
                axes.plot(curve.x, y, "-o", color=month_color(curve.month), markevery=[curve.typical], markersize=5)
            round_axis(axes.yaxis, 4)
            _scale(axes, varied)
        figure.text(0.5, 8.0 / HEIGHT, f"{varied.title}, {varied.unit}", ha="center", color=GREY)
        name = f"response-{varied.feature.replace('_', '-')}"
        yield Chart(
            name,
            f"How it answers to its {varied.title}",
            f"Each line is asked in one month, over the 5th to 95th percentile of {varied.title} seen then; all else it"
            " observes stays at that month's medians. The dot is the typical month itself.",
            svg_of(figure, name, _effects(found, varied)),
            "half",
        )


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
            f"{lever.name} {tick(float(f'{scale * curve.levers[0, column]:.3g}'))} to"
            f" {tick(float(f'{scale * curve.levers[-1, column]:.3g}'))}"
            for column, (lever, (_, scale, _)) in enumerate(zip(LEVERS, LEVER_WORDS, strict=True))
        ]
        parts.append(
            f"{month_words(curve.month)}, {varied.title} from {tick(float(f'{curve.x[0]:.3g}'))} to"
            f" {tick(float(f'{curve.x[-1]:.3g}'))} {varied.unit}: {listed(moves)}"
        )
    return "; ".join(parts)
