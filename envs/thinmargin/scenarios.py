"""The families of worlds behind the environment ids, and what breaks in each held-out scenario.

`thinmargin.families` has their names, their ids and a sentence about each. The event of a scenario is its row of
EVENTS; a family without one has the benchmark's worlds or the constants given in CONSTANTS.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from thinmargin.calibration.saved import posterior
from thinmargin.families import FAMILY_TABLE, FamilyEntry
from thinmargin.parameters import CLOSING_BOOK, NEVER, SINCE_EVER, Parameters
from thinmargin.records import FIRMS, HOME, SEAT
from thinmargin.shown import shown
from thinmargin.sources import Event
from thinmargin.worlds import Change, Family, Spread

CALIBRATED = Parameters()
WIDE = replace(CALIBRATED, demand_sd=0.06, component_sd=0.02, brand_rate=0.01)
"""The benchmark's shocks: larger, with brand scandals."""
HIDDEN = Spread(posterior())
"""The hidden constants: every world is a firm that could have had the history that was reported."""
ONE_STATE = replace(
    CALIBRATED,
    price_slope=4.0, inertia=2.0, device_life=15.0, base_start=(100.0, 1.0), services_ceiling=(90.0, 0.0),
    # everybody owns a phone; none finds a second user, none lasts longer as years go by or while phones are dear
    adoption_innovation=0.0, adoption_imitation=(0.0, 0.0), second_life=0.0, device_life_growth=0.0,
    category_elasticity=0.0, replacement_elasticity=0.0,
    # everybody knows both phones, nobody copies, and owners are bound by nothing but their habit
    awareness_span=0.0, imitation_strength=0.0, inertia_span=0.0,
    # fans and use of the software are what they are
    fan_value=0.0, fan_updates=0.0, fan_stockout=0.0, fan_months_up=1.0, fan_months_down=1.0,
    engagement_floor=1.0, engagement_span=0.0,
    # no accessories, no experience, no better phones, no model that ages, no cost of stock, markups at once
    venture_success=0.0, learning=0.0, spec_drift=0.0, model_decline=0.0, headroom=1.0, holding=0.0, markup_speed=1.0,
    # research costs the same share in every year; no tax: it is kinked where profit is zero
    research_late=CALIBRATED.research_share, tax_rate=0.0,
    demand_sd=0.0, component_sd=0.0, war_rate=0.0, brand_rate=0.0, hit_sd=0.0,
)  # fmt: skip
"""Constants of the world whose optimum is computed: everything is off but price, users and services."""


EVENTS: dict[str, Event] = {
    "price_war": Event(12, 60, attack=0.10, aggression=4.0),
    "component_shortage": Event(24, 96, months=24, component=math.log(1.25), supply=0.5),
    "demand_slump": Event(6, 36, months=72, demand=math.log(0.6)),
    "services_clampdown": Event(48, 96, services=0.5),
    "entrant_clone": Event(24, 72, clone=1.0),
}
"""The event of a scenario: between which months it begins, and what it does from then on."""


def _two_equal_firms(economy: np.record) -> None:
    """The constants of `one_state` that are no parameters."""
    rival = FIRMS - 1
    both = [SEAT, rival]
    for name in ("start_share", "brand", "online", "breadth"):  # who reaches no buyer sells nothing
        economy[f"firm_{name}"] = 0.0
    economy["firm_start_share"][SEAT, HOME] = 0.002
    economy["firm_start_share"][rival] = 0.998, 1.0
    economy["firm_online"][both] = 1.0
    economy["firm_entry"] = NEVER
    economy["firm_entry"][rival] = SINCE_EVER
    economy["firm_unit_cost"] = 900.0
    economy["firm_start_markup"] = 0.10
    economy["firm_capacity"] = 100.0  # the market is smaller
    economy["forecast_months"] = math.inf  # and so the factories stay as they are
    economy["firm_cash"] = 1e6  # more than can be lost
    economy["services_half"] = 1e-12  # users pay in full from the first month
    economy["play_markup"] = 0.10
    economy["play_markup"][CLOSING_BOOK] = 0.30
    for name, lowest in (("reaction", 0.0), ("accessories", 0.0), ("marketing", 0.0), ("updates", 0.25)):
        economy[f"play_{name}"] = lowest


CONSTANTS: dict[str, tuple[Parameters, Spread, Change | None]] = {
    "calibrated": (CALIBRATED, Spread(), None),
    "one_state": (ONE_STATE, Spread(), _two_equal_firms),
}
"""Families whose constants are not the benchmark's: what these are, what is hidden, and a change of other constants."""


def _family(entry: FamilyEntry) -> Family:
    if entry.held_out and entry.name not in EVENTS:
        raise LookupError(f"scenario {shown(entry.name)} has no event: it needs a row in EVENTS here")
    parameters, spread, change = CONSTANTS.get(entry.name, (WIDE, HIDDEN, None))
    return Family(entry.name, entry.meaning, parameters, spread, EVENTS.get(entry.name), change, entry.held_out)


FAMILIES: dict[str, Family] = {name: _family(entry) for name, entry in FAMILY_TABLE.items()}
"""Every family by name, in the order of the table."""


def family_of(name: str) -> Family:
    """The family with this name; an unknown one is a ValueError that lists what is allowed."""
    if not isinstance(name, str) or name not in FAMILIES:
        raise ValueError(f"worlds is {shown(name)}: allowed are {', '.join(FAMILIES)}")
    return FAMILIES[name]
