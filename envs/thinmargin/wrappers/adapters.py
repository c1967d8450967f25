"""Adapters between an agent and its firms, for any number of firms at once; the wrappers are shells around them.

An adapter holds no state of its own: its memory of each firm is an argument and is returned, so
that a batch, one environment and a policy that plays share the same lines.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from thinmargin.baselines import BASELINES, Policy, baseline
from thinmargin.plans import REACH, TIME, Surprise
from thinmargin.records import FEATURES, LEVERS
from thinmargin.settings import array_of, check_choices, check_numbers, observation_space
from thinmargin.shown import shown
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

    Observations have shape (n, k), one row a firm, with the environment's 32 features first; actions are what the
    agent's action space says, once a firm.

    Attributes:
        once: why no second one goes around the same environment; empty where one may.
    """

    once: ClassVar[str] = ""

    def observation_space(self, space: spaces.Box) -> spaces.Box:
        """Observation space of the agent for an environment's `space`; ValueError if it cannot be adapted."""
        return space

    def action_space(self, space: spaces.Space[Any]) -> spaces.Space[Any]:
        """Action space of the agent for an environment's `space`; ValueError if it cannot be adapted."""
        return space

    def memory_shape(self, firms: int, width: int) -> tuple[int, ...] | None:
        """Shape of the memory of so many firms with `width` numbers each; None without memory."""
        del firms, width
        return None

    def observe(self, memory: Memory, observations: Seen, starts: npt.NDArray[np.bool_]) -> tuple[Memory, Seen]:
        """Return the new memory and the agent's observations; the arguments are not changed.

        Args:
            memory: the one that the last call returned; None before the first.
            observations: shape (n, k).
            starts: shape (n,), which firms have just begun an episode.
        """
        del starts
        return memory, observations

    def act(self, observations: Seen, actions: Any) -> Any:
        """The environment's actions for the agent's.

        Args:
            observations: the environment's last ones, shape (n, k), or (k,) for one firm.
            actions: the agent's, once a firm, or one action for one firm.

        Raises:
            ValueError, TypeError: wrong shape, type, or a number that is not allowed.
        """
        del observations
        return actions

    def reward(self, rewards: Any) -> Any:
        """The agent's rewards for the environment's."""
        return rewards


