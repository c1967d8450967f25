"""Policies played in several processes do what they do in one; those with code of others stay in this one."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from thinmargin.baselines import ConstantPolicy, baseline
from thinmargin.families import BENCHMARK
from thinmargin.splits import KEYS
from thinmargin_agents.judging import arena
from thinmargin_agents.judging.arena import Arena, ArenaResults, play_all, playground_of
from thinmargin_agents.policies.entrants import Entrant, Member

KEYS_PLAYED = KEYS["validation"][:6]


class Foreign:
    """A policy of somebody else: it fails in the second arena if it is told to."""

    def __init__(self, *, fails: bool) -> None:
        self._fails, self._starts = fails, 0

    def predict(self, observation: Any, state: Any = None, episode_start: Any = None, **_: Any) -> tuple[Any, Any]:
        self._starts += bool(episode_start.all())
        if self._fails and self._starts > 1:
            raise ArithmeticError("no idea")
        return np.zeros((len(observation), 4)), state


def entrants() -> list[Entrant]:
    constant = [ConstantPolicy(np.full(4, share, np.float32)) for share in (-0.1, 0.1)]
    broken = ConstantPolicy(np.full(4, np.nan, np.float32))
    return [
        Entrant("plan", (Member("plan", baseline("plan")),)),
        Entrant("two", tuple(Member(f"two:{k}", policy, seed=k) for k, policy in enumerate(constant))),
        Entrant("late", (Member("late:0", constant[0]), Member("late:1", Foreign(fails=True)))),
        Entrant("broken", (Member("broken:0", constant[0]), Member("broken:1", broken))),
        Entrant("foreign", (Member("foreign", Foreign(fails=False)),)),
    ]


def played(processes: int, *, terminal: bool = False) -> ArenaResults:
    main, stress = (
        Arena(playground_of(BENCHMARK, {"horizon": 6, "worlds": worlds}), KEYS_PLAYED)
        for worlds in ("benchmark", "price_war")
    )
    found = ArenaResults()
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100)
    play_all(entrants(), main, [stress], found, seed=0, time_limit=60.0, console=console, processes=processes)
    return found


def numbers(found: ArenaResults) -> Any:
    return [
        [(one.name, one.value.tobytes(), one.yearly["profit"], one.lines["tax"].tobytes()) for one in results]
        for results in (found.results, *found.stress.values())
    ]


def test_results_and_failures_do_not_depend_on_the_number_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arena, "WORTH_PROCESSES", 0)
    alone, together = played(1), played(2)
    assert numbers(alone) == numbers(together)
    assert alone.failures == together.failures
    assert [one.name for one in together.results] == ["plan", "two", "late", "foreign"]
    assert [one.name for one in together.stress["price_war"]] == ["plan", "two", "foreign"]
    assert "late:1" in together.failures["late"]
    assert together.failures["late"].endswith("no idea (in price_war worlds)")
    assert "broken:1" in together.failures["broken"]


def test_only_policies_of_this_package_leave_this_process_and_only_where_there_is_much_to_play(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[list[str]] = []

    def run_here(tasks: Any, processes: int, progress: Any) -> list[Any]:
        assert processes == 7
        asked.append([task.args[0].name for task in tasks])
        found = []
        for task in tasks:
            found.append(task())
            progress()
        return found

    monkeypatch.setattr(arena, "run_all", run_here)
    played(7)
    assert asked == [], "a few months are played here"
    monkeypatch.setattr(arena, "WORTH_PROCESSES", 0)
    assert numbers(played(7, terminal=True)) == numbers(played(1))
    assert asked == [["plan", "two:0", "two:1", "late:0", "broken:0", "broken:1"]]
