"""The scope of a check, and its finding."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from thinmargin.splits import KEYS
from thinmargin_agents.audit.plan_players import Players

ProgressFunction = Callable[[float, str], None]
"""Called with the share of a check that is done, from 0 to 1, and a phrase about the part that runs now."""

HORIZON = 180
"""Months of an episode of the benchmark."""
SEARCH_WORLDS = 64
"""Worlds that a search sees; what it finds is judged on others."""
MOST_WORLDS = 10_000
_FIRST = {"shared": 500_000, "search": 600_000, "judge": 700_000}
"""Where in the validation split each part of the audit's worlds begins; rules are tuned on the first worlds of it."""


@dataclass(frozen=True)
class Scope:
    """The amount of play of an audit.

    Attributes:
        n_worlds: worlds that every policy is judged on.
        evaluations: candidates of the search for free money; the search for a longer plan has a quarter of it.
        seed: of everything that is drawn or searched.
        players: they play plans.
    """

    n_worlds: int = 256
    evaluations: int = 10_000
    seed: int = 0
    players: Players = field(default_factory=Players)

    def worlds(self, part: str = "shared", most: int | None = None) -> range:
        """Keys of validation worlds: `shared`, `search` or `judge`, which do not overlap.

        There are `n_worlds`, at most `most` of them; without it at most SEARCH_WORLDS to a search.
        """
        first = _FIRST[part]
        limit = SEARCH_WORLDS if most is None and part == "search" else most
        count = self.n_worlds if limit is None else min(self.n_worlds, limit)
        return KEYS["validation"][first : first + count]


@dataclass(frozen=True)
class Finding:
    """The finding of one check.

    Attributes:
        name: of the check.
        question: what it asks.
        measured: every number the verdict rests on, by name.
        summary: the same in a few words.
        bound: the allowed range, in words.
        passed: whether what was measured is allowed.
        lines: details to print.
    """

    name: str
    question: str
    measured: Mapping[str, float]
    summary: str
    bound: str
    passed: bool
    lines: tuple[str, ...] = ()


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Lines of a table in plain text: the first column to the left, all others to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = []
    for first, *others in (head, *rows):
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return tuple(lines)
