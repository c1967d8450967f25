"""Families of worlds that are played in step give what each gives alone."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from thinmargin.baselines import baseline
from thinmargin.settings import Closing
from thinmargin_agents.play.outcome import Outcome
from thinmargin_agents.play.rollout import play_families, play_worlds

KEYS = range(1_000_000, 1_000_005)
FAMILIES = ["price_war", "benchmark", "demand_slump"]


def assert_the_same(one: Outcome, other: Outcome) -> None:
    for field in fields(Outcome):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, dict):
            assert list(a) == list(b)
            for name, numbers in a.items():
                np.testing.assert_array_equal(numbers, b[name], err_msg=f"{field.name}: {name}")
        else:
            np.testing.assert_array_equal(a, b, err_msg=field.name)


@pytest.mark.parametrize(
    ("name", "closing"), [("plan", "own_levers"), ("plan", "none"), ("mass_marketing", "playbook")]
)
def test_each_family_is_played_as_if_alone(name: str, closing: Closing) -> None:
    policy, settled = baseline(name), [0]

    def progress(months: int) -> None:
        settled[0] += months

    together = play_families(policy, KEYS, FAMILIES, horizon=40, closing=closing, progress=progress)
    assert settled == [len(FAMILIES) * len(KEYS) * 40]
    for found, worlds in zip(together, FAMILIES, strict=True):
        alone = play_worlds(policy, KEYS, worlds=worlds, horizon=40, closing=closing, all_rules=True)
        assert_the_same(found, alone)


@pytest.mark.parametrize("closing", ["own_levers", "playbook", "none"])
def test_the_rule_that_pays_is_the_same_whether_others_are_asked_or_not(closing: Closing) -> None:
    policy = baseline("plan")
    one, all_rules = (
        play_worlds(policy, KEYS, horizon=30, closing=closing, all_rules=several) for several in (False, True)
    )
    for name in ("value", "profit_part", "closing_part", "bankrupt", "months"):
        np.testing.assert_array_equal(getattr(one, name), getattr(all_rules, name))
    assert list(all_rules.closing_rules) == ["own_levers", "playbook"]
    assert (one.closing_part > 0.0).all() == (closing != "none")
    if closing != "none":
        np.testing.assert_allclose(all_rules.closing_rules[closing], one.closing_part, rtol=1e-12)


def test_nothing_to_play_is_refused() -> None:
    with pytest.raises(ValueError, match="0 keys and 3 families are given"):
        play_families(baseline("plan"), [], FAMILIES)
    with pytest.raises(ValueError, match="5 keys and 0 families are given"):
        play_families(baseline("plan"), KEYS, [])
