"""J under three closing rules: the same plays, with what lies behind the horizon priced in three ways.

One of the rules is scored: the environment pays it, policies are tuned and trained for it. The others say whether a
finding hangs on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from thinmargin.settings import Closing
from thinmargin.simulation import CLOSING_MONTHS
from thinmargin_agents.scoring.score import FORESIGHT
from thinmargin_agents.scoring.statistics import bootstrap_interval, if_enough, paired_difference

Numbers = npt.NDArray[np.float64]


class ClosingRule(NamedTuple):
    """One rule: its name in files and in tables, the environment's `closing` that pays it, and what it is."""

    name: str
    head: str
    closing: Closing
    meaning: str


CLOSING_RULES = {
    rule.name: rule
    for rule in (
        ClosingRule(
            "own_levers",
            "own last year",
            "own_levers",
            f"for {CLOSING_MONTHS} months behind the horizon the firm goes on with the mean of its own levers of the"
            " last twelve months",
        ),
        ClosingRule(
            "playbook",
            "playbook",
            "playbook",
            f"for those {CLOSING_MONTHS} months the firm plays a fixed playbook, the same for every policy",
        ),
        ClosingRule("years", "years alone", "none", "nothing behind the horizon counts"),
    )
}
"""Every rule by its name in files, in the order of tables."""


def rule_of(closing: Closing) -> ClosingRule:
    """The rule that an environment with this `closing` pays."""
    return next(rule for rule in CLOSING_RULES.values() if rule.closing == closing)


def values_under(profit_part: Numbers, closing_rules: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """J under every rule, of the shape of `profit_part`; empty if the closing values were not asked for.

    Args:
        profit_part: discounted profits of the years run.
        closing_rules: discounted closing values by rule, as of `thinmargin_agents.play.outcome.Outcome`.
    """
    if not closing_rules:
        return {}
    return {
        name: profit_part if rule.closing == "none" else profit_part + closing_rules[name]
        for name, rule in CLOSING_RULES.items()
    }


def rules_summary(
    value: Mapping[str, Numbers], baseline: Mapping[str, Numbers] | None, seed: int
) -> dict[str, dict[str, Any]]:
    """Mean J under every rule with its 95 % interval, and the difference to a baseline, None without one.

    Args:
        value: J by rule, shape (seeds, worlds), RMB bn.
        baseline: the same of one policy in the same worlds, shape (1, worlds).
        seed: of the generators, one for each interval.
    """
    found = {}
    for name, numbers in value.items():
        entry: dict[str, Any] = {
            "J_mean": float(numbers.mean()),
            "J_ci95": if_enough(bootstrap_interval(numbers, np.random.default_rng(seed)), numbers.shape[1]),
            "diff_mean": None,
            "diff_ci95": None,
        }
        if baseline:
            gap = paired_difference(numbers, baseline[name][0], np.random.default_rng(seed))
            entry |= {"diff_mean": gap.mean, "diff_ci95": if_enough(gap.interval, numbers.shape[1])}
        found[name] = entry
    return found


def order_under(values: Mapping[str, Mapping[str, Numbers]]) -> dict[str, list[str]]:
    """Names of the policies, best first, under every rule; foresight, which is told the future, has no place.

    Args:
        values: J by rule, by name of the policy.
    """
    fair = {name: value for name, value in values.items() if value and name != FORESIGHT}
    if not fair:
        return {}
    return {rule: sorted(fair, key=lambda name: -fair[name][rule].mean()) for rule in CLOSING_RULES}


def same_order(orders: Sequence[Sequence[str]]) -> bool:
    """Whether policies stand in the same order everywhere."""
    return all(list(order) == list(orders[0]) for order in orders)
