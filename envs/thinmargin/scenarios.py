"""The families of worlds behind the environment ids, and what breaks in each held-out scenario."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from thinmargin.calibration.saved import posterior
from thinmargin.parameters import Parameters
from thinmargin.records import SEAT
from thinmargin.worlds import Family, Numbers, Spread, Table

CALIBRATED = Parameters()
WIDE = replace(CALIBRATED, demand_sd=0.06, component_sd=0.02, brand_rate=0.01)
"""The benchmark's shocks: larger, with brand scandals."""
HIDDEN = Spread(posterior())
"""What the firm cannot know of its world: worlds are firms that could have had the history that was reported."""


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


def _first_sentence(event: Any) -> str:
    return str(event.__doc__).strip()


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family("benchmark", "A hidden world in every episode, large shocks, brand scandals.", WIDE, HIDDEN),
        Family("calibrated", "The one calibrated firm, small shocks.", CALIBRATED),
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
