"""The judgements a finding may hang on, as tables: the best constant levers, and policies that ship."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from thinmargin_agents.phase_map.answer import share_words
from thinmargin_agents.phase_map.assumptions import AS_CALIBRATED, ASSUMPTIONS
from thinmargin_agents.phase_map.cells import gain_words
from thinmargin_agents.phase_map.hidden import share_of, thin_ahead
from thinmargin_agents.phase_map.results import SCORED_RULE, Judgement, PhaseMapResult
from thinmargin_agents.phase_map.search import STARTS, SearchBudget
from thinmargin_agents.phase_map.shipped import POLICIES, PREMIUM, THIN
from thinmargin_agents.scoring.closing_rules import CLOSING_RULES

NOTHING = "-"
"""Stands where there is no number."""
HEADS = [rule.head for rule in CLOSING_RULES.values()]


def judgement_tables(result: PhaseMapResult) -> list[tuple[list[str], list[list[str]]]]:
    """Heads and rows of two tables: shares of worlds with the best levers, and with shipped policies."""
    best = [
        [
            item.assumption,
            *(share_words(share_of(thin_ahead(item.by_rule[rule]))) for rule in CLOSING_RULES),
            gain_words(float(np.median([cell.difference for cell in item.by_rule[SCORED_RULE.name]]))),
        ]
        for item in result.judgements
    ]
    shipped = [
        [
            item.assumption,
            *(_ahead(item, rule) for rule in CLOSING_RULES),
            *(_mean(item, name) for name in POLICIES),
        ]
        for item in result.judgements
    ]
    return [
        (["best: thin ahead", *HEADS, "median gap"], best),
        (["shipped: thin ahead", *HEADS, *POLICIES], shipped),
    ]


def _ahead(item: Judgement, rule: str) -> str:
    if THIN not in item.played.value or PREMIUM not in item.played.value:
        return NOTHING
    return share_words(share_of(item.played.thin_ahead(rule)))


def _mean(item: Judgement, name: str) -> str:
    value = item.played.value.get(name)
    return NOTHING if value is None else f"{value[SCORED_RULE.name].mean():.0f}"


def judgement_words(result: PhaseMapResult) -> list[str]:
    """What the columns and the assumptions are, and which policies are missing."""
    count = len(result.judgements[0].by_rule[SCORED_RULE.name])
    whole = (
        f"Share of {count} hidden validation worlds in which thin is ahead, with its 95 % interval (Wilson 1927), under"
        " each closing rule; everything else is as it is drawn. In the first table both sides have the best constant"
        " levers of each world, searched for the rule and the assumption, and the last column is J of thin less premium"
        f" in the median world ({SCORED_RULE.head}, RMB bn). In the second, policies play as they ship; their J is the"
        f" mean ({SCORED_RULE.head}, RMB bn); thin and premium are {THIN} and {PREMIUM}, which is not tuned."
    )
    meanings = [f"{item.assumption}: {ASSUMPTIONS[item.assumption].meaning}." for item in result.judgements]
    missing = [f"{name}{where}" for name, _, where in not_played(result.judgements)]
    return [
        whole,
        effort_words(result.request.budget),
        *meanings,
        *([f"Could not be played: {'; '.join(dict.fromkeys(missing))}."] if missing else []),
    ]


def effort_words(budget: SearchBudget) -> str:
    """How the levers of the judgements are searched, beside those of the calibration."""
    return (
        f"{AS_CALIBRATED.capitalize()}, every side is searched from {len(STARTS)} starts, {budget.generations}"
        f" {_generations(budget.generations)} each. Judgements are searched from what was found without them, with half"
        f" the generations ({budget.near_generations}) and never ending below it: a share may move a little less than"
        " with searches as long."
    )


def _generations(count: int) -> str:
    return "generation" if count == 1 else "generations"


def not_played(judgements: Sequence[Judgement]) -> list[tuple[str, str, str]]:
    """Policies that could not be played, why, and under which assumptions: in brackets, or nothing if under all."""
    found: dict[tuple[str, str], list[str]] = {}
    for item in judgements:
        for policy, why in item.played.missing.items():
            found.setdefault((policy, why), []).append(item.assumption)
    return [
        (policy, why, "" if len(names) == len(judgements) else f" ({', '.join(names)})")
        for (policy, why), names in found.items()
    ]
