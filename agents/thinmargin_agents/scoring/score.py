"""The score: the share of the gap between the tuned rule and the best known plan that a policy closes, in percent.

0 is `low_margin_tuned`, 100 is `foresight`, both in the same worlds; below 0 and above 100 are possible.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from thinmargin_agents.scoring.statistics import (
    Interval,
    Unit,
    bootstrap_interval,
    if_enough,
    interquartile_mean,
    interval_of,
    performance_profile,
    resampled_means,
)

TUNED = "low_margin_tuned"
"""The baseline that scores 0."""
FORESIGHT = "foresight"
"""The best known plan of every world, which scores 100."""
SMALLEST_GAP = 1e-9
"""RMB bn: a smaller gap between the anchors counts as none."""
THRESHOLDS = tuple(range(-100, 125, 5))
"""Scores at which the performance profile is evaluated."""

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Anchors:
    """The ends of the scale: J of `low_margin_tuned` (0) and of `foresight` (100), shape (worlds,), RMB bn."""

    tuned: Numbers
    best: Numbers

    @property
    def has_gap(self) -> npt.NDArray[np.bool_]:
        """True for worlds with a gap to close, shape (worlds,)."""
        return self.best - self.tuned >= SMALLEST_GAP

    @property
    def can_score(self) -> bool:
        """Whether there is a gap in mean J; without it there are no scores."""
        return bool(np.mean(self.best - self.tuned) >= SMALLEST_GAP)


def score(value: Numbers, anchors: Anchors) -> float:
    """100 x (mean J - mean J of low_margin_tuned) / (mean J of foresight - mean J of low_margin_tuned).

    Args:
        value: J, shape (seeds, worlds), RMB bn.
        anchors: of the same worlds.
    """
    return float(100.0 * np.mean(value - anchors.tuned) / np.mean(anchors.best - anchors.tuned))


def score_interval(value: Numbers, anchors: Anchors, generator: np.random.Generator, over: Unit = "both") -> Interval:
    """95 % interval of the score: a resample holds the same worlds for the policy and both anchors.

    Resamples without a gap in mean J are left out.
    """
    gap = np.broadcast_to(anchors.best - anchors.tuned, value.shape)
    closed, whole = resampled_means(np.stack([value - anchors.tuned, gap], axis=-1), generator, over=over).T
    has_gap = whole >= SMALLEST_GAP
    return interval_of(100.0 * closed[has_gap] / whole[has_gap])


def world_scores(value: Numbers, anchors: Anchors) -> Numbers:
    """Score of each world on its own, shape (seeds, worlds with a gap)."""
    has_gap = anchors.has_gap
    tuned = anchors.tuned[has_gap]
    return np.asarray(100.0 * (value[:, has_gap] - tuned) / (anchors.best[has_gap] - tuned))


def score_summary(value: Numbers, anchors: Anchors | None, seed: int) -> dict[str, Any]:
    """The score of a policy as in the JSON file; None throughout without anchors, or where they do not differ.

    Args:
        value: J, shape (seeds, worlds), RMB bn.
        anchors: of the same worlds.
        seed: of the generators, one for each interval.
    """
    if anchors is None or not anchors.can_score:
        return dict.fromkeys((
            "score", "score_ci95", "score_ci95_worlds", "score_ci95_seeds", "score_by_seed", "score_iqm",
            "score_iqm_ci95", "beats_best_known",
        ))  # fmt: skip
    by_world = world_scores(value, anchors)

    def interval(over: Unit) -> list[float] | None:
        found = score_interval(value, anchors, np.random.default_rng(seed), over)
        return if_enough(found, len(value) if over == "seeds" else value.shape[1])

    return {
        "score": score(value, anchors),
        "score_ci95": interval("both"),
        "score_ci95_worlds": interval("worlds"),
        "score_ci95_seeds": interval("seeds") if len(value) > 1 else None,
        "score_by_seed": [score(row[None], anchors) for row in value],
        "score_iqm": float(interquartile_mean(by_world.ravel())),
        "score_iqm_ci95": if_enough(
            bootstrap_interval(by_world, np.random.default_rng(seed), statistic=interquartile_mean), value.shape[1]
        ),
        "beats_best_known": int(np.sum(value.mean(axis=0) > anchors.best + SMALLEST_GAP)),
    }  # fmt: skip


def score_profile(value: Numbers, anchors: Anchors, seed: int) -> dict[str, list[float]]:
    """Share of worlds that score above each of THRESHOLDS, with its 95 % band; `value` and `seed` as above."""
    profile = performance_profile(world_scores(value, anchors), THRESHOLDS, np.random.default_rng(seed))
    return {name: numbers.tolist() for name, numbers in profile._asdict().items()}
