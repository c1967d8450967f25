"""The wrappers of a batch of environments, without a Python loop over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space

from thinmargin.baselines import Policy
from thinmargin.wrappers.adapters import (
    Adapter,
    HistoryAdapter,
    Memory,
    ResidualAdapter,
    ScaledRewardAdapter,
    Seen,
    SurprisesAdapter,
)

Array = npt.NDArray[Any]
Environments: TypeAlias = VectorEnv[Seen, Any, Array]


class AdaptedVectorEnv(VectorWrapper):
    """A batch of environments behind an adapter.

    Args:
        env: a ThinMargin vector environment, wrapped or not: one that starts anew in the same step.
        adapter: what changes.

    Raises:
        ValueError: the environment's spaces or autoreset are not those the adapter needs.
    """

    def __init__(self, env: Environments, adapter: Adapter) -> None:
        super().__init__(env)
        if not isinstance(env.single_observation_space, spaces.Box):
            raise ValueError(f"the observation space is {env.single_observation_space}: a Box of numbers is wanted")
        if env.metadata.get("autoreset_mode") != AutoresetMode.SAME_STEP:
            raise ValueError(f"autoreset_mode is {env.metadata.get('autoreset_mode')}: SAME_STEP is wanted")
        self.single_observation_space = adapter.observation_space(env.single_observation_space)
        self.single_action_space = adapter.action_space(env.single_action_space)
        self.observation_space = batch_space(self.single_observation_space, env.num_envs)
        self.action_space = batch_space(self.single_action_space, env.num_envs)
        self._adapter = adapter
        self._memory: Memory = None
        self._seen: Seen | None = None
        self._shown: Seen | None = None

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Seen, dict[str, Any]]:
        """As of the environments; what is remembered begins anew."""
        observations, infos = self.env.reset(seed=seed, options=options)  # type: ignore[arg-type]  # its type leaves None out
        self._memory = None
        return self._observe(observations, np.ones(self.num_envs, np.bool_)), infos

    def step(self, actions: Any) -> tuple[Seen, Array, Array, Array, dict[str, Any]]:
        """As of the environments, with the agent's actions, observations and rewards."""
        if self._seen is not None:  # else the environments say that they must be reset
            actions = self._adapter.act(self._seen, actions)
        observations, rewards, terminated, truncated, infos = self.env.step(actions)
        ended = terminated | truncated
        if ended.any():
            infos = {**infos, "final_obs": self._final(observations, infos["final_obs"], ended)}
        seen = self._observe(observations, ended)
        return seen, self._adapter.reward(rewards), terminated, truncated, infos

    def _observe(self, observations: Seen, starts: npt.NDArray[np.bool_]) -> Seen:
        self._seen = observations
        self._memory, self._shown = self._adapter.observe(self._memory, observations, starts)
        return self._shown

    def _final(self, observations: Seen, final: Array, ended: npt.NDArray[np.bool_]) -> Array:
        """What the agent sees last of episodes that ended."""
        rows = np.flatnonzero(ended)
        last = observations.copy()
        last[rows] = np.stack(list(final[rows]))
        _, seen = self._adapter.observe(self._memory, last, np.zeros(self.num_envs, np.bool_))
        adapted = np.full(self.num_envs, None, dtype=object)
        for row in rows:
            adapted[row] = seen[row]
        return adapted

    def get_state(self) -> dict[str, Any]:
        """The environments' state, what is remembered, and what the agent sees."""
        state = self.env.get_state()  # type: ignore[attr-defined]  # ThinMargin's own and these wrappers have it
        memory = None if self._memory is None else self._memory.copy()
        return {"env": state, "memory": memory, "shown": None if self._shown is None else self._shown.copy()}

    def set_state(self, state: Mapping[str, Any]) -> Seen:
        """Go back to a state of `get_state` and return what the agent sees; a foreign one is a ValueError."""
        if not isinstance(state, Mapping) or {"env", "memory", "shown"} - set(state):
            raise ValueError("state is not of get_state of the same wrapper: 'env', 'memory' and 'shown' are wanted")
        shown = np.array(state["shown"], np.float32)
        if shown.shape != self.observation_space.shape:
            raise ValueError(f"state['shown'] has shape {shown.shape}: {self.observation_space.shape} is wanted")
        self._seen = self.env.set_state(state["env"])  # type: ignore[attr-defined]  # as above
        self._memory, self._shown = state["memory"], shown
        return shown


class VectorResidual(AdaptedVectorEnv):
    """The agent corrects a base policy: see `thinmargin.wrappers.adapters.ResidualAdapter`."""

    def __init__(
        self, env: Environments, base: str | Policy = "plan", bound: float = 0.5, levels: int | None = None
    ) -> None:
        super().__init__(env, ResidualAdapter(base, bound, levels))


class VectorSurprises(AdaptedVectorEnv):
    """The agent sees departures from what the plan expects: see `SurprisesAdapter`."""

    def __init__(self, env: Environments) -> None:
        super().__init__(env, SurprisesAdapter())


class VectorHistory(AdaptedVectorEnv):
    """The agent sees changes since so many months ago: see `HistoryAdapter`."""

    def __init__(self, env: Environments, lags: Sequence[int] = (12,)) -> None:
        super().__init__(env, HistoryAdapter(lags))


class VectorScaledReward(AdaptedVectorEnv):
    """Rewards times a factor: see `ScaledRewardAdapter`."""

    def __init__(self, env: Environments, factor: float = 0.1) -> None:
        super().__init__(env, ScaledRewardAdapter(factor))
