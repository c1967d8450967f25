"""What keeps users: fans, updates, engagement; and what rivals copy."""

from __future__ import annotations

import math

from thinmargin.economics.compiled import mechanism


@mechanism
def update_satisfaction(
    cadence: float, users: float, fan_share: float, scale: float, bug_rate: float, bug_base: float, codev: float
) -> float:
    """Worth of n releases a month: 1 - e^(-n / n1) - kb n (1 + U / Ub) (1 - w phi / phi_max).

    Novelty saturates; bugs and fatigue grow with the cadence and with the base they reach, and fans
    (`fan_share` = phi / phi_max) catch part of them before the others see them.
    """
    bugs = bug_rate * cadence * (1.0 + users / bug_base) * (1.0 - codev * fan_share)
    return 1.0 - math.exp(-cadence / scale) - bugs


@mechanism
def fan_target(
    ceiling: float,
    constant: float,
    value: float,
    reference_markup: float,
    markup: float,
    updates: float,
    satisfaction: float,
    stockout: float,
    fill: float,
) -> float:
    """Fan share deserved: phi_max / (1 + e^-x), x = f0 + fv (m_ref - m) / (1 + m_ref) + fu S - fo (1 - fill)."""
    merit = (
        constant
        + value * (reference_markup - markup) / (1.0 + reference_markup)
        + updates * satisfaction
        - stockout * (1.0 - fill)
    )
    return ceiling / (1.0 + math.exp(-merit))


@mechanism
def fan_step(
    fans: float, old_users: float, newcomers: float, target: float, months_up: float, months_down: float
) -> float:
    """Fan share after a month: newcomers are not fans yet, then trust is won slowly and lost fast."""
    total = old_users + newcomers
    diluted = fans * old_users / total if total > 0.0 else 0.0
    months = months_up if target > diluted else months_down
    return diluted + (target - diluted) / months


@mechanism
def engagement_step(engagement: float, satisfaction: float, floor: float, span: float, months: float) -> float:
    """Use of the software: E + (e0 + e1 S - E) / tau, never negative."""
    return max(engagement + (floor + span * satisfaction - engagement) / months, 0.0)


@mechanism
def imitation_step(imitation: float, sold: float, market: float, strength: float, months: float) -> float:
    """Utility that others have copied: M + (target - M) / tau (Barnett & Hansen 1996)."""
    return imitation + (imitation_target(sold, market, strength) - imitation) / months


@mechanism
def imitation_target(sold: float, market: float, strength: float) -> float:
    """What is copied in the long run of an offer with share s = sold / market: iota s / (s + 0.1)."""
    return strength * sold / (sold + 0.1 * market) if sold > 0.0 else 0.0