class ResidualAdapter(Adapter):
    """The agent corrects a base policy: action = base + bound x correction, cut to [-1, 1].

    A correction of zero plays the base, so that learning starts from it (Johannink et al. 2019, Silver et al. 2018).

    Args:
        base: name of a built-in policy other than `random`, such as `plan`; or anything with Stable-Baselines3's
            `predict` that answers the environment's 32 observations with four numbers, always the same for the
            same observations: it is asked with `deterministic=True`, and may not remember.
        bound: most that is added to an action, above 0 to 2 (an action's whole range).
        levels: None for corrections in [-1, 1]; else each lever has this many evenly spaced ones, and the agent
            chooses from their grid by number (`correction_grid`), for learners with discrete actions.

    Attributes:
        base: the policy itself.
        base_name: its name, None where an object was given.
        bound: in single precision.
        grid: the corrections behind the numbers, shape (levels ** 4, 4), or None.
    """

    once = "corrections of corrections are not meant"

    def __init__(self, base: str | Policy = "plan", bound: float = 0.5, levels: int | None = None) -> None:
        _check_number("bound", bound, 0.0, 2.0)
        if levels is not None and (
            isinstance(levels, bool) or not isinstance(levels, int) or not 2 <= levels <= MOST_LEVELS
        ):
            raise ValueError(f"levels is {shown(levels)}: allowed are None and 2 to {MOST_LEVELS}")
        self.base, self.base_name = _policy(base), base if isinstance(base, str) else None
        self.bound = np.float32(bound)
        self.grid = None if levels is None else correction_grid(levels)
        if not isinstance(base, str):  # what is not ours is tried before anything depends on it
            self._answers(np.zeros((2, FEATURE_COUNT), np.float32))

    def observation_space(self, space: spaces.Box) -> spaces.Box:
        """The space as it is."""
        check_features("Residual", space)
        return space

    def action_space(self, space: spaces.Space[Any]) -> spaces.Space[Any]:
        """Corrections: `Box(-1, 1, (4,))`, or the grid's numbers."""
        if space != spaces.Box(-1.0, 1.0, (len(LEVERS),), np.float32):
            raise ValueError(
                f"the action space is {shown(space)}: Residual needs Box(-1.0, 1.0, ({len(LEVERS)},), float32)"
            )
        return space if self.grid is None else spaces.Discrete(len(self.grid))

    def act(self, observations: Seen, actions: Any) -> Seen:
        """Base actions plus the bounded corrections, shape (n, 4), or (4,) for one firm."""
        added = self.correction(len(observations) if observations.ndim > 1 else None, actions)
        corrected: Seen = np.clip(self._answers(observations[..., :FEATURE_COUNT]) + added, -1.0, 1.0)
        return corrected

    def correction(self, firms: int | None, actions: Any) -> Seen:
        """Part of the action that the agent adds to the base's, before the cut: shape (firms, 4), or (4,) for None.

        Args:
            firms: how many, or None for one firm's action without a row around it.
            actions: shape (firms, 4), beyond [-1, 1] cut to it; or the grid's numbers, shape (firms,).
        """
        leading = () if firms is None else (firms,)
        if self.grid is None:
            asked = check_numbers(actions, (*leading, len(LEVERS))).astype(np.float32)
        else:
            asked = self.grid[check_choices(actions, leading, len(self.grid))]
        added: Seen = self.bound * np.clip(asked, -1.0, 1.0)
        return added

    def _answers(self, observations: Seen) -> npt.NDArray[Any]:
        """The base's actions for observations of shape (n, 32) or (32,)."""
        answer, state = self.base.predict(observations, deterministic=True)
        if remembers(state):
            raise ValueError(f"base is {shown(self.base)}: it remembers, and a base must answer what it is shown only")
        actions = array_of("answer of base", answer)
        shape = (*observations.shape[:-1], len(LEVERS))
        if actions.shape != shape or actions.dtype.kind not in "fiu" or not np.isfinite(actions).all():
            raise ValueError(f"base answers {shown(answer)}: must be finite numbers of shape {shape}")
        return actions


def correction_grid(levels: int = LEVELS) -> Seen:
    """Corrections in [-1, 1] behind each number, shape (levels ** 4, 4); the last lever varies fastest.

    With an odd number of levels the number in the middle, levels ** 4 // 2, corrects nothing; with an even one none
    does.
    """
    steps = np.linspace(-1.0, 1.0, levels)
    return np.array(list(itertools.product(steps, repeat=len(LEVERS))), np.float32)


class SurprisesAdapter(Adapter):
    """Adds how far observations are from what the shipped plan expects at that time, in standard deviations.

    Which observations, what is expected of them and how far they spread is what the feedback of
    `plan_with_feedback` looks at (`thinmargin.plans.Surprise`): means and deviations over validation worlds of the
    benchmark. Deviations are cut to three.

    Attributes:
        surprise: names, means over time and deviations.
    """

    once = "the same numbers would be there twice"

    def __init__(self) -> None:
        feedback = tuned_policy("plan_with_feedback").feedback
        if feedback is None:
            raise ValueError("plan_with_feedback.json holds no feedback: it was not made by this package")
        self.surprise: Surprise = feedback.surprise

    def observation_space(self, space: spaces.Box) -> spaces.Box:
        """The space with the deviations behind it."""
        check_features("Surprises", space)
        reach = np.full(len(self.surprise.features), REACH, np.float32)
        return spaces.Box(np.append(space.low, -reach), np.append(space.high, reach), dtype=np.float32)

    def observe(self, memory: Memory, observations: Seen, starts: npt.NDArray[np.bool_]) -> tuple[Memory, Seen]:
        """Observations with their deviations behind them."""
        del starts
        deviations = self.surprise.of(observations, observations[:, TIME].astype(np.float64)).astype(np.float32)
        return memory, np.concatenate([observations, deviations], axis=1)


