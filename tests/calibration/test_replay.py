"""Replays: a firm driven by its reported history, in markets of the reported size."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pytest

from thinmargin.batch import Batch
from thinmargin.calibration.saved import OTHER_RULES, Calibration
from thinmargin.calibration.unknowns import economies
from thinmargin.data import parse_period, reported
from thinmargin.economics.cost_and_price import CHEAPEST
from thinmargin.economics.start import begin
from thinmargin.history import PolicyRule, drivers
from thinmargin.levers import action_of
from thinmargin.parameters import ECONOMY, Parameters
from thinmargin.records import FLOWS, HOME, OVERSEAS, SEAT, SHOCKS, STATE
from thinmargin.replay import DEAREST, NO_LIMIT, TRACKED, Table, drive, replay, track
from thinmargin.simulation import NO_CLOSING, play_month
from thinmargin.worlds import World, neutral_world

MONTHS = 96
DECAY = Parameters().brand_decay


def driven(months: int = MONTHS, *, reported_markets: bool = True) -> Table:
    return drivers(reported(), months, DECAY, reported_markets=reported_markets)


@pytest.fixture(scope="module")
def guesses(calibration: Calibration) -> np.ndarray:
    """The shipped guess, and three near it."""
    steps = 0.3 * np.random.default_rng(7).standard_normal((3, len(calibration.z)))
    return np.vstack([calibration.z, calibration.z + steps])


@pytest.fixture(scope="module")
def kept(guesses: np.ndarray) -> Table:
    return replay(*economies(guesses), driven())


def test_home_markets_come_out_as_reported(kept: Table) -> None:
    sizes = [reported().value("china_smartphone_market_m_units", parse_period(str(year))) for year in range(2012, 2020)]
    sums = kept["market_home"].reshape(len(kept), 8, 12).sum(axis=2)
    np.testing.assert_allclose(sums, np.broadcast_to(sizes, sums.shape), rtol=1e-9)


def test_surprise_is_the_log_of_reported_over_expected(guesses: np.ndarray, kept: Table) -> None:
    undriven = replay(*economies(guesses), driven(1, reported_markets=False))
    expected = undriven["market_home"][:, 0]
    np.testing.assert_allclose(kept["surprise"][:, 0, HOME], np.log(213.0 / 12.0 / expected), rtol=1e-9)
    assert np.abs(kept["surprise"]).max() < 1.0


def test_markets_left_to_the_model_surprise_nobody(guesses: np.ndarray) -> None:
    kept = replay(*economies(guesses), driven(reported_markets=False))
    assert not kept["surprise"].any()
    assert np.ptp(kept["market_home"], axis=1).min() > 1.0


@pytest.mark.parametrize("months", [1, 7, 30])
def test_a_shorter_replay_is_the_beginning_of_a_longer_one(guesses: np.ndarray, kept: Table, months: int) -> None:
    short = replay(*economies(guesses), driven()[:months])
    assert short.dtype == TRACKED
    assert short.shape == (len(guesses), months)
    assert short.tobytes() == kept[:, :months].tobytes()


def test_the_callers_economies_and_drivers_stay_as_they_are(guesses: np.ndarray) -> None:
    table, dearer = economies(guesses)
    table["firm_brand"][:, 1:] = np.nan
    history = driven(24)
    before = table.tobytes(), dearer.tobytes(), history.tobytes()
    first = replay(table, dearer, history)
    assert (table.tobytes(), dearer.tobytes(), history.tobytes()) == before
    assert replay(table, dearer, history).tobytes() == first.tobytes()


def test_rows_do_not_know_of_each_other(guesses: np.ndarray, kept: Table) -> None:
    table, dearer = economies(guesses)
    for row in range(len(guesses)):
        alone = replay(table[row : row + 1], dearer[row : row + 1], driven())
        assert alone.tobytes() == kept[row : row + 1].tobytes()
    assert replay(table[::-1], dearer[::-1], driven()).tobytes() == kept[::-1].tobytes()


def test_a_history_a_row_equals_the_histories_one_by_one(guesses: np.ndarray) -> None:
    table, dearer = economies(guesses)
    histories = np.stack([driven(36)] * len(guesses))
    histories["markup"] += 0.02 * np.arange(len(guesses))[:, None]
    together = replay(table, dearer, histories)
    for row in range(len(guesses)):
        alone = replay(table[row : row + 1], dearer[row : row + 1], histories[row])
        assert alone.tobytes() == together[row : row + 1].tobytes()


def test_another_number_of_histories_than_economies_is_refused(guesses: np.ndarray) -> None:
    table, dearer = economies(guesses)
    with pytest.raises(ValueError, match=r"drivers has 2 rows.*1 or 4"):
        replay(table, dearer, np.stack([driven(12)] * 2))


def test_a_dearer_range_raises_prices_and_revenue_but_not_demand(guesses: np.ndarray) -> None:
    table, _ = economies(guesses[[0, 0]])
    history = driven(48)
    plain, dear = replay(table, np.array([0.0, 0.4]), history)
    for name in ("sales", "sales_overseas", "wanted", "active_users", "services_revenue", "accessory_revenue"):
        np.testing.assert_array_equal(plain[name], dear[name])
    factor = np.exp(0.4 * history["flagships"])
    np.testing.assert_allclose(dear["device_revenue"], factor * plain["device_revenue"], rtol=1e-12)
    extra = dear["device_revenue"] - plain["device_revenue"]
    np.testing.assert_allclose(dear["revenue"], plain["revenue"] + extra, rtol=1e-12)
    np.testing.assert_array_equal(dear["revenue"][36:], plain["revenue"][36:])


def test_the_slump_costs_demand_and_is_forgotten(guesses: np.ndarray) -> None:
    history = np.stack([driven()] * 2)
    history["slump"][1] = 0.0
    table, dearer = economies(guesses[[0, 0]])
    hurt, unhurt = replay(table, dearer, history)["wanted"]
    np.testing.assert_array_equal(hurt[:48], unhurt[:48])
    assert hurt[48] < 0.7 * unhurt[48]
    lost = 1.0 - hurt / unhurt
    assert lost[48] > lost[60] > lost[95] > 0.0


def test_nobody_goes_broke_in_a_replay(guesses: np.ndarray) -> None:
    table, dearer = economies(guesses[:1])
    table["firm_cash"][:, SEAT] = -1e5
    kept = replay(table, dearer, driven())
    assert np.isfinite(kept["gross_profit"]).all()
    assert kept["sales"].min() > 0.0


def test_a_replay_is_the_environment_stepped_by_hand(guesses: np.ndarray, kept: Table) -> None:
    """The same levers, and shocks that make the same markets, give the same months through the environment's own step.

    Actions are float32, and the environment has no range of flagships alone: with its price factor at one, all else
    must agree as far as single precision carries over eight years.
    """
    table, _ = economies(guesses[:1])
    history = driven()
    world = neutral_world(Parameters(), MONTHS)
    economy, shocks = table[0].copy(), world.shocks.copy()
    economy["credit_floor"] = NO_LIMIT
    shocks["demand"] = kept["surprise"][0]
    shocks["brand"][:, SEAT] = -economy["brand_drop"] * history["slump"]
    shocks["component"] = np.log(1.0 + dearness_of(history, economy))
    batch = Batch(1, MONTHS, NO_CLOSING, shaped=False)
    batch.put(0, World("by hand", 0, economy, shocks))
    batch.begin(np.arange(1))
    kept = replay(table, np.zeros(1), history)[0]
    for month in range(MONTHS):
        driver = history[month]
        base = batch.states["trailing_revenue"][0, SEAT]
        budget = base + economy["spending_floor"]
        action = action_of(
            driver["markup"],
            driver["ventures"] * economy["ticket"] / budget,
            driver["selling"] * base / budget,
            driver["updates"],
        )
        owners = float(batch.states["users"][0, SEAT, HOME])
        batch.step(action[None].astype(np.float64))
        report, flows = batch.reports[0], batch.flows[0]
        for name in ("sales", "sales_overseas", "revenue", "active_users", "market_home", "wanted"):
            assert report[name] == pytest.approx(kept[name][month], rel=2e-4), (month, name)
        assert report["market_overseas"] == pytest.approx(driver["market"][OVERSEAS], rel=2e-4)
        assert report["services_profit"] == pytest.approx(kept["services_profit"][month], rel=2e-4)
        assert report["gross_profit"] == pytest.approx(kept["gross_profit"][month], abs=2e-4 * report["revenue"])
        untaxed = report["profit"] + report["tax"] + report["interest"] + report["tickets"]
        earned = untaxed * (1.0 - economy["tax_rate"] * (untaxed > 0.0))
        assert earned == pytest.approx(kept["earned"][month], abs=2e-4 * report["revenue"])
        assert owners * flows["in_market"][HOME] == pytest.approx(kept["due_home"][month], rel=2e-4, abs=1e-9)
        share, loyal = flows["share"][SEAT, HOME], flows["stickiness"][SEAT]
        again = flows["fill_rate"][SEAT] * share * loyal / (1.0 + share * (loyal - 1.0))
        assert again * kept["due_home"][month] == pytest.approx(kept["again_home"][month], rel=2e-4, abs=1e-9)
        assert slope_of_awareness(batch) == pytest.approx(kept["advertising"][month], rel=1e-3, abs=1e-9)


def slope_of_awareness(batch: Batch) -> float:
    """Elasticity of the seat's offer at home to its adstock, by a small step up and down, at the end of a month."""
    state, economy = batch.states[0], batch.economies[0]
    fans = economy["word_of_mouth"] * state["fans"] * state["users"][:, HOME]
    known = []
    for step in (1e-5, -1e-5):
        adstock = state["adstock"][:, HOME].copy()
        adstock[SEAT] *= math.exp(step)
        heard = adstock + fans
        rest = economy["voice_half"] * state["reach"][SEAT, HOME] * heard.sum()
        known.append(economy["awareness_span"] * heard[SEAT] / (heard[SEAT] + rest))
    return float(known[0] - known[1]) / 2e-5


