"""The vector environment behind Stable-Baselines3's interface."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

from thinmargin import MONTHLY_DISCOUNT
from thinmargin.settings import discrete_actions
from thinmargin.wrappers import History, Residual, ScaledReward, Surprises, adapters_of
from thinmargin_agents.monitoring.tags import TRAINING, values_of
from thinmargin_agents.sb3.vec_env import EcosystemVecEnv

ID = "ThinMargin/Ecosystem-v1"
WRAPPED = [
    "thinmargin.wrappers.Surprises",
    {"thinmargin.wrappers.ScaledReward": {"factor": 0.5}},
    {"thinmargin.wrappers.Residual": {"bound": 0.25}},
    {"thinmargin.wrappers.History": {"lags": [2]}},
]


@pytest.mark.parametrize("wrapped", [False, True])
def test_it_equals_scalar_environments_with_the_terminal_observation_sb3_expects(wrapped: bool) -> None:
    vec = EcosystemVecEnv(ID, 3, adapters_of(WRAPPED if wrapped else None), horizon=7)
    seeds = vec.seed(11)
    seen = vec.reset()
    singles: list[gymnasium.Env[Any, Any]] = [gymnasium.make(f"thinmargin:{ID}", horizon=7) for _ in range(3)]
    if wrapped:
        singles = [History(Residual(ScaledReward(Surprises(env), 0.5), bound=0.25), [2]) for env in singles]
    assert vec.observation_space == singles[0].observation_space
    assert vec.action_space == singles[0].action_space
    first = np.array([env.reset(seed=seeds[k])[0] for k, env in enumerate(singles)])
    assert np.array_equal(np.asarray(seen), first)
    rng = np.random.default_rng(0)
    ends = 0
    for _ in range(20):
        actions = rng.uniform(-1, 1, (3, 4)).astype(np.float32)
        seen, rewards, dones, infos = vec.step(actions)
        for k, env in enumerate(singles):
            observation, reward, terminated, truncated, _ = env.step(actions[k])
            assert rewards[k] == np.float32(float(reward))
            assert dones[k] == (terminated or truncated)
            if dones[k]:
                ends += 1
                assert np.array_equal(infos[k]["terminal_observation"], observation)
                assert infos[k]["TimeLimit.truncated"] is False
                observation, _ = env.reset()
            assert np.array_equal(np.asarray(seen)[k], observation)
    assert ends == 6


def test_an_episode_reports_its_return_length_and_discounted_value() -> None:
    vec = EcosystemVecEnv(ID, 2, horizon=5, reward="shaped")
    seeds = vec.seed(3)
    vec.reset()
    rewards = np.zeros(2)
    for _ in range(5):
        _, paid, dones, infos = vec.step(np.zeros((2, 4), np.float32))
        rewards += paid
    assert dones.all()
    plain = gymnasium.make(f"thinmargin:{ID}", horizon=5)
    for k, info in enumerate(infos):
        plain.reset(seed=seeds[k])
        expected = sum(
            MONTHLY_DISCOUNT**month * 10.0 * float(plain.step(np.zeros(4, np.float32))[1]) for month in range(5)
        )
        assert info["episode"]["l"] == 5
        assert info["episode"]["r"] == pytest.approx(rewards[k], rel=1e-5)
        assert info["episode"]["J"] == pytest.approx(expected, rel=1e-12)


def test_truncation_is_reported_where_there_is_no_closing_value() -> None:
    vec = EcosystemVecEnv("ThinMargin/EcosystemContinuing-v1", 2, horizon=2)
    vec.reset()
    vec.step(np.zeros((2, 4), np.float32))
    _, _, dones, infos = vec.step(np.zeros((2, 4), np.float32))
    assert dones.all()
    assert all(info["TimeLimit.truncated"] for info in infos)


def test_statistics_are_means_over_months_and_firms_and_can_be_cleared() -> None:
    vec = EcosystemVecEnv(ID, 4)
    vec.seed(0)
    vec.reset()
    actions = np.tile(np.array([1.0, -1.0, 0.0, 0.5], np.float32), (4, 1))
    sales = []
    for _ in range(3):
        vec.step(actions)
        sales.append(vec.firms._batch.reports["sales"].mean())
    values = values_of(TRAINING, vec.statistics.means())
    assert values["firm/sales"] == pytest.approx(np.mean(sales))
    assert values["levers/price_saturation"] == 1.0
    assert values["levers/marketing_saturation"] == 0.0
    assert values["levers/updates_mean"] == pytest.approx(0.5)
    assert values["levers/updates_spread"] == pytest.approx(0.0, abs=1e-6)
    vec.statistics.clear()
    assert values_of(TRAINING, vec.statistics.means())["firm/sales"] == 0.0


def test_discrete_actions_are_counted_by_the_levers_behind_their_numbers() -> None:
    vec = EcosystemVecEnv("ThinMargin/EcosystemDiscrete-v1", 2)
    vec.reset()
    vec.step(np.array([0, 5]))
    values = values_of(TRAINING, vec.statistics.means())
    asked = discrete_actions()[[0, 5]]
    for k, lever in enumerate(("price", "accessories", "marketing", "updates")):
        assert values[f"levers/{lever}_mean"] == pytest.approx(asked[:, k].mean())
        assert values[f"levers/{lever}_spread"] == pytest.approx(asked[:, k].std(), abs=1e-6)


def test_a_saved_state_resumes_bit_for_bit() -> None:
    vec = EcosystemVecEnv(ID, 3, adapters_of(WRAPPED), horizon=6)
    vec.seed(1)
    vec.reset()
    rng = np.random.default_rng(0)
    plan = rng.uniform(-1, 1, (12, 3, 4)).astype(np.float32)
    for actions in plan[:4]:
        vec.step(actions)
    saved = vec.get_state()
    first = [vec.step(actions) for actions in plan[4:]]
    other = EcosystemVecEnv(ID, 3, adapters_of(WRAPPED), horizon=6)
    other.reset()
    other.set_state(saved)
    for actions, (seen, rewards, dones, infos) in zip(plan[4:], first, strict=True):
        seen2, rewards2, dones2, infos2 = other.step(actions)
        assert np.array_equal(np.asarray(seen), np.asarray(seen2))
        assert np.array_equal(rewards, rewards2)
        assert np.array_equal(dones, dones2)
        for info, info2 in zip(infos, infos2, strict=True):
            if "episode" in info:
                assert info["episode"]["J"] == info2["episode"]["J"]
                assert info["episode"]["r"] == info2["episode"]["r"]
                assert np.array_equal(info["terminal_observation"], info2["terminal_observation"])
    assert values_of(TRAINING, vec.statistics.means()) == values_of(TRAINING, other.statistics.means())


def test_the_dice_of_random_actions_are_saved_too() -> None:
    vec, other = (EcosystemVecEnv(ID, 2, horizon=6) for _ in range(2))
    for one in (vec, other):
        one.reset()
    vec.action_space.seed(5)
    vec.action_space.sample()
    other.set_state(vec.get_state())
    assert np.array_equal(vec.action_space.sample(), other.action_space.sample())


def test_a_state_of_other_firms_is_refused() -> None:
    vec, other = EcosystemVecEnv(ID, 2, horizon=6), EcosystemVecEnv(ID, 3, horizon=6)
    vec.reset()
    other.reset()
    with pytest.raises(ValueError, match="returns"):
        vec.set_state(other.get_state())
    with pytest.raises(ValueError, match="dice"):
        vec.set_state({**vec.get_state(), "dice": {"bit_generator": "MT19937"}})


def test_stable_baselines_3_can_ask_and_set_attributes_of_all_firms_at_once() -> None:
    vec = EcosystemVecEnv(ID, 3, horizon=6)
    assert vec.get_attr("num_envs") == [3, 3, 3]
    assert vec.get_attr("num_envs", [0, 1]) == [3, 3]
    assert vec.env_is_wrapped(gymnasium.Wrapper, 1) == [False]
    vec.set_attr("label", "mine")
    assert vec.get_attr("label", 0) == ["mine"]
    with pytest.raises(NotImplementedError, match="one batch"):
        vec.set_attr("label", "mine", indices=[0])
