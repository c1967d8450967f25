"""Investors, the tax office, and what a firm is worth when it stops investing."""

from __future__ import annotations

import math

from thinmargin.economics.compiled import Record, mechanism
from thinmargin.economics.demand import replacement_rate
from thinmargin.economics.services import monetisation, services_revenue
from thinmargin.economics.ventures import accessory_margin, accessory_revenue, catalogue
from thinmargin.records import REGIONS

SLOWEST = 1e-4
"""Lowest monthly rate a run-off is valued at, so that it stays finite without discount and departures."""


@mechanism
def release_cost(cadence: float, users: float, cost: float, base: float) -> float:
    """Software releases of a month, RMB m: c n (1 + U / Uc)."""
    return cost * cadence * (1.0 + users / base)


@mechanism
def monthly_discount(rate: float) -> float:
    """Discount factor of one month at `rate` a year: (1 + r)^(-1/12)."""
    return math.pow(1.0 + rate, -1.0 / 12.0)


@mechanism
def credit_line(users: float, floor: float, per_user: float) -> float:
    """Most that investors fund, RMB m: growth before profit, but only growth in users."""
    return floor + per_user * users


@mechanism
def funding_cost(cash: float, line: float, rate: float, spread: float) -> float:
    """Interest of a month on negative cash, RMB m: (r + k min(debt / line, 1)^2) debt / 12; none is earned on cash."""
    debt = max(-cash, 0.0)
    used = debt / line if debt < line else 1.0
    return (rate + spread * used**2) * debt * (1.0 / 12.0)


@mechanism
def income_tax(pretax: float, rate: float) -> float:
    """Tax of the month, RMB m, on positive profit."""
    return rate * max(pretax, 0.0)


@mechanism
def run_off_value(state: Record, p: Record, i: int, services_factor: float) -> float:
    """Value of firm i's users if it never sold another phone at a profit, RMB m.

    After-tax margin of services and accessories, overhead and releases paid, over the monthly discount
    plus the rate at which users leave (never below SLOWEST): the shaping potential, and the tail of the
    closing value. `services_factor` is what regulation leaves of services revenue.
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
    overhead = p.research_share + p.admin_share
    margin = accessory_margin(accessories, p.accessory_margin, p.accessory_scale)
    releases = release_cost(1.0, users, p.release_cost, p.release_base)
    month = (
        (p.services_margin - overhead) * services * services_factor
        + (margin - overhead) * accessories
        - p.fixed_cost
        - releases
    )
    rate = math.log(1.0 + p.discount_rate) / 12.0
    rate += replacement_rate(state.month, p.device_life, p.device_life_growth) * (1.0 - p.closing_repurchase)
    value: float = (1.0 - p.tax_rate) * max(month, 0.0) / max(rate, SLOWEST)
    return value
