from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.reporting import Judged, synthetic

from thinmargin.settings import SCORED
from thinmargin_agents.report.roles import cast_of
from thinmargin_agents.report.sections.headline import headline
from thinmargin_agents.report.sections.leaderboard import columns_of
from thinmargin_agents.report.words import number
from thinmargin_agents.scoring.closing_rules import rule_of
from thinmargin_agents.scoring.comparison import Result


def results_of(like: Result, **values: Sequence[Any]) -> list[Result]:
    return [synthetic(name, value, like) for name, value in values.items()]


def lead_of(results: Sequence[Result]) -> str:
    return headline(cast_of({}, results), {}, 0).lead.replace("\N{NO-BREAK SPACE}", " ")


def test_the_headline_calls_a_winner_only_if_the_interval_does(whole: Judged) -> None:
    like = whole.results[1]
    luck = np.random.default_rng(0).normal(0.0, 10.0, 40)
    noise = np.random.default_rng(1).normal(0.0, 10.0, 40)
    far = lead_of(results_of(like, a=100.0 + luck, b=90.0 + luck))
    assert far.startswith(f"a wins: RMB {number(100.0 + luck.mean())} bn a world, 10.0 more than b, the next best")
    assert far.endswith("(95 % interval 10.0 to 10.0).")
    assert "cannot be told apart" in lead_of(results_of(like, a=100.0 + luck, b=100.0 + noise))
    assert "earn the same in every world" in lead_of(results_of(like, a=luck, b=luck))


def test_too_few_worlds_are_no_reason_to_call_policies_alike(whole: Judged) -> None:
    like = whole.results[1]
    values = np.array([10.0, 20.0, 30.0, 40.0])
    results = results_of(like, low_margin_tuned=values, plan=values + 68.0)
    top = headline(cast_of({}, results), {}, 0)
    words = " ".join([top.lead, *top.answer, *top.sentences]).replace("\N{NO-BREAK SPACE}", " ")
    assert top.lead.replace("\N{NO-BREAK SPACE}", " ") == (
        "Fixed plan earns most: RMB 93.0 bn a world, 68.0 more than tuned low margin, the next best; 4 worlds are too"
        " few to say how sure that is."
    )
    assert "cannot be told" not in words
    assert "it earns more than tuned low margin in all 4 worlds" in words
    third = headline(cast_of({}, [*results, synthetic("premium", values + 50.0, like)]), {}, 0)
    assert "earns RMB 68.0 bn (272 %) more than tuned low margin" in third.sentences[0].replace(
        "\N{NO-BREAK SPACE}", " "
    )


def test_policies_that_earn_the_same_everywhere_are_not_told_apart(whole: Judged) -> None:
    values = np.array([10.0, 20.0, 30.0, 40.0])
    top = headline(cast_of({}, results_of(whole.results[1], low_margin_tuned=values, plan=values)), {}, 0)
    words = " ".join([top.lead, *top.answer, *top.sentences])
    assert "earn the same in every world" in top.lead
    assert "50" not in words.replace("\N{NO-BREAK SPACE}", " ").replace("RMB 25.0 bn", "")


@pytest.mark.parametrize(
    ("broke", "words", "figure"),
    [
        ([0, 0, 0, 0], "It never goes bankrupt in these 4 worlds.", "never"),
        ([1, 0, 0, 0], "It goes bankrupt in 25.0 % of the 4 worlds.", "25.0 %"),
        ([1, 1, 1, 1], "It goes bankrupt in all 4 worlds.", "100.0 %"),
    ],
)
def test_bankruptcies_are_told_in_words(whole: Judged, broke: list[int], words: str, figure: str) -> None:
    result = replace(synthetic("plan", np.arange(4.0), whole.results[1]), bankrupt=np.array([broke], np.bool_))
    result = replace(result, months=np.full((1, 4), 31))
    top = headline(cast_of({}, [result]), {}, 0)
    assert words in " ".join(top.sentences).replace("\N{NO-BREAK SPACE}", " ")
    told = next(fact.figure for fact in top.facts if fact.what == "bankrupt")
    assert told.replace("\N{NO-BREAK SPACE}", " ") == figure


def test_the_score_is_rounded_once(whole: Judged) -> None:
    cast = cast_of(whole.report, whole.results)
    top, (column, *_) = headline(cast, whole.report, 0), columns_of(cast, rule_of(SCORED))
    assert column.head == "score"
    told = column.cells[cast.players.index(cast.best)].text
    assert next(fact.figure for fact in top.facts if fact.what == "score") == told
    assert any(f" scores {told}: " in sentence for sentence in top.sentences)
    assert told == number(whole.report["policies"][cast.best.name]["score"], 1)


def test_foresight_does_not_win(whole: Judged) -> None:
    cast = cast_of(whole.report, whole.results)
    assert cast.players[0].name == "foresight"
    assert cast.best.name != "foresight"
    assert not headline(cast, whole.report, 0).lead.startswith(("foresight", "Perfect foresight"))


def test_a_failure_is_reported(whole: Judged) -> None:
    report = {**whole.report, "failures": {"x": "policy 'x' broke"}}
    assert "policy 'x' broke" in headline(cast_of(report, whole.results), report, 0).sentences[-1]
