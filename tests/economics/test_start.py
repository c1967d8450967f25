from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.playing import begun, levers, quiet_world, run, watched

from thinmargin.economics.month import own_mean
from thinmargin.economics.start import begin
from thinmargin.parameters import FIRM_TABLE, Parameters, economy_record
from thinmargin.records import ACCESSORIES, FIRMS, HOME, MARKETING, OVERSEAS, PRICE, SEAT, STATE, UPDATES
from thinmargin.worlds import World

RIVALS = slice(SEAT + 1, FIRMS)
WRITTEN_ELSEWHERE = {"own_levers", "own_sum", "war", "demand_level", "component_level", "brand_level"}
"""Of the state: shocks, which are calmed apart, and the levers played, which are none in a blank record."""
ROUND: dict[str, Any] = {
    "base_start": (161.0, 640.0), "users_ceiling": (1131.0, 3300.0), "adoption_innovation": 0.003,
    "adoption_imitation": (0.635, 0.335), "device_life": 20.0, "imitation_strength": 1.2, "second_life": 0.4,
    "price_slope": 4.0, "bug_rate": 0.03, "overseas_effort": 0.5, "entry_months": 60.0,
    "group_share": (0.4, 0.3, 0.2, 0.1), "open": 0.5,
}  # fmt: skip
"""Constants to work with by hand, whatever the calibration says."""


def round_world(**constants: Any) -> World:
    """A quiet world of round constants, in which the seat's first phone costs RMB 1,000."""
    world = quiet_world(**{**ROUND, **constants})
    world.economy["firm_unit_cost"][SEAT] = 1000.0
    world.economy["firm_capacity"][SEAT] = 0.35
    world.economy["firm_online"][SEAT] = 0.3
    world.economy["firm_breadth"][SEAT] = 0.7
    return world


def test_users_begin_at_the_reported_shares() -> None:
    batch = begun(round_world())
    users = batch.states["users"][0]
    assert users.sum(axis=0) == pytest.approx([161.0, 640.0])
    assert users[SEAT] == pytest.approx([0.322, 0.0])  # 0.2 % of 161 m
    assert users[1] == pytest.approx([16.1, 128.0])
    assert batch.states["user_years"][0] == pytest.approx(users)
    assert batch.states["second_users"][0, 1] == pytest.approx([6.44, 51.2])  # as many as will stay: 0.4 of them


def test_the_calibrated_firm_starts_with_what_was_fitted() -> None:
    batch = begun(quiet_world())
    state, seat = batch.states[0], FIRM_TABLE[SEAT]
    assert state["users"].sum(axis=0) == pytest.approx(Parameters().base_start)
    assert state["unit_cost"][SEAT] == seat.unit_cost
    assert state["coverage"][SEAT] == pytest.approx([seat.online, 0.0])
    assert (state["breadth"][SEAT], state["capacity"][SEAT]) == (seat.breadth, seat.capacity)
    assert (state["breadth"][RIVALS] == 0.0).all()


def test_an_entrant_sells_at_home_and_incumbents_everywhere() -> None:
    state = begun(round_world()).states[0]
    assert state["reach"][SEAT] == pytest.approx([1.0, 0.0])
    assert state["reach"][RIVALS] == pytest.approx(1.0)
    assert state["coverage"][SEAT] == pytest.approx([0.3, 0.0])  # its web shop
    assert state["coverage"][RIVALS] == pytest.approx(1.0)
    assert state["breadth"][SEAT] == 0.7


def test_a_firm_that_began_to_enter_before_the_start_is_on_its_way() -> None:
    world = round_world()
    world.economy["firm_entry"][SEAT] = (-30.0, -15.0, 0.0, 600.0)
    world.economy["firm_entry"][1] = (-600.0, 600.0, -30.0, 600.0)
    state = begun(world).states[0]
    # Half of 0.4, and 3 / 16 - 2 / 64 = 10 / 64 of the open half of 0.3; the premium firm: all of 0.4 and half of 0.2.
    assert state["reach"][SEAT, OVERSEAS] == pytest.approx(0.2 + 0.15 * 10.0 / 64.0)
    assert state["coverage"][SEAT, OVERSEAS] == pytest.approx(0.3 * (0.2 + 0.15 * 10.0 / 64.0))
    assert state["reach"][1, OVERSEAS] == pytest.approx(0.5)
    assert state["adstock"][1, OVERSEAS] == pytest.approx(state["adstock"][1, HOME] / 3.0)  # 0.5 x 0.5 of it


