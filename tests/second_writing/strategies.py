"""What the rivals choose from what they saw last month.

Written from docs/model.md and docs/environment.md alone; nothing of the package's equations is imported.
"""

import numpy as np
from tests.second_writing.constants import Array, Named
from tests.second_writing.formulas import researched
from tests.second_writing.stocks import HOME, SEAT, Levers, State

LOWEST_MARKUP, HIGHEST_MARKUP = -0.2, 0.6
MASS_MARKETER = 2
CLONE, CLOSING = 4, 5  # rows of the playbooks


def capped_markup(c: Named, cap: Array, month: int) -> Array:
    """Highest markup at which phones earn at most the pledge in every month of a model."""
    left = 1 - cap / (1 - c.tax_rate) - (researched(c, month) + c.admin_share)
    return np.where(left > 0, np.exp(-5.5 * c.model_decline) / np.where(left > 0, left, 1.0) - 1, np.inf)


def play(c: Named, state: State, firm: int, book: int, aggression: Array, attack: Array) -> list[Array]:
    """The four levers that a firm chooses by a playbook."""
    reaction = c.rival_reaction * c.play_reaction[book]
    reference = state.price[firm] + state.base_cost[firm] * (c.play_markup[firm] - state.markup[firm])
    gap = np.log(reference / state.price[SEAT]) - state.gap_start[firm]
    response = aggression * np.maximum(gap, 0) + 0.5 * np.maximum(np.minimum(gap, 0), -0.1)
    share = state.users[SEAT, HOME] / state.users[:, HOME].sum(axis=0)
    threat = np.minimum(1, share / c.rival_awareness)
    base, floor = c.play_markup[book] - attack, c.play_markup_floor[book] - attack
    target = np.maximum(base - reaction * threat * response, floor)
    target = np.minimum(target, capped_markup(c, c.play_hardware_cap[book], state.month))
    asked = np.clip(target, LOWEST_MARKUP, HIGHEST_MARKUP)
    slow = state.markup[firm] + (asked - state.markup[firm]) / c.rival_months
    price = np.where(reaction > 0, slow, asked)
    return [price, c.play_accessories[book], c.play_marketing[book], c.play_updates[book]]


def all_levers(c: Named, state: State, seat: Array, shock: Named) -> Levers:
    """Levers of every firm: the seat's are given, the rivals follow their playbooks."""
    chosen = [list(seat)]
    for firm in range(1, len(c.firm_cash)):
        own = play(c, state, firm, firm, shock.aggression, shock.attack)
        if firm == MASS_MARKETER:
            clone = play(c, state, firm, CLONE, shock.aggression, shock.attack)
            own = [np.where(shock.clone > 0, new, old) for new, old in zip(clone, own, strict=True)]
        chosen.append(own)
    return Levers(*(np.array(values) for values in zip(*chosen, strict=True)))
