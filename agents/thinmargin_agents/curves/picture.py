"""Learning curves as pictures, each with the digest of its numbers inside: so one that is out of date is noticed."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from thinmargin.files import write_atomically
from thinmargin_agents.curves.learning_curve import Course
from thinmargin_agents.policies.manifest import digest
from thinmargin_agents.report.style import (
    BLUE,
    BROWN,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PINK,
    RED,
    SKY,
    canvas,
    drawing,
    round_axis,
    tick,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ALL = "all"
"""Name of the picture of all agents together."""
COLORS = (BLUE, RED, GREEN, PINK, ORANGE, SKY, BROWN)
DASHES = ("-", "--", ":", "-.")
WIDTH, HEIGHT = 720.0, 380.0
"""Pixels where the page shows it."""
SHARPNESS = 144
"""Dots an inch, at 72 pixels of the page an inch: two dots a pixel."""
SHADES = 96
"""Colours of a file: a third of the bytes, and nobody sees it."""
BOTTOM = -50.0
"""A score that an agent begins below without ending there is not worth the space."""
KEY = "thinmargin curve"
"""Under which the digest stands in the file."""


def draw_one(course: Course) -> Figure:
    """One agent's curve with its band, and the lines it is compared with."""
    with drawing():
        figure, axes = canvas(WIDTH, HEIGHT)
        axes.fill_between(course.months, course.low, course.high, color=BLUE, alpha=0.18, linewidth=0.0)
        axes.plot(course.months, course.mean, color=BLUE, marker="o", markersize=4.0)
        _lines(axes, course)
        _finish(axes, [course])
        seeds = f"mean of {course.seeds} training seeds and its 95 % interval" if course.seeds > 1 else "one seed"
        axes.set_title(f"{course.name}: {seeds}", fontsize=12.0, color=INK, loc="left")
        axes.set_xlim(left=0.0)
        round_axis(axes.xaxis, 6)
        axes.xaxis.set_major_formatter(lambda value, _: _count(value))
        return figure


def draw_all(courses: Sequence[Course]) -> Figure:
    """Every agent with a score in one picture, months on a logarithmic scale."""
    with drawing():
        figure, axes = canvas(WIDTH, HEIGHT + 60.0)
        for number, course in enumerate(courses):
            color, dashes = COLORS[number % len(COLORS)], DASHES[number // len(COLORS) % len(DASHES)]
            axes.fill_between(course.months, course.low, course.high, color=color, alpha=0.14, linewidth=0.0)
            axes.plot(
                course.months, course.mean, color=color, linestyle=dashes, marker="o", markersize=3.0, label=course.name
            )
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(lambda value, _: _count(value))
        if all(course.lines == courses[0].lines for course in courses):  # judged on the same worlds
            _lines(axes, courses[0])
        _finish(axes, courses)
        figure.legend(loc="outside right upper", labelcolor=INK)
        return figure


def _lines(axes: Axes, course: Course) -> None:
    for name, value in course.lines.items():
        axes.axhline(value, color=GREY, linewidth=1.0, linestyle=(0.0, (4.0, 3.0)), zorder=1)
        where = axes.get_yaxis_transform()
        axes.text(1.01, value, name, transform=where, ha="left", va="center", color=GREY, fontsize=10.0)


def _finish(axes: Axes, courses: Sequence[Course]) -> None:
    scored = courses[0].scored
    axes.set_xlabel("months of experience")
    counts = " or ".join(str(count) for count in dict.fromkeys(course.worlds for course in courses))
    axes.set_ylabel(f"{'score' if scored else 'J, RMB bn'}, {counts} validation worlds")
    lows = [*(low for course in courses for low in course.low), *courses[0].lines.values()]
    highs = [*(high for course in courses for high in course.high), *courses[0].lines.values()]
    late = min(low for course in courses for low in course.low[len(course.low) // 2 :])
    bottom = max(min(lows), min(BOTTOM, late)) if scored else min(lows)
    room = 0.06 * max(max(highs) - bottom, 1e-6)
    axes.set_ylim(bottom - room, max(highs) + room)
    round_axis(axes.yaxis, 6)


def _count(value: float) -> str:
    """Thousands and millions in short."""
    return f"{tick(value / 1e6)} M" if value >= 1e6 else f"{tick(value / 1e3)} k" if value >= 1e3 else tick(value)


def digest_of(courses: Sequence[Course]) -> str:
    """A digest of all numbers that a picture of these curves shows."""
    return digest([course.numbers() for course in courses])


def png_of(figure: Figure, courses: Sequence[Course]) -> bytes:
    """The figure as PNG with the digest of its numbers; the same numbers and libraries give the same bytes."""
    drawn, content, said = io.BytesIO(), io.BytesIO(), PngInfo()
    with drawing():
        figure.savefig(drawn, format="png", dpi=SHARPNESS, facecolor="white")
    said.add_text(KEY, digest_of(courses))
    with Image.open(drawn) as image:
        few = image.convert("RGB").quantize(SHADES, dither=Image.Dither.NONE)
    few.save(content, format="png", optimize=True, pnginfo=said)
    return content.getvalue()


def shows(path: Path, courses: Sequence[Course]) -> bool:
    """Whether there is such a picture and it shows exactly these curves."""
    try:
        with Image.open(path) as image:
            image.load()
            return image.info.get(KEY) == digest_of(courses)
    except (OSError, SyntaxError):  # absent, no picture, or a broken one
        return False


def wanted(courses: Sequence[Course]) -> dict[str, list[Course]]:
    """What each picture shows, by its name: one an agent, and one of all that have a score."""
    scored = [course for course in courses if course.scored]
    pictures = {course.name: [course] for course in courses}
    return pictures | ({ALL: scored} if scored else {})


def write(name: str, courses: Sequence[Course], folder: Path) -> Path:
    """Draw and write NAME.png; an OSError if it cannot be written."""
    path = folder / f"{name}.png"
    figure = draw_all(courses) if name == ALL else draw_one(courses[0])
    write_atomically(path, png_of(figure, courses))
    return path
