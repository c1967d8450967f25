from __future__ import annotations

import numpy as np
import pytest
from tests.messages import naming

from thinmargin import MONTHLY_DISCOUNT
from thinmargin.baselines import baseline
from thinmargin.plans import between
from thinmargin.settings import Settings
from thinmargin.splits import KEYS
from thinmargin_agents.play.candidates import REWARD_UNIT, Candidates, play_rows
from thinmargin_agents.play.rollout import play_worlds

WORLDS = KEYS["validation"][:6]


def test_candidates_earn_what_a_rollout_of_the_same_policy_says() -> None:
    names = ("constant_best", "plan", "do_nothing")
    policies = [baseline(name) for name in names]
    table = np.zeros((3, 11, 4))
    for row, policy in enumerate(policies):
        knots = getattr(policy, "knots", None)
        table[row] = policy.action if knots is None else knots
    earned = Candidates(WORLDS, 3).plans(table)
    for row, (name, policy) in enumerate(zip(names, policies, strict=True)):
        outcome = play_worlds(policy, WORLDS)
        np.testing.assert_allclose(earned.value[row], outcome.value, rtol=1e-4, err_msg=name)
        np.testing.assert_allclose(earned.closing[row], outcome.closing_part, rtol=1e-4, err_msg=name)
        np.testing.assert_array_equal(earned.bankrupt[row], outcome.bankrupt)


def test_a_policy_that_looks_earns_what_its_rollout_says() -> None:
    policy = baseline("plan_with_feedback")
    earned = Candidates(WORLDS, 1).play(lambda seen, _: policy.predict(seen[0])[0][None])
    np.testing.assert_allclose(earned.value[0], play_worlds(policy, WORLDS).value, rtol=1e-9)


@pytest.mark.parametrize("first", [1, 60, 179])
def test_what_is_left_of_a_play_earns_what_the_whole_play_lacks(first: int) -> None:
    batch, rest = (Settings().batch(len(WORLDS)) for _ in range(2))
    for each in (batch, rest):
        each.draw(np.arange(len(WORLDS)), Settings().family(), WORLDS)
        each.begin(np.arange(len(WORLDS)))
    tables = np.random.default_rng(0).uniform(-0.6, 0.2, (180, len(WORLDS), 4))
    earned = np.zeros(len(WORLDS))

    def actions(month: int) -> np.ndarray:
        if 0 < month <= first:
            earned[:] += REWARD_UNIT * MONTHLY_DISCOUNT ** (month - 1) * batch.rewards
        if month == first:
            rest.states[...], rest.reports[...] = batch.states, batch.reports
        return tables[month]

    whole = play_rows(batch, actions)
    assert not whole.bankrupt.any()
    left = play_rows(rest, lambda month: tables[month], first=first)
    np.testing.assert_allclose(earned + left.value, whole.value, rtol=1e-12)
    np.testing.assert_array_equal(left.closing, whole.closing)


def test_every_candidate_meets_the_same_worlds_also_after_new_ones_are_drawn() -> None:
    candidates = Candidates(WORLDS, 2)
    knots = np.full((2, 1, 4), -0.2)
    first = candidates.plans(knots).value
    np.testing.assert_array_equal(first[0], first[1])
    candidates.draw(KEYS["validation"][6:12])
    other = candidates.plans(knots).value
    np.testing.assert_array_equal(other[0], other[1])
    assert not np.allclose(first, other)
    np.testing.assert_array_equal(other, Candidates(KEYS["validation"][6:12], 2).plans(knots).value)
    with pytest.raises(ValueError, match=naming("keys", "length 5", "must be 6")):
        candidates.draw(KEYS["validation"][:5])


def test_the_share_of_the_episode_given_is_that_of_the_horizon() -> None:
    times = []

    def answer(_: np.ndarray, time: float) -> np.ndarray:
        times.append(time)
        return between(np.zeros((1, 4)), [time])

    Candidates(WORLDS, 1, Settings(horizon=24)).play(answer)
    np.testing.assert_allclose(times, np.arange(24) / 24)


def test_owners_who_cannot_wait_value_the_same_firm_less() -> None:
    knots = baseline("constant_best").knots[None]
    values = [
        Candidates(WORLDS, 1, Settings(worlds="calibrated", parameters={"discount_rate": rate}))
        .plans(knots)
        .value.mean()
        for rate in (0.05, 0.10, 0.20)
    ]
    assert values[0] > 1.3 * values[1] > 1.3 * 1.3 * values[2]
