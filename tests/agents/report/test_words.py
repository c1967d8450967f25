from __future__ import annotations

from thinmargin_agents.report.words import MINUS, interval, money, number, of_worlds, percent, short_name, signed


def test_names_are_short_enough_for_a_picture() -> None:
    assert short_name("plan with feedback") == "plan with feedback"
    assert short_name("run ppo/Ecosystem-v1_1 and 2 more") == "run ppo…1_1 and 2 more"
    assert short_name("plan with feedback", ["plan with feedback"]) == "plan with feedback (2)"
    assert short_name("a\nb\x00") == "a?b?"
    assert short_name("", ["?"]) == "? (2)"
    assert len(short_name("w" * 99, [short_name("w" * 99)])) <= 22


def test_numbers_read_as_numbers() -> None:
    assert number(-1234.56) == f"{MINUS}1,234.6"
    assert number(-0.04) == "0.0"
    assert (signed(2.0), signed(-2.0), signed(0.01)) == ("+2.0", f"{MINUS}2.0", "0.0")
    assert number(None) == number(float("nan")) == percent(None) == interval(None) == "\N{EN DASH}"
    assert percent(0.256, 1) == "25.6\N{NO-BREAK SPACE}%"
    assert money(3.14159) == "RMB\N{NO-BREAK SPACE}3.1\N{NO-BREAK SPACE}bn"
    assert interval([1.0, -2.0]) == f"1.0 to {MINUS}2.0"


def test_a_share_that_is_neither_none_nor_all_does_not_read_as_if_it_were() -> None:
    space = "\N{NO-BREAK SPACE}"
    assert [percent(share, 1) for share in (0.0, 0.0002, 0.0006, 0.9997, 1.0)] == [
        f"{text}{space}%" for text in ("0.0", "<0.1", "0.1", ">99.9", "100.0")
    ]
    assert (percent(0.998), percent(0.002), percent(1.004)) == (f">99{space}%", f"<1{space}%", f"100{space}%")
    assert percent(-0.31) == f"{MINUS}31{space}%"


def test_shares_of_worlds_are_told_as_people_tell_them() -> None:
    space = "\N{NO-BREAK SPACE}"
    assert of_worlds(1.0, 8) == "all 8 worlds"
    assert of_worlds(0.0, 8) == "none of the 8 worlds"
    assert of_worlds(0.999, 512) == f">99{space}% of the 512 worlds"
    assert of_worlds(0.25, 8, 1) == f"25.0{space}% of the 8 worlds"
