"""Worlds in which something breaks: J and bankruptcies, a column a scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from thinmargin import ENVIRONMENTS
from thinmargin.scenarios import FAMILIES
from thinmargin_agents.report.roles import Cast, Player
from thinmargin_agents.report.sections.closing import others_in_words, scored_of
from thinmargin_agents.report.words import NOTHING, interval, is_number, number, percent
from thinmargin_agents.scoring.closing_rules import ClosingRule
from thinmargin_agents.scoring.comparison import Result

HALF_LOST = 0.5
"""Share of J lost at which a cell has the full colour."""


@dataclass(frozen=True)
class Heat:
    """A cell: J under stress, its share of the unstressed J, bankruptcies, J under other closing rules, its colour.

    The colour is so many percent of the tone `bad`, orange, or `good`, blue, on that of the page.
    """

    value: str
    kept: str
    bankrupt: str
    others: str
    hint: str
    tone: str
    strength: int


@dataclass(frozen=True)
class StressTable:
    """Scenarios with what breaks in them, and a row of cells a policy."""

    scenarios: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Player, tuple[Heat | None, ...]], ...]


def stress_table(
    cast: Cast, report: Mapping[str, Any], stress: Mapping[str, Sequence[Result]] | None
) -> StressTable | None:
    """The table, best policy first; None if no scenario was played.

    Numbers that the JSON document lacks are taken from the results.
    """
    summary = report.get("stress") or {}
    played = stress or {}
    scenarios = [name for name in dict.fromkeys([*summary, *played]) if summary.get(name) or played.get(name)]
    if not scenarios:
        return None
    scored = scored_of(report)
    entries = {name: {**_of_results(played.get(name) or ()), **(summary.get(name) or {})} for name in scenarios}
    rows = []
    for player in cast.players:
        cells = tuple(_heat(entries[name].get(player.name), scored) for name in scenarios)
        if any(cells):
            rows.append((player, cells))
    return StressTable(tuple((title_of(name), meaning_of(name)) for name in scenarios), tuple(rows))


def title_of(scenario: str) -> str:
    """`price war`, from the name of a family of worlds or an environment id."""
    return _family(scenario).replace("_", " ")


def meaning_of(scenario: str) -> str:
    """The scenario in one sentence; empty for one that this package does not have."""
    family = FAMILIES.get(_family(scenario))
    return family.meaning if family else ""


def _family(scenario: str) -> str:
    for entry in ENVIRONMENTS:
        if scenario in (entry.id, entry.id.rpartition("/")[2], entry.id.rpartition("/")[2].partition("-")[0]):
            return str(entry.kwargs.get("worlds", "benchmark"))
    return scenario


def _of_results(results: Sequence[Result]) -> dict[str, dict[str, Any]]:
    return {
        result.name: {
            "J_mean": float(result.value.mean()),
            "bankrupt_share": float(result.bankrupt.mean()),
            "closing_rules": {rule: {"J_mean": float(value.mean())} for rule, value in result.under.items()},
        }
        for result in results
    }


def _heat(entry: Mapping[str, Any] | None, scored: ClosingRule) -> Heat | None:
    if not entry or not is_number(entry.get("J_mean")):
        return None
    kept, bankrupt = entry.get("kept"), entry.get("bankrupt_share")
    ends = interval(entry.get("J_ci95"))
    return Heat(
        number(entry["J_mean"]),
        _kept(kept),
        _bankrupt(bankrupt),
        others_in_words(entry, scored),
        "" if ends == NOTHING else f"95 % interval {ends}",
        *_tint(kept),
    )


def _bankrupt(share: float | None) -> str:
    if share is None or not is_number(share):
        return ""
    return f"{percent(share, 1) if share else 'never'} bankrupt"


def _kept(share: float | None) -> str:
    if share is None or not is_number(share):
        return ""
    return f"{percent(share)} kept" if share > 0.0 else "nothing kept"


def _tint(kept: float | None) -> tuple[str, int]:
    """The tone of a cell and how much of it, percent: none where all is kept or nothing is known."""
    if kept is None or not is_number(kept):
        return "bad", 0
    lost = 1.0 - kept
    return ("bad" if lost > 0.0 else "good"), round(100.0 * min(abs(lost) / HALF_LOST, 1.0))
