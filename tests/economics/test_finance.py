from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from tests.playing import begun, quiet_world

from thinmargin.economics.finance import (
    credit_line,
    funding_cost,
    income_tax,
    monthly_discount,
    release_cost,
    research,
    run_off_value,
)
from thinmargin.parameters import ECONOMY
from thinmargin.records import SEAT, STATE


def test_releases_cost_more_the_more_users_there_are_to_test_for() -> None:
    assert release_cost(4.0, 0.0, 1.0, 30.0) == pytest.approx(4.0)
    assert release_cost(4.0, 60.0, 1.0, 30.0) == pytest.approx(12.0)


def test_investors_fund_users() -> None:
    assert credit_line(0.0, 500.0, 150.0) == 500.0
    assert credit_line(10.0, 500.0, 150.0) == pytest.approx(2000.0)


def test_debt_costs_its_rate_and_a_spread_that_grows_with_it() -> None:
    # Half of the line: 8 % + 24 % / 4 = 14 % a year of 1200. The whole line: 32 % of 2400.
    assert funding_cost(-1200.0, 2400.0, 0.08, 0.24) == pytest.approx(14.0)
    assert funding_cost(-2400.0, 2400.0, 0.08, 0.24) == pytest.approx(64.0)


def test_cash_earns_nothing() -> None:
    assert funding_cost(1000.0, 2400.0, 0.08, 0.24) == 0.0
    assert funding_cost(0.0, 2400.0, 0.08, 0.24) == 0.0


def test_funding_cost_is_convex_in_debt() -> None:
    costs = np.array([funding_cost(-debt, 2400.0, 0.08, 0.24) for debt in np.linspace(0.0, 2400.0, 13)])
    assert (np.diff(costs, 2) > 0.0).all()


def test_tax_is_paid_on_profit_only() -> None:
    assert income_tax(200.0, 0.15) == pytest.approx(30.0)
    assert income_tax(-200.0, 0.15) == 0.0


def _round_numbers() -> tuple[Any, Any]:
    p = np.zeros(1, ECONOMY)[0]
    p.services_half, p.services_ceiling = 100.0, (120.0, 24.0)
    p.services_margin, p.services_margin_late, p.services_margin_scale = 0.58, 0.70, 8640.0
    p.accessory_ceiling, p.accessory_margin, p.accessory_scale = (240.0, 48.0), 0.2, 10440.0
    p.breadth_scale = 6.0
    p.research_share, p.research_late, p.research_start, p.research_months = 0.02, 0.04, 10.0, 40.0
    p.admin_share, p.fixed_cost = 0.01, 25.0
    p.release_cost, p.release_base = 1.0, 23.0
    p.tax_rate, p.discount_rate = 0.15, 0.10
    p.device_life, p.device_life_growth, p.closing_repurchase = 15.0, 2.0, 0.45
    state = np.zeros(1, STATE)[0]
    state.month = 30.0
    state.users[SEAT] = (80.0, 35.0)
    state.second_users[SEAT] = (20.0, 15.0)
    state.user_years[SEAT] = (300.0, 100.0)
    state.engagement[SEAT] = 0.9
    state.breadth[SEAT] = 6.0 * math.log(2.0)
    return state, p


def test_run_off_value_by_hand() -> None:
    state, p = _round_numbers()
    # Month 30 is half way from 2 % of research to 4 %: 3 %, and 1 % of administration.
    # Services, owners and second users: 100 x 10 x 0.9 x 0.75 + 50 x 2 x 0.9 x 0.5 = 720; 8640 a year are half way
    # from a margin of 58 % to 70 %: 64 % less 4 %: 432.
    # Accessories, owners alone: 80 x 20 / 2 + 35 x 4 / 2 = 870; 10440 a year earn half of 20 %, less 4 %: 52.2.
    # Less 25 for the lights and 1 + 115 / 23 = 6 for a release: 453.2, after tax 385.22 a month.
    # Gone each month: ln 1.1 / 12 = 0.007942515 and 1 / 20 x 0.55 = 0.0275.
    assert run_off_value(state, p, SEAT, 1.0) == pytest.approx(385.22 / 0.035442515, rel=1e-7)


