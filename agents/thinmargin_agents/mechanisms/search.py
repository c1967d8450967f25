"""One rule in worlds with and without something: as it is, and with the best levers near it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from thinmargin.plans import between
from thinmargin.records import LEVERS, PRICE
from thinmargin.settings import Settings
from thinmargin.splits import KEYS
from thinmargin_agents.mechanisms.players import PLAYERS, Numbers
from thinmargin_agents.play.candidates import Candidates
from thinmargin_agents.tuning.rules import merit
from thinmargin_agents.tuning.search import climb

POPULATION = 12
JUDGED_FROM, SEARCHED_FROM = 800_000, 900_000
"""Where in the validation split the worlds begin that judge, and those that searches see."""
MOST_WORLDS = 10_000
SEEDS = 2
"""Searches of every case, which differ in their seeds alone."""
ANCHOR = 2
"""Budget of the first search, which begins at the levers shipped, over that of the others."""


@dataclass(frozen=True)
class Effort:
    """Worlds that judge, worlds that a search sees, generations of the budget, seed of the searches."""

    worlds: int = 256
    search_worlds: int = 80
    budget: int = 20
    seed: int = 0

    @property
    def judges(self) -> range:
        """Keys of the worlds that J is the mean of."""
        return KEYS["validation"][JUDGED_FROM : JUDGED_FROM + self.worlds]

    @property
    def searched(self) -> range:
        """Keys of the worlds that searches see."""
        return KEYS["validation"][SEARCHED_FROM : SEARCHED_FROM + self.search_worlds]


@dataclass(frozen=True)
class Case:
    """A rule in worlds with these constants, held to the pledge or not.

    Attributes:
        player: name of the rule.
        parameters: name and value of the constants that differ, in a form that can be compared.
        pledged: whether the search keeps the markup inside the pledge.
    """

    player: str
    parameters: tuple[tuple[str, Any], ...] = ()
    pledged: bool = False


def case_of(player: str, parameters: Mapping[str, Any], *, pledged: bool) -> Case:
    """A case, with its constants in a form that can be compared."""
    return Case(player, tuple(parameters.items()), pledged)


class Job(NamedTuple):
    """A case with an effort, and the levers that its search may begin at, shape (starts, k, 4): it takes the best."""

    case: Case
    effort: Effort
    starts: Numbers


class Played(NamedTuple):
    """What levers earn in the worlds that judge: J, RMB bn, and bankruptcies, each of shape (worlds,); the levers."""

    value: Numbers
    bankrupt: npt.NDArray[np.bool_]
    knots: Numbers


class Improved(NamedTuple):
    """Levers that a search ends with, and their merit in the worlds it saw, RMB bn."""

    knots: Numbers
    merit: float


class Solved(NamedTuple):
    """A case: the levers shipped, the best found near them, and what the search of another seed found."""

    fixed: Played
    tuned: Played
    other: Played

    @property
    def spread(self) -> float:
        """J by which the two searches differ in the worlds that judge, RMB bn."""
        return abs(float(self.tuned.value.mean() - self.other.value.mean()))


def anchor(job: Job) -> Numbers:
    """Levers that other searches begin at: the best near those of the job, every knot for itself."""
    return improved(job, bends=job.starts.shape[1], longer=ANCHOR).knots


def starts_of(player: str, anchors: Mapping[str, Numbers]) -> Numbers:
    """Levers that searches of a rule begin at: its anchor, those it ships with, and anchors of rules with as few knots.

    Constant levers are a plan too: where a rule is ruined, another may show it the way.
    """
    own = anchors[player]
    others = [each for name, each in anchors.items() if name != player and len(each) <= len(own)]
    return np.stack([
        own, PLAYERS[player].knots(), *(between(each, np.linspace(0.0, 1.0, len(own))) for each in others)
    ])  # fmt: skip


def solve(job: Job) -> Solved:
    """Play the levers shipped, and those of a search of every seed: the better in the worlds it saw is the answer."""
    player = PLAYERS[job.case.player]
    shipped = player.knots()
    if job.case.pledged and not player.pledged:
        shipped = within(shipped, *player.markups(dict(job.case.parameters), pledged=True))
    found = [improved(job, bends=player.bends, seed=seed) for seed in range(SEEDS)]
    found.sort(key=lambda each: each.merit, reverse=True)
    every = (shipped, *(each.knots for each in found))
    earned = Candidates(job.effort.judges, len(every), _settings(job.case)).plans(np.stack(every))
    return Solved(*(Played(earned.value[row], earned.bankrupt[row], knots) for row, knots in enumerate(every)))


def improved(job: Job, bends: int, longer: int = 1, seed: int = 0) -> Improved:
    """The levers of most merit that a search finds, or those it began at if they have as much in the worlds it saw.

    Args:
        job: what to search.
        bends: knots of the correction, evenly spaced, that is added to the levers.
        longer: generations for each of the usual ones.
        seed: added to that of the effort.
    """
    player = PLAYERS[job.case.player]
    low, high = player.markups(dict(job.case.parameters), pledged=job.case.pledged)
    times = np.linspace(0.0, 1.0, job.starts.shape[1])
    candidates = Candidates(job.effort.searched, POPULATION, _settings(job.case))

    def judge(knots: Numbers) -> Numbers:
        return merit(candidates.plans(knots))

    allowed = within(job.starts, low, high)
    earned = judge(np.resize(allowed, (POPULATION, *allowed.shape[1:])))[: len(allowed)]
    start = allowed[earned.argmax()]

    def bent(numbers: Numbers) -> Numbers:
        return within(start + between(numbers.reshape(-1, bends, len(LEVERS)), times), low, high)

    generations = job.effort.budget * player.pace * longer
    found = climb(
        lambda numbers: judge(bent(numbers)), np.zeros(bends * len(LEVERS)), player.spread,
        generations=generations, population=POPULATION, seed=job.effort.seed + seed + 1,
    )  # fmt: skip
    if found.value > earned.max():
        return Improved(bent(found.numbers[None])[0], found.value)
    return Improved(start, float(earned.max()))


def within(knots: Numbers, low: float, high: float) -> Numbers:
    """Actions in [-1, 1] whose markup is between two actions."""
    cut = np.clip(knots, -1.0, 1.0)
    cut[..., PRICE] = np.clip(cut[..., PRICE], low, high)
    return cut


def _settings(case: Case) -> Settings:
    return Settings(parameters=dict(case.parameters))
