"""Summaries of played worlds: the numbers of the table and of the JSON file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from thinmargin.baselines import BASELINES
from thinmargin.settings import Closing
from thinmargin_agents.cli.versions import versions
from thinmargin_agents.play.outcome import FIRST_YEAR, YEARLY, Outcome
from thinmargin_agents.policies.entrants import Entrant
from thinmargin_agents.scoring import statistics
from thinmargin_agents.scoring.closing_rules import CLOSING_RULES, order_under, rule_of, rules_summary, values_under
from thinmargin_agents.scoring.score import FORESIGHT, THRESHOLDS, TUNED, Anchors, score_profile, score_summary

REFERENCE = "low_margin_ecosystem"
"""The baseline every table compares with."""
PERCENTILES = (5, 50, 95)

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Result:
    """One entrant played through the worlds of an evaluation.

    Attributes:
        name: of the entrant.
        members: names of its policies, one a training seed.
        seeds: training seeds; empty if it was not trained.
        value, profit_part, closing_part: shape (members, worlds), RMB bn, as of `Outcome`.
        bankrupt, months: shape (members, worlds), as of `Outcome`.
        saturation: by lever name, mean of the members.
        yearly: by name, means of each calendar year over the members and the worlds still in business.
        tracks: by name of YEARLY, shape (years, members * worlds): the years of every world, NaN once it
            is out of business.
        lines: by name of EARNED and SPENT, shape (members, worlds), as of `Outcome`.
        keys: shape (worlds,), world keys.
        under: by closing rule, J under it, shape (members, worlds), RMB bn; empty if only one was computed.
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
    tracks: dict[str, Numbers]
    lines: dict[str, Numbers]
    keys: npt.NDArray[np.int64]
    under: dict[str, Numbers] = field(default_factory=dict)


def rounded(value: float, digits: int = 1) -> float:
    """A number as it is printed; noise in its last bits does not decide which way it goes."""
    return round(round(value, digits + 8), digits) + 0.0  # no minus before a zero


def shown_difference(value: float, other: float, digits: int = 1) -> float:
    """The difference of two numbers as they are printed, so that whoever subtracts them finds the same."""
    return round(rounded(value, digits) - rounded(other, digits), digits) + 0.0


def result_of(entrant: Entrant, outcomes: Sequence[Outcome]) -> Result:
    """Combine the outcomes of an entrant's members, which played the same worlds."""
    tracks = {name: np.concatenate([outcome.yearly[name] for outcome in outcomes], axis=1) for name in YEARLY}
    profit_part = np.stack([outcome.profit_part for outcome in outcomes])
    closings = {
        rule: np.stack([outcome.closing_rules[rule] for outcome in outcomes]) for rule in outcomes[0].closing_rules
    }
    return Result(
        name=entrant.name,
        members=tuple(member.name for member in entrant.members),
        seeds=tuple(member.seed for member in entrant.members if member.is_run),
        value=np.stack([outcome.value for outcome in outcomes]),
        profit_part=profit_part,
        closing_part=np.stack([outcome.closing_part for outcome in outcomes]),
        bankrupt=np.stack([outcome.bankrupt for outcome in outcomes]),
        months=np.stack([outcome.months for outcome in outcomes]),
        saturation={
            name: float(np.mean([outcome.saturation[name] for outcome in outcomes])) for name in outcomes[0].saturation
        },
        yearly=yearly_means(tracks),
        tracks=tracks,
        lines={name: np.stack([outcome.lines[name] for outcome in outcomes]) for name in outcomes[0].lines},
        keys=outcomes[0].keys,
        under=values_under(profit_part, closings),
    )


def yearly_means(tables: Mapping[str, Numbers]) -> dict[str, list[float]]:
    """Means over the worlds in business, year by year; NaN where none is.

    `year` is the calendar year, `in_business` the share of worlds that any month of it was played in.
    """
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


def anchors_of(results: Sequence[Result]) -> Anchors | None:
    """J of the policies that score 0 and 100, or None if one of them has no result."""
    played = {result.name: result.value[0] for result in results}
    if TUNED not in played or FORESIGHT not in played:
        return None
    return Anchors(played[TUNED], played[FORESIGHT])