# margins and components


def reached_markups(history: Table, economy: np.void) -> np.ndarray:
    """Markup of each month, by hand: it moves towards the markup aimed at, by `markup_speed` a month at most."""
    markup, found = float(economy["firm_start_markup"][SEAT]), []
    for month in history:
        step = economy["markup_speed"]
        markup = min(max(float(month["markup"]), markup - step), markup + step)
        found.append(markup)
    return np.array(found)


def dearness_of(history: Table, economy: np.void) -> np.ndarray:
    """Share by which components are dearer in each month, by hand: price over unit cost is then the reported margin.

    (1 + markup + pass_through * dear + (1 - pass_through) * passed) / (1 + dear) = 1 + margin
    """
    passed, found = 0.0, []
    through = economy["pass_through"]
    for month, markup in zip(history, reached_markups(history, economy), strict=True):
        left = 1.0 + markup + (1.0 - through) * passed - through
        found.append(left / (1.0 + month["margin"] - through) - 1.0)
        passed += (found[-1] - passed) / economy["pass_months"]
    return np.array(found)


class Month(NamedTuple):
    """What the tests of margins look at, at the end of a month."""

    margin: float
    """Price over unit cost, less one."""
    markup: float
    dear: float
    passed: float


def months_of(table: Table, history: Table) -> list[Month]:
    """A replay month by month."""
    state, flows, shock = (np.zeros(1, kind)[0] for kind in (STATE, FLOWS, SHOCKS))
    economy = table[0]
    economy["credit_floor"] = NO_LIMIT
    begin(state, economy)
    found = []
    for driver in history:
        drive(state, economy, driver, shock, flows)
        play_month(state, economy, shock, flows)
        margin = state["price"][SEAT] / state["unit_cost"][SEAT] - 1.0
        found.append(Month(margin, state["markup"][SEAT], flows["dear"], state["passed"]))
    return found


