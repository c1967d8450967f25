from __future__ import annotations

import numpy as np
import pytest
from tests.agents.audit.small import QUICK, silent

from thinmargin.records import LEVERS
from thinmargin_agents.audit import levers


def test_no_corner_earns_half_of_the_best_constant() -> None:
    finding = levers.check_corners(QUICK, silent)
    assert finding.passed, finding.summary
    assert finding.measured["J_constant_best"] > 0.0
    assert len(finding.lines) == 1 + 16


@pytest.mark.parametrize(("corner", "passed"), [(50.0, True), (50.1, False), (120.0, False)])
def test_a_corner_above_half_of_the_best_constant_fails(corner: float, passed: bool) -> None:
    means = np.full(16, -5.0)
    means[3] = corner
    assert levers.judged_corners(means, 100.0).passed == passed
    assert not levers.judged_corners(means, -1.0).passed


def test_sweeps_of_the_real_levers_have_their_best_inside() -> None:
    finding = levers.check_interior(QUICK, silent)
    for lever in LEVERS:
        assert lever.low < finding.measured[f"{lever.name}_best"] < lever.high, lever.name
    assert finding.passed
    ends = [finding.measured[f"{lever.name}_{end}_end"] for lever in LEVERS for end in ("low", "high")]
    assert finding.lines[0].endswith("reached") == (max(ends) <= levers.END_SHARE)
    assert finding.measured["price_low_end"] < levers.END_SHARE
    assert finding.measured["marketing_high_end"] < levers.END_SHARE


def test_a_lever_that_is_best_at_an_end_or_does_not_matter_fails() -> None:
    hill = np.array([20.0, 80.0, 100.0, 60.0, 74.0])
    good = np.stack([hill] * 4)
    assert levers.judged_interior(good).passed
    for row, curve in (
        (0, [20.0, 80.0, 90.0, 95.0, 100.0]),
        (1, [100.0, 90.0, 80.0, 60.0, 50.0]),
        (3, [100.0] * 5),
    ):
        bad = good.copy()
        bad[row] = curve
        finding = levers.judged_interior(bad)
        assert not finding.passed
        assert LEVERS[row].name in finding.summary
    assert not levers.judged_interior(-good).passed


def test_an_end_that_earns_over_three_quarters_misses_the_goal_and_is_named() -> None:
    hill = np.array([20.0, 80.0, 100.0, 60.0, 74.0])
    assert "reached" in levers.judged_interior(np.stack([hill] * 4)).lines[0]
    flat = np.stack([hill, hill, hill, [76.0, 80.0, 100.0, 60.0, 50.0]])
    assert "updates: 76 % at 0.25" in levers.judged_interior(flat).lines[0]
