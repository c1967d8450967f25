"""The arena: every entrant plays the same worlds; results and failures are collected."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import gymnasium
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from thinmargin.baselines import baseline
from thinmargin.settings import Closing, Settings
from thinmargin_agents.play.errors import PolicyError
from thinmargin_agents.play.outcome import Outcome
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.play.time_limit import Clock
from thinmargin_agents.policies.entrants import Entrant, Member
from thinmargin_agents.scoring.comparison import REFERENCE, Result, result_of

BATCH = 512
"""Worlds played in step, the same for all."""


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
) -> None:
    """Play every entrant through the worlds of every arena, with a progress bar.

    Args:
        entrants: to play; plans made for the main worlds (`Member.at_once`) play nowhere else.
        main: worlds of the results; an entrant that fails there plays no others.
        stress: held-out worlds.
        evaluation: receives the results, and the messages of entrants that fail.
        seed: of policies that draw random numbers.
        time_limit: seconds that each policy may take for all its worlds.
        console: for the bar.
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
        everything = sum(_months(entrant, arenas) for entrant, arenas in plays)
        task = bar.add_task("compiled model (slow only the first time)", total=everything, rate=0.0)
        play_worlds(baseline(REFERENCE), main.keys[:1], horizon=1)

        start = time.monotonic()

        def progress(count: int) -> None:
            rate = (bar.tasks[0].completed + count) / max(time.monotonic() - start, 1e-9)
            bar.update(task, advance=count, rate=rate)

        settled = 0
        for entrant, arenas in plays:
            bar.update(task, description=entrant.name)
            _play_entrant(entrant, arenas, evaluation, seed, time_limit, progress if console.is_terminal else None)
            settled += _months(entrant, arenas)
            bar.update(task, completed=settled)


def _play_entrant(
    entrant: Entrant,
    arenas: Sequence[Arena],
    evaluation: ArenaResults,
    seed: int,
    time_limit: float,
    progress: Callable[[int], None] | None,
) -> None:
    """Play the arenas in order, up to one in which a member fails."""
    clocks = [Clock(time_limit) for _ in entrant.members]
    for number, arena in enumerate(arenas):
        worlds = arena.playground.worlds
        try:
            outcomes = [
                play(member, arena, seed, clock, progress)
                for member, clock in zip(entrant.members, clocks, strict=True)
            ]
        except PolicyError as error:
            evaluation.failures[entrant.name] = str(error) if number == 0 else f"{error} (in {worlds} worlds)"
            return
        results = evaluation.results if number == 0 else evaluation.stress[worlds]
        results.append(result_of(entrant, outcomes))


def play(member: Member, arena: Arena, seed: int, clock: Clock, progress: Callable[[int], None] | None) -> Outcome:
    """Play one policy through an arena, on its clock.

    Hand-coded policies set the levers freely even where the environment takes grid indices. Worlds and rewards
    are the same, so the comparison holds.
    """
    playground = arena.playground
    with clock:
        return play_worlds(
            member.policy,
            arena.keys,
            worlds=playground.worlds,
            horizon=playground.horizon,
            discrete=playground.discrete if member.discrete is None else member.discrete,
            closing=playground.closing,
            all_rules=True,
            batch_size=max(BATCH, len(arena.keys)) if member.at_once else BATCH,
            seed=seed,
            name=member.name,
            progress=progress,
            clock=clock,
        )


def _months(entrant: Entrant, arenas: Sequence[Arena]) -> int:
    return len(entrant.members) * sum(len(arena.keys) * arena.playground.horizon for arena in arenas)
