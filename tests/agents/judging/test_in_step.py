"""Arenas that are played in step: which are, and what happens when a policy fails in them."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from thinmargin.baselines import ConstantPolicy, RandomPolicy, baseline
from thinmargin.families import BENCHMARK
from thinmargin.splits import KEYS
from thinmargin_agents.judging import arena
from thinmargin_agents.judging.arena import Arena, ArenaResults, in_step, play_all, playground_of
from thinmargin_agents.policies.entrants import Entrant, Member

STRESS = ("price_war", "demand_slump", "entrant_clone")
PLAYED = KEYS["validation"][:4]


def arena_of(worlds: str, keys: Any = PLAYED, **arguments: Any) -> Arena:
    return Arena(playground_of(BENCHMARK, {"horizon": 6, "worlds": worlds, **arguments}), keys)


def worlds_of(groups: list[list[Arena]]) -> list[list[str]]:
    return [[one.playground.worlds for one in group] for group in groups]


class Elsewhere:
    """A policy of somebody else: it raises from so many worlds on."""

    def __init__(self, most: int) -> None:
        self._most = most

    def predict(self, observation: Any, state: Any = None, **_: Any) -> tuple[Any, Any]:
        if len(observation) > self._most:
            raise ArithmeticError("too many worlds")
        return np.zeros((len(observation), 4)), state


def test_arenas_are_in_step_where_nothing_but_their_family_differs() -> None:
    member = Member("plan", baseline("plan"))
    arenas = [
        arena_of("benchmark", KEYS["validation"][:9]), *map(arena_of, STRESS), arena_of("benchmark", closing="none"),
        arena_of("price_war", horizon=7), arena_of("price_war", horizon=7, discrete=True),
    ]  # fmt: skip
    wanted = [["benchmark"], list(STRESS), ["benchmark"], ["price_war"], ["price_war"]]
    assert worlds_of(in_step(member, arenas)) == wanted


def test_no_more_worlds_are_in_step_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arena, "IN_STEP", 2 * len(PLAYED))
    groups = in_step(Member("plan", baseline("plan")), [arena_of(worlds) for worlds in STRESS])
    assert worlds_of(groups) == [list(STRESS[:2]), [STRESS[2]]]


@pytest.mark.parametrize(
    "member",
    [
        Member("random", RandomPolicy()),
        Member("foreign", Elsewhere(1)),
        Member("foresight", baseline("plan"), discrete=False, at_once=True),
    ],
)
def test_what_a_policy_does_in_one_arena_may_hang_on_another(member: Member) -> None:
    arenas = [arena_of(worlds) for worlds in STRESS]
    assert in_step(member, arenas) == [[one] for one in arenas]


def judged(member: Member) -> ArenaResults:
    found = ArenaResults()
    play_all(
        [Entrant(member.name, (member,))], arena_of("benchmark", KEYS["validation"][:3]),
        [arena_of(worlds) for worlds in STRESS], found, seed=0, time_limit=60.0, console=Console(file=io.StringIO()),
    )  # fmt: skip
    return found


def test_a_policy_that_fails_in_step_is_played_in_one_arena_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arena, "_is_ours", lambda _: True)
    found = judged(Member("few", Elsewhere(len(PLAYED))))
    wanted = judged(Member("few", ConstantPolicy(np.zeros(4, np.float32))))
    assert found.failures == {}
    for worlds in STRESS:
        np.testing.assert_array_equal(found.stress[worlds][0].value, wanted.stress[worlds][0].value)


def test_a_failure_names_the_first_family_in_which_it_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arena, "_is_ours", lambda _: True)
    found = judged(Member("fewer", Elsewhere(3)))
    assert len(found.results) == 1
    assert found.failures["fewer"].endswith("too many worlds (in price_war worlds)")
    assert all(results == [] for results in found.stress.values())
