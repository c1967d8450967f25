"""From one policy's J to another's, line by line of the statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from matplotlib.axes import Axes

from thinmargin.names import quantity_name
from thinmargin_agents.report.roles import Cast, Player
from thinmargin_agents.report.sections.gaps import Numbers, gap
from thinmargin_agents.report.style import BLUE, GREY, INK, RED, WIDTH, Chart, Reading, canvas, chart_of, rows
from thinmargin_agents.report.words import interval, listed, number, signed
from thinmargin_agents.scoring.comparison import rounded

DIGITS = 1
ROW, MARGIN = 27.0, 58.0


@dataclass(frozen=True)
class StatementLine:
    """One line of the statement under both policies, mean of the worlds, RMB bn, discounted.

    The `shown` numbers are rounded so that they add up: each is the difference of rounded running sums.
    """

    what: str
    before: float
    after: float
    shown_before: float
    shown_after: float
    interval: tuple[float, float] | None
    """95 % interval of the difference."""

    @property
    def change(self) -> float:
        """Contribution of the line to the difference in J, RMB bn."""
        return self.after - self.before

    @property
    def shown_change(self) -> float:
        """The same of the rounded numbers."""
        return round(self.shown_after - self.shown_before, DIGITS)


@dataclass(frozen=True)
class Waterfall:
    """The way from one J to another; the steps sum to the difference, the last one is the closing value."""

    before: Player
    after: Player
    steps: tuple[StatementLine, ...]
    interval: tuple[float, float] | None
    """95 % interval of the whole difference."""

    @property
    def shown_start(self) -> float:
        """J of the first policy, rounded; the sum of its rounded lines."""
        return round(sum(step.shown_before for step in self.steps), DIGITS)

    @property
    def shown_end(self) -> float:
        """J of the second."""
        return round(sum(step.shown_after for step in self.steps), DIGITS)

    @property
    def shown_change(self) -> float:
        """The difference of both rounded J, the sum of those of the lines: the gain that the whole page tells."""
        return round(self.shown_end - self.shown_start, DIGITS)


def waterfall_of(cast: Cast, seed: int) -> Waterfall | None:
    """From the anchor's J to that of the best other policy without foresight; None if one of them is missing."""
    if cast.anchor is None or cast.champion is None:
        return None
    return waterfall_between(cast.anchor, cast.champion, seed)


def waterfall_between(before: Player, after: Player, seed: int) -> Waterfall:
    """From one policy's J to another's; `seed` is of the bootstrap."""
    names = [name for name in before.result.lines if name in after.result.lines]
    words = [quantity_name(name) for name in (*names, "closing_value")]
    after_lines, before_lines = (
        [*(result.lines[name] for name in names), result.closing_part] for result in (after.result, before.result)
    )
    ends = [_ends(a, b, seed) for a, b in zip(after_lines, before_lines, strict=True)]
    first, second = ([float(line.mean()) for line in lines] for lines in (before_lines, after_lines))
    shown = zip(adding_up(first), adding_up(second), strict=True)
    return Waterfall(
        before,
        after,
        tuple(
            StatementLine(word, a, b, *pair, end)
            for word, a, b, pair, end in zip(words, first, second, shown, ends, strict=True)
        ),
        _ends(after.result.value, before.result.value, seed),
    )


def _ends(values: Numbers, baseline: Numbers, seed: int) -> tuple[float, float] | None:
    return gap(values, baseline, seed).interval


def adding_up(numbers: Sequence[float]) -> list[float]:
    """The numbers rounded so that their sum is the rounded sum: differences of rounded running sums."""
    sums = [rounded(total, DIGITS) for total in accumulate(numbers, initial=0.0)]
    return [round(after - before, DIGITS) for before, after in pairwise(sums)]


def waterfall_chart(fall: Waterfall) -> Chart:
    """The steps as bars from above to below, between the two sums."""
    labels = [f"J of {fall.before.label}", *(step.what for step in fall.steps), f"J of {fall.after.label}"]
    figure, axes = canvas(WIDTH, MARGIN + ROW * len(labels))
    last = len(labels) - 1
    level = sum(step.before for step in fall.steps)
    axes.barh(last, level, color=fall.before.color, height=0.62)
    _label(axes, level, last, number(fall.shown_start), left=level < 0.0)
    for number_, step in enumerate(fall.steps, 1):
        row, end = last - number_, level + step.change
        axes.plot([level, level], [row + 1.31, row - 0.31], color=GREY, linewidth=0.8)
        axes.barh(row, step.change, left=level, color=BLUE if step.change >= 0.0 else RED, height=0.62)
        _label(axes, end, row, signed(step.shown_change), left=step.change < 0.0)
        level = end
    axes.plot([level, level], [1.0, -0.31], color=GREY, linewidth=0.8)
    axes.barh(0, level, color=fall.after.color, height=0.62)
    _label(axes, level, 0, number(fall.shown_end), left=level < 0.0)
    rows(axes, labels[::-1], "RMB bn, discounted, mean of the worlds")
    axes.margins(x=0.16)
    axes.axvline(0.0, color=INK, linewidth=0.8)
    told = [f"{step.what} {signed(step.shown_change)}" for step in fall.steps]
    begun, ended = (
        f"J of {player.label} {number(shown)}"
        for player, shown in ((fall.before, fall.shown_start), (fall.after, fall.shown_end))
    )
    readings = [
        Reading(axes, None, float(last - row), f"{words}, RMB bn") for row, words in enumerate([begun, *told, ended])
    ]
    return chart_of(
        figure,
        "waterfall",
        f"From {fall.before.label} to {fall.after.label}",
        "Blue: the line adds to J; orange: it takes away. Phones, accessories and services are gross profits; costs"
        " that rise count below zero. Numbers are rounded so that they add up.",
        f"From RMB {number(fall.shown_start)} bn to RMB {number(fall.shown_end)} bn, in RMB bn: {listed(told)}.",
        readings=readings,
    )


def waterfall_rows(fall: Waterfall) -> list[list[str]]:
    """A row a line: its name, both policies, the difference, and its interval where there are any."""
    told = fall.interval is not None
    found = [
        [
            step.what,
            number(step.shown_before),
            number(step.shown_after),
            signed(step.shown_change),
            *([interval(step.interval)] if told else []),
        ]
        for step in fall.steps
    ]
    total = [number(fall.shown_start), number(fall.shown_end), signed(fall.shown_change)]
    return [*found, ["J", *total, *([interval(fall.interval)] if told else [])]]


def _label(axes: Axes, x: float, row: int, words: str, *, left: bool) -> None:
    axes.annotate(
        words, (x, row), (-4 if left else 4, 0), "data", "offset points", va="center", ha="right" if left else "left",
        color=INK,
    )  # fmt: skip
