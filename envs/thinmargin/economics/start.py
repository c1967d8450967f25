"""The state of January 2012, from the world's constants."""

from __future__ import annotations

import math

from thinmargin.economics.compiled import Record, mechanism
from thinmargin.economics.cost_and_price import list_price
from thinmargin.economics.demand import adopters, offer_weight, price_utility, replacement_rate
from thinmargin.economics.loyalty import fan_target, imitation_target, update_satisfaction
from thinmargin.economics.marketing import awareness, reach_overseas, voice
from thinmargin.records import FIRMS, HOME, OVERSEAS, REGIONS, SEAT


@mechanism
def begin(state: Record, p: Record) -> None:
    """Write the first state, the list prices it starts from and the brand constants its shares imply.

    Formula:
        users = start_share * base_start
        second_users = second_life * users
        user_years = users
        coverage = online * reach
        markup = start_markup
        base_cost = firm_unit_cost
        price = base_cost * (1 + markup)
        market = adopters + due * base_start
        expected = sum over regions of start_share * market
        forecast = firm_capacity if firm_capacity > 0 else expected
        capacity = firm_capacity if firm_capacity > 0 else headroom * expected
        inventory = 0 if firm_capacity > 0 else cover_months * expected
        trailing_revenue = 0 if firm_capacity > 0 else expected * price
        adstock = playbook_marketing * trailing_revenue * part
        part = abroad overseas, 1 - abroad at home
        abroad = overseas_effort * reach overseas
        share_sold = start_share / reach if start_share > 0 else 0
        imitation = imitation_strength * share_sold / (share_sold + 0.1)
        engagement = max(engagement_floor + engagement_span * satisfaction, 0)
        fans = deserved
        reference = base_cost * (1 + playbook_markup)
        gap_start = ln(reference / price of the seat)
        price_index_start = sum over firms of start_share * price

    Fans, engagement, adstock, imitation, capacity and stock begin where the firm's own playbook would
    have brought them, updates as they please half a full fan base; firms with a user base have monetised it for a year.
    """
    state.month = 0.0
    state.passed = 0.0
    rate = replacement_rate(0.0, p.device_life, p.device_life_growth)
    for i in range(FIRMS):
        state.markup[i] = p.firm_start_markup[i]
        state.output[i] = 0.0
        state.seeded[i] = 0.0
        state.growing[i] = 0.0
        state.breadth[i] = p.firm_breadth[i]
        state.cash[i] = p.firm_cash[i]
        state.trailing_revenue[i] = 0.0
        demand = 0.0
        for r in range(REGIONS):
            share = p.firm_start_share[i, r]
            first = adopters(p.base_start[r], p.users_ceiling[r], p.adoption_innovation, p.adoption_imitation[r], 1.0)
            state.users[i, r] = share * p.base_start[r]
            state.user_years[i, r] = state.users[i, r]
            state.second_users[i, r] = p.second_life * state.users[i, r]
            state.reach[i, r] = 1.0 if r == HOME else reach_overseas(0.0, p, i)
            state.coverage[i, r] = p.firm_online[i] * state.reach[i, r]
            state.imitation[i, r] = imitation_target(share, state.reach[i, r], p.imitation_strength)
            demand += share * (first + rate * p.base_start[r])
        state.forecast[i] = demand
        state.inventory[i] = p.cover_months * demand
        state.capacity[i] = p.headroom * demand
        if p.firm_capacity[i] > 0.0:  # an entrant starts with what its first factory makes, and no stock
            state.capacity[i] = p.firm_capacity[i]
            state.forecast[i] = p.firm_capacity[i]
            state.inventory[i] = 0.0
        else:
            price = list_price(p.firm_unit_cost[i], state.markup[i], 0.0, 0.0, p.pass_through)
            state.trailing_revenue[i] = demand * price
        users = state.users[i, HOME] + state.users[i, OVERSEAS]
        satisfaction = update_satisfaction(
            p.play_updates[i], users, 0.5, p.update_scale, p.bug_rate, p.bug_base, p.codevelopment
        )
        state.engagement[i] = max(p.engagement_floor + p.engagement_span * satisfaction, 0.0)
        state.fans[i] = fan_target(
            p.fan_ceiling, p.fan_constant, p.firm_fan_appeal[i], p.fan_value, p.fan_reference_markup,
            state.markup[i], p.fan_updates, satisfaction, p.fan_stockout, 1.0,
        )  # fmt: skip
        spend = p.play_marketing[i] * state.trailing_revenue[i]
        abroad = p.overseas_effort * state.reach[i, OVERSEAS]
        state.adstock[i, HOME] = (1.0 - abroad) * spend
        state.adstock[i, OVERSEAS] = abroad * spend
    invert_brands(state, p)
    seat_price = list_price(p.firm_unit_cost[SEAT], state.markup[SEAT], 0.0, 0.0, p.pass_through)
    for i in range(FIRMS):
        state.base_cost[i] = p.firm_unit_cost[i]
        state.unit_cost[i] = p.firm_unit_cost[i]
        state.price[i] = list_price(p.firm_unit_cost[i], state.markup[i], 0.0, 0.0, p.pass_through)
        reference = list_price(p.firm_unit_cost[i], p.play_markup[i], 0.0, 0.0, p.pass_through)
        state.gap_start[i] = math.log(reference / seat_price)
    for r in range(REGIONS):
        state.price_index[r] = 1.0
        state.price_index_start[r] = 0.0
        for i in range(FIRMS):
            state.price_index_start[r] += p.firm_start_share[i, r] * state.price[i]


@mechanism
def invert_brands(state: Record, p: Record) -> None:
    """Brand constants that make the start shares come true (Berry 1994).

    Formula:
        brand = ln(start_share / bare) - anchor
        bare = coverage * exp(price_worth + awareness - imitation)
        anchor = ln(start_share / (coverage * exp(price_worth))) of the last firm

    Firms whose constant is given (not nan) keep it. The scale is set by the last firm: its brand, awareness
    and imitation together are worth nothing at the start, so that the entrant's brand means the same against
    the incumbents in worlds of stronger imitation or awareness.
    """
    last = FIRMS - 1
    for r in range(REGIONS):
        heard_all = 0.0
        for i in range(FIRMS):
            heard_all += voice(state.adstock[i, r], p.word_of_mouth, state.fans[i], state.users[i, r])
        anchor = 0.0
        for step in range(FIRMS):
            i = last - step
            if math.isnan(p.firm_brand[i, r]):
                heard = voice(state.adstock[i, r], p.word_of_mouth, state.fans[i], state.users[i, r])
                known = awareness(heard, heard_all, state.reach[i, r], p.voice_half, p.awareness_span)
                price = list_price(p.firm_unit_cost[i], state.markup[i], 0.0, 0.0, p.pass_through)
                bare = state.coverage[i, r] * offer_weight(
                    0.0, price_utility(price, p.price_slope), known, state.imitation[i, r]
                )
                level = math.log(p.firm_start_share[i, r] / bare)
                if i == last:
                    anchor = level + known - state.imitation[i, r]
                p.firm_brand[i, r] = level - anchor
