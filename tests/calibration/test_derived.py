"""Constants that follow from other numbers: each is what its source text says, reckoned again."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from thinmargin import MONTHLY_DISCOUNT
from thinmargin.data import parse_period, reported
from thinmargin.parameters import Parameters
from thinmargin.scenarios import FAMILIES

WEEKS = 365.25 / 12.0 / 7.0
"""In a month."""


def told(name: str) -> str:
    """What the package says of a constant: its meaning and its source."""
    item = Parameters.__dataclass_fields__[name]
    return f"{item.metadata['meaning']}; {item.metadata['source']}"


def number_in(name: str, pattern: str) -> float:
    found = re.search(pattern, told(name))
    assert found is not None, told(name)
    return float(found[1])


def test_a_doubling_of_output_takes_15_percent_off_the_cost_that_learns() -> None:
    fall = number_in("learning", r"falls (\d+) % a doubling") / 100.0
    assert fall == 0.15
    assert Parameters().learning == pytest.approx(-math.log2(1.0 - fall), abs=5e-5)


def test_half_of_advertising_is_forgotten_in_4_3_weeks() -> None:
    half_life = number_in("adstock_carryover", r"half-life of ([\d.]+) weeks")
    assert half_life == pytest.approx(WEEKS * math.log(0.5) / math.log(Parameters().adstock_carryover), abs=0.05)


def test_a_years_change_of_component_cost_is_as_large_as_said() -> None:
    """Of an AR(1) that has run for long: its variance twice, less what a year leaves in common."""
    calm = number_in("component_sd", r"year's change has an sd of ([\d.]+) %")
    benchmark, wild = re.findall(r"benchmark's ([\d.]+), ([\d.]+) %", told("component_sd"))[0]
    assert float(benchmark) == FAMILIES["benchmark"].parameters.component_sd
    kept = Parameters().component_persistence
    for innovation, change in ((Parameters().component_sd, calm), (float(benchmark), float(wild))):
        lasting = innovation / math.sqrt(1.0 - kept**2)
        assert 100.0 * lasting * math.sqrt(2.0 * (1.0 - kept**12)) == pytest.approx(change, abs=0.05)


def test_ventures_that_launched_are_the_share_said() -> None:
    """What is used is a little more: some of the others were to launch."""
    launched, all_of_them, percent = (
        int(found) for found in re.findall(r"(\d+) of (\d+) .* (\d+) %", told("venture_success"))[0]
    )
    assert round(100.0 * launched / all_of_them) == percent
    assert percent / 100.0 < Parameters().venture_success < percent / 100.0 + 0.05


def test_administration_is_in_the_range_reported() -> None:
    low, high = (float(found) for found in re.findall(r"([\d.]+) to ([\d.]+) %", told("admin_share"))[0])
    shares = [reported_share("admin_rmb_bn", year) for year in (2015, 2016, 2017, 2019)]
    assert [round(min(shares), 1), round(max(shares), 1)] == [low, high]
    assert low < 100.0 * Parameters().admin_share < high
    assert reported_share("admin_rmb_bn", 2018) > 4.0 * high


def reported_share(name: str, year: int) -> float:
    """Of a cost in the revenue of a year, %."""
    period = parse_period(str(year))
    return 100.0 * reported().value(name, period) / reported().value("revenue_total_rmb_bn", period)


def test_margins_on_services_that_are_said_were_reported() -> None:
    for percent, year in re.findall(r"(\d+) % in (\d{4})", told("services_margin")):
        assert round(reported().value("gm_internet_pct", parse_period(year))) == int(percent)


def test_who_buys_again_from_a_firm_that_has_stopped_lies_between_the_surveys_named() -> None:
    surveys = re.findall(r"(\d+) % of (\d{4})", told("closing_repurchase"))
    assert len(surveys) == 2
    for percent, year in surveys:
        assert round(reported().value("retention_home_pct", parse_period(year))) == int(percent)
    low, high = (int(percent) / 100.0 for percent, _ in surveys)
    assert low < Parameters().closing_repurchase < high


def test_credit_is_what_was_lent_and_paid_in_over_users() -> None:
    equity = number_in("credit_per_user", r"equity of USD ([\d.]+) bn")
    loan = number_in("credit_per_user", r"loan of ([\d.]+) bn")
    rate = number_in("credit_per_user", r"at RMB ([\d.]+)")
    users = number_in("credit_per_user", r"over (\d+) m users")
    assert users == reported().value("miui_mau_m", parse_period("2014"))
    assert Parameters().credit_per_user == pytest.approx((equity + loan) * 1000.0 * rate / users, abs=0.5)


def test_the_mix_of_ranges_is_the_mean_share_of_phones_abroad_of_2020_to_2024() -> None:
    """Shipments less the share at home times the home market."""
    assert "2020-24" in told("range_mix")
    abroad = []
    for year in range(2020, 2025):
        period = parse_period(str(year))
        share, market, shipped = (
            reported().value(name, period)
            for name in ("xiaomi_china_share_pct", "china_smartphone_market_m_units", "smartphone_shipments_m")
        )
        abroad.append(1.0 - share / 100.0 * market / shipped)
    assert Parameters().range_mix == pytest.approx(np.mean(abroad), abs=0.005)


def test_the_discount_of_twelve_months_is_that_of_a_year() -> None:
    assert MONTHLY_DISCOUNT**12 * (1.0 + Parameters().discount_rate) == pytest.approx(1.0, rel=1e-12)
    assert Parameters().discount_rate == 0.10
