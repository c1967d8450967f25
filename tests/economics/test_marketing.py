from __future__ import annotations

import math

import numpy as np
import pytest

from thinmargin.economics.demand import offer_weight
from thinmargin.economics.marketing import (
    adstock_step,
    advertising_elasticity,
    awareness,
    coverage_step,
    entered,
    reach_overseas,
    voice,
)
from thinmargin.parameters import ECONOMY
from thinmargin.records import SEAT


def test_advertising_is_half_forgotten_and_half_replaced() -> None:
    assert adstock_step(100.0, 40.0, 0.5) == pytest.approx(70.0)
    assert adstock_step(100.0, 40.0, 0.9) == pytest.approx(94.0)
    assert adstock_step(100.0, 0.0, 0.5) == pytest.approx(50.0)


def test_steady_spend_becomes_the_adstock() -> None:
    adstock = 0.0
    for _ in range(60):
        adstock = adstock_step(adstock, 30.0, 0.5)
    assert adstock == pytest.approx(30.0)


def test_fans_who_recommend_stand_in_for_advertising() -> None:
    # 4 RMB a month x 0.1 x 100 m users = RMB 40 m.
    assert voice(50.0, 4.0, 0.1, 100.0) == pytest.approx(90.0)
    assert voice(0.0, 4.0, 0.1, 100.0) == voice(40.0, 4.0, 0.0, 100.0) == voice(40.0, 0.0, 0.1, 100.0)
    assert voice(0.0, 4.0, 0.0, 100.0) == 0.0


def test_an_offer_is_known_by_its_share_of_what_is_heard() -> None:
    # A tenth of what is heard gives half of the span where the firm is on sale everywhere.
    assert awareness(90.0, 900.0, 1.0, 0.1, 1.0) == pytest.approx(0.5)
    assert awareness(90.0, 900.0, 1.0, 0.1, 2.0) == pytest.approx(1.0)
    assert awareness(90.0, 2700.0, 1.0, 0.1, 1.0) == pytest.approx(0.25)  # three times the noise
    assert awareness(30.0, 900.0, 1.0, 0.1, 1.0) == pytest.approx(0.25)  # a third of the voice
    assert awareness(30.0, 900.0, 1.0 / 3.0, 0.1, 1.0) == pytest.approx(0.5)  # in a third of the countries


def test_an_offer_nobody_has_heard_of_is_worth_nothing_more() -> None:
    assert awareness(0.0, 900.0, 1.0, 0.1, 1.0) == 0.0
    assert awareness(0.0, 0.0, 0.0, 0.1, 1.0) == 0.0  # nobody advertises, and it is on sale nowhere
    assert awareness(900.0, 900.0, 1.0, 0.1, 1.0) == pytest.approx(1.0 / 1.1)  # nobody else is heard


def test_awareness_lies_between_nothing_and_its_span() -> None:
    generator = np.random.default_rng(0)
    for _ in range(500):
        heard, others = 10.0 ** generator.uniform(-12.0, 9.0, 2)
        reach, half, span = generator.uniform(0.0, 1.0), generator.uniform(0.005, 2.0), generator.uniform(0.0, 4.0)
        assert 0.0 <= awareness(heard, heard + others, reach, half, span) <= span


def test_equal_voice_and_reach_are_equal_awareness_and_all_of_it_times_anything_is_the_same() -> None:
    assert awareness(30.0, 100.0, 0.5, 0.1, 0.8) == awareness(30.0, 100.0, 0.5, 0.1, 0.8)
    for factor in (1e-6, 0.3, 7.0, 1e9):
        louder = awareness(factor * 30.0, factor * 100.0, 0.5, 0.1, 0.8)
        assert louder == pytest.approx(awareness(30.0, 100.0, 0.5, 0.1, 0.8), rel=1e-14)


def _heard(adstock: float, others: float) -> tuple[float, float]:
    return adstock, adstock + others


@pytest.mark.parametrize("span", [0.6, 1.0])
def test_the_elasticity_of_awareness_to_voice_peaks_at_a_quarter_of_the_span(span: float) -> None:
    voices = 10.0 * np.exp(np.linspace(-3.0, 3.0, 61))  # a tenth of the 100 that is heard is in the middle
    step = 1e-5
    elasticity = [
        (
            awareness(heard * math.exp(step), 100.0, 1.0, 0.1, span)
            - awareness(heard * math.exp(-step), 100.0, 1.0, 0.1, span)
        )
        / (2.0 * step)
        for heard in voices
    ]
    assert int(np.argmax(elasticity)) == 30
    assert elasticity[30] == pytest.approx(span / 4.0, rel=1e-6)