class HistoryAdapter(Adapter):
    """Adds how every number seen has changed since so many months ago, or since the episode began if that is later.

    One has all lags. Around another wrapper it compares what that shows too: around `Surprises` the surprises, around
    another `History` its changes.

    Args:
        lags: months back, whole numbers from 1 to 180, none twice.

    Attributes:
        lags: the same as a tuple; k numbers become k (1 + lags) numbers.
    """

    def __init__(self, lags: Sequence[int] = (12,)) -> None:
        if not isinstance(lags, (list, tuple, range)) or not lags:
            raise TypeError(f"lags is {shown(lags)}: must be a list of months such as [6, 24]")
        for lag in lags:
            if isinstance(lag, bool) or not isinstance(lag, int) or not 1 <= lag <= LONGEST_LAG:
                raise ValueError(f"lags has {shown(lag)}: allowed are whole numbers from 1 to {LONGEST_LAG}")
        if len(set(lags)) < len(lags):
            raise ValueError(f"lags is {shown(lags)}: none may be there twice")
        self.lags = tuple(lags)

    def observation_space(self, space: spaces.Box) -> spaces.Box:
        """The space with the changes behind it, once a lag."""
        width = np.tile(space.high - space.low, len(self.lags))
        return spaces.Box(np.append(space.low, -width), np.append(space.high, width), dtype=np.float32)

    def memory_shape(self, firms: int, width: int) -> tuple[int, ...]:
        """(longest lag, firms, width): past observations, the latest first."""
        return max(self.lags), firms, width

    def observe(self, memory: Memory, observations: Seen, starts: npt.NDArray[np.bool_]) -> tuple[Memory, Seen]:
        """Observations with their changes behind them."""
        if memory is None:
            memory = np.repeat(observations[None], max(self.lags), axis=0)
        elif starts.any():
            memory = np.where(starts[:, None], observations, memory)
        changes = [observations - memory[lag - 1] for lag in self.lags]
        return np.concatenate([observations[None], memory[:-1]]), np.concatenate([observations, *changes], axis=1)


class ScaledRewardAdapter(Adapter):
    """Rewards times a factor, so that values are of order one for a network.

    Args:
        factor: above 0 to a billion.

    Attributes:
        factor: the same.
    """

    def __init__(self, factor: float = 0.1) -> None:
        _check_number("factor", factor, 0.0, 1e9)
        self.factor = factor

    def reward(self, rewards: Any) -> Any:
        """Rewards in the agent's unit."""
        return rewards * self.factor


def check_features(who: str, space: spaces.Box) -> None:
    """Raise ValueError unless the first numbers of a space are the environment's features, unchanged."""
    features = observation_space()
    ours = space.low[:FEATURE_COUNT], space.high[:FEATURE_COUNT]
    if not (np.array_equal(ours[0], features.low) and np.array_equal(ours[1], features.high)):
        raise ValueError(
            f"the observation space is {shown(space)}: {who} needs ThinMargin's {FEATURE_COUNT} observations first and"
            " unchanged; wrappers that scale or reorder them go around it, not inside"
        )


def _policy(base: Any) -> Policy:
    if isinstance(base, str):
        allowed = [name for name in BASELINES if name != "random"]
        if base not in allowed:
            raise ValueError(f"base is {shown(base)}: allowed are {', '.join(allowed)}")
        return baseline(base)
    if isinstance(base, type) or not callable(getattr(base, "predict", None)):
        raise TypeError(f"base is {shown(base)}: must be the name of a built-in policy or an object with predict")
    policy: Policy = base
    return policy


def remembers(state: Any) -> bool:
    """True if a policy's state holds anything; a nest of None, as of policies behind wrappers, does not."""
    if isinstance(state, Mapping):
        return any(map(remembers, state.values()))
    if isinstance(state, (tuple, list)):
        return any(map(remembers, state))
    return state is not None


def _check_number(name: str, value: object, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low < value <= high:
        raise ValueError(f"{name} is {shown(value)}: allowed are numbers above {low:g} to {high:g}")
