"""Decisions and results of one firm, 2012 to 2024: drivers of a replay, and the series it is compared with.

Drivers come from the reported figures, cell by cell. Where a cell is empty in the firm's early years, `ASSUMED`
says what stands in for it and why; no other number of this module was chosen by hand but the dates of events.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from thinmargin.data import EV_REVENUE_2024, Figures, FiguresError, Period
from thinmargin.data import reported as shipped_figures
from thinmargin.data.periods import month_name
from thinmargin.records import HOME, OVERSEAS
from thinmargin.replay import DRIVERS

Numbers: TypeAlias = npt.NDArray[np.float64]
Table: TypeAlias = npt.NDArray[Any]

NEEDED = (
    "gm_smartphones_pct",
    "selling_marketing_rmb_bn",
    "revenue_total_rmb_bn",
    "china_smartphone_market_m_units",
    "global_smartphone_market_m_units",
)
"""Series without which a month cannot be driven."""

ASSUMED: dict[tuple[int, str], tuple[float, str]] = {
    (2012, "gm_smartphones_pct"): (12.0, "group net margin 13-18 % of revenue in a leaked document"),
    (2013, "gm_smartphones_pct"): (12.0, "group net margin 13 % in a leaked document"),
    (2014, "gm_smartphones_pct"): (5.0, "between 2013 and the -0.3 % reported for 2015"),
    (2014, "selling_marketing_rmb_bn"): (1.9, "3.0 % of revenue: between 3.2 % in 2013 and 2.9 % in 2015"),
    (2012, "ecosystem_companies_invested"): (3.0, "25 by 2014, growing"),
    (2013, "ecosystem_companies_invested"): (10.0, "25 by 2014, growing"),
}
"""Values assumed for empty cells of the early years, each with its reason."""

HARDWARE_INVESTEES = 90.0 / 210.0
"""Makers of hardware among all investees (March 2018: more than 90 of more than 210); counted alone to 2017."""
INVESTEES_MARCH_2018 = 210.0
WEEKLY, MONTHLY = 4.33, 1.5
"""Releases a month while there was a developer release every Friday (to July 2019), and after."""
LAST_WEEKLY = 12 * 7 + 7
"""August 2019, in months since January 2012."""
SLUMP = 48
"""January 2016: stock-outs and a lost offline channel; the brand's drop is forgotten at the rate of any scandal."""
CHEAP_LINE, MIX_SETTLED = 19, 36
"""August 2013, when a range of flagships got a line at half their price, and January 2015, when the mix had settled."""
CAR_YEAR = Period(12 * 12, 12)
"""2024, whose shipped revenue includes electric cars and other new initiatives."""
EV_MARGIN_2024 = 18.5
"""Gross margin of the electric cars and other new initiatives in 2024, %."""
NEW_BUSINESS_COST = {2022: 3.1, 2023: 6.7, 2024: 6.2}
"""What electric cars and other new initiatives took from the adjusted net profit, RMB bn: expenses of 2022 and 2023,
adjusted net loss of 2024. Annual results of these years."""


def drivers(
    figures: Figures,
    months: int,
    slump_decay: float,
    *,
    reported_markets: bool = True,
    policy: PolicyRule = "centred",
) -> Table:
    """Drivers of the first `months` months from January 2012: records of type DRIVERS, shape (months,).

    A month takes the shortest period of `figures` that it lies in, sums spread evenly.

    Args:
        figures: reported figures, newer ones merged into them.
        months: how many.
        slump_decay: share of a brand's drop that is forgotten in a month.
        reported_markets: False leaves the size of markets to the model.
        policy: how the markup aimed at is told from the margins reported, see `PolicyRule`.

    Raises:
        FiguresError: a needed cell is missing or empty, or no month can be like that.
    """
    table = np.zeros(months, DRIVERS)
    covering = [_period_of(figures, month) for month in range(months)]
    for period in dict.fromkeys(covering):
        _check(figures, period)
    for month, period in enumerate(covering):
        row = table[month]
        margin = _cell(figures, "gm_smartphones_pct", period) / 100.0
        row["margin"] = margin / (1.0 - margin)
        row["selling"] = _cell(figures, "selling_marketing_rmb_bn", period) / _cell(
            figures, "revenue_total_rmb_bn", period
        )
        row["updates"] = WEEKLY if month < LAST_WEEKLY else MONTHLY
        row["ventures"] = _ventures(figures, period.year)
        if reported_markets:
            home = _cell(figures, "china_smartphone_market_m_units", period)
            row["market"][HOME] = home / period.months
            row["market"][OVERSEAS] = (
                _cell(figures, "global_smartphone_market_m_units", period) - home
            ) / period.months
        row["slump"] = (1.0 - slump_decay) ** (month - SLUMP) if month >= SLUMP else 0.0
        row["flagships"] = min(max((MIX_SETTLED - month) / (MIX_SETTLED - CHEAP_LINE), 0.0), 1.0)
    table["markup"] = policy_markup(table["margin"], policy)
    return table


