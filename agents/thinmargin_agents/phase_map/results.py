"""Both maps and the hidden worlds together: the result of the command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from thinmargin.splits import KEYS
from thinmargin_agents.phase_map.boundary import difference_at
from thinmargin_agents.phase_map.cells import CALIBRATED, GRIDS, PROTOTYPE_SIGNS, Grid, PhaseMap, Place
from thinmargin_agents.phase_map.hidden import HiddenWorlds, cases, placed
from thinmargin_agents.phase_map.processes import solve_all
from thinmargin_agents.phase_map.search import Case, SearchBudget

ON_MAP = "services"
"""The map that hidden worlds are put on: they differ in services revenue, not in the owners' patience."""


@dataclass(frozen=True)
class PhaseMapRequest:
    """The maps to compute, worlds in every cell, hidden worlds to search, and the budget of every search."""

    grids: tuple[Grid, ...]
    n_worlds: int
    n_hidden: int
    budget: SearchBudget

    @property
    def searches(self) -> int:
        """Number of cases to solve."""
        return len(self.cell_cases()) + len(self.hidden_cases())

    def places(self) -> list[Place]:
        """Every place of the maps, those they share once."""
        return list(dict.fromkeys(place for grid in self.grids for place in grid.places()))

    def cell_cases(self) -> list[Case]:
        """A case a place."""
        keys = tuple(KEYS["validation"][: self.n_worlds])
        return [Case(keys, parameters=place.parameters()) for place in self.places()]

    def hidden_cases(self) -> list[Case]:
        """The hidden worlds to search; none without the map they are put on."""
        return cases(self.n_hidden) if any(grid.name == ON_MAP for grid in self.grids) else []


@dataclass(frozen=True, eq=False)
class PhaseMapResult:
    """The results.

    Attributes:
        request: what was asked for.
        maps: in the order of the grids.
        hidden: None without the map they are put on.
    """

    request: PhaseMapRequest
    maps: tuple[PhaseMap, ...]
    hidden: HiddenWorlds | None


def find(request: PhaseMapRequest, processes: int = 1, progress: Callable[[], None] | None = None) -> PhaseMapResult:
    """Every cell and hidden world of the request; `processes` and `progress` as of `solve_all`."""
    places = request.places()
    found = solve_all([*request.cell_cases(), *request.hidden_cases()], request.budget, processes, progress)
    by_place = dict(zip(places, found[: len(places)], strict=True))
    maps = tuple(PhaseMap(grid, tuple(by_place[place] for place in grid.places())) for grid in request.grids)
    on_map = next((each for each in maps if each.grid.name == ON_MAP), None)
    return PhaseMapResult(request, maps, None if on_map is None else placed(on_map, found[len(places) :]))


def calibrated_difference(phase_map: PhaseMap) -> float:
    """Thin less premium of the calibrated firm, RMB bn, read off the map."""
    return float(difference_at(phase_map, CALIBRATED.price_slope, phase_map.grid.calibrated_row))


def signs(phase_map: PhaseMap) -> tuple[str, ...]:
    """A row of the map a text: + where thin beats premium, - where it does not."""
    return tuple("".join("+" if gap >= 0.0 else "-" for gap in row) for row in phase_map.differences)


def prototype_changes(phase_map: PhaseMap) -> list[tuple[int, int]] | None:
    """Row and column of the cells whose sign is not the prototype's; None on a map it did not have."""
    if phase_map.grid != GRIDS[ON_MAP]:
        return None
    return [
        (row, column)
        for row, (found, before) in enumerate(zip(signs(phase_map), PROTOTYPE_SIGNS, strict=True))
        for column in range(len(found))
        if found[column] != before[column]
    ]
