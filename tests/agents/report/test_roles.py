from __future__ import annotations

from dataclasses import replace

import numpy as np
from tests.reporting import Judged, synthetic

from thinmargin_agents.report.roles import MOST_CHOSEN, cast_of
from thinmargin_agents.report.sections.headline import headline


def test_every_policy_has_one_label_and_chosen_ones_have_colours_of_their_own(whole: Judged) -> None:
    many = [replace(whole.results[0], name=f"/tmp/{folder}/ppo/Ecosystem-v1_1") for folder in range(4)]  # noqa: S108
    cast = cast_of({}, [*many, *whole.results[1:]])
    labels = [player.label for player in cast.players]
    assert len(set(labels)) == len(labels)
    assert all(len(label) <= 22 for label in labels)
    assert len(cast.chosen) == MOST_CHOSEN
    assert len({player.look for player in cast.players}) == len(cast.players)


def test_who_asked_for_a_policy_by_name_reads_what_it_earns(whole: Judged) -> None:
    like = whole.results[1]
    values = np.arange(12.0)
    results = [
        synthetic(name, values + more, like)
        for name, more in (("low_margin_tuned", 50.0), ("plan", 70.0), ("premium", 10.0), ("myopic", 5.0))
    ]
    cast = cast_of({}, results, named=["myopic", "premium", "low_margin_tuned"])
    assert cast.champion is not None
    assert (cast.best.name, cast.champion.name) == ("plan", "premium")
    told = " ".join(headline(cast, {}, 0).sentences).replace("\N{NO-BREAK SPACE}", " ")
    assert "Premium maker earns RMB 40.0 bn (72 %) less than tuned low margin, the simple rule at its best" in told
    assert "It is ahead in none of the 12 worlds." in told
    unnamed = cast_of({}, results).champion
    assert unnamed is not None
    assert unnamed.name == "plan"
    alone = cast_of({}, results, named=["low_margin_tuned"]).champion
    assert alone is not None
    assert alone.name == "plan"


def test_named_ones_are_drawn_first_and_others_where_there_are_any(whole: Judged) -> None:
    like = whole.results[1]
    names = ("plan", "plan_with_feedback", "low_margin_tuned", "low_margin_ecosystem", "foresight", "premium")
    results = [synthetic(name, np.full(12, 20.0 - place), like) for place, name in enumerate(names)]
    results.append(synthetic("logs/x", np.full(12, 1.0), like))
    chosen = [player.name for player in cast_of({}, results, named=["logs/x"]).chosen]
    assert chosen[:3] == ["logs/x", "plan", "low_margin_tuned"]
    assert len(chosen) == MOST_CHOSEN
    always = [result for result in results if result.name in ("low_margin_tuned", "foresight", "logs/x")]
    assert [player.name for player in cast_of({}, always, named=["logs/x"]).chosen] == ["logs/x", "low_margin_tuned"]


def test_the_rule_that_scores_nothing_is_not_said_to_close_a_gap(whole: Judged) -> None:
    results = [result for result in whole.results if result.name in ("low_margin_tuned", "foresight")]
    cast = cast_of(whole.report, results)
    top = headline(cast, whole.report, 0)
    told = " ".join(top.sentences)
    assert "Tuned low margin scores 0 by definition" in told
    assert "closes" not in told
    assert next(fact.below for fact in top.facts if fact.what == "score") == "by definition"
