"""A trained policy with the adapters that it learnt behind: it plays the bare environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from thinmargin.baselines import Policy
from thinmargin.wrappers import Adapter


class AdaptedPolicy:
    """Takes observations of the bare environment and answers with its actions.

    Args:
        policy: what the agent learnt, with Stable-Baselines3's `predict`.
        adapters: between policy and environment while it learnt, innermost first.
    """

    def __init__(self, policy: Policy, adapters: Sequence[Adapter]) -> None:
        self.policy = policy
        self._adapters = tuple(adapters)

    def predict(
        self,
        observation: npt.NDArray[np.float32],
        state: Any = None,
        episode_start: npt.NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[npt.NDArray[Any], Any]:
        """Actions for observations of shape (32,) or (n, 32), and the state to hand to the next call."""
        seen = np.atleast_2d(observation)
        memories, inner = ((None,) * len(self._adapters), None) if state is None else state
        starts = np.full(len(seen), state is None) if episode_start is None else np.atleast_1d(episode_start)
        shown, remembered = [], []
        for adapter, memory in zip(self._adapters, memories, strict=True):
            shown.append(seen)
            memory, seen = adapter.observe(memory, seen, starts)  # noqa: PLW2901  # what is remembered from now on
            remembered.append(memory)
        actions, inner = self.policy.predict(seen, inner, starts, deterministic)
        for adapter, before in zip(reversed(self._adapters), reversed(shown), strict=True):
            actions = adapter.act(before, actions)
        answer = np.asarray(actions)
        return answer if np.ndim(observation) > 1 else answer[0], (tuple(remembered), inner)
