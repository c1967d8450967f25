"""What stands between an agent and its firms, for any number of firms at once; the wrappers are shells around it.

An adapter holds no condition of its own: what it must remember of each firm is handed to it and handed back, so
that a batch, one environment and a policy that plays share the same lines.
"""

from __future__ import annotations

import difflib
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from thinmargin.baselines import BASELINES, Policy, baseline
from thinmargin.plans import REACH, Surprise
from thinmargin.records import FEATURES, LEVERS
from thinmargin.settings import check_choices, check_numbers
from thinmargin.tuned import tuned_policy

Seen = npt.NDArray[np.float32]
Memory = npt.NDArray[np.float32] | None
FEATURE_COUNT = len(FEATURES)
LONGEST_LAG = 180
LEVELS = 3
"""Corrections of each lever in a grid: down, none, up."""
MOST_LEVELS = 9


class Adapter:
    """Changes nothing; the others say what they change.

    Observations have shape (n, k) with the environment's 28 features first, actions whatever the agent's
    action space says, one row a firm.
    """

    def observation_space(self, space: spaces.Box) -> spaces.Box:
        """What the agent sees of an environment that shows `space`."""
        return space

    def action_space(self, space: spaces.Space[Any]) -> spaces.Space[Any]:
        """What the agent answers with for an environment that takes `space`; a ValueError if it cannot be adapted."""
        return space

    def observe(self, memory: Memory, observations: Seen, starts: npt.NDArray[np.bool_]) -> tuple[Memory, Seen]:
        """What is remembered from now on, and what the agent sees.

        Args:
            memory: what the last call returned; None before the first.
            observations: shape (n, k).
            starts: shape (n,), which firms have just begun an episode.
        """
        del starts
        return memory, observations

    def act(self, observations: Seen, actions: Any) -> Any:
        """The environment's actions for the agent's, given what the environment showed before."""
        del observations
        return actions

    def reward(self, rewards: Any) -> Any:
        """The agent's rewards for the environment's."""
        return rewards


class ResidualAdapter(Adapter):
    """The agent corrects a base policy: action = base + bound x correction, cut to [-1, 1].

    A correction of zero plays the base, so that learning starts from it (Johannink et al. 2019, Silver et al. 2018).

    Args:
        base: name of a built-in policy without memory or dice, such as `plan`; or anything with its `predict`.
        bound: most that is added to an action, above 0 to 2.
        levels: None for corrections in [-1, 1]; else each lever has this many evenly spaced ones, and the agent
            chooses from their grid by number (the last lever varies fastest), for learners with discrete actions.
    """

    def __init__(self, base: str | Policy = "plan", bound: float = 0.5, levels: int | None = None) -> None:
        if isinstance(base, str):
            allowed = [name for name in BASELINES if name != "random"]
            if base not in allowed:
                raise ValueError(f"base is {base!r}: allowed are {', '.join(allowed)}")
        elif not callable(getattr(base, "predict", None)):
            raise TypeError(f"base is {base!r}: the name of a built-in policy or something with predict is wanted")
        _check_number("bound", bound, 0.0, 2.0)
        if levels is not None and (
            isinstance(levels, bool) or not isinstance(levels, int) or not 2 <= levels <= MOST_LEVELS
        ):
            raise ValueError(f"levels is {levels!r}: allowed are None and 2 to {MOST_LEVELS}")
        self._base = baseline(base) if isinstance(base, str) else base
        self._bound = np.float32(bound)
        self._grid = None if levels is None else correction_grid(levels)

    def action_space(self, space: spaces.Space[Any]) -> spaces.Space[Any]:
        """Corrections: `Box(-1, 1, (4,))`, or the grid's numbers."""
        if not isinstance(space, spaces.Box):
            raise ValueError(f"the action space is {space}: Residual needs a Box of actions")
        return space if self._grid is None else spaces.Discrete(len(self._grid))

    def act(self, observations: Seen, actions: Any) -> Seen:
        """Base actions plus the bounded corrections, shape (n, 4)."""
        size = len(observations)
        if self._grid is None:
            wanted = check_numbers(actions, (size, len(LEVERS))).astype(np.float32)
        else:
            wanted = self._grid[check_choices(actions, (size,), len(self._grid))]
        base, _ = self._base.predict(observations[:, :FEATURE_COUNT])
        corrected: Seen = np.clip(base + self._bound * np.clip(wanted, -1.0, 1.0), -1.0, 1.0)
        return corrected


def correction_grid(levels: int = LEVELS) -> Seen:
    """Corrections in [-1, 1] behind each number, shape (levels ** 4, 4); the last lever varies fastest."""
    steps = np.linspace(-1.0, 1.0, levels)
    return np.array(list(itertools.product(steps, repeat=len(LEVERS))), np.float32)


