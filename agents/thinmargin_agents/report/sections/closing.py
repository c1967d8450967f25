"""J under three closing rules: who is ahead, if something else counts behind the horizon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from thinmargin.settings import SCORED
from thinmargin_agents.report.roles import Cast, Player
from thinmargin_agents.report.words import NOTHING, SPACE, interval, is_number, listed, number
from thinmargin_agents.scoring.closing_rules import CLOSING_RULES, ClosingRule, order_under, rule_of, same_order


@dataclass(frozen=True)
class RuleCell:
    """J under a rule, its interval, empty where there is none, and its rank, as printed."""

    value: str
    interval: str
    rank: str


@dataclass(frozen=True)
class RulesTable:
    """Rules with what each of them is, and a row of cells a policy."""

    rules: tuple[ClosingRule, ...]
    rows: tuple[tuple[Player, tuple[RuleCell, ...]], ...]


def scored_of(report: Mapping[str, Any]) -> ClosingRule:
    """The rule that was scored; the benchmark's, where the JSON document does not say."""
    name = (report.get("closing") or {}).get("scored")
    return CLOSING_RULES[name] if name in CLOSING_RULES else rule_of(SCORED)


def rules_table(cast: Cast) -> RulesTable | None:
    """The table, best first by what is scored; None if one rule alone was computed."""
    order = _order(cast)
    if not order:
        return None

    def cell(player: Player, rule: str) -> RuleCell:
        stated = (player.summary.get("closing_rules") or {}).get(rule) or {}
        value = float(player.result.under[rule].mean()) if player.result.under else None
        places = order[rule]
        rank = str(places.index(player.name) + 1) if player.name in places else NOTHING
        ends = stated.get("J_ci95")
        return RuleCell(number(value), interval(ends) if ends else "", rank)

    rows = tuple((player, tuple(cell(player, rule) for rule in CLOSING_RULES)) for player in cast.players)
    return RulesTable(tuple(CLOSING_RULES.values()), rows)


def leaders(cast: Cast, scored: ClosingRule) -> Iterator[str]:
    """Who is ahead under each rule, in a sentence; none if one rule alone was computed."""
    order = _order(cast)
    if not order or len(order[scored.name]) < 2:
        return
    first = {rule: names[0] for rule, names in order.items()}
    titles = {player.name: player.title for player in cast.players}
    starts = {player.name: player.at_start for player in cast.players}
    best = first[scored.name]
    others = [rule for rule in CLOSING_RULES if rule != scored.name]
    if all(first[rule] == best for rule in others):
        whole = "and so is the order of all policies" if same_order(list(order.values())) else "others change places"
        yield (
            f"{starts[best]} is ahead whatever counts behind the horizon, by mean J under all three closing rules;"
            f" {whole}."
        )
        return
    under = {name: [CLOSING_RULES[rule].head for rule in others if first[rule] == name] for name in first.values()}
    also = "".join(f" and under {head}" for head in under.pop(best))
    words = [f"{titles[name]} under {listed(heads)}" for name, heads in under.items()]
    yield (
        f"Who is ahead depends on what counts behind the horizon: by mean J it is {titles[best]} under {scored.head},"
        f" which is scored,{also and also + ','} but {listed(words)}."
    )


def others_in_words(entry: Mapping[str, Any], scored: ClosingRule) -> str:
    """J under the rules that are not scored, from an entry of the JSON document; empty if it has none."""
    rules = entry.get("closing_rules") or {}
    words = [
        f"{rule.head}{SPACE}{number(rules[name]['J_mean'])}"
        for name, rule in CLOSING_RULES.items()
        if rule != scored and is_number((rules.get(name) or {}).get("J_mean"))
    ]
    return ", ".join(words)


def _order(cast: Cast) -> dict[str, list[str]]:
    return order_under({player.name: player.result.under for player in cast.players})
