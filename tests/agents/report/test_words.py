from __future__ import annotations

from thinmargin_agents.report.words import MINUS, interval, money, number, percent, short_name, signed


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
