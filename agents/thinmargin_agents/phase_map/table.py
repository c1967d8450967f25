"""The maps as text, as Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from textwrap import fill
from typing import Any

import numpy as np

from thinmargin.records import markdown_table
from thinmargin_agents.cli.versions import versions
from thinmargin_agents.phase_map.boundary import at_boundary, ties
from thinmargin_agents.phase_map.cells import CALIBRATED, MARKUPS, PROTOTYPE_SIGNS, MapCell, PhaseMap, Range
from thinmargin_agents.phase_map.hidden import DRAWN, FAMILY, HiddenWorlds
from thinmargin_agents.phase_map.results import PhaseMapResult, calibrated_difference, prototype_changes, signs

HORIZON = 180
"""Months of an episode, the environment's own."""
WIDTH = 100
"""Characters of a line of text."""


def cell_words(cell: MapCell) -> str:
    """The best markup, and thin less premium."""
    return f"{markup_words(cell)} ({cell.difference:+.0f})"


def markup_words(cell: MapCell) -> str:
    """The best markup in whole percent."""
    return f"{round(100.0 * cell.best.markup)} %"


def head(phase_map: PhaseMap) -> list[str]:
    """Heads of the columns."""
    return [phase_map.grid.meaning, *(f"slope {slope:g}" for slope in phase_map.grid.slopes), "tie at slope"]


def rows(phase_map: PhaseMap) -> list[list[str]]:
    """A row a value of the grid: the cells, and the price slope at which thin and premium tie."""
    count = len(phase_map.grid.slopes)
    found = []
    for number, (row, slope) in enumerate(zip(phase_map.grid.rows, ties(phase_map), strict=True)):
        cells = phase_map.cells[number * count : (number + 1) * count]
        found.append([phase_map.grid.label(row), *map(cell_words, cells), tie_words(phase_map, number, slope)])
    return found


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
        f" {_worlds(request.n_worlds)}, {HORIZON} months; the last column is the price slope above which thin wins."
    )


def _between(name: Range) -> str:
    return " to ".join(f"{100.0 * end:.0f}" for end in MARKUPS[name])


def _worlds(count: int) -> str:
    return "world" if count == 1 else "worlds"


def sentences(result: PhaseMapResult) -> list[str]:
    """The findings, one sentence each."""
    found = [calibrated_words(result.maps[0])]
    if result.hidden is not None:
        found += hidden_sentences(result.hidden, result.request.budget.seed)
    for each in result.maps:
        changes = prototype_changes(each)
        if changes is not None:
            found.append(prototype_words(each, changes))
    return found


def calibrated_words(phase_map: PhaseMap) -> str:
    """Where the calibrated firm lies; it is on every map, in the row they share."""
    gap = calibrated_difference(phase_map)
    return (
        f"The calibrated firm (price slope {CALIBRATED.price_slope:.2f}, services 1x, owners who discount at"
        f" {100.0 * CALIBRATED.discount_rate:g} % a year) lies on the {'thin' if gap >= 0.0 else 'premium'} side:"
        f" between the cells, thin earns RMB {abs(gap):.0f} bn {'more' if gap >= 0.0 else 'less'} than premium."
    )


def hidden_sentences(worlds: HiddenWorlds, seed: int) -> list[str]:
    """The share of plausible worlds in which thin wins: by search in some of them, and by the map alone."""
    found = []
    count = len(worlds.searched)
    if count:
        low, high = worlds.share_of_thin(seed)
        best = ", ".join(f"{name} in {100.0 * share:.0f} %" for name, share in shares_of_best(worlds).items())
        found.append(
            f"In {100.0 * worlds.thin_wins.mean():.0f} % [{100.0 * low:.0f}, {100.0 * high:.0f}] of the plausible"
            f" worlds a thin constant margin beats a premium one: {count} hidden validation {_worlds(count)} of the"
            f" benchmark, searched one by one, 95 % interval. The best constant markup of all is {best}."
        )
    alone = (
        f"By price slope and services alone it would be {100.0 * worlds.thin_side.mean():.0f} %: that share of"
        f" {DRAWN:,} hidden validation worlds lies on the thin side of the services map"
        f" ({100.0 * worlds.outside:.0f} % lie beyond an edge of it and count as on it)."
    )
    if count:
        alone += (
            f" The map puts {100.0 * worlds.right:.0f} % of the searched worlds on their right side: what else differs"
            " between worlds counts too."
        )
    return [*found, alone]


def shares_of_best(worlds: HiddenWorlds) -> dict[Range, float]:
    """Share of the searched worlds whose best constant markup lies in each range."""
    return {name: float(np.mean([getattr(cell, name) is cell.best for cell in worlds.searched])) for name in MARKUPS}


