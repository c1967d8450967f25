from __future__ import annotations

import numpy as np
import pytest
from tests.agents.mechanisms.months import parameters_of

from thinmargin.levers import action_of
from thinmargin.records import PRICE
from thinmargin.settings import Settings
from thinmargin.tuned import levers_of
from thinmargin_agents.mechanisms import search
from thinmargin_agents.mechanisms.catalogue import SWITCHES
from thinmargin_agents.mechanisms.players import PLAYERS, PREMIUM_FROM, Numbers
from thinmargin_agents.mechanisms.search import Case, Effort, Improved, Job, case_of, improved, solve, starts_of, within
from thinmargin_agents.play.candidates import Candidates
from thinmargin_agents.tuning.rules import MOST_BANKRUPT, RUIN, merit

FEW = Effort(worlds=3, search_worlds=2, budget=2)


def job(player: str, row: str = "0", *, pledged: bool | None = None) -> Job:
    each = PLAYERS[player]
    held = each.pledged if pledged is None else pledged
    return Job(case_of(player, parameters_of(row), pledged=held), FEW, each.knots()[None])


def markups(knots: Numbers) -> list[float]:
    return [levers["price"] for levers in levers_of(knots)]


def test_worlds_that_judge_are_not_those_that_a_search_sees() -> None:
    effort = Effort(worlds=10_000, search_worlds=1000)
    assert (len(effort.judges), len(effort.searched)) == (10_000, 1000)
    assert not set(effort.judges) & set(effort.searched)


@pytest.mark.parametrize("player", PLAYERS)
def test_a_search_finds_nothing_worse_than_its_start_in_the_worlds_it_sees(player: str) -> None:
    asked = job(player)
    low, high = PLAYERS[player].markups({}, pledged=PLAYERS[player].pledged)
    start, found = within(asked.starts[0], low, high), improved(asked, PLAYERS[player].bends)
    earned = merit(Candidates(FEW.searched, 2, Settings()).plans(np.stack([start, found.knots])))
    assert found.knots.shape == start.shape
    assert earned[1] >= earned[0]
    assert found.merit == earned[1]


def test_ruin_is_held_against_levers_as_where_rules_are_tuned() -> None:
    spender = np.array([[[-1.0, 1.0, 1.0, 1.0]]])
    asked = job("plan", "16")._replace(starts=spender, effort=Effort(worlds=2, search_worlds=2, budget=1))
    found = improved(asked, 1)
    earned = Candidates(FEW.searched, 1, Settings(parameters=SWITCHES["16"].parameters)).plans(found.knots[None])
    assert earned.bankrupt.mean() == 1.0
    assert found.merit == pytest.approx(earned.value.mean() - RUIN * (1.0 - MOST_BANKRUPT))


