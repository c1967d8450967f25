"""What the model is asked to reach, what it reaches, and what it misses."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from thinmargin.backtest.errors import unit_of
from thinmargin.backtest.results import FIT_START, LAST_SHIPPED, Result
from thinmargin.names import quantity_name

ROLLING_MOST = {"overseas_share": 5.0, "mau": 8.0}
"""Series to the largest mean error allowed of the forecasts from the past, points or percent."""
PROFIT_MOST = 25.0
"""Percent by which profit may miss the reported sum."""
RETENTION_MOST = 8.0
"""Points by which retention may miss a survey."""
SURVEYS = (2017, 2021, 2023)
PRICE_RANGE = (-3.5, -2.5)
"""All-in elasticity of the brand to its price over twelve months: Bijmolt, van Heerde & Pieters 2005."""
ADVERTISING_RANGE = (0.10, 0.25)
"""Elasticity to advertising at home: Sethuraman, Tellis & Briesch 2011."""
PRICE_MONTHS = 12


@dataclass(frozen=True)
class Goal:
    """One thing asked for: a number and the range that it should lie in."""

    name: str
    unit: str
    value: float
    """nan where it cannot be told from the years compared."""
    low: float
    high: float
    series: str = ""
    """Id in the name that people read another name for; empty if there is none."""

    def words(self, name_of: Callable[[str], str] = quantity_name) -> str:
        """Its name for people, that of its series as `name_of` gives it."""
        return self.name.replace(self.series, name_of(self.series), 1) if self.series else self.name

    @property
    def met(self) -> bool | None:
        """Whether the number lies in its range; None where one of the three cannot be told."""
        is_unknown = any(map(math.isnan, (self.value, self.low, self.high)))
        return None if is_unknown else self.low <= self.value <= self.high


def goals(result: Result) -> list[Goal]:
    """Every goal, in the order of tables."""
    return list(_goals(result))


def _goals(result: Result) -> Iterator[Goal]:
    rolling = result.rolling("shipments")
    naive = min(rolling["last_value"], rolling["trend"])
    yield Goal("forecasts of shipments: the better naive one", "%", rolling["model"], 0.0, naive)
    for name, most in ROLLING_MOST.items():
        unit = unit_of(result.scores[name].compared)
        yield Goal(f"forecasts of {name}", unit, result.rolling(name)["model"], 0.0, most, name)
    yield Goal(
        f"profit {FIT_START}-{LAST_SHIPPED} against the reported sum", "%", profit_gap(result),
        -PROFIT_MOST, PROFIT_MOST,
    )  # fmt: skip
    years = [period.year for period in result.years]
    for year in SURVEYS:
        gap = math.nan
        if year in years:
            gap = float((result.model["retention"] - result.truth["retention"])[years.index(year)])
        yield Goal(f"retention {year} against the survey", "points", gap, -RETENTION_MOST, RETENTION_MOST)
    for year, value in result.elasticity.get(PRICE_MONTHS, {}).items():
        yield Goal(f"price elasticity mid {year}, {PRICE_MONTHS} months", "1", value, *PRICE_RANGE)
    for year, value in result.advertising.items():
        yield Goal(f"advertising elasticity at home mid {year}", "1", value, *ADVERTISING_RANGE)


def profit_gap(result: Result) -> float:
    """Percent by which the sum of profit from 2015 on is over the reported sum; nan unless all years are compared."""
    years = [period.year for period in result.years]
    if LAST_SHIPPED not in years:
        return math.nan
    since = years.index(FIT_START)
    return 100.0 * float(result.model["profit"][since:].sum() / result.truth["profit"][since:].sum() - 1.0)
