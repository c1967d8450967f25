"""Small maps and budgets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from thinmargin.records import LEVERS
from thinmargin_agents.phase_map.cells import GRIDS, BestLevers, Grid, MapCell, PhaseMap
from thinmargin_agents.phase_map.search import SearchBudget

SMALL = replace(GRIDS["services"], rows=(0.25, 2.0), slopes=(2.0, 5.0))
FEW = SearchBudget(generations=4)
QUICK = ["--generations", "1", "--n-worlds", "1", "--n-hidden", "2", "--processes", "1"]


def hand_made(grid: Grid, differences: Any) -> PhaseMap:
    """A map with these differences; the middle range is the worst everywhere."""

    def cell(gap: float) -> MapCell:
        levers = {lever.name: 0.1 for lever in LEVERS}
        thin, premium = (BestLevers({**levers, "price": markup}, 0.0, 0.0, 0.0) for markup in (0.01, 0.4))
        return MapCell(
            replace(thin, value=100.0 + gap), BestLevers(levers, -100.0, 0.0, 0.0), replace(premium, value=100.0)
        )

    return PhaseMap(grid, tuple(map(cell, np.ravel(differences).tolist())))
