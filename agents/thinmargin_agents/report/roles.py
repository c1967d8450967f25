"""The policies of the page: names, labels, one colour a policy through the whole page, which ones are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from thinmargin.baselines import BASELINES
from thinmargin.names import policy_name
from thinmargin.palette import Dashes, Look, looks_of
from thinmargin_agents.report.style import LINE_WIDTH
from thinmargin_agents.report.words import capital, short_name
from thinmargin_agents.scoring.comparison import REFERENCE, Result
from thinmargin_agents.scoring.score import FORESIGHT, TUNED

Numbers = npt.NDArray[np.float64]

PLANS = ("plan", "plan_with_feedback")
MOST_CHOSEN, MOST_NAMED = 6, 10
"""Policies in pictures over the years: where nobody named any, and where somebody did."""


@dataclass(frozen=True, eq=False)
class Player:
    """One policy of the page.

    Attributes:
        name: its id: as it is named on the command line.
        title: its name for people; the id where another has the same.
        label: the same as it fits into pictures, unlike that of any other.
        look: its colour and dashes, the same in every picture.
        result: in the worlds of the evaluation.
        summary: its part of the JSON document.
    """

    name: str
    title: str
    label: str
    look: Look
    result: Result
    summary: Mapping[str, Any]

    @property
    def at_start(self) -> str:
        """Its title at the start of a sentence: an id stays as it is."""
        return self.title if self.title == self.name else capital(self.title)

    @property
    def color(self) -> str:
        """Its colour on white, as #rrggbb."""
        return self.look.color

    @property
    def dashes(self) -> Dashes:
        """Lengths of dashes and gaps of its lines, none for a solid one."""
        return self.look.dashes

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
        champion: the policy that is compared with the anchor: the best that was asked for by name, else the best of
            all, that neither knows the future nor is the anchor; or None.
        chosen: those of pictures over the years.
        left_out: those that somebody named for these pictures and that there is no room for.
    """

    players: tuple[Player, ...]
    best: Player
    learned: Player | None
    anchor: Player | None
    champion: Player | None
    chosen: tuple[Player, ...]
    left_out: tuple[Player, ...] = ()

    @property
    def second(self) -> Player | None:
        """The next best after `best` that does not know the future, or None."""
        return next((player for player in self.players if player is not self.best and not player.knows_future), None)

    @property
    def counts(self) -> str:
        """In words, what is counted where a policy was trained more than once; empty where none was."""
        several = any(len(player.result.value) > 1 for player in self.players)
        return "Of a policy with several training seeds every world counts once for each of them." if several else ""

    def named(self, name: str) -> Player | None:
        """The player with this name, or None."""
        return next((player for player in self.players if player.name == name), None)


def cast_of(report: Mapping[str, Any], results: Sequence[Result], named: Sequence[str] = ()) -> Cast:
    """The policies of the page, from the JSON document and the results it was made of.

    Args:
        report: the document.
        results: one a policy, whatever the number of its training seeds.
        named: the policies that somebody asked for by name; all of them are among the chosen, while there is room.

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
    wanted = [name for name in fair if name in named and name != anchor]
    champion = next((name for name in (*wanted, *fair) if name != anchor), None)
    best = (fair or names)[0]
    chosen = _chosen(names, [name for name in named if name in names], learned or best, best)
    summaries, looks, titles = report.get("policies") or {}, looks_of(names), [policy_name(name) for name in names]
    players: dict[str, Player] = {}
    for result in ranked:
        words = policy_name(result.name)
        title = words if titles.count(words) == 1 else result.name
        label = short_name(words, [player.label for player in players.values()])
        summary = summaries.get(result.name) or {}
        players[result.name] = Player(result.name, title, label, looks[result.name], result, summary)
    return Cast(
        tuple(players.values()),
        players[best],
        players[learned] if learned else None,
        players[anchor] if anchor else None,
        players[champion] if champion else None,
        tuple(players[name] for name in chosen),
        tuple(players[name] for name in dict.fromkeys(named) if name in players and name not in chosen),
    )


def _chosen(names: Sequence[str], named: Sequence[str], first: str, best: str) -> list[str]:
    """Policies of pictures over the years: the named ones with the best and the anchor, else those most asked for.

    Where others were played besides that nobody named and that are not always played, both: the named ones first.
    """
    asked = [name for name in dict.fromkeys((*named, best, TUNED)) if name in names][:MOST_NAMED] if named else []
    if asked and {*names} <= {*asked, *named, TUNED, REFERENCE, FORESIGHT}:
        return asked
    own = [name for name in names if name not in BASELINES and name != FORESIGHT]
    wanted = (first, best, *own[:2], TUNED, *PLANS, FORESIGHT, REFERENCE)
    found = [name for name in dict.fromkeys((*asked, *wanted)) if name in names]
    return found[: max(MOST_CHOSEN, len(asked))]
