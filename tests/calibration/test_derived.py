"""Constants that follow from other numbers: each is what its source text says, reckoned again."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from thinmargin import MONTHLY_DISCOUNT
from thinmargin.calibration.unknowns import UNKNOWNS
from thinmargin.data import parse_period, reported
from thinmargin.economics.cost_and_price import model_life_cost
from thinmargin.economics.finance import release_cost
from thinmargin.economics.ventures import catalogue
from thinmargin.env import EcosystemEnv
from thinmargin.parameters import FIRM_TABLE, NEVER, Firm, Parameters
from thinmargin.records import SEAT
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


def test_obsolescence_and_storage_of_stock_are_what_is_held_against_it() -> None:
    loss, storage = number_in("holding", r"lose (\d+) % a month"), number_in("holding", r"storage ([\d.]+) %")
    assert Parameters().holding == pytest.approx((loss + storage) / 100.0)


def test_a_release_costs_what_is_said_at_the_users_that_are_said() -> None:
    cost, users = number_in("release_cost", r"RMB (\d+) m a release"), number_in("release_cost", r"at (\d+) m users")
    assert release_cost(1.0, users, Parameters().release_cost, Parameters().release_base) == pytest.approx(cost)


def test_the_catalogue_is_as_full_as_said_at_its_scale() -> None:
    percent = number_in("breadth_scale", r"fill (\d+) % of the catalogue")
    assert round(100.0 * catalogue(Parameters().breadth_scale, Parameters().breadth_scale)) == percent


def test_lives_of_phones_lengthen_as_the_surveys_named_say() -> None:
    text = told("device_life_growth")
    first, second = (float(found) for found in re.findall(r"([\d.]+)(?: months)? in 201[36]", text))
    assert round((second - first) / 3.0, 1) == number_in("device_life_growth", r"Kantar has ([\d.]+):")
    assert first == number_in("device_life", r"([\d.]+) months in 2013")
    reason = reason_of("device_life_growth")
    mean, late = (float(found) for found in re.findall(r"([\d.]+) (?:a year|in the end)", reason))
    last = float(re.findall(r"about (\d+) in 2018", reason)[0])
    assert (round((last - first) / 5.0, 1), round((last - second) / 2.0, 1)) == (mean, late)


def reason_of(name: str) -> str:
    """What is said of the prior of an unknown, one without regions."""
    return next(unknown.reason for unknown in UNKNOWNS if unknown.name == name)


def test_word_of_mouth_moves_sales_less_than_the_study_named() -> None:
    """The elasticity of a weight to what is heard of a firm peaks at `peak`; that to what fans say is a part of it."""
    study = number_in("word_of_mouth", r"elasticity of ([\d.]+) of You")
    assert f"elasticity of {study:g} of You" in reason_of("word_of_mouth")
    for span, half in ((Parameters().awareness_span, Parameters().voice_half), (centre_of("awareness_span"), 0.1)):
        peak = span / (4.0 * (1.0 + half))
        assert study / 2.0 < peak < study


def centre_of(name: str) -> float:
    return next(unknown.centre for unknown in UNKNOWNS if unknown.name == name)


def test_what_a_user_overseas_pays_was_believed_to_be_a_tenth() -> None:
    home, overseas = (unknown.centre for unknown in UNKNOWNS if unknown.name == "services_ceiling")
    assert overseas / home == pytest.approx(0.1, abs=0.005)
    assert "a tenth of home" in told("services_ceiling")


def test_the_range_abroad_was_believed_to_be_cheaper_as_the_mix_of_2024_says() -> None:
    period = parse_period("2024")
    names = ("xiaomi_china_share_pct", "china_smartphone_market_m_units", "smartphone_shipments_m")
    share, market, shipped = (reported().value(name, period) for name in names)
    assert round(4.0 * (1.0 - share / 100.0 * market / shipped)) == 3
    total, cars = reported().value("revenue_total_rmb_bn", period), 32.754
    abroad = reported().value("overseas_revenue_share_pct", period) * total / (total - cars)
    assert f"for {abroad:.0f} % of revenue" in reason_of("range_gap")


def test_research_is_in_the_range_reported_less_what_is_booked_elsewhere() -> None:
    """Its releases are in a line of their own, and the cars of the later years in none."""
    assert round(reported_share("rnd_rmb_bn", 2015), 1) == number_in("research_share", r"2015: ([\d.]+) %")
    assert reported_share("rnd_rmb_bn", 2015) - 0.5 < 100.0 * Parameters().research_share < 2.3
    low, high = (float(found) for found in re.findall(r"([\d.]+)-([\d.]+) %", told("research_late"))[0])
    shares = [reported_share("rnd_rmb_bn", year) for year in (2022, 2023, 2024)]
    assert [round(min(shares), 1), round(max(shares), 1)] == [low, high]
    assert Parameters().research_share < Parameters().research_late < low / 100.0


def test_months_that_are_dates_are_those_of_the_years_named() -> None:
    start, years = Parameters().research_start, Parameters().research_months
    first, last = (int(found) for found in re.findall(r"20(\d\d)-(\d\d)", told("research_start"))[0])
    assert (12.0 * (first + 1 - 12), 12.0 * (last - first - 1)) == (start, years)
    assert Parameters().range_start == 12.0 * (number_in("range_start", r"from (\d{4})") - 2012.0)
    entered = [(2014, 7), (2017, 11), (2019, 1)]  # Indonesia, Spain, Brazil
    assert FIRM_TABLE[SEAT].entry == (*(12.0 * (year - 2012) + month - 1 for year, month in entered), NEVER)


@pytest.mark.parametrize(
    ("name", "pattern", "unit"),
    [
        ("model_decline", r"([\d.]+)-([\d.]+) %", 0.01), ("royalty", r"([\d.]+) to ([\d.]+) %", 0.01),
        ("discount_rate", r"([\d.]+)-([\d.]+) %", 0.01), ("category_elasticity", r"-([\d.]+) to -([\d.]+)", -1.0),
        ("ticket", r"seed (\d+) and all-stage (\d+)", 1.0),
    ],
)  # fmt: skip
def test_a_constant_lies_in_the_range_that_its_source_gives(name: str, pattern: str, unit: float) -> None:
    ends = sorted(float(found) * unit for found in re.findall(pattern, told(name))[0])
    assert ends[0] <= getattr(Parameters(), name) <= ends[1]


def test_the_half_life_of_advertising_is_in_the_range_of_practice() -> None:
    low, high = (float(found) for found in re.findall(r"practice (\d+) to (\d+)", told("adstock_carryover"))[0])
    assert low < number_in("adstock_carryover", r"half-life of ([\d.]+) weeks") < high


def test_shares_and_margins_that_sources_quote_were_reported() -> None:
    percent = 100.0 * number_in("inertia", r"([\d.]+) bought again in 2017")
    assert round(reported().value("retention_home_pct", parse_period("2017"))) == percent
    percent = number_in("services_margin_late", r"(\d+) % reported in 2024")
    assert round(reported().value("gm_internet_pct", parse_period("2024"))) == percent
    percent = number_in("services_margin_late", r"(\d+) % reported in 2024") / 100.0
    assert percent < Parameters().services_margin_late


def test_no_gross_margin_of_the_start_is_known() -> None:
    source = Firm.__dataclass_fields__["start_markup"].metadata["source"]
    year = int(re.findall(r"before (\d{4})", source)[0])
    known = [not math.isnan(reported().value("gm_total_pct", parse_period(str(y)))) for y in range(2012, year + 1)]
    assert known == [False] * (year - 2012) + [True]


def test_a_new_model_comes_as_often_as_prices_catch_up() -> None:
    assert Parameters().pass_months == 12.0  # "the next model is priced at the new cost"
    assert model_life_cost(12.0, 0.01) == model_life_cost(0.0, 0.01) > model_life_cost(11.0, 0.01)


def test_start_ups_deliver_after_the_years_that_are_said() -> None:
    assert "three to four years later" in (EcosystemEnv.__doc__ or "")
    assert 3.0 < Parameters().gestation / 12.0 < 4.0


def test_the_discount_of_twelve_months_is_that_of_a_year() -> None:
    assert MONTHLY_DISCOUNT**12 * (1.0 + Parameters().discount_rate) == pytest.approx(1.0, rel=1e-12)
    assert Parameters().discount_rate == 0.10
