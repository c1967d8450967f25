from __future__ import annotations

import math

import numpy as np
import pytest

from thinmargin_agents.mechanisms.catalogue import SWITCHES
from thinmargin_agents.mechanisms.players import PLAYERS
from thinmargin_agents.mechanisms.results import Answer, Request, Result, Row, find, pair_of, thin_rows, worth_of
from thinmargin_agents.mechanisms.search import Case, Effort, Played
from thinmargin_agents.mechanisms.table import answer_words, mark_of, sentences

FEW = Effort(worlds=3, search_worlds=2, budget=1)


def earning(*value: float) -> Played:
    return Played(np.array(value), np.zeros(len(value), np.bool_), np.zeros((1, 4)))


def answer(percent: float) -> Answer:
    usual = earning(90.0, 110.0)
    worth = worth_of(usual, usual, earning(90.0 + percent, 110.0 + percent), seed=0)
    return Answer(worth, worth)


def row_of(*percents: float, row: str = "8") -> Row:
    return Row(SWITCHES[row], dict(zip(PLAYERS, map(answer, percents), strict=True)))


def test_the_difference_is_without_less_with_and_paired() -> None:
    worth = worth_of(earning(50.0, 150.0), earning(50.0, 150.0), earning(48.0, 146.0), seed=0)
    assert (worth.with_it, worth.without, worth.mean, worth.percent) == (100.0, 97.0, -3.0, -3.0)
    assert worth.interval == (-4.0, -2.0)


def test_percent_is_of_the_rule_with_nothing_switched_off() -> None:
    worth = worth_of(earning(200.0, 200.0), earning(100.0, 100.0), earning(200.0, 200.0), seed=0)
    assert (worth.mean, worth.percent) == (100.0, 50.0)
    lost = worth_of(earning(-1.0, -1.0), earning(-1.0, -1.0), earning(5.0, 5.0), seed=0)
    assert math.isnan(lost.percent)


def test_a_row_is_thin_if_it_is_worth_little_to_all() -> None:
    assert row_of(0.9, -0.9, 0.0).is_thin
    assert not row_of(0.9, -1.1, 0.0).is_thin
    assert not row_of(0.0, 0.0, 0.0, row="0").is_thin
    rows = [row_of(0.1, 0.1, 0.1), row_of(9.0, 0.0, 0.0)]
    assert thin_rows(rows) == rows[:1]
    assert [mark_of(row) for row in (*rows, row_of(0.1, 0.1, 0.1, row="0"))] == ["thin", "", "chance"]


def test_a_rule_that_a_row_means_nothing_to_does_not_count() -> None:
    row = Row(SWITCHES["14"], {"low_margin_tuned": answer(0.5), "premium": None, "plan": answer(-0.5)})
    assert row.is_thin
    assert answer_words(None) == ["-", "-"]


def test_what_a_rule_earns_with_nothing_off_and_where_it_is_ruined_is_said() -> None:
    dead = earning(-1.0, -1.0)._replace(bankrupt=np.ones(2, np.bool_))
    usual = earning(90.0, 110.0)
    ruined = Row(SWITCHES["16"], {name: Answer(*[worth_of(usual, usual, dead, seed=0)] * 2) for name in PLAYERS})
    result = Result(Request(("8", "16"), FEW), (row_of(0.1, 0.1, 9.0), ruined))
    said = " ".join(sentences(result))
    for part in (
        "plan 100.0 and 100.0", "to every rule, with levers fixed and re-tuned: no row", "low_margin_tuned without 16;"
    ):  # fmt: skip
        assert part in said
    assert "without 8" not in said


def test_each_row_has_the_cases_it_says() -> None:
    thin, premium, plan = PLAYERS.values()
    off = tuple(SWITCHES["8"].parameters.items())
    assert pair_of(SWITCHES["8"], thin) == (
        Case("low_margin_tuned", pledged=True), Case("low_margin_tuned", off, pledged=True)
    )  # fmt: skip
    assert pair_of(SWITCHES["0"], plan) == (Case("plan"), Case("plan", seed=1))
    assert pair_of(SWITCHES["14"], plan) == (Case("plan", pledged=True), Case("plan"))
    assert pair_of(SWITCHES["14"], premium) is None


def test_a_case_is_searched_once() -> None:
    request = Request()
    usual, rows = len(PLAYERS), len(SWITCHES)
    assert len(request.cases) == usual + usual * (rows - 1) + 2  # the pledge has two cases of its own
    assert request.searches == len(request.cases) + usual
    assert len(Request(("8",)).cases) == 2 * usual


def test_rows_come_out_as_asked_for_and_with_fixed_levers_nothing_but_the_mechanism_differs() -> None:
    told: list[None] = []
    request = Request(("0", "8"), FEW)
    result = find(request, progress=lambda: told.append(None))
    assert len(told) == request.searches
    assert [row.switch.row for row in result.rows] == ["0", "8"]
    for name in PLAYERS:
        chance, word = (row.answers[name] for row in result.rows)
        assert chance is not None
        assert word is not None
        assert (chance.fixed.mean, chance.fixed.percent) == (0.0, 0.0)
        assert word.fixed.mean != 0.0
        assert word.fixed.levers_with == word.fixed.levers_without
        assert word.tuned.base == word.tuned.with_it == chance.tuned.with_it


@pytest.mark.slow
def test_the_answer_does_not_depend_on_the_number_of_processes() -> None:
    request = Request(("8",), FEW)
    assert find(request, processes=1).rows == find(request, processes=2).rows
