from __future__ import annotations

import math

import pytest

from thinmargin.economics.cost_and_price import (
    capped_markup,
    component_price,
    experience_curve,
    list_price,
    markup_step,
    model_life_cost,
)


def test_the_first_phone_costs_the_whole_unit_cost() -> None:
    assert experience_curve(0.0, 12.0, 0.2345, 0.6) == pytest.approx(1.0)


def test_experience_cuts_only_the_compressible_part_of_cost() -> None:
    # Three times the experience made since: total experience 4 X0, 4^-0.5 = 1/2 of the 40 % that can fall.
    assert experience_curve(30.0, 10.0, 0.5, 0.6) == pytest.approx(0.6 + 0.4 / 2)


@pytest.mark.parametrize("experience", [1.0, 12.2, 1000.0])
def test_cost_falls_fifteen_percent_a_doubling_when_all_of_it_can(experience: float) -> None:
    once = experience_curve(experience, experience, 0.2345, 0.0)
    twice = experience_curve(3.0 * experience, experience, 0.2345, 0.0)
    assert twice / once == pytest.approx(0.85, abs=1e-4)


def test_no_experience_brings_cost_below_its_incompressible_share() -> None:
    costs = [experience_curve(output, 10.0, 0.2345, 0.6) for output in (0.0, 10.0, 1e3, 1e6, 1e12)]
    assert costs == sorted(costs, reverse=True)
    assert 0.6 < costs[-1] < 0.602


def test_components_follow_drift_and_shock() -> None:
    assert component_price(0.0, 0.0, 0.00142) == 1.0
    assert component_price(100.0, 0.0, 0.001) == pytest.approx(1.105170918)  # e^0.1
    assert component_price(0.0, math.log(2.0), 0.00142) == pytest.approx(2.0)
    assert component_price(100.0, math.log(2.0), 0.001) == pytest.approx(2.210341836)


def test_a_model_costs_most_at_launch_and_least_eleven_months_later() -> None:
    assert model_life_cost(0.0, 0.02) == pytest.approx(1.116278070)  # e^(0.02 x 5.5) = e^0.11
    assert model_life_cost(11.0, 0.02) == pytest.approx(1.0 / 1.116278070)
    assert model_life_cost(5.0, 0.02) == pytest.approx(1.010050167)  # e^0.01


def test_every_january_a_new_model_starts_dear_again() -> None:
    assert model_life_cost(12.0, 0.01) == model_life_cost(0.0, 0.01)
    assert model_life_cost(35.0, 0.01) == model_life_cost(11.0, 0.01)


def test_the_life_of_a_model_leaves_list_cost_unchanged_on_average() -> None:
    assert math.prod(model_life_cost(float(month), 0.01) for month in range(12)) == pytest.approx(1.0)


def test_a_markup_moves_to_its_target_by_its_speed_at_most() -> None:
    assert markup_step(0.12, 0.30, 0.04) == pytest.approx(0.16)
    assert markup_step(0.12, -0.20, 0.04) == pytest.approx(0.08)
    assert markup_step(0.12, 0.10, 0.04) == pytest.approx(0.10)
    assert markup_step(0.12, 0.15, 0.04) == pytest.approx(0.15)


def test_price_is_cost_and_markup() -> None:
    assert list_price(1000.0, 0.05) == pytest.approx(1050.0)
    assert list_price(1000.0, -0.2) == pytest.approx(800.0)


def test_the_pledged_markup_by_hand() -> None:
    # e^-0.055 = 0.946485; 5 % after 15 % tax is 5.88235 % before; 1 - 0.0588235 - 0.037 = 0.9041765.
    assert capped_markup(0.05, 0.15, 0.037, 0.01) == pytest.approx(0.046792, abs=1e-6)


def test_the_pledged_markup_earns_the_pledge_in_the_cheapest_month_and_less_in_the_others() -> None:
    price = 1.0 + capped_markup(0.05, 0.15, 0.037, 0.01)
    margins = [0.85 * (price - model_life_cost(float(age), 0.01) - 0.037 * price) / price for age in range(12)]
    assert margins[11] == pytest.approx(0.05)
    assert max(margins[:11]) < 0.05
