"""Wrappers: a plan is corrected, surprises and changes are shown, rewards scaled; alone, in a batch, in any order."""

from __future__ import annotations

import copy
import itertools
import pickle
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import FrameStackObservation, NormalizeObservation, RescaleAction
from gymnasium.wrappers.vector import RecordEpisodeStatistics
from hypothesis import given, settings
from hypothesis import strategies as st
from stable_baselines3.common.env_checker import check_env as check_env_of_stable_baselines3
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import SubprocVecEnv

from thinmargin.baselines import BASELINES, RandomPolicy, baseline
from thinmargin.env import EcosystemEnv
from thinmargin.plans import FEATURE_NAMES, REACH, TIME, correction
from thinmargin.tuned import tuned_policy
from thinmargin.vector import EcosystemVectorEnv
from thinmargin.wrappers import (
    ADAPTERS,
    AdaptedEnv,
    AdaptedVectorEnv,
    Adapter,
    History,
    Residual,
    ScaledReward,
    Surprises,
    VectorHistory,
    VectorResidual,
    VectorScaledReward,
    VectorSurprises,
    adapters_of,
)
from thinmargin.wrappers.adapters import HistoryAdapter, ResidualAdapter, correction_grid

Bits = Callable[[Any], Any]
ID = "thinmargin:ThinMargin/Ecosystem-v1"
FEATURES = len(FEATURE_NAMES)
HORIZON = 13
ENVS = 3
TIGHT = {"fixed_cost": 250.0}
"""Overhead that sinks some firms early, so that episodes end at different times."""
Layers = tuple[tuple[type[AdaptedEnv], type[AdaptedVectorEnv], dict[str, Any]], ...]
RESIDUAL, SURPRISES = (Residual, VectorResidual), (Surprises, VectorSurprises)
HISTORY, SCALED = (History, VectorHistory), (ScaledReward, VectorScaledReward)
WRAPPED: dict[str, Layers] = {
    "Residual": ((*RESIDUAL, {"bound": 2.0}),),
    "Residual of feedback": ((*RESIDUAL, {"base": "plan_with_feedback", "bound": 2.0}),),
    "Residual by number": ((*RESIDUAL, {"base": "low_margin_tuned", "bound": 2.0, "levels": 3}),),
    "Surprises": ((*SURPRISES, {}),),
    "History": ((*HISTORY, {"lags": [5, 1]}),),
    "ScaledReward": ((*SCALED, {"factor": 0.3}),),
    "all": ((*SURPRISES, {}), (*HISTORY, {"lags": (2,)}), (*SCALED, {}), (*RESIDUAL, {"bound": 2.0})),
    "all inside out": ((*RESIDUAL, {"bound": 2.0}), (*SCALED, {}), (*HISTORY, {"lags": (2,)}), (*SURPRISES, {})),
}


def alone(name: str, env: Any = None, **arguments: Any) -> Any:
    env = EcosystemEnv(**{"horizon": HORIZON, **arguments}) if env is None else env
    for one, _, kwargs in WRAPPED[name]:
        env = one(env, **kwargs)
    return env


def together(name: str, envs: Any = None, **arguments: Any) -> Any:
    envs = EcosystemVectorEnv(ENVS, **{"horizon": HORIZON, **arguments}) if envs is None else envs
    for _, many, kwargs in WRAPPED[name]:
        envs = many(envs, **kwargs)
    return envs


def chosen(space: spaces.Space[Any], months: int, seed: int = 0) -> Any:
    """Random actions of some months, a little beyond [-1, 1] where they are numbers, for one firm or a batch."""
    rng = np.random.default_rng(seed)
    if isinstance(space, (spaces.Discrete, spaces.MultiDiscrete)):
        count = space.n if isinstance(space, spaces.Discrete) else space.nvec[0]
        return rng.integers(0, count, (months, *space.shape))
    return rng.uniform(-1.3, 1.3, (months, *(space.shape or ()))).astype(np.float32)


