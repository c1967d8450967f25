"""Decisions and results of policies, year by year: medians and 10-90 % bands over worlds, and what was reported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from thinmargin.palette import dashes
from thinmargin_agents.play.outcome import FIRST_YEAR
from thinmargin_agents.report.roles import Cast
from thinmargin_agents.report.style import INK, Chart, Reading, chart_of, panel, year_ticks, zero_line
from thinmargin_agents.report.words import capital, listed, number
from thinmargin_agents.years.quantities import (
    QUANTITIES,
    ReportedFigure,
    cell,
    reported_years,
)

Numbers = npt.NDArray[np.float64]
Tracks = Mapping[str, Numbers]

BAND = (10.0, 90.0)
"""Percentiles of the band."""
BILLION = 1e-3
"""RMB bn in a RMB million."""
A_YEAR = 12.0 * BILLION
"""RMB bn a year in a RMB million a month."""


@dataclass(frozen=True)
class YearPanel:
    """One quantity over the years: its name on the page, title, unit, and how it follows from the yearly means."""

    name: str
    title: str
    unit: str
    of: Callable[[Tracks], Numbers]
    from_zero: bool = False
    """Whether the axis begins at zero."""
    reported: ReportedFigure | None = None
    """What the firm reported of it, if anything."""
    differs: str = ""
    """How the reported figure is defined, if otherwise."""


@dataclass(frozen=True)
class Group:
    """Pictures that belong together, under one heading."""

    title: str
    charts: tuple[Chart, ...]


def _scaled(name: str, factor: float) -> Callable[[Tracks], Numbers]:
    return lambda tracks: tracks[name] * factor


def _as_in_years(quantity: str, name: str, unit: str, *, from_zero: bool = True) -> YearPanel:
    """The panel of a quantity that the command about the years has too."""
    known = next(one for one in QUANTITIES if one.name == quantity)
    return YearPanel(name, capital(known.title), unit, known.of, from_zero, known.reported, known.differs)


def in_business(tracks: Tracks) -> Numbers:
    """100 where a world was played in a year, 0 behind its bankruptcy."""
    return np.where(np.isnan(tracks["revenue"]), 0.0, 100.0)


PANELS = {
    "What the firm does": (
        _as_in_years("markup", "markup", "%", from_zero=False),
        YearPanel(
            "price", "List price of a phone", "RMB", _scaled("price", 1.0), from_zero=True,
            reported=cell("smartphone_asp_rmb"), differs="average selling price",
        ),
        YearPanel("cost", "Unit cost of a phone", "RMB", _scaled("unit_cost", 1.0), from_zero=True),
        _as_in_years("tickets", "tickets", "% of revenue"),
        _as_in_years("selling", "selling", "% of revenue"),
        _as_in_years("releases", "updates", "a month"),
    ),
    "What customers do": (
        _as_in_years("users", "users", "million"),
        _as_in_years("share_home", "share-home", "%"),
        YearPanel("share-overseas", "Share overseas", "%", _scaled("share_overseas", 100.0), from_zero=True),
        YearPanel("fans", "Fans", "% of users", _scaled("fans", 100.0), from_zero=True),
        YearPanel("ventures", "Accessory ventures", "live", _scaled("breadth", 1.0), from_zero=True),
        YearPanel("business", "Still in business", "% of worlds", in_business, from_zero=True),
    ),
    "What it earns": (
        YearPanel(
            "phones", "Phone revenue", "RMB bn a year", _scaled("device_revenue", A_YEAR), from_zero=True,
            reported=cell("revenue_smartphones_rmb_bn"),
        ),
        YearPanel(
            "things", "Accessory revenue", "RMB bn a year", _scaled("accessory_revenue", A_YEAR), from_zero=True,
            reported=cell("revenue_iot_rmb_bn"), differs="of IoT and lifestyle products",
        ),
        YearPanel(
            "services", "Services revenue", "RMB bn a year", _scaled("services_revenue", A_YEAR), from_zero=True,
            reported=cell("revenue_internet_services_rmb_bn"),
        ),
        _as_in_years("profit", "profit", "RMB bn a year, after tax", from_zero=False),
        YearPanel("cash", "Cash", "RMB bn", _scaled("cash", BILLION)),
        YearPanel("margin", "Hardware net margin", "% of phone revenue", _scaled("hardware_net_margin", 100.0)),
    ),
}  # fmt: skip
"""Quantities drawn, group by group. Flows are the mean months of a year at a year's rate, stocks the year's mean."""


def year_groups(cast: Cast) -> list[Group]:
    """Every quantity of the chosen policies, group by group."""
    return [Group(title, tuple(_chart(cast, drawn) for drawn in panels)) for title, panels in PANELS.items()]


def middle_of(drawn: YearPanel, tracks: Tracks) -> tuple[Numbers, Numbers, Numbers]:
    """Median of a quantity and both ends of its band by year; of `in_business` the share, three times."""
    table = drawn.of(tracks)
    if drawn.of is in_business:
        share = table.mean(axis=1)
        return share, share, share
    return middle_and_band(table)


def middle_and_band(table: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Median and both ends of the band, each of shape (years,), NaN in years that no world has.

    Args:
        table: shape (years, worlds), NaN where a world is out of business.
    """
    found = np.full((3, len(table)), np.nan)
    for year, values in enumerate(table):
        known = values[np.isfinite(values)]
        if len(known):
            found[:, year] = np.percentile(known, (50.0, *BAND))
    return found[0], found[1], found[2]


