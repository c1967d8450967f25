"""The judgements a finding may hang on, as tables: the best constant levers, and policies that ship."""

from __future__ import annotations

import numpy as np

from thinmargin_agents.phase_map.answer import share_words
from thinmargin_agents.phase_map.assumptions import ASSUMPTIONS
from thinmargin_agents.phase_map.hidden import share_of, thin_ahead
from thinmargin_agents.phase_map.results import SCORED_RULE, Judgement, PhaseMapResult
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
            f"{np.median([cell.difference for cell in item.by_rule[SCORED_RULE.name]]):+.0f}",
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
        " levers of each world, searched for the rule and the assumption, and the last column is J of thin less premium in the median"
        f" world ({SCORED_RULE.head}, RMB bn). In the second, policies play as they ship; their J is the mean"
        f" ({SCORED_RULE.head}, RMB bn); thin and premium are {THIN} and {PREMIUM}, which is not tuned."
    )
    meanings = [f"{item.assumption}: {ASSUMPTIONS[item.assumption].meaning}." for item in result.judgements]
    missing = result.judgements[0].played.missing
    return [whole, *meanings, *([f"Could not be played: {', '.join(missing)}."] if missing else [])]
