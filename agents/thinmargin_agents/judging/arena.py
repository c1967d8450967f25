"""The arena: every entrant plays the same worlds; results and failures are collected."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import gymnasium
import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from thinmargin.baselines import baseline
from thinmargin.settings import Closing, Settings
from thinmargin_agents.cli.processes import run_all
from thinmargin_agents.play.errors import PolicyError
from thinmargin_agents.play.outcome import Outcome
from thinmargin_agents.play.rollout import play_families, play_worlds
from thinmargin_agents.play.time_limit import Clock
from thinmargin_agents.policies.entrants import Entrant, Member
from thinmargin_agents.scoring.comparison import REFERENCE, Result, result_of

BATCH = 512
"""Worlds of an arena played in step, the same for all."""
IN_STEP = 1024
"""Most worlds of several arenas played in step."""
WORTH_PROCESSES = 2_000_000
"""Months to play from which further processes pay: it takes some seconds to start them."""


@dataclass(frozen=True)
class Playground:
    """Settings of an environment for a rollout: arguments of `play_worlds`."""

    id: str
    worlds: str
    horizon: int
    discrete: bool
    closing: Closing


class Arena(NamedTuple):
    """Some worlds of an environment."""

    playground: Playground
    keys: Sequence[int]


@dataclass
class ArenaResults:
    """Results so far, and the policies that failed with their messages.

    `stress` has the results of every held-out family of worlds, by its name.
    """

    results: list[Result] = field(default_factory=list)
    stress: dict[str, list[Result]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


def playground_of(env: str, arguments: Mapping[str, Any] | None = None) -> Playground:
    """Settings of a registered environment, by its id.

    Args:
        env: registered id.
        arguments: keyword arguments that differ from the id's.

    Raises:
        TypeError, ValueError: the environment refuses them.
    """
    settings = Settings(**{**gymnasium.spec(env).kwargs, **(arguments or {})})
    return Playground(env, settings.worlds, settings.horizon, settings.discrete, settings.closing)


def play_all(
    entrants: Sequence[Entrant],
    main: Arena,
    stress: Sequence[Arena],
    evaluation: ArenaResults,
    *,
    seed: int,
    time_limit: float,
    console: Console,
    processes: int = 1,
) -> None:
    """Play every entrant through the worlds of every arena, with a progress bar.

    Results do not depend on the number of processes. Policies whose code is not of this package are played in this one.

    Args:
        entrants: to play; plans made for the main worlds (`Member.at_once`) play nowhere else.
        main: worlds of the results; an entrant that fails there plays no others.
        stress: held-out worlds.
        evaluation: receives the results, and the messages of entrants that fail.
        seed: of policies that draw random numbers.
        time_limit: seconds that each policy may take for all its worlds.
        console: for the bar.
        processes: how many play side by side, where there is enough to play.

    Raises:
        LostProcessError: a process ended before its work was done.
    """
    evaluation.stress.update({arena.playground.worlds: [] for arena in stress})
    plays = [
        (entrant, [main] if any(member.at_once for member in entrant.members) else [main, *stress])
        for entrant in entrants
    ]
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TextColumn("{task.fields[rate]:,.0f} months/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        everything = sum(_months(len(entrant.members), arenas) for entrant, arenas in plays)
        task = bar.add_task("compiled model (slow only the first time)", total=everything, rate=0.0)
        play_worlds(baseline(REFERENCE), main.keys[:1], horizon=1)

        start = time.monotonic()

        def progress(count: int) -> None:
            rate = (bar.tasks[0].completed + count) / max(time.monotonic() - start, 1e-9)
            bar.update(task, advance=count, rate=rate)

        members = [(member, arenas) for entrant, arenas in plays for member in entrant.members]
        elsewhere = [k for k, (member, _) in enumerate(members) if _is_ours(member)] if processes > 1 else []
        played: dict[int, Played] = {}
        if elsewhere and sum(_months(1, members[k][1]) for k in elsewhere) >= WORTH_PROCESSES:
            bar.update(task, description=f"in {processes} processes")
            tasks = [partial(play_member, *members[k], seed, time_limit) for k in elsewhere]
            done = iter([_months(1, members[k][1]) for k in elsewhere])
            played.update(zip(elsewhere, run_all(tasks, processes, lambda: progress(next(done))), strict=True))
        for k, (member, arenas) in enumerate(members):
            if k not in played:
                bar.update(task, description=member.name)
                settled = bar.tasks[0].completed + _months(1, arenas)
                played[k] = play_member(member, arenas, seed, time_limit, progress if console.is_terminal else None)
                bar.update(task, completed=settled)  # where it failed, the rest is not played
    each = iter(played[k] for k in range(len(members)))
    for entrant, arenas in plays:
        _take(entrant, arenas, [next(each) for _ in entrant.members], evaluation)


class Played(NamedTuple):
    """What one policy did in the arenas, in their order, up to one in which it failed."""

    outcomes: list[Outcome]
    failure: str | None


def _is_ours(member: Member) -> bool:
    """Whether another process of this package can play a policy as well as this one: its code is here, and no other."""
    return type(member.policy).__module__.split(".")[0] in {"thinmargin", "thinmargin_agents"}


def play_member(
    member: Member,
    arenas: Sequence[Arena],
    seed: int,
    time_limit: float,
    progress: Callable[[int], None] | None = None,
) -> Played:
    """Play the arenas in order, up to one in which the policy fails, on one clock."""
    torch.set_num_threads(1)  # networks are small: threads would wait for each other
    clock, outcomes = Clock(time_limit), []
    for group in in_step(member, arenas):
        try:
            outcomes += play(member, group, seed, clock, progress)
        except PolicyError as error:
            if len(group) == 1:
                return Played(outcomes, str(error))
            found = _one_by_one(member, group, seed, clock)
            outcomes += found.outcomes
            if found.failure is not None:
                return Played(outcomes, found.failure)
    return Played(outcomes, None)


def _one_by_one(member: Member, arenas: Sequence[Arena], seed: int, clock: Clock) -> Played:
    """Play arenas in which a policy fails when they are played in step, to see in which."""
    outcomes: list[Outcome] = []
    for arena in arenas:
        try:
            outcomes += play(member, [arena], seed, clock, None)
        except PolicyError as error:
            return Played(outcomes, str(error))
    return Played(outcomes, None)


def in_step(member: Member, arenas: Sequence[Arena]) -> list[list[Arena]]:
    """The arenas in groups that are played in step, in their order: a month of many worlds costs little more than one.

    What a policy does in a world must depend on that world alone, which is known of this package's that have no
    generator to be reset. Arenas of a group differ in their family of worlds only.
    """
    alone = not _is_ours(member) or member.at_once or hasattr(member.policy, "reset")
    groups: list[list[Arena]] = []
    for arena in arenas:
        fits = bool(groups) and not alone and _differ_in_worlds_only(groups[-1][0], arena)
        if fits and len(arena.keys) * (len(groups[-1]) + 1) <= IN_STEP:
            groups[-1].append(arena)
        else:
            groups.append([arena])
    return groups


def _differ_in_worlds_only(one: Arena, other: Arena) -> bool:
    a, b = (replace(arena.playground, id="", worlds="") for arena in (one, other))
    return a == b and np.array_equal(one.keys, other.keys)


def _take(entrant: Entrant, arenas: Sequence[Arena], played: Sequence[Played], evaluation: ArenaResults) -> None:
    """Add what the members did, up to an arena in which one fails."""
    for number, arena in enumerate(arenas):
        worlds = arena.playground.worlds
        failed = next((one.failure for one in played if len(one.outcomes) <= number), None)
        if failed is not None:
            evaluation.failures[entrant.name] = failed if number == 0 else f"{failed} (in {worlds} worlds)"
            return
        results = evaluation.results if number == 0 else evaluation.stress[worlds]
        results.append(result_of(entrant, [one.outcomes[number] for one in played]))


def play(
    member: Member, arenas: Sequence[Arena], seed: int, clock: Clock, progress: Callable[[int], None] | None
) -> list[Outcome]:
    """Play one policy through a group of `in_step`, on its clock.

    Hand-coded policies set the levers freely even where the environment takes grid indices. Worlds and rewards
    are the same, so the comparison holds.
    """
    first = arenas[0]
    playground = first.playground
    discrete = playground.discrete if member.discrete is None else member.discrete
    with clock:
        if len(arenas) > 1:
            return play_families(
                member.policy,
                first.keys,
                [arena.playground.worlds for arena in arenas],
                horizon=playground.horizon,
                discrete=discrete,
                closing=playground.closing,
                seed=seed,
                name=member.name,
                progress=progress,
                clock=clock,
            )
        outcome = play_worlds(
            member.policy,
            first.keys,
            worlds=playground.worlds,
            horizon=playground.horizon,
            discrete=discrete,
            closing=playground.closing,
            all_rules=True,
            batch_size=max(BATCH, len(first.keys)) if member.at_once else BATCH,
            seed=seed,
            name=member.name,
            progress=progress,
            clock=clock,
        )
    return [outcome]


def _months(members: int, arenas: Sequence[Arena]) -> int:
    return members * sum(len(arena.keys) * arena.playground.horizon for arena in arenas)
