from __future__ import annotations

import pytest

from thinmargin.economics.services import monetisation, services_revenue


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
