"""Both maps, the hidden worlds and the judgements together: the result of the command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from thinmargin.settings import SCORED
from thinmargin.splits import KEYS
from thinmargin_agents.cli.processes import run_all
from thinmargin_agents.phase_map.assumptions import AS_CALIBRATED, ASSUMPTIONS
from thinmargin_agents.phase_map.boundary import difference_at
from thinmargin_agents.phase_map.cells import (
    CALIBRATED,
    GRIDS,
    MARKUPS,
    PROTOTYPE_SIGNS,
    SIDES,
    Grid,
    MapCell,
    PhaseMap,
    Place,
    Range,
)
from thinmargin_agents.phase_map.hidden import FAMILY, HiddenWorlds, cases, placed
from thinmargin_agents.phase_map.search import Case, SearchBudget, solve
from thinmargin_agents.phase_map.shipped import Played, play_shipped
from thinmargin_agents.scoring.closing_rules import CLOSING_RULES, ClosingRule, rule_of

ON_MAP = "services"
"""The map that hidden worlds are put on: they differ in services revenue, not in the owners' patience."""
SCORED_RULE = rule_of(SCORED)
OTHERS = tuple(rule for rule in CLOSING_RULES.values() if rule != SCORED_RULE)
"""Closing rules that are not scored."""


@dataclass(frozen=True)
class PhaseMapRequest:
    """The maps to compute, worlds in every cell, hidden worlds to search, and the budget of every search.

    Everything is searched under every closing rule, and the hidden worlds under the assumptions too if `judge` is True.
    """

    grids: tuple[Grid, ...]
    n_worlds: int
    n_hidden: int
    budget: SearchBudget
    judge: bool = False

    @property
    def tasks(self) -> int:
        """Number of pieces of work."""
        cells, hidden = len(self.cell_cases(SCORED_RULE)), len(self.hidden_cases(SCORED_RULE))
        judged = len(ASSUMPTIONS) + (len(ASSUMPTIONS) - 1) * hidden * len(CLOSING_RULES)
        return (cells + hidden) * len(CLOSING_RULES) + (judged if self.judges else 0)

    @property
    def judges(self) -> bool:
        """Whether assumptions are tried: there must be hidden worlds to try them in."""
        return self.judge and bool(self.hidden_cases(SCORED_RULE))

    def places(self) -> list[Place]:
        """Every place of the maps, those they share once."""
        return list(dict.fromkeys(place for grid in self.grids for place in grid.places()))

    def cell_cases(self, rule: ClosingRule) -> list[Case]:
        """A case a place; the middle range is searched under the scored rule only."""
        keys = tuple(KEYS["validation"][: self.n_worlds])
        return [
            Case(keys, parameters=place.parameters(), closing=rule.closing, ranges=_ranges(rule))
            for place in self.places()
        ]

    def hidden_cases(self, rule: ClosingRule) -> list[Case]:
        """The hidden worlds to search, likewise; none without the map they are put on."""
        if all(grid.name != ON_MAP for grid in self.grids):
            return []
        return cases(self.n_hidden, closing=rule.closing, ranges=_ranges(rule))


def _ranges(rule: ClosingRule) -> tuple[Range, ...]:
    return tuple(MARKUPS) if rule == SCORED_RULE else SIDES


@dataclass(frozen=True, eq=False)
class Judgement:
    """What an assumption makes of the question.

    Attributes:
        assumption: name of one of ASSUMPTIONS.
        by_rule: by closing rule, the best constant levers in each of the hidden worlds, for that rule.
        played: what shipped policies earn in the same worlds.
    """

    assumption: str
    by_rule: Mapping[str, tuple[MapCell, ...]]
    played: Played


@dataclass(frozen=True, eq=False)
class PhaseMapResult:
    """The results.

    Attributes:
        request: what was asked for.
        maps: in the order of the grids, under the scored rule.
        others: the same by the name of every other closing rule; their cells have no middle range.
        hidden: None without the map they are put on.
        judgements: the calibration first; none unless asked for.
    """

    request: PhaseMapRequest
    maps: tuple[PhaseMap, ...]
    others: Mapping[str, tuple[PhaseMap, ...]]
    hidden: HiddenWorlds | None
    judgements: tuple[Judgement, ...] = ()


def find(request: PhaseMapRequest, processes: int = 1, progress: Callable[[], None] | None = None) -> PhaseMapResult:
    """Everything that was asked for; `processes` and `progress` as of `run_all`."""
    work = [
        case for rule in CLOSING_RULES.values() for case in (*request.cell_cases(rule), *request.hidden_cases(rule))
    ]
    solved = iter(run_all([partial(solve, case, request.budget) for case in work], processes, progress))
    maps: dict[str, tuple[PhaseMap, ...]] = {}
    hidden: dict[str, tuple[MapCell, ...]] = {}
    for name, rule in CLOSING_RULES.items():
        by_place = {place: next(solved) for place in request.places()}
        maps[name] = tuple(PhaseMap(grid, tuple(by_place[place] for place in grid.places())) for grid in request.grids)
        hidden[name] = tuple(next(solved) for _ in request.hidden_cases(rule))
    scored = maps.pop(SCORED_RULE.name)
    on_map = next((each for each in scored if each.grid.name == ON_MAP), None)
    return PhaseMapResult(
        request,
        scored,
        maps,
        None if on_map is None else placed(on_map, hidden),
        tuple(_judged(request, hidden, processes, progress)) if request.judges else (),
    )


def _judged(
    request: PhaseMapRequest,
    hidden: Mapping[str, tuple[MapCell, ...]],
    processes: int,
    progress: Callable[[], None] | None,
) -> list[Judgement]:
    """Every assumption: searches that begin at the best levers of the same world as it is calibrated."""
    keys = tuple(case.keys[0] for case in request.hidden_cases(SCORED_RULE))
    names = [name for name in ASSUMPTIONS if name != AS_CALIBRATED]
    work = [
        partial(solve, replace(case, assumption=name, near=near, ranges=SIDES), request.budget)
        for name in names
        for rule in CLOSING_RULES.values()
        for case, near in zip(request.hidden_cases(rule), hidden[rule.name], strict=True)
    ]
    plays = [partial(play_shipped, name, FAMILY, keys) for name in ASSUMPTIONS]
    played = run_all(plays, processes, progress)
    solved = iter(run_all(work, processes, progress))
    by_assumption = {AS_CALIBRATED: hidden}
    for name in names:
        by_assumption[name] = {rule: tuple(next(solved) for _ in keys) for rule in CLOSING_RULES}
    return [Judgement(name, by_assumption[name], result) for name, result in zip(ASSUMPTIONS, played, strict=True)]


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
