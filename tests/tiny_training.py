"""A training of 48 months, for tests of what becomes of a run afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from thinmargin_agents.runs.folder import RunFolder
from thinmargin_agents.training.trainer import train

NAMES = ("policy_kwargs.net_arch=[8]", "paired_worlds=1", "n_steps=12", "batch_size=24")
"""Hyper-parameters of PPO."""
FLAGS: dict[str, Any] = {"env_kwargs": ("horizon=12",), "n_envs": 4, "total_timesteps": 48, "n_eval_episodes": 2}
"""Settings of `TrainConfig`."""


def resume(folder: Path) -> None:
    """Train on from the last checkpoint."""
    opened = RunFolder.open(folder)
    train(opened.run(), opened, shown=False, resume=True)
