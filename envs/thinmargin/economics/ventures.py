"""Accessories made by start-ups: small tickets, long gestation, and nothing to lose but the ticket."""

from __future__ import annotations

import math

from thinmargin.economics.compiled import mechanism


@mechanism
def ventures_started(spend: float, ticket: float, success: float, deal_flow: float) -> float:
    """Ventures of the month that will reach the market: v p / (1 + v / n), v = spend / ticket.

    More deals a month are worse deals.
    """
    deals = spend / ticket
    return deals * success / (1.0 + deals / deal_flow)


@mechanism
def gestation_flow(pipeline: float, gestation: float) -> float:
    """Ventures leaving one of the two halves of gestation in a month: 2 P / tau."""
    return 2.0 * pipeline / gestation


@mechanism
def breadth_step(breadth: float, arriving: float, hit: float, obsolescence: float) -> float:
    """Live ventures: Br + hit * arriving - delta Br."""
    return breadth + hit * arriving - obsolescence * breadth


@mechanism
def catalogue(breadth: float, scale: float) -> float:
    """Share of what users could buy that is on offer: 1 - e^(-Br / b0)."""
    return 1.0 - math.exp(-breadth / scale)


@mechanism
def accessory_revenue(users: float, ceiling: float, attach: float) -> float:
    """Accessory revenue of a region and month, RMB m: U x / 12 att."""
    return users * ceiling * (1.0 / 12.0) * attach


@mechanism
def accessory_margin(revenue: float, margin: float, scale: float) -> float:
    """Gross margin: buying power grows with a year's revenue: gm R / (R + r)."""
    year = 12.0 * revenue
    return margin * year / (year + scale)
