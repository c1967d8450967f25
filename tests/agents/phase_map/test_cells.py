from __future__ import annotations

import pytest
from tests.agents.phase_map.small import FEW

from thinmargin.parameters import Parameters
from thinmargin.splits import KEYS
from thinmargin_agents.phase_map.cells import GRIDS, Place
from thinmargin_agents.phase_map.results import SCORED_RULE, PhaseMapRequest
from thinmargin_agents.scoring.closing_rules import CLOSING_RULES


def test_a_place_changes_what_it_names() -> None:
    usual = Parameters()
    assert Place(4.2).parameters() == {
        "price_slope": 4.2,
        "services_ceiling": usual.services_ceiling,
        "discount_rate": usual.discount_rate,
    }
    double = Place(services=2.0).parameters()["services_ceiling"]
    assert double == pytest.approx([2.0 * ceiling for ceiling in usual.services_ceiling])
    patience = GRIDS["patience"]
    assert {place.discount_rate for place in patience.places()} == set(patience.rows)
    assert len(list(patience.places())) == 25
    assert [patience.label(0.35), GRIDS["services"].label(0.25)] == ["35 %", "0.25x"]


def test_maps_share_the_row_of_the_calibrated_firm() -> None:
    both = PhaseMapRequest(tuple(GRIDS.values()), 4, 7, FEW)
    cells, worlds = both.cell_cases(SCORED_RULE), both.hidden_cases(SCORED_RULE)
    assert (len(cells), len(worlds)) == (45, 7)
    assert both.tasks == 3 * 52
    assert PhaseMapRequest((GRIDS["patience"],), 4, 7, FEW, judge=True).hidden_cases(SCORED_RULE) == []
    assert PhaseMapRequest((GRIDS["patience"],), 4, 7, FEW, judge=True).tasks == 3 * 25
    assert all(key in KEYS["validation"] for case in (*cells, *worlds) for key in case.keys)


def test_only_the_scored_rule_looks_for_a_middle_margin() -> None:
    request = PhaseMapRequest((GRIDS["services"],), 1, 1, FEW)
    for rule in CLOSING_RULES.values():
        for case in (*request.cell_cases(rule), *request.hidden_cases(rule)):
            assert case.closing == rule.closing
            assert ("middle" in case.ranges) == (rule == SCORED_RULE)