class SurprisesAdapter(Adapter):
    """Adds how far fifteen observations are from what the shipped plan expects then, in standard deviations."""

    def __init__(self) -> None:
        feedback = tuned_policy("plan_with_feedback").feedback
        if feedback is None:
            raise ValueError("plan_with_feedback.json holds no feedback: it was not made by this package")
        self._surprise: Surprise = feedback.surprise

    def observation_space(self, space: spaces.Box) -> spaces.Box:
        """The space with the deviations behind it."""
        reach = np.full(len(self._surprise.features), REACH, np.float32)
        return spaces.Box(np.append(space.low, -reach), np.append(space.high, reach), dtype=np.float32)

    def observe(self, memory: Memory, observations: Seen, starts: npt.NDArray[np.bool_]) -> tuple[Memory, Seen]:
        """Observations with their deviations behind them."""
        del starts
        seen = observations[:, :FEATURE_COUNT]
        deviations = self._surprise.of(seen, seen[:, 0].astype(np.float64)).astype(np.float32)
        return memory, np.concatenate([observations, deviations], axis=1)


class HistoryAdapter(Adapter):
    """Adds how every number seen has changed since so many months ago; zero before the episode began.

    Args:
        lags: months back, each from 1 to 180.
    """

    def __init__(self, lags: Sequence[int] = (12,)) -> None:
        if isinstance(lags, (str, Mapping)) or not isinstance(lags, Sequence) or not lags:
            raise TypeError(f"lags is {lags!r}: a list of months is wanted, such as [6, 24]")
        for lag in lags:
            if isinstance(lag, bool) or not isinstance(lag, int) or not 1 <= lag <= LONGEST_LAG:
                raise ValueError(f"lags has {lag!r}: allowed are 1 to {LONGEST_LAG} months")
        self._lags = tuple(lags)

    def observation_space(self, space: spaces.Box) -> spaces.Box:
        """The space with the changes behind it, once a lag."""
        width = np.tile(space.high - space.low, len(self._lags))
        return spaces.Box(np.append(space.low, -width), np.append(space.high, width), dtype=np.float32)

    def observe(self, memory: Memory, observations: Seen, starts: npt.NDArray[np.bool_]) -> tuple[Memory, Seen]:
        """Observations with their changes behind them; memory has shape (longest lag, n, k), latest first."""
        if memory is None:
            memory = np.repeat(observations[None], max(self._lags), axis=0)
        elif starts.any():
            memory = np.where(starts[:, None], observations, memory)
        changes = [observations - memory[lag - 1] for lag in self._lags]
        return np.concatenate([observations[None], memory[:-1]]), np.concatenate([observations, *changes], axis=1)


class ScaledRewardAdapter(Adapter):
    """Rewards times a factor, so that values are of order one for a network.

    Args:
        factor: above 0.
    """

    def __init__(self, factor: float = 0.1) -> None:
        _check_number("factor", factor, 0.0, 1e9)
        self._factor = factor

    def reward(self, rewards: Any) -> Any:
        """Rewards in the agent's unit."""
        return rewards * self._factor


ADAPTERS: dict[str, Callable[..., Adapter]] = {
    "thinmargin.wrappers.Residual": ResidualAdapter,
    "thinmargin.wrappers.Surprises": SurprisesAdapter,
    "thinmargin.wrappers.History": HistoryAdapter,
    "thinmargin.wrappers.ScaledReward": ScaledRewardAdapter,
}
"""By the name a preset gives the wrapper of one environment."""


def adapters_of(wanted: Any) -> list[Adapter]:
    """The adapters of a preset's `env_wrapper`: names of wrappers, or mappings of one name to its arguments.

    Nothing else than the wrappers of this package is made, so that reading a configuration runs no foreign code.

    Raises:
        ValueError: a name or an argument is not among what is allowed; the message says which.
    """
    items = wanted if isinstance(wanted, (list, tuple)) else [] if wanted is None else [wanted]
    made = []
    for item in items:
        name, arguments = next(iter(item.items())) if isinstance(item, Mapping) and len(item) == 1 else (item, {})
        if not isinstance(name, str) or name not in ADAPTERS:
            close = difflib.get_close_matches(str(name), list(ADAPTERS), n=1, cutoff=0.5)
            hint = f"did you mean {close[0]}? " if close else ""
            raise ValueError(f"env_wrapper has {item!r}: {hint}allowed are {', '.join(ADAPTERS)}")
        if not isinstance(arguments or {}, Mapping):
            raise ValueError(f"env_wrapper {name} has {arguments!r}: a mapping of argument and value is wanted")
        try:
            made.append(ADAPTERS[name](**(arguments or {})))
        except (TypeError, ValueError) as error:
            raise ValueError(f"env_wrapper {name}: {error}") from error
    return made


def _check_number(name: str, value: object, low: float, high: float) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not number or not low < value <= high:  # type: ignore[operator]  # a number, as was just seen
        raise ValueError(f"{name} is {value!r}: allowed are numbers above {low:g} to {high:g}")
