"""Loyalty of users: fans, updates, engagement; and imitation by rivals."""

from __future__ import annotations

import math

from thinmargin.economics.compiled import mechanism


@mechanism
def update_satisfaction(
    cadence: float,
    users: float,
    fan_share: float,
    update_scale: float,
    bug_rate: float,
    bug_base: float,
    codevelopment: float,
) -> float:
    """Utility of `cadence` releases a month.

    Formula:
        bugs = bug_rate * cadence * (1 + users / bug_base) * (1 - codevelopment * fan_share)
        satisfaction = 1 - exp(-cadence / update_scale) - bugs

    Novelty saturates; bugs and fatigue grow with the cadence and with the base they reach, and fans
    (`fan_share` = fans / fan_ceiling) catch part of them before the others see them.
    """
    bugs = bug_rate * cadence * (1.0 + users / bug_base) * (1.0 - codevelopment * fan_share)
    return 1.0 - math.exp(-cadence / update_scale) - bugs


@mechanism
def fan_target(
    fan_ceiling: float,
    fan_constant: float,
    fan_appeal: float,
    fan_value: float,
    fan_reference_markup: float,
    markup: float,
    fan_updates: float,
    satisfaction: float,
    fan_stockout: float,
    fill_rate: float,
) -> float:
    """Fan share deserved.

    Formula:
        merit = fan_constant + fan_appeal + fan_value * (fan_reference_markup - markup) / (1 + fan_reference_markup)
                + fan_updates * satisfaction - fan_stockout * (1 - fill_rate)
        deserved = fan_ceiling / (1 + exp(-merit))
    """
    merit = (
        fan_constant
        + fan_appeal
        + fan_value * (fan_reference_markup - markup) / (1.0 + fan_reference_markup)
        + fan_updates * satisfaction
        - fan_stockout * (1.0 - fill_rate)
    )
    return fan_ceiling / (1.0 + math.exp(-merit))


@mechanism
def fan_step(
    fans: float, old_users: float, newcomers: float, deserved: float, fan_months_up: float, fan_months_down: float
) -> float:
    """Fan share after a month: newcomers are not fans yet, then trust is won slowly and lost fast.

    Formula:
        diluted = fans * old_users / (old_users + newcomers) if old_users + newcomers > 0 else 0
        months = fan_months_up if deserved > diluted else fan_months_down
        fans' = diluted + (deserved - diluted) / months
    """
    total = old_users + newcomers
    diluted = fans * old_users / total if total > 0.0 else 0.0
    months = fan_months_up if deserved > diluted else fan_months_down
    return diluted + (deserved - diluted) / months


@mechanism
def engagement_step(
    engagement: float,
    satisfaction: float,
    engagement_floor: float,
    engagement_span: float,
    engagement_months: float,
) -> float:
    """Use of the software after a month, never negative.

    Formula:
        habit = engagement_floor + engagement_span * satisfaction
        engagement' = max(engagement + (habit - engagement) / engagement_months, 0)
    """
    return max(engagement + (engagement_floor + engagement_span * satisfaction - engagement) / engagement_months, 0.0)


@mechanism
def imitation_step(
    imitation: float, sold: float, market: float, imitation_strength: float, imitation_months: float
) -> float:
    """Utility that others have copied, after a month (Barnett & Hansen 1996).

    Formula:
        share_sold = sold / market if sold > 0 else 0
        copied = imitation_strength * share_sold / (share_sold + 0.1)
        imitation' = imitation + (copied - imitation) / imitation_months
    """
    return imitation + (imitation_target(sold, market, imitation_strength) - imitation) / imitation_months


@mechanism
def imitation_target(sold: float, market: float, imitation_strength: float) -> float:
    """Utility that others copy in the long run of an offer that sells `sold` in a market of `market`.

    Formula:
        share_sold = sold / market if sold > 0 else 0
        copied = imitation_strength * share_sold / (share_sold + 0.1)
    """
    return imitation_strength * sold / (sold + 0.1 * market) if sold > 0.0 else 0.0
