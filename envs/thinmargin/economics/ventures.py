"""Accessories made by start-ups: small tickets, long gestation, and nothing to lose but the ticket."""

from __future__ import annotations

import math

from thinmargin.economics.compiled import mechanism


@mechanism
def ventures_started(tickets: float, ticket: float, venture_success: float, deal_flow: float) -> float:
    """Ventures of the month that will reach the market: more deals a month are worse deals.

    Formula:
        deals = tickets / ticket
        started = deals * venture_success / (1 + deals / deal_flow)
    """
    deals = tickets / ticket
    return deals * venture_success / (1.0 + deals / deal_flow)


@mechanism
def gestation_flow(pipeline: float, gestation: float) -> float:
    """Ventures leaving one of the two halves of gestation in a month.

    Formula:
        arriving = 2 * pipeline / gestation
    """
    return 2.0 * pipeline / gestation


@mechanism
def breadth_step(breadth: float, arriving: float, hit: float, obsolescence: float) -> float:
    """Live ventures after a month.

    Formula:
        breadth' = breadth + hit * arriving - obsolescence * breadth
    """
    return breadth + hit * arriving - obsolescence * breadth


@mechanism
def catalogue(breadth: float, breadth_scale: float) -> float:
    """Share of what users could buy that is on offer.

    Formula:
        attach = 1 - exp(-breadth / breadth_scale)
    """
    return 1.0 - math.exp(-breadth / breadth_scale)


@mechanism
def accessory_revenue(users: float, accessory_ceiling: float, attach: float) -> float:
    """Accessory revenue of a region and month, RMB m.

    Formula:
        accessories = users * accessory_ceiling / 12 * attach
    """
    return users * accessory_ceiling * (1.0 / 12.0) * attach


@mechanism
def accessory_margin(accessories: float, accessory_margin: float, accessory_scale: float) -> float:
    """Gross margin on accessories: buying power grows with a year's revenue.

    Formula:
        year = 12 * accessories
        margin = accessory_margin * year / (year + accessory_scale)
    """
    year = 12.0 * accessories
    return accessory_margin * year / (year + accessory_scale)
