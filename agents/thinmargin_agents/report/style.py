"""One style for every picture of the page, and figures as SVG that stands inside HTML.

Figures are matplotlib's objects, never pyplot. Widths and heights are in pixels of the page; letters are
text, measured in DejaVu Sans and shown in the page's own font, which is no wider. Colours are those of
`thinmargin.palette`; in the SVG each is a variable of the page, which has another value on a dark one.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple
from xml.etree import ElementTree as ET

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from thinmargin.palette import TONES
from thinmargin_agents.report.words import FONT, MINUS, number

BLUE, RED = TONES["blue"].light, TONES["vermilion"].light
INK, GREY, PALE, AXIS, PAPER = (TONES[tone].light for tone in ("ink", "grey", "grid", "axis", "paper"))
LINE_WIDTH = 1.8
"""Pixels; lengths of dashes are multiples of it."""

LOOK: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "thinmargin",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.sans-serif": [FONT],
    "font.size": 12.0,
    "text.color": INK,
    "axes.labelcolor": GREY,
    "axes.labelsize": 12.0,
    "axes.edgecolor": AXIS,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "grid.color": PALE,
    "grid.linewidth": 0.8,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelsize": 12.0,
    "ytick.labelsize": 12.0,
    "xtick.major.size": 0.0,
    "ytick.major.size": 0.0,
    "lines.linewidth": LINE_WIDTH,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "figure.constrained_layout.h_pad": 0.04,
    "figure.constrained_layout.w_pad": 0.04,
}
PANEL_WIDTH, PANEL_HEIGHT = 330.0, 210.0
WIDTH = 440.0
"""Pixels of a figure where two stand side by side."""
POINTS = 72
"""Pixels of the page in an inch of a figure."""
NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
XLINK = "{http://www.w3.org/1999/xlink}href"
LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}(?:e-?\d+)?")
FAMILY = re.compile(r"font-family:[^;]*;?\s*")
COLOR = re.compile(r"#[0-9a-f]{6}")
VARIABLES = {tone.light: f"var(--{name}, {tone.light})" for name, tone in TONES.items()}
"""The page's variable of each colour, and the colour itself where there is none."""
SVG_PARTS = ("d", "x", "y", "points", "transform")
"""Attributes with coordinates, which are cut to a hundredth of a pixel."""


class Reading(NamedTuple):
    """Values at one place of a picture, in words: shown where the pointer is near, and stepped through with keys.

    `x` is None where the whole height is meant, `y` where the whole width is.
    """

    axes: Axes
    x: float | None
    y: float | None
    words: str


@dataclass(frozen=True)
class Chart:
    """A picture of the page.

    Attributes:
        name: its id on the page.
        title: what it is about.
        caption: how to read it, with units.
        svg: the picture, with a text alternative.
        size: `panel` where many stand side by side, `half` where two do.
        readings: as JSON, [x, y, words] of each reading in the units of the SVG's view box, null for a whole side.
    """

    name: str
    title: str
    caption: str
    svg: str
    size: Literal["panel", "half"]
    readings: str = "[]"


