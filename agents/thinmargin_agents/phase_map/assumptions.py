"""Judgements behind the model that a finding may hang on, and the worlds in which they are otherwise."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from thinmargin.calibration.unknowns import UNKNOWNS
from thinmargin.parameters import Parameters
from thinmargin.worlds import Family, Spread

AS_CALIBRATED = "as calibrated"
"""Name of what every other assumption is compared with."""
LATE_RESEARCH = (0.021, 0.066)
"""Research of revenue in the end: no more than at first, and as much as was reported with what it leaves out."""
LEARNING = (0.10, 0.20)
"""Fall of the cost that experience can touch, at every doubling of it. There is no prior: studies of many trades lie
about there (Irwin & Klenow 1994; Dutton & Thomas 1984), and the model has 15 %."""
DEVIATIONS = 2.0
"""Standard deviations of its prior by which a constant is moved, where it has one."""


@dataclass(frozen=True)
class Assumption:
    """One judgement made otherwise: its name in tables, the same in a sentence, and what it does to the worlds."""

    name: str
    meaning: str
    change: Callable[[Family], Family]


def fixed(field: str, value: float) -> Callable[[Family], Family]:
    """This constant of the economy in all worlds alike; every other one stays as it is drawn."""

    def change(family: Family) -> Family:
        hidden = tuple(item for item in family.spread.hidden if item.field != field)
        return replace(family.with_parameters({field: value}), spread=Spread(hidden))

    return change


def _late_research(share: float) -> Assumption:
    meaning = (
        f"research grows to {100.0 * share:.1f} % of revenue instead of {100.0 * Parameters().research_late:.1f} %"
    )
    if share <= Parameters().research_share:
        meaning = f"research stays at {100.0 * share:.1f} % of revenue, however large the firm gets"
    return Assumption(f"late research {100.0 * share:.1f} %", meaning, fixed("research_late", share))


def _imitation(side: str, deviations: float) -> Assumption:
    field = "imitation_strength"
    value = float(next(unknown for unknown in UNKNOWNS if unknown.name == field).constant(np.array(deviations)))
    place = "below" if deviations < 0.0 else "above"
    meaning = (
        f"{field} is {value:.2f} in every world, {abs(deviations):g} standard deviations {place} the centre of its"
        " prior"
    )
    return Assumption(f"{side} imitation", meaning, fixed(field, value))


def _learning(side: str, fall: float) -> Assumption:
    exponent = -math.log2(1.0 - fall)
    meaning = (
        f"at every doubling of experience the cost that it can touch falls by {100.0 * fall:.0f} % instead of"
        f" {100.0 * (1.0 - 2.0 ** -Parameters().learning):.0f} % (learning {exponent:.3f})"
    )
    return Assumption(f"{side} learning", meaning, fixed("learning", exponent))


ASSUMPTIONS: dict[str, Assumption] = {
    assumption.name: assumption
    for assumption in (
        Assumption(AS_CALIBRATED, "nothing is changed", lambda family: family),
        *map(_late_research, LATE_RESEARCH),
        Assumption("no reaction", "rivals keep their markups, whatever the seat does", fixed("rival_reaction", 0.0)),
        _imitation("little", -DEVIATIONS),
        _imitation("much", DEVIATIONS),
        _learning("slow", LEARNING[0]),
        _learning("fast", LEARNING[1]),
    )
}
"""Every assumption by name, the calibration first."""


def family_under(assumption: str, family: Family) -> Family:
    """This family of worlds under an assumption of ASSUMPTIONS."""
    return ASSUMPTIONS[assumption].change(family)
