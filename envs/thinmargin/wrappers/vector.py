"""The wrappers of a batch of environments, without a Python loop over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space

from thinmargin.baselines import Policy
from thinmargin.shown import shown
from thinmargin.wrappers.adapters import (
    Adapter,
    HistoryAdapter,
    ResidualAdapter,
    ScaledRewardAdapter,
    Seen,
    SurprisesAdapter,
)
from thinmargin.wrappers.state import AdapterState, check_once

Array = npt.NDArray[Any]
Environments: TypeAlias = VectorEnv[Seen, Any, Array]


class AdaptedVectorEnv(VectorWrapper):
    """A batch of environments behind an adapter; environment i is what the wrapper of one environment makes of it.

    `get_state` and `set_state` are as of `AdaptedEnv`, for a batch of `gymnasium.make_vec`'s native class.

    Args:
        env: a ThinMargin vector environment, wrapped or not: one that starts anew in the same step.
        adapter: the change.

    Raises:
        ValueError: the environment's spaces or autoreset are not those the adapter needs.
    """

    def __init__(self, env: Environments, adapter: Adapter) -> None:
        super().__init__(env)
        if env.metadata.get("autoreset_mode") != AutoresetMode.SAME_STEP:
            raise ValueError(
                f"autoreset_mode is {shown(env.metadata.get('autoreset_mode'))}: must be AutoresetMode.SAME_STEP, as of"
                " gymnasium.make_vec; wrap the single environments otherwise"
            )
        check_once(env, adapter)
        self.adapter_state = AdapterState(adapter, env.num_envs, env.single_observation_space, env.single_action_space)
        self.single_observation_space = self.adapter_state.observation_space
        self.single_action_space = self.adapter_state.action_space
        self.observation_space = batch_space(self.single_observation_space, env.num_envs)
        self.action_space = batch_space(self.single_action_space, env.num_envs)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Seen, dict[str, Any]]:
        """As of the environments; what is remembered begins anew.

        Raises:
            ValueError: only some environments are to be reset.
        """
        if options is not None and "reset_mask" in options:
            raise ValueError("reset option 'reset_mask' cannot be used: these environments start anew by themselves")
        observations, infos = self.env.reset(seed=seed, options=options)  # type: ignore[arg-type]  # its type leaves None out
        return self.adapter_state.begin(observations), infos

    def step(self, actions: Any) -> tuple[Seen, Array, Array, Array, dict[str, Any]]:
        """As of the environments, with the agent's actions, observations and rewards, `final_obs` included.

        Raises:
            ValueError, TypeError: wrong shape, type or a number that is not allowed; nothing changes.
            gymnasium.error.ResetNeeded: called before `reset`.
        """
        adapter, seen = self.adapter_state.adapter, self.adapter_state.seen
        if seen is not None:  # else the environments say that they must be reset
            actions = adapter.act(seen, actions)
        observations, rewards, terminated, truncated, infos = self.env.step(actions)
        ended = terminated | truncated
        if ended.any():
            infos = {**infos, "final_obs": self._final(observations, infos["final_obs"], ended)}
        return self.adapter_state.observe(observations, ended), adapter.reward(rewards), terminated, truncated, infos

    def _final(self, observations: Seen, final: Array, ended: npt.NDArray[np.bool_]) -> Array:
        """Last observations of episodes that ended, None for the others."""
        rows = np.flatnonzero(ended)
        last = np.array(observations)
        last[rows] = np.stack(list(final[rows]))
        seen = self.adapter_state.last(last)
        adapted = np.full(self.num_envs, None, dtype=object)
        for row in rows:
            adapted[row] = seen[row].copy()
        return adapted

    def get_state(self) -> dict[str, Any]:
        """The environments' state, what is remembered, and what was seen last: plain arrays."""
        return self.adapter_state.save(self._saving().get_state())

    def set_state(self, state: Mapping[str, Any]) -> Seen:
        """Go back to a state of `get_state` of the same wrappers; a foreign one is a ValueError and changes nothing.

        Returns:
            The observations of that moment.
        """
        found = self.adapter_state.check(state)
        self._saving().set_state(state["env"])
        return self.adapter_state.restore(found)

    def _saving(self) -> Any:
        """The next layer inside that can be saved: wrappers of others are passed over."""
        layer: Any = self.env
        while isinstance(layer, VectorWrapper) and not isinstance(layer, AdaptedVectorEnv):
            layer = layer.env
        return layer


class VectorResidual(AdaptedVectorEnv):
    """The agent corrects a base policy: see `thinmargin.wrappers.adapters.ResidualAdapter`."""

    def __init__(
        self, env: Environments, base: str | Policy = "plan", bound: float = 0.5, levels: int | None = None
    ) -> None:
        super().__init__(env, ResidualAdapter(base, bound, levels))


class VectorSurprises(AdaptedVectorEnv):
    """The agent sees departures from what the plan expects: see `thinmargin.wrappers.adapters.SurprisesAdapter`."""

    def __init__(self, env: Environments) -> None:
        super().__init__(env, SurprisesAdapter())


class VectorHistory(AdaptedVectorEnv):
    """The agent sees changes since so many months ago: see `thinmargin.wrappers.adapters.HistoryAdapter`."""

    def __init__(self, env: Environments, lags: Sequence[int] = (12,)) -> None:
        super().__init__(env, HistoryAdapter(lags))


class VectorScaledReward(AdaptedVectorEnv):
    """Rewards times a factor: see `thinmargin.wrappers.adapters.ScaledRewardAdapter`."""

    def __init__(self, env: Environments, factor: float = 0.1) -> None:
        super().__init__(env, ScaledRewardAdapter(factor))
