"""The summary of the stress worlds, from results with easy numbers."""

from __future__ import annotations

import numpy as np
import pytest

from thinmargin_agents.judging.stress import stress_summary
from thinmargin_agents.scoring.comparison import Result
from thinmargin_agents.scoring.score import TUNED


def result(name: str, value: list[float], bankrupt: list[bool] | None = None) -> Result:
    """A result of one policy; half of its value is profit of the years, half the closing value."""
    numbers = np.array([value])
    return Result(
        name=name, members=(name,), seeds=(), value=numbers, profit_part=0.25 * numbers, closing_part=0.75 * numbers,
        bankrupt=np.array([bankrupt or [False] * len(value)]), months=np.full(numbers.shape, 180), saturation={},
        yearly={}, tracks={}, lines={}, keys=np.arange(len(value)), under={"years": numbers},
    )  # fmt: skip


@pytest.mark.usefixtures("intervals_of_few")
def test_the_best_comes_first_and_what_is_kept_is_of_the_same_worlds() -> None:
    benchmark = [result("a", [4.0, 6.0, 100.0]), result(TUNED, [2.0, 2.0, 100.0]), result("b", [0.0, 0.0, 9.0])]
    played = [result("b", [1.0, 3.0], [True, False]), result(TUNED, [1.0, 1.0]), result("a", [4.0, 5.0])]
    summary = stress_summary({"price_war": played}, benchmark, 0)["price_war"]
    assert list(summary) == ["a", "b", TUNED]
    assert summary["a"]["J_mean"] == 4.5
    assert summary["a"]["J_benchmark"] == 5.0, "of the first two worlds of three"
    assert summary["a"]["kept"] == pytest.approx(0.9)
    assert summary["b"]["kept"] is None, "nothing was earned there"
    assert summary["b"]["bankrupt_share"] == 0.5
    assert (summary["b"]["profit_part"], summary["b"]["closing_part"]) == (0.5, 1.5)
    assert summary["a"]["diff_mean"] == 3.5
    assert summary["a"]["diff_ci95"] == [3.0, 4.0]
    assert summary["a"]["p_improve"] == 1.0
    assert summary["a"]["closing_rules"]["years"]["diff_mean"] == 3.5
    assert summary[TUNED]["diff_mean"] is summary[TUNED]["diff_ci95"] is summary[TUNED]["p_improve"] is None
    assert summary[TUNED]["closing_rules"]["years"]["diff_mean"] is None


def test_without_the_tuned_rule_there_is_nothing_to_compare_with() -> None:
    summary = stress_summary({"price_war": [result("a", [4.0, 5.0])]}, [result("a", [4.0, 6.0])], 0)["price_war"]
    assert summary["a"]["diff_mean"] is None
    assert summary["a"]["kept"] == 0.9


@pytest.mark.parametrize(("earned", "kept"), [(0.05, 2.0), (0.0, None), (-0.05, None)])
def test_what_is_kept_is_a_share_of_anything_above_zero(earned: float, kept: float | None) -> None:
    summary = stress_summary({"price_war": [result("a", [0.1])]}, [result("a", [earned])], 0)
    assert summary["price_war"]["a"]["kept"] == kept
