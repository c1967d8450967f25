"""The state of January 2012, from the constants of a world.

Written from docs/model.md and docs/environment.md alone; nothing of the package's equations is imported.
"""

import numpy as np
from tests.second_writing.constants import Array, Named
from tests.second_writing.formulas import (
    awareness,
    base_cost,
    effort_of,
    fans_deserved,
    imitated,
    list_price,
    markets,
    price_worth,
    ratio_of,
    reach_of,
    satisfaction_of,
)
from tests.second_writing.stocks import SEAT, State


def start_market(c: Named) -> Array:
    """Phones wanted from all firms in a month like the first, without shocks."""
    users = c.firm_start_share * c.base_start
    level = np.ones_like(c.base_start)
    adopters, in_market = markets(c, users, level, np.zeros_like(level), 0)
    market: Array = adopters + in_market * users.sum(axis=0)
    return market


def begin(c: Named) -> State:
    """The first state."""
    share = c.firm_start_share
    users = share * c.base_start
    total = users.sum(axis=1)
    nothing = np.zeros_like(total)
    markup = np.array(c.firm_start_markup)
    cost = base_cost(c, nothing, 0)
    price = list_price(c, cost, markup, nothing[0], nothing[0])
    firms = len(total)
    satisfaction = satisfaction_of(c, c.play_updates[:firms], total, 0.5)
    reach = reach_of(c, 0)
    demand = (share * start_market(c)).sum(axis=1)
    given = c.firm_capacity > 0
    trailing = np.where(given, 0.0, demand * price)
    state = State(
        month=0,
        users=users,
        second_users=c.second_life * users,
        coverage=c.firm_online[:, None] * reach,
        reach=reach,
        adstock=effort_of(c, c.play_marketing[:firms] * trailing, reach),
        user_years=np.array(users),
        imitation=imitated(c, ratio_of(share, reach)),
        fans=fans_deserved(c, markup, satisfaction, 1.0),
        engagement=np.maximum(c.engagement_floor + c.engagement_span * satisfaction, 0),
        output=nothing,
        capacity=np.where(given, c.firm_capacity, c.headroom * demand),
        inventory=np.where(given, 0.0, c.cover_months * demand),
        forecast=np.where(given, c.firm_capacity, demand),
        seeded=nothing,
        growing=nothing,
        breadth=np.array(c.firm_breadth),
        markup=markup,
        base_cost=cost,
        unit_cost=cost,
        price=price,
        trailing_revenue=trailing,
        cash=np.array(c.firm_cash),
        gap_start=np.log(cost * (1 + c.play_markup[:firms]) / price[SEAT]),
        price_index_start=(share * price[:, None]).sum(axis=0),
        price_index=np.ones_like(c.base_start),
        passed=nothing[0],
    )
    invert_brands(c, state)
    return state


def invert_brands(c: Named, state: State) -> None:
    """Brand constants of the rivals that make the start shares come true (Berry 1994)."""
    unknown = np.isnan(c.firm_brand)
    share = np.where(unknown, c.firm_start_share, 1.0)
    worth = price_worth(c, state.price)[:, None]
    aware = awareness(c, state.adstock, state.fans, state.users, state.reach)
    bare = state.coverage * np.exp(worth + aware - state.imitation)
    anchor = np.log(share[-1] / (state.coverage[-1] * np.exp(worth[-1])))
    brand = np.log(share / np.where(unknown, bare, 1.0)) - anchor
    c.values["firm_brand"] = np.where(unknown, brand, c.firm_brand)
