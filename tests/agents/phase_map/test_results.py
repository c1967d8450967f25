from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.agents.phase_map.small import FEW, SMALL, hand_made
from tests.messages import lacks

from thinmargin.parameters import Parameters
from thinmargin_agents.phase_map import hidden
from thinmargin_agents.phase_map.answer import calibrated_words
from thinmargin_agents.phase_map.cells import GRIDS, PROTOTYPE_SIGNS
from thinmargin_agents.phase_map.results import (
    OTHERS,
    PhaseMapRequest,
    PhaseMapResult,
    calibrated_difference,
    prototype_changes,
    signs,
)
from thinmargin_agents.phase_map.table import text


def test_hidden_worlds_lie_where_their_constants_say() -> None:
    tie_at = 3.8
    grid = replace(GRIDS["services"], rows=(0.5, 2.0), slopes=(tie_at - 1.0, tie_at + 1.0))
    worlds = hidden.placed(hand_made(grid, [[-5.0, 5.0], [-5.0, 5.0]]), {"own_levers": ()})
    assert len(worlds.slopes) == hidden.DRAWN
    assert np.array_equal(worlds.thin_side, worlds.slopes >= tie_at)
    assert 0.2 < worlds.thin_side.mean() < 0.8
    assert 0.8 < np.median(worlds.services) < 1.25
    inside = (abs(worlds.slopes - tie_at) <= 1.0) & (worlds.services >= 0.5) & (worlds.services <= 2.0)
    assert worlds.outside == pytest.approx(1.0 - inside.mean())


def test_the_share_of_searched_worlds_comes_with_an_interval_and_a_check_of_the_map() -> None:
    searched = hand_made(replace(SMALL, slopes=(2.0, 3.0)), [[9.0, 9.0], [9.0, -9.0]]).cells
    flags = np.array([True, False, True, True])
    worlds = hidden.HiddenWorlds(np.zeros(4), np.zeros(4), flags, 0.0, {"own_levers": searched})
    assert hidden.thin_ahead(searched).tolist() == [True, True, True, False]
    assert (worlds.right, worlds.guessed) == (0.5, 0.75)
    share = hidden.share_of(hidden.thin_ahead(searched))
    assert (share.share, share.worlds) == (0.75, 4)
    assert share.interval == pytest.approx((0.3006, 0.9544), abs=1e-4)  # 3 of 4


def test_the_prototypes_signs_are_compared_cell_by_cell() -> None:
    gaps = np.array([[1.0 if sign == "+" else -1.0 for sign in row] for row in PROTOTYPE_SIGNS])
    same = hand_made(GRIDS["services"], gaps)
    assert prototype_changes(same) == []
    assert signs(same) == PROTOTYPE_SIGNS
    gaps[0, 0], gaps[1, 4] = 1.0, 2.0
    changed = hand_made(GRIDS["services"], gaps)
    assert prototype_changes(changed) == [(0, 0), (1, 4)]
    others = {rule.name: (same,) for rule in OTHERS}
    printed = text(PhaseMapResult(PhaseMapRequest((changed.grid,), 1, 0, FEW), (changed,), others, None))
    printed = printed.replace("\n", " ")
    assert "which side is ahead agrees in 23 of 25." in printed
    assert "Levers are searched for mean J over 1 world, or J in one world" in printed
    assert not lacks(printed, "0.25x at slope 2: +1, was -", "0.5x at slope 5: +2, was -", "boundary passes beside")
    assert prototype_changes(hand_made(GRIDS["patience"], gaps)) is None
    assert prototype_changes(hand_made(SMALL, gaps[:2, :2])) is None


def test_the_calibrated_firm_is_read_off_the_map() -> None:
    slope = Parameters().price_slope
    grid = replace(GRIDS["patience"], rows=(0.05, 0.15), slopes=(slope - 1.0, slope + 3.0))
    phase_map = hand_made(grid, [[0.0, 8.0], [-4.0, 4.0]])
    assert calibrated_difference(phase_map) == pytest.approx(0.0)
    others = {rule.name: (hand_made(grid, [[-4.0, -4.0], [-4.0, -4.0]]),) for rule in OTHERS}
    words = calibrated_words(PhaseMapResult(PhaseMapRequest((grid,), 2, 0, FEW), (phase_map,), others, None))
    assert not lacks(words, f"price slope {slope:.2f}", "-4 if a fixed playbook follows", "-4 if the years run alone")
