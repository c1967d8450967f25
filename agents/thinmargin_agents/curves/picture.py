"""Learning curves as pictures; each file holds a digest of its numbers, so that one out of date is noticed."""

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
from thinmargin.names import policy_name, with_id
from thinmargin.palette import dashes, looks_of
from thinmargin_agents.curves.learning_curve import LearningCurve
from thinmargin_agents.policies.manifest import digest
from thinmargin_agents.report.style import GREY, INK, canvas, drawing, round_axis, tick

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ALL = "all"
"""Name of the picture of all agents together."""
WIDTH, HEIGHT = 720.0, 380.0
"""Pixels where the page shows it."""
SHARPNESS = 144
"""Dots an inch, at 72 pixels of the page an inch: two dots a pixel."""
SHADES = 96
"""Colours of a file: a third of the bytes, and no visible difference."""
BOTTOM = -50.0
"""Scores below this are cut off, unless an agent ends below it."""
KEY = "thinmargin curve"
"""Name of the digest in the file's metadata."""


def draw_one(curve: LearningCurve) -> Figure:
    """One agent's curve with its band, and the lines it is compared with."""
    with drawing():
        figure, axes = canvas(WIDTH, HEIGHT)
        color = looks_of([curve.name])[curve.name].color
        axes.fill_between(curve.months, curve.low, curve.high, color=color, alpha=0.18, linewidth=0.0)
        axes.plot(curve.months, curve.mean, color=color, marker="o", markersize=4.0)
        _lines(axes, curve)
        _finish(axes, [curve])
        seeds = f"mean of {curve.seeds} training seeds and its 95 % interval" if curve.seeds > 1 else "one seed"
        axes.set_title(f"{with_id(curve.name)}: {seeds}", fontsize=12.0, color=INK, loc="left")
        axes.set_xlim(left=0.0)
        round_axis(axes.xaxis, 6)
        axes.xaxis.set_major_formatter(lambda value, _: _count(value))
        return figure


def draw_all(curves: Sequence[LearningCurve]) -> Figure:
    """Every agent with a score in one picture, months on a logarithmic scale."""
    with drawing():
        figure, axes = canvas(WIDTH, HEIGHT + 60.0)
        looks = looks_of(curve.name for curve in curves)
        for curve in curves:
            look = looks[curve.name]
            axes.fill_between(curve.months, curve.low, curve.high, color=look.color, alpha=0.14, linewidth=0.0)
            axes.plot(
                curve.months, curve.mean, color=look.color, linestyle=dashes(look.dashes), marker="o", markersize=3.0,
                label=policy_name(curve.name),
            )  # fmt: skip
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(lambda value, _: _count(value))
        if all(curve.lines == curves[0].lines for curve in curves):  # judged on the same worlds
            _lines(axes, curves[0])
        _finish(axes, curves)
        figure.legend(loc="outside right upper", labelcolor=INK)
        return figure


def _lines(axes: Axes, curve: LearningCurve) -> None:
    for name, value in curve.lines.items():
        axes.axhline(value, color=GREY, linewidth=1.0, linestyle=(0.0, (4.0, 3.0)), zorder=1)
        where = axes.get_yaxis_transform()
        axes.text(1.01, value, policy_name(name), transform=where, ha="left", va="center", color=GREY, fontsize=10.0)


def _finish(axes: Axes, curves: Sequence[LearningCurve]) -> None:
    scored = curves[0].scored
    axes.set_xlabel("months of experience")
    counts = " or ".join(str(count) for count in dict.fromkeys(curve.worlds for curve in curves))
    axes.set_ylabel(f"{'score' if scored else 'J, RMB bn'}, {counts} validation worlds")
    lows = [*(low for curve in curves for low in curve.low), *curves[0].lines.values()]
    highs = [*(high for curve in curves for high in curve.high), *curves[0].lines.values()]
    late = min(low for curve in curves for low in curve.low[len(curve.low) // 2 :])
    bottom = max(min(lows), min(BOTTOM, late)) if scored else min(lows)
    margin = 0.06 * max(max(highs) - bottom, 1e-6)
    axes.set_ylim(bottom - margin, max(highs) + margin)
    round_axis(axes.yaxis, 6)


def _count(value: float) -> str:
    """Thousands and millions in short."""
    return f"{tick(value / 1e6)} M" if value >= 1e6 else f"{tick(value / 1e3)} k" if value >= 1e3 else tick(value)


def digest_of(curves: Sequence[LearningCurve]) -> str:
    """A digest of all numbers that a picture of these curves shows."""
    return digest([curve.numbers() for curve in curves])


def png_of(figure: Figure, curves: Sequence[LearningCurve]) -> bytes:
    """The figure as PNG with the digest of its numbers; the same numbers and libraries give the same bytes."""
    drawn, content, metadata = io.BytesIO(), io.BytesIO(), PngInfo()
    with drawing():
        figure.savefig(drawn, format="png", dpi=SHARPNESS, facecolor="white")
    metadata.add_text(KEY, digest_of(curves))
    with Image.open(drawn) as image:
        few = image.convert("RGB").quantize(SHADES, dither=Image.Dither.NONE)
    few.save(content, format="png", optimize=True, pnginfo=metadata)
    return content.getvalue()


def shows(path: Path, curves: Sequence[LearningCurve]) -> bool:
    """Whether there is such a picture and it shows exactly these curves."""
    try:
        with Image.open(path) as image:
            image.load()
            return image.info.get(KEY) == digest_of(curves)
    except (OSError, SyntaxError):  # absent, no picture, or a broken one
        return False


def curves_by_picture(curves: Sequence[LearningCurve]) -> dict[str, list[LearningCurve]]:
    """The curves of each picture, by its name: one an agent, and one of all that have a score."""
    scored = [curve for curve in curves if curve.scored]
    pictures = {curve.name: [curve] for curve in curves}
    return pictures | ({ALL: scored} if scored else {})


def write(name: str, curves: Sequence[LearningCurve], folder: Path) -> Path:
    """Draw and write NAME.png; an OSError if it cannot be written."""
    path = folder / f"{name}.png"
    figure = draw_all(curves) if name == ALL else draw_one(curves[0])
    write_atomically(path, png_of(figure, curves))
    return path
