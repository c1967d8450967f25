"""The report of a month and the balance of the start, worked by hand from records with easy numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from thinmargin import simulation
from thinmargin.batch import Batch
from thinmargin.economics import month
from thinmargin.levers import action_of
from thinmargin.parameters import Parameters, economy_record
from thinmargin.records import (
    ACCESSORIES,
    FLOWS,
    HOME,
    MARKETING,
    OVERSEAS,
    PRICE,
    REPORT,
    SEAT,
    SHOCKS,
    STATE,
    UPDATES,
)
from thinmargin.simulation import KERNELS, NO_CLOSING, OWN_LEVERS, PLAYBOOK


def blank(kind: np.dtype[Any]) -> Any:
    """A record of this type, all zero."""
    return np.zeros(1, kind)[0]


def test_the_market_in_the_report_by_hand() -> None:
    state, flows, report = blank(STATE), blank(FLOWS), blank(REPORT)
    state["users"][SEAT] = 30.0, 10.0
    state["second_users"][SEAT] = 4.0, 2.0
    state["seeded"][SEAT], state["growing"][SEAT] = 1.5, 2.0
    state["price"][:] = 1000.0, 2000.0, 1500.0, 800.0
    flows["share"][:, HOME] = 0.1, 0.2, 0.3, 0.4
    flows["share"][:, OVERSEAS] = 0.7, 0.1, 0.1, 0.1
    flows["wanted"][SEAT] = 3.0, 1.0
    flows["market"][:] = 12.0, 20.0
    flows["retained"][SEAT] = 0.4
    simulation.write_market(state, flows, report)
    assert report["active_users"] == 46.0
    assert (report["users_home"], report["users_overseas"]) == (30.0, 10.0)
    assert report["pipeline"] == 3.5
    assert report["rival_price"] == pytest.approx((0.2 * 2000.0 + 0.3 * 1500.0 + 0.4 * 800.0) / 0.9, rel=1e-14)
    assert report["price"] == 1000.0
    assert report["wanted"] == 4.0
    assert (report["share_home"], report["share_overseas"]) == (0.25, 0.05)
    assert (report["market_home"], report["market_overseas"]) == (12.0, 20.0)
    assert report["retention"] == 0.4


@pytest.mark.parametrize(("months", "share"), [(6.0, 0.5), (0.0, 0.0), (1.0, 0.0), (50.0, 1.0)])
def test_the_margin_of_hardware_bears_overhead_of_the_month_just_run_and_tax(months: float, share: float) -> None:
    """Research grows from nothing to all of revenue in ten months: half of it in the sixth, which began after five."""
    constants = Parameters(
        research_share=0.0, research_late=1.0, research_start=0.0, research_months=10.0, admin_share=0.03, tax_rate=0.2,
        royalty=0.01,
    )  # fmt: skip
    p, state, flows, report = economy_record(constants), blank(STATE), blank(FLOWS), blank(REPORT)
    state["month"] = months
    flows["share"][:] = 0.25
    flows["market"][:] = 1.0
    flows["device_revenue"][SEAT], flows["device_profit"][SEAT] = 200.0, 50.0
    simulation.write_report(state, p, flows, report)
    assert report["hardware_net_margin"] == pytest.approx((50.0 - (share + 0.03) * 200.0) * 0.8 / 200.0, rel=1e-12)
    assert report["royalties"] == 2.0
    assert report["month"] == months


@pytest.mark.parametrize(("revenue", "margin"), [(1e-9, 0.25), (1.05e-9, 0.25), (0.5e-9, 0.125), (0.0, 0.0)])
def test_a_margin_of_hardly_any_revenue_is_a_number(revenue: float, margin: float) -> None:
    """The margin is of the revenue, or of a thousandth of an RMB where there is less."""
    constants = Parameters(research_share=0.0, research_late=0.0, admin_share=0.0, tax_rate=0.0)
    state, flows, report = blank(STATE), blank(FLOWS), blank(REPORT)
    flows["share"][:] = 0.25
    flows["market"][:] = 1.0
    flows["device_revenue"][SEAT], flows["device_profit"][SEAT] = revenue, 0.25 * revenue
    simulation.write_report(state, economy_record(constants), flows, report)
    assert report["hardware_net_margin"] == pytest.approx(margin, rel=1e-12)


@pytest.mark.parametrize(("cash", "bankrupt"), [(-100.5, 1.0), (-100.0, 0.0), (5.0, 0.0)])
def test_a_firm_is_bankrupt_below_its_credit_line_and_not_at_it(cash: float, bankrupt: float) -> None:
    state, flows, report = blank(STATE), blank(FLOWS), blank(REPORT)
    flows["share"][:] = 0.25
    flows["market"][:] = 1.0
    state["cash"][SEAT], flows["credit_line"][SEAT] = cash, 100.0
    simulation.write_report(state, economy_record(Parameters()), flows, report)
    assert report["bankrupt"] == bankrupt


def test_incumbents_expect_at_the_start_their_shares_of_the_reported_markets() -> None:
    batch = Batch(1, 10, NO_CLOSING, shaped=False)
    batch.economies[0] = economy_record(Parameters())
    batch.begin(np.zeros(1, np.int64))
    p, report = batch.economies[0], batch.reports[0]
    incumbents = p["firm_capacity"] == 0.0
    assert incumbents.sum() == 3
    markets = np.array([report["market_home"], report["market_overseas"]])
    np.testing.assert_allclose(
        batch.states["forecast"][0][incumbents], p["firm_start_share"][incumbents] @ markets, rtol=1e-12
    )


def test_levers_before_the_first_month_are_the_markup_of_the_start_and_nothing_else() -> None:
    state = blank(STATE)
    state["markup"][SEAT] = 0.12
    assert month.own_mean(state, PRICE) == 0.12
    assert [month.own_mean(state, lever) for lever in (ACCESSORIES, MARKETING, UPDATES)] == [0.0, 0.0, 0.0]
    state["month"], state["own_sum"] = 3.0, 0.3
    assert month.own_mean(state, UPDATES) == pytest.approx(0.1)
    state["month"] = 30.0
    assert month.own_mean(state, UPDATES) == pytest.approx(0.025)


def test_who_wants_nothing_is_served_in_full() -> None:
    state, flows, shock = blank(STATE), blank(FLOWS), blank(SHOCKS)
    shock["supply"][:] = 1.0
    state["forecast"][:] = 1.0
    state["capacity"][:] = 2.0
    flows["wanted"][1] = 8.0, 0.0
    month.make_and_sell(state, economy_record(Parameters()), shock, flows)
    assert flows["fill_rate"].tolist() == [1.0, flows["sales"][1] / 8.0, 1.0, 1.0]
    assert 0.0 < flows["fill_rate"][1] < 1.0


@pytest.mark.parametrize(("rule", "worthless"), [(OWN_LEVERS, True), (PLAYBOOK, True), (NO_CLOSING, False)])
def test_the_potential_behind_the_last_month_counts_only_where_the_firm_goes_on(rule: int, worthless: bool) -> None:
    worth = {"services_half": 1.0, "services_ceiling": (2000.0, 26.0), "fixed_cost": 0.0, "release_cost": 0.0}
    batch = Batch(1, 1, rule, shaped=True)
    batch.economies[0] = economy_record(Parameters(**worth))
    batch.begin(np.zeros(1, np.int64))
    before = simulation.run_off_value(batch.states[0], batch.economies[0], SEAT, 1.0)
    batch.step(np.zeros((1, 4)))
    after = simulation.run_off_value(batch.states[0], batch.economies[0], SEAT, 1.0)
    assert min(before, after) > 100.0
    discounted = 0.0 if worthless else 1.10 ** (-1 / 12) * after
    assert batch.reports[0]["shaping_term"] == pytest.approx((discounted - before) / 1e4, rel=1e-9)


def test_a_book_of_many_worlds_is_played_in_each_of_them() -> None:
    """A rule without feedback asks for the levers of the playbook of every row, at calm prices."""
    economies = np.stack([economy_record(Parameters())] * 3)
    economies["play_markup"][:, SEAT] = 0.10, 0.20, 0.30
    economies["play_hardware_cap"][:, SEAT] = 1.0
    economies["play_markup_floor"][:, SEAT] = -0.05
    economies["play_reaction"][:, SEAT] = 0.0
    levers = np.zeros((3, 4))
    KERNELS.play(economies, levers)
    assert levers[:, 0].tolist() == [0.10, 0.20, 0.30]
    for row in levers:
        for lever, name in ((ACCESSORIES, "accessories"), (MARKETING, "marketing"), (UPDATES, "updates")):
            assert row[lever] == economies[f"play_{name}"][0, SEAT]


def test_the_observation_of_a_month_is_of_that_month() -> None:
    batch = Batch(1, 10, NO_CLOSING, shaped=False)
    batch.economies[0] = economy_record(Parameters())
    batch.begin(np.zeros(1, np.int64))
    seen = []
    for _ in range(3):
        batch.step(action_of(0.1, 0.01, 0.05, 2.0)[None])
        seen.append(float(batch.observations[0, 0]))
    assert seen == pytest.approx([0.1, 0.2, 0.3])
