"""A base policy and its corrections: what is played, and what may be a base."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.environment.wrapping import (
    FEATURES,
    HORIZON,
    Asked,
    Bits,
    chosen,
    go_on,
)

from thinmargin.baselines import BASELINES, baseline
from thinmargin.env import EcosystemEnv
from thinmargin.plans import TIME, correction
from thinmargin.tuned import tuned_policy
from thinmargin.vector import EcosystemVectorEnv
from thinmargin.wrappers import (
    History,
    Residual,
    Surprises,
    VectorResidual,
)
from thinmargin.wrappers.adapters import correction_grid


@pytest.mark.parametrize("base", [name for name in BASELINES if name != "random"])
def test_a_correction_of_zero_plays_the_base_exactly(base: str, bits: Bits) -> None:
    bare, corrected = EcosystemEnv(horizon=40), Residual(EcosystemEnv(horizon=40), base=base, bound=1.5)
    policy = baseline(base)
    observation, info = bare.reset(seed=4)
    assert bits(corrected.reset(seed=4)) == bits((observation, info))
    over = False
    while not over:
        action, _ = policy.predict(observation)
        observation, reward, terminated, truncated, info = bare.step(action)
        assert bits(corrected.step(np.zeros(4))) == bits((observation, reward, terminated, truncated, info))
        over = terminated or truncated


@pytest.mark.parametrize("base", ["plan", "plan_with_feedback", "low_margin_ecosystem"])
def test_a_batch_of_zero_corrections_earns_what_the_base_earns_in_every_world(base: str, bits: Bits) -> None:
    keys = {"world": [2**40 + k for k in range(6)]}
    bare, corrected = EcosystemVectorEnv(6), VectorResidual(EcosystemVectorEnv(6), base=base)
    policy = baseline(base)
    observations = bare.reset(seed=0, options=keys)[0]
    assert bits(corrected.reset(seed=0, options=keys)[0]) == bits(observations)
    earned, earned_corrected = np.zeros(6), np.zeros(6)
    for _ in range(180):
        step = bare.step(policy.predict(observations)[0])
        seen = corrected.step(np.zeros((6, 4), np.float32))
        assert bits(seen[:4]) == bits(step[:4])
        observations = step[0]
        earned += step[1]
        earned_corrected += seen[1]
    assert earned_corrected.tolist() == earned.tolist()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 3), st.integers(1, 70), st.integers(0, 99))
def test_feedback_answers_a_lone_firm_as_it_answers_many(rows: int, size: int, seed: int) -> None:
    feedback = tuned_policy("plan_with_feedback").feedback
    assert feedback is not None
    rng = np.random.default_rng(seed)
    gain = np.repeat(feedback.gain[:1], rows, axis=0) + 0.01 * rng.normal(size=(rows, *feedback.gain.shape[1:]))
    deviation, time = rng.normal(size=(70, gain.shape[-1])), rng.uniform(size=70)
    answers = correction(gain, deviation, time, feedback.limit)
    some = slice(70 - size, 70)
    np.testing.assert_allclose(correction(gain, deviation[some], time[some], feedback.limit), answers[some], atol=1e-15)
    alone_answer = correction(gain, deviation[:1], time[:1], feedback.limit)
    assert np.array_equal(alone_answer, correction(gain, deviation[:2], time[:2], feedback.limit)[:1])


@pytest.mark.parametrize("bound", [0.1, 0.5, 2.0, 1])
def test_an_action_is_the_base_plus_the_bounded_correction_cut_to_its_range(bound: float, bits: Bits) -> None:
    bare, corrected = EcosystemEnv(horizon=40), Residual(EcosystemEnv(horizon=40), bound=bound)
    plan = baseline("plan")
    observation = bare.reset(seed=2)[0]
    corrected.reset(seed=2)
    for wanted in chosen(corrected.action_space, 40):
        base = plan.predict(observation)[0]
        expected = np.clip(base + np.float32(bound) * np.clip(wanted, -1.0, 1.0), -1.0, 1.0)
        assert np.abs(expected - base).max() <= bound + 1e-6
        step = bare.step(expected)
        assert bits(corrected.step(wanted)) == bits(step)
        observation = step[0]
        if step[2]:
            break


@pytest.mark.parametrize("levels", [2, 3, 5])
def test_numbers_choose_from_the_grid_of_corrections(levels: int, bits: Bits) -> None:
    by_number = Residual(EcosystemEnv(), levels=levels)
    by_size = Residual(EcosystemEnv())
    assert by_number.action_space == spaces.Discrete(levels**4)
    grid = correction_grid(levels)
    assert np.unique(grid, axis=0).shape == grid.shape == (levels**4, 4)
    assert (np.abs(grid).max(), len(np.unique(grid))) == (1.0, levels)
    assert grid[1, 3] > grid[0, 3], "the last lever varies fastest"
    assert (not grid[levels**4 // 2].any()) == (levels % 2 == 1), "the middle corrects nothing, if there is one"
    by_number.reset(seed=0)
    by_size.reset(seed=0)
    for number in (0, levels**4 - 1, levels**4 // 2, 7):
        assert bits(by_number.step(number)) == bits(by_size.step(grid[number]))


def test_any_policy_can_be_corrected_and_sees_what_the_environment_shows() -> None:
    base = Asked()
    env = Residual(Surprises(History(EcosystemEnv())), base=base, bound=0.5)
    env.reset(seed=0)
    info = env.step(np.array([1.0, -1.0, 0.0, 5.0], np.float32))[4]
    assert set(base.shapes[1:]) == {(FEATURES,)}
    assert info["levers"]["asked"]["price"] == pytest.approx(0.20 + 0.40 * 0.75)
    assert info["levers"]["asked"]["accessories"] == pytest.approx(0.10 * 0.375**2)
    assert info["levers"]["asked"]["updates"] == pytest.approx(0.25 * 32 ** (1.75 / 2), rel=1e-6)
    envs = VectorResidual(EcosystemVectorEnv(2), base=base)
    envs.reset(seed=0)
    envs.step(np.zeros((2, 4)))
    assert base.shapes[-1] == (2, FEATURES)


def test_a_policy_without_anything_in_its_state_can_be_a_base() -> None:
    Residual(EcosystemEnv(), base=Asked(state=((None, None), {"inner": None})))
    with pytest.raises(ValueError, match=r"base is .* remembers"):
        Residual(EcosystemEnv(), base=Asked(state=(np.zeros(3), None)))


@pytest.mark.parametrize(
    "answer",
    [
        np.nan, np.inf, lambda _: np.zeros((2, 3)), lambda _: np.zeros(4), lambda _: [["a"] * 4] * 2,
        lambda _: np.zeros((2, 4), object),
    ],
    ids=["nan", "infinity", "three levers", "one firm", "text", "objects"],
)  # fmt: skip
def test_a_base_that_does_not_answer_with_actions_is_refused_at_once(answer: Any) -> None:
    with pytest.raises(ValueError, match=r"(?s)base answers .*finite numbers of shape \(2, 4\)"):
        Residual(EcosystemEnv(), base=Asked(answer))


def test_a_base_that_fails_later_stops_the_step_and_changes_nothing(bits: Bits) -> None:
    base = Asked(lambda seen: np.full((*seen.shape[:-1], 4), np.nan if np.max(seen[..., TIME]) > 0.2 else 0.0))
    env = Residual(EcosystemEnv(horizon=HORIZON), base=base)
    env.reset(seed=0)
    go_on(env, 3)
    before = bits(env.get_state())
    with pytest.raises(ValueError, match="base answers"):
        env.step(np.zeros(4))
    assert bits(env.get_state()) == before
