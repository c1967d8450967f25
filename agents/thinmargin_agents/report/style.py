"""One style for every picture of the page, and figures as SVG that stands inside HTML.

Figures are matplotlib's objects, never pyplot. Widths and heights are in pixels of the page; letters are
text, measured in DejaVu Sans and shown in the page's own font, which is no wider.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal
from xml.etree import ElementTree as ET

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from thinmargin_agents.report.words import FONT, MINUS, number

# Okabe & Ito's colours (2008), which colour-blind readers can tell apart.
BLUE, SKY, GREEN, ORANGE, RED, PINK = "#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00", "#CC79A7"
BROWN = "#7A4A1E"
"""Not one of Okabe and Ito's: darker than all of them."""
INK, SLATE, GREY, PALE = "#1f2933", "#3d4852", "#5f6b76", "#e3e7eb"
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
    "axes.edgecolor": "#b8c0c8",
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
SVG_PARTS = ("d", "x", "y", "points", "transform")
"""Attributes with coordinates, which are cut to a hundredth of a pixel."""


@dataclass(frozen=True)
class Chart:
    """A picture of the page.

    Attributes:
        name: its id on the page.
        title: what it is about.
        caption: how to read it, with units.
        svg: the picture, with a text alternative.
        size: `panel` where many stand side by side, `half` where two do.
    """

    name: str
    title: str
    caption: str
    svg: str
    size: Literal["panel", "half"]


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


def dashes(pattern: Sequence[float]) -> Any:
    """A pattern of dashes in matplotlib's notation; an empty one is a solid line."""
    return (0.0, tuple(pattern)) if len(pattern) else "-"


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
        element.set("style", FAMILY.sub("", element.attrib["style"]).rstrip("; "))
    for part in SVG_PARTS:
        if part in element.attrib:
            text = " ".join(element.attrib[part].split())
            element.set(part, LONG_NUMBER.sub(lambda found: f"{float(found.group()):.2f}", text))
    if element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]


def mixed(start: str, end: str, share: float) -> str:
    """The colour this share of the way from one to another, as #rrggbb."""
    a, b = (np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)]) for color in (start, end))
    return "#" + "".join(f"{round(part):02x}" for part in (a + (b - a) * min(max(share, 0.0), 1.0)).tolist())
