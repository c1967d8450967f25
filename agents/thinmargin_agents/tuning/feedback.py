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
    second the deviations of every third month, shape (samples, features). A world in which the firm has gone bankrupt
    counts no longer; after the last firm has, nothing is expected that was not expected before.
    """
    candidates = Candidates(keys, 1)
    seen_by_month: list[Numbers] = []

    def watch(seen: Seen, time: float) -> Numbers:
        playing = candidates.batch.states["month"] == len(seen_by_month)  # a row that has ended begins again
        seen_by_month.append(seen[0][playing].astype(np.float64))
        return between(knots, [time])

    candidates.play(watch)
    lived = [month for month, seen in enumerate(seen_by_month) if len(seen)]
    columns = [FEATURE_NAMES.index(name) for name in FEATURES]
    means = np.stack([seen_by_month[month][:, columns].mean(axis=0) for month in lived])
    spreads = np.stack([seen_by_month[month][:, columns].std(axis=0) for month in lived])
    times = np.linspace(0.0, 1.0, CENTRES)
    centre = np.stack([np.interp(times, np.array(lived) / candidates.horizon, column) for column in means.T], axis=1)
    surprise = Surprise(FEATURES, centre, np.maximum(spreads.mean(axis=0), NARROWEST))
    deviations = [surprise.of(seen_by_month[month], [month / candidates.horizon]) for month in lived[::3]]
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
