"""A policy whose answers are checked before they are used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from thinmargin.baselines import Policy
from thinmargin.records import LEVER_NAMES
from thinmargin.settings import discrete_actions
from thinmargin.shown import class_name, quoted
from thinmargin_agents.play.errors import PolicyError, in_words
from thinmargin_agents.play.outcome import Numbers
from thinmargin_agents.play.time_limit import Clock, OutOfTime

Answer = TypeVar("Answer")


class CheckedPolicy:
    """Calls a policy, on its clock; whatever goes wrong in it is a PolicyError that names the policy.

    Args:
        policy: anything with Stable-Baselines3's `predict`.
        name: what errors call it.
        discrete: True if it answers with grid indices of shape (n,), not actions of shape (n, 4).
        clock: its time, entered by the caller; no limit by default.
    """

    def __init__(self, policy: Policy, name: str, *, discrete: bool = False, clock: Clock | None = None) -> None:
        self._policy, self._name, self._clock = policy, name, clock or Clock()
        self._grid = discrete_actions() if discrete else None

    def reset(self, seed: int) -> None:
        """Reset a policy that has a `reset(seed)`."""
        reset = getattr(self._policy, "reset", None)
        if callable(reset):
            self._call("", "reset(seed)", lambda: reset(seed))

    def actions(
        self,
        seen: npt.NDArray[np.float32],
        state: Any,
        *,
        fresh: bool,
        month: int | None = None,
        alive: npt.NDArray[np.bool_] | None = None,
        keys: npt.NDArray[np.int64] | None = None,
    ) -> tuple[Numbers, Any]:
        """Actions of shape (n, 4), and the policy's next state.

        Args:
            seen: observations, shape (n, 32).
            state: what the policy returned in the month before; None at first.
            fresh: whether episodes start here.
            month: for messages.
            alive: shape (n,), which worlds have not ended, None for all: elsewhere answers are not checked, and
                actions are zero.
            keys: shape (n,), of the worlds, for messages.

        Raises:
            PolicyError: the policy raised, ran out of time, or answered with a wrong type, shape or number.
        """
        where = "" if month is None else f", month {month}"
        starts = np.full(len(seen), fresh)
        answer: Any = self._call(
            where,
            "predict",
            lambda: self._policy.predict(seen, state=state, episode_start=starts, deterministic=True),
        )
        if not isinstance(answer, tuple) or len(answer) != 2:
            raise self._error(where, f"predict returned {_kind(answer)}: it must return (actions, state)")
        numbers = self._numbers(where, answer[0], len(seen))
        if self._grid is None:
            fits, allowed = np.isfinite(numbers), "four finite numbers"
        else:
            last = len(self._grid) - 1
            fits, allowed = (numbers >= 0) & (numbers <= last), f"a whole number from 0 to {last}"
        if not fits.all():
            bad = ~fits.reshape(len(seen), -1).all(axis=1)
            if alive is not None:
                bad &= alive
            if bad.any():
                row = int(bad.argmax())
                world = f"row {row}" if keys is None else f"world {keys[row]}"
                raise self._error(where, f"the action in {world} is {numbers[row].tolist()}: it must be {allowed}")
        if alive is None:
            return np.array(numbers, np.float64, order="C") if self._grid is None else self._grid[numbers], answer[1]
        actions = np.zeros((len(seen), len(LEVER_NAMES)))
        actions[alive] = numbers[alive] if self._grid is None else self._grid[numbers[alive]]
        return actions, answer[1]

    def _numbers(self, where: str, actions: Any, size: int) -> npt.NDArray[Any]:
        """The policy's actions as an array of the right type and shape."""
        kinds, shape, allowed = (
            ("fiu", (size, len(LEVER_NAMES)), "real numbers")
            if self._grid is None
            else ("iu", (size,), "whole numbers")
        )
        numbers: npt.NDArray[Any]
        if type(actions) is np.ndarray:
            numbers = actions
        else:  # an answer may have code of its own
            what = f"reading the actions, {_kind(actions)}, as {allowed}"
            numbers = self._call(where, what, lambda: np.asarray(actions))
        if numbers.dtype.kind not in kinds:
            raise self._error(where, f"actions have type {numbers.dtype.name}: they must be {allowed}")
        if numbers.shape != shape:
            raise self._error(where, f"actions have shape {numbers.shape}: they must have shape {shape}")
        return numbers

    def _call(self, where: str, what: str, function: Callable[[], Answer]) -> Answer:
        """The answer of the policy's own code; whatever it raises but KeyboardInterrupt is a PolicyError."""
        try:
            with self._clock.policy_code():
                return function()
        except KeyboardInterrupt:
            raise
        except OutOfTime as error:
            raise self._error(where, f"{what}: {error}") from error
        except BaseException as error:
            raise self._error(where, f"{what} raised {in_words(error)}") from error

    def _error(self, where: str, problem: str) -> PolicyError:
        return PolicyError(f"policy {quoted(self._name)}{where}: {problem}")


def _kind(thing: object) -> str:
    if isinstance(thing, tuple):
        return f"a tuple of {len(thing)}"
    return f"a {class_name(type(thing))}"