def go_on(env: Any, months: int, seed: int = 0) -> list[Any]:
    """What random play of some months returns, across resets of one environment."""
    seen: list[Any] = []
    for action in chosen(env.action_space, months, seed):
        seen.append(env.step(action))
        if np.ndim(seen[-1][2]) == 0 and (seen[-1][2] or seen[-1][3]):
            seen.append(env.reset())
    return seen


# The base policy and its corrections


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


class Asked:
    """A policy that writes down what it was asked."""

    def __init__(self, answer: Any = 0.25, state: Any = None) -> None:
        self.answer, self.state = answer, state
        self.shapes: list[tuple[int, ...]] = []

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False
    ) -> tuple[Any, Any]:
        assert state is None
        assert episode_start is None
        assert deterministic, "a base must not roll dice"
        self.shapes.append(np.shape(observation))
        if callable(self.answer):
            return self.answer(observation), self.state
        return np.full((*np.shape(observation)[:-1], 4), self.answer, np.float32), self.state


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


# Saving


@pytest.mark.slow
@pytest.mark.parametrize("months", [0, 1, 6, HORIZON, 2 * HORIZON + 3])
@pytest.mark.parametrize("make", [alone, together], ids=["alone", "batch"])
@pytest.mark.parametrize("name", list(WRAPPED))
def test_a_state_brings_wrappers_and_environment_back_bit_for_bit(
    name: str, make: Callable[..., Any], months: int, bits: Bits
) -> None:
    env = make(name, parameters=TIGHT)
    first = env.reset(seed=1)
    played = [first, *go_on(env, months)]
    state = env.get_state()
    saved = bits(state)
    future = bits(go_on(env, 20, seed=3))
    assert bits(state) == saved, "a state does not move with the environment"
    assert bits(env.set_state(state)) == bits(played[-1][0])
    assert bits(env.get_state()) == saved
    assert bits(go_on(env, 20, seed=3)) == future
    other = make(name, parameters=TIGHT)
    assert bits(other.set_state(state)) == bits(played[-1][0])
    assert bits(go_on(other, 20, seed=3)) == future
    assert bits(state) == saved, "nor with the one that went back to it"


def test_an_environment_of_gymnasium_goes_back_through_every_layer(bits: Bits) -> None:
    env = alone("all", gymnasium.make(ID, horizon=HORIZON))
    env.reset(seed=1)
    go_on(env, 4)
    state = env.get_state()
    future = bits(go_on(env, 8))
    fresh = alone("all", gymnasium.make(ID, horizon=HORIZON))
    fresh.set_state(state)
    with pytest.raises(ResetNeeded):
        fresh.step(np.zeros(4, np.float32))
    fresh.reset()
    fresh.set_state(state)
    assert bits(go_on(fresh, 8)) == future


def test_wrappers_of_others_between_ours_are_passed_over(bits: Bits) -> None:
    envs = VectorHistory(RecordEpisodeStatistics(VectorResidual(EcosystemVectorEnv(2, horizon=HORIZON))))
    envs.reset(seed=1)
    go_on(envs, 4)
    state = envs.get_state()
    future = bits([step[:4] for step in go_on(envs, 20)])
    envs.set_state(state)
    assert bits([step[:4] for step in go_on(envs, 20)]) == future


@pytest.mark.parametrize("copier", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))], ids=["copy", "pickle"])  # noqa: S301  # our own bytes
@pytest.mark.parametrize("make", [alone, together], ids=["alone", "batch"])
def test_a_copy_goes_on_like_the_original(make: Callable[..., Any], copier: Callable[[Any], Any], bits: Bits) -> None:
    env = make("all")
    env.reset(seed=1)
    go_on(env, 4)
    double = copier(env)
    future = bits(go_on(env, 20))
    assert bits(go_on(double, 20)) == future


