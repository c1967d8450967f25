"""Being known and being on sale."""

from __future__ import annotations

from thinmargin.economics.compiled import mechanism


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
def coverage_step(coverage: float, spend: float, floor: float, rate: float, scale: float, decay: float) -> float:
    """Share of buyers reached: A + eta S / (S + d0) (1 - A) - delta (A - A_floor).

    The floor is what needs no selling spend: the own web shop, or channels a big group already has.
    """
    built = rate * spend / (spend + scale) * (1.0 - coverage)
    return coverage + built - decay * (coverage - floor)
