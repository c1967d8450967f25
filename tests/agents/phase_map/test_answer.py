from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.agents.phase_map.small import SMALL, hand_made, hand_made_result
from tests.messages import lacks

from thinmargin_agents.phase_map.answer import answers, share_words, side_of
from thinmargin_agents.phase_map.assumptions import AS_CALIBRATED
from thinmargin_agents.phase_map.cells import MapCell
from thinmargin_agents.phase_map.hidden import HiddenWorlds, share_of
from thinmargin_agents.phase_map.judgements import judgement_tables, judgement_words, not_played
from thinmargin_agents.phase_map.results import Judgement, PhaseMapResult
from thinmargin_agents.phase_map.shipped import PREMIUM, THIN, Played
from thinmargin_agents.scoring.closing_rules import CLOSING_RULES

WORLDS = 40


def cells(thin_ahead: float) -> tuple[MapCell, ...]:
    """Worlds in this share of which thin is ahead."""
    first = round(thin_ahead * WORLDS)
    gaps = [10.0] * first + [-10.0] * (WORLDS - first)
    return tuple(cell for gap in gaps for cell in hand_made(SMALL, [[gap] * 2] * 2).cells[:1])


def by_rule(shares: Sequence[float]) -> dict[str, tuple[MapCell, ...]]:
    return {rule: cells(share) for rule, share in zip(CLOSING_RULES, shares, strict=True)}


def earned(*means: float) -> dict[str, dict[str, Any]]:
    names = (THIN, PREMIUM)
    return {
        name: dict.fromkeys(CLOSING_RULES, np.full((1, WORLDS), mean)) for name, mean in zip(names, means, strict=False)
    }


def result(shares: Sequence[float], **judgements: Sequence[float]) -> PhaseMapResult:
    found = by_rule(shares)
    worlds = HiddenWorlds(np.zeros(WORLDS), np.zeros(WORLDS), np.ones(WORLDS, np.bool_), 0.0, found)
    judged = [Judgement(AS_CALIBRATED, found, Played(earned(2.0, 1.0), {"ppo": "it is old"}))] if judgements else []
    judged += [
        Judgement(name.replace("_", " "), by_rule(shares), Played(earned(1.0), {}))
        for name, shares in judgements.items()
    ]
    return hand_made_result([[-1.0, 1.0], [2.0, 3.0]], hidden=worlds, judgements=tuple(judged))


def test_the_answer_states_the_share_under_every_rule_with_its_interval() -> None:
    first = answers(result((0.8, 0.9, 0.1)))[0]
    assert not lacks(
        first, "In 80 % [", "in 90 % [", "in 10 % [", "40 hidden validation worlds", "which is what is scored"
    )
    assert first.index("80 %") < first.index("a fixed playbook") < first.index("the years run alone")


def test_whether_it_hangs_on_the_rule_is_said_of_intervals_and_not_of_shares() -> None:
    hangs = " ".join(answers(result((0.8, 0.9, 0.1))))
    assert "It hangs on what counts behind the horizon" in hangs
    assert not lacks(
        hangs, "thin if the firm's own last year", "thin if a fixed playbook", "premium if the years run alone"
    )
    assert "It does not hang on what counts" in " ".join(answers(result((0.8, 0.9, 0.75))))


@pytest.mark.parametrize("shares", [(0.5, 0.5, 0.5), (0.55, 0.9, 0.9), (0.1, 0.55, 0.1)])
def test_without_two_sides_that_are_surely_ahead_nothing_hangs_on_the_rule(shares: Sequence[float]) -> None:
    said = " ".join(answers(result(shares)))
    assert not lacks(said, "cannot be told from so many worlds (40)", "neither if")
    assert "It hangs on" not in said
    assert "It does not hang on" not in said


@pytest.mark.parametrize(("share", "side"), [(0.9, "thin"), (0.1, "premium")])
def test_one_side_under_every_rule_does_not_hang_on_it(share: float, side: str) -> None:
    said = " ".join(answers(result((share,) * 3)))
    assert not lacks(said, "It does not hang on what counts", f"{side} is ahead in most worlds by every rule")


