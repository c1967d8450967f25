"""The first paragraph of the page: what the best policy does, why it earns more, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.messages import lacks
from tests.reporting import Judged, Remembering, hand_coded, judged, run_of, synthetic

from thinmargin_agents.play.outcome import FIRST_YEAR
from thinmargin_agents.report.roles import cast_of
from thinmargin_agents.report.sections.answer import answer, phases_of
from thinmargin_agents.report.sections.headline import headline
from thinmargin_agents.scoring.comparison import Result

YEARS, WORLDS = 15, 4


def following(name: str, markup: Any, like: Result, mean: float = 10.0, **changes: Any) -> Result:
    """A result whose markup over the years is this, %, in every world, with steady other levers."""
    path = np.broadcast_to(np.asarray(markup, np.float64), (YEARS,))
    tracks = {key: np.zeros((YEARS, WORLDS)) for key in like.tracks}
    tracks["applied_price"] = np.tile(path[:, None] / 100.0, (1, WORLDS))
    levers: Mapping[str, float] = {"applied_accessories": 0.012, "applied_marketing": 0.034, "applied_updates": 2.7}
    tracks |= {lever: np.full((YEARS, WORLDS), value) for lever, value in levers.items()}
    lines = {line: np.zeros((1, WORLDS)) for line in like.lines}
    lines |= {"device_profit": np.full((1, WORLDS), mean), **changes.pop("lines", {})}
    found = synthetic(name, np.full(WORLDS, mean), like, tracks=tracks, lines=lines)
    return replace(found, months=np.full((1, WORLDS), 180), **changes)


def told(*results: Result) -> str:
    cast = cast_of({}, results)
    top = headline(cast, {}, 0)
    return " ".join([top.lead, *top.answer]).replace("\N{NO-BREAK SPACE}", " ").replace("\N{MINUS SIGN}", "-")


SKIMS = [15, 24, 22, *[3] * 6, 3, 5, 9, 12, 15, 18]
PATHS: dict[str, tuple[Any, str]] = {
    "thin": (3.0, "sells thin throughout, at a markup of about 3 %"),
    "premium": (45.0, "keeps a markup of about 45 % throughout"),
    "falling": ([12, *np.linspace(50, 20, 14)], "never goes thin: its markup goes from 50 % in 2013 to 20 % in 2026"),
    "skims, thins, harvests": (
        SKIMS,
        "skims until 2014 at a markup of about 23 %, goes thin from 2015 at about 3 % and harvests from 2023, up",
    ),
    "skims, thins": (
        [20] * 4 + [-5] * 11,
        "skims until 2015 at a markup of about 20 % and goes thin from 2016 at about -5 %",
    ),
    "thin, then harvests": (
        [0] * 8 + [20] * 7,
        "starts thin, at a markup of about 0 % and harvests from 2020, up to 20 % in 2026",
    ),
    "ripens below thin": (
        [-6] * 10 + [-4, -1, 2, 4, 6],
        "starts thin, at a markup of about -6 % and lets prices ripen from",
    ),
    "ripens first, then harvests": (
        [15, 24, 22, *[-7] * 7, -2, 3, 7, 12, 21],
        "goes thin from 2015 at about -6 %, lets prices ripen from 2023 and harvests from 2025, up to 21 % in 2026",
    ),
    "harvests in the last year": (
        [15, 24, 22, *[-7] * 8, -4, -1, 3, 11],
        "goes thin from 2015 at about -7 %, lets prices ripen from 2024 and harvests at 11 % in 2026",
    ),
    "to and fro": (
        [3] * 4 + [30] * 4 + [3] * 4 + [30] * 3,
        "about 3 %, sells dearer from 2016 at about 30 %, goes thin from 2020 at about 3 % and harvests from 2024",
    ),
}


@pytest.mark.parametrize(("markup", "words"), PATHS.values(), ids=PATHS)
def test_what_the_best_policy_does_is_read_from_its_years(whole: Judged, markup: Any, words: str) -> None:
    like = whole.results[1]
    for name in ("mine", "premium", "ppo"):  # whatever it is called
        text = told(following(name, markup, like), following("low_margin_tuned", 1.0, like, 4.0))
        assert words in text
        assert not lacks(
            text, "Accessory tickets take about 1.2 % of revenue", "selling and marketing takes about 3.4 %",
            "software releases come at about 2.7 a month",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("updates", "words"),
    [
        ([1.0, 2, 3, 4, 4, *np.linspace(3.5, 2.5, 10)],
         "software releases rise from 1.0 a month in 2012 to 4.0 a month in 2015 and fall to 2.5 a month in 2026"),
        ([4.0, 3, 1, 1, 2, *np.linspace(2.5, 3.5, 10)],
         "software releases fall from 4.0 a month in 2012 to 1.0 a month in 2014 and rise to 3.5 a month in 2026"),
        (np.linspace(1.0, 4.0, 15), "software releases rise from 1.0 a month in 2012 to 4.0 a month in 2026"),
    ],
    ids=["a peak", "a hollow", "a rise"],
)  # fmt: skip
def test_a_lever_that_turns_is_told_by_way_of_its_highest_or_lowest(whole: Judged, updates: Any, words: str) -> None:
    like = whole.results[1]
    best = following("mine", 3.0, like)
    worlds = best.tracks["applied_updates"].shape[1]
    best.tracks["applied_updates"] = np.repeat(np.asarray(updates, float)[:, None], worlds, axis=1)
    assert words in told(best, following("low_margin_tuned", 1.0, like, 4.0))


def test_a_single_odd_year_is_no_phase() -> None:
    assert [phase.thin for phase in phases_of(np.array([20.0, 20, 5, 20, 20]))] == [False]
    assert [phase[:3] for phase in phases_of(np.array([20.0, 20, 5, 5, 5, 9, 5]))] == [
        (False, FIRST_YEAR, FIRST_YEAR + 1),
        (True, FIRST_YEAR + 2, FIRST_YEAR + 6),
    ]
    assert phases_of(np.full(3, np.nan)) == []


def test_money_is_told_by_lines_that_sum_to_the_difference(whole: Judged) -> None:
    like = whole.results[1]
    lines = {
        "device_profit": np.full((1, WORLDS), -3.0), "services_profit": np.full((1, WORLDS), 20.0),
        "tax": np.full((1, WORLDS), -2.0), "holding": np.full((1, WORLDS), -0.2),
    }  # fmt: skip
    best = following("plan", 3.0, like, 14.8, lines=lines)
    text = told(best, following("low_margin_tuned", 1.0, like, 4.0))
    assert (
        "Against tuned low margin it earns RMB 10.8 bn more: services +20.0, tax -2.0, phones -7.0 and all other"
        in text
    )
    assert "all other lines -0.2." in text
    assert "rests on 4 worlds, the same for every policy: it earns more than tuned low margin in all 4 worlds." in text


@pytest.mark.usefixtures("intervals_of_few")
def test_the_anchor_itself_can_win(whole: Judged) -> None:
    like = whole.results[1]
    text = told(following("low_margin_tuned", 1.0, like, 9.0), following("plan", 30.0, like, 4.0))
    assert not lacks(
        text, "Tuned low margin wins", "sells thin throughout", "itself the rule that the others are compared"
    )
    assert "Against fixed plan it earns RMB 5.0 bn more: phones +5.0" in text


def test_a_policy_alone_is_told_by_its_own_lines(whole: Judged) -> None:
    text = told(following("low_margin_tuned", 1.0, whole.results[1], 9.0))
    assert "Its J of RMB 9.0 bn is made of phones 9.0." in text
    assert "That rests on 4 worlds." in text


def test_a_winner_that_goes_bankrupt_is_nothing_to_follow(whole: Judged) -> None:
    like = whole.results[1]
    broke = {"bankrupt": np.ones((1, WORLDS), np.bool_)}
    best = following("mine", 3.0, like, -1.0, **broke)
    best.tracks["applied_price"][3:] = np.nan
    best = replace(best, months=np.full((1, WORLDS), 31))
    text = told(best, following("low_margin_tuned", 1.0, like, -4.0, **broke))
    assert "it goes bankrupt in all 4 worlds, in the median after 31 months" in text
    assert "nothing to follow" in text


@pytest.mark.slow
def test_winners_that_were_played_are_told_by_what_they_did() -> None:
    plan = judged(hand_coded("plan", "low_margin_tuned"), worlds=4)
    constant = judged(hand_coded("premium", "do_nothing"), worlds=4)
    learned = judged([run_of(Remembering(0.3), Remembering(0.4), name="logs/x_1"), *hand_coded("do_nothing")], worlds=4)
    texts = [" ".join(answer(cast_of(found.report, found.results), 0)) for found in (plan, constant, learned)]
    texts = [text.replace("\N{NO-BREAK SPACE}", " ") for text in texts]
    assert not lacks(texts[0], "skims until 2014", "goes thin from 2015", "harvests ", "Against tuned low margin")
    assert not lacks(texts[1], "keeps a markup of about 45 % throughout", "Against do nothing")
    assert not lacks(texts[2], "never goes thin", "4 worlds, the same for every policy, and 2 training seeds of it")


def test_a_bankrupt_one_that_was_played_is_told_too() -> None:
    found = judged(hand_coded("do_nothing"), worlds=3)
    text = " ".join(answer(cast_of(found.report, found.results), 0)).replace("\N{NO-BREAK SPACE}", " ")
    assert not lacks(text, "goes bankrupt in all 3 worlds", "nothing to follow", "sells thin throughout")
