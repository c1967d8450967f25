from __future__ import annotations

import pytest

from thinmargin.economics.supply import capacity_step, forecast_step, holding_cost, production


def test_production_follows_the_forecast_and_closes_half_of_the_stock_gap() -> None:
    assert production(20.0, 8.0, 4.0, 1.0) == pytest.approx(10.0)  # 8 + (8 - 4) / 2
    assert production(20.0, 8.0, 8.0, 1.0) == pytest.approx(8.0)
    assert production(20.0, 8.0, 8.0, 0.5) == pytest.approx(6.0)


def test_production_stays_between_nothing_and_capacity() -> None:
    assert production(9.0, 8.0, 4.0, 1.0) == 9.0
    assert production(20.0, 8.0, 30.0, 1.0) == 0.0


def test_the_forecast_learns_a_third_of_its_error_a_month() -> None:
    assert forecast_step(6.0, 9.0, 3.0) == pytest.approx(7.0)
    assert forecast_step(6.0, 3.0, 3.0) == pytest.approx(5.0)


def test_capacity_is_added_ahead_of_growth_and_shed_slowly() -> None:
    # Up: wanted 1.1 x (12 + 1 x 4) = 17.6, a quarter of the way. Down: wanted 5.5, a twelfth of the way.
    assert capacity_step(10.0, 12.0, 1.0, 1.1, 4.0, 12.0) == pytest.approx(11.9)
    assert capacity_step(10.0, 5.0, -1.0, 1.1, 4.0, 12.0) == pytest.approx(9.625)


def test_capacity_rests_at_the_forecast_and_its_head_room() -> None:
    assert capacity_step(10.8, 10.0, 0.0, 1.08, 4.0, 12.0) == pytest.approx(10.8)


def test_only_stock_above_the_cover_costs() -> None:
    assert holding_cost(15.0, 10.0, 1.0, 1000.0, 0.04) == pytest.approx(200.0)  # 5 m x RMB 1000 x 4 %
    assert holding_cost(10.0, 10.0, 1.0, 1000.0, 0.04) == 0.0
    assert holding_cost(0.0, 10.0, 1.0, 1000.0, 0.04) == 0.0
