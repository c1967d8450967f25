"""How the best known plans were found, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from thinmargin.names import policy_name
from thinmargin_agents.report.words import SPACE, is_number, listed, money, number


def best_known(made: Mapping[str, Any], versions: Mapping[str, Any]) -> str:
    """How they were found, as far as the JSON document states it; empty where it states nothing.

    Args:
        made: `foresight` of the JSON document.
        versions: of the libraries that the page was made with.
    """
    return " ".join(_sentences(made, versions))


def _sentences(made: Mapping[str, Any], versions: Mapping[str, Any]) -> Iterator[str]:
    plays, begun = made.get("evaluations"), made.get("begun_from") or {}
    if is_number(plays):
        worlds = f"each of {number(sum(begun.values()), 0)} worlds" if begun else "each world"
        yield f"For {worlds} a search tried {number(plays, 0)} plans and kept the best."
    if begun:
        counts = sorted(begun.items(), key=lambda item: (-item[1], item[0]))
        words = listed([f"{policy_name(name)} in {number(count, 0)}" for name, count in counts])
        yield f"It began from the built-in policy that earned most there: {words}."
    found = made.get("convergence") or {}
    start, half, end = (found.get(name) for name in ("J_begun", "J_half", "J"))
    if start is not None and half is not None and end is not None:
        yield (
            f"Their mean J rose from {money(start)} to {money(half)} in half of the search and to {money(end)} in all"
            " of it."
        )
    adds = found.get("doubling_adds_percent")
    if is_number(adds):
        checked = found.get("worlds_checked")
        where = f" in the first {number(checked, 0)} worlds" if is_number(checked) else ""
        yield f"Twice as much search adds {number(adds, 2)}{SPACE}%{where}."
    without = made.get("worlds_without_gap")
    if is_number(without) and without:
        yield f"In {number(without, 0)} of the worlds of this page it earns no more than the policy that scores 0."
    told = {name: version for name, version in (made.get("versions") or {}).items() if versions.get(name) != version}
    if told:
        yield f"Found with {listed([f'{name} {version}' for name, version in told.items()])}."
    if made.get("command"):
        yield f"Command: {made['command']}"
