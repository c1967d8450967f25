"""The families of worlds behind the environment ids, and what breaks in each held-out scenario."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from thinmargin.calibration.saved import posterior
from thinmargin.parameters import CLOSING_BOOK, NEVER, SINCE_EVER, Parameters
from thinmargin.records import FIRMS, HOME, SEAT
from thinmargin.worlds import Family, Numbers, Spread, Table

CALIBRATED = Parameters()
WIDE = replace(CALIBRATED, demand_sd=0.06, component_sd=0.02, brand_rate=0.01)
"""The benchmark's shocks: larger, with brand scandals."""
HIDDEN = Spread(posterior())
"""What the firm cannot know of its world: worlds are firms that could have had the history that was reported."""
ONE_STATE = replace(
    CALIBRATED,
    price_slope=4.0, inertia=2.0, device_life=15.0, base_start=(100.0, 1.0), services_ceiling=(90.0, 0.0),
    # everybody owns a phone; none finds a second user, and none lasts longer as years go by
    adoption_innovation=0.0, adoption_imitation=(0.0, 0.0), second_life=0.0, device_life_growth=0.0,
    # everybody knows both phones, nobody copies, and owners are bound by nothing but their habit
    awareness_span=0.0, imitation_strength=0.0, inertia_span=0.0,
    # fans and use of the software are what they are
    fan_value=0.0, fan_updates=0.0, fan_stockout=0.0, fan_months_up=1.0, fan_months_down=1.0,
    engagement_floor=1.0, engagement_span=0.0,
    # no accessories, no experience, no better phones, no model that ages, no cost of stock, markups at once
    venture_success=0.0, learning=0.0, spec_drift=0.0, model_decline=0.0, headroom=1.0, holding=0.0, markup_speed=1.0,
    # no tax: it is kinked where profit is zero
    tax_rate=0.0,
    demand_sd=0.0, component_sd=0.0, war_rate=0.0, brand_rate=0.0, hit_sd=0.0,
)  # fmt: skip
"""Constants of the world whose optimum is computed: everything is off but price, users and services."""


def _between(chance: float, low: int, high: int) -> int:
    """A month from low to high, from a number in [0, 1)."""
    return low + int((high - low + 1) * chance)


def price_war(_economy: np.record, shocks: Table, chances: Numbers) -> None:
    """Some day rivals give up ten points of markup and answer every price gap four times as hard, for good."""
    start = _between(chances[0], 12, 60)
    shocks["attack"][start:] = 0.10
    shocks["aggression"][start:] = 4.0


def component_shortage(_economy: np.record, shocks: Table, chances: Numbers) -> None:
    """For two years components cost 25 % more, and makers serve the big first: the entrant's factories run at half."""
    start = _between(chances[0], 24, 96)
    shocks["component"][start : start + 24] += math.log(1.25)
    shocks["supply"][start : start + 24, SEAT] = 0.5


def demand_slump(_economy: np.record, shocks: Table, chances: Numbers) -> None:
    """Early on, four in ten phones fewer are wanted for six years, by first-time buyers and owners alike."""
    start = _between(chances[0], 6, 36)
    shocks["demand"][start : start + 72] += math.log(0.6)


def services_clampdown(_economy: np.record, shocks: Table, chances: Numbers) -> None:
    """Regulators and advertisers halve what a user's services may earn, for good."""
    shocks["services"][_between(chances[0], 48, 96) :] = 0.5


def entrant_clone(_economy: np.record, shocks: Table, chances: Numbers) -> None:
    """The mass marketer copies the whole strategy: the pledge, weekly updates, start-up tickets."""
    shocks["clone"][_between(chances[0], 24, 72) :] = 1.0


def one_state(economy: np.record, _shocks: Table, _chances: Numbers) -> None:
    """An entrant and a rival of fixed price sell equal phones: only who owns which moves, and the optimum is known."""
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


def _first_sentence(event: Any) -> str:
    return str(event.__doc__).strip()


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family("benchmark", "A hidden world in every episode, large shocks, brand scandals.", WIDE, HIDDEN),
        Family("calibrated", "The one calibrated firm, small shocks.", CALIBRATED),
        Family("one_state", _first_sentence(one_state), ONE_STATE, event=one_state),
        *(
            Family(name, _first_sentence(event), WIDE, HIDDEN, event, held_out=True)
            for name, event in (
                ("price_war", price_war),
                ("component_shortage", component_shortage),
                ("demand_slump", demand_slump),
                ("services_clampdown", services_clampdown),
                ("entrant_clone", entrant_clone),
            )
        ),
    )
}


def family_of(name: str) -> Family:
    """The family with this name; an unknown one is a ValueError that lists what is allowed."""
    if not isinstance(name, str) or name not in FAMILIES:
        raise ValueError(f"worlds is {name!r}: allowed are {', '.join(FAMILIES)}")
    return FAMILIES[name]
