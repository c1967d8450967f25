"""The wrappers of one environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, SupportsFloat, TypeAlias

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs

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

Environment: TypeAlias = gymnasium.Env[Seen, Any]
START, GOING = np.ones(1, np.bool_), np.zeros(1, np.bool_)


class AdaptedEnv(gymnasium.Wrapper[Any, Any, Any, Any]):
    """One environment behind an adapter.

    Args:
        env: a ThinMargin environment, wrapped or not.
        adapter: what changes.

    Raises:
        ValueError: the environment's spaces are not those the adapter needs.
    """

    def __init__(self, env: Environment, adapter: Adapter) -> None:
        super().__init__(env)
        if not isinstance(env.observation_space, spaces.Box):
            raise ValueError(f"the observation space is {env.observation_space}: a Box of numbers is wanted")
        self.observation_space = adapter.observation_space(env.observation_space)
        self.action_space = adapter.action_space(env.action_space)
        self._adapter = adapter
        self._memory: Memory = None
        self._seen: Seen | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Seen, dict[str, Any]]:
        """As of the environment; what is remembered begins anew."""
        observation, info = self.env.reset(seed=seed, options=options)
        self._memory = None
        return self._observe(observation, start=True), info

    def step(self, action: Any) -> tuple[Seen, SupportsFloat, bool, bool, dict[str, Any]]:
        """As of the environment, with the agent's action, observation and reward."""
        if self._seen is not None:  # else the environment says that it must be reset
            action = self._adapter.act(self._seen, np.asarray(action)[None])[0]
        observation, reward, terminated, truncated, info = self.env.step(action)
        return self._observe(observation, start=False), self._adapter.reward(reward), terminated, truncated, info

    def _observe(self, observation: Seen, *, start: bool) -> Seen:
        self._seen = observation[None]
        self._memory, seen = self._adapter.observe(self._memory, self._seen, START if start else GOING)
        shown: Seen = seen[0]
        return shown


class Residual(AdaptedEnv, RecordConstructorArgs):
    """The agent corrects a base policy: see `thinmargin.wrappers.adapters.ResidualAdapter`."""

    def __init__(
        self, env: Environment, base: str | Policy = "plan", bound: float = 0.5, levels: int | None = None
    ) -> None:
        RecordConstructorArgs.__init__(self, base=base, bound=bound, levels=levels)
        AdaptedEnv.__init__(self, env, ResidualAdapter(base, bound, levels))


class Surprises(AdaptedEnv, RecordConstructorArgs):
    """The agent sees departures from what the plan expects: see `SurprisesAdapter`."""

    def __init__(self, env: Environment) -> None:
        RecordConstructorArgs.__init__(self)
        AdaptedEnv.__init__(self, env, SurprisesAdapter())


class History(AdaptedEnv, RecordConstructorArgs):
    """The agent sees changes since so many months ago: see `HistoryAdapter`."""

    def __init__(self, env: Environment, lags: Sequence[int] = (12,)) -> None:
        RecordConstructorArgs.__init__(self, lags=lags)
        AdaptedEnv.__init__(self, env, HistoryAdapter(lags))


class ScaledReward(AdaptedEnv, RecordConstructorArgs):
    """Rewards times a factor: see `ScaledRewardAdapter`."""

    def __init__(self, env: Environment, factor: float = 0.1) -> None:
        RecordConstructorArgs.__init__(self, factor=factor)
        AdaptedEnv.__init__(self, env, ScaledRewardAdapter(factor))
