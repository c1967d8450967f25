"""Estimates and their uncertainty: pure functions of numbers and an explicit random generator.

A matrix of results has training seeds as rows and worlds as columns. The worlds are the same for all
seeds and one training plays them all, so both are sampling units of their own: a resample draws whole
rows and whole columns (Owen 2007, the pigeonhole bootstrap), and an interval covers another training and
other worlds. `over` leaves one of the two as it is: resampling the worlds, every seed keeps its share of
each resample; resampling the seeds, every world does. With one row only the worlds are resampled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import NormalDist
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from thinmargin.memory import check_memory
from thinmargin.shown import shown

Numbers = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Statistic = Callable[[Numbers], Numbers]
"""Reduces the last axis."""
Unit: TypeAlias = Literal["both", "worlds", "seeds"]
"""Sampling units that are resampled."""

RESAMPLES = 2000
KEPT, MOST_KEPT = 1 << 22, 4
"""Most numbers of a set of resamples that is kept, and most sets: 128 MiB."""
CHUNK = 1 << 20
"""Most numbers resampled at once: 8 MB."""
MIN_UNITS = 10
"""Least number of worlds, or of seeds where these alone are resampled, of which an interval is given.

A bootstrap of few numbers is too narrow. Of normal ones, an interval of the mean that says 95 % holds it in about 90 of
100 samples of ten, in 85 of five, in 73 of three; of two it lies between the two, and holds it in half of them.
"""
_RESAMPLES_KEPT: dict[tuple[Any, ...], tuple[list[tuple[Numbers, Numbers]], dict[str, Any]]] = {}
"""How often rows and columns were drawn, and where that left the generator, by where it began and what was asked."""
ROUNDING = 1e-12
"""Rounding error: a variance of differences below this share of the separate variances counts as zero."""


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


def percentiles(values: npt.ArrayLike, at: Sequence[float] = (5.0, 50.0, 95.0)) -> tuple[float, ...]:
    """Percentiles of all values, linear between neighbours.

    Raises:
        ValueError: no value, or one that is not finite.
    """
    return tuple(np.percentile(_checked(values, "values"), at).tolist())


def bootstrap_interval(
    values: npt.ArrayLike,
    generator: np.random.Generator,
    *,
    statistic: Statistic = mean,
    over: Unit = "both",
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> Interval:
    """Percentile bootstrap interval of a statistic (Efron 1979), the mean by default.

    Args:
        values: shape (worlds,), or (seeds, worlds): seeds and worlds are then resampled separately,
            and the statistic sees all their crossings.
        generator: draws the resamples.
        statistic: reduces the last axis.
        over: units that are resampled.
        resamples: how many, at least 1.
        level: share of the resampled statistics inside the interval, between 0 and 1.

    Raises:
        ValueError: an argument is not allowed.
    """
    matrix = np.atleast_2d(_checked(values, "values"))
    if matrix.ndim != 2:
        raise ValueError(f"values has shape {np.shape(values)}: it must be (worlds,) or (seeds, worlds)")
    if statistic is mean:
        drawn = resampled_means(matrix[:, :, None], generator, over=over, resamples=resamples)[:, 0]
    else:
        drawn = np.concatenate([
            statistic(matrix[rows[:, :, None], columns[:, None, :]].reshape(len(rows), -1))
            for rows, columns in _draws(matrix.shape, generator, over, resamples, matrix.size)
        ])  # fmt: skip
    return interval_of(drawn, level)


def if_enough(interval: Interval, units: int) -> list[float] | None:
    """An interval as a list: None where fewer than MIN_UNITS units were resampled.

    Args:
        interval: of a bootstrap.
        units: worlds, or seeds where these alone were resampled.
    """
    return list(interval) if units >= MIN_UNITS else None


def wilson_interval(share: float, count: int, level: float = 0.95) -> Interval:
    """Score interval of a share (Wilson 1927): a share of nothing or of all is not certain, as it is to a bootstrap.

    Args:
        share: of the sample, 0 to 1.
        count: size of the sample, at least 1.
        level: confidence, between 0 and 1.

    Formula:
        (share + z^2 / 2n +- z sqrt(share (1 - share) / n + z^2 / 4n^2)) / (1 + z^2 / n)

    Raises:
        ValueError: an argument is not allowed.
    """
    if not (_is_number(share) and 0.0 <= share <= 1.0):
        raise ValueError(f"share is {shown(share)}: it must be a number from 0 to 1")
    if not (_is_number(count) and count >= 1 and math.isfinite(count) and count == int(count)):
        raise ValueError(f"count is {shown(count)}: it must be a whole number from 1")
    _check_level(level)
    square = NormalDist().inv_cdf(0.5 + 0.5 * level) ** 2 / count
    centre = share + 0.5 * square
    half = math.sqrt(square * (share * (1.0 - share) + 0.25 * square))
    low, high = ((centre + sign * half) / (1.0 + square) for sign in (-1.0, 1.0))
    return Interval(max(min(low, share), 0.0), min(max(high, share), 1.0))


def resampled_means(
    table: Numbers, generator: np.random.Generator, *, over: Unit = "both", resamples: int = RESAMPLES
) -> Numbers:
    """Means of every resample, of several quantities in the same resamples: shape (resamples, quantities).

    Args:
        table: shape (seeds, worlds, quantities).
        generator: draws the resamples.
        over: units that are resampled.
        resamples: how many, at least 1.

    Raises:
        ValueError: `over`, `resamples` or the shape of the table is not allowed.
        MemoryError: so many resamples need more memory than there is.
    """
    if table.ndim != 3 or 0 in table.shape:
        raise ValueError(
            f"table has shape {table.shape}: it must be (seeds, worlds, quantities), with one each at least"
        )
    seeds, worlds, quantities = table.shape
    if isinstance(resamples, int):
        check_memory(f"resamples is {shown(resamples)}", resamples * quantities * table.itemsize)
    means = []
    for rows, columns in _times_drawn((seeds, worlds), generator, over, resamples):
        by_world = np.tensordot(columns, table, axes=(1, 1))
        means.append(np.einsum("bs,bsq->bq", rows, by_world) / (seeds * worlds))
    return np.concatenate(means)


def _times_drawn(
    shape: tuple[int, int], generator: np.random.Generator, over: Unit, resamples: int
) -> Iterable[tuple[Numbers, Numbers]]:
    """How often each row and each column of a table is drawn: shapes (n, seeds) and (n, worlds), in portions.

    Intervals of many quantities of the same worlds begin with the same seed: their resamples are kept, and the
    generator goes where drawing them would have left it.
    """
    portions = (
        (_counts(rows, shape[0]), _counts(columns, shape[1]))
        for rows, columns in _draws(shape, generator, over, resamples, shape[1])
    )
    begun = generator.bit_generator.state
    usual = begun["bit_generator"] == "PCG64" and isinstance(resamples, int) and isinstance(over, str)
    if not usual or resamples * sum(shape) > KEPT:
        return portions
    key = (*begun["state"].values(), begun["has_uint32"], begun["uinteger"], *shape, over, resamples)
    if key not in _RESAMPLES_KEPT:
        kept = list(portions)
        while len(_RESAMPLES_KEPT) >= MOST_KEPT:
            del _RESAMPLES_KEPT[next(iter(_RESAMPLES_KEPT))]
        _RESAMPLES_KEPT[key] = kept, dict(generator.bit_generator.state)
    kept, ended = _RESAMPLES_KEPT[key]
    generator.bit_generator.state = ended
    return kept


def interval_of(drawn: npt.ArrayLike, level: float = 0.95) -> Interval:
    """The middle `level` of resampled statistics; a level not between 0 and 1 is a ValueError."""
    low, high = _middle(np.asarray(drawn), level)
    return Interval(float(low), float(high))


def _middle(drawn: Numbers, level: float) -> tuple[Numbers, Numbers]:
    """Ends of the middle `level` of the values along the first axis."""
    _check_level(level)
    tail = 50.0 * (1.0 - level)
    low, high = np.percentile(drawn, [tail, 100.0 - tail], axis=0)
    return np.asarray(low), np.asarray(high)


def _draws(
    shape: tuple[int, ...], generator: np.random.Generator, over: Unit, resamples: int, size: int
) -> Iterator[tuple[Indices, Indices]]:
    """Rows and columns of the resamples, shapes (n, seeds) and (n, worlds), in portions of CHUNK // size."""
    if isinstance(resamples, bool) or not isinstance(resamples, (int, np.integer)) or resamples < 1:
        raise ValueError(f"resamples is {shown(resamples)}: it must be a whole number from 1")
    if not isinstance(over, str) or over not in get_args(Unit):
        raise ValueError(f"over is {shown(over)}: allowed are {', '.join(get_args(Unit))}")
    portion = max(1, CHUNK // size)
    for first in range(0, resamples, portion):
        count = min(portion, resamples - first)
        rows, columns = (
            generator.integers(length, size=(count, length))
            if over in ("both", unit)
            else np.broadcast_to(np.arange(length), (count, length))
            for unit, length in zip(("seeds", "worlds"), shape, strict=True)
        )
        yield rows, columns


def _counts(indices: Indices, length: int) -> Numbers:
    """Number of times that each index below `length` is in every row, shape (n, length)."""
    count = len(indices)
    places = indices + length * np.arange(count)[:, None]
    return np.bincount(places.ravel(), minlength=count * length).reshape(count, length).astype(np.float64)


class Difference(NamedTuple):
    """Gain of one policy over another in the same worlds."""

    mean: float
    interval: Interval
    probability: float
    """Of improvement, see `probability_of_improvement`."""
    probability_interval: Interval
    """Without ties it is a share: Wilson's interval of so many worlds and, with several training seeds, on either side
    a bootstrap like the other where that reaches farther. With ties it is that bootstrap."""
    correlation: float
    """Of the two across worlds, NaN if one of them is the same everywhere."""
    variance_reduction: float
    """Variance of the difference in separate worlds over its variance in the same worlds: without pairing, so many
    times more worlds would be needed. NaN if the difference is the same everywhere."""


def paired_difference(
    values: npt.ArrayLike,
    baseline: npt.ArrayLike,
    generator: np.random.Generator,
    *,
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> Difference:
    """Mean of `values` - `baseline` world by world, its interval, probability of improvement, and gain from pairing.

    Args:
        values: shape (worlds,) or (seeds, worlds).
        baseline: shape (worlds,), the same worlds.
        generator: draws the resamples.
        resamples: as of `bootstrap_interval`.
        level: as of `bootstrap_interval`.

    Raises:
        ValueError: the numbers of worlds differ, there is no value, or one is not finite.
    """
    a, b = _paired(values, baseline)
    gaps, better = a - b, _better(a, b)
    drawn = resampled_means(np.stack([gaps, better], axis=-1), generator, resamples=resamples)
    share = float(better.mean())
    chance = interval_of(drawn[:, 1], level)
    if np.isin(better, (0.0, 1.0)).all():
        # Where every seed is better in every world, so is every resample, and yet it is not certain. Worlds in which a
        # part of the seeds is better vary less than such with all or none: Wilson's interval is wide enough for worlds.
        low, high = wilson_interval(share, b.size, level)
        chance = Interval(min(low, chance.low), max(high, chance.high)) if len(a) > 1 else Interval(low, high)
    average = a.mean(axis=0)
    apart, paired = average.var() + b.var(), (average - b).var()
    spread = math.sqrt(average.var() * b.var())
    return Difference(
        mean=float(gaps.mean()),
        interval=interval_of(drawn[:, 0], level),
        probability=share,
        probability_interval=chance,
        correlation=float((apart - paired) / (2.0 * spread)) if spread > 0.0 else math.nan,
        variance_reduction=float(apart / paired) if paired > ROUNDING * apart else math.nan,
    )


def probability_of_improvement(values: npt.ArrayLike, baseline: npt.ArrayLike) -> float:
    """Mean over worlds of the chance that values > baseline there, a tie counting half (Mann & Whitney 1947).

    In a world, every seed is compared with every seed of the baseline, as in rliable (Agarwal et al. 2021).

    Args:
        values: shape (worlds,) or (seeds, worlds).
        baseline: shape (worlds,) or (seeds, worlds), the same worlds.

    Raises:
        ValueError: the numbers of worlds differ, there is no value, or one is not finite.
    """
    a, b = _checked(values, "values"), _checked(baseline, "baseline")
    if max(a.ndim, b.ndim) > 2 or a.shape[-1] != b.shape[-1]:
        raise ValueError(f"values has shape {a.shape} and baseline {b.shape}: they must be of the same worlds")
    return float(_better(np.atleast_2d(a)[:, None], np.atleast_2d(b)[None]).mean())


class Profile(NamedTuple):
    """Share of scores above each of a number of thresholds, and its band; three arrays of shape (thresholds,)."""

    share: Numbers
    low: Numbers
    high: Numbers


def performance_profile(
    scores: npt.ArrayLike,
    thresholds: npt.ArrayLike,
    generator: np.random.Generator,
    *,
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> Profile:
    """Share of scores above each threshold (Agarwal et al. 2021), with a bootstrap band threshold by threshold.

    Args:
        scores: shape (worlds,) or (seeds, worlds).
        thresholds: shape (thresholds,).
        generator: draws the resamples.
        resamples: as of `bootstrap_interval`.
        level: as of `bootstrap_interval`.

    Raises:
        ValueError: no score, or one that is not finite.
    """
    matrix = np.atleast_2d(_checked(scores, "scores"))
    if matrix.ndim != 2:
        raise ValueError(f"scores has shape {np.shape(scores)}: it must be (worlds,) or (seeds, worlds)")
    above = (matrix[:, :, None] > np.asarray(thresholds) + ROUNDING).astype(np.float64)
    drawn = resampled_means(above, generator, resamples=resamples)
    return Profile(above.mean(axis=(0, 1)), *_middle(drawn, level))


def _better(a: Numbers, b: Numbers) -> Numbers:
    """1 where a > b, 1/2 where they are equal, else 0."""
    return np.asarray((a > b) + 0.5 * (a == b))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _check_level(level: object) -> None:
    """Raise ValueError unless `level` is a share between none and all."""
    if not (_is_number(level) and 0.0 < level < 1.0):  # type: ignore[operator]  # a number
        raise ValueError(f"level is {shown(level)}: it must be a number between 0 and 1")


def _paired(values: npt.ArrayLike, baseline: npt.ArrayLike) -> tuple[Numbers, Numbers]:
    a, b = _checked(values, "values"), _checked(baseline, "baseline")
    if b.ndim != 1 or a.ndim not in (1, 2) or a.shape[-1] != b.shape[0]:
        raise ValueError(f"values has shape {a.shape} and baseline {b.shape}: they must be of the same worlds")
    return np.atleast_2d(a), b


def _checked(values: npt.ArrayLike, name: str) -> Numbers:
    numbers = np.asarray(values, np.float64)
    if numbers.ndim == 0 or numbers.size == 0:
        raise ValueError(f"{name} has shape {numbers.shape}: there must be at least one number")
    if not np.isfinite(numbers).all():
        raise ValueError(f"{name} holds NaN or infinity: numbers must be finite")
    return numbers