def test_advertising_elasticity_by_hand() -> None:
    # 50 of advertising and 40 of word of mouth, 810 of the others, who are heard in all countries like the firm:
    # known is 90 / (90 + 0.1 x 900) = 90 / 180; another RMB adds 1 above and 1.1 below: (180 - 1.1 x 90) / 180^2.
    assert advertising_elasticity(50.0, 90.0, 900.0, 1.0, 0.1, 1.0) == pytest.approx(50.0 * 81.0 / 180.0**2)
    assert advertising_elasticity(50.0, 90.0, 900.0, 1.0, 0.1, 2.0) == pytest.approx(100.0 * 81.0 / 180.0**2)
    assert advertising_elasticity(0.0, 90.0, 900.0, 1.0, 0.1, 1.0) == 0.0
    assert advertising_elasticity(0.0, 0.0, 900.0, 1.0, 0.1, 1.0) == 0.0
    assert advertising_elasticity(0.0, 0.0, 0.0, 1.0, 0.1, 1.0) == 0.0  # nobody is heard at all
    assert advertising_elasticity(90.0, 90.0, 90.0, 1.0, 0.1, 1.0) == pytest.approx(0.0, abs=1e-15)  # heard alone
    # It peaks where 1.1 x own voice = 0.1 x that of the others, 110 here, at a quarter of the span over 1.1.
    peak = advertising_elasticity(10.0, 10.0, 120.0, 1.0, 0.1, 0.6)
    assert peak == pytest.approx(0.25 * 0.6 / 1.1)
    assert all(advertising_elasticity(own, own, own + 110.0, 1.0, 0.1, 0.6) < peak for own in (5.0, 9.5, 10.5, 20.0))


def test_advertising_elasticity_is_the_slope_of_the_log_of_an_offers_weight_by_that_of_adstock() -> None:
    generator = np.random.default_rng(12)
    step = 1e-5
    for _ in range(50):
        adstock, talk, others, reach, half, span = generator.uniform(0.1, 1.0, 6) * (
            300.0, 100.0, 3000.0, 1.0, 0.3, 2.0,
        )  # fmt: skip
        more, less = (
            math.log(
                offer_weight(0.3, -0.2, awareness(*_heard(adstock * spend + talk, others), reach, half, span), 0.1)
            )
            for spend in (math.exp(step), math.exp(-step))
        )
        found = advertising_elasticity(adstock, *_heard(adstock + talk, others), reach, half, span)
        assert found == pytest.approx((more - less) / (2.0 * step), rel=1e-6)


def test_a_country_group_is_entered_slowly_then_fast_then_slowly() -> None:
    # 3 x^2 - 2 x^3 at a quarter: 3 / 16 - 2 / 64 = 10 / 64; at three quarters: 27 / 16 - 54 / 64 = 54 / 64.
    found = [entered(month, 30.0, 60.0) for month in (29.0, 30.0, 45.0, 60.0, 75.0, 90.0, 600.0)]
    assert found == pytest.approx([0.0, 0.0, 10.0 / 64.0, 0.5, 54.0 / 64.0, 1.0, 1.0])
    assert entered(0.0, -600.0, 120.0) == 1.0
    assert entered(599.0, 600.0, 60.0) == 0.0


def test_reach_overseas_by_hand() -> None:
    p = np.zeros(1, ECONOMY)[0]
    p.group_share, p.entry_months, p.open = (0.4, 0.3, 0.2, 0.1), 60.0, 0.5
    p.firm_entry[2] = (0.0, 30.0, 60.0, 600.0)
    p.firm_entry[3] = -600.0
    # Month 45: three quarters of the way in the first group, a quarter in the second, not in the others.
    assert reach_overseas(45.0, p, 2) == pytest.approx(0.4 * 54.0 / 64.0 + 0.3 * 10.0 / 64.0)
    assert reach_overseas(0.0, p, 2) == 0.0
    assert reach_overseas(120.0, p, 2) == pytest.approx(0.9)
    assert reach_overseas(0.0, p, 3) == pytest.approx(1.0)


