"""The back-test of the shipped calibration: the errors and elasticities that it must reach."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from thinmargin.backtest.elasticity import ADVERTISED, SPANS, STATES, repriced
from thinmargin.backtest.results import Result, backtest
from thinmargin.backtest.table import beaten, markdown
from thinmargin.calibration.misfit import years
from thinmargin.calibration.saved import OTHER_RULES, Calibration
from thinmargin.calibration.unknowns import economies
from thinmargin.data import parse_period, parse_until, reported
from thinmargin.economics.start import begin
from thinmargin.history import COMPARED, PolicyRule, drivers, simulated
from thinmargin.parameters import Parameters
from thinmargin.records import FLOWS, SEAT, SHOCKS, STATE
from thinmargin.replay import NO_LIMIT, Table, drive, replay
from thinmargin.simulation import play_month

SERIES = tuple(compared.name for compared in COMPARED)
CENTRED: PolicyRule = "centred"
"""The replay rule of the fit."""


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("shipments", 8.0),
        ("asp", 3.5),
        ("phone_revenue", 10.0),
        ("iot_revenue", 13.0),
        ("internet_revenue", 7.0),
        ("mau", 4.0),
        ("arpu", 8.0),
        ("iot_gross_margin", 1.8),
        ("total_gross_margin", 0.8),
        ("china_share", 1.3),
        ("overseas_share", 2.0),
        ("profit", 3.2),
        ("services_gross_margin", 4.0),
        ("retention", 8.0),
    ],
)
def test_errors_of_2015_to_2024_stay_small(result: Result, name: str, most: float) -> None:
    assert result.scores[name].mape_fit <= most


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("shipments", 14.0),
        ("asp", 7.0),
        ("iot_revenue", 16.0),
        ("internet_revenue", 10.0),
        ("mau", 8.0),
        ("china_share", 1.5),
        ("total_gross_margin", 1.0),
    ],
)
def test_errors_of_the_hold_out_stay_small(result: Result, name: str, most: float) -> None:
    assert result.scores[name].mape_holdout <= most


def test_naive_forecasts_are_beaten_in_years_the_fit_to_2019_never_saw(result: Result) -> None:
    for rule in ("last_value", "trend"):
        by_hand = sum(score.mape_holdout < getattr(score, f"{rule}_holdout") for score in result.scores.values())
        assert beaten(result)[rule] == by_hand >= 12


@pytest.mark.parametrize("rule", [CENTRED, *OTHER_RULES])
def test_forecasts_of_shipments_beat_both_naive_ones_under_every_rule_of_the_replay(
    result: Result, rule: PolicyRule
) -> None:
    """So that no look at the year ahead is behind it."""
    naive = result.rolling("shipments")
    assert result.rules[rule]["shipments"] < min(naive["last_value"], naive["trend"])


def test_the_errors_under_each_rule_are_those_of_its_own_fits(result: Result, calibration: Calibration) -> None:
    """Made by hand: each fit replays the two years after it, told the markup aimed at by that rule."""
    assert list(result.rules) == [CENTRED, *OTHER_RULES]
    for rule, fits in zip((CENTRED, *OTHER_RULES), (calibration.origins, *calibration.rules.values()), strict=True):
        errors: list[float] = []
        for year, z in fits.items():
            shown = years(year + 2)
            history = drivers(reported(), 12 * len(shown), Parameters().brand_decay, policy=rule)
            model = simulated(replay(*economies(z), history), shown)["shipments"][0]
            told = result.truth["shipments"][: len(shown)]
            errors.extend(100.0 * abs(ours / told - 1.0) for ours, told in zip(model[-2:], told[-2:], strict=True))
        assert len(errors) == 12
        assert result.rules[rule]["shipments"] == pytest.approx(mean(errors), rel=1e-9)
    for name in SERIES:
        assert result.rules[CENTRED][name] == pytest.approx(result.rolling(name)["model"], rel=1e-12)


def test_without_fits_under_other_rules_the_one_of_the_fit_is_left(calibration: Calibration) -> None:
    alone = backtest(reported(), parse_until("2024"), replace(calibration, rules={}), draws=1)
    assert list(alone.rules) == [CENTRED]
    assert markdown(alone)["rules"].splitlines()[0] == "| series | error in | three years |"


def test_the_price_elasticity_is_near_minus_three_in_every_year(result: Result) -> None:
    """Held to the range of the goals over a year; phones wanted in the first month alone answer a little more."""
    assert list(result.elasticity) == list(SPANS)
    for span, found in result.elasticity.items():
        assert list(found) == list(STATES)
        for elasticity in found.values():
            assert (-3.5 if span == 12 else -3.6) < elasticity < -2.5


def test_an_elasticity_is_of_the_price_that_was_asked(result: Result, calibration: Calibration) -> None:
    """What is made less teaches less: after a year, prices are further apart than what moved them."""
    year, start = 2015, STATES[2015]
    economy, dearer = economies(calibration.z)
    economy["markup_speed"] = 1.0
    history = drivers(reported(), 156, Parameters().brand_decay)
    as_it_was = replay(economy, dearer, history)[0]
    dear, cheap = (replay(economy, dearer, repriced(history, as_it_was, start, share))[0] for share in (0.01, -0.01))
    gaps = np.log(dear["price"] / cheap["price"])[start : start + 12]
    assert gaps[0] == pytest.approx(np.log(1.01 / 0.99), rel=1e-9)
    assert (np.diff(gaps) > 0.0).all()
    wanted = [side["wanted"][start : start + 12].sum() for side in (dear, cheap)]
    assert result.elasticity[12][year] == pytest.approx(np.log(wanted[0] / wanted[1]) / gaps.mean(), rel=1e-9)


@pytest.mark.parametrize("share", [0.01, -0.01])
def test_an_elasticity_moves_the_price_of_the_firm_and_no_component(calibration: Calibration, share: float) -> None:
    """Components stay as dear as they were, in every month: for the firm, and for its rivals."""
    economy, dearer = economies(calibration.z)
    economy["markup_speed"] = 1.0
    start, history = STATES[2015], drivers(reported(), 156, Parameters().brand_decay)
    moved = repriced(history, replay(economy, dearer, history)[0], start, share)
    before, after = firms_month_by_month(economy, history), firms_month_by_month(economy, moved)
    np.testing.assert_allclose(after.price[:start], before.price[:start], rtol=1e-12)
    here = slice(start, None)
    np.testing.assert_allclose(after.dear[here], before.dear[here], atol=1e-12)
    price, cost = after.price[here, SEAT], after.unit_cost[here, SEAT]
    np.testing.assert_allclose(price / cost, (1.0 + share) * before.price[here, SEAT] / before.unit_cost[here, SEAT])
    assert price[0] == pytest.approx((1.0 + share) * before.price[start, SEAT], rel=1e-12)


class Months(NamedTuple):
    """Prices and unit costs of every firm, shape (months, firms), and how dear components were, shape (months,)."""

    price: np.ndarray
    unit_cost: np.ndarray
    dear: np.ndarray


def firms_month_by_month(economy: Table, history: Table) -> Months:
    state, flows, shock = (np.zeros(1, kind)[0] for kind in (STATE, FLOWS, SHOCKS))
    economy = economy.copy()
    economy["credit_floor"] = NO_LIMIT
    begin(state, economy[0])
    found = []
    for driver in history:
        drive(state, economy[0], driver, shock, flows)
        play_month(state, economy[0], shock, flows)
        found.append((state["price"].copy(), state["unit_cost"].copy(), float(flows["dear"])))
    return Months(*(np.array(column) for column in zip(*found, strict=True)))


def test_an_elasticity_to_price_needs_all_its_months(calibration: Calibration) -> None:
    """Twelve months from the middle of 2019 end in the middle of 2020."""
    for until, found in (("2019", [2013, 2015]), ("2020", [2013, 2015, 2019]), ("2023", [2013, 2015, 2019, 2022])):
        result = backtest(reported(), parse_until(until), calibration, draws=1)
        assert all(list(each) == found for each in result.elasticity.values())


def test_the_elasticity_to_advertising_is_that_of_june(result: Result, calibration: Calibration) -> None:
    history = drivers(reported(), 156, Parameters().brand_decay)
    tracked = replay(*economies(calibration.z), history)["advertising"][0]
    assert list(result.advertising) == list(ADVERTISED) == [2013, 2015, 2017, 2019, 2021, 2024]
    for year, elasticity in result.advertising.items():
        assert elasticity == tracked[parse_period(f"{year}-06").first]
        assert 0.10 <= elasticity <= 0.25
