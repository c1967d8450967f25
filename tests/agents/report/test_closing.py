from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from tests.reporting import Judged, synthetic, without

from thinmargin_agents.report.roles import Cast, cast_of
from thinmargin_agents.report.sections.closing import leaders, others_in_words, rules_table, scored_of
from thinmargin_agents.report.sections.headline import headline
from thinmargin_agents.scoring.closing_rules import CLOSING_RULES, rule_of

OWN, YEARS = rule_of("own_levers"), rule_of("none")


def cast_under(whole: Judged, means: Mapping[str, tuple[float, float, float]]) -> Cast:
    """Policies with these mean J under the three rules."""
    like = whole.results[1]
    return cast_of(
        {},
        [
            replace(
                synthetic(name, np.full(4, first), like),
                under={rule: np.full((1, 4), mean) for rule, mean in zip(CLOSING_RULES, (first, *rest), strict=True)},
            )
            for name, (first, *rest) in means.items()
        ],
    )


def test_the_table_ranks_anew_under_every_rule(whole: Judged) -> None:
    found = rules_table(cast_under(whole, {"a": (3.0, 1.0, 1.0), "b": (2.0, 2.0, 0.5), "foresight": (9.0, 0.0, 0.0)}))
    assert found is not None
    cells = {player.name: [(cell.value, cell.rank) for cell in row] for player, row in found.rows}
    assert cells["a"] == [("3.0", "1"), ("1.0", "2"), ("1.0", "1")]
    assert cells["b"] == [("2.0", "2"), ("2.0", "1"), ("0.5", "2")]
    assert [rank for _, rank in cells["foresight"]] == ["\N{EN DASH}"] * 3
    assert rules_table(cast_of({}, [replace(result, under={}) for result in whole.results])) is None


def test_the_headline_says_whether_the_leader_hangs_on_the_rule(whole: Judged) -> None:
    def told(**means: Any) -> str:
        return " ".join(leaders(cast_under(whole, means), OWN))

    assert "a is ahead whatever counts" in told(a=(3.0, 3.0, 3.0), b=(2.0, 2.0, 2.0))
    assert "so is the order of all" in told(a=(3.0, 3.0, 3.0), b=(2.0, 2.0, 2.0))
    assert "others change places" in told(a=(3.0, 3.0, 3.0), b=(2.0, 1.0, 2.0), c=(1.0, 2.0, 1.0))
    hangs = told(a=(3.0, 1.0, 1.0), b=(2.0, 2.0, 0.5))
    assert "it is a under own last year, which is scored, and under years alone, but b under playbook." in hangs
    third = told(a=(3.0, 1.0, 1.0), b=(2.0, 2.0, 0.5), c=(1.0, 1.0, 4.0))
    assert "it is a under own last year, which is scored, but b under playbook and c under years alone." in third
    both = told(a=(3.0, 1.0, 1.0), b=(2.0, 2.0, 5.0))
    assert "it is a under own last year, which is scored, but b under playbook and years alone." in both
    assert told(a=(3.0, 1.0, 1.0)) == ""
    assert (
        told(a=(3.0, 3.0, 3.0), b=(2.0, 2.0, 2.0))
        in headline(cast_under(whole, {"a": (3.0, 3.0, 3.0), "b": (2.0, 2.0, 2.0)}), {}, 0).sentences
    )


def test_the_scored_rule_is_that_of_the_document_else_the_benchmarks(whole: Judged) -> None:
    assert scored_of({"closing": {"scored": "years"}}) is YEARS
    assert scored_of(without(whole.report, "closing")) is OWN
    report = {**whole.report, "closing": {"scored": "years"}}
    words = " ".join(headline(cast_of(report, whole.results), report, 0).sentences)
    assert "no closing value is scored" in words


def test_rules_that_are_not_scored_stand_beside(whole: Judged) -> None:
    entry = whole.report["policies"]["plan"]
    words = others_in_words(entry, OWN).replace("\N{NO-BREAK SPACE}", " ")
    assert words.startswith("playbook ")
    assert ", years alone " in words
    assert others_in_words({}, OWN) == ""
