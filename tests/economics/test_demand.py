from __future__ import annotations

import math

import pytest

from thinmargin.economics.demand import (
    adopters,
    affordability,
    haste,
    offer_weight,
    owners_in_market,
    owners_rate,
    price_utility,
    replacement_rate,
    repurchase_rate,
    second_users_step,
    stickiness,
)


def test_cheaper_phones_speed_adoption_and_dearer_ones_slow_it() -> None:
    assert affordability(1.0, -0.6) == 1.0
    assert affordability(0.25, -0.5) == pytest.approx(2.0)  # 4^(1/2)
    assert affordability(4.0, -0.5) == pytest.approx(0.5)
    assert affordability(3.0, 0.0) == 1.0


def test_owners_wait_when_phones_are_dear_and_hurry_when_they_are_cheap() -> None:
    assert haste(1.0, -0.6) == 1.0
    assert haste(4.0, -0.5) == pytest.approx(0.5)
    assert haste(0.25, -0.5) == pytest.approx(2.0)
    assert haste(3.0, 0.0) == 1.0
    # A hundredth dearer: 0.6 % fewer owners in the market.
    assert math.log(haste(1.01, -0.6)) / math.log(1.01) == pytest.approx(-0.6)


def test_first_time_users_by_hand() -> None:
    # Half of 200 m have one: (0.012 + 0.24 / 2) / 12 = 0.011 a month of the 100 m who have none.
    assert adopters(100.0, 200.0, 0.012, 0.24, 1.0) == pytest.approx(1.1)
    assert adopters(100.0, 200.0, 0.012, 0.24, 2.0) == pytest.approx(2.2)


def test_without_users_only_innovators_adopt() -> None:
    assert adopters(0.0, 1200.0, 0.003, 0.6, 1.0) == pytest.approx(0.3)


def test_adoption_rises_then_falls_and_ends_at_the_ceiling() -> None:
    pace = [adopters(users, 1000.0, 0.003, 0.6, 1.0) for users in (10.0, 250.0, 497.5, 750.0, 990.0, 1000.0)]
    # The pace peaks at B = (M - M p / q) / 2 = (1000 - 5) / 2 = 497.5 m users.
    assert max(pace) == pace[2]
    assert pace[:3] == sorted(pace[:3])
    assert pace[2:] == sorted(pace[2:], reverse=True)
    assert pace[-1] == 0.0


def test_no_boom_brings_more_users_than_there_are_people() -> None:
    assert adopters(900.0, 1000.0, 0.003, 0.6, 1e6) == pytest.approx(100.0)
    assert adopters(1001.0, 1000.0, 0.003, 0.6, 1.0) == 0.0


def test_owners_return_to_the_market_once_a_device_life() -> None:
    assert replacement_rate(0.0, 20.0, 2.4) == pytest.approx(0.05)
    assert replacement_rate(25.0, 20.0, 2.4) == pytest.approx(0.04)  # 20 + 2.4 x 25 / 12 = 25 months
    assert replacement_rate(600.0, 20.0, 0.0) == pytest.approx(0.05)


def test_a_boom_brings_owners_back_sooner_but_nobody_twice_a_month() -> None:
    assert owners_rate(0.05, 1.0) == pytest.approx(0.05)
    assert owners_rate(0.05, 1.2) == pytest.approx(0.06)
    assert owners_rate(0.05, 0.6) == pytest.approx(0.03)
    assert owners_rate(0.05, 50.0) == 1.0


def test_a_share_of_replaced_phones_finds_a_second_user_who_drops_out_in_time() -> None:
    # 4 of 10 m replaced phones are handed on; a twentieth of the 60 m second users stop: 60 + 4 - 3.
    assert second_users_step(60.0, 10.0, 0.4, 0.05) == pytest.approx(61.0)
    assert second_users_step(60.0, 0.0, 0.4, 0.05) == pytest.approx(57.0)
    assert second_users_step(60.0, 10.0, 0.0, 0.05) == pytest.approx(57.0)
    assert second_users_step(0.0, 0.0, 0.4, 0.05) == 0.0


def test_second_users_rest_at_their_share_of_owners_and_are_never_fewer_than_none() -> None:
    # 100 m owners replace a twentieth a month, 40 % of phones are handed on, and second users last as long.
    second = 0.0
    for _ in range(1000):
        second = second_users_step(second, 0.05 * 100.0, 0.4, 0.05)
    assert second == pytest.approx(40.0)
    assert second_users_step(7.0, 0.0, 0.4, 1.0) == 0.0  # the shortest life there is: a month


def test_price_is_worth_its_logarithm_times_the_slope() -> None:
    assert price_utility(1000.0, 3.9) == pytest.approx(0.0)
    assert price_utility(2000.0, 4.0) == pytest.approx(-2.772588722)  # -4 ln 2
    assert price_utility(500.0, 4.0) == pytest.approx(2.772588722)


def test_one_percent_of_price_costs_a_slope_of_percents_of_weight() -> None:
    dear = offer_weight(0.2, price_utility(1010.0, 3.9), 0.3, 0.1)
    cheap = offer_weight(0.2, price_utility(1000.0, 3.9), 0.3, 0.1)
    assert math.log(dear / cheap) / math.log(1.01) == pytest.approx(-3.9)


def test_brand_and_awareness_add_to_an_offer_and_imitation_takes_away() -> None:
    assert offer_weight(0.0, 0.0, 0.0, 0.0) == 1.0
    assert offer_weight(math.log(2.0), 0.0, 0.0, 0.0) == pytest.approx(2.0)
    assert offer_weight(0.0, math.log(3.0), 0.0, 0.0) == pytest.approx(3.0)
    assert offer_weight(0.0, 0.0, math.log(5.0), 0.0) == pytest.approx(5.0)
    assert offer_weight(0.0, 0.0, 0.0, math.log(7.0)) == pytest.approx(1.0 / 7.0)


def test_fans_and_accessories_make_owners_stick() -> None:
    assert stickiness(0.0, 1.0, 0.0, 0.5, 0.0) == 1.0
    assert stickiness(1.0, 2.0, 0.1, 0.5, 0.3) == pytest.approx(7.389056099)  # e^(1 + 2 (0.2 + 0.3)) = e^2
    assert stickiness(1.0, 2.0, 0.5, 0.5, 0.0) == pytest.approx(stickiness(1.0, 2.0, 0.0, 0.5, 1.0))


def test_owners_whose_phone_is_due_stay_or_leave_and_none_is_lost() -> None:
    # 5 of 100 m owners are due; their own brand has share 1/4 and weighs three times: 3/4 against 3/4.
    unit = owners_in_market(100.0, 0.05, 0.25, 3.0)
    assert unit == pytest.approx(10.0 / 3.0)
    assert 0.25 * 3.0 * unit == pytest.approx(2.5)
    assert (1.0 - 0.25) * unit == pytest.approx(2.5)


def test_owners_without_inertia_choose_like_anyone_else() -> None:
    assert owners_in_market(100.0, 0.05, 0.25, 1.0) == pytest.approx(5.0)
    assert repurchase_rate(0.25, 1.0) == pytest.approx(0.25)


def test_repurchase_by_hand_and_at_its_limits() -> None:
    assert repurchase_rate(0.25, 3.0) == pytest.approx(0.5)
    assert repurchase_rate(0.0, 3.0) == 0.0
    assert repurchase_rate(1.0, 3.0) == pytest.approx(1.0)
    assert repurchase_rate(0.25, 1e9) == pytest.approx(1.0)
