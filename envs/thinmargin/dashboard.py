"""An episode as a dashboard: six panels over the years, drawn with matplotlib's objects, never pyplot.

Money is RMB bn; users are million.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from thinmargin.names import quantity_name
from thinmargin.palette import TONES
from thinmargin.records import BN, LEVERS
from thinmargin.statement import (
    FIRST_YEAR,
    YEAR,
    Array,
    amount,
    date_of,
    last_year,
    months_in_words,
    percent,
    value_of,
    value_of_month,
)

WIDTH, HEIGHT, DPI = 1200, 800, 100
"""Pixels of a picture, and pixels an inch."""

BLUE, GREEN, AMBER, RED = (TONES[tone].light for tone in ("blue", "green", "amber", "vermilion"))
INK, GREY, PALE = (TONES[tone].light for tone in ("ink", "grey", "grid"))

LEFT, BETWEEN, COLUMN = 0.046, 0.056, 0.273
"""Left edge of the panels, space between two of them, width of one; shares of the picture."""
ROWS = (0.462, 0.046)
PANEL = 0.288
"""Bottoms of the two rows of panels and height of one; shares of the picture."""


def picture(table: Array) -> npt.NDArray[np.uint8]:
    """The months of `month_table` as a picture: uint8 of shape (HEIGHT, WIDTH, 3)."""
    figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI)
    canvas: Any = FigureCanvasAgg(figure)
    draw_dashboard(figure, table)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), np.uint8)[..., :3].copy()


def draw_dashboard(figure: Figure, table: Array) -> None:
    """Draw the months of `month_table` on an empty figure, through matplotlib's objects only."""
    figure.set_facecolor("white")
    _draw_headline(figure, table)
    panels = (_draw_prices, _draw_users, _draw_revenue, _draw_money, _draw_levers, _draw_shares)
    for number, draw in enumerate(panels):
        draw(_Panel(figure, table, LEFT + number % 3 * (COLUMN + BETWEEN), ROWS[number // 3]))


def _draw_headline(figure: Figure, table: Array) -> None:
    last, year = table[-1], last_year(table)
    right = LEFT + 3 * COLUMN + 2 * BETWEEN
    month = int(last["month"])
    figure.text(LEFT, 0.957, "ThinMargin", fontsize=16, fontweight="bold", color=INK, va="center")
    figure.text(LEFT + 0.137, 0.956, f"{date_of(month)}, month {month}", fontsize=12, color=GREY, va="center")
    color = RED if last["bankrupt"] else INK
    figure.text(right, 0.956, value_words(table), fontsize=12, color=color, va="center", ha="right")
    for place, (label, value) in zip(FIGURES, headline_figures(last, year), strict=True):
        left = LEFT + place * (right - LEFT)
        figure.text(left, 0.907, label, fontsize=8.5, color=GREY, va="center")
        figure.text(left, 0.876, value, fontsize=13, fontweight="bold", color=INK, va="center")


def value_words(table: Array) -> str:
    """J of the months of `month_table`, discounted as in every report, and how the episode ended if it did."""
    last, value = table[-1], value_of(table)
    if value is None:
        words = "J is not known: earlier months are not"
    elif last["closing_term"]:
        words = f"J RMB {amount(value.J)} bn, of it closing value {amount(value.closing)}, discounted"
    else:
        words = f"J so far RMB {amount(value.J)} bn, discounted"
    if value is None and last["closing_term"]:
        words += f"; closing value RMB {amount(value_of_month(last).closing)} bn, discounted"
    return f"bankrupt: cash is below the credit limit; {words}" if last["bankrupt"] else words


FIGURES = (0.0, 0.17, 0.34, 0.5, 0.62, 0.795)
"""Left ends of the numbers below the title, as shares of the panels' width."""


def headline_figures(last: np.record, year: Array) -> list[tuple[str, str]]:
    """Labels and numbers below the title.

    Args:
        last: the newest month.
        year: `last_year`; the labels say how many months it has.
    """
    devices = year["device_revenue"].sum()
    margin = (year["device_revenue"] * year["hardware_net_margin"]).sum() / max(devices, 1e-9)
    months = f"last {months_in_words(len(year))}" if len(year) > 1 else "one month" if len(year) else "no month yet"
    sums = (
        f"RMB {amount(year['revenue'].sum() / BN)} bn",
        f"RMB {amount(year['profit'].sum() / BN, 2)} bn",
        percent(margin),
    )
    revenue, profit, net_margin = sums if len(year) else ("-",) * len(sums)
    return [
        (f"revenue, {months}", revenue),
        (f"profit, {months}", profit),
        ("cash", f"RMB {amount(last['cash'] / BN)} bn"),
        ("users", f"{amount(last['users_home'] + last['users_overseas'])} m"),
        ("share, home and overseas", f"{percent(last['share_home'])}, {percent(last['share_overseas'])}"),
        (f"hardware net margin, {months}", net_margin),
    ]


class _Panel:
    """One subject of the dashboard: a heading, a legend below it, one or more plots over the years."""

    def __init__(self, figure: Figure, table: Array, left: float, bottom: float) -> None:
        self.figure = figure
        self.table = table
        self.left = left
        self.bottom = bottom
        self.ends = np.asarray(FIRST_YEAR + table["month"] / YEAR)
        """Ends of the months on the axis of years."""

    def head(self, heading: str, unit: str) -> None:
        """Write what the panel shows above it, with the unit at its right end."""
        height = self.bottom + PANEL + 0.052
        self.figure.text(self.left, height, heading, fontsize=11, fontweight="bold", color=INK, va="center")
        self.figure.text(self.left + COLUMN, height, unit, fontsize=8.5, color=GREY, va="center", ha="right")

    def stock(self, name: str, scale: float = 1.0) -> Array:
        """An end-of-month quantity, one number an end."""
        return np.asarray(self.table[name] / scale)

    def flow(self, name: str, scale: float = 1.0) -> Array:
        """A quantity of the months between the ends: each number holds up to its end, the first one is repeated."""
        numbers = np.asarray(self.table[name] / scale)
        numbers[0] = numbers[1] if len(numbers) > 1 else np.nan
        return numbers

    def axes(self, low: float = 0.0, high: float = 1.0) -> Axes:
        """Axes between two heights of the panel; those at the bottom label the years."""
        axes = self.figure.add_axes((self.left, self.bottom + low * PANEL, COLUMN, (high - low) * PANEL))
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.spines["bottom"].set_color(GREY)
        axes.set_xticks([])
        axes.set_yticks([])
        month = self.table["month"]
        axes.set_xlim(FIRST_YEAR + month[0] // YEAR, FIRST_YEAR + max(math.ceil(month[-1] / YEAR), 1))
        if low == 0.0:
            self._label_years(axes)
        return axes

    def _label_years(self, axes: Axes) -> None:
        below = axes.get_xaxis_transform()
        years = _ticks(axes.get_xlim(), MaxNLocator(6, integer=True, steps=[1, 2, 5, 10], min_n_ticks=2))
        axes.plot(years, [0.0] * len(years), color=GREY, marker=3, linestyle="", transform=below, clip_on=False)
        for year in years:
            axes.annotate(
                f"{year:.0f}", (year, 0.0), (0.0, -6.0), below, "offset points", fontsize=8.5, color=GREY,
                ha="center", va="top",
            )  # fmt: skip

    def line(self, axes: Axes, y: Array, color: str, label: str | None = None, **style: Any) -> None:
        """A line through end-of-month quantities; a single one is a dot."""
        dot = {"marker": "o", "markersize": 4, "clip_on": False} if np.isfinite(y).sum() == 1 else {}
        axes.plot(self.ends, y, color=color, label=label, **{"linewidth": 1.6, **dot, **style})

    def steps(self, axes: Axes, y: Array, color: str, label: str | None = None, **style: Any) -> None:
        """A line in steps through quantities of the months."""
        axes.plot(self.ends, y, color=color, label=label, drawstyle="steps-pre", **{"linewidth": 1.6, **style})

    def bars(self, axes: Axes, base: Array | float, top: Array, color: str, label: str) -> None:
        """Bars without gaps from `base` to `top`, one a month."""
        axes.fill_between(self.ends, base, top, color=color, label=label, step="pre", linewidth=0)


def _legend(axes: Axes, height: float = 1.0) -> None:
    """A legend in one row between the heading and the plots, where it hides nothing."""
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.012, height), ncols=4, frameon=False, fontsize=8.5, labelcolor=INK,
        handlelength=1.4, handletextpad=0.5, columnspacing=1.3, borderpad=0.1, borderaxespad=0.2,
    )  # fmt: skip


def _frame(axes: Axes, *series: Array, least: float, low: float = 0.0, ticks: int = 5) -> None:
    """A y axis that holds zero, every number of `series`, and the range from `low` to `least`, with its grid.

    Grid and numbers are drawn here: matplotlib's own ticks take most of the time of a picture.
    """
    known = np.concatenate(series)
    known = known[np.isfinite(known)]
    bottom, top = known.min(initial=low), known.max(initial=least)
    margin = 0.05 * (top - bottom)
    axes.set_ylim(bottom - margin if bottom < 0.0 else 0.0, top + margin)
    levels = _ticks(axes.get_ylim(), MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
    axes.hlines(levels, *axes.get_xlim(), color=PALE, linewidth=0.8, zorder=0.5)
    for level in levels:
        axes.annotate(
            f"{level:,g}", (0.0, level), (-4.0, 0.0), axes.get_yaxis_transform(), "offset points", fontsize=8.5,
            color=GREY, ha="right", va="center",
        )  # fmt: skip


def _ticks(limits: tuple[float, float], locator: MaxNLocator) -> list[float]:
    """Round numbers within the limits."""
    low, high = limits
    slack = 1e-9 * (high - low)
    return [float(tick) for tick in locator.tick_values(low, high) if low - slack <= tick <= high + slack]


def _draw_prices(panel: _Panel) -> None:
    panel.head("Price and cost of a phone", "RMB")
    axes = panel.axes()
    price, cost, rival = (panel.stock(name) for name in ("price", "unit_cost", "rival_price"))
    for where, color in ((price >= cost, BLUE), (price < cost, RED)):
        axes.fill_between(panel.ends, cost, price, where=where, color=color, alpha=0.2, linewidth=0)
    panel.line(axes, rival, AMBER, "rivals at home")
    panel.line(axes, price, BLUE, "own price", linewidth=2.0)
    panel.line(axes, cost, INK, "unit cost", linestyle="--", linewidth=1.2)
    _frame(axes, price, cost, rival, least=100.0)
    _legend(axes)


def _draw_users(panel: _Panel) -> None:
    panel.head("Users", "million, end of month")
    axes = panel.axes()
    home = panel.stock("users_home")
    total = home + panel.stock("users_overseas")
    axes.fill_between(panel.ends, 0.0, home, color=BLUE, label="home", linewidth=0)
    axes.fill_between(panel.ends, home, total, color=AMBER, label="overseas", linewidth=0)
    panel.line(axes, total, AMBER, linewidth=0.8)  # an area of one month has no width
    panel.line(axes, home, BLUE, linewidth=0.8)
    panel.line(axes, total * panel.stock("fans"), INK, "fans among them", linestyle="--")
    _frame(axes, total, least=1.0)
    _legend(axes)


def _draw_revenue(panel: _Panel) -> None:
    panel.head("Revenue", "RMB bn a month")
    axes = panel.axes()
    base = np.zeros(len(panel.table))
    for label, book, color in (
        ("services", "services_revenue", GREEN),
        ("accessories", "accessory_revenue", AMBER),
        ("phones", "device_revenue", BLUE),
    ):
        top = base + panel.flow(book, BN)
        panel.bars(axes, base, top, color, label)
        base = top
    _frame(axes, base, least=0.1)
    _legend(axes)


def _draw_money(panel: _Panel) -> None:
    panel.head("Profit and cash", "RMB bn, profit a month")
    above, below = panel.axes(0.54, 1.0), panel.axes(0.0, 0.46)
    profit = panel.flow("profit", BN)
    panel.bars(above, 0.0, np.maximum(profit, 0.0), GREEN, "profit")
    panel.bars(above, 0.0, np.minimum(profit, 0.0), RED, "loss")
    _frame(above, profit, least=0.1, ticks=4)
    cash, limit = panel.stock("cash", BN), -panel.stock("credit_line", BN)
    panel.line(below, cash, BLUE, linewidth=2.0)
    panel.line(below, limit, INK, linestyle="--", linewidth=1.2)
    _frame(below, cash, limit, least=1.0, ticks=4)
    for axes in (above, below):
        axes.axhline(0.0, color=GREY, linewidth=0.8)
    above.plot([], [], color=BLUE, linewidth=2.0, label="cash")
    above.plot([], [], color=INK, linewidth=1.2, linestyle="--", label="credit limit")
    _legend(above)


_STRIPS = (
    (f"{quantity_name('price')}, %", 100.0, 20.0),
    (f"{quantity_name('accessories')}, % of trailing revenue", 100.0, 2.0),
    (f"{quantity_name('marketing')}, % of trailing revenue", 100.0, 6.0),
    (f"{quantity_name('updates')} a month", 1.0, 5.0),
)
"""For each lever what its strip says, its scale, and the least its axis reaches up to."""


def _draw_levers(panel: _Panel) -> None:
    panel.head("Levers", "last month in bold")
    for number, (lever, (label, scale, least)) in enumerate(zip(LEVERS, _STRIPS, strict=True)):
        low = 0.25 * (len(LEVERS) - 1 - number)
        axes = panel.axes(low, low + 0.15)
        asked, applied = (scale * panel.flow(f"{when}_{lever.name}") for when in ("asked", "applied"))
        panel.steps(axes, asked, AMBER, "asked", linewidth=1.2)
        panel.steps(axes, applied, BLUE, "applied", linewidth=1.8)
        _frame(axes, asked, applied, least=least, ticks=2)
        now = amount(applied[-1], 2 if scale == 1.0 else 1) if np.isfinite(applied[-1]) else ""
        axes.text(0.0, 1.12, label, transform=axes.transAxes, fontsize=8.5, color=INK)
        axes.text(1.0, 1.12, now, transform=axes.transAxes, fontsize=8.5, fontweight="bold", color=BLUE, ha="right")
        if number == 0:
            _legend(axes, height=1.0 + 0.1 / 0.15)  # as high as in the other panels


def _draw_shares(panel: _Panel) -> None:
    panel.head("Market share, demand served", "%")
    above, below = panel.axes(0.36, 1.0), panel.axes(0.0, 0.25)
    home, overseas, fill = (panel.flow(name, 0.01) for name in ("share_home", "share_overseas", "fill_rate"))
    panel.steps(above, home, BLUE, "home", linewidth=1.8)
    panel.steps(above, overseas, AMBER, "overseas", linewidth=1.8)
    panel.steps(below, fill, GREEN, linewidth=1.8)
    above.plot([], [], color=GREEN, linewidth=1.8, label="demand served")
    _frame(above, home, overseas, least=1.0, ticks=4)
    _frame(below, fill, least=100.0, ticks=2)
    _legend(above)
