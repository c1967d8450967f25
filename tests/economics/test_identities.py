"""What must hold in every month of every world, whatever is done: accounts, stocks and users add up."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.playing import ENDLESS, Play, watched

from thinmargin.batch import Batch
from thinmargin.economics.cost_and_price import CHEAPEST
from thinmargin.levers import action_of
from thinmargin.records import FLOWS, GROUPS, HOME, MONEY_SCALE, OVERSEAS, REPORT, SEAT, STATE
from thinmargin.scenarios import FAMILIES
from thinmargin.simulation import BANKRUPT, CLOSED, NO_CLOSING, OWN_LEVERS, RUNNING

HORIZON = 72
HELD = 6
"""Months that each drawn action is held: long enough for markups, stocks and debts to go far."""
EXACT = 1e-9
"""Relative error that counts as equal."""

LEVER = st.floats(-1.0, 1.0)
"""One lever: hypothesis likes the ends of the range, and so do we."""
identities = settings(max_examples=40, deadline=None, derandomize=True, database=None)


class Case(NamedTuple):
    """Levers in a random world of a random family; a poor seat dies young when the levers are bad."""

    family: str
    key: int
    rich: bool
    plan: list[tuple[float, float, float, float]]
    entry: tuple[float, float, float, float]
    """Months in which the seat enters the country groups: early enough to matter, or never."""
    stock_paid: float
    range_gap: float
    """By which the range abroad gets cheaper, from month 12 on."""

    def played(self, *, closing: bool = False, shaped: bool = False) -> Play:
        """The months to the horizon or to bankruptcy; the plan begins again when it is through."""
        batch = Batch(1, HORIZON, OWN_LEVERS if closing else NO_CLOSING, shaped=shaped)
        batch.draw(0, FAMILIES[self.family], self.key)
        if self.rich:
            batch.economies["firm_cash"][0, SEAT] = ENDLESS
        batch.economies["firm_entry"][0, SEAT] = self.entry
        batch.economies["stock_paid"], batch.economies["range_gap"] = self.stock_paid, self.range_gap
        batch.economies["range_start"] = 12.0
        batch.begin(np.zeros(1, np.int64))
        rows = [self.plan[month // HELD % len(self.plan)] for month in range(HORIZON)]
        return watched(batch, np.array(rows, np.float64))


CASES = st.builds(
    Case,
    st.sampled_from(sorted(FAMILIES)),
    st.integers(0, 2**62),
    st.booleans(),
    st.lists(st.tuples(LEVER, LEVER, LEVER, LEVER), min_size=1, max_size=HORIZON // HELD),
    st.tuples(*[st.floats(-120.0, float(HORIZON)) | st.just(600.0)] * GROUPS),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.sampled_from([0.0, 0.01, 0.03]),
)


def same(found: Any, wanted: Any, scale: Any = 1.0) -> None:
    """Equal to 1e-9 of the larger of the numbers, or of `scale`."""
    found, wanted = np.asarray(found), np.asarray(wanted)
    size = np.maximum(np.maximum(abs(found), abs(wanted)), scale)
    assert (abs(found - wanted) <= EXACT * size).all(), float((abs(found - wanted) / size).max())


@identities
@given(CASES)
def test_revenue_lines_sum_to_revenue_and_profit_lines_to_profit(case: Case) -> None:
    play = case.played()
    flows = play.flows
    same(flows["device_revenue"] + flows["accessory_revenue"] + flows["services_revenue"], flows["revenue"])
    lines = flows["device_profit"] + flows["accessory_profit"] + flows["services_profit"]
    same(lines, flows["gross_profit"], flows["revenue"])
    costs = flows["marketing"] + flows["tickets"] + flows["releases"] + flows["overhead"] + flows["holding"]
    same(flows["gross_profit"] - costs, flows["operating_profit"], flows["revenue"] + costs)
    same(flows["operating_profit"] - flows["interest"] - flows["tax"], flows["profit"], flows["revenue"] + costs)
    for cost in ("marketing", "tickets", "releases", "overhead", "holding", "interest", "tax"):
        assert (flows[cost] >= 0.0).all(), cost


@identities
@given(CASES)
def test_cash_changes_by_the_profit_of_the_month_and_what_is_paid_for_stock_and_nothing_else(case: Case) -> None:
    play = case.played()
    before, after, flows = play.before["cash"], play.after["cash"], play.flows
    scale = abs(before) + abs(after)
    same(flows["profit"] - flows["stock"], flows["to_owners"], scale)
    same(after - before, flows["to_owners"], scale)
    same(after[-1] - before[0], flows["to_owners"].sum(axis=0), abs(after).max(axis=0) + abs(before[0]))
    assert (before[1:] == after[:-1]).all()


@identities
@given(CASES)
def test_stock_is_paid_for_when_it_is_made_as_far_as_it_is_and_comes_back_when_it_is_sold(case: Case) -> None:
    play = case.played()
    put_by = play.after["inventory"] - play.before["inventory"]
    same(play.flows["stock"], case.stock_paid * play.flows["realised_cost"] * put_by, play.flows["revenue"] + 1.0)
    if case.stock_paid == 0.0:
        assert (play.flows["to_owners"] == play.flows["profit"]).all()
        assert (play.flows["stock"] == 0.0).all()
    # All that is paid for at once: cash pays for every phone in the month in which it is made.
    made = play.flows["stock"] / case.stock_paid if case.stock_paid else put_by * play.flows["realised_cost"]
    sold = play.flows["sales"] * play.flows["realised_cost"]
    same(made + sold, play.flows["production"] * play.flows["realised_cost"], sold + 1.0)


@identities
@given(CASES)
def test_users_change_hands_but_only_first_time_buyers_add_to_them(case: Case) -> None:
    play = case.played()
    flows, users = play.flows, play.after["users"]
    grown = (users - play.before["users"]).sum(axis=1)
    served = (flows["share"] * flows["fill_rate"][:, :, None]).sum(axis=1) * flows["adopters"]
    everyone = users.sum(axis=1)
    same(grown, served, everyone)
    assert (grown >= -EXACT * everyone).all()
    assert (users >= 0.0).all()
    assert (everyone <= play.economy["users_ceiling"] * (1.0 + EXACT)).all()


@identities
@given(CASES)
def test_second_users_come_from_replaced_phones_drop_out_in_time_and_are_never_negative(case: Case) -> None:
    play = case.played()
    before, after, flows, p = play.before, play.after, play.flows, play.economy
    assert (after["second_users"] >= 0.0).all()
    assert (flows["replaced"] >= 0.0).all()
    bought_again = flows["share"] * flows["fill_rate"][:, :, None] * flows["leaving"] * flows["stickiness"][:, :, None]
    same(flows["again"], bought_again)
    same(flows["replaced"], flows["lost"] + bought_again)
    same(flows["due"], flows["in_market"][:, None, :] * before["users"], before["users"])
    assert (flows["again"] <= flows["due"] * (1.0 + EXACT)).all()
    first = flows["share"] * flows["fill_rate"][:, :, None] * flows["adopters"][:, None, :]
    same((flows["replaced"] + first).sum(axis=(1, 2)), flows["sales"].sum(axis=1))  # old for new, or the first one
    life = p["device_life"] + p["device_life_growth"] * before["month"] / 12
    found = p["second_life"] * flows["replaced"]
    dropped = before["second_users"] / life[:, None, None]
    same(after["second_users"] - before["second_users"], found - dropped, after["second_users"])
    years = (before["users"] + before["second_users"]) / 12
    same(after["user_years"] - before["user_years"], years, after["user_years"])
    active = (after["users"] + after["second_users"])[:, SEAT].sum(axis=1)
    same(play.reports["active_users"], active)


@identities
@given(CASES)
def test_what_is_earned_overseas_and_at_home_is_all_that_is_earned(case: Case) -> None:
    play = case.played()
    before, after, flows, p = play.before, play.after, play.flows, play.economy
    sold = flows["wanted"] * flows["fill_rate"][:, :, None]
    active = before["users"] + before["second_users"]
    monetised = before["user_years"] / (before["user_years"] + p["services_half"])
    services = active * p["services_ceiling"] / 12 * monetised * before["engagement"][:, :, None]
    services = services * play.shocks["services"][:, None, None]
    accessories = before["users"] * p["accessory_ceiling"] / 12 * flows["attach"][:, :, None]
    ratio = np.exp(-case.range_gap * np.maximum(before["month"] - 12.0, 0.0))
    mix = p["range_mix"]
    ranges = np.stack([np.ones(len(ratio)), ratio], axis=1) / (1.0 - mix + mix * ratio)[:, None]
    earned = sold * ranges[:, None, :] * after["price"][:, :, None] + services + accessories
    same((sold * ranges[:, None, :]).sum(axis=2) * after["price"], flows["device_revenue"])
    same(flows["sales_overseas"], sold[..., OVERSEAS])
    same(flows["sales"] - flows["sales_overseas"], sold[..., HOME], flows["sales"])
    same(flows["revenue_overseas"], earned[..., OVERSEAS])
    assert (flows["revenue_overseas"] >= 0.0).all()
    assert (flows["revenue_overseas"] <= flows["revenue"] * (1.0 + EXACT)).all()
    same(earned[..., HOME] + flows["revenue_overseas"], flows["revenue"])
    same(services.sum(axis=2), flows["services_revenue"])


@identities
@given(CASES)
def test_channels_reach_at_least_the_web_shop_and_at_most_what_is_entered(case: Case) -> None:
    play = case.played()
    reach, coverage, online = play.after["reach"], play.after["coverage"], play.economy["firm_online"][:, None]
    assert (reach[..., HOME] == 1.0).all()
    assert ((reach >= 0.0) & (reach <= 1.0 + EXACT)).all()
    assert (reach >= play.before["reach"]).all(), "nobody leaves a country"
    assert (coverage >= online * reach - EXACT).all()
    assert (coverage <= reach + EXACT).all()
    nowhere = play.before["reach"] == 0.0
    for name in ("weight", "wanted", "newcomers"):
        assert (play.flows[name][nowhere] == 0.0).all(), name
    assert (play.after["adstock"][nowhere] == 0.0).all()


@identities
@given(CASES)
def test_what_one_firm_wins_from_others_the_others_lose(case: Case) -> None:
    play = case.played()
    flows = play.flows
    first = flows["share"] * flows["fill_rate"][:, :, None] * flows["adopters"][:, None, :]
    won = flows["newcomers"] - first
    same(won.sum(axis=1), flows["lost"].sum(axis=1))
    assert (won >= -EXACT).all()
    assert (flows["lost"] >= 0.0).all()
    same(play.after["users"] - play.before["users"], flows["newcomers"] - flows["lost"], play.before["users"])


@identities
@given(CASES)
def test_phones_sold_go_to_owners_who_stay_and_to_newcomers(case: Case) -> None:
    play = case.played()
    flows = play.flows
    stayed = flows["share"] * flows["fill_rate"][:, :, None] * flows["leaving"] * flows["stickiness"][:, :, None]
    same(flows["sales"], (stayed + flows["newcomers"]).sum(axis=2))


@identities
@given(CASES)
def test_phones_wanted_from_all_firms_are_the_market_and_shares_sum_to_one(case: Case) -> None:
    play = case.played()
    flows = play.flows
    same(flows["share"].sum(axis=1), 1.0)
    assert (flows["share"] >= 0.0).all()
    same(flows["wanted"].sum(axis=1), flows["market"])


@identities
@given(CASES)
def test_stock_is_made_or_sold_and_never_negative(case: Case) -> None:
    play = case.played()
    before, after, flows = play.before, play.after, play.flows
    stock = before["inventory"] + flows["production"]
    same(after["inventory"], stock - flows["sales"], stock)
    assert (after["inventory"] >= 0.0).all()
    assert (flows["sales"] <= stock * (1.0 + EXACT)).all()
    assert (flows["production"] <= before["capacity"] * play.shocks["supply"] * (1.0 + EXACT)).all()
    assert ((flows["fill_rate"] >= 0.0) & (flows["fill_rate"] <= 1.0)).all()
    same(flows["sales"], flows["fill_rate"] * flows["wanted"].sum(axis=2))
    same(after["output"] - before["output"], flows["sales"], after["output"])
    idle = (flows["fill_rate"] < 1.0 - EXACT) & (after["inventory"] > EXACT)
    assert not idle.any(), "buyers were sent away while phones lay in stock"


@identities
@given(CASES)
def test_ventures_are_in_gestation_on_sale_or_gone(case: Case) -> None:
    play = case.played()
    before, after, p = play.before, play.after, play.economy
    deals = play.flows["tickets"] / p["ticket"]
    started = p["venture_success"] * deals / (1.0 + deals / p["deal_flow"])
    pipeline = after["seeded"] + after["growing"] - before["seeded"] - before["growing"]
    arrived = after["breadth"] - before["breadth"] * (1.0 - p["obsolescence"])
    same(pipeline + arrived / play.shocks["hit"][:, None], started, after["seeded"] + after["growing"] + 1.0)
    for stock in ("seeded", "growing", "breadth"):
        assert (after[stock] >= 0.0).all(), stock


@identities
@given(CASES)
def test_every_number_of_the_state_stays_finite_and_in_its_range(case: Case) -> None:
    play = case.played()
    after = play.after
    for name in STATE.names or ():
        assert np.isfinite(after[name]).all(), name
    for name in ("coverage", "fans"):
        assert ((after[name] >= 0.0) & (after[name] <= 1.0)).all(), name
    assert (after["fans"] <= play.economy["fan_ceiling"]).all()
    for name in ("adstock", "user_years", "imitation", "engagement", "output", "capacity", "forecast"):
        assert (after[name] >= 0.0).all(), name
    for name in ("price", "unit_cost", "base_cost", "price_index"):
        assert (after[name] > 0.0).all(), name
    for name in ("dear", "passed"):
        assert ((play.flows if name == "dear" else after)[name] >= CHEAPEST - 1.0).all(), name
    assert (abs(after["markup"] - play.before["markup"]) <= play.economy["markup_speed"] + EXACT).all()


@identities
@given(CASES)
def test_the_report_is_what_happened_to_the_seat(case: Case) -> None:
    play = case.played()
    flows, after, reports = play.flows, play.after, play.reports
    told = set(REPORT.names or ())
    for name in told & set(FLOWS.names or ()) - {"wanted"}:
        assert (reports[name] == flows[name][:, SEAT]).all(), name
    for name in told & set(STATE.names or ()) - {"month"}:
        assert (reports[name] == after[name][:, SEAT]).all(), name
    assert (reports["month"] == after["month"]).all()
    for column, region in enumerate(("home", "overseas")):
        assert (reports[f"users_{region}"] == after["users"][:, SEAT, column]).all()
        assert (reports[f"coverage_{region}"] == after["coverage"][:, SEAT, column]).all()
        assert (reports[f"market_{region}"] == flows["market"][:, column]).all()
        same(reports[f"share_{region}"], flows["wanted"][:, SEAT, column] / flows["market"][:, column])
    same(reports["wanted"], flows["wanted"][:, SEAT].sum(axis=1))
    same(reports["pipeline"], after["seeded"][:, SEAT] + after["growing"][:, SEAT])
    assert (reports["applied_price"] == after["markup"][:, SEAT]).all()
    for lever in ("accessories", "marketing", "updates"):
        assert (reports[f"applied_{lever}"] == reports[f"asked_{lever}"]).all(), lever
    bankrupt = reports["cash"] < -reports["credit_line"]
    assert (reports["bankrupt"] == bankrupt).all()
    assert ((play.ends == BANKRUPT) == bankrupt).all()


@pytest.mark.parametrize(("closing", "shaped"), [(False, False), (True, False), (False, True), (True, True)])
@settings(identities, max_examples=15)
@given(case=CASES)
def test_reward_terms_sum_to_the_reward(closing: bool, shaped: bool, case: Case) -> None:
    play = case.played(closing=closing, shaped=shaped)
    reports = play.reports
    same(reports["profit_term"] + reports["closing_term"] + reports["shaping_term"], play.rewards)
    same(reports["profit_term"], (reports["profit"] - reports["stock"]) / MONEY_SCALE)
    same(reports["cash"][-1] - play.before["cash"][0, SEAT], MONEY_SCALE * reports["profit_term"].sum(), MONEY_SCALE)
    assert (reports["closing_term"][:-1] == 0.0).all()
    assert reports["closing_term"][-1] >= 0.0
    if not closing or play.ends[-1] != CLOSED:
        assert reports["closing_term"][-1] == 0.0
    if not shaped:
        assert (reports["shaping_term"] == 0.0).all()


def test_shaping_pays_out_nothing_over_a_whole_life_but_the_first_potential() -> None:
    """Discounted shaping terms telescope to minus the first potential when the last one is zero (Ng et al. 1999)."""
    family, discount = FAMILIES["calibrated"], 1.10 ** (-1 / 12)
    batch = Batch(1, HORIZON, OWN_LEVERS, shaped=True)
    batch.draw(0, family, 7)
    batch.begin(np.zeros(1, np.int64))
    play = watched(batch, np.tile(action_of(0.05, 0.012, 0.035, 4.33), (HORIZON, 1)).astype(np.float64))
    assert play.ends[-1] == CLOSED
    terms = play.reports["shaping_term"]
    assert abs(terms).max() > 0.01
    assert (discount ** np.arange(HORIZON) * terms).sum() == pytest.approx(0.0, abs=1e-12)


def test_an_episode_ends_at_the_horizon_or_with_the_cash() -> None:
    ends: list[npt.NDArray[np.int64]] = []
    for action in (action_of(0.05, 0.012, 0.035, 4.33), np.full(4, -1.0, np.float32)):
        batch = Batch(1, HORIZON, NO_CLOSING, shaped=False)
        batch.draw(0, FAMILIES["calibrated"], 7)
        batch.begin(np.zeros(1, np.int64))
        ends.append(watched(batch, np.tile(action, (HORIZON, 1)).astype(np.float64)).ends)
    assert (len(ends[0]), ends[0][-1]) == (HORIZON, CLOSED)
    assert len(ends[1]) < HORIZON
    assert ends[1][-1] == BANKRUPT
    assert all((months[:-1] == RUNNING).all() for months in ends)