PolicyRule: TypeAlias = Literal["centred", "trailing", "none"]
"""The markup a firm aims at, told from what its reported margins imply: the mean of a year and both its neighbours,
the mean of a year and the one before, or the year's own, which leaves nothing to luck with costs."""


def policy_markup(implied: Numbers, rule: PolicyRule) -> Numbers:
    """Markup aimed at in each month, from the markup that each month's margin implies: both of shape (months,).

    A neighbour year that lies outside the months is replaced by the month itself.
    """
    before, after = implied.copy(), implied.copy()
    before[12:], after[:-12] = implied[:-12], implied[12:]
    if rule == "none":
        return implied
    return (before + implied + after) / 3.0 if rule == "centred" else (before + implied) / 2.0


def check_drivers(figures: Figures) -> None:
    """Check that every period from 2012 on reports all that drives its months.

    Raises:
        FiguresError: a needed column is missing, a cell is empty, or no month can be like that.
    """
    figures.require(NEEDED, ())
    for period in figures.periods:
        if period.first >= 0:
            _check(figures, period)


def _period_of(figures: Figures, month: int) -> Period:
    periods = [period for period in figures.periods if period.first <= month < period.end]
    if not periods:
        problem = (
            f"no row covers {month_name(month)}: every month from January 2012 to the last one replayed needs one; "
            "figures newer than those shipped come with --data FILE"
        )
        raise FiguresError.at(figures.name, problem)
    return min(periods, key=lambda period: period.months)


def _check(figures: Figures, period: Period) -> None:
    """Raise FiguresError unless the cells of a period can drive its months."""
    figures.require([name for name in NEEDED if not (period.is_year and (period.year, name) in ASSUMED)], [period])
    margin, selling, revenue, home, world = (_cell(figures, name, period) for name in NEEDED)
    for name, value, fine, allowed in (
        (NEEDED[0], margin, margin < 100.0, "less than 100"),
        (NEEDED[2], revenue, revenue > 0.0, "more than 0"),
        (NEEDED[1], selling, selling <= revenue, f"at most {NEEDED[2]}, {revenue:.10g}"),
        (NEEDED[3], home, home > 0.0, "more than 0"),
        (NEEDED[4], world, world > home, f"more than {NEEDED[3]}, {home:.10g}"),
    ):
        if not fine:
            row = figures.periods.index(period)
            problem = f"{value:.10g}, must be {allowed}"
            raise FiguresError.at(figures.files[row], problem, line=figures.lines[row], period=period, column=name)


def _cell(figures: Figures, series: str, period: Period) -> float:
    value = figures.value(series, period)
    if np.isnan(value) and period.is_year and (period.year, series) in ASSUMED:
        return ASSUMED[period.year, series][0]
    return value


def _ventures(figures: Figures, year: int) -> float:
    """Start-ups for hardware funded a month: yearly growth of the reported number, none where none is reported."""
    name = "ecosystem_companies_invested"
    now, before = (_cell(figures, name, Period(12 * (y - 2012), 12)) for y in (year, year - 1))
    if year == 2012:
        return now / 12.0
    if year == 2018:
        return HARDWARE_INVESTEES * (now - INVESTEES_MARCH_2018) / 9.0
    if np.isnan(now) or np.isnan(before):
        return 0.0
    return max(now - before, 0.0) / 12.0 * (HARDWARE_INVESTEES if year > 2018 else 1.0)


ErrorKind: TypeAlias = Literal["percent", "points", "amount"]
Totals: TypeAlias = Mapping[str, Numbers]


class Compared(NamedTuple):
    """One series that is compared with what was reported."""

    name: str
    unit: str
    error: ErrorKind
    """percent of the reported value, points of percent, or an amount in the series' own unit."""
    reported: str
    """Column of the figures; arpu is computed from two."""
    simulated: Callable[[Totals], Numbers]
    tolerance: float | None = None
    """One standard deviation of what is forgiven in the fit, log, points or an amount; None: not fitted."""
    offset: float = 0.0
    """Added to both sides before logs are taken: early values are reported in round numbers."""
    relative: float = 0.0
    """Share of the size of the value that is forgiven besides an amount."""