def test_run_off_is_worth_nothing_rather_than_less() -> None:
    state, p = _round_numbers()
    p.fixed_cost = 25.0 + 454.2
    assert run_off_value(state, p, SEAT, 1.0) == 0.0


def test_run_off_values_users_and_what_they_use() -> None:
    state, p = _round_numbers()
    worth = run_off_value(state, p, SEAT, 1.0)
    state.engagement[SEAT] = 0.8
    assert run_off_value(state, p, SEAT, 1.0) < worth
    state.engagement[SEAT] = 0.9
    state.users[SEAT, 0] = 90.0
    owner = run_off_value(state, p, SEAT, 1.0) - worth
    state.users[SEAT, 0] = 80.0
    state.second_users[SEAT, 0] = 30.0
    second = run_off_value(state, p, SEAT, 1.0) - worth
    assert 0.0 < second < owner  # who buys no accessories
    # Ten million more: 10 x 10 x 0.9 x 0.75 = 67.5. All 787.5 then earn 0.58 + 0.12 x 9450 / 18090 = 64.26866 % less
    # 4 %, which is 474.61567 instead of 432; 85 % of it after tax.
    assert second == pytest.approx(0.85 * 42.61567 / 0.035442515, rel=1e-6)
    assert run_off_value(state, p, SEAT + 1, 1.0) == 0.0


@pytest.mark.parametrize("late", [0.62, 0.85])
def test_run_off_with_services_halved_loses_half_of_what_services_earn(late: float) -> None:
    """And more than half where the margin grows with the revenue."""
    margins = {"services_margin": 0.62, "services_margin_late": late, "services_margin_scale": 2000.0}
    batch = begun(quiet_world(fixed_cost=0.0, release_cost=0.0, **margins))
    state, p = batch.states[0], batch.economies[0]
    state["users"][SEAT] = (30.0, 20.0)
    state["second_users"][SEAT] = (10.0, 5.0)
    state["user_years"][SEAT] = (100.0, 50.0)
    state["breadth"][SEAT] = 0.0  # no accessories: services are all there is
    whole = run_off_value(state, p, SEAT, 1.0)
    assert whole > 0.0
    halved = run_off_value(state, p, SEAT, 0.5)
    if late == 0.62:
        assert halved == pytest.approx(0.5 * whole)
    else:
        assert 0.3 * whole < halved < 0.48 * whole


def test_twelve_months_of_discount_are_a_year() -> None:
    assert monthly_discount(0.10) ** 12 == pytest.approx(1.0 / 1.10, rel=1e-14)
    assert monthly_discount(0.0) == 1.0


def _research(month: float, **changed: float) -> float:
    p = np.zeros(1, ECONOMY)[0]
    p.research_share, p.research_late, p.research_start, p.research_months = 0.02, 0.06, 48.0, 96.0
    for name, value in changed.items():
        p[name] = value
    return float(research(month, p))


def test_research_grows_from_its_month_on_slowly_then_fast_then_slowly() -> None:
    # 3 x^2 - 2 x^3 at a quarter: 3 / 16 - 2 / 64 = 10 / 64; at three quarters 54 / 64.
    found = [_research(month) for month in (0.0, 48.0, 72.0, 96.0, 120.0, 144.0, 660.0)]
    assert found == pytest.approx([0.02, 0.02, 0.02 + 0.04 * 10.0 / 64.0, 0.04, 0.02 + 0.04 * 54.0 / 64.0, 0.06, 0.06])
    assert np.diff([_research(float(month)) for month in range(48, 145)]).argmax() in (47, 48)


def test_research_may_shrink_and_may_begin_at_once() -> None:
    assert _research(96.0, research_late=0.0) == pytest.approx(0.01)
    assert _research(600.0, research_late=0.0) == 0.0
    assert _research(0.0, research_start=0.0) == 0.02
    assert _research(48.0, research_start=0.0) == pytest.approx(0.04)
    assert _research(49.0, research_months=1.0) == pytest.approx(0.06)
