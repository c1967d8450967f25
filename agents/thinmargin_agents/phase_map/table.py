"""The maps as text and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill

import numpy as np

from thinmargin.records import markdown_table
from thinmargin_agents.phase_map.answer import answers
from thinmargin_agents.phase_map.boundary import at_boundary, ties
from thinmargin_agents.phase_map.cells import MARKUPS, PROTOTYPE_SIGNS, MapCell, PhaseMap, Range, gain_words
from thinmargin_agents.phase_map.hidden import DRAWN, HiddenWorlds
from thinmargin_agents.phase_map.judgements import judgement_tables, judgement_words
from thinmargin_agents.phase_map.results import OTHERS, SCORED_RULE, PhaseMapResult, prototype_changes

HORIZON = 180
"""Months of an episode, the environment's own."""
MAPS, ANSWER, JUDGEMENTS = PLACES = ("phase map", "answer", "judgements")
"""Names of the places on a Markdown page; it must have the first."""
WIDTH = 100
"""Characters of a line of text."""


def cell_words(cell: MapCell) -> str:
    """The best markup, and thin less premium."""
    return f"{markup_words(cell)} ({gain_words(cell.difference)})"


def markup_words(cell: MapCell) -> str:
    """The best markup in whole percent."""
    return f"{round(100.0 * cell.best.markup)} %"


def head(phase_map: PhaseMap) -> list[str]:
    """Heads of the columns."""
    slopes = [f"slope {slope:g}" for slope in phase_map.grid.slopes]
    return [phase_map.grid.meaning, *slopes, "tie at slope", *(f"{rule.head.split()[0]} tie" for rule in OTHERS)]


def rows(result: PhaseMapResult, number: int) -> list[list[str]]:
    """A row a value of a map's grid, that where thin gains most first: the cells, and the price slope of the tie.

    The slope is that at which thin and premium tie under each rule.
    """
    phase_map = result.maps[number]
    tied = [phase_map, *(result.others[rule.name][number] for rule in OTHERS)]
    slopes = [ties(each) for each in tied]
    count = len(phase_map.grid.slopes)
    return [
        [
            phase_map.grid.label(phase_map.grid.rows[row]),
            *map(cell_words, phase_map.cells[row * count : (row + 1) * count]),
            *(tie_words(each, row, found[row]) for each, found in zip(tied, slopes, strict=True)),
        ]
        for row in phase_map.grid.from_top
    ]


def tie_words(phase_map: PhaseMap, row: int, slope: float | None) -> str:
    """Where a row ties, or who wins all of it up to its highest slope."""
    return f"{slope:.2f}" if slope is not None else f"{side(phase_map, row)} wins"


def side(phase_map: PhaseMap, row: int) -> Range:
    """The winner at the highest price slope of a row."""
    return "thin" if phase_map.differences[row, -1] >= 0.0 else "premium"


def explained(result: PhaseMapResult) -> str:
    """Explanation of the numbers of a map."""
    request = result.request
    return (
        "Best constant markup, and in brackets J of the best thin levers"
        f" ({_between('thin')} % markup) less that of the best premium ones ({_between('premium')} %), RMB bn: above"
        " zero thin wins. Every cell has its own best tickets, selling spend and releases."
        f" Worlds like the calibrated one but for row and column, {request.n_worlds} validation"
        f" {_worlds(request.n_worlds)}, {HORIZON} months. The last columns are the price slopes above which thin wins:"
        f" under the closing rule that is scored, {SCORED_RULE.head}, as the cells are, and under"
        f" {' and '.join(rule.head for rule in OTHERS)}, where each side's levers are searched for that rule."
        f" Levers are searched for mean J over {request.n_worlds} {_worlds(request.n_worlds)}, or J in one world: ruin"
        " costs what it costs there, and is not held against a rule besides, as it is where rules that ship are tuned,"
        " because a share of ruined worlds means little of so few."
    )


def _between(name: Range) -> str:
    return " to ".join(f"{100.0 * end:.0f}" for end in MARKUPS[name])


def _worlds(count: int) -> str:
    return "world" if count == 1 else "worlds"


def sentences(result: PhaseMapResult) -> list[str]:
    """The findings on the maps, one sentence each."""
    found = []
    if result.hidden is not None:
        found += hidden_sentences(result.hidden)
    for each in result.maps:
        changes = prototype_changes(each)
        if changes is not None:
            found.append(prototype_words(each, changes))
    return found