def with_item(name: str, item: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda state: {**state, name: item}


def changed(name: str, change: Callable[[Any], Any]) -> Callable[[dict[str, Any]], Any]:
    return lambda state: {**state, name: change(state[name])}


DAMAGE: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "nothing": (lambda _: {}, "get_state"),
    "text": (lambda _: "state", "get_state"),
    "no memory": (lambda state: {name: state[name] for name in state if name != "memory"}, "memory"),
    "a forgotten memory": (with_item("memory", None), "memory"),
    "another lag": (changed("memory", lambda item: item[:-1]), "memory"),
    "infinity": (changed("memory", lambda item: item + np.inf), "memory"),
    "other numbers": (changed("seen", lambda item: item.astype(np.float64)), "seen"),
    "other firms": (changed("starts", lambda item: np.append(item, item)), "starts"),
    "no environment": (with_item("env", {}), "get_state"),
    "a damaged environment": (changed("env", lambda item: {**item, "states": item["states"][:0]}), "states"),
}


@pytest.mark.parametrize("make", [alone, together], ids=["alone", "batch"])
@pytest.mark.parametrize("damage", list(DAMAGE))
def test_a_damaged_state_is_refused_and_changes_nothing(damage: str, make: Callable[..., Any], bits: Bits) -> None:
    break_it, named = DAMAGE[damage]
    source, env, twin = (make("History") for _ in range(3))
    source.reset(seed=5)
    go_on(source, 3)
    for player in (env, twin):
        player.reset(seed=1)
        go_on(player, 4)
    with pytest.raises(ValueError, match=named):
        env.set_state(break_it(source.get_state()))
    assert bits(env.get_state()) == bits(twin.get_state())
    assert bits(go_on(env, 20)) == bits(go_on(twin, 20))


def test_a_state_of_other_wrappers_is_refused() -> None:
    env = alone("History")
    env.reset(seed=0)
    go_on(env, 2)
    with pytest.raises(ValueError, match="seen"):
        alone("all").set_state(env.get_state())
    with pytest.raises(ValueError, match="memory"):
        History(EcosystemEnv(horizon=HORIZON), lags=[3]).set_state(env.get_state())
    with pytest.raises(ValueError, match="memory"):
        alone("Residual").set_state(env.get_state())
    with pytest.raises(ValueError, match="running"):
        env.set_state({**env.get_state(), "env": together("History").env.get_state()})


@pytest.mark.parametrize("make", [alone, together], ids=["alone", "batch"])
def test_before_the_first_reset_there_is_nothing_to_save_or_step(make: Callable[..., Any]) -> None:
    for name in WRAPPED:
        env = make(name)
        with pytest.raises(ResetNeeded):
            env.get_state()
        for action in (env.action_space.sample(), np.full(4, np.nan)):
            with pytest.raises(ResetNeeded):
                env.step(action)


# Bad input


BAD_ACTIONS: dict[str, tuple[Any, type[Exception]]] = {
    "nan": (np.array([0.0, np.nan, 0.0, 0.0]), ValueError),
    "infinity": (np.array([0.0, 0.0, 0.0, -np.inf]), ValueError),
    "three numbers": (np.zeros(3), ValueError),
    "a row": (np.zeros((1, 4)), ValueError),
    "one number": (0.0, ValueError),
    "text": (["a", "b", "c", "d"], TypeError),
    "nothing": (None, TypeError),
}


@pytest.mark.parametrize("bad", list(BAD_ACTIONS))
@pytest.mark.parametrize("name", [name for name in WRAPPED if name != "Residual by number"])
def test_a_bad_action_is_refused_and_changes_nothing(name: str, bad: str, bits: Bits) -> None:
    action, error = BAD_ACTIONS[bad]
    for make, given_action in ((alone, action), (together, [action] * ENVS)):
        env = make(name)
        env.reset(seed=1)
        go_on(env, 3)
        before = bits(env.get_state())
        with pytest.raises(error, match="action") as refused:
            env.step(given_action)
        if bad == "three numbers" and make is alone:
            assert "shape (3,): must be (4,)" in str(refused.value)
        assert bits(env.get_state()) == before


