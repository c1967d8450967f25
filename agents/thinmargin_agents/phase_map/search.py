"""The best constant levers in each range of markup: CMA-ES from several starts, all of them in the same worlds."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from thinmargin.levers import action_of
from thinmargin.records import LEVERS, PRICE
from thinmargin.settings import SCORED, Closing, Settings
from thinmargin.tuned import levers_of
from thinmargin_agents.phase_map.assumptions import AS_CALIBRATED, family_under
from thinmargin_agents.phase_map.cells import MARKUPS, BestLevers, MapCell, Numbers, Range
from thinmargin_agents.play.candidates import Candidates, Earned

POPULATION = 12
START_SD, NEAR_SD = 0.3, 0.12
"""First standard deviation of actions: from a start, and from the best levers of a world like this one."""
NEAR_GENERATIONS = 0.5
"""Generations of a search that begins there, as a share of the others'."""
INSIDE = 0.98
"""Furthest from the middle that a search begins."""
STARTS = ((0.5, -0.3, -0.2, 0.3), (0.2, -0.5, -0.3, 0.2))
"""Where searches begin, in [-1, 1]: the place in the range of markup, then actions of the other levers. One spends
much, one little: a firm that grows fast ends at its credit limit, and the hill behind is another."""


@dataclass(frozen=True)
class Case:
    """Worlds to find the best levers for.

    Attributes:
        keys: world keys.
        worlds, parameters, closing: family, changed constants and closing rule, as of `Settings`.
        ranges: of markup, to search.
        assumption: name of one of ASSUMPTIONS.
        near: the best levers of a case much like this one; searches begin there, and these levers are the first that
            is judged. None: searches begin at STARTS.
    """

    keys: tuple[int, ...]
    worlds: str = "calibrated"
    parameters: dict[str, Any] | None = None
    closing: Closing = SCORED
    ranges: tuple[Range, ...] = tuple(MARKUPS)
    assumption: str = AS_CALIBRATED
    near: MapCell | None = None


@dataclass(frozen=True)
class SearchBudget:
    """The budget of a search: generations of every start, and the seed of CMA-ES."""

    generations: int = 20
    seed: int = 0

    @property
    def near_generations(self) -> int:
        """Generations of a search that begins at known levers."""
        return max(round(NEAR_GENERATIONS * self.generations), 1)


def solve(case: Case, budget: SearchBudget) -> MapCell:
    """The best constant levers of each range of markup, judged by mean J over the worlds of the case.

    The result depends on the arguments alone: every search draws from a generator of its own.

    Raises:
        ModuleNotFoundError: the package `cma` is not installed.
    """
    places, spread, generations = _beginning(case, budget)
    searches = [
        _Search(name, start, spread, np.random.default_rng((budget.seed, number)))
        for number, (name, start) in enumerate(places)
    ]
    settings = Settings(worlds=case.worlds, parameters=case.parameters, closing=case.closing)
    family = family_under(case.assumption, settings.family())
    if case.near is not None:
        _begin_at(case.near, searches, Candidates(case.keys, len(searches), settings, family))
    candidates = Candidates(case.keys, POPULATION * len(searches), settings, family)
    for _ in range(generations):
        actions = np.stack([search.ask() for search in searches])
        earned = candidates.plans(actions.reshape(-1, 1, len(LEVERS)))
        means = _means(earned).reshape(len(earned), len(searches), POPULATION)
        for number, search in enumerate(searches):
            search.tell(actions[number], *means[:, number])
    by_range: dict[Range, list[BestLevers]] = {name: [] for name in case.ranges}
    for search in searches:
        by_range[search.name].append(search.best)
    return MapCell(**{name: max(found, key=lambda best: best.value) for name, found in by_range.items()})


def _begin_at(near: MapCell, searches: Sequence[_Search], candidates: Candidates) -> None:
    """Let every search know what it begins at, as it is, so that it never ends below it."""
    actions = np.stack([_action(getattr(near, search.name)) for search in searches])
    means = _means(candidates.plans(actions[:, None]))
    for number, search in enumerate(searches):
        search.see(actions[number : number + 1], *means[:, number : number + 1])


def _means(earned: Earned) -> Numbers:
    """Earnings of every candidate, means over the worlds, of shape (3, candidates)."""
    return np.stack([each.mean(axis=1) for each in earned])


def _beginning(case: Case, budget: SearchBudget) -> tuple[list[tuple[Range, tuple[float, ...]]], float, int]:
    """Where the searches of a case begin, how widely they look, and for how many generations."""
    if case.near is None:
        return list(itertools.product(case.ranges, STARTS)), START_SD, budget.generations
    places = [(name, _point(getattr(case.near, name), name)) for name in case.ranges]
    return places, NEAR_SD, budget.near_generations


def _point(best: BestLevers, name: Range) -> tuple[float, ...]:
    """The point of a search in this range of markup behind these levers."""
    action = _action(best)
    low, high = _ends(*MARKUPS[name])
    action[PRICE] = 2.0 * (action[PRICE] - low) / (high - low) - 1.0
    return tuple(np.clip(action, -INSIDE, INSIDE).tolist())


def _action(best: BestLevers) -> Numbers:
    return action_of(*(best.levers[lever.name] for lever in LEVERS)).astype(np.float64)


class _Search:
    """CMA-ES from one start in one range of markup.

    Args:
        name: the range.
        start: where it begins.
        spread: first standard deviation.
        generator: draws the candidates; NumPy's global state stays as it is.
    """

    def __init__(self, name: Range, start: tuple[float, ...], spread: float, generator: np.random.Generator) -> None:
        import cma  # noqa: PLC0415  # only searches need it

        def draw(rows: int, size: int) -> Numbers:
            return generator.standard_normal((rows, size))

        self.name: Range = name
        self.best = BestLevers({}, -np.inf, 0.0, 0.0)
        self._points: list[Numbers] = []
        self._strategy = cma.CMAEvolutionStrategy(
            list(start),
            spread,
            {"randn": draw, "seed": np.nan, "popsize": POPULATION, "bounds": [-1, 1], "verbose": -9},
        )

    def ask(self) -> Numbers:
        """Actions of the next generation, shape (POPULATION, 4)."""
        self._points = self._strategy.ask()
        return in_range(np.array(self._points), *MARKUPS[self.name])

    def tell(self, actions: Numbers, value: Numbers, closing: Numbers, bankrupt: Numbers) -> None:
        """Report the mean earnings of these actions over worlds, each of shape (POPULATION,)."""
        self._strategy.tell(self._points, (-value).tolist())
        self.see(actions, value, closing, bankrupt)

    def see(self, actions: Numbers, value: Numbers, closing: Numbers, bankrupt: Numbers) -> None:
        """Keep the best of these actions, if it earns more than what was seen before; arguments as of `tell`."""
        row = int(value.argmax())
        if value[row] > self.best.value:
            levers = levers_of(actions[row : row + 1])[0]
            self.best = BestLevers(levers, float(value[row]), float(closing[row]), float(bankrupt[row]))


def in_range(points: Numbers, low: float, high: float) -> Numbers:
    """Actions of points of shape (n, 4) in [-1, 1], the first number being the place between two markups."""
    first, last = _ends(low, high)
    actions = points.copy()
    actions[:, PRICE] = first + (last - first) * 0.5 * (points[:, PRICE] + 1.0)
    return actions


def _ends(low: float, high: float) -> tuple[float, float]:
    """Actions of the price lever that ask for these markups."""
    first, last = (float(action_of(markup, 0.0, 0.0, LEVERS[-1].high)[PRICE]) for markup in (low, high))
    return first, last
