"""Stress worlds: the held-out families, in which something breaks that no policy was tuned or trained for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from thinmargin import ENVIRONMENTS
from thinmargin.scenarios import FAMILIES
from thinmargin_agents.judging.arena import Arena, playground_of
from thinmargin_agents.scoring.closing_rules import rules_summary
from thinmargin_agents.scoring.comparison import Numbers, Result, versus
from thinmargin_agents.scoring.score import TUNED
from thinmargin_agents.scoring.statistics import bootstrap_interval, if_enough

SPLIT = "test"
"""Split of the stress worlds: they are for reporting, nothing is chosen by them."""


def stress_arenas(keys: Sequence[int]) -> list[Arena]:
    """The held-out environments, each with the worlds of these keys: the benchmark's worlds with something broken."""
    playgrounds = [playground_of(entry.id) for entry in ENVIRONMENTS]
    return [Arena(playground, keys) for playground in playgrounds if FAMILIES[playground.worlds].held_out]


def stress_summary(stress: Mapping[str, Sequence[Result]], results: Sequence[Result], seed: int) -> dict[str, Any]:
    """Summary of every policy in every held-out family; the layout of `stress` in the JSON file.

    `kept` is J as a share of J in the benchmark's worlds of the same keys, None where that is not above zero;
    differences are to `low_margin_tuned`, which has none to itself.

    Args:
        stress: results by family.
        results: of the benchmark; its first worlds have the keys of the stress worlds.
        seed: of the generators, one for each interval.
    """
    benchmark = {result.name: result.value for result in results}
    summary = {}
    for family, played in stress.items():
        tuned = next((result for result in played if result.name == TUNED), None)
        ranked = sorted(played, key=lambda result: -result.value.mean())
        summary[family] = {result.name: _summary(result, benchmark[result.name], tuned, seed) for result in ranked}
    return summary


def _summary(result: Result, benchmark: Numbers, tuned: Result | None, seed: int) -> dict[str, Any]:
    value = result.value
    unbroken = float(benchmark[:, : len(result.keys)].mean())
    other = None if tuned is None or tuned.name == result.name else tuned
    gap = {} if other is None else versus(value, other, seed)
    return {
        "J_mean": float(value.mean()),
        "J_ci95": if_enough(bootstrap_interval(value, np.random.default_rng(seed)), value.shape[1]),
        "J_benchmark": unbroken,
        "kept": float(value.mean()) / unbroken if unbroken > 0.0 else None,
        "bankrupt_share": float(result.bankrupt.mean()),
        "profit_part": float(result.profit_part.mean()),
        "closing_part": float(result.closing_part.mean()),
        "closing_rules": rules_summary(result.under, other.under if other else None, seed),
        **{name: gap.get(name) for name in ("diff_mean", "diff_ci95", "p_improve")},
    }
