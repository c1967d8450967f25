"""Paired worlds: firms that live through the same world side by side, so that luck cancels out of advantages.

Most of what an agent earns is its world: a hidden market, rivals, shocks. With common random numbers (Glasserman
and Yao 1992) the same world is played by several firms whose actions differ by exploration only, and the advantage
of an action is what followed it in one firm less the mean of the others at the same month: a baseline that needs no
fitting (as in Kool, van Hoof and Welling 2019).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sb3_contrib.common.recurrent.buffers import RecurrentRolloutBuffer

from thinmargin_agents.sb3.rollouts import TensorRolloutBuffer


def advantage_over_world_mean(advantages: Any, starts: Any, copies: int, horizon: int) -> Any:
    """Advantages less the mean over the firms of the same world at the same month.

    Args:
        advantages: shape (months, firms); every `horizon` months all firms start anew, each group of `copies`
            neighbours in the same world.
        starts: shape (months, firms): whether an episode starts there.
        copies: firms of a world.
        horizon: months of an episode.

    Returns:
        Shape (months, firms). A firm that went bankrupt and started early is in another world from then on: it
        keeps its advantage, and the others are compared without it.
    """
    shape = advantages.shape
    early = starts.reshape(-1, horizon, shape[1]).astype(bool).copy()
    early[:, 0] = False
    together = ~np.logical_or.accumulate(early, axis=1).reshape(-1, shape[1] // copies, copies)
    grouped = advantages.reshape(-1, shape[1] // copies, copies)
    count = np.maximum(together.sum(axis=2, keepdims=True), 1)
    mean = (grouped * together).sum(axis=2, keepdims=True) / count
    return (grouped - mean * together).reshape(shape).astype(np.float32)


class _Paired:
    """The common part of both buffers: see `advantage_over_world_mean`."""

    advantages: Any
    episode_starts: Any

    def __init__(self, *args: Any, copies: int, horizon: int, **kwargs: Any) -> None:
        self._copies, self._horizon = copies, horizon
        super().__init__(*args, **kwargs)

    def compute_returns_and_advantage(self, last_values: torch.Tensor, dones: Any) -> None:
        """Returns of the plain buffer; advantages over the mean of the world."""
        super().compute_returns_and_advantage(last_values, dones)  # type: ignore[misc]  # of the buffer beside it
        self.advantages = advantage_over_world_mean(self.advantages, self.episode_starts, self._copies, self._horizon)


class PairedRolloutBuffer(_Paired, TensorRolloutBuffer):
    """Experience of PPO and A2C in paired worlds."""


class PairedRecurrentRolloutBuffer(_Paired, RecurrentRolloutBuffer):
    """Experience of recurrent PPO in paired worlds."""
