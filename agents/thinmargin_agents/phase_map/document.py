"""The result as plain JSON: money is RMB bn, shares are shares of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from thinmargin_agents.cli.versions import versions
from thinmargin_agents.phase_map.assumptions import ASSUMPTIONS
from thinmargin_agents.phase_map.boundary import at_boundary, ties
from thinmargin_agents.phase_map.cells import CALIBRATED, MARKUPS, PROTOTYPE_SIGNS, MapCell, PhaseMap
from thinmargin_agents.phase_map.hidden import DRAWN, FAMILY, HiddenWorlds, share_of, thin_ahead
from thinmargin_agents.phase_map.results import (
    SCORED_RULE,
    Judgement,
    PhaseMapResult,
    calibrated_difference,
    prototype_changes,
    signs,
)
from thinmargin_agents.phase_map.shipped import PREMIUM, THIN
from thinmargin_agents.phase_map.table import HORIZON, shares_of_best, side
from thinmargin_agents.scoring.closing_rules import CLOSING_RULES


def document(result: PhaseMapResult, command: str) -> dict[str, Any]:
    """All that was found."""
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
        "closing": {"scored": SCORED_RULE.name, "rules": {name: rule.meaning for name, rule in CLOSING_RULES.items()}},
        "maps": {each.grid.name: _map(each) for each in result.maps},
        "maps_under": {rule: {each.grid.name: _map(each) for each in maps} for rule, maps in result.others.items()},
        "hidden": None if result.hidden is None else _hidden(result.hidden),
        "judgements": {judgement.assumption: _judgement(judgement) for judgement in result.judgements},
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
            **{name: best for name, best in asdict(cell).items() if best is not None},
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


def _hidden(worlds: HiddenWorlds) -> dict[str, Any]:
    searched = len(worlds.searched)
    return {
        "worlds": FAMILY,
        "drawn": DRAWN,
        "thin_side": float(worlds.thin_side.mean()),
        "outside": worlds.outside,
        "searched": searched,
        "under": _under(worlds.by_rule),
        "map_is_right": worlds.right if searched else None,
        "best": shares_of_best(worlds) if searched else None,
        "price_slope": worlds.slopes.tolist(),
        "services": worlds.services.tolist(),
    }


def _under(by_rule: Mapping[str, tuple[MapCell, ...]]) -> dict[str, Any]:
    """By closing rule: the share of worlds in which thin is ahead, and thin less premium in each of them."""
    return {
        rule: {
            "thin_ahead": share_of(thin_ahead(cells)).share if cells else None,
            "thin_ahead_ci95": list(share_of(thin_ahead(cells)).interval) if cells else None,
            "differences": [cell.difference for cell in cells],
        }
        for rule, cells in by_rule.items()
    }


def _judgement(judgement: Judgement) -> dict[str, Any]:
    value = judgement.played.value
    compared = THIN in value and PREMIUM in value
    return {
        "meaning": ASSUMPTIONS[judgement.assumption].meaning,
        "best_levers": _under(judgement.by_rule),
        "shipped": {
            "J_mean": {
                name: {rule: float(numbers.mean()) for rule, numbers in by_rule.items()}
                for name, by_rule in value.items()
            },
            "thin_ahead": {rule: share_of(judgement.played.thin_ahead(rule))._asdict() for rule in CLOSING_RULES}
            if compared
            else None,
            "missing": judgement.played.missing,
        },
    }
