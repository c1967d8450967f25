"""Stable-Baselines3's memory of an update, handed out in tensors that are made once an update."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.type_aliases import RolloutBufferSamples

HANDED_OUT = ("observations", "actions", "values", "log_probs", "advantages", "returns")
"""In the order of RolloutBufferSamples."""


MOVING = 2_000_000
"""Months in which lambda moves from its start to its end."""


class TensorRolloutBuffer(RolloutBuffer):
    """The same batches in the same order as of the plain buffer.

    The plain one picks the rows of a batch with NumPy and copies them into tensors on the learner's device; here
    everything is brought to the device once an update, and rows are picked there.

    Attributes:
        lambda_now: lambda of the update whose months have just been collected; None where it stays as it is.
    """

    lambda_now: Callable[[], float] | None = None

    def compute_returns_and_advantage(self, last_values: torch.Tensor, dones: Any) -> None:
        """As of the plain buffer, with lambda of this update."""
        if self.lambda_now is not None:
            self.gae_lambda = self.lambda_now()
        super().compute_returns_and_advantage(last_values, dones)

    def reset(self) -> None:
        """Forget an update."""
        super().reset()
        self._tensors: tuple[torch.Tensor, ...] = ()

    def _get_samples(self, batch_inds: Any, env: Any = None) -> RolloutBufferSamples:
        del env
        if not self._tensors:
            arrays = [getattr(self, name) for name in HANDED_OUT]
            flat = [*arrays[:2], *(array.reshape(-1) for array in arrays[2:])]
            self._tensors = tuple(torch.as_tensor(array, dtype=torch.float32, device=self.device) for array in flat)
        rows = torch.as_tensor(batch_inds, device=self.device)
        return RolloutBufferSamples(*(tensor.index_select(0, rows) for tensor in self._tensors))


def move_lambda(model: BaseAlgorithm, start: float) -> None:
    """Let lambda of an on-policy model with a TensorRolloutBuffer move from `start` to the one that it has.

    A small one learns from what follows soon and leaves the rest to the critic, which is quick; a large one trusts the
    critic less, which is right in the end (Schulman et al. 2016). How far it has moved depends on the months before the
    update, not on the length of the run.
    """
    memory: Any = getattr(model, "rollout_buffer")  # noqa: B009  # only on-policy algorithms have it
    end, update = memory.gae_lambda, memory.buffer_size * memory.n_envs
    memory.lambda_now = lambda: start + (end - start) * min((model.num_timesteps - update) / MOVING, 1.0)
