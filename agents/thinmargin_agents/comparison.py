"""From played worlds to what is said about a policy: the numbers of the table and of the JSON file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from thinmargin.baselines import BASELINES
from thinmargin_agents import statistics
from thinmargin_agents.policies import Entrant
from thinmargin_agents.rollout import FIRST_YEAR, YEARLY, Outcome
from thinmargin_agents.versions import versions

REFERENCE = "low_margin_ecosystem"
"""The baseline every table compares with."""
PERCENTILES = (5, 50, 95)
SCORE_NOTE = (
    "score, score_ci95 and score_iqm are null: they need the policies low_margin_tuned and foresight,"
    " which this version does not have"
)

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Result:
    """One entrant played through the worlds of an evaluation.

    Attributes:
        name: what it is called.
        members: names of its policies, one a training seed.
        seeds: training seeds; empty if it is no run.
        value, profit_part, closing_part: shape (members, worlds), RMB bn, as of `Outcome`.
        bankrupt, months: shape (members, worlds), as of `Outcome`.
        saturation: by lever name, mean of the members.
        yearly: by name, means of each calendar year over the members and the worlds still in business.
        keys: shape (worlds,), world keys.
    """

    name: str
    members: tuple[str, ...]
    seeds: tuple[int | None, ...]
    value: Numbers
    profit_part: Numbers
    closing_part: Numbers
    bankrupt: npt.NDArray[np.bool_]
    months: npt.NDArray[np.int64]
    saturation: dict[str, float]
    yearly: dict[str, list[float]]
    keys: npt.NDArray[np.int64]


def result_of(entrant: Entrant, outcomes: Sequence[Outcome]) -> Result:
    """Put the outcomes of an entrant's members together; they played the same worlds."""
    return Result(
        name=entrant.name,
        members=tuple(member.name for member in entrant.members),
        seeds=tuple(member.seed for member in entrant.members if member.is_run),
        value=np.stack([outcome.value for outcome in outcomes]),
        profit_part=np.stack([outcome.profit_part for outcome in outcomes]),
        closing_part=np.stack([outcome.closing_part for outcome in outcomes]),
        bankrupt=np.stack([outcome.bankrupt for outcome in outcomes]),
        months=np.stack([outcome.months for outcome in outcomes]),
        saturation={
            name: float(np.mean([outcome.saturation[name] for outcome in outcomes])) for name in outcomes[0].saturation
        },
        yearly=yearly_means(outcomes),
        keys=outcomes[0].keys,
    )


def yearly_means(outcomes: Sequence[Outcome]) -> dict[str, list[float]]:
    """Means over the worlds in business, year by year; NaN where none is.

    `year` is the calendar year, `in_business` the share of worlds that any month of it was played in.
    """
    tables = {name: np.concatenate([outcome.yearly[name] for outcome in outcomes], axis=1) for name in YEARLY}
    playing = ~np.isnan(tables[YEARLY[0]])
    counts = playing.sum(axis=1)
    years = len(counts)
    means: dict[str, list[float]] = {
        "year": [float(FIRST_YEAR + year) for year in range(years)],
        "in_business": playing.mean(axis=1).tolist(),
    }
    for name, table in tables.items():
        sums = np.where(playing, table, 0.0).sum(axis=1)
        means[name] = [float(sums[y] / counts[y]) if counts[y] else math.nan for y in range(years)]
    return means


def summary_of(result: Result, baselines: Sequence[Result], seed: int) -> dict[str, Any]:
    """What is said about one entrant; the layout of `policies` in the JSON file.

    Every interval is drawn with a generator of its own made from `seed`, so what is said about a policy
    does not depend on which others were judged with it.
    """
    value = result.value
    interval = statistics.bootstrap_interval(value, np.random.default_rng(seed))
    versus = {}
    for other in baselines:
        if other.name != result.name:
            gap = statistics.paired_difference(value, other.value[0], np.random.default_rng(seed))
            versus[other.name] = {
                "diff_mean": gap.mean,
                "diff_ci95": list(gap.interval),
                "p_improve": gap.probability,
            }
    points = statistics.percentiles(value, PERCENTILES)
    return {
        "J_mean": float(value.mean()),
        "J_iqm": float(statistics.interquartile_mean(value.ravel())),
        "J_ci95": list(interval),
        "J_by_seed": value.mean(axis=1).tolist(),
        "score": None,
        "score_ci95": None,
        "score_iqm": None,
        "percentiles": {str(at): point for at, point in zip(PERCENTILES, points, strict=True)},
        "bankrupt_share": float(result.bankrupt.mean()),
        "months_mean": float(result.months.mean()),
        "saturation": result.saturation,
        "profit_part": float(result.profit_part.mean()),
        "closing_part": float(result.closing_part.mean()),
        "vs": versus,
        "seeds": list(result.seeds),
        "yearly": result.yearly,
    }


def report_of(
    results: Sequence[Result], failures: Mapping[str, str], *, environment: str, split: str, seed: int
) -> dict[str, Any]:
    """The whole comparison as plain values, best policy first; the layout of the JSON file."""
    baselines = [result for result in results if result.name in BASELINES]
    summaries = {result.name: summary_of(result, baselines, seed) for result in results}
    ranked = sorted(summaries, key=lambda name: -summaries[name]["J_mean"])
    return {
        "environment": environment,
        "split": split,
        "worlds": len(results[0].keys),
        "seed": seed,
        "versions": versions(),
        "note": SCORE_NOTE,
        "policies": {name: summaries[name] for name in ranked},
        "failures": dict(failures),
    }