def prototype_words(phase_map: PhaseMap, changes: Sequence[tuple[int, int]]) -> str:
    """Number of signs that agree with the first prototype, and an explanation of the others."""
    count = len(phase_map.cells)
    words = f"Signs of the first prototype's map: {count - len(changes)} of {count} cells agree."
    for row, column in changes:
        words += (
            f" {phase_map.grid.label(phase_map.grid.rows[row])} at slope {phase_map.grid.slopes[column]:g}:"
            f" {phase_map.differences[row, column]:+.0f}, was {PROTOTYPE_SIGNS[row][column]};"
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
    blocks = ["When does the thin margin win?", fill(explained(result), WIDTH)]
    blocks += [f"{each.grid.name}:\n\n{_aligned(head(each), rows(each))}" for each in result.maps]
    return "\n\n".join([*blocks, *(fill(sentence, WIDTH) for sentence in sentences(result))])


def _aligned(titles: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Columns under each other, to the right."""
    widths = [max(len(row[k]) for row in (titles, *lines)) for k in range(len(titles))]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in (titles, ["-" * width for width in widths], *lines)
    )


def markdown(result: PhaseMapResult, command: str) -> str:
    """The result for a page, under the command that makes it."""
    tables = [markdown_table(head(each), rows(each)) for each in result.maps]
    found = "\n".join(f"- {sentence}" for sentence in sentences(result))
    return "\n\n".join([f"`{command}`", explained(result), *tables, found])


def document(result: PhaseMapResult, command: str) -> dict[str, Any]:
    """The result as plain JSON; money is RMB bn, shares are shares of one."""
    request = result.request
    return {
        "command": command,
        "versions": versions(),
        "worlds": "calibrated",
        "split": "validation",
        "n_worlds": request.n_worlds,
        "horizon": HORIZON,
        "generations": request.budget.generations,
        "seed": request.budget.seed,
        "markups": {name: list(ends) for name, ends in MARKUPS.items()},
        "calibrated": {"price_slope": CALIBRATED.price_slope, "discount_rate": CALIBRATED.discount_rate},
        "maps": {each.grid.name: _map(each) for each in result.maps},
        "hidden": None if result.hidden is None else _hidden(result.hidden, request.budget.seed),
    }


def _map(phase_map: PhaseMap) -> dict[str, Any]:
    grid = phase_map.grid
    count = len(grid.slopes)
    cells = [
        {
            "price_slope": place.price_slope,
            "services": place.services,
            "discount_rate": place.discount_rate,
            "best_markup": cell.best.markup,
            "difference": cell.difference,
            **asdict(cell),
        }
        for place, cell in zip(grid.places(), phase_map.cells, strict=True)
    ]
    changes = prototype_changes(phase_map)
    return {
        "rows_are": grid.varies,
        "rows": list(grid.rows),
        "price_slopes": list(grid.slopes),
        "cells": [cells[first : first + count] for first in range(0, len(cells), count)],
        "ties": [
            {grid.varies: row, "price_slope": slope, "wins_at_highest_slope": side(phase_map, number)}
            for number, (row, slope) in enumerate(zip(grid.rows, ties(phase_map), strict=True))
        ],
        "calibrated_difference": calibrated_difference(phase_map),
        "signs": list(signs(phase_map)),
        "prototype": None
        if changes is None
        else {
            "signs": list(PROTOTYPE_SIGNS),
            "agree": len(cells) - len(changes),
            "of": len(cells),
            "changed": [
                {
                    grid.varies: grid.rows[row],
                    "price_slope": grid.slopes[column],
                    "difference": float(phase_map.differences[row, column]),
                    "at_boundary": at_boundary(phase_map.differences, row, column),
                }
                for row, column in changes
            ],
        },
    }


def _hidden(worlds: HiddenWorlds, seed: int) -> dict[str, Any]:
    searched = len(worlds.searched)
    return {
        "worlds": FAMILY,
        "drawn": DRAWN,
        "thin_side": float(worlds.thin_side.mean()),
        "outside": worlds.outside,
        "searched": searched,
        "thin_wins": float(worlds.thin_wins.mean()) if searched else None,
        "thin_wins_ci95": list(worlds.share_of_thin(seed)) if searched else None,
        "map_is_right": worlds.right if searched else None,
        "best": shares_of_best(worlds) if searched else None,
        "differences": [cell.difference for cell in worlds.searched],
        "price_slope": worlds.slopes.tolist(),
        "services": worlds.services.tolist(),
    }