@pytest.mark.parametrize(("action", "error"), [(81, ValueError), (-1, ValueError), (0.5, TypeError), ([3], ValueError)])
def test_a_bad_number_of_a_correction_is_refused_and_changes_nothing(
    action: Any, error: type[Exception], bits: Bits
) -> None:
    for make, given_action in ((alone, action), (together, [action] * ENVS)):
        env = make("Residual by number")
        env.reset(seed=1)
        before = bits(env.get_state())
        with pytest.raises(error, match="action"):
            env.step(given_action)
        assert bits(env.get_state()) == before


@pytest.mark.parametrize("name", list(WRAPPED))
def test_after_the_end_an_environment_asks_for_a_reset(name: str) -> None:
    env = alone(name, horizon=1)
    env.reset(seed=0)
    assert env.step(env.action_space.sample())[2]
    with pytest.raises(ResetNeeded):
        env.step(env.action_space.sample())
    env.reset()
    env.step(env.action_space.sample())


CONSTRUCTION: dict[str, tuple[Callable[[Any], Any], type[Exception], str]] = {
    "unknown base": (lambda env: Residual(env, base="plam"), ValueError, "base is 'plam': allowed are .*plan"),
    "base with dice": (lambda env: Residual(env, base="random"), ValueError, "base is 'random': allowed"),
    "base is a number": (lambda env: Residual(env, base=3), TypeError, "base is 3: .*predict"),  # type: ignore[arg-type]  # wrong on purpose
    "base is a class": (lambda env: Residual(env, base=RandomPolicy), TypeError, "base is .*an object"),  # type: ignore[arg-type]  # as above
    "bound of nothing": (lambda env: Residual(env, bound=0.0), ValueError, "bound is 0.0: allowed .* above 0 to 2"),
    "bound beyond floats": (lambda env: Residual(env, bound=10**400), ValueError, "bound is 10+[.]+: allowed .* to 2"),
    "bound too wide": (lambda env: Residual(env, bound=2.1), ValueError, "bound is 2.1"),
    "bound is nan": (lambda env: Residual(env, bound=float("nan")), ValueError, "bound is nan"),
    "bound is text": (lambda env: Residual(env, bound="1"), ValueError, "bound is '1'"),  # type: ignore[arg-type]  # as above
    "bound is a flag": (lambda env: Residual(env, bound=True), ValueError, "bound is True"),
    "one level": (lambda env: Residual(env, levels=1), ValueError, "levels is 1: allowed are None and 2 to 9"),
    "ten levels": (lambda env: Residual(env, levels=10), ValueError, "levels is 10"),
    "half a level": (lambda env: Residual(env, levels=2.5), ValueError, "levels is 2.5"),  # type: ignore[arg-type]  # as above
    "no lag": (lambda env: History(env, lags=[]), TypeError, r"lags is \[\]"),
    "lags are text": (lambda env: History(env, lags="12"), TypeError, "lags is '12'"),  # type: ignore[arg-type]  # as above
    "lags are one number": (lambda env: History(env, lags=12), TypeError, "lags is 12"),  # type: ignore[arg-type]  # as above
    "lag of nothing": (lambda env: History(env, lags=[0]), ValueError, "lags has 0: allowed .* 1 to 180"),
    "lag too long": (lambda env: History(env, lags=[6, 181]), ValueError, "lags has 181"),
    "lag is a flag": (lambda env: History(env, lags=[True]), ValueError, "lags has True"),
    "lag twice": (lambda env: History(env, lags=[3, 3]), ValueError, "twice"),
    "factor of nothing": (lambda env: ScaledReward(env, factor=0), ValueError, "factor is 0"),
    "factor below nothing": (lambda env: ScaledReward(env, factor=-1.0), ValueError, "factor is -1.0"),
    "corrected twice": (lambda env: Residual(History(Residual(env))), ValueError, "Residual already"),
    "corrected through others": (
        lambda env: Residual(RescaleAction(Residual(env), np.float32(-1.0), np.float32(1.0))),
        ValueError,
        "Residual already",
    ),
    "compared twice": (lambda env: History(History(env, lags=[3])), ValueError, "History already: .* all lags"),
    "surprised twice": (lambda env: Surprises(ScaledReward(Surprises(env))), ValueError, "Surprises already"),
    "other actions": (
        lambda env: Residual(RescaleAction(env, np.float32(0.0), np.float32(1.0))),
        ValueError,
        "the action space is .*Residual needs",
    ),
    "normalized observations": (lambda env: Residual(NormalizeObservation(env)), ValueError, "Residual needs"),
    "surprised by normalized ones": (lambda env: Surprises(NormalizeObservation(env)), ValueError, "Surprises needs"),
    "stacked observations": (lambda env: History(FrameStackObservation(env, 2)), ValueError, "the observation space"),
}


