from __future__ import annotations

import numpy as np
import pytest

from thinmargin.settings import SCORED
from thinmargin_agents.scoring.closing_rules import (
    CLOSING_RULES,
    order_under,
    rule_of,
    rules_summary,
    same_order,
    values_under,
)
from thinmargin_agents.scoring.score import FORESIGHT

YEARS = np.array([[10.0, 20.0]])


def test_every_rule_adds_what_it_pays_to_the_same_years() -> None:
    value = values_under(YEARS, {"own_levers": np.array([[5.0, 0.0]]), "playbook": np.array([[1.0, 2.0]])})
    assert list(value) == list(CLOSING_RULES)
    assert {rule: numbers.tolist() for rule, numbers in value.items()} == {
        "own_levers": [[15.0, 20.0]],
        "playbook": [[11.0, 22.0]],
        "years": [[10.0, 20.0]],
    }
    assert values_under(YEARS, {}) == {}


def test_a_rule_is_found_by_what_the_environment_pays() -> None:
    assert rule_of(SCORED).name == "own_levers"
    assert rule_of("none").name == "years"


def test_means_differences_and_intervals_are_those_of_each_rule() -> None:
    worlds = np.linspace(-1.0, 1.0, 40)
    value = {"own_levers": np.stack([worlds, worlds + 1.0]), "years": np.stack([worlds, worlds])}
    found = rules_summary(value, {"own_levers": worlds[None] - 2.0, "years": worlds[None]}, 0)
    assert found["own_levers"]["J_mean"] == pytest.approx(0.5)
    assert found["own_levers"]["diff_mean"] == pytest.approx(2.5)
    assert found["own_levers"]["diff_ci95"] == pytest.approx([2.0, 3.0])
    low, high = found["years"]["J_ci95"]
    assert low < found["years"]["J_mean"] < high
    assert found["years"]["diff_ci95"] == [0.0, 0.0]
    assert rules_summary(value, None, 0)["years"]["diff_mean"] is None
    assert rules_summary({}, value, 0) == {}


def test_the_order_is_that_of_each_rule_and_foresight_has_no_place_in_it() -> None:
    def flat(*means: float) -> dict[str, np.ndarray]:
        return {rule: np.full((1, 3), mean) for rule, mean in zip(CLOSING_RULES, means, strict=True)}

    orders = order_under({"a": flat(1.0, 2.0, 3.0), "b": flat(2.0, 1.0, 2.0), FORESIGHT: flat(9.0, 9.0, 9.0)})
    assert orders == {"own_levers": ["b", "a"], "playbook": ["a", "b"], "years": ["a", "b"]}
    assert not same_order(list(orders.values()))
    assert same_order([orders["playbook"], orders["years"]])
    assert order_under({"a": {}, FORESIGHT: flat(1.0, 1.0, 1.0)}) == {}
