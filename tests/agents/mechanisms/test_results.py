from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.messages import lacks

from thinmargin_agents.mechanisms.catalogue import SWITCHES
from thinmargin_agents.mechanisms.players import PLAYERS
from thinmargin_agents.mechanisms.results import Answer, Request, Result, Row, find, pair_of, thin_rows, worth_of
from thinmargin_agents.mechanisms.search import Case, Effort, Played, Solved
from thinmargin_agents.mechanisms.table import answer_words, mark_of, sentences

FEW = Effort(worlds=3, search_worlds=2, budget=1)


def earning(*value: float) -> Played:
    return Played(np.array(value), np.zeros(len(value), np.bool_), np.zeros((1, 4)))


def answer(percent: float) -> Answer:
    usual = earning(90.0, 110.0)
    worth = worth_of(usual, usual, earning(90.0 + percent, 110.0 + percent), seed=0)
    return Answer(worth, worth, 0.0, 0.0)


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
    rows = [row_of(0.1, 0.1, 0.1), row_of(9.0, 0.0, 0.0)]
    assert thin_rows(rows) == rows[:1]
    assert [mark_of(row) for row in rows] == ["thin", ""]


def test_a_rule_that_earns_nothing_has_no_percent_and_makes_no_nan() -> None:
    poor = earning(-3.0, 1.0)
    worth = worth_of(poor, poor, earning(-3.0, 1.1), seed=0)
    row = Row(SWITCHES["8"], {**row_of(0.1, 0.1, 0.1).answers, "premium": Answer(worth, worth, 0.25, 0.5)})
    assert not row.is_thin
    found = " ".join(sentences(Result(Request(("8",), FEW), (row,))))
    assert "nan" not in found
    assert not lacks(found, "no percent of it can be told: premium.", "RMB 0.5 bn for premium (row 8;")


def test_the_spread_of_two_searches_is_told_by_rule_with_its_row() -> None:
    def row(name: str, on: float, off: float) -> Row:
        answers = row_of(1.0, 1.0, 1.0).answers
        return Row(
            SWITCHES[name],
            {key: replace(each, spread_with=on, spread_without=off) for key, each in answers.items() if each},
        )

    rows = (row("8", 0.0, 0.5), row("10b", 0.25, 2.0), row("16", 0.75, 0.0))
    found = " ".join(sentences(Result(Request(("8", "10b", "16"), FEW), rows)))
    assert not lacks(found, "RMB 2.0 bn, 2.0 % of J for plan (row 10b; 0.8 in the median row)", "may be chance")


def test_two_searches_differ_in_the_worlds_that_judge() -> None:
    found = Solved(earning(0.0, 0.0), earning(90.0, 110.0), earning(93.0, 111.0))
    assert found.spread == 2.0


def test_a_rule_that_a_row_means_nothing_to_does_not_count() -> None:
    row = Row(SWITCHES["14"], {"low_margin_tuned": answer(0.5), "premium": None, "plan": answer(-0.5)})
    assert row.is_thin
    assert answer_words(None) == ["-", "-"]


def test_what_a_rule_earns_with_nothing_off_and_where_it_is_ruined_is_said() -> None:
    dead = earning(-1.0, -1.0)._replace(bankrupt=np.ones(2, np.bool_))
    usual = earning(90.0, 110.0)
    ruined = Row(
        SWITCHES["16"], {name: Answer(*[worth_of(usual, usual, dead, seed=0)] * 2, 0.0, 0.0) for name in PLAYERS}
    )
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
    request = Request(("8", "14"), FEW)
    result = find(request, progress=lambda: told.append(None))
    assert len(told) == request.searches
    assert [row.switch.row for row in result.rows] == ["8", "14"]
    for name in PLAYERS:
        word = result.rows[0].answers[name]
        assert word is not None
        assert word.fixed.mean != 0.0
        assert word.fixed.levers_with == word.fixed.levers_without
        assert word.tuned.base == word.tuned.with_it
    assert result.rows[1].answers["premium"] is None


@pytest.mark.slow
def test_the_answer_does_not_depend_on_the_number_of_processes() -> None:
    request = Request(("8",), FEW)
    assert find(request, processes=1).rows == find(request, processes=2).rows
