from __future__ import annotations

import math

import numpy as np
import pytest

from thinmargin.economics.marketing import adstock_step, awareness, coverage_step


def test_advertising_is_half_forgotten_and_half_replaced() -> None:
    assert adstock_step(100.0, 40.0, 0.5) == pytest.approx(70.0)
    assert adstock_step(100.0, 40.0, 0.9) == pytest.approx(94.0)
    assert adstock_step(100.0, 0.0, 0.5) == pytest.approx(50.0)


def test_steady_spend_becomes_the_adstock() -> None:
    adstock = 0.0
    for _ in range(60):
        adstock = adstock_step(adstock, 30.0, 0.5)
    assert adstock == pytest.approx(30.0)


def test_an_offer_that_reaches_its_pivot_is_half_known() -> None:
    # 50 of advertising and 4 x 0.1 x 100 = 40 of word of mouth, against a pivot of 90 for a market of 20 m.
    assert awareness(50.0, 4.0, 0.1, 100.0, 20.0, 90.0, 1.0) == pytest.approx(0.5)
    assert awareness(50.0, 4.0, 0.1, 100.0, 60.0, 90.0, 1.0) == pytest.approx(0.25)  # three times the market
    assert awareness(50.0, 4.0, 0.1, 100.0, 20.0, 90.0, 2.0) == pytest.approx(1.0)


def test_an_offer_nobody_has_heard_of_is_worth_nothing_more() -> None:
    assert awareness(0.0, 4.0, 0.0, 100.0, 20.0, 90.0, 1.0) == 0.0
    assert awareness(1e12, 4.0, 0.0, 100.0, 20.0, 90.0, 1.0) == pytest.approx(1.0)


def test_fans_who_recommend_stand_in_for_advertising() -> None:
    paid = awareness(40.0, 4.0, 0.0, 100.0, 20.0, 90.0, 1.0)
    recommended = awareness(0.0, 4.0, 0.1, 100.0, 20.0, 90.0, 1.0)
    assert recommended == pytest.approx(paid)
    assert awareness(0.0, 0.0, 0.1, 100.0, 20.0, 90.0, 1.0) == 0.0


@pytest.mark.parametrize("span", [0.6, 1.0])
def test_advertising_elasticity_peaks_at_a_quarter_of_the_span(span: float) -> None:
    adstock = 90.0 * np.exp(np.linspace(-3.0, 3.0, 61))  # the pivot of a market of 20 m is in the middle
    step = 1e-5
    elasticity = [
        (
            awareness(spend * math.exp(step), 0.0, 0.0, 0.0, 20.0, 90.0, span)
            - awareness(spend * math.exp(-step), 0.0, 0.0, 0.0, 20.0, 90.0, span)
        )
        / (2.0 * step)
        for spend in adstock
    ]
    assert int(np.argmax(elasticity)) == 30
    assert elasticity[30] == pytest.approx(span / 4.0, rel=1e-6)


def test_coverage_is_built_by_spend_and_lost_towards_its_floor() -> None:
    # Built: 0.02 x 100 / (100 + 100) x 0.5 = 0.005; lost: 0.01 x (0.5 - 0.3) = 0.002.
    assert coverage_step(0.5, 100.0, 0.3, 0.02, 100.0, 0.01) == pytest.approx(0.503)
    assert coverage_step(0.5, 0.0, 0.3, 0.02, 100.0, 0.01) == pytest.approx(0.498)


def test_without_spend_coverage_stays_at_its_floor() -> None:
    assert coverage_step(0.3, 0.0, 0.3, 0.02, 100.0, 0.01) == pytest.approx(0.3)


def test_coverage_lost_never_passes_its_floor_and_coverage_bought_never_passes_everyone() -> None:
    lost = bought = 0.9
    for _ in range(3000):
        lost = coverage_step(lost, 0.0, 0.3, 0.02, 100.0, 0.01)
        bought = coverage_step(bought, 1e9, 0.3, 0.02, 100.0, 0.01)
    assert lost == pytest.approx(0.3)
    # Rest: 0.02 (1 - A) = 0.01 (A - 0.3), so A = 0.023 / 0.03.
    assert bought == pytest.approx(0.023 / 0.03)
