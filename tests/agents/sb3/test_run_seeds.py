"""Runs with different seeds live through different worlds; the same seed gives the same ones again."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from thinmargin.splits import KEYS
from thinmargin_agents.config.algorithms import ALGORITHMS
from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.sb3.building import build_environment, build_model
from thinmargin_agents.sb3.vec_env import EcosystemVecEnv

FIRMS, HORIZON, EPISODES = 16, 9, 2
SEEDS = (0, 1, 2, 15, 16, 1000)
"""Neighbours, seeds as far apart as a run has firms, and one far away."""
CASES = [(algo, copies) for algo, row in ALGORITHMS.items() for copies in ((1, 4) if row.on_policy else (1,))]
PLUNGE = np.tile(np.array([-1.0, 1.0, 1.0, 1.0], np.float32), (FIRMS, 1))
"""Actions that ruin a firm within an episode: in paired worlds it then plays one that is its own."""


def built(algo: str, seed: int, copies: int) -> tuple[Any, EcosystemVecEnv]:
    """The model and the firms of a run with a small network."""
    if ALGORITHMS[algo].on_policy:
        settings: dict[str, Any] = {"residual": "none"}
        own: tuple[str, ...] = (f"paired_worlds={copies}", f"n_steps={HORIZON}")
    else:
        settings, own = {}, ("buffer_size=64",)
    run = resolve(TrainConfig(
        algo=algo, seed=seed, n_envs=FIRMS, env_kwargs=(f"horizon={HORIZON}",),
        hyperparams=("policy_kwargs.net_arch=[4]", *own), **settings,
    ))  # fmt: skip
    environment = build_environment(run)
    return build_model(run, environment), environment


def worlds_of(algo: str, seed: int, copies: int) -> list[int]:
    """Keys of the worlds that a run begins with, in the order in which they are drawn."""
    _, environment = built(algo, seed, copies)
    environment.reset()
    keys: list[int] = environment.firms._batch.keys.tolist()
    for _ in range(EPISODES * HORIZON):
        drawn = np.array([environment.action_space.sample() for _ in range(FIRMS)])
        _, _, ended, _ = environment.step(PLUNGE if ALGORITHMS[algo].on_policy else drawn)
        keys += environment.firms._batch.keys[ended].tolist()
    return keys


@pytest.mark.parametrize(("algo", "copies"), CASES)
def test_runs_share_no_world_and_a_seed_gives_the_same_ones_again(algo: str, copies: int) -> None:
    runs = {seed: worlds_of(algo, seed, copies) for seed in SEEDS}
    assert worlds_of(algo, SEEDS[0], copies) == runs[SEEDS[0]]
    for keys in runs.values():
        alone = FIRMS // copies if copies > 1 else FIRMS
        assert len(set(keys)) >= (EPISODES + 1) * alone
        if copies > 1:
            assert len(set(keys)) > (EPISODES + 1) * alone, "no firm went bankrupt: its own stream is not seen"
        assert all(key in KEYS["train"] for key in keys)
    shared = {(one, other): len({*runs[one]} & {*runs[other]}) for one, other in itertools.combinations(SEEDS, 2)}
    assert set(shared.values()) == {0}, shared


@pytest.mark.parametrize("algo", ["ppo", "sac", "dqn"])
def test_networks_and_random_actions_differ_between_seeds_and_are_the_same_again(algo: str) -> None:
    found = []
    for seed in (0, 1, 0):
        model, environment = built(algo, seed, 1)
        drawn = (torch.rand(3).tolist(), np.random.rand(3).tolist())  # noqa: NPY002  # Stable-Baselines3 uses it
        actions = [np.asarray(environment.action_space.sample()).tolist() for _ in range(3)]
        weights = torch.cat([each.flatten() for each in model.policy.parameters()]).tolist()
        found.append((weights, *drawn, actions))
    assert found[0] == found[2]
    assert all(one != other for one, other in zip(found[0], found[1], strict=True))


def test_seeding_acts_at_the_next_reset() -> None:
    envs = [EcosystemVecEnv("ThinMargin/Ecosystem-v1", 4, copies=2, horizon=2) for _ in range(2)]
    for number, env in enumerate(envs):
        env.seed(1)
        env.reset()
        if number:
            env.seed(2)
        for _ in range(2):
            env.step(np.zeros((4, 4), np.float32))
    assert envs[0].firms._batch.keys.tolist() == envs[1].firms._batch.keys.tolist()
    later = [env.reset() is not None and env.firms._batch.keys.tolist() for env in envs]
    assert later[0] != later[1]


def test_without_a_seed_every_start_has_other_worlds() -> None:
    env = EcosystemVecEnv("ThinMargin/Ecosystem-v1", 4, copies=2, horizon=2)
    seeds = [env.seed(), env.seed()]
    assert not set(seeds[0]) & set(seeds[1])
