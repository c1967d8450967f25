"""What the best policy does over the years, and where its money comes from, in sentences made of the numbers alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thinmargin.names import quantity_name
from thinmargin_agents.phase_map.cells import MARKUPS
from thinmargin_agents.play.outcome import FIRST_YEAR
from thinmargin_agents.report.roles import Cast, Player
from thinmargin_agents.report.sections.gaps import gap
from thinmargin_agents.report.sections.waterfall import Waterfall, waterfall_between
from thinmargin_agents.report.sections.years import PANELS, middle_of
from thinmargin_agents.report.words import SPACE, capital, listed, money, number, of_worlds, signed

Numbers = npt.NDArray[np.float64]

THIN = 100.0 * MARKUPS["thin"][1]
"""Highest markup that counts as thin, %: as on the maps of when the thin margin wins."""
STEADY, LITTLE = 4.0, 0.25
"""Points within which a markup counts as steady, and the share of itself within which other levers do."""
RISEN = 0.25
"""Share of its last rise by which a markup is beyond its lowest when it counts as rising."""
SMALL = 0.05
"""Lines that change by less than this share of all changes are told together."""
MOSTLY = 0.5
"""Share of bankrupt worlds from which on the page warns of following a policy."""
LEVELS = {
    "tickets": (quantity_name("tickets"), "take", f"{SPACE}% of revenue"),
    "selling": (quantity_name("marketing"), "takes", f"{SPACE}% of revenue"),
    "updates": (quantity_name("updates"), "come at", " a month"),
}
"""Levers but the price: subject, verb where they are steady, unit."""
DRAWN = {panel.name: panel for panels in PANELS.values() for panel in panels}


class Phase(NamedTuple):
    """Years in a row with a thin markup, or without.

    First and last year, the year from which the numbers are, and of the markup, %, its mean, both ends, and whether it
    is steady.
    """

    thin: bool
    first: int
    last: int
    begins: int
    mean: float
    begun: float
    ended: float
    steady: bool


def answer(cast: Cast, seed: int) -> list[str]:
    """Sentences behind the first one of the page: what to do, why, and how sure that is.

    Args:
        cast: the policies.
        seed: of the bootstrap.
    """
    best = cast.best
    return [*_warning(best), *_does(best), *_earns(cast, seed), *_sure(cast, seed)]


def phases_of(markup: Numbers) -> list[Phase]:
    """Phases of a yearly markup, %, shape (years,), NaN where nobody is in business; a single odd year makes none.

    In the first year every firm is still on its way from where it began: it counts for a phase only if it is alone.
    """
    known = [(FIRST_YEAR + place, float(value)) for place, value in enumerate(markup) if np.isfinite(value)]
    if not known:
        return []
    kinds = [value <= THIN for _, value in known]
    for place in range(1, len(kinds) - 1):
        if kinds[place - 1] == kinds[place + 1]:
            kinds[place] = kinds[place - 1]
    starts = [place for place, kind in enumerate(kinds) if place == 0 or kind != kinds[place - 1]]
    found = []
    for start, stop in zip(starts, [*starts[1:], len(kinds)], strict=True):
        counted = known[start + 1 : stop] if start == 0 and stop > 1 else known[start:stop]
        values = [value for _, value in counted]
        begins, last, steady = counted[0][0], counted[-1][0], max(values) - min(values) <= STEADY
        mean = float(np.mean(values))
        found.append(Phase(kinds[start], known[start][0], last, begins, mean, values[0], values[-1], steady))
    return found


def _warning(best: Player) -> Iterator[str]:
    share = float(best.result.bankrupt.mean())
    if share >= MOSTLY:
        months = float(np.median(best.result.months[best.result.bankrupt]))
        yield (
            f"But it goes bankrupt in {of_worlds(share, len(best.result.keys), 1)}, in the median after"
            f" {number(months, 0)} months: it is the best of what was played, and nothing to follow. Until then this"
            " is what it does."
        )


def _does(best: Player) -> Iterator[str]:
    markup = _middle("markup", best)
    phases = phases_of(markup)
    if phases:
        yield f"In the median of the worlds {best.title} {_course(phases, markup)}."
        levers = ("tickets", "selling", "updates")
        yield f"{capital(listed([_level(name, best, phases[0].first, phases[-1].last) for name in levers]))}."


def _middle(name: str, player: Player) -> Numbers:
    return middle_of(DRAWN[name], player.result.tracks)[0]


def _course(phases: Sequence[Phase], markup: Numbers) -> str:
    """The course of the markup as one clause."""
    first, last = phases[0], phases[-1]
    kinds = tuple(phase.thin for phase in phases)
    if kinds == (False,):
        if first.steady:
            return f"keeps a markup of about {_percent(first.mean)} throughout"
        return f"never goes thin: its markup goes from {_percent(first.begun)} in {first.begins} to {_ends(last)}"
    if kinds == (True,) and first.steady:
        return f"sells thin throughout, at a markup of about {_percent(first.mean)}"
    if kinds in ((True,), (False, True), (True, False), (False, True, False)):
        return listed(list(_skims_thins_ripens(phases, markup)))
    begins = "starts thin" if first.thin else "skims"
    words = [f"{begins} until {first.last} at a markup of about {_percent(first.mean)}"]
    for phase in phases[1:]:
        verb = "goes thin" if phase.thin else "harvests" if phase is last else "sells dearer"
        words.append(f"{verb} from {phase.first} at about {_percent(phase.mean)}")
    return listed(words)


def _skims_thins_ripens(phases: Sequence[Phase], markup: Numbers) -> Iterator[str]:
    """What is dear before the margin is thin, thin, and from when the markup rises again, if it does."""
    first, last = phases[0], phases[-1]
    start = first.first if first.thin else phases[1].first
    values = markup[start - FIRST_YEAR : last.last + 1 - FIRST_YEAR]
    low, end = float(np.nanmin(values)), float(values[-1])
    ripens = None
    if end - low > STEADY:
        still_low = np.flatnonzero(values <= low + RISEN * (end - low))
        ripens = start + int(still_low[-1]) + 1
    thin = values if ripens is None else values[: ripens - start]
    if not first.thin:
        yield f"skims until {first.last} at a markup of about {_percent(first.mean)}"
        yield f"goes thin from {start} at about {_percent(float(np.nanmean(thin)))}"
    else:
        yield f"starts thin, at a markup of about {_percent(float(np.nanmean(thin)))}"
    if ripens is None:
        return
    still_thin = np.flatnonzero(values <= THIN)
    harvests = start + (int(still_thin[-1]) + 1 if len(still_thin) else 0)
    if end <= THIN:
        yield f"lets prices ripen from {ripens}, up to {_ends(last)}"
        return
    if harvests > ripens:
        yield f"lets prices ripen from {ripens}"
    begins = max(harvests, ripens)
    yield f"harvests from {begins}, up to {_ends(last)}" if begins < last.last else f"harvests at {_ends(last)}"


def _ends(phase: Phase) -> str:
    return f"{_percent(phase.ended)} in {phase.last}"


def _percent(value: float) -> str:
    return f"{number(value, 0)}{SPACE}%"


def _level(name: str, player: Player, first: int, last: int) -> str:
    """A lever in words: about so much, or from so much to so much, and by way of its highest or lowest in between."""
    subject, steady, unit = LEVELS[name]
    known = _middle(name, player)
    known = known[np.isfinite(known)]
    begun, ended = float(known[0]), float(known[-1])
    most = LITTLE * float(np.abs(known).max())
    if float(known.max() - known.min()) <= most:
        return f"{subject} {steady} about {number(float(known.mean()))}{unit}"
    short, s = unit.partition(" of ")[0], "s" if name == "selling" else ""
    start, end = f"from {number(begun)}{unit} in {first}", f"to {number(ended)}{short} in {last}"
    for place, ways in ((int(known.argmax()), ("rise", "fall")), (int(known.argmin()), ("fall", "rise"))):
        between = float(known[place])
        if min(abs(between - begun), abs(between - ended)) > most and 0 < place < len(known) - 1:
            by_way = f"to {number(between)}{short} in {first + place}"
            return f"{subject} {ways[0]}{s} {start} {by_way} and {ways[1]}{s} {end}"
    return f"{subject} {'rise' if ended > begun else 'fall'}{s} {start} {end}"


def _earns(cast: Cast, seed: int) -> Iterator[str]:
    best, anchor = cast.best, cast.anchor
    rival = cast.second if anchor is None or anchor is best else anchor
    if anchor is best:
        yield "It is itself the rule that the others are compared with."
    if rival is None:
        yield f"Its J of {money(best.mean)} is made of {_own_lines(best, seed)}."
        return
    fall = waterfall_between(rival, best, seed)
    side = "more" if fall.shown_change >= 0.0 else "less"
    yield f"Against {rival.title} it earns {money(abs(fall.shown_change))} {side}: {_lines(fall)}."


def _lines(fall: Waterfall) -> str:
    """The lines of the statement that make the difference, the largest first; they sum to it, as printed."""
    steps = sorted(fall.steps, key=lambda step: -step.shown_change)
    all_changes = sum(abs(step.shown_change) for step in steps)
    large = [step for step in steps if abs(step.shown_change) >= SMALL * all_changes and step.shown_change]
    words = [f"{step.what} {signed(step.shown_change)}" for step in large]
    rest = round(fall.shown_change - sum(step.shown_change for step in large), 1)
    if not words:
        return "no line differs much"
    return listed([*words, f"all other lines {signed(rest)}"] if len(large) < len(steps) else words)


def _own_lines(best: Player, seed: int) -> str:
    fall = waterfall_between(best, best, seed)
    return listed([f"{step.what} {number(step.shown_after)}" for step in fall.steps if step.shown_after])


def _sure(cast: Cast, seed: int) -> Iterator[str]:
    best, second, worlds = cast.best, cast.second, len(cast.best.result.keys)
    seeds = f", and {len(best.result.value)} training seeds of it" if len(best.result.value) > 1 else ""
    if second is None:
        yield f"That rests on {worlds} worlds{seeds}."
        return
    apart = gap(best.result.value, second.result.value, seed)
    told = "" if apart.is_nothing else f": it earns more than {second.title} in {of_worlds(apart.probability, worlds)}"
    yield f"How sure is that? It rests on {worlds} worlds, the same for every policy{seeds}{told}."
