"""Stable-Baselines3's memory of an update, handed out in tensors that are made once an update."""

from __future__ import annotations

from typing import Any

import torch
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.type_aliases import RolloutBufferSamples

HANDED_OUT = ("observations", "actions", "values", "log_probs", "advantages", "returns")
"""In the order of RolloutBufferSamples."""


class TensorRolloutBuffer(RolloutBuffer):
    """The same batches in the same order as of the plain buffer.

    The plain one picks the rows of a batch with NumPy and copies them into tensors on the learner's device; here
    everything is brought to the device once an update, and rows are picked there.
    """

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