@pytest.mark.parametrize("slope", [2.0, 3.9, 6.0])
def test_brand_constants_make_the_start_shares_of_rivals_come_true(slope: float) -> None:
    batch = begun(quiet_world(price_slope=slope))
    batch.step(levers()[None])
    shares = batch.flows["share"][0, RIVALS]
    start = batch.economies["firm_start_share"][0, RIVALS]
    assert shares / shares.sum(axis=0) == pytest.approx(start / start.sum(axis=0), rel=1e-9)


@pytest.mark.parametrize("constants", [{}, {"imitation_strength": 2.0}, {"awareness_span": 0.5}])
def test_the_last_firm_starts_worth_its_price_alone_whatever_is_copied_or_known(constants: dict[str, float]) -> None:
    batch = begun(round_world(**constants))
    batch.step(levers()[None])
    # On sale everywhere at RMB 900 x 1.1 = 990: 0.99^-4, and nothing for brand, awareness and imitation together.
    assert batch.flows["weight"][0, FIRMS - 1] == pytest.approx(0.99**-4.0, rel=1e-9)


def test_a_given_brand_is_kept() -> None:
    economy = begun(quiet_world()).economies[0]
    assert economy["firm_brand"][SEAT] == pytest.approx(FIRM_TABLE[SEAT].brand)


def test_nobody_is_undercut_in_the_first_month() -> None:
    batch = begun(quiet_world())
    asked = watched(batch, levers()[None]).flows["lever"][0, RIVALS, 0]
    assert asked == pytest.approx([0.60, 0.25, 0.10])


def test_prices_start_at_cost_and_markup_and_the_price_index_at_one() -> None:
    state = begun(round_world()).states[0]
    assert state["price"] == pytest.approx([1000.0 * 1.12, 2680.0 * 1.60, 1500.0 * 1.25, 900.0 * 1.10])
    assert state["unit_cost"] == pytest.approx([1000.0, 2680.0, 1500.0, 900.0])
    assert (state["base_cost"] == state["unit_cost"]).all()
    assert state["passed"] == 0.0
    assert (state["price_index"] == 1.0).all()
    # At home 0.2 % x 1120 + 10 % x 4288 + 20 % x 1875 + 69.8 % x 990; overseas 20 % x 4288 + 33 % x 1875 + 47 % x 990.
    assert state["price_index_start"] == pytest.approx([1497.06, 1941.65])


def test_nobody_has_played_anything_before_the_start() -> None:
    state = begun(round_world()).states[0]
    assert (state["own_levers"] == 0.0).all()
    assert own_mean(state, PRICE) == state["markup"][SEAT] == 0.12
    assert [own_mean(state, lever) for lever in (ACCESSORIES, MARKETING, UPDATES)] == [0.0, 0.0, 0.0]


def test_the_market_reported_before_the_first_month_is_that_of_replacements_and_first_time_buyers() -> None:
    report = begun(round_world()).reports[0]
    # Replacements 161 / 20 and 640 / 20; adopters as below.
    assert report["market_home"] == pytest.approx(161.0 / 20.0 + 7.549304, rel=1e-6)
    assert report["market_overseas"] == pytest.approx(640.0 / 20.0 + 15.066616, rel=1e-6)


