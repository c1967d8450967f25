"""Stable-Baselines3's memory of an update, handed out in tensors that are made once an update."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.type_aliases import RolloutBufferSamples, Schedule

HANDED_OUT = ("observations", "actions", "values", "log_probs", "advantages", "returns")
"""In the order of RolloutBufferSamples."""


GROWING = 0.25
"""Share of a run in which lambda moves from its start to its end."""


class TensorRolloutBuffer(RolloutBuffer):
    """The same batches in the same order as of the plain buffer.

    The plain one picks the rows of a batch with NumPy and copies them into tensors on the learner's device; here
    everything is brought to the device once an update, and rows are picked there.

    Attributes:
        lambda_schedule: lambda by the share of a run that is left; None where it stays.
        lambda_now: what it gives for the update whose months have just been collected: where these began.
    """

    lambda_schedule: Schedule | None = None
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


def moving_lambda(start: float, end: float) -> Schedule:
    """Lambda by the share of a run that is left.

    A small one learns from what follows soon and leaves the rest to the critic, which is quick; a large one trusts the
    critic less, which is right in the end (Schulman et al. 2016).
    """
    return lambda left: start + (end - start) * min((1.0 - left) / GROWING, 1.0)


def move_lambda(model: BaseAlgorithm, start: float) -> None:
    """Let lambda of an on-policy model with a TensorRolloutBuffer move from `start` to the one that it has."""
    memory: Any = getattr(model, "rollout_buffer")  # noqa: B009  # only on-policy algorithms have it
    schedule = memory.lambda_schedule = moving_lambda(start, memory.gae_lambda)
    update = memory.buffer_size * memory.n_envs
    memory.lambda_now = lambda: schedule(
        1.0 - (model.num_timesteps - update) / max(model._total_timesteps, 1)  # noqa: SLF001  # no public name exists
    )
