"""The shocks of a month, from the key of the world, the month, and the levels that the months before left behind.

Nothing is stored: a world of any length is its key, its constants and its event.
"""

from __future__ import annotations

import math
from typing import TypeAlias

from thinmargin.counter import normal_pair, uniform, words
from thinmargin.economics.compiled import Record, mechanism
from thinmargin.records import FIRMS, REGIONS, SEAT

CONSTANTS, MONTHS, EVENTS = range(3)
"""Streams of a world: its hidden constants, the innovations of its months, the month its event begins."""
NORMALS_A_BLOCK = 4
"""Normal numbers that four words make."""

LARGEST_LEVEL = 10.0
"""Most, either way, of the levels of demand and component cost: a factor of some twenty thousand."""
LOWEST_BRAND = -50.0
"""Least of the level of a brand: nobody who can choose buys it."""

Four: TypeAlias = tuple[float, float, float, float]


@mechanism
def hidden_normals(key: int, block: int) -> Four:
    """Standard normal numbers 4 * block to 4 * block + 3 of a world's hidden constants."""
    a, b, c, d = words(key, CONSTANTS, 0, block)
    one, two = normal_pair(a, b)
    three, four = normal_pair(c, d)
    return one, two, three, four


@mechanism
def month_normals(key: int, month: int) -> tuple[float, float, float]:
    """Standard normal numbers of a month: demand, component cost, hits."""
    a, b, c, d = words(key, MONTHS, month, 0)
    demand, component = normal_pair(a, b)
    hit, _ = normal_pair(c, d)
    return demand, component, hit


@mechanism
def brand_chances(key: int, month: int) -> Four:
    """Numbers between 0 and 1 of a month, one of the four words of a block a firm: below `brand_rate`, a scandal."""
    a, b, c, d = words(key, MONTHS, month, 1)
    return uniform(a), uniform(b), uniform(c), uniform(d)


@mechanism
def war_chance(key: int, month: int) -> float:
    """Number between 0 and 1 of a month: below `war_rate`, price war begins or ends."""
    return uniform(words(key, MONTHS, month, 2)[0])


@mechanism
def event_start(chance: float, first: float, last: float) -> float:
    """First month of an event, from `first` to `last`, all as likely, from a number between 0 and 1."""
    return first + math.floor((last - first + 1.0) * chance)


@mechanism
def draw_source(key: int, source: Record) -> None:
    """Write the key of a world, and the months in which its event begins and is over."""
    source.key = key
    source.start = event_start(uniform(words(key, EVENTS, 0, 0)[0]), source.first, source.last)
    source.end = source.start + source.months


@mechanism
def calm(state: Record) -> None:
    """Levels before the first month: no shock has happened yet."""
    state.demand_level = 0.0
    state.component_level = 0.0
    state.war = 0.0
    for i in range(FIRMS):
        state.brand_level[i] = 0.0


@mechanism
def held(level: float) -> float:
    """A level of shocks within LARGEST_LEVEL, either way."""
    return min(max(level, -LARGEST_LEVEL), LARGEST_LEVEL)


@mechanism
def move_levels(state: Record, p: Record, demand: float, component: float, war: float, brands: Four) -> None:
    """Move the levels a month on; `demand` and `component` are standard normal, the others chances.

    Formula:
        demand_level' = min(max(demand_persistence * demand_level + demand_sd * z, -LARGEST_LEVEL), LARGEST_LEVEL)
        component_level' = min(max(component_persistence * component_level + component_sd * z, -LARGEST_LEVEL),
                           LARGEST_LEVEL)
        war' = 1 - war if chance < war_rate else war
        drop = brand_drop if chance < brand_rate else 0
        brand_level' = max(brand_level * (1 - brand_decay) - drop, LOWEST_BRAND)

    Demand and component cost are AR(1), held within LARGEST_LEVEL either way, which only other constants than those of
    the benchmark reach; price war switches on and off; a brand scandal hits a firm and is slowly forgotten.
    """
    state.demand_level = held(p.demand_persistence * state.demand_level + p.demand_sd * demand)
    state.component_level = held(p.component_persistence * state.component_level + p.component_sd * component)
    if war < p.war_rate:
        state.war = 1.0 - state.war
    for i in range(FIRMS):
        drop = p.brand_drop if brands[i] < p.brand_rate else 0.0
        state.brand_level[i] = max(state.brand_level[i] * (1.0 - p.brand_decay) - drop, LOWEST_BRAND)


@mechanism
def write_shocks(state: Record, p: Record, hit: float, shock: Record) -> None:
    """Write the shocks of the month from its levels, without an event; `hit` is standard normal.

    Formula:
        hit = exp(hit_sd * z - hit_sd^2 / 2)
        aggression = war_factor if war > 0 else 1

    Demand, component cost and brands are at their levels; hits of ventures are log-normal with mean one.
    """
    for r in range(REGIONS):
        shock.demand[r] = state.demand_level
    shock.component = state.component_level
    shock.aggression = p.war_factor if state.war > 0.0 else 1.0
    shock.services = 1.0
    shock.attack = 0.0
    shock.clone = 0.0
    shock.hit = math.exp(p.hit_sd * hit - 0.5 * p.hit_sd * p.hit_sd)
    for i in range(FIRMS):
        shock.brand[i] = state.brand_level[i]
        shock.supply[i] = 1.0


@mechanism
def lay_over(source: Record, shock: Record) -> None:
    """Lay the event of a world over the shocks of one of its months."""
    for r in range(REGIONS):
        shock.demand[r] += source.demand
    shock.component += source.component
    shock.attack += source.attack
    shock.clone += source.clone
    shock.services *= source.services
    shock.supply[SEAT] *= source.supply
    if source.aggression > 0.0:
        shock.aggression = source.aggression


@mechanism
def month_shocks(state: Record, p: Record, source: Record, shock: Record) -> None:
    """Write the shocks of the month that is about to be run, `state.month`, and move their levels into it."""
    key, month = int(source.key), int(state.month)
    demand, component, hit = month_normals(key, month)
    move_levels(state, p, demand, component, war_chance(key, month), brand_chances(key, month))
    write_shocks(state, p, hit, shock)
    if source.start <= state.month < source.end:
        lay_over(source, shock)


@mechanism
def services_so_far(state: Record, source: Record) -> float:
    """Services revenue that the law left in the month just run, as a factor; 1 before the first month."""
    factor: float = source.services if source.start <= state.month - 1.0 < source.end else 1.0
    return factor


@mechanism
def shocks_of_last_month(state: Record, p: Record, source: Record, shock: Record) -> None:
    """Write the shocks of the month just run, but for the luck of its ventures; nothing moves."""
    write_shocks(state, p, 0.0, shock)
    if source.start <= state.month - 1.0 < source.end:
        lay_over(source, shock)
