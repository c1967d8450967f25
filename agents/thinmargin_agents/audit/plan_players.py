"""Plans played through worlds, in this process or in worker processes, with the same results."""

from __future__ import annotations

import math
import signal
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
from types import TracebackType
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt

from thinmargin.plans import PlanPolicy, between
from thinmargin.settings import Settings
from thinmargin.shown import shown
from thinmargin_agents.cli.processes import lost_is_told
from thinmargin_agents.play.candidates import Candidates, Earned

Numbers = npt.NDArray[np.float64]

MOST_ROWS = 2048
"""World-episodes that a process plays in step: about 60 MB."""


Overrides: TypeAlias = tuple[tuple[str, float], ...]
"""Parameters of worlds that are other than usual: names and values."""


@lru_cache(maxsize=2)
def _candidates(keys: range, candidates: int, horizon: int, parameters: Overrides) -> Candidates:
    return Candidates(keys, candidates, Settings(horizon=horizon, parameters=dict(parameters)))


def play_plans(actions: Numbers, keys: range, parameters: Overrides = ()) -> Earned:
    """Earnings of plans, each in an episode of its own length.

    Args:
        actions: of every month, shape (plans, months, 4).
        keys: world keys.
        parameters: those of the worlds that are other than usual.

    Returns:
        Three arrays of shape (plans, worlds).
    """
    plans, horizon, _ = actions.shape
    candidates = _candidates(keys, plans, horizon, parameters)
    return candidates.play(lambda _, time: actions[:, None, round(time * horizon)])


def months_of(knots: Numbers, months: int, horizon: int) -> Numbers:
    """Actions of every month, shape (..., months, 4), of a plan for `horizon` months; its last action is then held.

    Args:
        knots: shape (..., k, 4), evenly spaced over `horizon`.
        months: how many to return.
        horizon: months that the plan was made for.
    """
    return between(knots, np.minimum(np.arange(months), horizon - 1) / horizon)


def knots_of(policy: object) -> Numbers:
    """The knots, shape (k, 4), of a plan that reacts to nothing; any other policy is a TypeError."""
    if not isinstance(policy, PlanPolicy) or policy.feedback is not None:
        raise TypeError(f"policy is {shown(policy)}: it must be a plan without feedback")
    return policy.knots


class Players:
    """Play plans, in this process or in worker processes; close it, or use it in a `with`, to end those.

    Args:
        processes: 1 for none beside this one.
    """

    def __init__(self, processes: int = 1) -> None:
        self.processes = processes
        self._pool = None
        if processes > 1:  # Ctrl-C is for this process alone: it ends the others
            ignoring = (signal.SIGINT, signal.SIG_IGN)
            self._pool = ProcessPoolExecutor(processes, get_context("spawn"), signal.signal, ignoring)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the worker processes; what they have not begun is not played."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def play(self, actions: Numbers, keys: range, parameters: Overrides = ()) -> Earned:
        """As `play_plans`, a number of plans at a time."""
        most = max(1, MOST_ROWS // len(keys))
        size = min(most, math.ceil(len(actions) / self.processes))
        parts = [actions[first : first + size] for first in range(0, len(actions), size)]
        with lost_is_told(self.processes):
            played = (self._pool.map if self._pool is not None else map)(
                play_plans, parts, [keys] * len(parts), [parameters] * len(parts)
            )
            return Earned(*(np.concatenate(arrays) for arrays in zip(*played, strict=True)))
