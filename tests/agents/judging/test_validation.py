"""Judging on validation worlds while an agent learns: J, the difference to the baseline, the score."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.messages import lacks

from thinmargin.baselines import baseline
from thinmargin.batch import Batch
from thinmargin.splits import KEYS
from thinmargin_agents.foresight import plan_files
from thinmargin_agents.foresight.plan_files import known_plans
from thinmargin_agents.judging.validation import Judge
from thinmargin_agents.monitoring.judgement import Judgement
from thinmargin_agents.monitoring.tags import EVAL, SCORE, VALIDATION, values_of
from thinmargin_agents.play.errors import PolicyError
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.scoring import score
from thinmargin_agents.scoring.statistics import interquartile_mean

WORLDS = 12
KEYS_PLAYED = KEYS["validation"][:WORLDS]


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge({"reward": "shaped"}, WORLDS)


@pytest.fixture(scope="module")
def plan(judge: Judge) -> Judgement:
    return judge.judge(baseline("plan"))


def test_validation_prices_a_firm_by_the_scored_rule_alone(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Batch, "closing_values", pytest.fail)
    assert judge.judge(baseline("premium")).closing_part > 0.0


def test_the_tuned_rule_scores_0_and_the_best_known_plans_score_100(judge: Judge) -> None:
    rule = judge.judge(baseline("low_margin_tuned"))
    assert (rule.score, rule.score_low, rule.score_high, rule.score_iqm) == (0.0, 0.0, 0.0, 0.0)
    plans = known_plans("benchmark", KEYS_PLAYED)
    assert plans is not None
    best = judge.judge(plans.policy)
    for value in (best.score, best.score_low, best.score_high, best.score_iqm):
        assert value == pytest.approx(100.0, abs=1e-6)


def test_the_score_is_that_of_the_evaluation(judge: Judge, plan: Judgement) -> None:
    value = {name: play_worlds(baseline(name), KEYS_PLAYED).value for name in ("plan", "low_margin_tuned")}
    plans = known_plans("benchmark", KEYS_PLAYED)
    assert plans is not None
    anchors = score.Anchors(value["low_margin_tuned"], plans.value)
    assert plan.score == pytest.approx(score.score(value["plan"][None], anchors), rel=1e-12)
    assert plan.score_iqm == pytest.approx(
        interquartile_mean(score.world_scores(value["plan"][None], anchors).ravel()), rel=1e-12
    )
    assert value["plan"].mean() == pytest.approx(plan.J, rel=1e-12)
    assert plan.profit_part + plan.closing_part == pytest.approx(plan.J, rel=1e-9)
    assert judge.no_score == ""


def test_the_difference_is_what_a_policy_earns_more_than_the_baseline(judge: Judge, plan: Judgement) -> None:
    value = {name: play_worlds(baseline(name), KEYS_PLAYED).value for name in ("plan", "low_margin_ecosystem")}
    assert plan.difference == pytest.approx(float(np.mean(value["plan"] - value["low_margin_ecosystem"])), rel=1e-9)
    assert plan.difference > 0.0
    assert judge.judge(baseline("do_nothing")).difference < 0.0


def test_intervals_hold_what_they_are_of(plan: Judgement) -> None:
    assert plan.score is not None
    assert plan.score_low is not None
    assert plan.score_high is not None
    assert plan.score_low < plan.score < plan.score_high
    assert plan.low < plan.difference < plan.high
    assert plan.score_in_words == f"score {plan.score:.1f} [{plan.score_low:.1f}, {plan.score_high:.1f}]"


def test_mean_value_orders_policies_as_the_score_does(judge: Judge) -> None:
    names = ("low_margin_ecosystem", "low_margin_tuned", "plan", "plan_with_feedback", "do_nothing")
    judged = [judge.judge(baseline(name)) for name in names]
    by_value = sorted(judged, key=lambda one: one.J)
    assert by_value == sorted(judged, key=lambda one: one.score or 0.0)
    assert judged[-1].bankrupt_share == 1.0


def test_every_number_has_its_tag(plan: Judgement) -> None:
    metrics = values_of(VALIDATION, plan)
    assert set(metrics) == {tag.name for tag in (*SCORE, *EVAL)}
    assert metrics["score/score"] == plan.score
    assert metrics["eval/over_baseline_low"] == plan.low
    assert metrics["eval/saturation_price"] == plan.saturation["price"]


@pytest.mark.parametrize(
    ("arguments", "worlds"),
    [({"horizon": 6}, 10), ({"worlds": "calibrated", "horizon": 6}, 10), ({"closing": "none", "horizon": 6}, 10)],
)
def test_without_best_known_plans_there_is_no_score(arguments: dict[str, Any], worlds: int) -> None:
    other = Judge(arguments, worlds)
    judgement = other.judge(baseline("premium"))
    assert other.anchors is None
    assert not lacks(other.no_score, "the best plans of these worlds", "not known")
    assert judgement.score is judgement.score_low is judgement.score_high is judgement.score_iqm is None
    assert judgement.score_in_words == ""
    assert set(values_of(VALIDATION, judgement)) == {tag.name for tag in EVAL}


def test_more_worlds_than_plans_are_known_of_give_no_score() -> None:
    judge = Judge({}, 257)
    assert judge.anchors is None
    assert len(judge.baseline.value) == 257


def test_damaged_plans_are_reported_and_leave_the_rest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "benchmark_validation.npz").write_bytes(b"nothing")
    monkeypatch.setattr(plan_files, "FOLDER", tmp_path)
    other = Judge({}, 2)
    assert other.anchors is None
    assert "benchmark_validation.npz cannot be read" in other.no_score


def test_a_grid_is_played_by_its_numbers_and_judged_against_the_same_baseline() -> None:
    class First:
        def predict(self, observation: Any, state: Any = None, *_: Any, **__: Any) -> Any:
            return np.zeros(len(observation), np.int64), state

    plain, grid = Judge({"horizon": 6}, 3), Judge({"horizon": 6, "discrete": True}, 3)
    assert np.array_equal(plain.baseline.value, grid.baseline.value)
    assert np.isfinite(grid.judge(First()).J)
    with pytest.raises(PolicyError, match="shape"):
        plain.judge(First())
