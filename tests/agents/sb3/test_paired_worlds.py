"""Paired worlds: advantages without luck, and firms that live through the same world side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from tests.messages import naming

from thinmargin.splits import KEYS
from thinmargin_agents.monitoring.tags import TRAINING, values_of
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.sb3.paired_worlds import (
    PairedRecurrentRolloutBuffer,
    PairedRolloutBuffer,
    advantage_over_world_mean,
)
from thinmargin_agents.sb3.vec_env import EcosystemVecEnv

ID = "ThinMargin/Ecosystem-v1"
PLUNGE = np.array([-1.0, 1.0, 1.0, 1.0], np.float32)
"""Actions that ruin a firm in six or seven months."""


def test_an_advantage_is_what_a_firm_has_over_the_mean_of_its_world() -> None:
    advantages = np.array([[1.0, 3.0, 10.0, 10.0], [0.0, 4.0, -2.0, 6.0]], np.float32)
    starts = np.array([[1, 1, 1, 1], [0, 0, 0, 0]], np.float32)
    expected = [[-1.0, 1.0, 0.0, 0.0], [-2.0, 2.0, -4.0, 4.0]]
    assert advantage_over_world_mean(advantages, starts, copies=2, horizon=2).tolist() == expected


def test_a_firm_that_starts_early_keeps_its_advantage_and_the_others_are_compared_without_it() -> None:
    advantages = np.arange(12, dtype=np.float32).reshape(4, 3)
    starts = np.zeros((4, 3), np.float32)
    starts[0] = 1.0
    starts[1, 2] = 1.0  # bankrupt in the first month: in another world until all start anew at month 2
    starts[2] = 1.0
    found = advantage_over_world_mean(advantages, starts, copies=3, horizon=2)
    assert found.tolist() == [[-1.0, 0.0, 1.0], [-0.5, 0.5, 5.0], [-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0]]


def test_advantages_of_a_world_sum_to_zero_while_all_its_firms_are_in_it() -> None:
    advantages = np.random.default_rng(0).normal(size=(30, 12)).astype(np.float32)
    starts = np.zeros((30, 12), np.float32)
    starts[::10] = 1.0
    found = advantage_over_world_mean(advantages, starts, copies=4, horizon=10)
    assert found.dtype == np.float32
    assert np.abs(found.reshape(30, 3, 4).sum(axis=2)).max() < 1e-5


def test_luck_that_all_firms_of_a_world_share_makes_no_difference() -> None:
    rng = np.random.default_rng(1)
    skill = rng.normal(size=(6, 8)).astype(np.float32)
    luck = np.repeat(rng.normal(size=(6, 2)), 4, axis=1).astype(np.float32)
    starts = np.zeros((6, 8), np.float32)
    starts[0] = 1.0
    with_luck = advantage_over_world_mean(skill + 100.0 * luck, starts, copies=4, horizon=6)
    assert with_luck == pytest.approx(advantage_over_world_mean(skill, starts, copies=4, horizon=6), abs=1e-4)


def test_the_buffer_leaves_returns_and_compares_advantages() -> None:
    shapes: Any = (3, spaces.Box(-1, 1, (2,)), spaces.Box(-1, 1, (1,)))
    plain, paired = (
        PairedRolloutBuffer(*shapes, device="cpu", n_envs=2, gamma=0.9, gae_lambda=0.8, copies=copies, horizon=3)
        for copies in (1, 2)
    )
    rng = np.random.default_rng(0)
    for month in range(3):
        item: Any = (
            rng.normal(size=(2, 2)), rng.normal(size=(2, 1)), rng.normal(size=2), np.full(2, month == 0),
            torch.as_tensor(rng.normal(size=2)), torch.zeros(2),
        )  # fmt: skip
        plain.add(*item)
        paired.add(*item)
    for buffer in (plain, paired):
        buffer.compute_returns_and_advantage(torch.zeros(2), np.ones(2))
    assert np.array_equal(plain.returns, paired.returns)
    assert not plain.advantages.any()  # alone in its world, a firm is compared with itself
    assert paired.advantages.any()
    assert np.abs(paired.advantages.sum(axis=1)).max() < 1e-6


def test_the_recurrent_buffer_compares_too() -> None:
    shapes: Any = (2, spaces.Box(-1, 1, (2,)), spaces.Box(-1, 1, (1,)), (2, 1, 2, 4))
    buffer = PairedRecurrentRolloutBuffer(*shapes, "cpu", n_envs=2, copies=2, horizon=2)
    buffer.advantages[:] = 0.0
    buffer.episode_starts[0] = 1.0
    buffer.rewards[:] = [[1.0, 3.0], [2.0, 2.0]]
    buffer.compute_returns_and_advantage(torch.zeros(2), np.ones(2))
    assert np.abs(buffer.advantages.sum(axis=1)).max() < 1e-6
    assert buffer.advantages[0, 1] > 0.0 > buffer.advantages[0, 0]


def stepped(vec: EcosystemVecEnv, actions: Any) -> tuple[Any, Any, Any, list[dict[str, Any]]]:
    return vec.step(np.asarray(actions, np.float32))


def test_neighbours_live_through_the_same_world_and_all_start_anew_together() -> None:
    vec = EcosystemVecEnv(ID, 6, copies=3, horizon=10)
    vec.seed(4)
    vec.reset()
    actions = np.zeros((6, 4), np.float32)
    actions[1] = PLUNGE
    seen: list[Any] = []
    ends = np.zeros(6, int)
    for month in range(20):
        keys = vec.firms._batch.keys.copy()
        if month % 10 == 0:
            assert keys.reshape(2, 3).tolist() == [[keys[0]] * 3, [keys[3]] * 3]
            assert keys[0] != keys[3]
            assert all(key in KEYS["train"] for key in keys.tolist())
            seen.append(keys)
        _, _, dones, infos = stepped(vec, actions)
        ends += dones
        assert dones.all() == (month % 10 == 9)
        if dones.all():
            assert infos[0]["TimeLimit.truncated"] is False
            assert infos[1]["TimeLimit.truncated"] is True  # broken off so that all start together
            assert infos[1]["episode"]["l"] < 5
            assert infos[0]["episode"]["l"] == 10
    assert ends.tolist() == [2, 4, 2, 2, 2, 2]
    assert not set(seen[0].tolist()) & set(seen[1].tolist())


def test_the_same_seed_pairs_the_same_worlds_and_another_seed_others() -> None:
    keys = []
    for seed in (7, 7, 8):
        vec = EcosystemVecEnv(ID, 4, copies=2, horizon=2)
        vec.seed(seed)
        vec.reset()
        drawn = [vec.firms._batch.keys.tolist()]
        for _ in range(2):
            stepped(vec, np.zeros((4, 4)))
        keys.append([*drawn, vec.firms._batch.keys.tolist()])
    assert keys[0] == keys[1]
    assert keys[0] != keys[2]


def test_firms_of_a_world_with_the_same_actions_earn_the_same() -> None:
    vec = EcosystemVecEnv(ID, 4, copies=2, horizon=6)
    vec.reset()
    for _ in range(6):
        seen, rewards, dones, infos = stepped(vec, np.full((4, 4), 0.25))
    assert dones.all()
    assert rewards[0] == rewards[1]
    assert rewards[2] == rewards[3]
    assert infos[0]["episode"]["J"] == infos[1]["episode"]["J"] != infos[2]["episode"]["J"]
    assert np.array_equal(seen[0], seen[1])


class Fixed:
    """Plays the same actions whatever it sees."""

    def __init__(self, actions: Any) -> None:
        self.actions = actions

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[Any, Any]:
        del episode_start, deterministic
        month = 0 if state is None else state
        return np.tile(self.actions[month], (len(observation), 1)), month + 1


@pytest.mark.parametrize("reward", ["profit", "shaped"])
def test_an_episode_reports_the_j_that_the_evaluation_finds_for_the_same_actions(reward: str) -> None:
    vec = EcosystemVecEnv(ID, 4, copies=2, horizon=24, reward=reward)
    vec.seed(2)
    vec.reset()
    keys = vec.firms._batch.keys.tolist()
    plan = np.random.default_rng(0).uniform(-0.5, 0.5, (24, 4)).astype(np.float32)
    for actions in plan:
        _, _, dones, infos = stepped(vec, np.tile(actions, (4, 1)))
    assert dones.all()
    expected = play_worlds(Fixed(plan), keys, horizon=24).value
    assert [info["episode"]["J"] for info in infos] == pytest.approx(expected.tolist(), rel=1e-12)


def test_a_saved_state_resumes_bit_for_bit_across_the_common_start() -> None:
    def fresh(seed: int) -> EcosystemVecEnv:
        vec = EcosystemVecEnv(ID, 4, copies=2, horizon=5)
        vec.seed(seed)
        vec.reset()
        return vec

    plan = np.random.default_rng(0).uniform(-1, 1, (14, 4, 4))
    one, other = fresh(1), fresh(99)
    for actions in plan[:3]:
        stepped(one, actions)
    saved = one.get_state()
    other.set_state(saved)
    for actions in plan[3:]:
        first, second = stepped(one, actions), stepped(other, actions)
        for a, b in zip(first[:3], second[:3], strict=True):
            assert np.array_equal(a, b)
        drop = [[{**info, "episode": {**info["episode"], "t": 0}} if info else {} for info in four[3]]
                for four in (first, second)]  # fmt: skip
        for info, info2 in zip(*drop, strict=True):
            assert info.keys() == info2.keys()
            if info:
                assert info["episode"] == info2["episode"]
                assert np.array_equal(info["terminal_observation"], info2["terminal_observation"])
    assert values_of(TRAINING, one.statistics.means()) == values_of(TRAINING, other.statistics.means())


def test_a_number_of_firms_that_is_no_multiple_of_the_copies_is_refused() -> None:
    with pytest.raises(ValueError, match=naming("n_envs is 6", "multiple of copies", "4")):
        EcosystemVecEnv(ID, 6, copies=4)
