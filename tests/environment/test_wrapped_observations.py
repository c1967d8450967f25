"""Surprises, changes, and every wrapper together: alone, in a batch, in any order."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers.vector import RecordEpisodeStatistics
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.environment.wrapping import (
    ENVS,
    FEATURES,
    HISTORY,
    HORIZON,
    RESIDUAL,
    SCALED,
    SURPRISES,
    TIGHT,
    WRAPPED,
    Bits,
    alone,
    chosen,
    together,
)

from thinmargin.baselines import baseline
from thinmargin.env import EcosystemEnv
from thinmargin.plans import FEATURE_NAMES, REACH, TIME, correction
from thinmargin.tuned import tuned_policy
from thinmargin.vector import EcosystemVectorEnv
from thinmargin.wrappers import (
    History,
    Residual,
    ScaledReward,
    Surprises,
    VectorResidual,
    VectorScaledReward,
)
from thinmargin.wrappers.adapters import HistoryAdapter

# Surprises and history


def test_surprises_are_what_the_feedback_of_the_plan_looks_at() -> None:
    feedback = tuned_policy("plan_with_feedback").feedback
    assert feedback is not None
    surprise = feedback.surprise
    env, bare = Surprises(EcosystemEnv(horizon=60)), EcosystemEnv(horizon=60)
    seen, observation = env.reset(seed=3)[0], bare.reset(seed=3)[0]
    columns = [FEATURE_NAMES.index(name) for name in surprise.features]
    policy, plan = baseline("plan_with_feedback"), tuned_policy("plan_with_feedback").knots
    for action in chosen(env.action_space, 60):
        assert seen.dtype == np.float32
        assert np.array_equal(seen[:FEATURES], observation)
        at = np.linspace(0.0, 1.0, len(surprise.centre))
        expected = [np.interp(observation[TIME], at, surprise.centre[:, k]) for k in range(len(columns))]
        deviation = np.clip((observation[columns] - expected) / surprise.scale, -REACH, REACH)
        np.testing.assert_allclose(seen[FEATURES:], deviation, atol=1e-5)
        time = observation[None, TIME].astype(np.float64)
        answer = correction(feedback.gain, seen[None, FEATURES:].astype(np.float64), time, feedback.limit)[0]
        base = [np.interp(observation[TIME], np.linspace(0.0, 1.0, len(plan)), plan[:, k]) for k in range(4)]
        np.testing.assert_allclose(policy.predict(observation)[0], np.clip(base + answer, -1, 1), atol=1e-5)
        seen, observation = env.step(action)[0], bare.step(action)[0]
        if not bare.get_state()["running"]:
            break


LAGS = st.lists(st.integers(1, 20), min_size=1, max_size=4, unique=True)


@settings(max_examples=25, deadline=None)
@given(LAGS, st.integers(1, 15), st.integers(0, 10))
def test_changes_are_since_so_many_months_ago_or_since_the_episode_began(
    lags: list[int], horizon: int, seed: int
) -> None:
    env = History(EcosystemEnv(horizon=horizon), lags=lags)
    past: list[Any] = []
    seen, over = env.reset(seed=seed)[0], False
    for action in [None, *chosen(env.action_space, 32, seed)]:
        if action is not None:
            seen, _, terminated, truncated, _ = env.step(action)
            over = terminated or truncated
        past.append(seen[:FEATURES])
        changes = [past[-1] - past[max(len(past) - 1 - lag, 0)] for lag in lags]
        assert np.array_equal(seen, np.concatenate([past[-1], *changes]))
        assert seen in env.observation_space
        if over:
            seen, past, over = env.reset()[0], [], False
            past.append(seen[:FEATURES])
            assert not seen[FEATURES:].any()


@settings(max_examples=40, deadline=None)
@given(LAGS, st.data())
def test_what_is_remembered_belongs_to_each_firm_alone(lags: list[int], data: st.DataObject) -> None:
    adapter = HistoryAdapter(lags)
    rng = np.random.default_rng(0)
    memory, alone_memories = None, [None] * ENVS
    starts = np.ones(ENVS, np.bool_)
    for _ in range(data.draw(st.integers(1, 25))):
        observations = rng.normal(size=(ENVS, 6)).astype(np.float32)
        given_memory = None if memory is None else memory.copy()
        kept = memory
        memory, seen = adapter.observe(memory, observations, starts)
        assert memory is not None
        assert memory.shape == adapter.memory_shape(ENVS, 6)
        assert kept is None or np.array_equal(kept, given_memory), "what was handed in is not changed"
        for row in range(ENVS):
            alone_memories[row], own = adapter.observe(
                alone_memories[row], observations[row : row + 1], starts[row : row + 1]
            )
            assert np.array_equal(own[0], seen[row])
        starts = np.array(data.draw(st.lists(st.booleans(), min_size=ENVS, max_size=ENVS)))


def test_history_and_surprises_stand_in_the_order_of_the_wrappers() -> None:
    surprises = len(tuned_policy("plan_with_feedback").feedback.surprise.features)  # type: ignore[union-attr]  # it has
    inner = History(Surprises(EcosystemEnv()), lags=[1])
    assert inner.observation_space.shape == (2 * (FEATURES + surprises),)
    outer = Surprises(History(EcosystemEnv(), lags=[1]))
    assert outer.observation_space.shape == (2 * FEATURES + surprises,)
    inner.reset(seed=0)
    outer.reset(seed=0)
    for action in chosen(inner.action_space, 3):
        one, other = inner.step(action)[0], outer.step(action)[0]
    changes, more = np.split(one[FEATURES + surprises :], [FEATURES])
    assert np.array_equal(other, np.concatenate([one[:FEATURES], changes, one[FEATURES : FEATURES + surprises]]))
    assert more.any(), "surprises have changed too"


# Together


@pytest.mark.parametrize("order", list(itertools.permutations([RESIDUAL, SURPRISES, HISTORY, SCALED])), ids=str)
def test_wrappers_compose_in_any_order(order: tuple[Any, ...], bits: Bits) -> None:
    env: Any = EcosystemEnv(horizon=HORIZON)
    envs: Any = EcosystemVectorEnv(1, horizon=HORIZON)
    for one, many in order:
        env, envs = one(env), many(envs)
    plain = Residual(EcosystemEnv(horizon=HORIZON))
    plain.reset(seed=5)
    seen, batch = env.reset(seed=5)[0], envs.reset(seed=5)[0]
    for action in chosen(env.action_space, HORIZON):
        assert bits(batch[0]) == bits(seen)
        assert seen in env.observation_space
        seen, reward, over, _, info = env.step(action)
        batch = envs.step(action[None])[0]
        observation, paid, _, _, told = plain.step(action)
        assert np.array_equal(seen[:FEATURES], observation)
        assert reward == 0.1 * float(paid)
        assert bits(info) == bits(told)
        if over:
            break


@pytest.mark.parametrize("factor", [0.1, 3, 1e-6])
def test_rewards_are_scaled_and_their_terms_are_not(factor: float) -> None:
    env, bare = ScaledReward(EcosystemEnv(horizon=4), factor), EcosystemEnv(horizon=4)
    env.reset(seed=0)
    bare.reset(seed=0)
    for _ in range(4):
        _, reward, *_, info = env.step(np.zeros(4))
        paid = float(bare.step(np.zeros(4))[1])
        assert reward == paid * factor
        assert sum(info["reward_terms"].values()) == pytest.approx(paid)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [{}, {"parameters": TIGHT, "reward": "shaped"}, {"closing": "none"}], ids=str)
@pytest.mark.parametrize("name", list(WRAPPED))
def test_every_environment_of_a_batch_is_the_one_alone(name: str, arguments: dict[str, Any], bits: Bits) -> None:
    many, single = together(name, **arguments), [alone(name, **arguments) for _ in range(ENVS)]
    assert many.single_observation_space == single[0].observation_space
    assert many.single_action_space == single[0].action_space
    seen = many.reset(seed=7)[0]
    assert bits(list(seen)) == bits([env.reset(seed=7 + row)[0] for row, env in enumerate(single)])
    ends = 0
    for actions in chosen(many.action_space, 3 * HORIZON):
        seen, rewards, terminated, truncated, infos = many.step(actions)
        assert seen in many.observation_space
        for row, env in enumerate(single):
            observation, reward, *over, info = env.step(actions[row])
            assert bits(float(rewards[row])) == bits(float(reward))
            assert [terminated[row], truncated[row]] == over
            if any(over):
                ends += 1
                assert bits(infos["final_obs"][row]) == bits(observation)
                assert infos["final_info"]["world"][row] == info["world"]
                observation, info = env.reset()
            elif "final_obs" in infos:
                assert infos["final_obs"][row] is None
            assert bits(seen[row]) == bits(observation)
            assert infos["world"][row] == info["world"]
    assert ends >= 3 * ENVS


@pytest.mark.parametrize("name", list(WRAPPED))
def test_batches_of_gymnasium_that_start_anew_in_the_same_step_can_be_wrapped_too(name: str, bits: Bits) -> None:
    make = partial(EcosystemEnv, horizon=HORIZON)
    ours = together(name)
    theirs = together(name, SyncVectorEnv([make] * ENVS, autoreset_mode=AutoresetMode.SAME_STEP))
    assert bits(ours.reset(seed=1)[0]) == bits(theirs.reset(seed=1)[0])
    for actions in chosen(ours.action_space, 2 * HORIZON + 1):
        mine, gymnasiums = ours.step(actions), theirs.step(actions)
        assert bits(mine[:4]) == bits(gymnasiums[:4])
        assert bits(mine[4].get("final_obs")) == bits(gymnasiums[4].get("final_obs"))


def test_statistics_of_gymnasium_count_what_the_agent_gets() -> None:
    envs = RecordEpisodeStatistics(VectorScaledReward(VectorResidual(EcosystemVectorEnv(2, horizon=3)), 0.5))
    bare = VectorResidual(EcosystemVectorEnv(2, horizon=3))
    envs.reset(seed=0)
    bare.reset(seed=0)
    paid = np.zeros(2)
    for _ in range(3):
        infos = envs.step(np.zeros((2, 4)))[4]
        paid += bare.step(np.zeros((2, 4)))[1]
    np.testing.assert_allclose(infos["episode"]["r"], 0.5 * paid, rtol=1e-12)


def spoil(seen: Any) -> None:
    seen[...] = 77.0


@pytest.mark.parametrize("name", list(WRAPPED))
def test_what_is_handed_out_belongs_to_the_caller_and_does_not_change_later(name: str, bits: Bits) -> None:
    for make in (alone, together):
        spoiled, untouched = make(name), make(name)
        seen, kept = spoiled.reset(seed=0)[0], untouched.reset(seed=0)[0]
        handed_out = [(kept, bits(kept))]
        for action in chosen(untouched.action_space, HORIZON - 1):
            spoil(seen)
            given_action = action.copy() if isinstance(action, np.ndarray) else action
            seen, *rest = spoiled.step(action)
            kept, *others = untouched.step(given_action)
            assert np.array_equal(action, given_action)
            assert bits((seen, *rest)) == bits((kept, *others))
            handed_out.append((kept, bits(kept)))
            if np.any(rest[1]):
                break
        assert all(bits(seen) == then for seen, then in handed_out)


def test_buffers_without_copies_can_be_wrapped(bits: Bits) -> None:
    for name in WRAPPED:
        buffers, copies = together(name, EcosystemVectorEnv(ENVS, horizon=4, copy=False)), together(name, horizon=4)
        assert bits(buffers.reset(seed=0)[0]) == bits(copies.reset(seed=0)[0])
        for actions in chosen(copies.action_space, 9):
            mine, theirs = buffers.step(actions), copies.step(actions)
            assert bits(mine[:4]) == bits(theirs[:4])
            assert bits(mine[4].get("final_obs")) == bits(theirs[4].get("final_obs"))
