"""Batches of experience are those of Stable-Baselines3's own memory, in the same order."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import RolloutBuffer

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
