"""Whatever parameters are allowed, every number stays finite and no price, stock or share falls below zero."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

import gymnasium
import numpy as np
import pytest

from thinmargin.parameters import Parameters
from thinmargin.records import GROUPS, PRICE
from thinmargin.settings import Settings
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
        {"services_margin": 0.0, "services_margin_late": 0.0, "services_margin_scale": 1.0},
        {"stock_paid": 1.0, "cover_months": 12.0},
        {"open": 0.05, "voice_half": 2.0, "word_of_mouth": 0.0},
    ],
    ids=", ".join,
)
def test_ends_of_several_ranges_at_once_are_safe(parameters: dict[str, float]) -> None:
    assert_finite(parameters, 40)


@pytest.mark.parametrize(
    ("parameters", "months"),
    [
        ({"brand_rate": 1.0, "brand_drop": 5.0, "brand_decay": 0.001}, 180),
        ({"brand_rate": 0.5, "brand_drop": 2.0, "brand_decay": 0.02}, 60),
        ({"demand_sd": 0.8, "demand_persistence": 0.999}, 600),
        ({"component_sd": 1.0, "component_persistence": 0.999}, 600),
        ({"spec_drift": 0.02}, 600),
        ({"hit_sd": 2.0}, 600),
    ],
    ids=str,
)
def test_shocks_that_pile_up_leave_numbers_worlds_and_states_that_can_be_used(
    parameters: dict[str, float], months: int
) -> None:
    envs = EcosystemVectorEnv(6, horizon=months, parameters=parameters)
    observations = envs.reset(seed=0)[0]
    for month, actions in enumerate(np.random.default_rng(0).uniform(-1, 1, (months, 6, 4))):
        observations, rewards, *_, infos = envs.step(actions)
        assert np.isfinite(observations).all()
        assert np.isfinite(rewards).all()
        assert np.isfinite(infos["books"].view(np.float64)).all()
        if month % 12 == 0:
            envs.set_state(envs.get_state())
    family = Settings(horizon=months, parameters=parameters).family()
    envs.reset(options={"world": [family.draw(key, months) for key in range(6)]})


@pytest.mark.parametrize(
    "number",
    [10**400, -(10**400), b"5", "5", None, True, math.nan, math.inf, [4.0], 4.0 + 0.0j],
    ids=lambda item: repr(item)[:9],
)
def test_a_constant_that_is_no_number_in_range_is_named(number: Any) -> None:
    with pytest.raises(ValueError, match=r"Parameters.price_slope is .*(allowed are|must be one number)"):
        EcosystemVectorEnv(1, parameters={"price_slope": number})
    with pytest.raises(ValueError, match=r"Parameters.users_ceiling is .*(allowed are|must be 2 numbers)"):
        EcosystemVectorEnv(1, parameters={"users_ceiling": b"zz" if isinstance(number, bytes) else (100.0, number)})


ABOVE_ZERO = ("price", "unit_cost", "base_cost", "price_index")
NEVER_BELOW_ZERO = (
    "users", "second_users", "coverage", "reach", "adstock", "user_years", "imitation", "fans", "engagement", "output",
    "capacity", "inventory", "forecast", "seeded", "growing", "breadth",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    "parameters",
    [
        {"component_sd": 1.0, "component_persistence": 0.999, "pass_through": 0.75, "pass_months": 1.0},
        {"component_sd": 1.0, "component_persistence": 0.999, "pass_through": 0.0, "price_slope": 12.0},
        {"spec_drift": 0.02, "replacement_elasticity": -2.0, "category_elasticity": -2.0, "price_slope": 12.0},
        {"spec_drift": -0.02, "learning": 1.0, "incompressible": 0.0},
        {"range_gap": 0.03, "range_start": 0.0, "range_mix": 0.95},
        {"demand_sd": 1.0, "demand_persistence": 0.999, "device_life": 6.0},
        {"research_share": 1.0, "research_late": 1.0, "admin_share": 1.0},
        {"research_late": 0.0, "research_start": 0.0, "research_months": 1.0},
    ],
    ids=", ".join,
)
def test_no_price_or_stock_leaves_its_bounds_in_fifty_years_of_the_lowest_and_the_highest_markups(
    parameters: dict[str, float],
) -> None:
    rich = {"credit_floor": 1e5, "credit_per_user": 5000.0}
    envs = EcosystemVectorEnv(3, horizon=600, parameters=parameters | rich)
    envs.reset(seed=1)
    for month, actions in enumerate(np.random.default_rng(1).uniform(-1, 1, (600, 3, 4))):
        actions[0, PRICE], actions[1, PRICE] = -1.0, 1.0
        observations, rewards, _, _, infos = envs.step(actions)
        assert np.isfinite(observations).all()
        assert np.isfinite(rewards).all()
        books, states = infos["books"], envs.get_state()["states"]
        assert all(np.isfinite(books[name]).all() for name in books.dtype.names or ())
        assert all(np.isfinite(states[name]).all() for name in states.dtype.names or ())
        assert all((states[name] > 0.0).all() for name in ABOVE_ZERO), month
        assert all((states[name] >= -1e-12 * abs(states[name]).max()).all() for name in NEVER_BELOW_ZERO), month
        if month % 100 == 50:
            for rule in ("own_levers", "playbook"):
                assert not (envs.closing_values(rule) < 0.0).any()


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("pass_through", 0.8, "0 to 0.75"),  # a firm would earn more of each RMB of sales when components are dear
        ("range_mix", 1.0, "0 to 0.95"),  # nothing would be left at home to bear the price
        ("range_gap", -0.02, "-0.01 to 0.03"),
        ("open", 0.0, "0.05 to 1"),
        ("voice_half", 0.0, "0.005 to 2"),
        ("research_late", -0.01, "0 to 1"),
        ("research_months", 0.0, "1 to 600"),
        ("services_margin_scale", 0.0, "1 to 1e+07"),
        ("pass_months", 0.5, "1 to 60"),
        ("stock_paid", 1.5, "0 to 1"),
        ("replacement_elasticity", 0.1, "-2 to 0"),
    ],
)
def test_constants_that_would_break_a_bound_are_refused_by_name(name: str, value: float, allowed: str) -> None:
    with pytest.raises(ValueError, match=name) as error:
        gymnasium.make("thinmargin:ThinMargin/Ecosystem-v1", parameters={name: value})
    assert str(value) in str(error.value)
    assert allowed in str(error.value)


def test_country_groups_that_are_not_the_whole_overseas_market_are_refused() -> None:
    with pytest.raises(ValueError, match=r"group_share .* sum must be 1"):
        gymnasium.make("thinmargin:ThinMargin/Ecosystem-v1", parameters={SHARES: (0.5, 0.5, 0.5, 0.0)})


def test_research_that_shrinks_and_overhead_above_revenue_are_allowed() -> None:
    """They cost money or save some: nothing becomes negative that must not be."""
    assert Parameters(research_late=0.0).research_late < Parameters().research_share
    assert_finite({"research_late": 1.0, "admin_share": 1.0, "research_start": 0.0, "research_months": 1.0}, 30)