@pytest.mark.parametrize("policy", ["centred", *OTHER_RULES])
def test_the_component_shock_makes_the_margin_the_reported_one(guesses: np.ndarray, policy: PolicyRule) -> None:
    """In every month, also when dear components have been passed on and when the markup is still on its way."""
    table, _ = economies(guesses[:1])
    history = drivers(reported(), 156, DECAY, policy=policy)
    months = months_of(table, history)
    reached = reached_markups(history, table[0])
    on_the_way = ~np.isclose(reached, history["markup"], rtol=0.0, atol=1e-12)
    assert on_the_way.sum() == {"centred": 1, "trailing": 3, "none": 5}[policy]
    np.testing.assert_allclose([month.markup for month in months], reached, rtol=0.0, atol=1e-12)
    np.testing.assert_allclose([month.margin for month in months], history["margin"], rtol=0.0, atol=1e-12)
    np.testing.assert_allclose([month.dear for month in months], dearness_of(history, table[0]), rtol=0.0, atol=1e-12)
    assert np.ptp([month.passed for month in months]) > 0.01


@pytest.mark.parametrize("policy", ["centred", *OTHER_RULES])
def test_with_markups_that_move_at_once_every_month_has_the_reported_margin(
    guesses: np.ndarray, policy: PolicyRule
) -> None:
    for guess in guesses:
        table, _ = economies(guess)
        table["markup_speed"] = 1.0
        history = drivers(reported(), 156, DECAY, policy=policy)
        margins = [month.margin for month in months_of(table, history)]
        np.testing.assert_allclose(margins, history["margin"], rtol=0.0, atol=1e-12)


