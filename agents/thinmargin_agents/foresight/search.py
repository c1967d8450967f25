"""The search for the best plan of a world whose whole future is known, in many worlds at once.

A world is deterministic once it is drawn, so the actions of any policy in it are a table that earns the same again,
up to rounding. The search starts from such tables and bends them; its result is never worse than the best start.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from thinmargin.settings import Settings
from thinmargin_agents.foresight.ascent import Ascent
from thinmargin_agents.foresight.bends import ROWS, Bends, Played
from thinmargin_agents.foresight.tables import Numbers, Steps, value_of

KNOTS = (12, 20)
"""Points in time at which tables of actions are bent, linear between them: few first, then more."""
NEWTON = np.array([0.03, 0.1, 0.25, 0.5, 1.0, 1.5, 2.5, 4.0])
"""Lengths tried of a quasi-Newton step; ROWS has room for these, for the steepest ones and for some drawn."""
STEEPEST = np.array([0.03, 0.1, 0.25, 0.5, 1.0, 1.5])
"""Lengths tried of a steepest step."""
DRAWN = ROWS - len(NEWTON) - len(STEEPEST)
"""Quasi-Newton steps of length 1 that are tried with noise."""
NOISE = 0.3
"""Standard deviation of the noise at the last knot, in largest numbers of the step; it is a random walk over knots."""
CAUTION = 0.0005
"""Weight of the nearness to bankruptcy, as a share of the start's J."""


@dataclass(frozen=True, eq=False)
class Problem:
    """Worlds to search, and where to start.

    Attributes:
        keys: world keys.
        starts: tables of actions, shape (starts, worlds, horizon, 4).
    """

    keys: Sequence[int]
    starts: Steps


@dataclass(frozen=True, eq=False)
class Best:
    """The best tables found: shape (worlds, horizon, 4), and what they earn, shape (worlds,), RMB bn."""

    tables: Steps
    value: Numbers


def improve(problem: Problem, settings: Settings, evaluations: int, seed: int, knots: Sequence[int] = KNOTS) -> Best:
    """The best tables found in every world on its own, never worse than the best start.

    Args:
        problem: worlds and tables to start from.
        settings: of the environment.
        evaluations: plays of a world, shared equally by the numbers of knots, and those of the first by the starts.
            Parts of a play count by their months. At least one step is made from every start.
        seed: of the noise; a world's search depends on it and on the world's key, not on the other worlds.
        knots: points in time at which a table is bent; the best tables found with one number of them are where the
            search with the next one starts.
    """
    starts = [Best(tables, value_of(problem.keys, tables, settings)) for tables in problem.starts]
    for count in knots:
        bends = Bends(problem.keys, settings, count)
        plays = evaluations / (len(knots) * len(starts))
        steps = max(int(plays // (bends.plays_of_slopes + ROWS)), 1)
        found = []
        for number, start in enumerate(starts):
            generators = [np.random.default_rng([seed, count, number, key]) for key in problem.keys]
            found.append(climb(bends, start, steps, generators))
        starts = [best_of(found)]
    return starts[0]


def best_of(several: Sequence[Best]) -> Best:
    """The best table of each world among several."""
    value = np.stack([one.value for one in several])
    top = value.argmax(axis=0)
    tables = np.stack([one.tables for one in several])
    return Best(tables[top, np.arange(len(top))], value.max(axis=0))


def climb(bends: Bends, start: Best, steps: int, generators: Sequence[np.random.Generator]) -> Best:
    """The best tables met on the way up from a start in every world, in so many steps: the start's if none is better.

    In each step slopes are taken, and the best of ROWS bends along and around them becomes the table that the next
    step begins from, if it is better.
    """
    worlds = np.arange(bends.worlds)
    here, best = start.tables, start
    caution = CAUTION * np.abs(start.value)
    played, slopes = bends.slopes(here, caution)
    ascents = [Ascent(own.ravel()) for own in slopes]
    for number in range(steps):
        shape = (ROWS, bends.knots, -1)
        moves = np.stack([
            _moves(ascent, generator, bends.knots).reshape(shape)
            for ascent, generator in zip(ascents, generators, strict=True)
        ])  # fmt: skip
        tried = bends.bent(here, moves)
        results = bends.play(tried)
        top = results.value.argmax(axis=1)
        best = best_of([best, Best(tried[worlds, top], results.value[worlds, top])])
        if number == steps - 1:
            break
        gains = _merit(results, caution[:, None]) - _merit(played, caution)[:, None]
        top = gains.argmax(axis=1)
        there = tried[worlds, top]
        behind, slopes = bends.slopes(there, caution)
        for world, ascent in enumerate(ascents):
            ascent.learn(moves[world, top[world]].ravel(), slopes[world].ravel(), gained=gains[world, top[world]] > 0.0)
            steepest = gains[world, len(NEWTON) : len(NEWTON) + len(STEEPEST)]
            ascent.adapt(float(STEEPEST[steepest.argmax()]), gained=steepest.max() > 0.0)
        better = gains[worlds, top] > 0.0
        here = np.where(better[:, None, None], there, here)
        played = Played(*(np.where(better, new, old) for new, old in zip(behind, played, strict=True)))
    return best


def _merit(played: Played, caution: Numbers) -> Numbers:
    """J less caution times nearness to bankruptcy, which is what is climbed."""
    return played.value - caution * played.nearness


def _moves(ascent: Ascent, generator: np.random.Generator, knots: int) -> npt.NDArray[np.float64]:
    """The bends that are tried from where an ascent is: shape (ROWS, knots times levers)."""
    newton, steepest = ascent.directions()
    spread = NOISE / math.sqrt(knots) * float(np.abs(newton).max())
    noise = generator.normal(0.0, spread, (DRAWN, knots, len(newton) // knots)).cumsum(axis=1)
    return np.concatenate([NEWTON[:, None] * newton, STEEPEST[:, None] * steepest, newton + noise.reshape(DRAWN, -1)])
