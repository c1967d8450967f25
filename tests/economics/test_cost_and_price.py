from __future__ import annotations

import math

import pytest

from thinmargin.economics.cost_and_price import (
    CHEAPEST,
    capped_markup,
    dearness,
    experience_curve,
    list_price,
    markup_step,
    model_life_cost,
    passed_step,
    range_at_home,
    range_drift,
    specification,
)
from thinmargin.parameters import Parameters
from thinmargin.records import LEVERS, PRICE


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


def test_better_phones_cost_more_every_month() -> None:
    assert specification(0.0, 0.00142) == 1.0
    assert specification(100.0, 0.001) == pytest.approx(1.105170918)  # e^0.1
    assert specification(100.0, -0.001) == pytest.approx(1.0 / 1.105170918)


def test_a_shock_of_components_is_a_share_of_their_normal_price() -> None:
    assert dearness(0.0) == 0.0
    assert dearness(math.log(1.25)) == pytest.approx(0.25)
    assert dearness(math.log(0.8)) == pytest.approx(-0.2)


def test_components_never_cost_less_than_a_quarter_of_their_normal_price() -> None:
    assert dearness(math.log(0.26)) == pytest.approx(-0.74)
    assert dearness(math.log(0.24)) == -0.75
    assert dearness(-1e6) == -0.75


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


def test_price_is_cost_and_markup_when_components_cost_what_is_normal() -> None:
    assert list_price(1000.0, 0.05, 0.0, 0.0, 0.6) == pytest.approx(1050.0)
    assert list_price(1000.0, -0.2, 0.0, 0.0, 0.6) == pytest.approx(800.0)


def test_a_part_of_dearer_components_is_passed_on_at_once_and_the_rest_as_prices_catch_up() -> None:
    # RMB 1000 at a markup of 5 %; components a quarter dearer: 250 more, 60 % of it at once.
    assert list_price(1000.0, 0.05, 0.25, 0.0, 0.6) == pytest.approx(1050.0 + 150.0)
    assert list_price(1000.0, 0.05, 0.25, 0.10, 0.6) == pytest.approx(1050.0 + 150.0 + 40.0)
    assert list_price(1000.0, 0.05, 0.25, 0.25, 0.6) == pytest.approx(1050.0 + 250.0)  # all of it, and no more
    # Cheap again at once, but prices have caught up with dear ones: the firm keeps 40 % of what it saves.
    assert list_price(1000.0, 0.05, 0.0, 0.25, 0.6) == pytest.approx(1050.0 + 100.0)
    assert list_price(1000.0, 0.05, -0.2, 0.0, 0.6) == pytest.approx(1050.0 - 120.0)


def test_prices_catch_up_by_a_share_of_what_is_left_a_month() -> None:
    assert passed_step(0.0, 0.24, 12.0) == pytest.approx(0.02)
    assert passed_step(0.24, 0.0, 12.0) == pytest.approx(0.22)
    assert passed_step(0.1, -0.2, 1.0) == pytest.approx(-0.2)
    passed = 0.0
    for _ in range(60):  # five times twelve months: (11 / 12)^60 = 0.54 % of it is left
        passed = passed_step(passed, 0.25, 12.0)
    assert passed == pytest.approx(0.25 * (1.0 - 0.0054035), rel=1e-6)


@pytest.mark.parametrize("markup", [-0.2, 0.0, 0.05, 0.6])
@pytest.mark.parametrize("dear", [0.25, -0.2])
def test_in_the_end_a_phone_earns_as_many_rmb_as_before_whatever_components_cost(markup: float, dear: float) -> None:
    margin = list_price(1000.0, markup, dear, dear, 0.6) - 1000.0 * (1.0 + dear)
    assert margin == pytest.approx(1000.0 * markup)


def test_every_markup_and_every_price_of_components_makes_a_price_above_zero() -> None:
    lowest, passed_on = LEVERS[PRICE].low, Parameters.__dataclass_fields__["pass_through"].metadata["high"]
    assert 1.0 + lowest + CHEAPEST - 1.0 > 0.0
    for through in (0.0, 0.6, passed_on):
        for dear in (dearness(-1e3), 0.0):
            for passed in (dearness(-1e3), 0.0):
                assert list_price(1000.0, lowest, dear, passed, through) >= 50.0 - 1e-9


def test_dearer_components_are_a_smaller_part_of_the_price_at_every_markup_of_the_lever() -> None:
    """So a firm earns less of each RMB of sales when components are dearer: 1 + markup > pass_through."""
    most = Parameters.__dataclass_fields__["pass_through"].metadata["high"]
    assert 1.0 + LEVERS[PRICE].low > most
    for markup in (LEVERS[PRICE].low, 0.0, LEVERS[PRICE].high):
        margins = [list_price(1.0, markup, dear, 0.0, most) / (1.0 + dear) for dear in (-0.7, -0.2, 0.0, 0.2, 2.0)]
        assert margins == sorted(margins, reverse=True)


def test_the_range_abroad_gets_cheaper_from_its_month_on() -> None:
    assert range_drift(0.0, 0.01, 96.0) == 1.0
    assert range_drift(96.0, 0.01, 96.0) == 1.0
    assert range_drift(106.0, 0.01, 96.0) == pytest.approx(0.904837418)  # e^-0.1
    assert range_drift(600.0, 0.0, 96.0) == 1.0


def test_the_range_at_home_is_dearer_by_as_much_as_keeps_the_mean_price() -> None:
    # Half of all phones go abroad at half the price of those at home: 2 / 1.5 and 1 / 1.5.
    assert range_at_home(0.5, 0.5) == pytest.approx(4.0 / 3.0)
    assert range_at_home(1.0, 0.74) == 1.0
    assert range_at_home(0.8, 0.0) == 1.0  # what is sold at home alone has the list price there
    assert range_at_home(0.8, 1.0) == pytest.approx(1.25)


@pytest.mark.parametrize("month", [0.0, 96.0, 97.0, 180.0, 660.0])
@pytest.mark.parametrize("mix", [0.0, 0.3, 0.74, 1.0])
def test_a_firm_that_sells_the_usual_mix_has_the_list_price_on_average(month: float, mix: float) -> None:
    ratio = range_drift(month, 0.0098, 96.0)
    at_home = range_at_home(ratio, mix)
    assert at_home * (1.0 - mix) + at_home * ratio * mix == pytest.approx(1.0, rel=1e-14)
    assert at_home >= 1.0


def test_the_pledged_markup_by_hand() -> None:
    # e^-0.055 = 0.946485; 5 % after 15 % tax is 5.88235 % before; 1 - 0.0588235 - 0.037 = 0.9041765.
    assert capped_markup(0.05, 0.15, 0.037, 0.01) == pytest.approx(0.046792, abs=1e-6)


def test_the_pledged_markup_earns_the_pledge_in_the_cheapest_month_and_less_in_the_others() -> None:
    price = 1.0 + capped_markup(0.05, 0.15, 0.037, 0.01)
    margins = [0.85 * (price - model_life_cost(float(age), 0.01) - 0.037 * price) / price for age in range(12)]
    assert margins[11] == pytest.approx(0.05)
    assert max(margins[:11]) < 0.05