@pytest.mark.parametrize("case", list(CONSTRUCTION))
def test_a_wrapper_that_cannot_be_is_refused_with_its_argument(case: str) -> None:
    make, error, words = CONSTRUCTION[case]
    with pytest.raises(error, match=words):
        make(EcosystemEnv())


def test_discrete_environments_take_every_wrapper_but_residual() -> None:
    with pytest.raises(ValueError, match=r"action space is Discrete\(288\): Residual needs Box"):
        Residual(EcosystemEnv(discrete=True))
    with pytest.raises(ValueError, match=r"action space is Discrete\(288\): Residual needs Box"):
        VectorResidual(EcosystemVectorEnv(2, discrete=True))
    env = ScaledReward(History(Surprises(EcosystemEnv(discrete=True))))
    env.reset(seed=0)
    env.step(287)
    with pytest.raises(ValueError, match="action is 288"):
        env.step(288)


def test_a_batch_is_not_corrected_twice() -> None:
    with pytest.raises(ValueError, match="Residual already"):
        VectorResidual(RecordEpisodeStatistics(VectorHistory(VectorResidual(EcosystemVectorEnv(2)))))
    with pytest.raises(ValueError, match="History already"):
        VectorHistory(VectorResidual(VectorHistory(EcosystemVectorEnv(2))), lags=[6])


def test_rewards_may_be_scaled_twice() -> None:
    env, bare = ScaledReward(ScaledReward(EcosystemEnv(), 0.5), 0.5), EcosystemEnv()
    for each in (env, bare):
        each.reset(seed=0)
    action = np.zeros(4, np.float32)
    assert env.step(action)[1] == pytest.approx(0.25 * float(bare.step(action)[1]))


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED])
def test_a_batch_that_starts_anew_otherwise_is_refused(mode: AutoresetMode) -> None:
    with pytest.raises(ValueError, match=r"autoreset_mode is .*SAME_STEP"):
        VectorHistory(SyncVectorEnv([EcosystemEnv], autoreset_mode=mode))


def test_a_reset_of_some_environments_of_a_batch_is_refused() -> None:
    theirs = SyncVectorEnv([EcosystemEnv] * 2, autoreset_mode=AutoresetMode.SAME_STEP)
    envs = VectorHistory(theirs)
    envs.reset(seed=0)
    with pytest.raises(ValueError, match="reset_mask"):
        envs.reset(options={"reset_mask": np.array([True, False])})


def test_a_bad_reset_leaves_everything_as_it_was(bits: Bits) -> None:
    for make in (alone, together):
        env = make("all")
        env.reset(seed=0)
        go_on(env, 3)
        before = bits(env.get_state())
        with pytest.raises(ValueError, match="unknown"):
            env.reset(options={"word": 3})
        assert bits(env.get_state()) == before


# Others' libraries


@pytest.mark.parametrize("name", list(WRAPPED))
def test_the_checkers_of_gymnasium_and_stable_baselines3_pass(name: str) -> None:
    env = alone(name, gymnasium.make(ID, horizon=30))
    with pytest.warns(UserWarning, match="different from the unwrapped version"):
        check_env(env, skip_render_check=True)
    check_env_of_stable_baselines3(env, skip_render_check=True)


