"""The quantities of every year, computed from a policy's books and from the reported figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from thinmargin.calibration.misfit import LAST_FITTED
from thinmargin.data import Figures, Period, reported
from thinmargin.data.periods import START_YEAR
from thinmargin.names import quantity_name
from thinmargin_agents.scoring.comparison import Result

Numbers: TypeAlias = npt.NDArray[np.float64]
Tracks: TypeAlias = Mapping[str, Numbers]
ReportedFigure: TypeAlias = Callable[[Figures, Period], float]
"""From the figures and a period, NaN where nothing was reported."""

MONTHS = 12
BILLION = 1e-3
"""RMB bn in a RMB million."""
BAND = (10.0, 90.0)
"""Percentiles over worlds that the band is drawn between."""
NOTE = (
    "Reported figures are one firm's history; policies play hidden worlds that could have had this history until"
    f" {LAST_FITTED}, with shocks of their own, and decide otherwise: compare shapes over the years, not levels."
)


@dataclass(frozen=True)
class YearlyQuantity:
    """One quantity over the years.

    Attributes:
        name, title, unit: its name in JSON, and in words.
        of: from yearly means by name of `thinmargin_agents.play.outcome.YEARLY`, of shape (years, worlds).
        reported: from the figures and a period, NaN where nothing was reported; None if nothing ever is.
        differs: how the reported figure is defined, if otherwise; empty if not.
        digits: decimals of a table.
    """

    name: str
    title: str
    unit: str
    of: Callable[[Tracks], Numbers]
    reported: ReportedFigure | None = None
    differs: str = ""
    digits: int = 1


def _times(name: str, factor: float) -> Callable[[Tracks], Numbers]:
    return lambda tracks: factor * tracks[name]


def cell(series: str) -> ReportedFigure:
    """What was reported of this series of the package's data."""
    return lambda figures, period: figures.value(series, period)


def gross_margin(tracks: Tracks) -> Numbers:
    """Gross profit on phones over their revenue, %; NaN where none was sold."""
    sold = tracks["device_revenue"]
    return np.asarray(100.0 * np.divide(tracks["device_profit"], sold, out=np.full_like(sold, np.nan), where=sold > 0))


def implied_markup(figures: Figures, period: Period) -> float:
    """The markup over cost, %, that the reported gross margin of phones implies."""
    margin = figures.value("gm_smartphones_pct", period) / 100.0
    return 100.0 * margin / (1.0 - margin)


def selling_share(figures: Figures, period: Period) -> float:
    """Reported selling and marketing expense over revenue, %."""
    spent, revenue = (figures.value(name, period) for name in ("selling_marketing_rmb_bn", "revenue_total_rmb_bn"))
    return 100.0 * spent / revenue


QUANTITIES = (
    YearlyQuantity(
        "markup", quantity_name("price"), "%", _times("applied_price", 100.0), implied_markup,
        "implied by the gross margin of phones",
    ),
    YearlyQuantity("tickets", quantity_name("tickets"), "% of trailing revenue", _times("applied_accessories", 100.0)),
    YearlyQuantity(
        "selling", quantity_name("marketing"), "% of trailing revenue", _times("applied_marketing", 100.0),
        selling_share, "of the year's revenue",
    ),
    YearlyQuantity("releases", quantity_name("updates"), "a month", _times("applied_updates", 1.0)),
    YearlyQuantity(
        "users", "active users", "m, mean of the year", _times("active_users", 1.0), cell("miui_mau_m"), "in December",
        digits=0,
    ),
    YearlyQuantity(
        "share_home", quantity_name("china_share"), "% of phones wanted", _times("share_home", 100.0),
        cell("xiaomi_china_share_pct"), "of phones shipped",
    ),
    YearlyQuantity(
        "gross_margin", "gross margin of phones", "%", gross_margin, cell("gm_smartphones_pct"),
    ),
    YearlyQuantity(
        "shipments", "phones sold", "m a year", _times("sales", MONTHS), cell("smartphone_shipments_m"),
        digits=0,
    ),
    YearlyQuantity(
        "profit", quantity_name("profit"), "RMB bn a year, after tax", _times("profit", MONTHS * BILLION),
        cell("adjusted_net_profit_rmb_bn"), "adjusted net profit",
    ),
)  # fmt: skip
"""In the order of tables and pictures. Flows are at a year's rate over the months run."""


def as_reported(quantity: YearlyQuantity, years: Sequence[int]) -> Numbers:
    """Reported figures of these calendar years, NaN where nothing was reported; shape (years,)."""
    return np.full(len(years), np.nan) if quantity.reported is None else reported_years(quantity.reported, years)


def reported_years(figure: ReportedFigure, years: Sequence[int]) -> Numbers:
    """A reported figure of these calendar years, NaN where nothing was reported; shape (years,)."""
    figures = reported()
    return np.array([figure(figures, Period(MONTHS * (year - START_YEAR), MONTHS)) for year in years])


@dataclass(frozen=True, eq=False)
class Path:
    """One quantity of one policy: mean and band over the worlds still in business, each of shape (years,)."""

    mean: Numbers
    low: Numbers
    high: Numbers


def path_of(quantity: YearlyQuantity, result: Result) -> Path:
    """The path of a quantity; NaN in years in which no world is in business."""
    table = quantity.of(result.tracks)
    found = np.full((3, len(table)), np.nan)
    for year, values in enumerate(table):
        known = values[np.isfinite(values)]
        if len(known):
            found[:, year] = known.mean(), *np.percentile(known, BAND)
    return Path(*found)