def hidden_sentences(worlds: HiddenWorlds) -> list[str]:
    """Which constant markup is best in the searched worlds, and what the map alone would say of them."""
    found = []
    count = len(worlds.searched)
    if count:
        best = ", ".join(f"{name} in {100.0 * share:.0f} %" for name, share in shares_of_best(worlds).items())
        found.append(
            f"The best constant markup of all is {best} of the {count} hidden {_worlds(count)} that were searched one"
            f" by one ({SCORED_RULE.head})."
        )
    alone = (
        f"By price slope and services alone, thin is ahead in {100.0 * worlds.thin_side.mean():.0f} % of the plausible"
        f" worlds: that share of {DRAWN:,} hidden validation worlds lies on the thin side of the services map"
        f" ({100.0 * worlds.outside:.0f} % lie beyond an edge of it and count as on it)."
    )
    if count:
        alone += (
            f" The map puts {100.0 * worlds.right:.0f} % of the searched worlds on their right side; who always names"
            f" the side that is ahead in most of them is right in {100.0 * worlds.guessed:.0f} %. What else differs"
            " between worlds counts."
        )
    return [*found, alone]


def shares_of_best(worlds: HiddenWorlds) -> dict[Range, float]:
    """Share of the searched worlds whose best constant markup lies in each range."""
    return {name: float(np.mean([getattr(cell, name) is cell.best for cell in worlds.searched])) for name in MARKUPS}


def prototype_words(phase_map: PhaseMap, changes: Sequence[tuple[int, int]]) -> str:
    """Number of signs that agree with the first prototype, and an explanation of the others."""
    count = len(phase_map.cells)
    words = (
        "A prototype of this model, written before it with round constants, had a map of the same cells: which side is"
        f" ahead agrees in {count - len(changes)} of {count}."
    )
    for row, column in changes:
        words += (
            f" {phase_map.grid.label(phase_map.grid.rows[row])} at slope {phase_map.grid.slopes[column]:g}:"
            f" {gain_words(phase_map.differences[row, column])}, was {PROTOTYPE_SIGNS[row][column]};"
            f" {why(phase_map, row, column)}."
        )
    return words


def why(phase_map: PhaseMap, row: int, column: int) -> str:
    """The meaning of a changed sign: little beside the boundary, much elsewhere."""
    if at_boundary(phase_map.differences, row, column):
        return "the boundary passes beside this cell"
    return "the boundary does not pass here: the finding has changed"


def text(result: PhaseMapResult) -> str:
    """The whole result for a terminal."""
    blocks = ["When does the thin margin win?", *(fill(answer.replace("**", ""), WIDTH) for answer in answers(result))]
    blocks.append(fill(explained(result), WIDTH))
    for number, each in enumerate(result.maps):
        blocks.append(f"{each.grid.name}:\n\n{_aligned(head(each), rows(result, number))}")
    blocks += [fill(sentence, WIDTH) for sentence in sentences(result)]
    if result.judgements:
        tables = [_aligned(*table) for table in judgement_tables(result)]
        blocks += ["judgements:", *tables, *(fill(words, WIDTH) for words in judgement_words(result))]
    return "\n\n".join(blocks)


def _aligned(titles: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Columns under each other, to the right."""
    widths = [max(len(row[k]) for row in (titles, *lines)) for k in range(len(titles))]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in (titles, ["-" * width for width in widths], *lines)
    )


def markdown(result: PhaseMapResult, command: str) -> dict[str, str]:
    """The result for a page, by name of the place: the maps, and with hidden worlds the answer and the judgements."""
    tables = [markdown_table(head(each), rows(result, number)) for number, each in enumerate(result.maps)]
    places = {MAPS: "\n\n".join([f"`{command}`", explained(result), *tables, _bullets(sentences(result))])}
    if result.hidden is not None and result.hidden.searched:
        places[ANSWER] = _bullets(answers(result))
    if result.judgements:
        judged = [markdown_table(*table) for table in judgement_tables(result)]
        places[JUDGEMENTS] = "\n\n".join([f"`{command}`", *judged, _bullets(judgement_words(result))])
    return places


def _bullets(words: Sequence[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in words)
