"""From an action in [-1, 1] to the levers of a month, and back."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from thinmargin.economics.compiled import Record, mechanism
from thinmargin.records import ACCESSORIES, LEVERS, MARKETING, PRICE, UPDATES
from thinmargin.shown import shown

MARKUP_LOW, MARKUP_HIGH = LEVERS[PRICE].low, LEVERS[PRICE].high
ACCESSORIES_HIGH = LEVERS[ACCESSORIES].high
MARKETING_HIGH = LEVERS[MARKETING].high
UPDATES_LOW, UPDATES_SPAN = LEVERS[UPDATES].low, LEVERS[UPDATES].high / LEVERS[UPDATES].low


@mechanism
def read_levers(action: npt.NDArray[np.float64], lever: Record) -> None:
    """Write the levers an action asks for: markup linear, spending shares squared, cadence logarithmic.

    Squares and logs put the useful region in the middle of [-1, 1]; what lies beyond is cut to it.
    """
    lever[PRICE] = MARKUP_LOW + (MARKUP_HIGH - MARKUP_LOW) * to_unit_interval(action[PRICE])
    lever[ACCESSORIES] = ACCESSORIES_HIGH * to_unit_interval(action[ACCESSORIES]) ** 2
    lever[MARKETING] = MARKETING_HIGH * to_unit_interval(action[MARKETING]) ** 2
    lever[UPDATES] = UPDATES_LOW * math.pow(UPDATES_SPAN, to_unit_interval(action[UPDATES]))


@mechanism
def to_unit_interval(action: float) -> float:
    """An action in [-1, 1] as a number in [0, 1]."""
    return 0.5 * (min(max(action, -1.0), 1.0) + 1.0)


def action_of(markup: float, accessories: float, marketing: float, updates: float) -> npt.NDArray[np.float32]:
    """The action, shape (4,), that asks for these levers; a lever out of range is a ValueError."""
    asked = (markup, accessories, marketing, updates)
    for value, lever in zip(asked, LEVERS, strict=True):
        if not lever.low - 1e-9 <= value <= lever.high + 1e-9:
            raise ValueError(
                f"{lever.name} is {shown(value)}: allowed are {lever.low:g} to {lever.high:g} [{lever.unit}]"
            )
    action = np.array(
        [
            2.0 * (markup - MARKUP_LOW) / (MARKUP_HIGH - MARKUP_LOW) - 1.0,
            2.0 * math.sqrt(max(accessories, 0.0) / ACCESSORIES_HIGH) - 1.0,
            2.0 * math.sqrt(max(marketing, 0.0) / MARKETING_HIGH) - 1.0,
            2.0 * math.log(updates / UPDATES_LOW) / math.log(UPDATES_SPAN) - 1.0,
        ],
        dtype=np.float32,
    )
    return np.clip(action, -1.0, 1.0)
