from __future__ import annotations

import numpy as np
import pytest
from tests.agents.audit.small import QUICK, silent

from thinmargin_agents.audit import ranking
from thinmargin_agents.audit.entrants import built_in


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([1, 2, 3, 4, 5], [10, 20, 30, 40, 900], 1.0),
        ([1, 2, 3, 4, 5], [5, 4, 3, 2, 1], -1.0),
        ([1, 2, 3, 4, 5], [2, 1, 4, 3, 5], 0.8),  # 1 - 6 * 4 / (5 * 24)
        ([1, 1, 2, 2], [1, 1, 2, 2], 1.0),
    ],
)
def test_rank_correlation_by_hand(one: list[float], other: list[float], expected: float) -> None:
    assert ranking.spearman(np.array(one, float), np.array(other, float)) == pytest.approx(expected)


def test_rank_correlation_of_values_without_an_order_is_no_number() -> None:
    assert np.isnan(ranking.spearman(np.ones(4), np.arange(4.0)))


@pytest.mark.slow
def test_the_order_of_policies_hardly_changes_with_the_horizon() -> None:
    finding = ranking.check_stable(QUICK, silent)
    assert finding.measured["policies"] >= 40
    assert finding.passed, finding.summary
    assert sum("plan" in line for line in finding.lines) >= 1
    assert len(finding.lines) == 1 + 1 + 10


def test_an_order_that_changes_with_the_horizon_fails() -> None:
    names = [str(number) for number in range(40)]
    values = np.arange(40.0)
    shuffled = np.random.default_rng(0).permutation(values)
    assert ranking.judged_stable(names, {180: values, 204: values + 1.0, 240: values * 2.0}).passed
    assert not ranking.judged_stable(names, {180: values, 204: shuffled, 240: values}).passed
    assert not ranking.judged_stable(names, {180: values, 204: values, 240: shuffled}).passed
    assert not ranking.judged_stable(names, {180: values, 204: values, 240: np.zeros(40)}).passed


def test_only_who_dies_later_and_larger_earns_less_than_who_dies_at_once() -> None:
    finding = ranking.check_last(QUICK, silent)
    assert finding.measured["policies"] == len(built_in()) + 15 + ranking.CONSTANTS
    assert finding.measured["J_die_now"] < 0.0
    assert finding.measured["built_in_that_earn_less"] == 0.0
    assert finding.passed


def test_dying_at_once_must_earn_least() -> None:
    corner, sampled = "(-1.00, -1.00, -1.00, +1.00)", "(+0.10, +0.20, +0.30, +0.40)"
    half = np.array([True, True, False, False])
    values = {"do_nothing": np.full(4, -5.0), "premium": np.full(4, 20.0), corner: np.full(4, -4.0)}
    dead = {"do_nothing": half | True, "premium": half & False, corner: half}
    assert ranking.judged_last(values, dead).passed
    for least in (-5.0, -6.0, float("nan")):
        finding = ranking.judged_last(values | {corner: np.full(4, least)}, dead)
        assert not finding.passed
        assert finding.measured["earn_less"] == finding.measured["corners_that_earn_less"] == 1.0
        assert finding.measured["least_bankrupt_share_of_those"] == 0.5
    with_premium = ranking.judged_last(values | {"premium": np.full(4, -9.0)}, dead)
    assert with_premium.measured["built_in_that_earn_less"] == 1.0
    assert not with_premium.passed
    borrowed = values | {sampled: np.array([-30.0, -30.0, -4.0, -4.0])}
    finding = ranking.judged_last(borrowed, dead | {sampled: half})
    assert finding.passed
    assert finding.measured["least_gain_while_living_of_those"] == 1.0
    assert ranking.judged_last(values | {sampled: np.full(4, -9.0)}, dead | {sampled: half | True}).passed
    assert not ranking.judged_last(
        values | {sampled: np.array([-4.0, -4.0, -30.0, -30.0])}, dead | {sampled: half}
    ).passed