@contextmanager
def drawing() -> Iterator[None]:
    """Draw in this style whatever matplotlib's settings are; they are restored afterwards."""
    with matplotlib.style.context(["default", LOOK]):
        yield


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of this many pixels, and axes that leave room for what is written around them."""
    figure = Figure(figsize=(width / POINTS, height / POINTS), layout="constrained")
    return figure, figure.subplots()


def panel() -> tuple[Figure, Axes]:
    """A small figure for a grid of figures: its axes have the same place in each."""
    figure = Figure(figsize=(PANEL_WIDTH / POINTS, PANEL_HEIGHT / POINTS))
    left, bottom, right, top = 46.0, 22.0, 8.0, 8.0
    return figure, figure.add_axes((
        left / PANEL_WIDTH,
        bottom / PANEL_HEIGHT,
        1.0 - (left + right) / PANEL_WIDTH,
        1.0 - (bottom + top) / PANEL_HEIGHT,
    ))  # fmt: skip


def round_ticks(axes: Axes, x: int = 5, y: int = 5) -> None:
    """A few round numbers on both axes, thousands apart."""
    round_axis(axes.xaxis, x)
    round_axis(axes.yaxis, y)


def round_axis(axis: Axis, count: int) -> None:
    """At most so many round numbers on one axis."""
    axis.set_major_locator(MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(lambda value, _: tick(value))


def rows(axes: Axes, labels: Sequence[str], unit: str) -> None:
    """A row a policy, named at the side from below; round numbers below."""
    axes.set_yticks(range(len(labels)), labels)
    axes.tick_params(axis="y", labelcolor=INK)
    axes.set_ylim(-0.7, len(labels) - 0.3)
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(unit)
    round_axis(axes.xaxis, 6)


def tick(value: float) -> str:
    """A number on an axis, without zeros at its end."""
    return f"{round(value, 6) + 0.0:,.6g}".replace("-", MINUS) if abs(value) < 1e5 else number(value, 0)


def year_ticks(axes: Axes) -> None:
    """Whole calendar years below, round numbers at the side."""
    round_axis(axes.yaxis, 4)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0f}")


def zero_line(axes: Axes) -> None:
    """A line at zero where both signs are shown."""
    low, high = axes.get_ylim()
    if low < 0.0 < high:
        axes.axhline(0.0, color=GREY, linewidth=0.8, zorder=1)


def chart_of(
    figure: Figure,
    name: str,
    title: str,
    caption: str,
    alt: str,
    size: Literal["panel", "half"] = "half",
    readings: Sequence[Reading] = (),
) -> Chart:
    """A figure as a picture of the page; `alt` is its text alternative, the rest as of `Chart`."""
    svg = svg_of(figure, name, alt)  # lays the figure out, so that places are known
    return Chart(name, title, caption, svg, size, json.dumps([_placed(figure, one) for one in readings]))


def _placed(figure: Figure, reading: Reading) -> list[float | str | None]:
    """A reading in pixels of the SVG, from its upper left corner."""
    x, y = reading.axes.transData.transform((reading.x or 0.0, reading.y or 0.0)) * POINTS / figure.dpi
    height = figure.get_figheight() * POINTS
    return [
        None if reading.x is None else round(float(x), 1),
        None if reading.y is None else round(height - float(y), 1),
        reading.words,
    ]


def svg_of(figure: Figure, name: str, alt: str) -> str:
    """A figure as an SVG element for a page.

    The same figure gives the same text: no date, coordinates to a hundredth of a pixel, names of its parts made
    from `name`, which must be unique on the page. What the page gives is left out: size, fonts, namespaces.
    """
    content = io.StringIO()
    drawn: Any = FigureCanvasSVG(figure)
    drawn.print_svg(content, metadata=NO_METADATA)  # savefig would draw everything twice
    root = ET.fromstring(content.getvalue())  # noqa: S314  # matplotlib wrote it a line above
    used = set(re.findall(r"#([\w.]+)", " ".join(_links(root))))
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.endswith("}style"):
                parent.remove(child)
    for element in root.iter():
        _tidy(element, name, used)
    box = root.attrib["viewBox"]
    root.attrib.clear()
    root.attrib.update({"viewBox": box, "role": "img", "aria-label": alt})
    return ET.tostring(root, encoding="unicode")


def _links(root: ET.Element) -> Iterator[str]:
    """Attributes that refer to other elements by their id."""
    for element in root.iter():
        yield element.get(XLINK, "")
        yield element.get("clip-path", "")
        yield element.get("style", "") if "url(" in element.get("style", "") else ""


def _tidy(element: ET.Element, name: str, used: set[str]) -> None:
    """Strip an element of what HTML does not need, and make its id unique on the page."""
    element.tag = element.tag.rpartition("}")[2]
    element.tail = None
    if element.tag != "text":
        element.text = None
    given = element.attrib.pop("id", None)
    if given in used:
        element.set("id", f"{name}-{given}")
    if XLINK in element.attrib:
        element.set("href", element.attrib.pop(XLINK).replace("#", f"#{name}-"))
    if "clip-path" in element.attrib:
        element.set("clip-path", element.attrib["clip-path"].replace("#", f"#{name}-"))
    if "style" in element.attrib:
        plain = FAMILY.sub("", element.attrib["style"]).rstrip("; ")
        element.set("style", COLOR.sub(lambda found: VARIABLES.get(found.group(), found.group()), plain))
    for part in SVG_PARTS:
        if part in element.attrib:
            text = " ".join(element.attrib[part].split())
            element.set(part, LONG_NUMBER.sub(lambda found: f"{float(found.group()):.2f}", text))
    if element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]
