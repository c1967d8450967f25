"""Hand-coded strategies: one compiled rule plays the rivals, and the same rule plays the baselines."""

from __future__ import annotations

import math

from thinmargin.economics.compiled import Record, mechanism
from thinmargin.economics.cost_and_price import capped_markup
from thinmargin.economics.finance import research
from thinmargin.parameters import CLONE_BOOK
from thinmargin.records import (
    ACCESSORIES,
    FIRMS,
    HOME,
    LEVERS,
    MARKETING,
    PRICE,
    SEAT,
    UPDATES,
)

MASS_MARKETER = 2
LOWEST_MARKUP, HIGHEST_MARKUP = LEVERS[PRICE].low, LEVERS[PRICE].high


@mechanism
def markup_rule(
    base: float, floor: float, cap_markup: float, reaction: float, gap: float, threat: float, aggression: float
) -> float:
    """Target markup, within floor, cap and the lever's range.

    Formula:
        response = aggression * max(gap, 0) + 0.5 * max(min(gap, 0), -0.1)
        target = min(max(base - reaction * threat * response, floor), cap_markup)
        asked = min(max(target, LOWEST_MARKUP), HIGHEST_MARKUP)

    `gap` is how far the seat has undercut, ln of own reference price over the seat's price against the
    start. Rivals cut when undercut, more in a price war, and follow prices up only a little and never
    more in a war (else a threat of war would raise prices).
    """
    response = aggression * max(gap, 0.0) + 0.5 * max(min(gap, 0.0), -0.1)
    target = min(max(base - reaction * threat * response, floor), cap_markup)
    return min(max(target, LOWEST_MARKUP), HIGHEST_MARKUP)


@mechanism
def play(
    p: Record,
    book: int,
    month: float,
    markup: float,
    gap: float,
    threat: float,
    aggression: float,
    attack: float,
    lever: Record,
) -> None:
    """Write the four levers that row `book` of the playbook table chooses.

    Formula:
        reaction = rival_reaction * playbook_reaction
        base = playbook_markup - attack
        floor = playbook_markup_floor - attack
        lever_price = markup + (asked - markup) / rival_months if reaction > 0 else asked

    `attack` is markup given up whatever the seat does: base and floor both fall by it.

    A firm that does not react asks for its target at once.
    """
    cap = capped_markup(p.play_hardware_cap[book], p.tax_rate, research(month, p) + p.admin_share, p.model_decline)
    if p.play_hardware_cap[book] >= 1.0:
        cap = HIGHEST_MARKUP
    reaction = p.rival_reaction * p.play_reaction[book]
    base, floor = p.play_markup[book] - attack, p.play_markup_floor[book] - attack
    target = markup_rule(base, floor, cap, reaction, gap, threat, aggression)
    if reaction > 0.0:
        target = markup + (target - markup) / p.rival_months
    lever[PRICE] = target
    lever[ACCESSORIES] = p.play_accessories[book]
    lever[MARKETING] = p.play_marketing[book]
    lever[UPDATES] = p.play_updates[book]


@mechanism
def play_rivals(state: Record, p: Record, shock: Record, flows: Record) -> None:
    """Levers of every firm but the seat, from what they saw last month.

    Formula:
        threat = min(1, share of home users of the seat / rival_awareness)
        reference = price + base_cost * (playbook_markup - markup)
        gap = ln(reference / price of the seat) - gap_start
    """
    users = 0.0
    for i in range(FIRMS):
        users += state.users[i, HOME]
    threat = min(1.0, state.users[SEAT, HOME] / users / p.rival_awareness)
    for i in range(FIRMS):
        if i != SEAT:
            book = CLONE_BOOK if shock.clone > 0.0 and i == MASS_MARKETER else i
            reference = state.price[i] + state.base_cost[i] * (p.play_markup[i] - state.markup[i])
            gap = math.log(reference / state.price[SEAT]) - state.gap_start[i]
            play(p, book, state.month, state.markup[i], gap, threat, shock.aggression, shock.attack, flows.lever[i])