@pytest.mark.parametrize("policy", ["centred", *OTHER_RULES])
def test_components_always_cost_something_and_are_as_usual_where_nothing_is_luck(
    guesses: np.ndarray, policy: PolicyRule
) -> None:
    """Where every margin is meant, components are as usual as soon as the markup moves at once."""
    table, _ = economies(guesses[:1])
    table["markup_speed"] = 1.0
    dear = np.array([month.dear for month in months_of(table, drivers(reported(), 156, DECAY, policy=policy))])
    assert (1.0 + dear > 0.0).all()
    assert (1.0 + dear > 0.85).all()
    assert (1.0 + dear < 1.25).all()
    assert (np.abs(dear) < 1e-12).all() == (policy == "none")


@pytest.mark.parametrize("percent", [-1e4, -100.0, -70.0, -67.0, -66.6, -50.0, 50.0, 99.0, 99.99])
def test_invented_margins_give_components_within_bounds_and_numbers(guesses: np.ndarray, percent: float) -> None:
    """Below -67 % no component could be dear enough: prices follow sixty percent of it at once."""
    table, dearer = economies(guesses[:1])
    history = drivers(reported(), 156, DECAY)
    history["margin"][120:] = percent / (100.0 - percent)
    dear = np.array([month.dear for month in months_of(table, history)])
    assert (dear >= CHEAPEST - 1.0 - 1e-12).all()
    assert (dear <= DEAREST - 1.0 + 1e-12).all()
    kept = replay(table, dearer, history)
    for name in TRACKED.names or ():
        assert np.isfinite(kept[name]).all(), name


@pytest.mark.parametrize("operating", [60.0, -3.0, -7.0, -60.0])
@pytest.mark.parametrize("dearer", [1.0, 1.25])
def test_profit_is_operating_profit_and_tickets_less_tax_on_the_whole(dearer: float, operating: float) -> None:
    """A range dearer by a quarter costs and sells for a quarter more; a loss pays no tax."""
    state, p, shock, flows = (np.zeros(1, kind)[0] for kind in (STATE, ECONOMY, SHOCKS, FLOWS))
    tracked = np.zeros(1, TRACKED)[0]
    p["tax_rate"] = 0.25
    money = {"operating_profit": operating, "tickets": 8.0, "device_revenue": 400.0, "device_profit": -20.0}
    for name, value in money.items():
        flows[name][SEAT] = value
        flows[name][SEAT + 1 :] = 1e6
    flows["revenue"][SEAT], flows["gross_profit"][SEAT], flows["services_profit"][SEAT] = 500.0, 70.0, 30.0
    flows["sales"][SEAT], flows["sales_overseas"][SEAT], flows["revenue_overseas"][SEAT] = 5.0, 2.0, 150.0
    flows["due"][SEAT], flows["again"][SEAT] = (3.0, 7.0), (1.0, 6.0)
    track(state, p, shock, flows, dearer, tracked)
    more = 400.0 * (dearer - 1.0)
    untaxed = operating + 8.0 - 20.0 * (dearer - 1.0)
    assert tracked["earned"] == pytest.approx(0.75 * untaxed if untaxed > 0.0 else untaxed)
    assert tracked["gross_profit"] == pytest.approx(70.0 - 20.0 * (dearer - 1.0))
    assert tracked["services_profit"] == 30.0
    assert tracked["revenue"] == pytest.approx(500.0 + more)
    assert tracked["revenue_overseas"] == pytest.approx(150.0 + more * 2.0 / 5.0)
    assert (tracked["due_home"], tracked["again_home"]) == (3.0, 1.0)


def test_owners_at_home_who_bought_again_are_a_part_of_those_due(kept: Table) -> None:
    again, due = (kept[name].reshape(len(kept), 8, 12).sum(axis=2) for name in ("again_home", "due_home"))
    assert (kept["again_home"] <= kept["due_home"]).all()
    assert ((again / due > 0.1) & (again / due < 0.9))[:, 3:].all()
