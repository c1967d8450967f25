"""Investors, the tax office, and what a firm is worth when it stops investing."""

from __future__ import annotations

import math

from thinmargin.economics.compiled import Record, mechanism
from thinmargin.economics.demand import replacement_rate
from thinmargin.economics.services import monetisation, services_margin, services_revenue
from thinmargin.economics.ventures import accessory_margin, accessory_revenue, catalogue
from thinmargin.records import REGIONS

SLOWEST = 1e-4
"""Lowest monthly rate a run-off is valued at, so that it stays finite without discount and departures."""


@mechanism
def release_cost(cadence: float, users: float, release_cost: float, release_base: float) -> float:
    """Cost of a month's software releases, RMB m.

    Formula:
        releases = release_cost * cadence * (1 + users / release_base)
    """
    return release_cost * cadence * (1.0 + users / release_base)


@mechanism
def research(month: float, p: Record) -> float:
    """Research of a month as a share of revenue: it grows from one level to another, slowly, fast, slowly.

    Formula:
        way = min(max((month - research_start) / research_months, 0), 1)
        researched = research_share + (research_late - research_share) * (3 * way^2 - 2 * way^3)
    """
    way = min(max((month - p.research_start) / p.research_months, 0.0), 1.0)
    share: float = p.research_share + (p.research_late - p.research_share) * way * way * (3.0 - 2.0 * way)
    return share


@mechanism
def monthly_discount(discount_rate: float) -> float:
    """Discount factor of one month.

    Formula:
        discount = (1 + discount_rate)^(-1 / 12)
    """
    return math.pow(1.0 + discount_rate, -1.0 / 12.0)


@mechanism
def credit_line(users: float, credit_floor: float, credit_per_user: float) -> float:
    """Most that investors fund, RMB m: growth before profit, but only growth in users.

    Formula:
        credit_line = credit_floor + credit_per_user * users
    """
    return credit_floor + credit_per_user * users


@mechanism
def funding_cost(cash: float, credit_line: float, debt_rate: float, debt_spread: float) -> float:
    """Interest of a month on negative cash, RMB m; none is earned on cash.

    Formula:
        debt = max(-cash, 0)
        used = min(debt / credit_line, 1)
        interest = (debt_rate + debt_spread * used^2) * debt / 12
    """
    debt = max(-cash, 0.0)
    used = debt / credit_line if debt < credit_line else 1.0
    return (debt_rate + debt_spread * used**2) * debt * (1.0 / 12.0)


@mechanism
def income_tax(pretax: float, tax_rate: float) -> float:
    """Tax of the month, RMB m, on positive profit.

    Formula:
        tax = tax_rate * max(pretax, 0)
    """
    return tax_rate * max(pretax, 0.0)


@mechanism
def run_off_value(state: Record, p: Record, i: int, services_factor: float) -> float:
    """Value of firm i's users if it never sold another phone at a profit, RMB m.

    Formula:
        served = services * services_factor
        monthly = (margin_services - researched - admin_share) * served
                  + (margin - researched - admin_share) * accessories - fixed_cost - releases
        releases = release_cost * (1 + users / release_base)
        rate = max(ln(1 + discount_rate) / 12 + due * (1 - closing_repurchase), SLOWEST)
        run_off = (1 - tax_rate) * max(monthly, 0) / rate

    After-tax margin of services and accessories, overhead and one release a month paid, over the monthly discount
    plus the rate at which users leave (never below SLOWEST): the shaping potential, and the tail of the
    closing value. `services_factor` is the share of services revenue that regulation leaves.
    """
    engagement = state.engagement[i]
    attach = catalogue(state.breadth[i], p.breadth_scale)
    services = 0.0
    accessories = 0.0
    users = 0.0
    for r in range(REGIONS):
        earned = monetisation(state.user_years[i, r], p.services_half)
        services += services_revenue(
            state.users[i, r] + state.second_users[i, r], p.services_ceiling[r], engagement, earned
        )
        accessories += accessory_revenue(state.users[i, r], p.accessory_ceiling[r], attach)
        users += state.users[i, r]
    overhead = research(state.month, p) + p.admin_share
    served = services * services_factor
    margin_services = services_margin(served, p.services_margin, p.services_margin_late, p.services_margin_scale)
    margin = accessory_margin(accessories, p.accessory_margin, p.accessory_scale)
    releases = release_cost(1.0, users, p.release_cost, p.release_base)
    month = (margin_services - overhead) * served + (margin - overhead) * accessories - p.fixed_cost - releases
    rate = math.log(1.0 + p.discount_rate) / 12.0
    rate += replacement_rate(state.month, p.device_life, p.device_life_growth) * (1.0 - p.closing_repurchase)
    value: float = (1.0 - p.tax_rate) * max(month, 0.0) / max(rate, SLOWEST)
    return value
