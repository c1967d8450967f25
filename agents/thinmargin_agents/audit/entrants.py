"""Policies that checks compare: the built-in ones, corners, and samples of constant levers."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from thinmargin.baselines import BASELINES, Policy, RandomPolicy
from thinmargin.plans import TIME
from thinmargin.records import LEVERS
from thinmargin_agents.audit.findings import HORIZON

Numbers = npt.NDArray[np.float64]


def built_in(*, stochastic: bool = True) -> dict[str, Policy]:
    """The built-in policies by name; `stochastic=False` leaves out those that draw their levers at random."""
    made = {name: entry.make() for name, entry in BASELINES.items()}
    return {name: policy for name, policy in made.items() if stochastic or not isinstance(policy, RandomPolicy)}


def corners() -> Numbers:
    """Every lever at one end or the other: shape (16, 4); the first has all at their lowest."""
    return np.array(list(itertools.product((-1.0, 1.0), repeat=len(LEVERS))))


def latin_hypercube(count: int, size: int, generator: np.random.Generator) -> Numbers:
    """`count` points that fill [-1, 1]^size: one in each of `count` slices of every axis (McKay et al. 1979)."""
    slices = np.stack([generator.permutation(count) for _ in range(size)], axis=1)
    return np.asarray(2.0 * (slices + generator.random((count, size))) / count - 1.0)


def words_of(action: Numbers) -> str:
    """An action of shape (4,) as four numbers in [-1, 1]."""
    return "(" + ", ".join(f"{number:+.2f}" for number in action) + ")"


@dataclass(frozen=True)
class OnCalendar:
    """A policy that observes the time of an episode of 180 months in a longer one; after that, the last month."""

    policy: Policy
    horizon: int
    """Months of the episode."""

    def predict(
        self,
        observation: npt.NDArray[np.float32],
        state: Any = None,
        episode_start: npt.NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[npt.NDArray[Any], Any]:
        """The policy's action in that month of an episode of 180 months."""
        seen = observation.copy()
        seen[..., TIME] = np.minimum(seen[..., TIME] * (self.horizon / HORIZON), (HORIZON - 1) / HORIZON)
        return self.policy.predict(seen, state, episode_start, deterministic)
