from __future__ import annotations

import numpy as np
import pytest

from thinmargin.calibration.unknowns import UNKNOWNS
from thinmargin.parameters import ECONOMY, Parameters
from thinmargin.scenarios import FAMILIES
from thinmargin.sources import SOURCE
from thinmargin.splits import KEYS
from thinmargin_agents.phase_map.assumptions import AS_CALIBRATED, ASSUMPTIONS, family_under

WORLDS = 6
CONSTANTS = {
    "late research 2.1 %": ("research_late", 0.021),
    "late research 6.6 %": ("research_late", 0.066),
    "no reaction": ("rival_reaction", 0.0),
    "slow learning": ("learning", -np.log2(0.90)),
    "fast learning": ("learning", -np.log2(0.80)),
}


def economies(assumption: str) -> np.ndarray:
    found, sources = np.zeros(WORLDS, ECONOMY), np.zeros(WORLDS, SOURCE)
    rows, keys = np.arange(WORLDS), list(KEYS["validation"][:WORLDS])
    family_under(assumption, FAMILIES["benchmark"]).draw_into(rows, keys, found, sources)
    return found


def others(table: np.ndarray, field: str) -> np.ndarray:
    left = table.copy()
    left[field] = 0.0
    return left


def test_every_assumption_is_tried_here() -> None:
    assert set(ASSUMPTIONS) == {AS_CALIBRATED, "little imitation", "much imitation", *CONSTANTS}


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_constant_is_the_same_in_all_worlds_and_nothing_else_moves(name: str) -> None:
    field, value = CONSTANTS[name]
    changed = economies(name)
    assert changed[field] == pytest.approx(np.full(WORLDS, value))
    assert others(changed, field).tobytes() == others(economies(AS_CALIBRATED), field).tobytes()
    assert min(abs(changed[field] / getattr(Parameters(), field) - 1.0)) > 0.2


@pytest.mark.parametrize(("name", "z"), [("little imitation", -2.0), ("much imitation", 2.0)])
def test_imitation_is_two_deviations_of_its_prior_from_the_centre(name: str, z: float) -> None:
    field = "imitation_strength"
    prior = next(unknown for unknown in UNKNOWNS if unknown.name == field)
    changed, before = economies(name), economies(AS_CALIBRATED)
    assert changed[field] == pytest.approx(np.full(WORLDS, prior.centre * np.exp(z * prior.sd)))
    assert np.ptp(before[field]) > 0.0
    assert others(changed, field).tobytes() == others(before, field).tobytes()
