from __future__ import annotations

import numpy as np
import pytest

from thinmargin_agents.scoring.score import (
    THRESHOLDS,
    Anchors,
    score,
    score_interval,
    score_profile,
    score_summary,
    world_scores,
)

ANCHORS = Anchors(tuned=np.array([10.0, 20.0, 30.0, 40.0]), best=np.array([20.0, 40.0, 60.0, 80.0]))
VALUE = np.array([[15.0, 20.0, 60.0, 30.0]])  # 50, 0, 100 and -25 percent of the gaps 10, 20, 30, 40


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_score_is_a_ratio_of_mean_gaps() -> None:
    assert score(VALUE, ANCHORS) == pytest.approx(100.0 * (5 + 0 + 30 - 10) / (10 + 20 + 30 + 40))
    assert world_scores(VALUE, ANCHORS).tolist() == [[50.0, 0.0, 100.0, -25.0]]
    assert score_summary(VALUE, ANCHORS, 0)["score_iqm"] == pytest.approx(25.0)  # the middle two of the four


@pytest.mark.usefixtures("intervals_of_few")
def test_anchors_score_0_and_100_without_doubt() -> None:
    for value, expected in ((ANCHORS.tuned, 0.0), (ANCHORS.best, 100.0)):
        summary = score_summary(value[None], ANCHORS, 0)
        assert summary["score"] == summary["score_iqm"] == expected
        assert summary["score_ci95"] == pytest.approx([expected, expected])
        assert summary["score_iqm_ci95"] == pytest.approx([expected, expected])
        assert summary["beats_best_known"] == 0


def test_a_resample_holds_the_same_worlds_for_the_policy_and_both_anchors() -> None:
    worlds = rng(3).normal(scale=1000.0, size=40)  # luck that all three share
    anchors = Anchors(worlds, worlds + 50.0)
    assert score_interval((worlds + 20.0)[None], anchors, rng()) == pytest.approx((40.0, 40.0))


def test_interval_of_two_worlds_by_hand() -> None:
    # Gaps 10 and 30, of which 10 and 0 are closed: 100, 25 (both worlds) and 0 with chances 1/4, 1/2, 1/4.
    anchors = Anchors(np.zeros(2), np.array([10.0, 30.0]))
    value = np.array([[10.0, 0.0]])
    assert score_interval(value, anchors, rng()) == (0.0, 100.0)
    assert score(value, anchors) == 25.0


@pytest.mark.usefixtures("intervals_of_few")
def test_seeds_and_worlds_have_intervals_of_their_own() -> None:
    anchors = Anchors(np.zeros(3), np.full(3, 10.0))
    summary = score_summary(np.array([[0.0, 1.0, 2.0], [4.0, 5.0, 6.0]]), anchors, 0)
    assert summary["score_by_seed"] == pytest.approx([10.0, 50.0])
    assert summary["score_ci95_seeds"] == pytest.approx([10.0, 50.0])
    assert summary["score_ci95_worlds"] == pytest.approx([20.0, 40.0])
    assert summary["score_ci95"] == pytest.approx([0.0, 60.0], abs=4.0)
    assert score_summary(VALUE, ANCHORS, 0)["score_ci95_seeds"] is None


@pytest.mark.usefixtures("intervals_of_few")
def test_a_world_without_a_gap_is_left_out_of_the_iqm_only() -> None:
    anchors = Anchors(np.array([10.0, 10.0, 10.0]), np.array([20.0, 10.0, 10.0 + 1e-12]))
    summary = score_summary(np.array([[15.0, 4.0, 10.0]]), anchors, 0)
    assert anchors.has_gap.tolist() == [True, False, False]
    assert summary["score_iqm"] == pytest.approx(50.0)
    assert summary["score"] == pytest.approx(100.0 * (5.0 - 6.0) / 10.0)
    assert all(np.isfinite(summary["score_ci95"]))  # resamples without a gap are left out


def test_without_anchors_or_gap_there_is_no_score() -> None:
    same = Anchors(np.array([10.0, 20.0]), np.array([10.0, 20.0]))
    for anchors in (None, same):
        summary = score_summary(np.array([[15.0, 20.0]]), anchors, 0)
        assert summary["score"] is summary["score_ci95"] is summary["score_iqm"] is summary["beats_best_known"] is None
        assert set(summary) == set(score_summary(VALUE, ANCHORS, 0))


def test_worlds_in_which_the_best_known_is_beaten_are_counted() -> None:
    assert score_summary(np.array([[25.0, 20.0, 60.0, 81.0]]), ANCHORS, 0)["beats_best_known"] == 2
    seeds = np.array([[25.0, 20.0, 0.0, 0.0], [18.0, 20.0, 0.0, 0.0]])  # the mean of the seeds, 21.5, beats 20
    assert score_summary(seeds, ANCHORS, 0)["beats_best_known"] == 1


def test_profile_is_the_share_of_worlds_above_each_threshold() -> None:
    profile = score_profile(VALUE, ANCHORS, 0)
    share = dict(zip(THRESHOLDS, profile["share"], strict=True))
    assert (share[-100], share[-25], share[0], share[45], share[95], share[100]) == (1.0, 0.75, 0.5, 0.5, 0.25, 0.0)
    for low, middle, high in zip(profile["low"], profile["share"], profile["high"], strict=True):
        assert low <= middle <= high
