from __future__ import annotations

import math

import numpy as np
import pytest

from thinmargin.economics.loyalty import (
    engagement_step,
    fan_step,
    fan_target,
    imitation_step,
    imitation_target,
    update_satisfaction,
)


def test_worth_of_updates_by_hand() -> None:
    # Novelty 1 - e^-1 = 0.632121; bugs 0.03 x 2 x (1 + 250 / 250) x (1 - 0.6 / 2) = 0.084.
    assert update_satisfaction(2.0, 250.0, 0.5, 2.0, 0.03, 250.0, 0.6) == pytest.approx(0.548121, abs=1e-6)


def test_bugs_hurt_more_users_more_and_fans_catch_them() -> None:
    few = update_satisfaction(4.0, 10.0, 0.0, 1.3, 0.03, 250.0, 0.6)
    many = update_satisfaction(4.0, 500.0, 0.0, 1.3, 0.03, 250.0, 0.6)
    many_with_fans = update_satisfaction(4.0, 500.0, 1.0, 1.3, 0.03, 250.0, 0.6)
    assert few - many == pytest.approx(0.03 * 4.0 * 490.0 / 250.0)
    assert many_with_fans - many == pytest.approx(0.6 * 0.12 * 3.0)  # 60 % of bugs worth 0.12 x (1 + 2)


@pytest.mark.parametrize(("users", "fan_share"), [(10.0, 0.8), (370.0, 0.4), (370.0, 0.0)])
def test_the_best_cadence_weighs_novelty_against_bugs(users: float, fan_share: float) -> None:
    cadences = np.linspace(0.25, 8.0, 3101)
    worth = [update_satisfaction(n, users, fan_share, 1.3, 0.03, 250.0, 0.6) for n in cadences]
    # Where e^(-n / n1) / n1 = bugs of one release: n = -n1 ln(n1 x bugs).
    bugs = 0.03 * (1.0 + users / 250.0) * (1.0 - 0.6 * fan_share)
    assert cadences[int(np.argmax(worth))] == pytest.approx(-1.3 * math.log(1.3 * bugs), abs=0.01)


def test_an_offer_of_no_particular_merit_has_half_the_fans_there_can_be() -> None:
    # Merit -1.8 + 0 (markup as expected) + 1.5 x 1.2 (updates) - 0 (nothing sold out) = 0.
    assert fan_target(0.5, -1.8, 0.0, 4.0, 0.25, 0.25, 1.5, 1.2, 2.0, 1.0) == pytest.approx(0.25)


def test_honest_prices_win_fans_and_empty_shelves_lose_them() -> None:
    # At cost: merit 4 x 0.25 / 1.25 = 0.8, and 1 / (1 + e^-0.8) = 0.689974.
    assert fan_target(0.5, -1.8, 0.0, 4.0, 0.25, 0.0, 1.5, 1.2, 2.0, 1.0) == pytest.approx(0.344987, abs=1e-6)
    # Four in ten buyers sent away: merit -2 x 0.4 = -0.8, and 1 / (1 + e^0.8) = 0.310026.
    assert fan_target(0.5, -1.8, 0.0, 4.0, 0.25, 0.25, 1.5, 1.2, 2.0, 0.6) == pytest.approx(0.155013, abs=1e-6)


def test_newcomers_dilute_fans_who_are_then_won_slowly_and_lost_fast() -> None:
    # 20 % of 80 m among 100 m are 16 %; the way to the target is made in twelve months up, in four down.
    assert fan_step(0.20, 80.0, 20.0, 0.28, 12.0, 4.0) == pytest.approx(0.17)
    assert fan_step(0.20, 80.0, 20.0, 0.04, 12.0, 4.0) == pytest.approx(0.13)
    assert fan_step(0.20, 80.0, 20.0, 0.16, 12.0, 4.0) == pytest.approx(0.16)


def test_a_firm_without_users_has_no_fans_to_dilute() -> None:
    assert fan_step(0.3, 0.0, 0.0, 0.24, 12.0, 4.0) == pytest.approx(0.02)


def test_habits_follow_the_updates() -> None:
    # Target 0.65 + 0.4 x 0.5 = 0.85.
    assert engagement_step(1.0, 0.5, 0.65, 0.4, 2.5) == pytest.approx(0.94)
    assert engagement_step(0.85, 0.5, 0.65, 0.4, 2.5) == pytest.approx(0.85)


def test_bugs_however_many_never_make_use_negative() -> None:
    assert engagement_step(0.1, -50.0, 0.65, 0.45, 2.5) == 0.0


def test_a_dominant_offer_is_copied_and_a_rare_one_is_not() -> None:
    assert imitation_target(5.0, 50.0, 1.2) == pytest.approx(0.6)  # a share of 10 % is half copied
    assert imitation_target(50.0, 50.0, 1.2) == pytest.approx(1.2 / 1.1)
    assert imitation_target(0.0, 50.0, 1.2) == 0.0
    assert imitation_target(0.0, 0.0, 1.2) == 0.0  # not on sale anywhere


def test_copying_takes_its_time() -> None:
    assert imitation_step(0.24, 5.0, 50.0, 1.2, 36.0) == pytest.approx(0.25)
    assert imitation_step(0.72, 0.0, 50.0, 1.2, 36.0) == pytest.approx(0.70)
