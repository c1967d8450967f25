from __future__ import annotations

import math

import pytest

from thinmargin.economics.ventures import (
    accessory_margin,
    accessory_revenue,
    breadth_step,
    catalogue,
    gestation_flow,
    ventures_started,
)


def test_tickets_buy_ventures_of_which_some_succeed() -> None:
    # Four tickets of 60: four deals a month are half as good as the first, so 4 x 0.4 / 2 = 0.8.
    assert ventures_started(240.0, 60.0, 0.4, 4.0) == pytest.approx(0.8)
    assert ventures_started(0.0, 60.0, 0.4, 4.0) == 0.0
    assert ventures_started(240.0, 60.0, 0.0, 4.0) == 0.0


def test_the_first_ticket_is_worth_its_odds_and_no_spending_beats_the_deal_flow() -> None:
    assert ventures_started(1e-6, 60.0, 0.4, 4.0) / 1e-6 == pytest.approx(0.4 / 60.0)
    assert ventures_started(1e12, 60.0, 0.4, 4.0) == pytest.approx(1.6)


def test_half_of_gestation_lets_a_fifteenth_of_its_ventures_go() -> None:
    assert gestation_flow(15.0, 30.0) == pytest.approx(1.0)


def test_two_halves_of_gestation_take_the_whole_of_it_on_average() -> None:
    seeded, growing, arrivals = 1.0, 0.0, []
    for _ in range(2000):
        halfway, arriving = gestation_flow(seeded, 30.0), gestation_flow(growing, 30.0)
        seeded, growing = seeded - halfway, growing + halfway - arriving
        arrivals.append(arriving)
    assert sum(arrivals) == pytest.approx(1.0)
    assert sum(month * share for month, share in enumerate(arrivals, 1)) == pytest.approx(30.0)


def test_hits_arrive_and_old_products_fade() -> None:
    assert breadth_step(10.0, 2.0, 1.5, 0.01) == pytest.approx(12.9)
    assert breadth_step(10.0, 0.0, 1.5, 0.01) == pytest.approx(9.9)


def test_the_catalogue_fills_up() -> None:
    assert catalogue(0.0, 6.0) == 0.0
    assert catalogue(6.0 * math.log(2.0), 6.0) == pytest.approx(0.5)
    assert catalogue(6.0 * math.log(4.0), 6.0) == pytest.approx(0.75)
    assert catalogue(1e6, 6.0) == pytest.approx(1.0)


def test_accessory_revenue_by_hand() -> None:
    assert accessory_revenue(100.0, 240.0, 0.5) == pytest.approx(1000.0)  # 100 m x RMB 20 a month x half


def test_buying_power_comes_with_revenue() -> None:
    assert accessory_margin(1000.0, 0.2, 12000.0) == pytest.approx(0.1)  # 12000 a year is the half-way point
    assert accessory_margin(3000.0, 0.2, 12000.0) == pytest.approx(0.15)
    assert accessory_margin(0.0, 0.2, 12000.0) == 0.0
    assert accessory_margin(1e12, 0.2, 12000.0) == pytest.approx(0.2)
