"""Every policy and quantity that people read about has a name for people, and every policy a look of its own."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from tests.contrast import contrast, luminance, mixed

from thinmargin.baselines import BASELINES
from thinmargin.history import COMPARED
from thinmargin.names import POLICIES, QUANTITIES, policy_name, quantity_name, quantity_with_id, with_id
from thinmargin.palette import DASHES, FREE, HUES, LOOKS, TONES, looks_of
from thinmargin.records import LEVERS


def test_every_built_in_policy_has_a_name() -> None:
    assert set(POLICIES) >= {*BASELINES, "foresight"}
    assert len(set(POLICIES.values())) == len(POLICIES)
    assert all(len(words) <= 22 and "_" not in words for words in POLICIES.values())


def test_every_lever_and_series_has_a_name() -> None:
    assert set(QUANTITIES) >= {*(lever.name for lever in LEVERS), *(compared.name for compared in COMPARED)}
    assert not any("_" in words for words in QUANTITIES.values())
    assert quantity_name("mau") == "monthly active users"
    assert quantity_with_id("asp") == "average selling price (asp)"
    assert quantity_with_id("profit") == "profit"
    assert quantity_name("some_thing") == "some thing"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("low_margin_tuned", "tuned low margin"),
        ("ppo:0", "PPO + feedback, seed 0"),
        ("ppo:0,ppo:3", "PPO + feedback, seeds 0 and 3"),
        ("ppo:0, ppo:1, ppo:2", "PPO + feedback, seeds 0, 1 and 2"),
        ("/home/me/logs/ppo/Ecosystem-v1_1", "run ppo/Ecosystem-v1_1"),
        ("logs/ppo/E_1,logs/ppo/E_2,logs/ppo/E_3", "run ppo/E_1 and 2 more"),
        ("policies/mine.py:CostPlus", "CostPlus of mine.py"),
        ("mine", "mine"),
        ("plan:x", "fixed plan, seed x"),
        ("", ""),
    ],
)
def test_whatever_names_a_policy_has_words(name: str, words: str) -> None:
    assert policy_name(name) == words
    assert with_id(name) == (name if words == name else f"{words} ({name})")


def test_a_name_is_one_line_and_whole() -> None:
    assert policy_name("a\udcff\x00b") == with_id("a\udcff\x00b") == r"a\udcff\x00b"
    assert with_id("logs/x\x1b[2J/one\nFAKE") == r"run x\x1b[2J/one\nFAKE (logs/x\x1b[2J/one\nFAKE)"
    long = "logs/" + "x" * 200 + "/one"
    assert long in with_id(long)


def test_no_two_policies_that_ship_look_the_same() -> None:
    assert set(LOOKS) == set(POLICIES)
    assert len(set(LOOKS.values())) == len(LOOKS)
    assert not set(FREE) & set(LOOKS.values())
    assert {look.hue for look in LOOKS.values()} <= set(HUES)
    assert len(set(DASHES)) == len(DASHES)


def test_a_policy_looks_the_same_whoever_else_is_in_the_picture() -> None:
    own = ["logs/ppo/Ecosystem-v1_1", "mine.py:Thrifty", "z"]
    for name in own:
        alone = looks_of([name])[name]
        assert looks_of([name, "plan", "ppo", "foresight"])[name] == looks_of(["ppo", name])[name] == alone
    for name in LOOKS:
        assert looks_of([*own, name])[name] == looks_of([name])[name]
    assert looks_of(["ppo:3"])["ppo:3"] == looks_of(["ppo"])["ppo"]
    together = looks_of([*own, *LOOKS, "ppo:0", "ppo:1"])
    assert len(set(together.values())) == len(together)
    assert together == looks_of(reversed([*own, *LOOKS, "ppo:0", "ppo:1"]))


def test_more_policies_than_looks_still_have_one() -> None:
    names = [f"run {number}" for number in range(60)]
    assert set(looks_of(names)) == set(names)


@pytest.mark.parametrize("side", ["light", "dark"])
def test_colours_are_told_from_what_they_stand_on(side: str) -> None:
    tone = {name: getattr(found, side) for name, found in TONES.items()}
    months = ("early", "middle", "late", "last")
    for ground in ("paper", "pale", "warning"):
        for letters in ("ink", "grey", "blue"):
            assert contrast(tone[letters], tone[ground]) >= 4.5, (letters, ground)
        for hue in (*HUES, *months):
            assert contrast(tone[hue], tone[ground]) >= 3.0, (hue, ground)
    for cell in ("bad", "good"):
        for share in (0.25, 0.5, 1.0):
            assert contrast(tone["ink"], mixed(tone[cell], tone["paper"], share)) >= 4.5, (cell, share)
    assert [luminance(tone[month]) for month in months] == sorted(
        (luminance(tone[month]) for month in months), reverse=True
    )


def test_hues_can_be_told_apart_in_grey_or_by_their_dashes() -> None:
    looks = sorted(LOOKS.values(), key=lambda look: luminance(look.color))
    assert all(one.hue != other.hue or one.dashes != other.dashes for one, other in pairwise(looks))


def test_commas_in_the_name_of_a_folder_join_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    one, two = (Path("runs, a,b", "ppo", f"Ecosystem-v1_{number}") for number in (1, 2))
    for path in (one, two):
        path.mkdir(parents=True)
    assert policy_name(str(one)) == "run ppo/Ecosystem-v1_1"
    assert policy_name(f"{one},{two}") == "run ppo/Ecosystem-v1_1 and 1 more"
