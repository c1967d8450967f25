"""The summary of a policy, from results with easy numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from thinmargin_agents.play.outcome import YEARLY
from thinmargin_agents.scoring.comparison import REFERENCE, Result, anchors_of, report_of, summary_of, yearly_means
from thinmargin_agents.scoring.score import FORESIGHT, TUNED, Anchors


def result(name: str, value: list[list[float]], **changed: Any) -> Result:
    """A result of as many seeds as there are rows; a quarter of its value is profit of the years."""
    numbers = np.array(value)
    fields = {
        "name": name, "members": tuple(f"{name}/{k}" for k in range(len(value))), "seeds": tuple(range(len(value))),
        "value": numbers, "profit_part": 0.25 * numbers, "closing_part": 0.75 * numbers,
        "bankrupt": numbers < 0.0, "months": np.full(numbers.shape, 180), "saturation": {"price": 0.1},
        "yearly": {"year": [2012.0]}, "tracks": {}, "lines": {}, "keys": np.arange(numbers.shape[1]),
        "under": {"own_levers": numbers, "playbook": 2.0 * numbers, "years": 0.25 * numbers},
    }  # fmt: skip
    return Result(**{**fields, **changed})


def test_years_are_means_over_the_worlds_that_are_still_in_business() -> None:
    played = np.array([[1.0, 3.0, 5.0], [2.0, np.nan, 4.0], [np.nan, np.nan, np.nan]])
    means = yearly_means({YEARLY[0]: played, "sales": 10.0 * played})
    assert means["year"] == [2012.0, 2013.0, 2014.0]
    assert means["in_business"] == pytest.approx([1.0, 2 / 3, 0.0])
    assert means["sales"][:2] == pytest.approx([30.0, 30.0])
    assert math.isnan(means["sales"][2])


@pytest.mark.usefixtures("intervals_of_few")
def test_the_summary_of_two_seeds_by_hand() -> None:
    value = [[float(k) for k in range(101)], [float(k) for k in range(100, 201)]]
    value[0][0] = -50.0
    cheap = result(REFERENCE, [[10.0] * 101])
    summary = summary_of(result("mine", value), [cheap], None, 3)
    assert summary["J_mean"] == pytest.approx((5050.0 - 50.0 + 15150.0) / 202.0)
    assert summary["J_by_seed"] == pytest.approx([5000.0 / 101.0, 150.0])
    assert summary["J_iqm"] == pytest.approx(100.0)
    assert list(summary["percentiles"]) == ["5", "50", "95"]
    assert list(summary["percentiles"].values()) == pytest.approx(np.percentile(value, [5, 50, 95]))
    assert summary["bankrupt_share"] == pytest.approx(1 / 202)
    assert summary["months_mean"] == 180.0
    assert summary["profit_part"] == pytest.approx(0.25 * summary["J_mean"])
    assert summary["closing_part"] == pytest.approx(0.75 * summary["J_mean"])
    assert summary["seeds"] == [0, 1]
    assert summary["J_ci95_seeds"] == pytest.approx([5000.0 / 101.0, 150.0]), "of two, either or both"
    low, high = summary["J_ci95_worlds"]
    assert 80.0 < low < summary["J_mean"] < high < 120.0
    assert summary["J_ci95"][0] < low < high < summary["J_ci95"][1]
    gap = summary["vs"][REFERENCE]
    assert gap["diff_mean"] == pytest.approx(summary["J_mean"] - 10.0)
    assert gap["p_improve"] == pytest.approx((90.0 + 0.5 + 101.0) / 202.0)
    assert summary["closing_rules"]["years"]["diff_mean"] == pytest.approx(0.25 * (summary["J_mean"] - 10.0))
    assert summary["score"] is None


def test_one_seed_has_no_interval_over_seeds_and_a_baseline_none_to_itself() -> None:
    cheap, other = result(REFERENCE, [[1.0, 2.0]]), result("other", [[2.0, 2.5]])
    summary = summary_of(cheap, [cheap, other], None, 0)
    assert summary["J_ci95_seeds"] is None
    assert list(summary["vs"]) == ["other"]
    assert summary["vs"]["other"]["diff_mean"] == -0.75
    assert summary["closing_rules"]["years"]["diff_mean"] is None


def test_anchors_are_the_tuned_rule_and_the_best_known_plans() -> None:
    tuned, best = result(TUNED, [[1.0, 2.0]]), result(FORESIGHT, [[3.0, 6.0]])
    anchors = anchors_of([best, tuned])
    assert anchors is not None
    assert (anchors.tuned.tolist(), anchors.best.tolist()) == ([1.0, 2.0], [3.0, 6.0])
    assert anchors_of([best]) is anchors_of([tuned]) is None
    summary = summary_of(result("mine", [[2.0, 4.0]]), [], Anchors(anchors.tuned, anchors.best), 0)
    assert summary["score"] == 50.0


def report(*results: Result, **words: Any) -> dict[str, Any]:
    return report_of(
        results, environment="E", split="test", seed=0, command="c", closing="own_levers", stress={}, failures={},
        **words,
    )  # fmt: skip


def test_the_report_is_ordered_by_value_and_says_why_there_is_no_score() -> None:
    tuned, best, mine = result(TUNED, [[1.0, 2.0]]), result(FORESIGHT, [[3.0, 2.0]]), result("mine", [[2.0, 2.0]])
    whole = report(tuned, best, mine, foresight={"effort": 1})
    assert list(whole["policies"]) == [FORESIGHT, "mine", TUNED]
    assert whole["note"] is None
    assert (whole["worlds"], whole["stress_worlds"]) == (2, 0)
    assert whole["foresight"] == {"effort": 1, "worlds_without_gap": 1}
    assert list(whole["profile"]["policies"]) == [FORESIGHT, "mine", TUNED]
    assert list(whole["policies"]["mine"]["vs"]) == [TUNED]
    lacking = report(tuned, mine)
    assert lacking["profile"] is None
    assert FORESIGHT in lacking["note"]
    assert TUNED not in lacking["note"]
    assert report(tuned, mine, note="no plans")["note"] == "no plans"
    equal = report(tuned, result(FORESIGHT, [[1.0, 2.0]]), mine)
    assert equal["profile"] is None
    assert "no more than" in equal["note"]
