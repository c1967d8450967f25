from __future__ import annotations

import pytest

from thinmargin.economics.services import monetisation, services_margin, services_revenue


def test_monetisation_comes_with_experience() -> None:
    assert monetisation(0.0, 100.0) == 0.0
    assert monetisation(100.0, 100.0) == pytest.approx(0.5)
    assert monetisation(300.0, 100.0) == pytest.approx(0.75)
    assert monetisation(1e12, 100.0) == pytest.approx(1.0)


def test_services_revenue_by_hand() -> None:
    # 100 m users x RMB 120 a year = 1000 a month, times 0.9 of the use and 0.75 of the experience.
    assert services_revenue(100.0, 120.0, 0.9, 0.75) == pytest.approx(675.0)


@pytest.mark.parametrize("absent", range(4))
def test_services_need_users_prices_use_and_experience(absent: int) -> None:
    factors = [100.0, 120.0, 0.9, 0.75]
    factors[absent] = 0.0
    assert services_revenue(*factors) == 0.0


def test_the_margin_on_services_grows_with_a_years_revenue() -> None:
    assert services_margin(0.0, 0.6, 0.8, 12000.0) == 0.6
    assert services_margin(1000.0, 0.6, 0.8, 12000.0) == pytest.approx(0.7)  # 12000 a year: half way
    assert services_margin(3000.0, 0.6, 0.8, 12000.0) == pytest.approx(0.75)
    assert services_margin(1e12, 0.6, 0.8, 12000.0) == pytest.approx(0.8)


def test_a_margin_on_services_may_fall_as_well_and_never_leaves_its_two_ends() -> None:
    assert services_margin(1000.0, 0.6, 0.2, 12000.0) == pytest.approx(0.4)
    assert services_margin(1000.0, 0.6, 0.6, 12000.0) == 0.6
    assert services_margin(1e15, 0.6, 0.2, 1.0) == pytest.approx(0.2)