@pytest.mark.parametrize("name", list(WRAPPED))
def test_a_specification_makes_the_same_wrappers_again(name: str, bits: Bits) -> None:
    env = alone(name, gymnasium.make(ID, horizon=HORIZON, reward="shaped"))
    assert env.spec is not None
    again = gymnasium.make(EnvSpec.from_json(env.spec.to_json()))
    assert str(again) == str(env)
    assert type(again) is type(env)
    assert again.observation_space == env.observation_space
    assert bits(again.reset(seed=1)) == bits(env.reset(seed=1))
    assert bits(go_on(again, 20)) == bits(go_on(env, 20))


def test_a_policy_that_is_no_name_cannot_be_written_into_a_specification() -> None:
    env = Residual(gymnasium.make(ID), base=Asked())
    assert env.spec is not None
    assert gymnasium.make(env.spec).action_space == env.action_space
    with pytest.raises(TypeError, match="JSON"):
        env.spec.to_json()


def test_make_vec_takes_the_wrappers_of_one_environment(bits: Bits) -> None:
    wrappers = [partial(one, **kwargs) for one, _, kwargs in WRAPPED["all"]]
    envs = gymnasium.make_vec(ID, num_envs=2, vectorization_mode="sync", wrappers=wrappers, horizon=HORIZON)
    native = together("all", gymnasium.make_vec(ID, num_envs=2, horizon=HORIZON))
    assert bits(envs.reset(seed=3)[0]) == bits(native.reset(seed=3)[0])
    for actions in chosen(native.action_space, HORIZON - 1):
        assert bits(envs.step(actions)[:4]) == bits(native.step(actions)[:4])


def test_worker_processes_of_gymnasium_wrap_environments(bits: Bits) -> None:
    wrappers = [partial(one, **kwargs) for one, _, kwargs in WRAPPED["all"]]
    envs = gymnasium.make_vec(ID, num_envs=2, vectorization_mode="async", wrappers=wrappers, horizon=HORIZON)
    try:
        native = together("all", gymnasium.make_vec(ID, num_envs=2, horizon=HORIZON))
        assert bits(envs.reset(seed=3)[0]) == bits(native.reset(seed=3)[0])
        for actions in chosen(native.action_space, HORIZON - 1):
            assert bits(envs.step(actions)[:4]) == bits(native.step(actions)[:4])
    finally:
        envs.close()


@pytest.mark.slow
def test_worker_processes_of_stable_baselines3_wrap_environments() -> None:
    arguments: dict[str, Any] = {
        "n_envs": 1, "seed": 3, "env_kwargs": {"horizon": HORIZON}, "wrapper_class": Residual,
        "wrapper_kwargs": {"base": "plan_with_feedback", "levels": 3},
    }  # fmt: skip
    workers = make_vec_env(ID, vec_env_cls=SubprocVecEnv, **arguments)
    try:
        here = make_vec_env(ID, **arguments)
        assert np.array_equal(np.asarray(workers.reset()), np.asarray(here.reset()))
        for actions in chosen(spaces.MultiDiscrete([81]), HORIZON):
            for theirs, ours in zip(workers.step(actions)[:3], here.step(actions)[:3], strict=True):
                assert np.array_equal(np.asarray(theirs, np.float32), np.asarray(ours, np.float32))
    finally:
        workers.close()


# Names of presets


def test_adapters_are_made_by_the_names_of_presets() -> None:
    assert adapters_of(None) == []
    one = adapters_of("thinmargin.wrappers.Surprises")
    assert [type(item) for item in one] == [ADAPTERS["thinmargin.wrappers.Surprises"]]
    many = adapters_of(
        [
            "thinmargin.wrappers.Surprises",
            {"thinmargin.wrappers.ScaledReward": None},
            {"thinmargin.wrappers.History": {"lags": [6, 24]}},
            {"thinmargin.wrappers.Residual": {"base": "plan_with_feedback", "bound": 0.25, "levels": 5}},
        ]
    )
    assert [type(item) for item in many] == [
        ADAPTERS[f"thinmargin.wrappers.{name}"] for name in ("Surprises", "ScaledReward", "History", "Residual")
    ]
    history, residual = many[2:]
    assert isinstance(history, HistoryAdapter)
    assert history.lags == (6, 24)
    assert isinstance(residual, ResidualAdapter)
    assert residual.grid is not None
    assert (residual.bound, len(residual.grid)) == (0.25, 625)


