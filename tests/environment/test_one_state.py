"""The world of one state: the constants that it is made of. Its optimum is published, so they must stay."""

from __future__ import annotations

import math

import numpy as np

from thinmargin.parameters import CLOSING_BOOK, NEVER, SINCE_EVER, Parameters, economy_record
from thinmargin.records import FIRMS, HOME, OVERSEAS, SEAT
from thinmargin.scenarios import FAMILIES

RIVAL = FIRMS - 1
OFF = (
    "adoption_innovation", "adoption_imitation", "second_life", "device_life_growth", "category_elasticity",
    "replacement_elasticity", "awareness_span", "imitation_strength", "inertia_span", "fan_value", "fan_updates",
    "fan_stockout", "engagement_span", "venture_success", "learning", "spec_drift", "model_decline", "holding",
    "tax_rate", "demand_sd", "component_sd", "war_rate", "brand_rate", "hit_sd", "firm_breadth", "play_reaction",
    "play_accessories", "play_marketing",
)  # fmt: skip
"""What is switched off, as docs/exact.md says."""
ONE = ("fan_months_up", "fan_months_down", "engagement_floor", "headroom", "markup_speed")
"""Speeds and factors at which nothing lags and nothing is added."""
GIVEN = {
    "price_slope": 4.0, "inertia": 2.0, "device_life": 15.0, "base_start": [100.0, 1.0],
    "services_ceiling": [90.0, 0.0],
    "firm_unit_cost": 900.0, "firm_start_markup": 0.1, "firm_capacity": 100.0, "firm_cash": 1e6, "services_half": 1e-12,
    "forecast_months": math.inf, "play_updates": 0.25,
}  # fmt: skip
"""The size of the market, phones and firms, the same for every firm."""
BY_FIRM = ("firm_start_share", "firm_brand", "firm_online", "firm_entry", "play_markup", "research_late")


def test_the_world_of_one_state_is_made_of_these_constants() -> None:
    world = FAMILIES["one_state"].draw(7, 1).economy
    for names, value in ((OFF, 0.0), (ONE, 1.0)):
        for name in names:
            assert np.all(world[name] == value), name
    for name, number in GIVEN.items():
        assert np.array_equal(world[name], np.broadcast_to(number, world[name].shape)), name
    assert world["research_late"] == world["research_share"]
    others = [name for name in world.dtype.names or () if name not in {*OFF, *ONE, *GIVEN, *BY_FIRM}]
    for name in others:
        assert np.array_equal(world[name], economy_record(Parameters())[name], equal_nan=True), name


def test_two_firms_of_the_world_of_one_state_sell_the_same_phone_and_the_others_none() -> None:
    world = FAMILIES["one_state"].draw(7, 1).economy
    others = [firm for firm in range(FIRMS) if firm not in (SEAT, RIVAL)]
    assert world["firm_start_share"][SEAT].tolist() == [0.002, 0.0]
    assert world["firm_start_share"][RIVAL].tolist() == [0.998, 1.0]
    assert world["firm_start_share"][others].tolist() == [[0.0, 0.0]] * 2
    assert (world["firm_brand"] == 0.0).all()
    assert (world["firm_online"][[SEAT, RIVAL]] == 1.0).all()
    assert (world["firm_online"][others] == 0.0).all()
    assert (world["firm_entry"][RIVAL] == SINCE_EVER).all()
    assert (world["firm_entry"][[SEAT, *others]] == NEVER).all()
    assert world["play_markup"][CLOSING_BOOK] == 0.3
    assert (np.delete(world["play_markup"], CLOSING_BOOK) == 0.1).all()
    assert (HOME, OVERSEAS) == (0, 1)
