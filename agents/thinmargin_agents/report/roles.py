"""The policies of the page: names, labels, one colour a policy through the whole page, which ones are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from thinmargin.baselines import BASELINES
from thinmargin_agents.report.style import BLUE, BROWN, GREEN, LINE_WIDTH, ORANGE, PINK, RED, SKY, SLATE
from thinmargin_agents.report.words import short_name
from thinmargin_agents.scoring.comparison import REFERENCE, Result
from thinmargin_agents.scoring.score import FORESIGHT, TUNED

Numbers = npt.NDArray[np.float64]

PLAN = "plan"
MOST_CHOSEN = 5
OTHERS = "#9aa3ad"
"""Colour of the policies that are shown in tables and rows only."""
COLORS = {FORESIGHT: PINK, TUNED: ORANGE, REFERENCE: SLATE, PLAN: GREEN, "plan_with_feedback": SKY}
"""Policies that most reports have look the same in all of them."""
FREE = (BLUE, RED, BROWN)
"""For trained policies and outsiders, in the order of J."""
DASHES: tuple[tuple[float, ...], ...] = (
    (),
    (6.0, 2.0),
    (2.0, 1.6),
    (7.0, 2.0, 1.5, 2.0),
    (6.0, 1.5, 1.5, 1.5, 1.5, 1.5),
)


@dataclass(frozen=True, eq=False)
class Player:
    """One policy of the page.

    Attributes:
        name: in full.
        label: its name in pictures.
        color: as #rrggbb.
        result: in the worlds of the evaluation.
        summary: its part of the JSON document.
        dashes: lengths of dashes and gaps of its lines, none for a solid one.
    """

    name: str
    label: str
    color: str
    result: Result
    summary: Mapping[str, Any]
    dashes: tuple[float, ...] = ()

    @property
    def dash_array(self) -> str:
        """The dashes in SVG's notation, as long as in the pictures."""
        return " ".join(f"{length * LINE_WIDTH:g}" for length in self.dashes)

    @property
    def value(self) -> Numbers:
        """J of each world, mean of the training seeds, RMB bn: shape (worlds,)."""
        return np.asarray(self.result.value.mean(axis=0))

    @property
    def mean(self) -> float:
        """Mean J, RMB bn."""
        return float(self.result.value.mean())

    @property
    def is_run(self) -> bool:
        """Whether it was trained."""
        return bool(self.result.seeds)

    @property
    def knows_future(self) -> bool:
        """Whether it knows the future, and so cannot be compared as a policy."""
        return self.name == FORESIGHT


@dataclass(frozen=True, eq=False)
class Cast:
    """All policies of the page.

    Attributes:
        players: best first.
        best: the best that does not know the future; the best of all where there is none.
        learned: the best that was trained, or None.
        anchor: the policy that others are compared with: low_margin_tuned, else low_margin_ecosystem, else None.
        champion: the best that neither knows the future nor is the anchor, or None.
        chosen: at most five for pictures over the years.
    """

    players: tuple[Player, ...]
    best: Player
    learned: Player | None
    anchor: Player | None
    champion: Player | None
    chosen: tuple[Player, ...]

    def named(self, name: str) -> Player | None:
        """The player with this name, or None."""
        return next((player for player in self.players if player.name == name), None)


def cast_of(report: Mapping[str, Any], results: Sequence[Result]) -> Cast:
    """The policies of the page, from the JSON document and the results it was made of.

    Raises:
        ValueError: there is no result.
    """
    if not results:
        raise ValueError("results is empty: there must be at least one played policy")
    ranked = sorted(results, key=lambda result: -float(result.value.mean()))
    names = [result.name for result in ranked]
    learned = next((result.name for result in ranked if result.seeds), None)
    fair = [name for name in names if name != FORESIGHT]
    anchor = next((name for name in (TUNED, REFERENCE) if name in names), None)
    champion = next((name for name in fair if name != anchor), None)
    best = (fair or names)[0]
    chosen = _chosen(names, learned or best, best)
    colors = _colors(chosen, [name for name in names if name not in BASELINES])
    summaries = report.get("policies") or {}
    players: dict[str, Player] = {}
    for result in ranked:
        label = short_name(result.name, [player.label for player in players.values()])
        dashes = DASHES[chosen.index(result.name)] if result.name in chosen else ()
        color = colors.get(result.name, COLORS.get(result.name, OTHERS))
        players[result.name] = Player(result.name, label, color, result, summaries.get(result.name) or {}, dashes)
    return Cast(
        tuple(players.values()),
        players[best],
        players[learned] if learned else None,
        players[anchor] if anchor else None,
        players[champion] if champion else None,
        tuple(players[name] for name in chosen),
    )


def _chosen(names: Sequence[str], first: str, best: str) -> list[str]:
    own = [name for name in names if name not in BASELINES and name != FORESIGHT]
    candidates = (first, *own[:2], TUNED, PLAN, FORESIGHT, REFERENCE, best)
    return [name for name in dict.fromkeys(candidates) if name in names][:MOST_CHOSEN]


def _colors(chosen: Sequence[str], others: Sequence[str]) -> dict[str, str]:
    """Colours of policies without one of their own, while there are some left: first the chosen, then others."""
    uncolored = dict.fromkeys(name for name in (*chosen, *others) if name not in COLORS)
    return dict(zip(uncolored, FREE, strict=False))