@pytest.mark.parametrize("order", [(3.0, 5.0), (5.0, 3.0)])
def test_of_two_seeds_the_better_in_the_worlds_that_are_searched_is_kept(
    order: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    knots = [np.full((1, 4), place) for place in (-0.5, 0.1)]  # which of them judges like better plays no part

    def stand_in(_: Job, bends: int, longer: int = 1, seed: int = 0) -> Improved:
        assert (bends, longer) == (1, 1)
        return Improved(knots[seed], order[seed])

    monkeypatch.setattr(search, "improved", stand_in)
    found = solve(job("low_margin_tuned"))
    kept = int(np.argmax(order))
    assert np.array_equal(found.tuned.knots, knots[kept])
    assert np.array_equal(found.other.knots, knots[1 - kept])
    assert found.spread == pytest.approx(abs(found.tuned.value.mean() - found.other.value.mean()))
    assert found.spread > 0.0


def test_both_seeds_are_searched_on_every_side() -> None:
    found = solve(job("premium", "10b"))
    assert not np.array_equal(found.tuned.knots, found.other.knots)


@pytest.mark.parametrize("player", PLAYERS)
def test_re_tuned_levers_are_not_below_those_shipped_in_the_worlds_that_are_searched(player: str) -> None:
    bad = {name: np.full_like(each.knots(), -1.0) for name, each in PLAYERS.items()}
    asked = job(player)._replace(starts=starts_of(player, bad), effort=Effort(3, 4, 1))
    low, high = PLAYERS[player].markups({}, pledged=asked.case.pledged)
    shipped = within(PLAYERS[player].knots(), low, high)
    earned = merit(Candidates(asked.effort.searched, 1, Settings()).plans(shipped[None]))[0]
    assert improved(asked, PLAYERS[player].bends).merit >= earned


def test_a_plan_may_begin_as_another_rule_does_and_takes_the_best_of_them() -> None:
    anchors = {name: each.knots() for name, each in PLAYERS.items()}
    starts = starts_of("plan", anchors)
    assert starts.shape == (4, *anchors["plan"].shape)
    assert (starts[:2] == anchors["plan"]).all()  # its own anchor, and what ships
    assert (starts[2:] == np.stack([anchors["low_margin_tuned"], anchors["premium"]])).all()
    found = improved(job("plan", pledged=True)._replace(starts=starts), 4).knots
    low, high = PLAYERS["plan"].markups({}, pledged=True)
    every = np.concatenate([found[None], within(starts, low, high)])
    earned = merit(Candidates(FEW.searched, len(every), Settings()).plans(every))
    assert earned[0] == earned.max()


def test_constant_levers_begin_at_constant_levers() -> None:
    anchors = {name: each.knots() for name, each in PLAYERS.items()}
    assert starts_of("premium", anchors).shape == (3, 1, 4)
    assert np.array_equal(starts_of("premium", anchors)[0], anchors["premium"])


def test_the_answer_follows_from_the_job_alone() -> None:
    one, same, other = (
        improved(asked, 1).knots
        for asked in (job("premium"), job("premium"), job("premium")._replace(effort=Effort(3, 2, 3)))
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_rules_stay_what_they_are() -> None:
    thin, premium = (improved(job(name), 1).knots for name in ("low_margin_tuned", "premium"))
    cap = PLAYERS["low_margin_tuned"].markups({}, pledged=True)[1]
    assert thin[0, PRICE] <= cap
    assert markups(premium)[0] >= PREMIUM_FROM - 1e-6


def test_the_pledge_follows_what_phones_cost_in_a_world() -> None:
    thin = PLAYERS["low_margin_tuned"]
    usual, free = (thin.markups({}, pledged=pledged)[1] for pledged in (True, False))
    assert usual < thin.markups(SWITCHES["9"].parameters, pledged=True)[1] < free
    assert free == 1.0


def test_levers_fixed_are_those_shipped_but_for_a_plan_that_is_held_to_the_pledge() -> None:
    knots = PLAYERS["plan"].knots()
    free, held = (solve(job("plan", pledged=pledged)) for pledged in (False, True))
    assert np.array_equal(free.fixed.knots, knots)
    cap = PLAYERS["plan"].markups({}, pledged=True)[1]
    assert held.fixed.knots[:, PRICE] == pytest.approx(np.minimum(knots[:, PRICE], cap))
    assert (held.tuned.knots[:, PRICE] <= cap + 1e-12).all()
    assert (free.fixed.value.shape, free.fixed.bankrupt.shape) == ((3,), (3,))


def test_j_is_what_the_environment_pays_with_these_parameters() -> None:
    found = solve(job("low_margin_tuned", "8"))
    settings = Settings(parameters=SWITCHES["8"].parameters)
    again = Candidates(FEW.judges, 1, settings).plans(found.tuned.knots[None]).value[0]
    assert np.array_equal(found.tuned.value, again)


def test_actions_are_cut_to_their_range_and_markups_to_theirs() -> None:
    low, high = (float(action_of(markup, 0.0, 0.0, 1.0)[PRICE]) for markup in (0.0, 0.1))
    cut = within(np.array([[-3.0, -3.0, 3.0, 0.5], [0.9, 0.0, 0.0, 0.0]]), low, high)
    assert cut.tolist() == [[low, -1.0, 1.0, 0.5], [high, 0.0, 0.0, 0.0]]


def test_cases_of_equal_worlds_are_equal() -> None:
    assert case_of("plan", {}, pledged=False) == Case("plan")
    assert len({case_of("plan", SWITCHES[row].parameters, pledged=False) for row in SWITCHES}) == len(SWITCHES)
