"""Small maps and budgets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from thinmargin.records import LEVERS
from thinmargin_agents.phase_map.assumptions import AS_CALIBRATED
from thinmargin_agents.phase_map.cells import GRIDS, BestLevers, Grid, MapCell, PhaseMap
from thinmargin_agents.phase_map.results import OTHERS, Judgement, PhaseMapRequest, PhaseMapResult
from thinmargin_agents.phase_map.search import SearchBudget
from thinmargin_agents.phase_map.shipped import Played
from thinmargin_agents.scoring.closing_rules import CLOSING_RULES

SMALL = replace(GRIDS["services"], rows=(0.25, 2.0), slopes=(2.0, 5.0))
FEW = SearchBudget(generations=4)
QUICK = ["--generations", "1", "--n-worlds", "1", "--n-hidden", "2", "--processes", "1"]
HAND_CODED = ("low_margin_tuned", "premium", "myopic")
"""What is played instead of the agents that ship."""


def hand_made_result(differences: Any, *, others: Any = None, **parts: Any) -> PhaseMapResult:
    """A result with these differences on a small services map; under the other rules too, or with others there."""
    phase_map = hand_made(SMALL, differences)
    other = phase_map if others is None else hand_made(SMALL, others)
    fields = {"hidden": None, **parts}
    return PhaseMapResult(
        PhaseMapRequest((SMALL,), 1, 0, FEW), (phase_map,), {rule.name: (other,) for rule in OTHERS}, **fields
    )


def hand_judged(*missing: dict[str, str]) -> PhaseMapResult:
    """A result with an assumption for each of these: policies that could not be played there, and why."""
    cells = dict.fromkeys(CLOSING_RULES, hand_made(SMALL, [[1.0, 1.0], [1.0, 1.0]]).cells)
    names = (AS_CALIBRATED, "no reaction")
    judged = [Judgement(name, cells, Played({}, each)) for name, each in zip(names, missing, strict=True)]
    return hand_made_result([[-1.0, 1.0], [2.0, 3.0]], judgements=tuple(judged))


def hand_made(grid: Grid, differences: Any) -> PhaseMap:
    """A map with these differences; the middle range is the worst everywhere."""

    def cell(gap: float) -> MapCell:
        levers = {lever.name: 0.1 for lever in LEVERS}
        thin, premium = (BestLevers({**levers, "price": markup}, 0.0, 0.0, 0.0) for markup in (0.01, 0.4))
        return MapCell(
            replace(thin, value=100.0 + gap, closing=50.0),
            replace(premium, value=100.0, closing=20.0),
            BestLevers(levers, -100.0, 0.0, 0.0),
        )

    return PhaseMap(grid, tuple(map(cell, np.ravel(differences).tolist())))
