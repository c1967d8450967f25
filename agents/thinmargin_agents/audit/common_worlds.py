"""The variance that common worlds save in comparisons: correlated sampling (Kahn & Marshall 1953)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from thinmargin_agents.audit.entrants import built_in
from thinmargin_agents.audit.findings import HORIZON, Finding, ProgressFunction, Scope, aligned
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.scoring.statistics import paired_difference

Numbers = npt.NDArray[np.float64]

QUESTION = "Do common worlds make differences between policies surer than worlds of their own would?"
LEAST = 1.0
"""Median reduction of variance above which common worlds help. A mean would be that of the one pair of nearly equal
policies, whose factor has no bound."""


def check(scope: Scope, progress: ProgressFunction) -> Finding:
    """J of every built-in policy in the same worlds."""
    values = {}
    policies = built_in()
    for number, (name, policy) in enumerate(policies.items()):
        progress(number / len(policies), name)
        values[name] = play_worlds(policy, scope.worlds(), horizon=HORIZON, seed=scope.seed).value
    return judged(values)


def judged(values: Mapping[str, Numbers]) -> Finding:
    """The verdict on J of at least two policies in every world, shape (worlds,) each.

    Pairs that differ by the same in every world are left out: one world is enough to compare them.
    """
    order = sorted(values, key=lambda name: -values[name].mean())
    pairs = {}
    for one, other in itertools.combinations(order, 2):
        gap = paired_difference(values[one], values[other], np.random.default_rng(0), resamples=1)  # no interval needed
        pairs[one, other] = gap.correlation, gap.variance_reduction
    distinct = {pair: found for pair, found in pairs.items() if np.isfinite(found[1])}
    correlations, factors = np.array(list(distinct.values()) or [(np.nan, np.nan)]).T
    median = float(np.median(factors))
    neighbours = [pair for pair in itertools.pairwise(order) if pair in distinct]
    return Finding(
        "common_worlds",
        QUESTION,
        {
            "reduction_median": median,
            "reduction_geometric_mean": float(np.exp(np.log(factors).mean())),
            "reduction_least": float(factors.min()),
            "correlation_mean": float(correlations.mean()),
            "pairs": float(len(distinct)),
        },
        f"variances of differences fall by a factor of {median:.1f} in the median pair of policies",
        f"a factor above {LEAST:.1f} in the median pair",
        median > LEAST,
        (
            f"{len(distinct)} pairs of policies, factors {factors.min():.2f} to {factors.max():.1f}:",
            "without common worlds, so many times as many would be needed. Each policy and the next best one:",
            *aligned(
                ("policies", "correlation of J", "factor"),
                [(f"{pair[0]}, {pair[1]}", *(f"{number:.2f}" for number in pairs[pair])) for pair in neighbours],
            ),
        ),
    )
