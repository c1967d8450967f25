"""The formulas of the pages, subject by subject, with their own names.

Written from docs/model.md and docs/environment.md alone; nothing of the package's equations is imported.
"""

import numpy as np
from tests.second_writing.constants import Array, Named
from tests.second_writing.stocks import OVERSEAS, SEAT, State

CHEAPEST = 0.25
SLOWEST = 1e-4
RUN_OFF_CADENCE = 1.0  # releases a month, whatever the firm's is


def ratio_of(numerator: Array, denominator: Array, otherwise: float = 0.0) -> Array:
    """Quotient, or another number where there is nothing to divide by."""
    there = denominator > 0
    return np.where(there, numerator / np.where(there, denominator, 1.0), otherwise)


def smooth(way: Array) -> Array:
    """Slow, fast, slow from 0 to 1."""
    way = np.clip(way, 0.0, 1.0)
    return 3 * way**2 - 2 * way**3


# cost and price


def better(c: Named, month: int) -> Array:
    return np.exp(c.spec_drift * month)


def life(c: Named, month: int) -> Array:
    return np.exp(c.model_decline * (5.5 - month % 12))


def dearness(component: Array) -> Array:
    return np.maximum(np.exp(component), CHEAPEST) - 1


def base_cost(c: Named, output: Array, month: int) -> Array:
    curve = c.incompressible + (1 - c.incompressible) * (1 + output / c.firm_experience) ** -c.learning
    return c.firm_unit_cost * curve * better(c, month)


def list_price(c: Named, cost: Array, markup: Array, dear: Array, passed: Array) -> Array:
    return cost * (1 + markup + c.pass_through * dear + (1 - c.pass_through) * passed)


def ranges(c: Named, month: int) -> tuple[Array, Array]:
    """Price of a phone sold at home and of one sold abroad, over the list price."""
    ratio = np.exp(-c.range_gap * np.maximum(month - c.range_start, 0))
    dearer_home = 1 / (1 + c.range_mix * (ratio - 1))
    return dearer_home, dearer_home * ratio


# demand


def due_rate(c: Named, month: int) -> Array:
    return 1 / (c.device_life + c.device_life_growth * month / 12)


def markets(c: Named, users: Array, level: Array, demand: Array, month: int) -> tuple[Array, Array]:
    """First-time adopters, and the share of owners in the market, in each region."""
    boom = np.exp(demand)
    climate = level**c.category_elasticity * boom
    owners = users.sum(axis=0)
    left = np.maximum(c.users_ceiling - owners, 0)
    hazard = (c.adoption_innovation + c.adoption_imitation * owners / c.users_ceiling) / 12
    wanting = due_rate(c, month) * level**c.replacement_elasticity
    return np.minimum(hazard * climate, 1) * left, np.minimum(wanting * boom, 1)


def attach(c: Named, breadth: Array) -> Array:
    return 1 - np.exp(-breadth / c.breadth_scale)


def awareness(c: Named, adstock: Array, fans: Array, users: Array, reach: Array) -> Array:
    heard = adstock + c.word_of_mouth * fans[:, None] * users
    heard_all = heard.sum(axis=0)
    return c.awareness_span * ratio_of(heard, heard + c.voice_half * reach * heard_all)


def price_worth(c: Named, price: Array) -> Array:
    return -c.price_slope * np.log(price / 1000)


# marketing


def reach_of(c: Named, month: int) -> Array:
    """Share of each region where a firm is on sale."""
    entered = smooth((month - c.firm_entry) / c.entry_months)
    part_open = np.ones_like(entered)
    part_open[SEAT, 1:] = c.open
    overseas = (c.group_share * part_open * entered).sum(axis=1)
    return np.stack([np.ones_like(overseas), overseas], axis=1)


def effort_of(c: Named, marketing: Array, reach: Array) -> Array:
    """Selling spend by region."""
    abroad = c.overseas_effort * reach[:, OVERSEAS]
    return np.stack([marketing * (1 - abroad), marketing * abroad], axis=1)


# loyalty


def satisfaction_of(c: Named, cadence: Array, users: Array, fan_share: Array | float) -> Array:
    bugs = c.bug_rate * cadence * (1 + users / c.bug_base) * (1 - c.codevelopment * fan_share)
    return 1 - np.exp(-cadence / c.update_scale) - bugs


def fans_deserved(c: Named, markup: Array, satisfaction: Array, fill_rate: Array | float) -> Array:
    merit = (
        c.fan_constant
        + c.firm_fan_appeal
        + c.fan_value * (c.fan_reference_markup - markup) / (1 + c.fan_reference_markup)
        + c.fan_updates * satisfaction
        - c.fan_stockout * (1 - fill_rate)
    )
    deserved: Array = c.fan_ceiling / (1 + np.exp(-merit))
    return deserved


def imitated(c: Named, share_sold: Array) -> Array:
    return c.imitation_strength * share_sold / (share_sold + 0.1)


# services and accessories


def services_of(c: Named, state: State) -> Array:
    """Services revenue by region before any law."""
    monetised = state.user_years / (state.user_years + c.services_half)
    active = state.users + state.second_users
    return active * c.services_ceiling / 12 * state.engagement[:, None] * monetised


def services_margin(c: Named, services: Array) -> Array:
    year = 12 * services
    grown = year / (year + c.services_margin_scale)
    return c.services_margin + (c.services_margin_late - c.services_margin) * grown


def accessories_of(c: Named, state: State) -> Array:
    return state.users * c.accessory_ceiling / 12 * attach(c, state.breadth)[:, None]


def accessory_margin(c: Named, accessories: Array) -> Array:
    year = 12 * accessories
    return c.accessory_margin * year / (year + c.accessory_scale)


# finance


def researched(c: Named, month: int) -> Array:
    way = smooth((month - c.research_start) / c.research_months)
    return c.research_share + (c.research_late - c.research_share) * way


def credit_line(c: Named, users: Array) -> Array:
    line: Array = c.credit_floor + c.credit_per_user * users.sum(axis=1)
    return line


def release_cost(c: Named, cadence: Array | float, users: Array) -> Array:
    return c.release_cost * cadence * (1 + users / c.release_base)


def monthly_discount(c: Named) -> Array:
    return (1 + c.discount_rate) ** (-1 / 12)


def run_off_value(c: Named, state: State, services_factor: Array) -> Array:
    """Worth of the users of every firm, if it never sold another phone at a profit."""
    served = services_of(c, state).sum(axis=1) * services_factor
    accessories = accessories_of(c, state).sum(axis=1)
    overhead = researched(c, state.month) + c.admin_share
    monthly = (
        (services_margin(c, served) - overhead) * served
        + (accessory_margin(c, accessories) - overhead) * accessories
        - c.fixed_cost
        - release_cost(c, RUN_OFF_CADENCE, state.users.sum(axis=1))
    )
    rate = np.log(1 + c.discount_rate) / 12 + due_rate(c, state.month) * (1 - c.closing_repurchase)
    run_off: Array = (1 - c.tax_rate) * np.maximum(monthly, 0) / np.maximum(rate, SLOWEST)
    return run_off