COMPARED: tuple[Compared, ...] = (
    Compared(
        "shipments", "m units", "percent", "smartphone_shipments_m", lambda t: t["sales"], 0.10, 1.0
    ),
    Compared(
        "asp", "RMB", "percent", "smartphone_asp_rmb", lambda t: _over(t["device_revenue"], t["sales"]), 0.05
    ),
    Compared("phone_revenue", "RMB bn", "percent", "revenue_smartphones_rmb_bn", lambda t: t["device_revenue"] / 1e3),
    Compared(
        "iot_revenue", "RMB bn", "percent", "revenue_iot_rmb_bn", lambda t: t["accessory_revenue"] / 1e3, 0.10, 0.3
    ),
    Compared(
        "internet_revenue", "RMB bn", "percent", "revenue_internet_services_rmb_bn",
        lambda t: t["services_revenue"] / 1e3, 0.08, 0.2,
    ),
    Compared("mau", "m users", "percent", "miui_mau_m", lambda t: t["active_users"], 0.06, 2.0),
    Compared(
        "arpu", "RMB/user/year", "percent", "", lambda t: _over(t["services_revenue"], t["active_users"] * t["years"])
    ),
    Compared(
        "iot_gross_margin", "%", "points", "gm_iot_pct",
        lambda t: 100.0 * _over(t["accessory_profit"], t["accessory_revenue"]), 1.5,
    ),
    Compared(
        "total_gross_margin", "%", "points", "gm_total_pct", lambda t: 100.0 * _over(t["gross_profit"], t["revenue"])
    ),
    Compared(
        "china_share", "%", "points", "xiaomi_china_share_pct",
        lambda t: 100.0 * _over(t["sales"] - t["sales_overseas"], t["market_home"]), 1.0,
    ),
    Compared(
        "overseas_share", "%", "points", "overseas_revenue_share_pct",
        lambda t: 100.0 * _over(t["revenue_overseas"], t["revenue"]), 2.0,
    ),
    Compared(
        "profit", "RMB bn", "amount", "adjusted_net_profit_rmb_bn", lambda t: t["earned"] / 1e3, 1.0, relative=0.15
    ),
    Compared(
        "services_gross_margin", "%", "points", "gm_internet_pct",
        lambda t: 100.0 * _over(t["services_profit"], t["services_revenue"]), 3.0,
    ),
    Compared(
        "retention", "%", "points", "retention_home_pct",
        lambda t: 100.0 * _over(t["again_home"], t["due_home"]), 5.0,
    ),
)  # fmt: skip
"""Every series of the back-test. Phone gross margin is a driver and therefore not among them."""


def _over(part: Numbers, whole: Numbers) -> Numbers:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0.0)


def simulated(tracked: Table, periods: Sequence[Period]) -> dict[str, Numbers]:
    """Every compared series of every replay: name to values of shape (rows, periods)."""
    sums = {}
    edges = [(period.first, period.end) for period in periods]
    for name in tracked.dtype.names:  # type: ignore[union-attr]  # a structured type has names
        column = tracked[name]
        if column.ndim == 2:
            running = np.concatenate([np.zeros((len(column), 1)), np.cumsum(column, axis=1)], axis=1)
            sums[name] = np.stack([running[:, end] - running[:, first] for first, end in edges], axis=1)
    sums["active_users"] = np.stack([tracked["active_users"][:, end - 1] for _, end in edges], axis=1)
    sums["years"] = np.array([period.months / 12.0 for period in periods])
    return {compared.name: compared.simulated(sums) for compared in COMPARED}


def reported(figures: Figures, periods: Sequence[Period]) -> dict[str, Numbers]:
    """Every compared series as reported, electric cars taken out: name to values of shape (periods,), nan if none."""
    values = {
        compared.name: np.array([figures.value(compared.reported, period) for period in periods])
        for compared in COMPARED
        if compared.reported
    }
    years = np.array([period.months / 12.0 for period in periods])
    users = np.where(values["mau"] > 0.0, values["mau"], np.nan)
    values["arpu"] = 1e3 * values["internet_revenue"] / (users * years)
    with_cars = shipped_figures().value("revenue_total_rmb_bn", CAR_YEAR)
    for year, cost in NEW_BUSINESS_COST.items():
        period = Period(12 * (year - 2012), 12)
        if period in periods and values["profit"][periods.index(period)] == shipped_figures().value(
            "adjusted_net_profit_rmb_bn", period
        ):  # else somebody's own figures: the cars are out already
            values["profit"][periods.index(period)] += cost
    for place in (place for place, period in enumerate(periods) if period == CAR_YEAR):
        revenue = figures.value("revenue_total_rmb_bn", CAR_YEAR)
        if revenue != with_cars:  # somebody's own figures: the cars are out already
            continue
        rest = revenue - EV_REVENUE_2024
        values["overseas_share"][place] *= revenue / rest
        margin = values["total_gross_margin"][place]
        values["total_gross_margin"][place] = (margin * revenue - EV_MARGIN_2024 * EV_REVENUE_2024) / rest
    return {compared.name: values[compared.name] for compared in COMPARED}