def _chart(cast: Cast, drawn: YearPanel) -> Chart:
    figure, axes = panel()
    ends = []
    told: dict[int, list[str]] = {}
    for order, player in enumerate(reversed(cast.chosen)):
        middle, low, high = middle_of(drawn, player.result.tracks)
        years = FIRST_YEAR + np.arange(len(middle))
        dot: dict[str, Any] = {"marker": "o", "markersize": 5} if np.isfinite(middle).sum() == 1 else {}
        axes.fill_between(years, low, high, color=player.color, alpha=0.12, linewidth=0, zorder=2)
        axes.plot(
            years, middle, color=player.color, linestyle=dashes(player.dashes), zorder=3 + order, clip_on=False, **dot
        )
        known = middle[np.isfinite(middle)]
        if len(known):
            ends.append(f"{player.label} from {number(float(known[0]))} to {number(float(known[-1]))}")
        for year, *values in zip(years.tolist(), middle.tolist(), low.tolist(), high.tolist(), strict=True):
            band = f" ({number(values[1])} to {number(values[2])})" if values[1] < values[2] else ""
            told.setdefault(year, []).insert(0, f"{player.label} {number(values[0])}{band}")
    unit = drawn.unit + _reported(axes, drawn, told)
    if drawn.from_zero:
        axes.set_ylim(0.0, 103.0 if drawn.of is in_business else None)
    year_ticks(axes)
    zero_line(axes)
    words = f"{drawn.title}, {unit}, by year: {listed(ends) if ends else 'nobody'}."
    readings = [Reading(axes, year, None, f"{year}: {'; '.join(parts)}") for year, parts in sorted(told.items())]
    return chart_of(figure, f"years-{drawn.name}", drawn.title, unit, words, "panel", readings)


def _reported(axes: Axes, drawn: YearPanel, told: dict[int, list[str]]) -> str:
    """Draw what was reported in the years of `told` and add it there; returns how it is defined, for the unit."""
    if drawn.reported is None:
        return ""
    years = sorted(told)
    known = reported_years(drawn.reported, years)
    if not np.isfinite(known).any():
        return ""
    axes.plot(years, known, color=INK, marker="o", markersize=3.0, linewidth=1.0, zorder=50, clip_on=False)
    for year, value in zip(years, known.tolist(), strict=True):
        if np.isfinite(value):
            told[year].append(f"reported {number(value)}")
    return f"; reported: {drawn.differs}" if drawn.differs else ""