@pytest.mark.parametrize("name", list(ADAPTERS))
def test_a_name_of_a_preset_is_the_wrapper_of_one_environment(name: str) -> None:
    module, _, title = name.rpartition(".")
    wrapper = getattr(sys.modules[module], title)
    assert issubclass(wrapper, AdaptedEnv)
    made = wrapper(EcosystemEnv())
    assert type(made.adapter_state.adapter) is ADAPTERS[name]


REFUSED: dict[str, tuple[Any, str]] = {
    "foreign": ("gymnasium.wrappers.NormalizeObservation", "allowed are thinmargin.wrappers.Residual"),
    "foreign with arguments": ([{"os.system": {"command": "true"}}], "allowed are"),
    "misspelt": ("thinmargin.wrappers.Residul", "did you mean thinmargin.wrappers.Residual?"),
    "without its module": ("Residual", "did you mean thinmargin.wrappers.Residual?"),
    "of batches": ("thinmargin.wrappers.VectorResidual", "allowed are"),
    "of another module": ("thinmargin.wrappers.scalar.Residual", "allowed are"),
    "a number": (3, "env_wrapper has 3"),
    "two names in one": (
        {"thinmargin.wrappers.Residual": {}, "thinmargin.wrappers.History": {}},
        "allowed are",
    ),
    "arguments in a list": ({"thinmargin.wrappers.Residual": ["plan"]}, "a mapping of argument and value"),
    "nothing but a flag": ({"thinmargin.wrappers.Residual": False}, "a mapping of argument and value"),
    "an unknown argument": ({"thinmargin.wrappers.Residual": {"bonud": 1}}, "'bonud': allowed are base, bound, levels"),
    "an argument of none": ({"thinmargin.wrappers.Surprises": {"base": "plan"}}, "allowed are none at all"),
    "a number as argument": ({"thinmargin.wrappers.Residual": {3: 1}}, "allowed are base"),
    "a bad value": ({"thinmargin.wrappers.Residual": {"bound": 9}}, "thinmargin.wrappers.Residual: bound is 9"),
    "a policy of their own": ({"thinmargin.wrappers.Residual": {"base": Asked()}}, "the name of a built-in policy"),
    "twice": ([{"thinmargin.wrappers.Residual": {}}] * 2, "Residual twice"),
    "twice with others": (
        [{"thinmargin.wrappers.History": {"lags": [lag]}} for lag in (6, 12)],
        "History twice: give one all lags",
    ),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_everything_else_is_refused_by_name(case: str) -> None:
    given, words = REFUSED[case]
    with pytest.raises(ValueError, match=words.replace("?", r"\?")):
        adapters_of(given)


def test_names_import_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "harmful.py").write_text("raise SystemExit('imported')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    loaded = set(sys.modules)
    for name in ("harmful.Wrapper", "harmful", "thinmargin.backtest.__main__.main"):
        with pytest.raises(ValueError, match="allowed are"):
            adapters_of([{name: {}}])
    assert set(sys.modules) == loaded


def test_an_adapter_of_ones_own_is_wrapped_alike(bits: Bits) -> None:
    class Halved(Adapter):
        """Half the action."""

        def act(self, observations: Any, actions: Any) -> Any:
            del observations
            return np.asarray(actions) * 0.5

    one, many, bare = (
        AdaptedEnv(EcosystemEnv(), Halved()),
        AdaptedVectorEnv(EcosystemVectorEnv(1), Halved()),
        EcosystemEnv(),
    )
    for env in (one, many, bare):
        env.reset(seed=0)
    action = np.array([0.5, -0.5, 1.0, 0.0])
    assert bits(one.step(action)) == bits(bare.step(action * 0.5))
    assert bits(many.step(action[None])[0][0]) == bits(bare._observation())
