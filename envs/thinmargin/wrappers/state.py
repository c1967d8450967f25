"""State of a wrapper between two months, for one environment or a batch of them alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.error import ResetNeeded

from thinmargin.shown import shown
from thinmargin.versions import check_state
from thinmargin.wrappers.adapters import Adapter, Memory, Seen

NAMES = ("env", "memory", "seen", "starts")
"""Entries of a saved state: the environment's own, memory before the last observation, this one, who began then."""


class AdapterState:
    """An adapter with its memory of n firms and their last observations.

    Args:
        adapter: the change.
        firms: their number.
        space: observation space of one firm.
        actions: action space of one firm.

    Attributes:
        observation_space: of the agent, for one firm.
        action_space: of the agent, for one firm.
        seen: the environment's last observations, shape (n, k); None before the first reset.

    Raises:
        ValueError: the spaces are not those the adapter needs.
    """

    def __init__(self, adapter: Adapter, firms: int, space: spaces.Space[Any], actions: spaces.Space[Any]) -> None:
        if not isinstance(space, spaces.Box) or len(space.shape) != 1 or space.dtype != np.float32:
            raise ValueError(f"the observation space is {shown(space)}: must be a Box of float32 numbers in a row")
        self.observation_space = adapter.observation_space(space)
        self.action_space = adapter.action_space(actions)
        self.adapter = adapter
        self.seen: Seen | None = None
        self._shape = (firms, space.shape[0])
        self._before: Memory = None
        self._starts = np.ones(firms, np.bool_)
        self._memory: Memory = None

    def begin(self, observations: Seen) -> Seen:
        """Return the agent's observations of firms that all begin; the memory is cleared."""
        self._memory = None
        return self.observe(observations, np.ones(len(observations), np.bool_))

    def observe(self, observations: Seen, starts: npt.NDArray[np.bool_]) -> Seen:
        """Return the agent's observations, a new array that may be changed."""
        self.seen = observations
        self._before, self._starts = self._memory, starts
        self._memory, shown = self.adapter.observe(self._memory, self.seen, starts)
        return shown.copy() if shown is self.seen else shown

    def last(self, observations: Seen) -> Seen:
        """Return the agent's observations of firms that end with these; the memory does not change."""
        _, shown = self.adapter.observe(self._memory, observations, np.zeros(len(observations), np.bool_))
        return shown

    def save(self, env: Any) -> dict[str, Any]:
        """Saved state: the environment's own and this one's, as plain arrays."""
        if self.seen is None:
            raise ResetNeeded("get_state needs an episode: call reset first")
        memory = None if self._before is None else self._before.copy()
        return {"env": env, "memory": memory, "seen": self.seen.copy(), "starts": self._starts.copy()}

    def check(self, state: Any) -> dict[str, Any]:
        """Return copies of a saved state's arrays; raise ValueError unless it is of the same wrapper."""
        if not isinstance(state, Mapping) or set(NAMES) - set(state):
            raise ValueError(
                f"state is {shown(state)}: must come from get_state of this wrapper, with {', '.join(NAMES)}"
            )
        check_state(state)
        found = {
            "seen": _array(state, "seen", self._shape, np.float32),
            "starts": _array(state, "starts", self._shape[:1], np.bool_),
        }
        shape = self.adapter.memory_shape(*self._shape)
        if state["memory"] is not None and shape is not None:
            found["memory"] = _array(state, "memory", shape, np.float32)
        elif state["memory"] is not None or (shape is not None and not found["starts"].all()):
            allowed = "None" if shape is None else f"an array of shape {shape}"
            raise ValueError(f"state['memory'] is {shown(state['memory'])}: must be {allowed}, as of get_state")
        return found

    def restore(self, found: Mapping[str, Any]) -> Seen:
        """Go back to a state from `check` and return the agent's observations then."""
        self._memory = found.get("memory")
        return self.observe(found["seen"], found["starts"])


def _array(state: Mapping[str, Any], name: str, shape: tuple[int, ...], kind: type[np.generic]) -> npt.NDArray[Any]:
    """Return a copy of an array of a state; raise ValueError unless it is finite and has this shape and type."""
    if not isinstance(state[name], np.ndarray) or isinstance(state[name], np.ma.MaskedArray):
        raise ValueError(f"state['{name}'] is {shown(state[name])}: must be an array of shape {shape}, as of get_state")
    array = np.array(state[name])
    if array.shape != shape or array.dtype != kind:
        raise ValueError(
            f"state['{name}'] has shape {array.shape} and type {array.dtype.name}: must be {shape} and"
            f" {np.dtype(kind).name}, as of get_state"
        )
    if not np.isfinite(array).all():
        raise ValueError(f"state['{name}'] holds NaN or infinity: it must come from get_state")
    return array


def check_once(env: Any, adapter: Adapter) -> None:
    """Raise ValueError if a wrapper further inside has an adapter of the same class, and one alone is meant."""
    while env is not None and adapter.once:
        state = vars(env).get("adapter_state")
        if isinstance(state, AdapterState) and type(state.adapter) is type(adapter):
            name = type(adapter).__name__.removesuffix("Adapter")
            raise ValueError(f"env is wrapped in {name} already: {adapter.once}")
        env = vars(env).get("env")