def test_policies_that_could_not_be_played_are_told_with_where() -> None:
    found = result((0.8, 0.9, 0.1), no_reaction=(1.0, 1.0, 1.0), fast_learning=(1.0, 1.0, 1.0))
    missing: list[dict[str, str]] = [{}, {"ppo": "it is old"}, {"ppo": "it is old", "plan": "it is lost"}]
    judged = [
        replace(item, played=replace(item.played, missing=each))
        for item, each in zip(found.judgements, missing, strict=True)
    ]
    assert not_played(judged) == [
        ("ppo", "it is old", " (no reaction, fast learning)"),
        ("plan", "it is lost", " (fast learning)"),
    ]
    words = judgement_words(replace(found, judgements=tuple(judged)))
    assert words[-1] == "Could not be played: ppo (no reaction, fast learning); plan (fast learning)."
    everywhere = [replace(item, played=replace(item.played, missing={"ppo": "it is old"})) for item in judged]
    assert judgement_words(replace(found, judgements=tuple(everywhere)))[-1] == "Could not be played: ppo."


def test_the_effort_of_judgements_is_told_beside_that_of_the_others() -> None:
    found = result((0.8, 0.9, 0.1), no_reaction=(1.0, 1.0, 1.0))
    assert not lacks(
        " ".join(judgement_words(found)), "from 2 starts, 4 generations each", "half the generations (2)",
        "from what was found without them",
    )  # fmt: skip


def test_judgements_that_leave_the_side_open_are_not_said_to_change_nothing() -> None:
    said = " ".join(answers(result((0.5, 0.5, 0.5), no_reaction=(0.55, 0.5, 0.5))))
    assert "under none of them can it be told which side is ahead" in said


def test_how_much_is_earned_late_is_of_both_sides() -> None:
    late = next(words for words in answers(result((1.0, 1.0, 1.0))) if words.startswith("A thin rule earns late"))
    assert not lacks(late, "thin levers 45 %", "premium ones 20 %")


def test_the_judgement_that_moves_most_is_named_and_which_change_the_side() -> None:
    found = result(
        (0.8, 0.9, 0.1), no_reaction=(1.0, 1.0, 1.0), much_imitation=(0.1, 0.1, 0.0), slow_learning=(0.5, 0.5, 0.0)
    )
    words = next(words for words in answers(found) if "judgements made otherwise" in words)
    assert not lacks(words, "Of 3 judgements", "much imitation moves the share most", "from 80 to 10 % [")
    assert "changes to premium with much imitation; to neither with slow learning" in words
    none = next(
        words for words in answers(result((0.8, 0.9, 0.1), no_reaction=(1.0, 1.0, 1.0))) if "made otherwise" in words
    )
    assert "none changes which side is ahead" in none


def test_shipped_rules_are_told_beside() -> None:
    found = result((0.8, 0.9, 0.1), no_reaction=(1.0, 1.0, 1.0))
    words = next(words for words in answers(found) if "rules that ship" in words)
    assert not lacks(words, THIN, PREMIUM, "100 % [91, 100] if the firm's own last year")
    best, shipped = judgement_tables(found)
    assert [row[0] for row in best[1]] == [row[0] for row in shipped[1]] == ["as calibrated", "no reaction"]
    assert best[1][0][1].startswith("80 % [")
    assert best[1][1][-1] == "+10"
    assert shipped[1][0][1:4] == ["100 % [91, 100]"] * 3
    assert shipped[1][0][4:6] == ["2", "1"]
    assert shipped[1][1][1:4] == ["-"] * 3
    assert judgement_words(found)[-1] == "Could not be played: ppo (as calibrated)."


@pytest.mark.parametrize(("share", "side"), [(0.9, "thin"), (0.1, "premium"), (0.5, "neither")])
def test_a_side_is_ahead_in_most_worlds_only_if_the_interval_says_so(share: float, side: str) -> None:
    assert side_of(share_of(np.arange(WORLDS) < share * WORLDS)) == side


@pytest.mark.parametrize(("thin", "of", "words"), [(0, 100, "0 % [0, 4]"), (1, 1, "100 % [21, 100]")])
def test_a_share_of_nothing_or_of_all_is_not_certain(thin: int, of: int, words: str) -> None:
    assert share_words(share_of(np.arange(of) < thin)) == words


def test_one_world_does_not_say_which_side_is_ahead_in_most() -> None:
    assert side_of(share_of(np.ones(1, np.bool_))) == "neither"


def test_without_hidden_worlds_only_the_calibrated_firm_is_told() -> None:
    found = answers(hand_made_result([[-1.0, 1.0], [2.0, 3.0]], others=[[-2.0, -2.0], [-2.0, -2.0]]))
    assert len(found) == 1
    assert not lacks(found[0], "The calibrated firm", "-2 if a fixed playbook follows")
