"""What Gymnasium and Stable-Baselines3 ask of an environment, and Gymnasium of a vector environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext as does_not_raise
from functools import partial
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.vector.utils import batch_space
from gymnasium.wrappers.vector import DictInfoToList, RecordEpisodeStatistics
from stable_baselines3.common.env_checker import check_env as check_env_of_stable_baselines3

from thinmargin.registration import ENVIRONMENTS
from thinmargin.vector import EcosystemVectorEnv

IDS = [entry.id for entry in ENVIRONMENTS]


@pytest.mark.parametrize("name", IDS)
def test_gymnasium_has_nothing_to_complain_about(name: str) -> None:
    with does_not_raise():
        check_env(gymnasium.make(name).unwrapped, skip_render_check=True)


@pytest.mark.parametrize("name", IDS)
def test_stable_baselines3_has_nothing_to_complain_about(name: str) -> None:
    with does_not_raise():
        check_env_of_stable_baselines3(gymnasium.make(name).unwrapped, skip_render_check=True)


@pytest.mark.parametrize("name", IDS)
def test_a_whole_episode_passes_the_passive_checker(name: str) -> None:
    env = gymnasium.make(name, disable_env_checker=False, horizon=24)
    env.reset(seed=0)
    env.action_space.seed(0)
    ended = False
    with does_not_raise():
        while not ended:
            _, _, terminated, truncated, _ = env.step(env.action_space.sample())
            ended = terminated or truncated


@pytest.mark.parametrize("name", IDS)
def test_the_vector_spaces_are_the_scalar_ones_batched(name: str) -> None:
    one = gymnasium.make(name)
    many = gymnasium.make_vec(name, num_envs=3)
    assert many.single_action_space == one.action_space
    assert many.single_observation_space == one.observation_space
    assert many.action_space == batch_space(one.action_space, 3)
    assert many.observation_space == batch_space(one.observation_space, 3)


@pytest.mark.parametrize("name", IDS)
def test_the_vector_environment_hands_out_arrays_of_the_right_types(name: str) -> None:
    envs = gymnasium.make_vec(name, num_envs=3, horizon=5)
    envs.action_space.seed(0)
    observations, _ = envs.reset(seed=0)
    for _ in range(12):
        assert observations in envs.observation_space
        assert observations.dtype == np.float32
        observations, rewards, terminated, truncated, _ = envs.step(envs.action_space.sample())
        assert (rewards.dtype, rewards.shape) == (np.float64, (3,))
        assert (terminated.dtype, terminated.shape) == (np.bool_, (3,))
        assert (truncated.dtype, truncated.shape) == (np.bool_, (3,))
        assert not (terminated & truncated).any()


def entries(infos: Mapping[str, Any], row: int) -> set[str]:
    """Names of the infos that the masks say this environment has."""
    return {name for name in infos if not name.startswith("_") and infos[f"_{name}"][row]}


@pytest.mark.parametrize("name", ["ThinMargin/Ecosystem-v1", "ThinMargin/EcosystemContinuing-v1"])
def test_infos_and_their_masks_are_laid_out_like_gymnasiums_own_vector_environment(name: str) -> None:
    arguments: dict[str, Any] = {"horizon": 6, "parameters": {"fixed_cost": 400.0}}
    theirs = SyncVectorEnv([partial(gymnasium.make, name, **arguments)] * 4, autoreset_mode=AutoresetMode.SAME_STEP)
    ours = gymnasium.make_vec(name, num_envs=4, **arguments)
    expected, got = theirs.reset(seed=0)[1], ours.reset(seed=0)[1]
    together, alone = False, False
    for action in [None, *np.random.default_rng(1).uniform(-1, 1, (20, 4, 4)).astype(np.float32)]:
        if action is not None:
            expected, got = theirs.step(action)[4], ours.step(action)[4]
        for infos in (got, got.get("final_info", {})):
            for key in infos:
                if key.startswith("_"):
                    assert infos[key].dtype == np.bool_
                    assert infos[key].shape == (4,)
        for row in range(4):
            assert entries(got, row) == entries(expected, row), f"environment {row}"
        if "final_info" in got:
            for row in np.flatnonzero(got["_final_info"]):
                assert entries(got["final_info"], row) == entries(expected["final_info"], row)
            together |= bool(got["_final_info"].all())
            alone |= not got["_final_info"].all()
    assert together or alone
    assert alone, "some episode should end while another runs on"


def test_episode_statistics_of_gymnasium_are_right_across_autoreset() -> None:
    envs = RecordEpisodeStatistics(EcosystemVectorEnv(3, horizon=4))
    envs.reset(seed=0)
    returns = np.zeros(3)
    for month in range(1, 9):
        _, rewards, terminated, _, infos = envs.step(np.zeros((3, 4), np.float32))
        returns += rewards
        assert terminated.all() == (month % 4 == 0)
        if terminated.all():
            np.testing.assert_allclose(infos["episode"]["r"], returns, rtol=1e-12)
            assert (infos["episode"]["l"] == 4).all()
            returns[:] = 0.0


def test_infos_can_be_turned_into_a_list_of_dictionaries(bits: Callable[[Any], Any]) -> None:
    envs = DictInfoToList(EcosystemVectorEnv(2, horizon=2))
    one = gymnasium.make("ThinMargin/Ecosystem-v1", horizon=2)
    _, listed = envs.reset(seed=0)
    _, info = one.reset(seed=0)
    assert listed[0]["world"] == info["world"]
    for _ in range(2):
        listed = envs.step(np.zeros((2, 4), np.float32))[4]
        info = one.step(np.zeros(4, np.float32))[4]
    last = listed[0]["final_info"]
    assert bits({name: float(last["books"][name]) for name in info["books"]}) == bits(info["books"])
    assert last["world"] == info["world"]
    assert listed[1]["final_info"]["world"] != info["world"]


def test_closing_is_possible_twice_and_before_reset() -> None:
    envs = gymnasium.make_vec("ThinMargin/Ecosystem-v1", num_envs=2)
    envs.close()
    envs.close()
    assert envs.closed
    env = gymnasium.make("ThinMargin/Ecosystem-v1")
    env.close()
    env.close()