def test_an_entrant_starts_with_its_first_factory_and_an_incumbent_with_what_is_wanted() -> None:
    state = begun(round_world()).states[0]
    assert (state["capacity"][SEAT], state["forecast"][SEAT], state["inventory"][SEAT]) == (0.35, 0.35, 0.0)
    assert (state["trailing_revenue"][SEAT], state["cash"][SEAT]) == (0.0, 1300.0)
    # Replacements 161 / 20 and 640 / 20; adopters (0.003 + 0.635 x 161 / 1131) / 12 x 970 = 7.549304 at
    # home and (0.003 + 0.335 x 640 / 3300) / 12 x 2660 = 15.066616 overseas; 10 % and 20 % of them.
    wanted = 0.1 * (161.0 / 20.0 + 7.549304) + 0.2 * (640.0 / 20.0 + 15.066616)
    assert state["forecast"][1] == pytest.approx(wanted, rel=1e-6)
    assert state["inventory"][1] == pytest.approx(wanted, rel=1e-6)
    assert state["capacity"][1] == pytest.approx(1.08 * wanted, rel=1e-6)
    assert state["trailing_revenue"][1] == pytest.approx(wanted * 2680.0 * 1.6, rel=1e-6)
    assert state["adstock"][1].sum() == pytest.approx(0.02 * wanted * 2680.0 * 1.6, rel=1e-6)
    assert state["imitation"][1, HOME] == pytest.approx(1.2 * 0.1 / 0.2)
    assert state["imitation"][1, OVERSEAS] == pytest.approx(1.2 * 0.2 / 0.3)


def test_fans_and_engagement_start_where_the_playbook_would_have_brought_them() -> None:
    state = begun(round_world()).states[0]
    # The premium firm: 0.5 releases a month to 144.1 m users of whom half the possible fans catch bugs.
    worth = 1.0 - math.exp(-0.5 / 1.3) - 0.03 * 0.5 * (1.0 + 144.1 / 250.0) * 0.7
    assert state["engagement"][1] == pytest.approx(0.65 + 0.45 * worth)
    merit = -1.8 + 0.6 + 4.0 * (0.25 - 0.60) / 1.25 + 1.5 * worth
    assert state["fans"][1] == pytest.approx(0.5 / (1.0 + math.exp(-merit)))


def test_nothing_is_made_borne_or_funded_before_the_start() -> None:
    state = begun(round_world()).states[0]
    for name in ("output", "seeded", "growing"):
        assert (state[name] == 0.0).all(), name
    assert (state["breadth"] == [0.7, 0.0, 0.0, 0.0]).all()


def test_the_start_is_written_whole_over_whatever_was_there() -> None:
    world = round_world()
    states, again = np.zeros(1, STATE), np.zeros(1, STATE)
    begin(states[0], world.economy.copy())
    for name in again.dtype.names or ():
        again[name] = 7.0
    begin(again[0], world.economy.copy())
    written = set(again.dtype.names or ()) - WRITTEN_ELSEWHERE
    for name in written:
        assert np.array_equal(again[name], states[name]), name
    assert {"passed", "output", "seeded", "growing", "markup", "trailing_revenue", "price_index_start"} <= written


def test_use_at_the_start_is_as_little_as_updates_make_it() -> None:
    usual, little = (
        begun(round_world(engagement_floor=floor, engagement_span=span)).states[0]["engagement"]
        for floor, span in ((0.65, 0.45), (0.0, 0.045))
    )
    assert little == pytest.approx(0.1 * (usual - 0.65))
    assert (little < 0.05).all()


def test_two_firms_with_the_same_constants_live_the_same_life() -> None:
    parameters = Parameters(war_rate=0.2)
    twin = replace(FIRM_TABLE[3], start_share=(0.449, 0.40))
    firms = (FIRM_TABLE[0], FIRM_TABLE[1], twin, twin)
    template = quiet_world(60)
    batch = begun(World("twins", 0, economy_record(parameters, firms), template.shocks), horizon=60)
    run(batch, levers(markup=-0.1), 60)
    state = batch.states[0]
    for name in ("users", "second_users", "cash", "fans", "price", "inventory", "breadth", "coverage", "imitation"):
        assert state[name][2] == pytest.approx(state[name][3], rel=1e-9), name
    assert np.ptp(state["markup"]) > 0.1
