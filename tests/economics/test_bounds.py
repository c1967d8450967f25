"""Bounds that the economy keeps as a whole: what dear components do, what is heard, where a firm is on sale."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from tests.playing import begun, levers, quiet_world, rich_world, run, watched

from thinmargin.batch import Batch
from thinmargin.data import parse_until, reported
from thinmargin.discounting import MONTHLY_DISCOUNT
from thinmargin.economics.cost_and_price import CHEAPEST, passed_step
from thinmargin.economics.marketing import reach_overseas
from thinmargin.history import drivers
from thinmargin.parameters import FIRM_TABLE, Parameters
from thinmargin.records import FIRMS, HOME, OVERSEAS, SEAT
from thinmargin.scenarios import FAMILIES
from thinmargin.simulation import CLOSED, CLOSING_RULES, NO_CLOSING, RUNNING
from thinmargin.splits import KEYS
from thinmargin.worlds import MAX_HORIZON

WORLDS, HORIZON = 64, 180
DEARER_FROM = 60
THIN, PREMIUM = {"markup": 0.06}, {"markup": 0.30}


def _worth(lever: dict[str, float], dearer: float) -> dict[str, float]:
    """Mean J over hidden worlds, RMB bn, by closing rule, of fixed levers when components get dearer, for good."""
    batch = Batch(WORLDS, HORIZON, NO_CLOSING, shaped=False)
    for row in range(WORLDS):
        batch.put(row, FAMILIES["benchmark"].draw(KEYS["validation"].start + row, HORIZON))
    batch.shocks["component"][:, DEARER_FROM:] += math.log(1.0 + dearer)
    batch.begin(np.arange(WORLDS))
    actions = np.tile(levers(**{"accessories": 0.011, "marketing": 0.055, "updates": 3.0, **lever}), (WORLDS, 1))
    years, running = np.zeros(WORLDS), np.ones(WORLDS, bool)
    for month in range(HORIZON):
        batch.step(actions)
        years += np.where(running, MONTHLY_DISCOUNT**month * batch.rewards, 0.0)
        closed = running & (batch.ends == CLOSED)
        running &= batch.ends == RUNNING
    worth = {}
    for number, rule in enumerate(CLOSING_RULES):
        closing = np.where(closed, batch.closing_values(np.arange(WORLDS), number), 0.0) / 1e3
        worth[rule] = float((10.0 * years + MONTHLY_DISCOUNT ** (HORIZON - 1) * closing).mean())
    return worth


@pytest.mark.parametrize("lever", [THIN, PREMIUM], ids=["thin", "premium"])
def test_nobody_with_fixed_levers_is_worth_more_because_components_are_dear(lever: dict[str, float]) -> None:
    as_usual, dear = _worth(lever, 0.0), _worth(lever, 0.25)
    for rule in CLOSING_RULES:  # years alone, the closing playbook, the firm's own levers
        assert as_usual[rule] > 20.0, rule
        assert dear[rule] < as_usual[rule] - 0.5, rule


@pytest.mark.parametrize("dear", [0.25, -0.2])
@pytest.mark.parametrize("markup", [0.0, 0.06, 0.30])
def test_prices_catch_up_with_components_and_a_phone_earns_as_many_rmb_as_before(dear: float, markup: float) -> None:
    months = 60
    assert months == 5 * Parameters().pass_months
    batch = begun(rich_world())
    run(batch, levers(markup=markup), 24)
    batch.shocks["component"][:, 24:] = math.log(1.0 + dear)
    play = watched(batch, np.tile(levers(markup=markup), (months, 1)))
    left = (1.0 - 1.0 / 12.0) ** np.arange(months + 1)  # what prices have not caught up with
    assert play.flows["dear"] == pytest.approx(dear)
    assert play.after["passed"] == pytest.approx(dear * (1.0 - left[1:]))
    earned = (play.after["price"] - play.after["unit_cost"]) / play.after["base_cost"]
    lost = (1.0 - Parameters().pass_through) * dear * left[:-1]
    np.testing.assert_allclose(earned, play.after["markup"] - lost[:, None], rtol=1e-9)
    assert abs(lost[-1]) < 0.001
    # In the first month 40 % of what components cost more is missing, or is left over when they are cheaper.
    assert earned[0, SEAT] == pytest.approx(markup - 0.4 * dear, abs=1e-6)


def test_a_passing_shock_is_paid_back_in_part_when_it_is_over() -> None:
    batch = begun(*[rich_world()] * 2)
    batch.shocks["component"][1, 24:36] = math.log(1.25)
    run(batch, levers(markup=0.06), 24)
    books = run(batch, levers(markup=0.06), 120)
    earned = books["price"] / books["unit_cost"] - 1.0
    assert (earned[:12, 1] < earned[:12, 0]).all()
    assert (earned[12:40, 1] > earned[12:40, 0]).all()
    assert earned[-1, 1] == pytest.approx(earned[-1, 0], abs=1e-3)


def test_components_of_the_reported_history_are_never_so_cheap_that_a_price_is_cut_off() -> None:
    """Dearness that reported margins imply, written a second time: 1 + dear stays above zero and above the floor."""
    until = parse_until("2024")
    history = drivers(reported(), until, Parameters().brand_decay)
    p, passed, found = Parameters(), 0.0, []
    for month in history:
        late = (1.0 - p.pass_through) * passed
        dear = (month["markup"] - month["margin"] + late) / (1.0 + month["margin"] - p.pass_through)
        # So that the list price over unit cost is what was reported.
        price = 1.0 + month["markup"] + p.pass_through * dear + late
        assert price / (1.0 + dear) == pytest.approx(1.0 + month["margin"])
        found.append(dear)
        passed = passed_step(passed, dear, p.pass_months)
    assert len(found) == until == 156
    assert min(found) > -1.0
    assert min(found) > CHEAPEST - 1.0
    assert np.ptp(found) > 0.01, "the history moves them"


def test_advertising_and_word_of_mouth_of_all_firms_times_anything_change_no_share() -> None:
    batch = begun(*[rich_world()] * 4)
    run(batch, levers(), 60)
    factors = np.array([1.0, 2.0, 1e-3, 1e4])
    batch.states["adstock"] *= factors[:, None, None]
    batch.economies["word_of_mouth"] *= factors
    shares = []
    for row in range(4):
        alone = begun(rich_world())
        for name, array in batch.saved().items():
            getattr(alone, name)[...] = array[row : row + 1]  # as it is: no world has so much word of mouth
        alone.step(levers()[None])
        shares.append(alone.flows["share"][0].copy())
    assert (shares[1] == shares[0]).all(), "a power of two: to the last bit"
    for other in shares[2:]:
        np.testing.assert_allclose(other, shares[0], rtol=1e-12)


def test_a_louder_rival_costs_share_and_a_louder_firm_wins_some() -> None:
    shares = []
    for firm in (None, SEAT, 2):
        batch = begun(rich_world())
        run(batch, levers(), 60)
        if firm is not None:
            batch.states["adstock"][0, firm] *= 3.0
        batch.step(levers()[None])
        shares.append(batch.flows["share"][0, SEAT].copy())
    assert (shares[1] > shares[0]).all()
    assert (shares[2] < shares[0]).all()


def test_firms_of_equal_voice_and_reach_are_equally_known() -> None:
    batch = begun(rich_world())
    run(batch, levers(), 96)
    batch.states["adstock"][0, 1:3] = 250.0
    batch.states["fans"][0, 1:3] = 0.0
    batch.states["imitation"][0, 1:3] = 0.3
    batch.states["coverage"][0, 1:3] = 1.0
    p = batch.economies[0]
    batch.step(levers()[None])
    flows = batch.flows[0]
    assert (flows["heard"][1:3] == 250.0).all()
    bare = p["firm_brand"] + flows["price_worth"][:, None]
    odds = np.log(flows["weight"][1] / flows["weight"][2])
    assert odds == pytest.approx(bare[1] - bare[2], rel=1e-12)  # all else is the same: brand and price alone


def test_a_gap_of_zero_gives_the_books_of_one_range() -> None:
    batch = begun(
        quiet_world(range_gap=0.0), quiet_world(range_start=600.0), quiet_world(range_gap=0.02, range_start=90.0)
    )
    batch.states["cash"][:, SEAT] = batch.economies["firm_cash"][:, SEAT] = 1e6
    books = run(batch, levers(), 150)
    assert books[:, 0].tobytes() == books[:, 1].tobytes()
    one = books[:, 0]
    assert one["device_revenue"] == pytest.approx(one["sales"] * one["price"], rel=1e-12)
    assert books[:91, 0].tobytes() == books[:91, 2].tobytes()
    # The month in which they part: dearer at home, cheaper abroad; list price and buyers are the same.
    whole, parted = books[91, 0], books[91, 2]
    for name in ("price", "sales", "sales_overseas", "wanted", "users_home", "users_overseas", "services_revenue"):
        assert parted[name] == whole[name], name
    at_home = [month["sales"] - month["sales_overseas"] for month in (whole, parted)]
    ratio = math.exp(-0.02)
    dearer = 1.0 / (0.26 + 0.74 * ratio)
    phones = parted["price"] * dearer * np.array([at_home[1], ratio * parted["sales_overseas"]])
    assert parted["device_revenue"] == pytest.approx(phones.sum(), rel=1e-12)
    assert parted["revenue_overseas"] - whole["revenue_overseas"] == pytest.approx(
        phones[1] - whole["price"] * whole["sales_overseas"], rel=1e-9
    )
    margins = [month["device_profit"] / month["device_revenue"] for month in (whole, parted)]
    assert margins[0] == pytest.approx(margins[1], rel=1e-12)  # cost and price differ by the same factor
    assert (books["revenue_overseas"] <= books["revenue"]).all()


def test_a_firm_that_sells_the_usual_mix_earns_its_list_price_however_far_the_ranges_part() -> None:
    batch = begun(rich_world(range_gap=0.03, range_start=0.0))
    run(batch, levers(), 120)
    sales, abroad = batch.flows["sales"][0, SEAT], batch.flows["sales_overseas"][0, SEAT]
    batch.economies["range_mix"] = abroad / sales  # what the firm sold this month: nearly what it sells in the next
    batch.step(levers()[None])
    flows = batch.flows[0]
    mean = flows["device_revenue"][SEAT] / flows["sales"][SEAT]
    assert mean == pytest.approx(batch.states["price"][0, SEAT], rel=0.03)


def test_a_firm_is_on_sale_where_it_has_entered_and_where_it_is_listed_and_no_further() -> None:
    p = rich_world(600).economy
    listed = np.where(np.arange(4) > 0, p["open"], 1.0)
    most = float((p["group_share"] * listed)[np.asarray(FIRM_TABLE[SEAT].entry) < MAX_HORIZON].sum())
    assert most < 0.8
    play = watched(begun(rich_world(600), horizon=600), np.tile(levers(), (600, 1)))
    reach = play.after["reach"]
    assert (reach[:, SEAT, OVERSEAS] <= most + 1e-12).all()
    assert reach[-1, SEAT, OVERSEAS] == pytest.approx(most)
    assert (play.after["coverage"][:, SEAT, OVERSEAS] <= reach[:, SEAT, OVERSEAS] + 1e-12).all()
    assert (reach[:, SEAT + 1 :] == 1.0).all()
    assert (play.before["reach"][0, SEAT + 1 :] == 1.0).all(), "rivals were everywhere before the start"
    for firm in range(1, FIRMS):
        assert reach_overseas(0.0, p, firm) == pytest.approx(1.0, rel=1e-15)


@pytest.mark.parametrize("open_part", [0.05, 0.4, 1.0])
def test_the_more_markets_are_open_the_more_is_sold_abroad_and_nothing_else_begins_earlier(open_part: float) -> None:
    closed, opened = (
        run(begun(rich_world(open=part)), levers(), 150)[:, 0] for part in (open_part, min(open_part + 0.3, 1.0))
    )
    assert (closed["sales_overseas"] <= opened["sales_overseas"] * (1.0 + 1e-9)).all()
    assert (closed["sales_overseas"][:71] == opened["sales_overseas"][:71]).all(), "emerging Asia is open to all of it"
    if open_part < 1.0:
        assert closed["users_overseas"][-1] < 0.97 * opened["users_overseas"][-1]


@pytest.mark.parametrize("elasticity", [0.0, -0.6])
def test_owners_wait_in_the_region_whose_prices_rose(elasticity: float) -> None:
    batch = begun(*[rich_world(replacement_elasticity=elasticity)] * 2)
    run(batch, levers(), 40)
    batch.states["price_index"][1, OVERSEAS] *= 1.1
    due = []
    for row in range(2):
        alone = begun(rich_world())
        alone.restore({name: array[row : row + 1] for name, array in batch.saved().items()})
        alone.step(levers()[None])
        due.append(alone.flows["in_market"][0].copy())
    assert due[1][HOME] == due[0][HOME]
    assert due[1][OVERSEAS] == pytest.approx(due[0][OVERSEAS] * 1.1**elasticity, rel=1e-12)


def test_the_drift_of_the_specification_leaves_the_price_level_as_it_is() -> None:
    """A phone that is better every month and dearer for it makes nobody wait and nobody adopt later."""
    # Money grows with prices, and buys no more: what it buys is switched off.
    off: dict[str, Any] = {"learning": 0.0, "awareness_span": 0.0, "inertia_span": 0.0}
    actions = np.tile(levers(markup=0.12, marketing=0.0), (60, 1))
    books = [watched(begun(rich_world(spec_drift=drift, **off)), actions) for drift in (0.0, 0.004)]
    plain, better = books
    months = np.arange(60.0)[:, None]
    np.testing.assert_allclose(better.after["price"], plain.after["price"] * np.exp(0.004 * months), rtol=1e-9)
    np.testing.assert_allclose(better.after["price_index"], plain.after["price_index"], rtol=1e-9)
    np.testing.assert_allclose(better.flows["market"], plain.flows["market"], rtol=1e-9)