def test_the_entrant_is_listed_by_all_of_its_first_country_group_and_by_the_open_part_of_the_others() -> None:
    p = np.zeros(1, ECONOMY)[0]
    p.group_share, p.entry_months, p.open = (0.4, 0.3, 0.2, 0.1), 60.0, 0.25
    for firm in (SEAT, 2):
        p.firm_entry[firm] = (0.0, 30.0, 60.0, 600.0)
    # Month 45, as above: the second group is open by a quarter to the entrant alone.
    assert reach_overseas(45.0, p, SEAT) == pytest.approx(0.4 * 54.0 / 64.0 + 0.25 * 0.3 * 10.0 / 64.0)
    assert reach_overseas(45.0, p, 2) == pytest.approx(0.4 * 54.0 / 64.0 + 0.3 * 10.0 / 64.0)
    assert reach_overseas(120.0, p, SEAT) == pytest.approx(0.4 + 0.25 * 0.5)
    assert reach_overseas(660.0, p, SEAT) == pytest.approx(0.4 + 0.25 * 0.6)  # never more than what is open
    assert reach_overseas(660.0, p, 2) == pytest.approx(1.0)


def test_coverage_is_built_by_spend_and_lost_towards_its_floor() -> None:
    # Built: 0.02 x 100 / (100 + 100) x 0.5 = 0.005; lost: 0.01 x (0.5 - 0.3) = 0.002.
    assert coverage_step(0.5, 100.0, 1.0, 0.0, 0.3, 0.02, 100.0, 0.01) == pytest.approx(0.503)
    assert coverage_step(0.5, 0.0, 1.0, 0.0, 0.3, 0.02, 100.0, 0.01) == pytest.approx(0.498)


def test_coverage_of_a_region_entered_in_part_by_hand() -> None:
    # On sale in 0.8 of it, 0.1 more this month. Built: 0.02 x 100 / (100 + 300) x (0.8 - 0.4) = 0.002;
    # lost: 0.05 x (0.4 - 0.3 x 0.8) = 0.008; the web shop opens with it: 0.3 x 0.1 = 0.03.
    assert coverage_step(0.4, 100.0, 0.8, 0.1, 0.3, 0.02, 300.0, 0.05) == pytest.approx(0.424)
    assert coverage_step(0.4, 100.0, 0.8, 0.1, 0.0, 0.02, 300.0, 0.05) == pytest.approx(0.382)


def test_without_spend_coverage_stays_at_its_floor() -> None:
    assert coverage_step(0.3, 0.0, 1.0, 0.0, 0.3, 0.02, 100.0, 0.01) == pytest.approx(0.3)
    assert coverage_step(0.15, 0.0, 0.5, 0.0, 0.3, 0.02, 100.0, 0.01) == pytest.approx(0.15)
    assert coverage_step(0.15, 0.0, 0.5, 0.2, 0.3, 0.02, 100.0, 0.01) == pytest.approx(0.3 * 0.7)


def test_where_a_firm_is_not_on_sale_no_money_makes_it_so() -> None:
    assert coverage_step(0.0, 1e9, 0.0, 0.0, 0.3, 0.02, 100.0, 0.01) == 0.0


@pytest.mark.parametrize("reach", [0.5, 1.0])
def test_coverage_lost_never_passes_its_floor_and_coverage_bought_never_passes_everyone(reach: float) -> None:
    lost = bought = 0.9 * reach
    for _ in range(3000):
        lost = coverage_step(lost, 0.0, reach, 0.0, 0.3, 0.02, 100.0, 0.01)
        bought = coverage_step(bought, 1e9, reach, 0.0, 0.3, 0.02, 100.0, 0.01)
    assert lost == pytest.approx(0.3 * reach)
    # Rest, as a share of what is entered: 0.02 (1 - A) = 0.01 (A - 0.3), so A = 0.023 / 0.03.
    assert bought == pytest.approx(0.023 / 0.03 * reach)


@pytest.mark.parametrize("spend", [0.0, 50.0, 1e9])
@pytest.mark.parametrize(("rate", "decay"), [(0.02, 0.01), (0.1, 0.5)])
def test_while_countries_open_coverage_stays_between_the_web_shop_and_the_whole_of_them(
    spend: float, rate: float, decay: float
) -> None:
    reach = coverage = 0.0
    for month in range(120):
        opened = entered(month + 1.0, 20.0, 60.0) - reach
        coverage = coverage_step(coverage, spend, reach, opened, 0.3, rate, 100.0, decay)
        reach += opened
        assert 0.3 * reach - 1e-12 <= coverage <= reach
        if month < 20:
            assert coverage == 0.0
