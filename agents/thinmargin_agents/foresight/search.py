"""The search for the best plan of a world whose whole future is known, in many worlds at once.

A world is deterministic once it is drawn, so the actions of any policy in it are a table that earns the same again,
up to rounding. The search starts from such tables and bends them; its result is never worse than the best start.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from thinmargin.plans import between
from thinmargin.records import LEVERS
from thinmargin.settings import Settings
from thinmargin_agents.play.candidates import play_rows

Numbers = npt.NDArray[np.float64]
Steps = npt.NDArray[np.int16]

KNOTS = 11
"""Points in time at which a table of actions is bent, linear between them."""
POPULATION = 16
SPREADS = (0.12, 0.3)
"""First standard deviation of the bends: around the best table known, and around the second start."""
RESOLUTION = 1e-4
"""Actions are whole multiples of it, so that a saved table earns what it earned when it was found."""


@dataclass(frozen=True, eq=False)
class Problem:
    """Worlds to search, and where to start.

    Attributes:
        keys: world keys.
        starts: tables of actions, shape (starts, worlds, horizon, 4): the best known first.
    """

    keys: Sequence[int]
    starts: Steps


@dataclass(frozen=True, eq=False)
class Best:
    """The best tables found: shape (worlds, horizon, 4), and what they earn, shape (worlds,), RMB bn."""

    tables: Steps
    value: Numbers


def in_steps(actions: npt.ArrayLike) -> Steps:
    """Actions as whole multiples of RESOLUTION, inside [-1, 1]."""
    return np.round(np.clip(actions, -1.0, 1.0) / RESOLUTION).astype(np.int16)


def in_actions(steps: Steps) -> Numbers:
    """The actions of whole multiples of RESOLUTION."""
    return np.multiply(steps, RESOLUTION, dtype=np.float64)


def actions_in(tables: Steps, month: int) -> Numbers:
    """The actions of a month in tables of shape (rows, horizon, 4)."""
    return in_actions(tables[:, month])


def value_of(keys: Sequence[int], tables: Steps, settings: Settings) -> Numbers:
    """J of tables of actions, shape (worlds, horizon, 4), in their worlds, RMB bn."""
    batch = settings.batch(len(keys))
    batch.draw(np.arange(len(keys)), settings.family(), keys)
    return play_rows(batch, partial(actions_in, tables)).value


def options(seed: int, start: int, key: int) -> dict[str, Any]:
    """Settings of one world's CMA-ES, with a generator of its own: the package's is shared by all searches."""
    generator = np.random.default_rng([seed, start, key])
    return {
        "randn": lambda *shape: generator.standard_normal(shape),
        "seed": math.nan,  # leave NumPy's global generator alone
        "verbose": -9,
        "popsize": POPULATION,
    }


def improve(problem: Problem, settings: Settings, evaluations: int, seed: int, knots: int = KNOTS) -> Best:
    """The best tables found by CMA-ES in every world on its own, never worse than the best start.

    Args:
        problem: worlds and tables to start from.
        settings: of the environment.
        evaluations: plays of a world, shared by the starts.
        seed: of CMA-ES; a world's search depends on it and on the world's key, not on the other worlds.
        knots: points in time at which a table is bent.
    """
    import cma  # noqa: PLC0415  # only searches need it

    worlds, horizon = len(problem.keys), settings.horizon
    batch = settings.batch(worlds * POPULATION)
    batch.draw(np.arange(worlds * POPULATION), settings.family(), np.repeat(problem.keys, POPULATION))
    times = np.arange(horizon) / horizon
    shape = (worlds, POPULATION, knots, len(LEVERS))
    known = np.stack([value_of(problem.keys, tables, settings) for tables in problem.starts])
    first = known.argmax(axis=0)
    best = Best(problem.starts[first, np.arange(worlds)].copy(), known.max(axis=0))
    generations = max(evaluations // (len(problem.starts) * POPULATION), 1)
    for number, tables in enumerate(problem.starts):
        spread = SPREADS[min(number, len(SPREADS) - 1)]
        searches = [
            cma.CMAEvolutionStrategy([0.0] * (knots * len(LEVERS)), spread, options(seed, number, key))
            for key in problem.keys
        ]
        base = in_actions(tables)
        for _ in range(generations):
            asked = [search.ask() for search in searches]
            bends = between(np.array(asked).reshape(shape), times)
            tried = in_steps(base[:, None] + bends).reshape(worlds * POPULATION, horizon, -1)
            value = play_rows(batch, partial(actions_in, tried)).value
            for w, search in enumerate(searches):
                earned = value[w * POPULATION : (w + 1) * POPULATION]
                search.tell(asked[w], (-earned).tolist())
                top = int(earned.argmax())
                if earned[top] > best.value[w]:
                    best.value[w] = earned[top]
                    best.tables[w] = tried[w * POPULATION + top]
    return best
