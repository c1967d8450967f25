"""Expectations of a plan, and the linear answer to deviations from them as numbers of a search."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from thinmargin.plans import FEATURE_NAMES, Numbers, Surprise, between
from thinmargin.records import LEVERS
from thinmargin_agents.play.candidates import Candidates, Seen

FEATURES = (
    "users_home", "users_overseas", "fans", "share_home", "share_overseas", "unit_cost", "component", "market", "cash",
    "services_per_user", "accessories_per_user", "rival_price", "retention", "breadth", "headroom",
)  # fmt: skip
"""Observations that feedback answers to: those that reveal the hidden world, without the firm's own decisions."""
CENTRES = 19
"""Number of times at which a plan's expectations are stored: every tenth month."""
NARROWEST = 0.02
"""Least spread of an observation that a deviation is measured in."""
FLATTEST = 0.05
"""Least variance of a combination of deviations: rarer ones are not blown up."""


def surprise_of(knots: Numbers, keys: Sequence[int]) -> tuple[Surprise, Numbers]:
    """Expected observations of a plan of shape (k, 4), and deviations from them.

    The first value has means and standard deviations of what is observed in the worlds of `keys` under the plan, the
    second the deviations of every third month, shape (samples, features).
    """
    candidates = Candidates(keys, 1)
    record = np.zeros((candidates.horizon, len(keys), len(FEATURE_NAMES)))

    def watch(seen: Seen, time: float) -> Numbers:
        record[round(time * candidates.horizon)] = seen[0]
        return between(knots, [time])

    candidates.play(watch)
    observed = record[..., [FEATURE_NAMES.index(name) for name in FEATURES]]
    months, times = np.arange(candidates.horizon) / candidates.horizon, np.linspace(0.0, 1.0, CENTRES)
    means = observed.mean(axis=1)
    centre = np.stack([np.interp(times, months, column) for column in means.T], axis=1)
    scale = np.maximum(observed.std(axis=1).mean(axis=0), NARROWEST)
    surprise = Surprise(FEATURES, centre, scale)
    deviations = [surprise.of(record[month], [month / candidates.horizon]) for month in range(0, candidates.horizon, 3)]
    return surprise, np.concatenate(deviations)


def whitening(deviations: Numbers) -> Numbers:
    """The symmetric matrix that makes deviations uncorrelated with variance one, shape (features, features).

    A search moves in these coordinates: an equal step in any of them moves the levers about equally.
    """
    values, vectors = np.linalg.eigh(deviations.T @ deviations / len(deviations))
    whole: Numbers = vectors / np.sqrt(np.maximum(values, FLATTEST)) @ vectors.T
    return whole


def gain_of(numbers: Numbers, whole: Numbers) -> Numbers:
    """Gains of shape (..., 1, 4, features) of a search's numbers, shape (..., 4 * features)."""
    gain: Numbers = numbers.reshape(*numbers.shape[:-1], 1, len(LEVERS), len(FEATURES)) @ whole
    return gain
