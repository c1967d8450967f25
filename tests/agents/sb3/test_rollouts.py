"""Batches of experience are those of Stable-Baselines3's own memory, in the same order."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback

from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.sb3.building import build_environment, build_model
from thinmargin_agents.sb3.rollouts import TensorRolloutBuffer

SEEN = spaces.Box(-1.0, 1.0, (3,), np.float32)
MONTHS, FIRMS = 4, 6


def filled(kind: type[RolloutBuffer], actions: spaces.Space[np.generic], updates: int = 1) -> RolloutBuffer:
    """A memory with the experience of the last of so many updates."""
    memory = kind(MONTHS, SEEN, actions, "cpu", gae_lambda=0.9, gamma=0.99, n_envs=FIRMS)
    rng = np.random.default_rng(0)
    for _ in range(updates):
        memory.reset()
        for month in range(MONTHS):
            done = rng.random(FIRMS) < 0.2
            memory.add(
                rng.normal(size=(FIRMS, 3)).astype(np.float32),
                np.array([actions.sample() for _ in range(FIRMS)]) * 0 + month,
                rng.normal(size=FIRMS),
                done,
                torch.as_tensor(rng.normal(size=(FIRMS, 1)), dtype=torch.float32),
                torch.as_tensor(rng.normal(size=FIRMS), dtype=torch.float32),
            )
        memory.compute_returns_and_advantage(torch.zeros(FIRMS, 1), done)
        for _ in memory.get(5):
            pass
    return memory


@pytest.mark.parametrize("batch", [5, 24, None])
@pytest.mark.parametrize("updates", [1, 2])
@pytest.mark.parametrize("actions", [spaces.Box(-1.0, 1.0, (2,), np.float32), spaces.Discrete(5)])
def test_batches_are_those_of_the_plain_memory(
    actions: spaces.Space[np.generic], updates: int, batch: int | None
) -> None:
    found = []
    for kind in (RolloutBuffer, TensorRolloutBuffer):
        memory = filled(kind, actions, updates)
        state = np.random.get_state()  # noqa: NPY002  # Stable-Baselines3 shuffles with it
        np.random.seed(3)  # noqa: NPY002  # as above
        found.append([tuple(samples) for _ in range(2) for samples in memory.get(batch)])
        np.random.set_state(state)  # noqa: NPY002  # as above
    assert len(found[0]) == len(found[1])
    for mine, its in zip(*found, strict=True):
        for one, other in zip(mine, its, strict=True):
            assert one.dtype == other.dtype
            assert torch.equal(one, other)


def test_lambda_moves_from_its_start_by_the_months_before_an_update_whatever_the_length_of_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("thinmargin_agents.sb3.rollouts.MOVING", 200)
    given = TrainConfig(
        total_timesteps=800, n_envs=4, env_kwargs=("horizon=5",),
        hyperparams=("paired_worlds=4", "n_steps=5", "batch_size=20", "gae_lambda_start=0.9", "gae_lambda=1"),
    )  # fmt: skip
    run = resolve(given)

    class Lambdas(BaseCallback):
        seen: ClassVar[list[float]] = []

        def _on_step(self) -> bool:
            return True

        def _on_rollout_end(self) -> None:
            assert isinstance(self.model, PPO)
            self.seen.append(self.model.rollout_buffer.gae_lambda)

    model = build_model(run, build_environment(run))
    model.learn(100, Lambdas())
    model.learn(200, Lambdas(), reset_num_timesteps=False)
    assert Lambdas.seen == pytest.approx([min(0.9 + 0.1 * 20 * k / 200, 1.0) for k in range(15)])
    plain = resolve(TrainConfig(total_timesteps=800, n_envs=16))
    assert getattr(build_model(plain, build_environment(plain)), "rollout_buffer").lambda_now is None  # noqa: B009


@pytest.mark.parametrize("algo", ["ppo_lstm", "sac"])
def test_an_algorithm_whose_lambda_does_not_move_says_so(algo: str) -> None:
    with pytest.raises(ConfigError, match=f"unknown hyper-parameter 'gae_lambda_start' of {algo}"):
        resolve(TrainConfig(algo=algo, hyperparams=("gae_lambda_start=0.9",)))  # type: ignore[arg-type]  # a text
