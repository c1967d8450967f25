"""Decisions and results of policies, year by year: medians and 10-90 % bands over worlds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from thinmargin_agents.play.outcome import FIRST_YEAR
from thinmargin_agents.report.roles import Cast
from thinmargin_agents.report.style import Chart, dashes, panel, svg_of, year_ticks, zero_line
from thinmargin_agents.report.words import listed, number

Numbers = npt.NDArray[np.float64]
Tracks = Mapping[str, Numbers]

BAND = (10.0, 90.0)
"""Percentiles of the band."""
BILLION = 1e-3
"""RMB bn in a RMB million."""
A_YEAR = 12.0 * BILLION
"""RMB bn a year in a RMB million a month."""


@dataclass(frozen=True)
class Course:
    """One quantity over the years: its name on the page, title, unit, and how it follows from the yearly means."""

    name: str
    title: str
    unit: str
    of: Callable[[Tracks], Numbers]
    from_zero: bool = False
    """Whether the axis begins at zero."""


@dataclass(frozen=True)
class Group:
    """Pictures that belong together, under one heading."""

    title: str
    charts: tuple[Chart, ...]


def _scaled(name: str, factor: float) -> Callable[[Tracks], Numbers]:
    return lambda tracks: tracks[name] * factor


def in_business(tracks: Tracks) -> Numbers:
    """100 where a world was played in a year, 0 behind its bankruptcy."""
    return np.where(np.isnan(tracks["revenue"]), 0.0, 100.0)


COURSES = {
    "What the firm does": (
        Course("markup", "Markup over unit cost", "%", _scaled("applied_price", 100.0)),
        Course("price", "List price of a phone", "RMB", _scaled("price", 1.0), from_zero=True),
        Course("cost", "Unit cost of a phone", "RMB", _scaled("unit_cost", 1.0), from_zero=True),
        Course("tickets", "Start-up tickets", "% of revenue", _scaled("applied_accessories", 100.0), from_zero=True),
        Course("selling", "Selling and marketing", "% of revenue", _scaled("applied_marketing", 100.0), from_zero=True),
        Course("updates", "Software updates", "releases a month", _scaled("applied_updates", 1.0), from_zero=True),
    ),
    "What customers do": (
        Course("users", "Users", "million", lambda t: t["users_home"] + t["users_overseas"], from_zero=True),
        Course("share-home", "Share of phones at home", "%", _scaled("share_home", 100.0), from_zero=True),
        Course("share-overseas", "Share of phones overseas", "%", _scaled("share_overseas", 100.0), from_zero=True),
        Course("fans", "Fans", "% of users", _scaled("fans", 100.0), from_zero=True),
        Course("ventures", "Accessory ventures", "live", _scaled("breadth", 1.0), from_zero=True),
        Course("business", "Still in business", "% of worlds", in_business, from_zero=True),
    ),
    "What it earns": (
        Course("phones", "Phone revenue", "RMB bn a year", _scaled("device_revenue", A_YEAR), from_zero=True),
        Course("things", "Accessory revenue", "RMB bn a year", _scaled("accessory_revenue", A_YEAR), from_zero=True),
        Course("services", "Services revenue", "RMB bn a year", _scaled("services_revenue", A_YEAR), from_zero=True),
        Course("profit", "Profit after tax", "RMB bn a year", _scaled("profit", A_YEAR)),
        Course("cash", "Cash", "RMB bn", _scaled("cash", BILLION)),
        Course("margin", "Hardware net margin", "% of phone revenue", _scaled("hardware_net_margin", 100.0)),
    ),
}
"""Quantities drawn, group by group. Flows are the mean months of a year at a year's rate, stocks the year's mean."""


def year_groups(cast: Cast) -> list[Group]:
    """Every course of the chosen policies."""
    return [Group(title, tuple(_chart(cast, course) for course in courses)) for title, courses in COURSES.items()]


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


def _chart(cast: Cast, course: Course) -> Chart:
    figure, axes = panel()
    ends = []
    for order, player in enumerate(reversed(cast.chosen)):
        table = course.of(player.result.tracks)
        if course.of is in_business:
            middle = table.mean(axis=1)
            low = high = middle
        else:
            middle, low, high = middle_and_band(table)
        years = FIRST_YEAR + np.arange(len(middle))
        dot: dict[str, Any] = {"marker": "o", "markersize": 5} if np.isfinite(middle).sum() == 1 else {}
        axes.fill_between(years, low, high, color=player.color, alpha=0.12, linewidth=0, zorder=2)
        axes.plot(
            years, middle, color=player.color, linestyle=dashes(player.dashes), zorder=3 + order, clip_on=False, **dot
        )
        known = middle[np.isfinite(middle)]
        if len(known):
            ends.append(f"{player.label} from {number(float(known[0]))} to {number(float(known[-1]))}")
    if course.from_zero:
        axes.set_ylim(0.0, 103.0 if course.of is in_business else None)
    year_ticks(axes)
    zero_line(axes)
    words = f"{course.title}, {course.unit}, by year: {listed(ends) if ends else 'nobody'}."
    return Chart(
        f"years-{course.name}", course.title, course.unit, svg_of(figure, f"years-{course.name}", words), "panel"
    )
