"""The wrappers of one environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, SupportsFloat, TypeAlias

import gymnasium
import numpy as np
from gymnasium.utils import RecordConstructorArgs

from thinmargin.baselines import Policy
from thinmargin.wrappers.adapters import (
    Adapter,
    HistoryAdapter,
    ResidualAdapter,
    ScaledRewardAdapter,
    Seen,
    SurprisesAdapter,
)
from thinmargin.wrappers.state import AdapterState, check_once

Environment: TypeAlias = gymnasium.Env[Seen, Any]
GOING = np.zeros(1, np.bool_)


class AdaptedEnv(gymnasium.Wrapper[Any, Any, Any, Any]):
    """One environment behind an adapter.

    `get_state` and `set_state` save and restore what this and every ThinMargin wrapper further inside remembers, and
    the environment. `env.unwrapped.set_state` moves the environment alone: `History` would then compare with months
    that were not lived through. What wrappers of others keep, such as the count of a `TimeLimit`, is not saved.

    Args:
        env: a ThinMargin environment, wrapped or not.
        adapter: the change.

    Raises:
        ValueError: the environment's spaces are not those the adapter needs.
    """

    def __init__(self, env: Environment, adapter: Adapter) -> None:
        super().__init__(env)
        check_once(env, adapter)
        self.adapter_state = AdapterState(adapter, 1, env.observation_space, env.action_space)
        self.observation_space = self.adapter_state.observation_space
        self.action_space = self.adapter_state.action_space

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Seen, dict[str, Any]]:
        """As of the environment; what is remembered begins anew."""
        observation, info = self.env.reset(seed=seed, options=options)
        shown: Seen = self.adapter_state.begin(observation[None])[0]
        return shown, info

    def step(self, action: Any) -> tuple[Seen, SupportsFloat, bool, bool, dict[str, Any]]:
        """As of the environment, with the agent's action, observation and reward.

        Raises:
            ValueError, TypeError: wrong shape, type or a number that is not allowed; nothing changes.
            gymnasium.error.ResetNeeded: called before `reset` or after the end.
        """
        adapter, seen = self.adapter_state.adapter, self.adapter_state.seen
        if seen is not None:  # else the environment says that it must be reset
            action = adapter.act(seen[0], action)
        observation, reward, terminated, truncated, info = self.env.step(action)
        shown: Seen = self.adapter_state.observe(observation[None], GOING)[0]
        return shown, adapter.reward(reward), terminated, truncated, info

    def get_state(self) -> dict[str, Any]:
        """The environment's state, what is remembered, and what was seen last: plain arrays; see `set_state`."""
        return self.adapter_state.save(self.env.get_wrapper_attr("get_state")())

    def set_state(self, state: Mapping[str, Any]) -> Seen:
        """Go back to a state of `get_state` of the same wrappers; a foreign one is a ValueError and changes nothing.

        A fresh environment of `gymnasium.make` wants one `reset` before, which Gymnasium insists on.

        Returns:
            The observation of that moment.
        """
        found = self.adapter_state.check(state)
        self.env.get_wrapper_attr("set_state")(state["env"])
        shown: Seen = self.adapter_state.restore(found)[0]
        return shown


class Residual(AdaptedEnv, RecordConstructorArgs):
    """The agent corrects a base policy: see `thinmargin.wrappers.adapters.ResidualAdapter`."""

    def __init__(
        self, env: Environment, base: str | Policy = "plan", bound: float = 0.5, levels: int | None = None
    ) -> None:
        RecordConstructorArgs.__init__(self, _disable_deepcopy=True, base=base, bound=bound, levels=levels)
        AdaptedEnv.__init__(self, env, ResidualAdapter(base, bound, levels))


class Surprises(AdaptedEnv, RecordConstructorArgs):
    """The agent sees departures from what the plan expects: see `thinmargin.wrappers.adapters.SurprisesAdapter`."""

    def __init__(self, env: Environment) -> None:
        RecordConstructorArgs.__init__(self)
        AdaptedEnv.__init__(self, env, SurprisesAdapter())


class History(AdaptedEnv, RecordConstructorArgs):
    """The agent sees changes since so many months ago: see `thinmargin.wrappers.adapters.HistoryAdapter`."""

    def __init__(self, env: Environment, lags: Sequence[int] = (12,)) -> None:
        adapter = HistoryAdapter(lags)
        RecordConstructorArgs.__init__(self, lags=list(adapter.lags))
        AdaptedEnv.__init__(self, env, adapter)


class ScaledReward(AdaptedEnv, RecordConstructorArgs):
    """Rewards times a factor: see `thinmargin.wrappers.adapters.ScaledRewardAdapter`."""

    def __init__(self, env: Environment, factor: float = 0.1) -> None:
        RecordConstructorArgs.__init__(self, factor=factor)
        AdaptedEnv.__init__(self, env, ScaledRewardAdapter(factor))
