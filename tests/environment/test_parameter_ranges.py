"""Whatever parameters are allowed, every number stays finite."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from thinmargin.parameters import Parameters
from thinmargin.records import GROUPS
from thinmargin.vector import EcosystemVectorEnv


def assert_finite(parameters: dict[str, Any], months: int) -> None:
    """Random play over one horizon, shaping and closing values included."""
    envs = EcosystemVectorEnv(3, reward="shaped", horizon=months, parameters=parameters)
    observations = envs.reset(seed=0)[0]
    for actions in np.random.default_rng(0).uniform(-1, 1, (months, 3, 4)):
        assert np.isfinite(observations).all()
        observations, rewards, _, _, infos = envs.step(actions)
        assert np.isfinite(rewards).all()
        books = infos["books"]
        assert all(np.isfinite(books[name]).all() for name in books.dtype.names or ())


SHARES = "group_share"
"""The parameter whose numbers sum to one: its ends are markets of one country group."""


@pytest.mark.slow
@pytest.mark.parametrize("end", ["low", "high"])
@pytest.mark.parametrize(
    "item", [item for item in fields(Parameters) if item.name != SHARES], ids=lambda item: item.name
)
def test_the_ends_of_every_range_are_safe(item: Any, end: str) -> None:
    number = float(item.metadata[end])
    assert_finite({item.name: (number,) * len(item.default) if isinstance(item.default, tuple) else number}, 30)


@pytest.mark.parametrize("group", range(GROUPS))
def test_an_overseas_market_of_one_country_group_is_safe(group: int) -> None:
    assert_finite({SHARES: tuple(float(group == other) for other in range(GROUPS))}, 60)


@pytest.mark.parametrize(
    "parameters",
    [
        {"credit_floor": 0.0, "credit_per_user": 0.0},
        {"discount_rate": 0.0, "closing_repurchase": 1.0},
        {"discount_rate": 0.0, "device_life_growth": 0.0},
        {"spending_floor": 0.0, "fixed_cost": 0.0, "release_cost": 0.0},
        {"inertia": 0.0, "inertia_span": 0.0, "awareness_span": 0.0, "imitation_strength": 0.0},
        {"overseas_effort": 1.0, "entry_months": 1.0, "coverage_rate": 0.1, "coverage_decay": 0.5},
        {"second_life": 1.0, "device_life": 6.0, "device_life_growth": 0.0},
    ],
    ids=", ".join,
)
def test_ends_of_several_ranges_at_once_are_safe(parameters: dict[str, float]) -> None:
    assert_finite(parameters, 40)
