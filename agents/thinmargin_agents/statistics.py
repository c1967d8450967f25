"""Estimates and their uncertainty: pure functions of numbers and an explicit random generator.

A matrix of results has training seeds as rows and worlds as columns. The worlds are the same for all
seeds, so both are resampled as units of their own (Owen 2007, the pigeonhole bootstrap): an interval
then covers another training and other worlds. With one row only the worlds are resampled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Statistic = Callable[[Numbers], Numbers]
"""Reduces the last axis."""

RESAMPLES = 2000
CHUNK = 1 << 20
"""Most numbers resampled at once: 8 MB."""


class Interval(NamedTuple):
    """From `low` to `high`, in the unit of what was estimated."""

    low: float
    high: float


def mean(values: Numbers) -> Numbers:
    """Mean of the last axis."""
    return np.asarray(values.mean(axis=-1))


def interquartile_mean(values: npt.ArrayLike) -> Numbers:
    """Mean of the last axis without its lowest and highest quarter (Agarwal et al. 2021).

    A quarter is rounded down to whole numbers, as in rliable: of seven values one is left out at
    either end.

    Raises:
        ValueError: no value, or one that is not finite.
    """
    numbers = np.sort(_checked(values, "values"), axis=-1)
    count = numbers.shape[-1]
    cut = count // 4
    return np.asarray(numbers[..., cut : count - cut].mean(axis=-1))


def bootstrap_interval(
    values: npt.ArrayLike,
    generator: np.random.Generator,
    *,
    statistic: Statistic = mean,
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> Interval:
    """Percentile bootstrap interval of a statistic (Efron 1979), the mean by default.

    Args:
        values: shape (worlds,), or (seeds, worlds): seeds and worlds are then resampled separately,
            and the statistic sees all their crossings.
        generator: draws the resamples.
        statistic: reduces the last axis.
        resamples: how many, at least 1.
        level: share of the resampled statistics inside the interval, between 0 and 1.

    Raises:
        ValueError: an argument is not among what is allowed.
    """
    matrix = np.atleast_2d(_checked(values, "values"))
    if matrix.ndim != 2:
        raise ValueError(f"values has shape {np.shape(values)}: (worlds,) or (seeds, worlds) is wanted")
    if resamples < 1:
        raise ValueError(f"resamples is {resamples}: a whole number from 1 is wanted")
    if not 0.0 < level < 1.0:
        raise ValueError(f"level is {level}: a number between 0 and 1 is wanted")
    seeds, worlds = matrix.shape
    chunk = max(1, CHUNK // matrix.size)
    drawn = []
    for first in range(0, resamples, chunk):
        count = min(chunk, resamples - first)
        rows = generator.integers(seeds, size=(count, seeds, 1))
        columns = generator.integers(worlds, size=(count, 1, worlds))
        drawn.append(statistic(matrix[rows, columns].reshape(count, -1)))
    tail = 50.0 * (1.0 - level)
    low, high = np.percentile(np.concatenate(drawn), [tail, 100.0 - tail])
    return Interval(float(low), float(high))


class Difference(NamedTuple):
    """How much more one policy makes than another in the same worlds."""

    mean: float
    interval: Interval
    probability: float
    """Of improvement, see `probability_of_improvement`."""


def paired_difference(
    mine: npt.ArrayLike,
    theirs: npt.ArrayLike,
    generator: np.random.Generator,
    *,
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> Difference:
    """Mean of `mine` - `theirs` world by world, its interval, and how often it is an improvement.

    Args:
        mine: shape (worlds,) or (seeds, worlds).
        theirs: shape (worlds,), the same worlds.
        generator: draws the resamples.
        resamples: as of `bootstrap_interval`.
        level: as of `bootstrap_interval`.

    Raises:
        ValueError: other worlds, no value, or one that is not finite.
    """
    a, b = _paired(mine, theirs)
    gaps = a - b
    interval = bootstrap_interval(gaps, generator, resamples=resamples, level=level)
    return Difference(float(gaps.mean()), interval, probability_of_improvement(a, b))


def probability_of_improvement(mine: npt.ArrayLike, theirs: npt.ArrayLike) -> float:
    """Share of worlds in which mine > theirs, plus half the share in which they are equal.

    Args:
        mine: shape (worlds,) or (seeds, worlds).
        theirs: shape (worlds,), the same worlds.

    Raises:
        ValueError: other worlds, no value, or one that is not finite.
    """
    a, b = _paired(mine, theirs)
    return float(np.mean((a > b) + 0.5 * (a == b)))


def percentiles(values: npt.ArrayLike, at: Sequence[float] = (5.0, 50.0, 95.0)) -> tuple[float, ...]:
    """Percentiles of all values, linear between neighbours.

    Raises:
        ValueError: no value, or one that is not finite.
    """
    return tuple(np.percentile(_checked(values, "values"), at).tolist())


def _paired(mine: npt.ArrayLike, theirs: npt.ArrayLike) -> tuple[Numbers, Numbers]:
    a, b = _checked(mine, "mine"), _checked(theirs, "theirs")
    if b.ndim != 1 or a.ndim not in (1, 2) or a.shape[-1] != b.shape[0]:
        raise ValueError(f"mine has shape {a.shape} and theirs {b.shape}: the same worlds are wanted")
    return a, b


def _checked(values: npt.ArrayLike, name: str) -> Numbers:
    numbers = np.asarray(values, np.float64)
    if numbers.ndim == 0 or numbers.size == 0:
        raise ValueError(f"{name} has shape {numbers.shape}: at least one number is wanted")
    if not np.isfinite(numbers).all():
        raise ValueError(f"{name} holds NaN or infinity: finite numbers are wanted")
    return numbers
