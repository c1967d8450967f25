"""What each mechanism is worth to each rule: J without it less J with it, in the same worlds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from thinmargin.tuned import levers_of
from thinmargin_agents.cli.processes import in_processes
from thinmargin_agents.mechanisms.catalogue import SWITCHES, Switch
from thinmargin_agents.mechanisms.players import PLAYERS, Player
from thinmargin_agents.mechanisms.search import Case, Effort, Job, Played, Solved, anchor, case_of, solve, starts_of
from thinmargin_agents.scoring.statistics import Interval, paired_difference

THIN = 1.0
"""Percent of J: a row that is worth less to every rule is called thin."""


@dataclass(frozen=True)
class Request:
    """The rows to measure, the effort, and whether it is only to see that all works."""

    rows: tuple[str, ...] = tuple(SWITCHES)
    effort: Effort = field(default_factory=Effort)
    quick: bool = False

    @property
    def cases(self) -> list[Case]:
        """Every case once: those with nothing switched off, and those of the rows."""
        pairs = [pair_of(SWITCHES[row], player) for row in self.rows for player in PLAYERS.values()]
        every = (case for pair in pairs if pair is not None for case in pair)
        return list(dict.fromkeys([*map(usual_case, PLAYERS.values()), *every]))

    @property
    def searches(self) -> int:
        """Number of pieces of work: the first searches, and every case with all its seeds."""
        return len(PLAYERS) + len(self.cases)


def usual_case(player: Player) -> Case:
    """A rule with nothing switched off."""
    return case_of(player.policy, {}, pledged=player.pledged)


def pair_of(switch: Switch, player: Player) -> tuple[Case, Case] | None:
    """A rule with a mechanism and without it; None if the row means nothing to the rule."""
    if switch.changes == "pledge":
        held, free = (case_of(player.policy, {}, pledged=pledged) for pledged in (True, False))
        return (held, free) if player.has_pledge else None
    return usual_case(player), case_of(player.policy, switch.parameters, pledged=player.pledged)


@dataclass(frozen=True)
class Worth:
    """J without a mechanism less J with it.

    Attributes:
        base: mean J of the rule with nothing switched off, RMB bn.
        with_it, without: mean J, RMB bn.
        mean, interval: of the difference, RMB bn; 95 %, paired by world.
        bankrupt_with, bankrupt_without: share of worlds in which investors stop.
        levers_with, levers_without: levers asked for at every knot, each in its own unit.
    """

    base: float
    with_it: float
    without: float
    mean: float
    interval: Interval
    bankrupt_with: float
    bankrupt_without: float
    levers_with: list[dict[str, float]]
    levers_without: list[dict[str, float]]

    @property
    def percent(self) -> float:
        """The difference in percent of the J with nothing switched off; nan if that is nothing or a loss."""
        return 100.0 * self.mean / self.base if self.base > 0.0 else float("nan")


def worth_of(usual: Played, on: Played, off: Played, seed: int) -> Worth:
    """The difference of two ways to play the same worlds, beside the usual one."""
    gap = paired_difference(off.value, on.value, np.random.default_rng(seed))
    return Worth(
        float(usual.value.mean()), float(on.value.mean()), float(off.value.mean()), gap.mean, gap.interval,
        float(on.bankrupt.mean()), float(off.bankrupt.mean()), levers_of(on.knots), levers_of(off.knots),
    )  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """What a mechanism is worth to one rule that keeps its levers, and to one that may change them on both sides.

    Attributes:
        fixed, tuned: worth with the levers shipped, and with the best found on each side.
        spread_with, spread_without: J by which two searches of a side differ, RMB bn.
    """

    fixed: Worth
    tuned: Worth
    spread_with: float
    spread_without: float

    @property
    def spread(self) -> float:
        """The larger of both sides, RMB bn: a re-tuned difference of that size may be chance."""
        return max(self.spread_with, self.spread_without)

    @property
    def spread_percent(self) -> float:
        """The same in percent of the J with nothing switched off; nan if that is nothing or a loss."""
        return 100.0 * self.spread / self.tuned.base if self.tuned.base > 0.0 else float("nan")


@dataclass(frozen=True)
class Row:
    """A mechanism and what it is worth, by rule; None for a rule it means nothing to."""

    switch: Switch
    answers: dict[str, Answer | None]

    @property
    def is_thin(self) -> bool:
        """Whether it is worth less than THIN percent of J to every rule, with levers fixed and re-tuned.

        It is not while that cannot be told, because a rule's J with nothing switched off is not above 0.
        """
        found = [worth.percent for each in self.answers.values() if each for worth in (each.fixed, each.tuned)]
        return all(abs(percent) < THIN for percent in found)


@dataclass(frozen=True)
class Result:
    """What was asked for, and every row in its order."""

    request: Request
    rows: tuple[Row, ...]


def find(request: Request, processes: int = 1, progress: Callable[[], None] = lambda: None) -> Result:
    """Measure every row of the request.

    Args:
        request: rows and effort.
        processes: searches at a time; the results do not depend on it.
        progress: called when a search is done.
    """
    cases = request.cases
    usual = [Job(usual_case(each), request.effort, each.knots()[None]) for each in PLAYERS.values()]
    anchors = dict(zip(PLAYERS, in_processes(anchor, usual, processes, progress), strict=True))
    jobs = sorted((Job(case, request.effort, starts_of(case.player, anchors)) for case in cases), key=_longest_first)
    solved = {job.case: found for job, found in zip(jobs, in_processes(solve, jobs, processes, progress), strict=True)}
    return Result(request, tuple(_row(SWITCHES[row], solved, request.effort.seed) for row in request.rows))


def _longest_first(job: Job) -> int:
    return -PLAYERS[job.case.player].pace


def _row(switch: Switch, solved: dict[Case, Solved], seed: int) -> Row:
    answers: dict[str, Answer | None] = {}
    for name, player in PLAYERS.items():
        pair = pair_of(switch, player)
        if pair is None:
            answers[name] = None
        else:
            usual, on, off = (solved[case] for case in (usual_case(player), *pair))
            answers[name] = Answer(
                worth_of(usual.fixed, on.fixed, off.fixed, seed),
                worth_of(usual.tuned, on.tuned, off.tuned, seed),
                on.spread,
                off.spread,
            )
    return Row(switch, answers)


def thin_rows(rows: Sequence[Row]) -> list[Row]:
    """The rows that are worth next to nothing to every rule."""
    return [row for row in rows if row.is_thin]
