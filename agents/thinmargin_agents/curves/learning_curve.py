"""The numbers of a learning curve: an agent's earnings on validation worlds while it learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from thinmargin_agents.policies.manifest import Evaluation, Manifest
from thinmargin_agents.policies.shipped import evaluations_of, manifest_of
from thinmargin_agents.scoring.statistics import bootstrap_interval

LINES = ("low_margin_tuned", "plan", "plan_with_feedback")
"""Policies that are drawn as lines to compare with."""
DIGITS = 3
"""Of the numbers drawn: less than a pixel."""


@dataclass(frozen=True)
class LearningCurve:
    """A learning curve.

    Attributes:
        name: of the agent.
        scored: whether numbers are scores in percent, else J in RMB bn.
        seeds: training seeds.
        worlds: validation worlds of every evaluation.
        months: of experience, one an evaluation.
        mean: over the training seeds.
        low, high: 95 % bootstrap interval of the mean over training seeds (Efron 1979); the mean itself with one seed.
        lines: policies to compare with, by name, in the same unit.
    """

    name: str
    scored: bool
    seeds: int
    worlds: int
    months: tuple[int, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    lines: Mapping[str, float]

    def numbers(self) -> dict[str, Any]:
        """All that is drawn, as plain JSON values."""
        return asdict(self)


def learning_curve_of(name: str) -> LearningCurve:
    """The learning curve of a shipped agent; an unknown one is a ValueError, a damaged one a ShippedError."""
    manifest = manifest_of(name)
    return curve_from(manifest, evaluations_of(manifest))


def curve_from(manifest: Manifest, evaluations: Sequence[Evaluation]) -> LearningCurve:
    """The learning curve of an agent from the evaluations of all its seeds, which were made after the same months."""
    scored = manifest.validation.score is not None and all(row.score is not None for row in evaluations)
    by_month: dict[int, list[float]] = {}
    for row in evaluations:
        by_month.setdefault(row.timesteps, []).append(row.score if scored and row.score is not None else row.J)
    values = [np.array(found) for _, found in sorted(by_month.items())]
    bands = [bootstrap_interval(found, np.random.default_rng(0)) for found in values]
    references = manifest.validation.references
    lines = {name: manifest.validation.score_of(references[name]) if scored else references[name] for name in LINES}
    return LearningCurve(
        name=manifest.name,
        scored=scored,
        seeds=len(manifest.seeds),
        worlds=manifest.validation.worlds,
        months=tuple(sorted(by_month)),
        mean=tuple(round(float(found.mean()), DIGITS) for found in values),
        low=tuple(round(band.low, DIGITS) for band in bands),
        high=tuple(round(band.high, DIGITS) for band in bands),
        lines={name: round(line, DIGITS) for name, line in lines.items() if line is not None},
    )