def summary_of(result: Result, baselines: Sequence[Result], anchors: Anchors | None, seed: int) -> dict[str, Any]:
    """Summary of one entrant; the layout of `policies` in the JSON file.

    Every interval has a generator of its own, seeded with `seed`, so the summary of a policy does not depend on
    which others were judged with it.
    """
    value = result.value
    reference = next((other for other in baselines if other.name == REFERENCE != result.name), None)
    points = statistics.percentiles(value, PERCENTILES)

    def interval(over: statistics.Unit) -> list[float] | None:
        found = statistics.bootstrap_interval(value, np.random.default_rng(seed), over=over)
        return statistics.if_enough(found, len(value) if over == "seeds" else value.shape[1])

    return {
        "J_mean": float(value.mean()),
        "J_iqm": float(statistics.interquartile_mean(value.ravel())),
        "J_ci95": interval("both"),
        "J_ci95_worlds": interval("worlds"),
        "J_ci95_seeds": interval("seeds") if len(value) > 1 else None,
        "J_by_seed": value.mean(axis=1).tolist(),
        **score_summary(value, anchors, seed),
        "percentiles": {str(at): point for at, point in zip(PERCENTILES, points, strict=True)},
        "bankrupt_share": float(result.bankrupt.mean()),
        "months_mean": float(result.months.mean()),
        "saturation": result.saturation,
        "profit_part": float(result.profit_part.mean()),
        "closing_part": float(result.closing_part.mean()),
        "closing_rules": rules_summary(result.under, reference.under if reference else None, seed),
        "vs": {other.name: versus(value, other, seed) for other in baselines if other.name != result.name},
        "seeds": list(result.seeds),
        "yearly": result.yearly,
    }


def versus(value: Numbers, baseline: Result, seed: int) -> dict[str, Any]:
    """Comparison of a policy with this J, shape (seeds, worlds), with a baseline in the same worlds."""
    gap = statistics.paired_difference(value, baseline.value[0], np.random.default_rng(seed))
    return {
        "diff_mean": gap.mean,
        "diff_ci95": statistics.if_enough(gap.interval, value.shape[1]),
        "p_improve": gap.probability,
        "p_improve_ci95": statistics.if_enough(gap.probability_interval, value.shape[1]),
        "correlation": gap.correlation,
        "variance_reduction": gap.variance_reduction,
    }


def report_of(
    results: Sequence[Result],
    *,
    environment: str,
    split: str,
    seed: int,
    command: str,
    closing: Closing,
    foresight: Mapping[str, Any] | None = None,
    note: str | None = None,
    stress_worlds: int = 0,
    stress: Mapping[str, Any],
    failures: Mapping[str, str],
) -> dict[str, Any]:
    """The whole comparison as plain values, best policy first; the layout of the JSON file.

    Args:
        results: of the worlds of the environment.
        environment: id.
        split: of the world keys.
        seed: of the bootstrap.
        command: command line that reproduces the results.
        closing: of the environment: the closing rule that is scored.
        foresight: how the best known plans were made, None without them.
        note: why there are no such plans.
        stress_worlds: how many of each held-out family were played.
        stress: their summary, of `thinmargin_agents.judging.stress.stress_summary`.
        failures: messages of the policies that failed.
    """
    ranked = sorted(results, key=lambda result: -result.value.mean())
    baselines = [result for result in ranked if result.name in BASELINES]
    anchors = anchors_of(results)
    profile = None
    if anchors is None:
        missing = {TUNED, FORESIGHT} - {result.name for result in results}
        note = note or f"score is null: {' and '.join(sorted(missing))} failed"
    elif not anchors.can_score:
        note = f"score is null: {FORESIGHT} earns no more than {TUNED} in these worlds"
    else:
        profile = {
            "tau": list(THRESHOLDS),
            "policies": {result.name: score_profile(result.value, anchors, seed) for result in ranked},
        }
    if foresight is not None and anchors is not None:
        foresight = {**foresight, "worlds_without_gap": int(np.sum(~anchors.has_gap))}
    return {
        "environment": environment,
        "split": split,
        "worlds": len(results[0].keys),
        "seed": seed,
        "command": command,
        "versions": versions(),
        "foresight": foresight,
        "note": note,
        "closing": {
            "scored": rule_of(closing).name,
            "rules": {name: rule.meaning for name, rule in CLOSING_RULES.items()},
            "order": order_under({result.name: result.under for result in ranked}),
        },
        "policies": {result.name: summary_of(result, baselines, anchors, seed) for result in ranked},
        "profile": profile,
        "stress_worlds": stress_worlds,
        "stress": stress,
        "failures": dict(failures),
    }
