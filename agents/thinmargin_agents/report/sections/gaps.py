"""Paired differences between two policies in the same worlds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thinmargin_agents.scoring import statistics
from thinmargin_agents.scoring.statistics import CHUNK, RESAMPLES, Interval, interval_of, paired_difference

Numbers = npt.NDArray[np.float64]


class Gap(NamedTuple):
    """Gain of one policy over another in the same worlds."""

    mean: float
    interval: Interval | None
    """95 %; None of fewer than MIN_UNITS worlds."""
    probability: float
    """Share of worlds in which it makes more, half of the ties counted."""
    is_nothing: bool
    """Whether both make the same in every world, whatever the training seeds."""

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.interval is not None and (self.interval.low > 0.0 or self.interval.high < 0.0)


def gap(values: Numbers, baseline: Numbers, seed: int) -> Gap:
    """Mean of `values` - `baseline`, its 95 % interval, and how often it is an improvement.

    Seeds of either side and the worlds they share are resampled as units of their own (Owen 2007).

    Args:
        values: shape (seeds, worlds).
        baseline: the same worlds; the number of seeds may be another.
        seed: of the bootstrap.
    """
    generator, worlds = np.random.default_rng(seed), values.shape[1]
    pairs = values[:, None] - baseline[None]
    is_nothing = not pairs.any()
    if len(baseline) == 1:
        found = paired_difference(values, baseline[0], generator)
        return Gap(
            found.mean, found.interval if worlds >= statistics.MIN_UNITS else None, found.probability, is_nothing
        )
    drawn = []
    for first in range(0, RESAMPLES, max(1, CHUNK // worlds)):
        count = min(max(1, CHUNK // worlds), RESAMPLES - first)
        a, b, w = (_shares(generator, size, count) for size in (len(values), len(baseline), worlds))
        drawn.append(((a @ values - b @ baseline) * w).sum(axis=1))
    return Gap(
        float(values.mean() - baseline.mean()),
        interval_of(np.concatenate(drawn)) if worlds >= statistics.MIN_UNITS else None,
        float(np.mean((pairs > 0.0) + 0.5 * (pairs == 0.0))),
        is_nothing,
    )


def _shares(generator: np.random.Generator, size: int, count: int) -> Numbers:
    """Share of each of `size` units in `count` resamples: shape (count, size)."""
    return generator.multinomial(size, np.full(size, 1.0 / size), size=count) / size
