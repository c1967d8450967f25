"""Being known and being on sale."""

from __future__ import annotations

from thinmargin.economics.compiled import Record, mechanism
from thinmargin.records import GROUPS


@mechanism
def adstock_step(adstock: float, spend: float, carryover: float) -> float:
    """Advertising remembered, RMB m/month: l G + (1 - l) S (Broadbent 1979)."""
    return carryover * adstock + (1.0 - carryover) * spend


@mechanism
def awareness(
    adstock: float, word_of_mouth: float, fans: float, users: float, market: float, pivot: float, span: float
) -> float:
    """Utility of being known: psi x / (1 + x), x = (G + w phi U) / (g D / 20), D in units of 20 m phones.

    Fans who recommend stand in for advertising; D is the market of the region in m units a month. The
    elasticity psi x / (1 + x)^2 peaks at psi / 4 (long run 0.24: Sethuraman, Tellis & Briesch 2011).
    """
    heard = adstock + word_of_mouth * fans * users
    return span * heard / (heard + pivot * market * 0.05)


@mechanism
def entered(month: float, entry: float, months: float) -> float:
    """Share of a country group where the firm is on sale: 3 x^2 - 2 x^3, x = months since entry over `months`.

    Importers first, then partners, then its own subsidiaries: slow, fast, slow (Johanson & Vahlne 1977).
    """
    x = min(max((month - entry) / months, 0.0), 1.0)
    return x * x * (3.0 - 2.0 * x)


@mechanism
def reach_overseas(month: float, p: Record, i: int) -> float:
    """Share of the overseas market where firm i is on sale, country group by country group."""
    reach = 0.0
    for g in range(GROUPS):
        reach += p.group_share[g] * entered(month, p.firm_entry[i, g], p.entry_months)
    return reach


@mechanism
def coverage_step(
    coverage: float, spend: float, reach: float, opened: float, online: float, rate: float, scale: float, decay: float
) -> float:
    """Share of buyers reached: A + eta S / (S + d0) (R - A) - delta (A - a R) + a dR.

    R is the share of the region where the firm is on sale, dR what it entered this month. The floor a R
    needs no selling spend: the own web shop, or channels a big group already has.
    """
    built = rate * spend / (spend + scale) * (reach - coverage)
    return coverage + built - decay * (coverage - online * reach) + online * opened
