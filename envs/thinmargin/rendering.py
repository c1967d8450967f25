"""A month as a statement, an episode as a dashboard. matplotlib is imported only to draw.

A history is a sequence of records of type `thinmargin.records.REPORT`, month 0 (January 2012, nothing
sold yet) first. Money is RMB million in statements and RMB bn in pictures; users and phones are million.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from gymnasium.error import DependencyNotInstalled, UnsupportedMode

from thinmargin.records import LEVERS, MONEY_SCALE, REPORT, UPDATES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = npt.NDArray[Any]

FIRST_YEAR = 2012
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
YEAR = 12
"""Months in a year."""
BN = 1e3
"""RMB million in RMB bn."""


def date_of(month: int) -> str:
    """The calendar month that `month` months of play have closed; month 0 is the day before the first."""
    if month == 0:
        return f"start of January {FIRST_YEAR}"
    return f"{MONTHS[(month - 1) % YEAR]} {FIRST_YEAR + (month - 1) // YEAR}"


def month_table(history: Sequence[np.record]) -> Array:
    """The history as an array of type REPORT, a row a month, ending with the newest report.

    After `set_state` a history may step back (the newest report of a month counts) or leap (months that
    are not known are nan). A row of nan stands before a history that does not begin with month 0.

    Raises:
        ValueError: the history is empty.
    """
    if not history:
        raise ValueError("history is empty: at least the report of month 0 is wanted")
    reports = np.array(history, REPORT)
    months = reports["month"].astype(int)
    reports, months = reports[months <= months[-1]], months[months <= months[-1]]
    first = max(int(months.min()) - 1, 0)
    rows = np.full((int(months[-1]) - first + 1, len(REPORT.fields or ())), np.nan)
    table = rows.view(REPORT)[:, 0]
    table["month"] = np.arange(first, months[-1] + 1)
    for month, report in zip(months, reports, strict=True):
        table[month - first] = report
    return table


# ------------------------------------------------------------------ the statement

_PROFIT_AND_LOSS = (
    ("phones", "device_revenue", 1),
    ("accessories", "accessory_revenue", 1),
    ("services", "services_revenue", 1),
    ("REVENUE", "revenue", 1),
    ("on phones", "device_profit", 1),
    ("on accessories", "accessory_profit", 1),
    ("on services", "services_profit", 1),
    ("GROSS PROFIT", "gross_profit", 1),
    ("marketing", "marketing", -1),
    ("start-up tickets", "tickets", -1),
    ("software releases", "releases", -1),
    ("overhead", "overhead", -1),
    ("excess stock", "holding", -1),
    ("OPERATING PROFIT", "operating_profit", 1),
    ("funding cost", "interest", -1),
    ("income tax", "tax", -1),
    ("PROFIT", "profit", 1),
)
"""Label, book, and the sign with which the book enters the sum below it."""
_LEVER_LABELS = ("markup", "tickets", "marketing", "releases a month")


def month_as_text(history: Sequence[np.record]) -> str:
    """The newest month as a statement in plain ASCII, at most 80 columns wide.

    Costs are negative, so that the lines add up; the second column of the profit-and-loss statement
    sums the last twelve months, or as many as have run.

    Raises:
        ValueError: the history is empty.
    """
    table = month_table(history)
    last = table[-1]
    left = [*_profit_and_loss(last, table[1:][-YEAR:]), "", *_phones(last)]
    right = [*_levers(last), "", *_balance(last), "", *_regions(last), "", *_loyalty(last), "", *_reward(last)]
    height = max(len(left), len(right))
    left += [""] * (height - len(left))
    right += [""] * (height - len(right))
    month = int(last["month"])
    title = f"ThinMargin | {date_of(month)} | month {month}"
    if last["bankrupt"]:
        title += " | BANKRUPT"
    rule = "-" * 79
    body = [f"{one:<38} | {two}".rstrip() for one, two in zip(left, right, strict=True)]
    return "\n".join([rule, title, rule, *body, rule])


def _row(label: str, *values: str) -> str:
    return f"{label:<{38 - 10 * len(values)}}" + "".join(f"{value:>10}" for value in values)


def _amount(value: float, digits: int = 1) -> str:
    return f"{round(value, digits) + 0.0:,.{digits}f}"  # adding zero turns -0.0 into 0.0


def _percent(value: float, digits: int = 1) -> str:
    return f"{_amount(100.0 * value, digits)} %"


def _profit_and_loss(last: np.record, year: Array) -> list[str]:
    lines = [_row("RMB m", "month", "12 months")]
    for label, book, sign in _PROFIT_AND_LOSS:
        lines.append(_row(label, _amount(sign * last[book]), _amount(sign * np.nansum(year[book]))))
    return lines


def _phones(last: np.record) -> list[str]:
    return [
        _row("PHONES"),
        _row("list price, RMB", _amount(last["price"], 0)),
        _row("unit cost, RMB", _amount(last["unit_cost"], 0)),
        _row("rivals' home price, RMB", _amount(last["rival_price"], 0)),
        _row("wanted, m", _amount(last["wanted"], 3)),
        _row("sold, m", _amount(last["sales"], 3)),
        _row("demand served", _percent(last["fill"])),
        _row("hardware net margin", _percent(last["hardware_net_margin"])),
    ]


def _levers(last: np.record) -> list[str]:
    lines = [_row("LEVERS", "asked", "applied")]
    for lever, label in zip(LEVERS, _LEVER_LABELS, strict=True):
        asked, applied = (
            _amount(last[f"{when}_{lever.name}"], 2)
            if lever is LEVERS[UPDATES]
            else _percent(last[f"{when}_{lever.name}"], 2)
            for when in ("asked", "applied")
        )
        lines.append(_row(label, asked if last["month"] else "-", applied))
    return lines


def _balance(last: np.record) -> list[str]:
    return [
        _row("BALANCE"),
        _row("cash, RMB m", _amount(last["cash"])),
        _row("credit line, RMB m", _amount(last["credit_line"])),
        _row("stock, m phones", _amount(last["inventory"], 3)),
        _row("capacity, m phones a month", _amount(last["capacity"], 3)),
    ]


def _regions(last: np.record) -> list[str]:
    def both(label: str, name: str, digits: int | None = None) -> str:
        home, overseas = last[f"{name}_home"], last[f"{name}_overseas"]
        if digits is None:
            return _row(label, _percent(home), _percent(overseas))
        return _row(label, _amount(home, digits), _amount(overseas, digits))

    return [
        _row("REGIONS", "home", "overseas"),
        both("users, m", "users", 2),
        both("buyers reached", "coverage"),
        both("market, m phones", "market", 2),
        both("own share", "share"),
    ]


def _loyalty(last: np.record) -> list[str]:
    return [
        _row("ECOSYSTEM"),
        _row("fans among users", _percent(last["fans"])),
        _row("owners who bought again", _percent(last["retention"])),
        _row("engagement, index", _amount(last["engagement"], 2)),
        _row("live ventures", _amount(last["breadth"], 2)),
        _row("ventures in gestation", _amount(last["pipeline"], 2)),
    ]


def _reward(last: np.record) -> list[str]:
    return [
        _row("REWARD, RMB 10 bn"),
        _row("profit", _amount(last["profit_term"], 4)),
        _row("closing value", _amount(last["closing_term"], 4)),
        _row("shaping", _amount(last["shaping_term"], 4)),
    ]


# ------------------------------------------------------------------ the dashboard

WIDTH, HEIGHT, DPI = 1200, 800, 100
"""Pixels of a picture, and pixels an inch."""

# Okabe & Ito's colours, which colour-blind readers can tell apart.
BLUE, SKY, GREEN, ORANGE, RED = "#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00"
INK, GREY, PALE = "#222222", "#666666", "#E4E4E4"

LEFT, BETWEEN, COLUMN = 0.046, 0.056, 0.273
"""Left edge of the panels, space between two of them, width of one; shares of the picture."""
ROWS = (0.462, 0.046)
PANEL = 0.288
"""Bottoms of the two rows of panels and height of one; shares of the picture."""


def episode_as_picture(history: Sequence[np.record]) -> npt.NDArray[np.uint8]:
    """The episode so far as a dashboard: uint8 of shape (800, 1200, 3).

    Six panels over the years: price and cost, users, revenue, profit and cash, levers, market share.

    Raises:
        ValueError: the history is empty.
        gymnasium.error.DependencyNotInstalled: matplotlib is missing; the message says how to get it.
    """
    table = month_table(history)
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise _no_matplotlib() from error
    figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI)
    canvas = FigureCanvasAgg(figure)
    draw_dashboard(figure, table)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), np.uint8)[..., :3].copy()


def _no_matplotlib() -> DependencyNotInstalled:
    return DependencyNotInstalled('pictures need matplotlib: pip install "thinmargin[report]"')


def draw_dashboard(figure: Figure, table: Array) -> None:
    """Draw the months of `month_table` on an empty figure, through matplotlib's objects only."""
    figure.set_facecolor("white")
    _draw_headline(figure, table)
    panels = (_draw_prices, _draw_users, _draw_revenue, _draw_money, _draw_levers, _draw_shares)
    for number, draw in enumerate(panels):
        draw(_Panel(figure, table, LEFT + number % 3 * (COLUMN + BETWEEN), ROWS[number // 3]))


def _draw_headline(figure: Figure, table: Array) -> None:
    last, year = table[-1], table[1:][-YEAR:]
    right = LEFT + 3 * COLUMN + 2 * BETWEEN
    month = int(last["month"])
    figure.text(LEFT, 0.957, "ThinMargin", fontsize=16, fontweight="bold", color=INK, va="center")
    figure.text(LEFT + 0.137, 0.956, f"{date_of(month)}, month {month}", fontsize=12, color=GREY, va="center")
    ending, color = "", INK
    if last["bankrupt"]:
        ending, color = "bankrupt: cash is below the credit limit", RED
    elif last["closing_term"]:
        ending = f"closing value RMB {_amount(last['closing_term'] * MONEY_SCALE / BN)} bn"
    figure.text(right, 0.956, ending, fontsize=12, color=color, va="center", ha="right")
    devices = np.nansum(year["device_revenue"])
    margin = np.nansum(year["device_revenue"] * year["hardware_net_margin"]) / max(devices, 1e-9)
    figures = (
        ("revenue, last 12 months", f"RMB {_amount(np.nansum(year['revenue']) / BN)} bn"),
        ("profit, last 12 months", f"RMB {_amount(np.nansum(year['profit']) / BN, 2)} bn"),
        ("cash", f"RMB {_amount(last['cash'] / BN)} bn"),
        ("users", f"{_amount(last['users_home'] + last['users_overseas'])} m"),
        ("share, home and overseas", f"{_percent(last['share_home'])}, {_percent(last['share_overseas'])}"),
        ("hardware net margin", f"{_percent(margin)}"),
    )
    for number, (label, value) in enumerate(figures):
        left = LEFT + number * (right - LEFT) / len(figures)
        figure.text(left, 0.907, label, fontsize=8.5, color=GREY, va="center")
        figure.text(left, 0.876, value, fontsize=13, fontweight="bold", color=INK, va="center")


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

    def axes(self, low: float = 0.0, high: float = 1.0, ticks: int = 5) -> Axes:
        """Axes between two heights of the panel; those at the bottom label the years."""
        axes = self.figure.add_axes((self.left, self.bottom + low * PANEL, COLUMN, (high - low) * PANEL))
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.spines["bottom"].set_color(GREY)
        axes.grid(axis="y", color=PALE, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(axis="both", labelsize=8.5, colors=GREY, length=0, pad=3)
        axes.locator_params(axis="y", nbins=ticks, steps=[1, 2, 2.5, 5, 10])
        axes.yaxis.set_major_formatter("{x:,g}")
        month = self.table["month"]
        axes.set_xlim(FIRST_YEAR + month[0] // YEAR, FIRST_YEAR + max(math.ceil(month[-1] / YEAR), 1))
        if low > 0.0:
            axes.set_xticks([])
        else:
            axes.locator_params(axis="x", nbins=6, integer=True, steps=[1, 2, 5, 10], min_n_ticks=2)
            axes.tick_params(axis="x", length=3)
        return axes

    def line(self, axes: Axes, y: Array, color: str, label: str | None = None, **style: Any) -> None:
        """A line through end-of-month quantities; a single one is a dot."""
        dot = {"marker": "o", "markersize": 4, "clip_on": False} if len(y) == 1 else {}
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


def _frame(axes: Axes, *series: Array, least: float, low: float = 0.0) -> None:
    """A y axis that holds zero, every number of `series`, and the range from `low` to `least`."""
    known = np.concatenate(series)
    known = known[np.isfinite(known)]
    bottom, top = known.min(initial=low), known.max(initial=least)
    margin = 0.05 * (top - bottom)
    axes.set_ylim(bottom - margin if bottom < 0.0 else 0.0, top + margin)


def _draw_prices(panel: _Panel) -> None:
    panel.head("Price and cost of a phone", "RMB")
    axes = panel.axes()
    price, cost, rival = (panel.stock(name) for name in ("price", "unit_cost", "rival_price"))
    for where, color in ((price >= cost, BLUE), (price < cost, RED)):
        axes.fill_between(panel.ends, cost, price, where=where, color=color, alpha=0.2, linewidth=0)
    panel.line(axes, rival, ORANGE, "rivals at home")
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
    axes.fill_between(panel.ends, home, total, color=SKY, label="overseas", linewidth=0)
    panel.line(axes, total * panel.stock("fans"), INK, "fans among them", linestyle="--")
    _frame(axes, total, least=1.0)
    _legend(axes)


def _draw_revenue(panel: _Panel) -> None:
    panel.head("Revenue", "RMB bn a month")
    axes = panel.axes()
    base = np.zeros(len(panel.table))
    for label, book, color in (
        ("services", "services_revenue", GREEN),
        ("accessories", "accessory_revenue", ORANGE),
        ("phones", "device_revenue", BLUE),
    ):
        top = base + panel.flow(book, BN)
        panel.bars(axes, base, top, color, label)
        base = top
    _frame(axes, base, least=0.1)
    _legend(axes)


def _draw_money(panel: _Panel) -> None:
    panel.head("Profit and cash", "RMB bn, profit a month")
    above, below = panel.axes(0.54, 1.0, ticks=4), panel.axes(0.0, 0.46, ticks=4)
    profit = panel.flow("profit", BN)
    panel.bars(above, 0.0, np.maximum(profit, 0.0), GREEN, "profit")
    panel.bars(above, 0.0, np.minimum(profit, 0.0), RED, "loss")
    _frame(above, profit, least=0.1)
    cash, limit = panel.stock("cash", BN), -panel.stock("credit_line", BN)
    panel.line(below, cash, BLUE, linewidth=2.0)
    panel.line(below, limit, INK, linestyle="--", linewidth=1.2)
    _frame(below, cash, limit, least=1.0)
    for axes in (above, below):
        axes.axhline(0.0, color=GREY, linewidth=0.8)
    above.plot([], [], color=BLUE, linewidth=2.0, label="cash")
    above.plot([], [], color=INK, linewidth=1.2, linestyle="--", label="credit limit")
    _legend(above)


_STRIPS = (
    ("markup over unit cost, %", 100.0, 20.0),
    ("start-up tickets, % of trailing revenue", 100.0, 2.0),
    ("selling and marketing, % of trailing revenue", 100.0, 6.0),
    ("software releases a month", 1.0, 5.0),
)
"""For each lever what its strip says, its scale, and the least its axis reaches up to."""


def _draw_levers(panel: _Panel) -> None:
    panel.head("Levers", "last month in bold")
    for number, (lever, (label, scale, least)) in enumerate(zip(LEVERS, _STRIPS, strict=True)):
        low = 0.25 * (len(LEVERS) - 1 - number)
        axes = panel.axes(low, low + 0.15, ticks=2)
        asked, applied = (scale * panel.flow(f"{when}_{lever.name}") for when in ("asked", "applied"))
        panel.steps(axes, asked, ORANGE, "asked", linewidth=1.2)
        panel.steps(axes, applied, BLUE, "applied", linewidth=1.8)
        _frame(axes, asked, applied, least=least)
        now = _amount(applied[-1], 2 if scale == 1.0 else 1) if np.isfinite(applied[-1]) else ""
        axes.text(0.0, 1.12, label, transform=axes.transAxes, fontsize=8.5, color=INK)
        axes.text(1.0, 1.12, now, transform=axes.transAxes, fontsize=8.5, fontweight="bold", color=BLUE, ha="right")
        if number == 0:
            _legend(axes, height=1.0 + 0.1 / 0.15)  # as high as in the other panels


def _draw_shares(panel: _Panel) -> None:
    panel.head("Market share, demand served", "%")
    above, below = panel.axes(0.36, 1.0, ticks=4), panel.axes(0.0, 0.25, ticks=2)
    home, overseas, fill = (panel.flow(name, 0.01) for name in ("share_home", "share_overseas", "fill"))
    panel.steps(above, home, BLUE, "home", linewidth=1.8)
    panel.steps(above, overseas, SKY, "overseas", linewidth=1.8)
    panel.steps(below, fill, GREEN, linewidth=1.8)
    above.plot([], [], color=GREEN, linewidth=1.8, label="demand served")
    _frame(above, home, overseas, least=1.0)
    _frame(below, fill, least=100.0)
    _legend(above)


# ------------------------------------------------------------------ the window


class Window:
    """A matplotlib window with the dashboard of the episode, redrawn once a simulated year.

    `MPLBACKEND` chooses the toolkit; a toolkit without windows that is chosen there (`MPLBACKEND=agg`)
    draws unseen, for tests on machines without a display.

    Raises:
        gymnasium.error.DependencyNotInstalled: matplotlib is missing; the message says how to get it.
        gymnasium.error.UnsupportedMode: there is no display, or no toolkit to open a window with.
    """

    def __init__(self) -> None:
        try:
            import matplotlib
            from matplotlib import pyplot
            from matplotlib.backends import BackendFilter, backend_registry
        except ImportError as error:
            raise _no_matplotlib() from error
        try:
            self._figure = pyplot.figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI)
        except ImportError as error:  # the toolkit asked for is missing, or finds no display
            raise _no_display(str(error)) from error
        self._pyplot = pyplot
        self._drawn = -1
        toolkit = matplotlib.get_backend().lower()
        self._is_seen = toolkit not in backend_registry.list_builtin(BackendFilter.NON_INTERACTIVE)
        if not self._is_seen and not os.environ.get("MPLBACKEND"):
            self.close()
            raise _no_display(f"matplotlib found none and fell back to {toolkit}")
        if self._figure.canvas.manager is not None:
            self._figure.canvas.manager.set_window_title("ThinMargin")

    def show(self, history: Sequence[np.record]) -> None:
        """Redraw at the start, every twelve months, at a bankruptcy and at the closing month.

        A window that the user has closed stays closed.
        """
        last = history[-1]
        month = int(last["month"])
        is_due = month < self._drawn or month % YEAR == 0 or last["bankrupt"] or last["closing_term"]
        if not is_due or not self._pyplot.fignum_exists(self._figure.number):
            return
        self._drawn = month
        self._figure.clear()
        draw_dashboard(self._figure, month_table(history))
        self._figure.canvas.draw()
        if self._is_seen:
            self._figure.show()
            self._figure.canvas.flush_events()

    def close(self) -> None:
        """Close the window; it may be closed already."""
        self._pyplot.close(self._figure)


def _no_display(reason: str) -> UnsupportedMode:
    return UnsupportedMode(
        f"render_mode='human' needs a display to open a window ({reason}): "
        "use render_mode='rgb_array' for pictures or 'ansi' for text"
    )
