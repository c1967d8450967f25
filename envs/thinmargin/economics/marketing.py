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
def voice(adstock: float, word_of_mouth: float, fans: float, users: float) -> float:
    """What is heard of a firm in a region, RMB m a month: fans who recommend stand in for advertising.

    Formula:
        heard = adstock + word_of_mouth * fans * users
    """
    return adstock + word_of_mouth * fans * users


@mechanism
def awareness(heard: float, heard_all: float, reach: float, voice_half: float, awareness_span: float) -> float:
    """Utility of being known, by the share of voice (Jones 1990).

    Formula:
        awareness = awareness_span * heard / (heard + voice_half * reach * heard_all) if heard > 0 else 0

    `heard_all` is heard of all firms in the region; `reach` is the share of it where the firm is on sale.
    """
    return awareness_span * heard / (heard + voice_half * reach * heard_all) if heard > 0.0 else 0.0


@mechanism
def advertising_elasticity(
    adstock: float, heard: float, heard_all: float, reach: float, voice_half: float, awareness_span: float
) -> float:
    """Elasticity of the weight of an offer to advertising: the slope of `awareness` times adstock.

    `heard` and `heard_all` hold the adstock.

    Formula:
        all_known = heard + voice_half * reach * heard_all
        others = all_known - heard * (1 + voice_half * reach)
        elasticity = awareness_span * adstock * others / all_known^2 if heard > 0 else 0
    """
    if heard <= 0.0:
        return 0.0
    all_known = heard + voice_half * reach * heard_all
    return awareness_span * adstock * (all_known - heard * (1.0 + voice_half * reach)) / all_known**2


@mechanism
def entered(month: float, entry: float, entry_months: float) -> float:
    """Share of a country group where the firm is on sale, by the months since its entry.

    Formula:
        way = min(max((month - entry) / entry_months, 0), 1)
        entered = 3 * way^2 - 2 * way^3

    Importers first, then partners, then its own subsidiaries: slow, fast, slow (Johanson & Vahlne 1977).
    """
    gone = month - entry
    if gone <= 0.0 or gone >= entry_months:  # before and after, no division
        return 0.0 if gone <= 0.0 else 1.0
    way = gone / entry_months
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
