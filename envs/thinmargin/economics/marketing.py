"""Being known and being on sale."""

from __future__ import annotations

from thinmargin.economics.compiled import Record, mechanism
from thinmargin.records import GROUPS, SEAT


@mechanism
def adstock_step(adstock: float, effort: float, adstock_carryover: float) -> float:
    """Advertising remembered, RMB m a month (Broadbent 1979).

    Formula:
        adstock' = adstock_carryover * adstock + (1 - adstock_carryover) * effort
    """
    return adstock_carryover * adstock + (1.0 - adstock_carryover) * effort


@mechanism
def awareness(
    adstock: float,
    word_of_mouth: float,
    fans: float,
    users: float,
    market: float,
    awareness_pivot: float,
    awareness_span: float,
) -> float:
    """Utility of being known.

    Formula:
        heard = adstock + word_of_mouth * fans * users
        x = heard / (awareness_pivot * market / 20)
        awareness = awareness_span * x / (1 + x)

    Fans who recommend stand in for advertising; `market` is the region's, as far as the firm has entered it, in m
    units a month. The elasticity awareness_span x / (1 + x)^2 peaks at awareness_span / 4 (long run 0.24:
    Sethuraman, Tellis & Briesch 2011).
    """
    heard = adstock + word_of_mouth * fans * users
    return awareness_span * heard / (heard + awareness_pivot * market * 0.05)


@mechanism
def advertising_elasticity(
    adstock: float,
    word_of_mouth: float,
    fans: float,
    users: float,
    market: float,
    awareness_pivot: float,
    awareness_span: float,
) -> float:
    """Elasticity of the weight of an offer to advertising: the slope of `awareness` times adstock.

    Formula:
        pivot = awareness_pivot * market / 20
        elasticity = awareness_span * adstock * pivot / (heard + pivot)^2
    """
    pivot = awareness_pivot * market * 0.05
    heard = adstock + word_of_mouth * fans * users
    return awareness_span * adstock * pivot / (heard + pivot) ** 2


@mechanism
def entered(month: float, entry: float, entry_months: float) -> float:
    """Share of a country group where the firm is on sale, by the months since its entry.

    Formula:
        way = min(max((month - entry) / entry_months, 0), 1)
        entered = 3 * way^2 - 2 * way^3

    Importers first, then partners, then its own subsidiaries: slow, fast, slow (Johanson & Vahlne 1977).
    """
    way = min(max((month - entry) / entry_months, 0.0), 1.0)
    return way * way * (3.0 - 2.0 * way)


@mechanism
def reach_overseas(month: float, p: Record, i: int) -> float:
    """Share of the overseas market where firm i is on sale, country group by country group.

    Formula:
        part_open = open for the seat beyond the first group, else 1
        reach = sum over country groups of group_share * part_open * entered

    Carriers' own shops, price tiers above its range and taxed or closed markets do not list the entrant: sales follow
    distribution, and distribution ends at the outlets that list the brand (Reibstein & Farris 1995).
    """
    reach = 0.0
    for g in range(GROUPS):
        part_open = p.open if i == SEAT and g > 0 else 1.0
        reach += p.group_share[g] * part_open * entered(month, p.firm_entry[i, g], p.entry_months)
    return reach


@mechanism
def coverage_step(
    coverage: float,
    effort: float,
    reach: float,
    opened: float,
    online: float,
    coverage_rate: float,
    coverage_scale: float,
    coverage_decay: float,
) -> float:
    """Share of buyers reached after a month.

    Formula:
        built = coverage_rate * effort / (effort + coverage_scale) * (reach - coverage)
        coverage' = coverage + built - coverage_decay * (coverage - online * reach) + online * opened

    `reach` is the share of the region where the firm is on sale, `opened` what it entered this month. The floor
    online * reach needs no selling spend: the own web shop, or channels a big group already has.
    """
    built = coverage_rate * effort / (effort + coverage_scale) * (reach - coverage)
    return coverage + built - coverage_decay * (coverage - online * reach) + online * opened
