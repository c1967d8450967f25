"""What the source articles describe, one row of the construct table at a time: each test shows an effect.

A row is a mechanism; its test plays months, changes the one thing the row is about, and looks at what
follows. The rows are numbered as in the documentation.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
import pytest
from tests.playing import Numbers, Table, begun, levers, quiet_world, rich_world, run, values, watched

from thinmargin.backtest.elasticity import brand_elasticities
from thinmargin.backtest.goals import PRICE_MONTHS, PRICE_RANGE
from thinmargin.baselines import baseline
from thinmargin.batch import Batch
from thinmargin.calibration.saved import shipped
from thinmargin.data import reported
from thinmargin.parameters import Parameters
from thinmargin.records import FEATURES, HOME, OVERSEAS, SEAT
from thinmargin.scenarios import FAMILIES
from thinmargin.simulation import BANKRUPT, NO_CLOSING, RUNNING
from thinmargin.worlds import Family

PREMIUM_FIRM, MASS_MARKETER, VALUE_FOLLOWERS = 1, 2, 3
BEST_CONSTANT = {"markup": 0.04, "accessories": 0.018, "marketing": 0.035, "updates": 3.0}
"""Near the best constant levers of the calibrated world; rows about one lever vary it around these."""


def _low_margin() -> Numbers:
    """The action of the low-margin-ecosystem baseline."""
    action, _ = baseline("low_margin_ecosystem").predict(np.zeros(len(FEATURES), np.float32))
    return action.astype(np.float64)


@cache
def _low_margin_after(months: int) -> dict[str, Table]:
    """A rich quiet world after so many months of the baseline."""
    batch = begun(rich_world())
    run(batch, _low_margin(), months)
    return batch.saved()


def _branches(months: int, count: int) -> Batch:
    """That world `count` times over, to be changed and played on."""
    saved = _low_margin_after(months)
    batch = begun(*[rich_world()] * count)
    batch.restore({name: np.repeat(array, count, axis=0) for name, array in saved.items()})
    return batch


# 1: phones sold at or near cost


def test_row_01_share_of_phones_wanted_rises_as_the_markup_falls() -> None:
    markups = np.linspace(-0.20, 0.60, 17)
    batch = begun(*[rich_world()] * len(markups))
    share = run(batch, np.array([levers(markup=markup) for markup in markups]), 24)["share_home"][-1]
    assert (np.diff(share) < 0.0).all()
    assert share[0] > 10.0 * share[-1]


GROSS_MARGIN = (0.12, 0.12, 0.05, -0.003, 0.034, 0.088, 0.062, 0.072)
SELLING = (0.039, 0.032, 0.029, 0.029, 0.044, 0.046, 0.046, 0.05)
STARTED = (3, 7, 15, 30, 22, 15, 20, 20)
"""Reported, 2012 to 2019: gross margin on phones, selling spend of revenue, ventures started a year."""


def _history_until(month: int) -> Batch:
    """A firm that plays roughly what was reported from 2012 on, and enters countries when it did."""
    batch = begun(rich_world())
    for past in range(month):
        batch.step(_history_levers(batch, past)[None])
    return batch


def _history_levers(batch: Batch, month: int, price_change: float = 0.0) -> Numbers:
    year = month // 12
    markup = GROSS_MARGIN[year] / (1.0 - GROSS_MARGIN[year])
    spending_base = batch.states["trailing_revenue"][0, SEAT] + batch.economies["spending_floor"][0]
    tickets = STARTED[year] / 12.0 * batch.economies["ticket"][0] / spending_base
    return levers((1.0 + markup) * (1.0 + price_change) - 1.0, min(tickets, 0.10), SELLING[year], 4.33)


@pytest.mark.parametrize(("year", "month"), [(2013, 17), (2015, 41), (2019, 89)])
def test_row_01_brand_elasticity_all_in_is_near_minus_three(year: int, month: int) -> None:
    batch = _history_until(month)
    batch.economies["markup_speed"] = 1.0
    here = batch.saved()
    wanted = []
    for change in (0.01, -0.01):
        batch.restore(here)
        batch.step(_history_levers(batch, month, change)[None])
        wanted.append(float(batch.reports["wanted"][0]))
    elasticity = math.log(wanted[0] / wanted[1]) / math.log(1.01 / 0.99)
    assert PRICE_RANGE[0] <= elasticity <= PRICE_RANGE[1], year


def test_row_01_brand_elasticity_of_a_year_is_what_the_back_test_asks_for_in_the_years_of_growth() -> None:
    found = brand_elasticities(reported(), shipped(), 2020)[PRICE_MONTHS]
    assert PRICE_RANGE == (-3.5, -2.5)
    assert set(found) == {2013, 2015, 2019}
    for year, elasticity in found.items():
        assert PRICE_RANGE[0] <= elasticity <= PRICE_RANGE[1], year


def test_row_01_the_baseline_sells_at_half_the_price_of_the_integrated_and_the_mass_maker() -> None:
    batch = begun(quiet_world())
    for _ in range(5):
        run(batch, _low_margin(), 36)
        price, share = batch.states["price"][0], batch.states["users"][0].sum(axis=1)
        big = slice(PREMIUM_FIRM, MASS_MARKETER + 1)
        assert price[SEAT] <= 0.5 * np.average(price[big], weights=share[big])


# 2: a platform of a hundred million users


def test_row_02_users_are_conserved_across_firms() -> None:
    play = watched(begun(rich_world()), np.tile(_low_margin(), (120, 1)))
    served = (play.flows["share"] * play.flows["fill_rate"][:, :, None]).sum(axis=1) * play.flows["adopters"]
    grown = (play.after["users"] - play.before["users"]).sum(axis=1)
    assert grown == pytest.approx(served, rel=1e-9)
    assert (grown > 0.0).all()


def test_row_02_the_base_grows_with_sales_to_a_hundred_million_and_more() -> None:
    reports = run(begun(rich_world()), np.array([_low_margin()]), 96)[:, 0]
    users = reports["users_home"] + reports["users_overseas"]
    assert users[-1] > 100.0
    assert (reports["active_users"] > users).all()  # phones that were replaced are still in use
    assert reports["active_users"][-1] < 1.5 * users[-1]
    assert (np.diff(users) < reports["sales"][1:]).all()  # some sales only keep an owner
    dear = run(begun(rich_world()), levers(markup=0.6), 96)[:, 0]
    assert dear["sales"].sum() < 0.2 * reports["sales"].sum()
    assert dear["users_home"][-1] < 0.2 * reports["users_home"][-1]


@pytest.mark.parametrize("life", [15.0, 30.0, 60.0])
def test_row_02_the_base_of_a_firm_nobody_buys_from_decays_with_device_life(life: float) -> None:
    batch = _branches(60, 1)
    batch.economies["device_life"], batch.economies["device_life_growth"] = life, 0.0
    batch.economies["replacement_elasticity"] = 0.0  # nobody hurries because phones have become cheap
    batch.shocks["brand"][0, :, SEAT] = -50.0
    batch.states["inventory"] = 1e4  # so that every owner finds another phone
    before = float(batch.states["users"][0, SEAT, HOME])
    after = run(batch, _low_margin(), 24)["users_home"][-1, 0]
    assert after / before == pytest.approx((1.0 - 1.0 / life) ** 24, rel=1e-6)


# 3: money made on services


def test_row_03_a_mature_thin_margin_firm_earns_mostly_on_services_and_accessories() -> None:
    books = run(begun(rich_world()), _low_margin(), 180)[:, 0]
    young, mature = books[:24], books[96:]
    after_the_sale = books["services_profit"] + books["accessory_profit"]
    assert young["device_profit"].sum() > 0.5 * young["gross_profit"].sum()
    assert after_the_sale[96:].sum() > 0.5 * mature["gross_profit"].sum()
    assert mature["services_profit"].sum() > mature["device_profit"].sum()
    # A small line of sales, a large one of profit.
    assert mature["services_revenue"].sum() < 0.2 * mature["revenue"].sum()


@pytest.mark.parametrize("factor", ["users", "engagement", "user_years"])
def test_row_03_services_revenue_grows_with_users_use_and_experience(factor: str) -> None:
    batch = _branches(60, 2)
    for stock in ("users", "second_users") if factor == "users" else (factor,):
        batch.states[stock][1, SEAT] *= 0.8
    services = run(batch, _low_margin(), 1)["services_revenue"][0]
    ratio = services[1] / services[0]
    if factor == "user_years":
        assert 0.8 < ratio < 0.99  # monetisation saturates
    else:
        assert ratio == pytest.approx(0.8)


def test_row_03_who_uses_an_old_phone_is_worth_as_much_to_services_as_its_first_owner() -> None:
    batch = _branches(60, 3)
    batch.states["users"][:, SEAT, OVERSEAS] = batch.states["second_users"][:, SEAT, OVERSEAS] = 0.0
    batch.states["second_users"][1, SEAT, HOME] += 5.0
    batch.states["users"][2, SEAT, HOME] += 5.0
    books = run(batch, _low_margin(), 1)[0]
    services, accessories = books["services_revenue"], books["accessory_revenue"]
    assert services[1] > services[0]
    assert services[1] == pytest.approx(services[2])
    assert accessories[2] > accessories[1] == accessories[0]


# 4: a software update every Friday


def _cadences() -> Numbers:
    return 0.25 * 32.0 ** np.linspace(0.0, 1.0, 51)


def _best_cadence(batch: Batch, months: int) -> tuple[float, Numbers]:
    """The cadence that leaves users most engaged after some months, and the engagement of every cadence."""
    run(batch, np.array([levers(updates=cadence) for cadence in _cadences()]), months)
    engagement = batch.reports["engagement"].copy()
    return float(_cadences()[int(np.argmax(engagement))]), engagement


def test_row_04_a_small_base_full_of_fans_wants_updates_weekly_and_a_large_one_fewer() -> None:
    count = len(_cadences())
    small = _branches(12, count)
    small.states["fans"][:, SEAT] = 0.8 * small.economies["fan_ceiling"]
    few, engaged_few = _best_cadence(small, 3)
    many, engaged_many = _best_cadence(_branches(120, count), 3)
    for best, engaged in ((few, engaged_few), (many, engaged_many)):
        assert 1.0 < best < 7.0
        assert engaged[0] < engaged.max() - 0.05
        assert engaged[-1] < engaged.max() - 0.01
    assert few > 1.2 * many
    assert few >= 4.33


def test_row_04_long_run_value_has_an_interior_best_cadence() -> None:
    worth = values(
        quiet_world(), np.array([levers(**{**BEST_CONSTANT, "updates": cadence}) for cadence in _cadences()])
    )
    best = _cadences()[int(np.argmax(worth))]
    assert 1.5 < best < 5.0
    assert worth[0] < 0.9 * worth.max()
    assert worth[-1] < 0.9 * worth.max()


# 5: accessories made by start-ups


def _pulse(spend: float, months: int, **constants: Any) -> Table:
    """Books of 120 months without accessories but those of tickets paid in the first `months` of the third year."""
    world = rich_world(**constants)
    world.economy["firm_breadth"][SEAT] = 0.0
    batch = begun(world)
    without = levers(accessories=0.0)
    before = run(batch, without, 36)
    during = run(batch, levers(accessories=spend), months)
    after = run(batch, without, 84 - months)
    return np.concatenate([before, during, after])[:, 0]


def test_row_05_a_ticket_becomes_revenue_two_to_three_years_later() -> None:
    books = _pulse(0.05, 1, obsolescence=0.0)
    arrivals = np.diff(books["breadth"][35:])  # the ticket is paid in month 0 of these
    half = int(np.searchsorted(np.cumsum(arrivals), 0.5 * arrivals.sum()))
    assert 24 <= half <= 36
    revenue = books["accessory_revenue"][36:]
    assert revenue[0] == 0.0
    assert revenue[6] < 0.05 * revenue.max()
    assert revenue[30] > 5.0 * revenue[9]


def test_row_05_the_ticket_is_all_that_can_be_lost() -> None:
    ventured, idle = _pulse(0.05, 12, venture_success=0.0), _pulse(0.0, 12, venture_success=0.0)
    lost = idle["operating_profit"].sum() - ventured["operating_profit"].sum()
    assert lost == pytest.approx(ventured["tickets"].sum(), rel=1e-9)
    assert ventured["tickets"].sum() > 100.0


def test_row_05_hits_differ_and_a_catalogue_without_new_ventures_fades() -> None:
    batch = _branches(60, 3)
    batch.shocks["hit"][:, 60:] = np.array([0.5, 1.0, 2.0])[:, None]
    breadth = run(batch, levers(accessories=0.012), 12)["breadth"]
    assert breadth[-1, 0] < breadth[-1, 1] < breadth[-1, 2]
    fading = _branches(60, 1)
    fading.economies["gestation"], fading.economies["obsolescence"] = 30.0, 0.012  # centres of their priors
    faded = run(fading, levers(accessories=0.0), 119)["breadth"][:, 0]
    assert faded[-1] < 0.6 * faded.max()
    assert int(np.argmax(faded)) < 48


def test_row_05_more_tickets_make_a_wider_catalogue_with_falling_returns() -> None:
    shares = (0.0, 0.02, 0.04, 0.06)
    batch = begun(*[rich_world()] * len(shares))
    breadth = run(batch, np.array([levers(accessories=share) for share in shares]), 72)["breadth"][-1]
    assert (np.diff(breadth) > 0.0).all()
    assert (np.diff(breadth, 2) < 0.0).all()


def test_row_05_owners_with_accessories_buy_the_same_brand_again() -> None:
    batch = _branches(96, 2)
    batch.states["breadth"][1, SEAT] = 0.0
    kept = run(batch, _low_margin(), 1)["retention"][0]
    assert kept[1] < kept[0] - 0.1


# 6: demand risk carried by the start-ups


def test_row_06_a_failed_venture_costs_its_ticket_and_nothing_else() -> None:
    batch = begun(*[rich_world(venture_success=0.0)] * 2)
    books = run(batch, np.array([levers(markup=0.10, accessories=0.0), levers(markup=0.10, accessories=0.03)]), 72)
    none, some = books[:, 0], books[:, 1]
    assert (none["tickets"] == 0.0).all()
    assert (some["tickets"] > 0.0).all()
    touched = {"tickets", "operating_profit", "tax", "profit", "cash", "profit_term"}
    touched |= {"asked_accessories", "applied_accessories"}
    for name in set(books.dtype.names or ()) - touched:
        assert (none[name] == some[name]).all(), name
    assert none["operating_profit"] - some["operating_profit"] == pytest.approx(some["tickets"])
    spared_tax = none["tax"].sum() - some["tax"].sum()
    assert none["cash"][-1] - some["cash"][-1] == pytest.approx(some["tickets"].sum() - spared_tax)
    assert 0.0 <= spared_tax <= 0.15 * some["tickets"].sum() * (1.0 + 1e-9)


def test_row_06_accessories_put_no_stock_on_the_books() -> None:
    batch = begun(*[rich_world(inertia_span=0.0)] * 2)  # accessories bind nobody, and their sales pay no marketing
    actions = np.array([levers(accessories=0.0, marketing=0.0), levers(accessories=0.03, marketing=0.0)])
    books = run(batch, actions, 96)
    assert books["accessory_revenue"][-1, 1] > 100.0
    for name in ("inventory", "holding", "sales"):
        assert books[name][:, 0] == pytest.approx(books[name][:, 1]), name


# 7: fans


def test_row_07_fans_are_won_slowly_and_lost_fast() -> None:
    batch = _branches(120, 3)
    batch.shocks["brand"][:, 120:, SEAT] = -50.0  # nobody is new any more: fans are as many as the offer deserves
    run(batch, _low_margin(), 48)
    batch.states["fans"][:, SEAT] += np.array([0.0, -0.1, 0.1])
    fans = run(batch, _low_margin(), 4)["fans"][-1]
    won, lost = fans[1] - fans[0] + 0.1, 0.1 + fans[0] - fans[2]
    assert 0.02 < won < 0.04  # of the tenth that was missing
    assert lost > 1.8 * won


@pytest.mark.parametrize("worse", [{"updates": 0.25}, {"markup": 0.30}])
def test_row_07_fans_want_updates_and_honest_prices(worse: dict[str, float]) -> None:
    batch = _branches(60, 2)
    fans = run(batch, np.array([levers(), levers(**worse)]), 12)["fans"][-1]
    assert fans[1] < 0.9 * fans[0]


def test_row_07_stock_outs_lose_fans() -> None:
    batch = _branches(60, 2)
    batch.shocks["supply"][1, 60:, SEAT] = 0.5
    books = run(batch, _low_margin(), 6)
    assert books["fill_rate"][-1, 1] < 0.7
    assert books["fans"][-1, 1] < 0.9 * books["fans"][-1, 0]


def test_row_07_without_fans_more_bugs_reach_users() -> None:
    missed = []
    for cadence in (0.25, 4.33):
        batch = _branches(120, 2)
        batch.states["fans"][1, SEAT] = 0.0
        engagement = run(batch, levers(updates=cadence), 3)["engagement"][-1]
        missed.append(engagement[0] - engagement[1])
    assert missed[1] > 0.015
    assert 0.0 < missed[0] < 0.1 * missed[1]  # few releases, few bugs to catch


def test_row_07_without_fans_more_paid_marketing_is_needed() -> None:
    spends = np.linspace(0.0, 0.10, 201)
    actions = np.array([levers(**{**BEST_CONSTANT, "marketing": spend}) for spend in spends])
    needed = []
    for appeal in (0.0, -6.0):
        world = rich_world()
        world.economy["firm_fan_appeal"][SEAT] = appeal  # rivals keep theirs
        batch = begun(*[world] * len(spends))
        users = run(batch, actions, 96)["users_home"][-1]
        needed.append(float(spends[int(np.argmax(users >= 150.0))]))
    assert needed[0] > 0.0
    assert needed[1] > 1.1 * needed[0]


# 8: word of mouth instead of advertising


@pytest.mark.parametrize("markup", [0.0251, 0.06, 0.10])  # the pledge, and above
def test_row_08_with_word_of_mouth_off_the_best_marketing_spend_rises(markup: float) -> None:
    spends = np.linspace(0.0, 0.12, 241)
    actions = np.array([levers(markup, 0.011, spend, 3.0) for spend in spends])
    best = [
        float(spends[int(np.argmax(values(quiet_world(word_of_mouth=words), actions)))])
        for words in (Parameters().word_of_mouth, 0.0)
    ]
    assert 0.0 < best[0] < best[1] < 0.12
    assert best[1] > 1.05 * best[0]


def test_row_08_fans_make_an_offer_known_that_nobody_advertises() -> None:
    batch = _branches(60, 2)
    batch.states["adstock"][:, SEAT] = 0.0
    batch.economies["word_of_mouth"][1] = 0.0
    wanted = run(batch, _low_margin(), 1)["wanted"][0]
    assert wanted[1] < 0.95 * wanted[0]


# 9: launch at a loss, earn later


def _half_years(markup: float, **constants: float) -> Numbers:
    """What phones earned after overhead in the halves of eight models' lives, from 2013 on: shape (8, 2)."""
    batch = begun(rich_world(**constants))
    run(batch, levers(markup=markup), 12)
    books = run(batch, levers(markup=markup), 96)[:, 0]
    return (books["hardware_net_margin"] * books["device_revenue"]).reshape(8, 2, 6).sum(axis=2)


@pytest.mark.parametrize("markup", [0.0, 0.025, 0.05])
def test_row_09_the_first_half_year_of_a_model_loses_money_and_the_second_earns(markup: float) -> None:
    profit = _half_years(markup, research_late=Parameters().research_share)  # overhead as press accounts knew it
    assert (profit[:, 1] > 0.0).all()
    assert (profit[:, 0] < 0.0).all()


def test_row_09_research_that_has_grown_asks_for_some_markup_to_earn_in_the_second() -> None:
    # Months 6 to 11 cost e^(-0.013 x 3) = 96.2 % of the list cost: 3.8 % at cost, less 3.3 % of overhead at first and
    # 5.5 % in the end.
    at_cost = _half_years(0.0)[:, 1]
    assert (at_cost[:4] > 0.0).all()
    assert at_cost[-1] < 0.0
    for markup in (0.025, 0.05):
        profit = _half_years(markup)
        assert (profit[:, 1] > 0.0).all()
        assert (profit[:, 0] < 0.0).all()


@pytest.mark.parametrize("markup", [0.0, 0.025, 0.05])
def test_row_09_a_model_loses_money_in_its_launch_month_and_earns_most_in_its_last(markup: float) -> None:
    batch = begun(rich_world())
    run(batch, levers(markup=markup), 12)
    books = run(batch, levers(markup=markup), 96)[:, 0]
    margin = (books["device_profit"] / books["device_revenue"]).reshape(8, 12)
    assert (margin[:, 0] < 0.0).all()
    assert (margin[:, 11] > 0.04).all()
    assert (np.diff(margin, axis=1) > 0.0).all()


def test_row_09_volume_brings_component_cost_down() -> None:
    batch = begun(*[rich_world(spec_drift=0.0)] * 2)
    books = run(batch, np.array([levers(markup=0.0), levers(markup=0.40)]), 60)
    cost, sold = books["unit_cost"], books["sales"].sum(axis=0)
    assert (np.diff(cost, axis=0) <= 0.0).all()
    assert sold[0] > 3.0 * sold[1]
    assert cost[-1, 0] < 0.95 * cost[-1, 1]


# 10: little inventory, stock-outs


def test_row_10_growing_faster_than_capacity_loses_sales_and_fans() -> None:
    batch = _branches(36, 2)
    batch.economies["markup_speed"] = 1.0
    batch.states["capacity"][1, SEAT] = 1e3
    books = run(batch, levers(markup=-0.15), 4)
    scarce, ample = books[:, 0], books[:, 1]
    assert scarce["fill_rate"][0] < 0.85
    assert scarce["sales"].sum() < 0.95 * ample["sales"].sum()
    assert (scarce["fans"] < ample["fans"]).all()
    assert scarce["users_home"][-1] < ample["users_home"][-1]
    assert (np.diff(scarce["capacity"]) > 0.0).all()
    assert scarce["fill_rate"][-1] > scarce["fill_rate"][0]


def test_row_10_a_firm_that_grows_steadily_holds_about_a_month_of_stock() -> None:
    books = run(_branches(24, 1), _low_margin(), 96)[:, 0]
    months_of_sales = books["inventory"] / books["sales"]
    assert (months_of_sales < 1.5).all()
    assert books["fill_rate"].mean() > 0.95


def test_row_10_stock_that_nobody_wants_any_more_is_written_down() -> None:
    batch = _branches(36, 2)
    batch.shocks["brand"][1, 36:, SEAT] = -2.0
    books = run(batch, _low_margin(), 6)
    steady, slump = books[:, 0], books[:, 1]
    assert (steady["holding"] == 0.0).all()
    assert slump["holding"].sum() > 0.0
    assert slump["inventory"][0] > 1.2 * steady["inventory"][0]


# 11: direct online sale, then shops


def test_row_11_a_firm_with_no_selling_spend_keeps_its_online_floor_and_no_more() -> None:
    # Listed everywhere, and with channels that are built as slowly as their prior says: they rise to the end.
    world = rich_world(open=1.0, coverage_rate=0.02, coverage_scale=100.0)
    world.economy["firm_entry"][SEAT] = -600.0
    batch = begun(*[world] * 3)
    floor = float(world.economy["firm_online"][SEAT])
    batch.states["coverage"][2, SEAT] = (0.7, 0.6)
    books = run(batch, np.array([levers(marketing=0.0), levers(marketing=0.05), levers(marketing=0.0)]), 180)
    never, always, no_longer = (books[:, row] for row in range(3))
    assert never["coverage_home"] == pytest.approx(floor)
    assert never["coverage_overseas"] == pytest.approx(floor)
    assert never["sales"][-1] > 0.0  # the web shop sells
    for region in ("coverage_home", "coverage_overseas"):
        assert (np.diff(always[region]) > 0.0).all()
        assert always[region][-1] > 0.5
        assert (np.diff(no_longer[region]) < 0.0).all()
        assert no_longer[region][-1] == pytest.approx(floor, abs=0.05)
        assert no_longer[region][-1] > floor


def test_row_11_the_web_shop_opens_with_the_countries_and_reaches_no_more_of_them() -> None:
    batch = begun(rich_world(open=0.8))
    floor = float(batch.economies["firm_online"][0, SEAT])
    books = run(batch, levers(marketing=0.0), 180)[:, 0]
    p = batch.economies[0]
    way = np.clip((np.arange(1, 181)[:, None] - p["firm_entry"][SEAT]) / p["entry_months"], 0.0, 1.0)
    reach = (way**2 * (3.0 - 2.0 * way)) @ (p["group_share"] * [1.0, 0.8, 0.8, 0.8])
    assert 0.5 < reach[-1] < 1.0
    assert books["coverage_overseas"] == pytest.approx(floor * reach)
    assert books["coverage_home"] == pytest.approx(floor)


def test_row_11_shops_sell() -> None:
    batch = _branches(36, 2)
    batch.states["coverage"][1, SEAT, HOME] *= 1.5
    share = run(batch, _low_margin(), 1)["share_home"][0]
    assert share[1] > 1.2 * share[0]


# 12: expansion overseas


def test_row_12_overseas_users_come_after_entry_and_rise_with_local_spend() -> None:
    efforts = (0.0, 0.25, 0.5, 0.75)
    batch = begun(*[rich_world()] * len(efforts))
    batch.economies["overseas_effort"] = efforts
    entry = int(batch.economies["firm_entry"][0, SEAT].min())
    books = run(batch, _low_margin(), 120)
    users, coverage = books["users_overseas"], books["coverage_overseas"]
    assert entry > 24
    assert (users[: entry + 1] == 0.0).all()
    assert (users[entry + 2 :] > 0.0).all()
    assert (np.diff(users[-1]) > 10.0).all()
    floor = float(batch.economies["firm_online"][0, SEAT]) * batch.states["reach"][0, SEAT, OVERSEAS]
    assert coverage[-1, 0] == pytest.approx(floor)  # without local spend, the web shop alone
    assert (coverage[-1, 1:] > 1.2 * floor).all()


def test_row_12_every_country_group_adds_to_reach_users_and_revenue_from_its_month_on() -> None:
    months = np.array([30.0, 54.0, 78.0, 102.0])
    worlds = []
    for groups in range(5):  # from none to all, in the order of the groups
        world = rich_world(entry_months=24.0)
        world.economy["firm_entry"][SEAT] = np.where(np.arange(4) < groups, months, 600.0)
        worlds.append(world)
    batch = begun(*worlds)
    books = run(batch, _low_margin(), 150)
    shares = batch.economies["group_share"][0] * np.array([1.0, *[Parameters().open] * 3])  # that list the firm
    assert batch.states["reach"][:, SEAT, OVERSEAS] == pytest.approx([0.0, *np.cumsum(shares)])
    for name in ("users_overseas", "revenue_overseas", "sales_overseas", "coverage_overseas", "share_overseas"):
        assert (books[name][:, 0] == 0.0).all(), name
        assert (np.diff(books[name][-1]) > 0.0).all(), name
        for group, month in enumerate(months.astype(int)):
            before, after = books[name][:month], books[name][month + 2 :]
            assert (before[:, group + 1] == before[:, group]).all(), f"{name} of group {group} before its month"
            if name != "share_overseas":  # of phones wanted: more owners make the market larger as well
                assert (after[:, group + 1] > after[:, group]).all(), f"{name} of group {group} from its month on"


def test_row_12_where_it_is_on_sale_a_firm_of_few_countries_competes_like_one_of_all() -> None:
    worlds = []
    for share in (0.25, 0.5, 1.0):  # as many users, as much advertising and channels, in proportion to the countries
        world = rich_world(group_share=(share, 1.0 - share, 0.0, 0.0), inertia=0.0, inertia_span=0.0)
        world.economy["firm_entry"][SEAT] = (-600.0, 600.0, 600.0, 600.0)
        worlds.append(world)
    batch = begun(*worlds)
    batch.states["fans"] = 0.0  # rivals' users recommend nothing: it takes users from them to keep the market as it is
    batch.states["coverage"][:, PREMIUM_FIRM, OVERSEAS] = 0.0  # it sells nothing: it only makes all that is heard equal
    heard = 300.0 + Parameters().word_of_mouth * 0.2 * 40.0
    for row, share in enumerate((0.25, 0.5, 1.0)):
        batch.states["adstock"][row, PREMIUM_FIRM, OVERSEAS] += heard * (1.0 - share)
        batch.states["users"][row, SEAT, OVERSEAS] = 40.0 * share
        batch.states["users"][row, VALUE_FOLLOWERS, OVERSEAS] += 40.0 * (1.0 - share)
        batch.states["adstock"][row, SEAT, OVERSEAS] = 300.0 * share
        batch.states["coverage"][row, SEAT, OVERSEAS] = 0.5 * share
        batch.states["fans"][row, SEAT] = 0.2
    batch.step(np.tile(_low_margin(), (3, 1)))
    wanted = batch.reports["share_overseas"]
    odds = wanted / (1.0 - wanted)
    # Awareness is by the share of voice where the firm is on sale: half of the countries, half of the odds, no more and
    # no less.
    assert odds / odds[-1] == pytest.approx([0.25, 0.5, 1.0], rel=1e-9)


@pytest.mark.parametrize("line", ["services_revenue", "accessory_revenue"])
def test_row_12_an_overseas_user_earns_less(line: str) -> None:
    batch = _branches(120, 2)
    for row, region in enumerate((HOME, OVERSEAS)):  # the same users with the same experience, here or there
        for stock in ("users", "second_users", "user_years"):
            total = batch.states[stock][row, SEAT].sum()
            batch.states[stock][row, SEAT] = 0.0
            batch.states[stock][row, SEAT, region] = total
    earned = run(batch, _low_margin(), 1)[line][0]
    assert 0.05 * earned[0] < earned[1] < 0.25 * earned[0]


# 13: competitors who answer


def _rival_markups(markup: float, war: float, months: int = 96) -> Numbers:
    """Markups of the four firms in every month when the seat plays one markup, in calm (1) or war (2)."""
    batch = begun(rich_world())
    batch.shocks["aggression"] = war
    return watched(batch, np.tile(levers(markup=markup, marketing=0.05), (months, 1))).after["markup"]


def test_row_13_rivals_cut_prices_when_undercut() -> None:
    normal, undercut = _rival_markups(0.12, 1.0), _rival_markups(-0.20, 1.0)
    assert (undercut[-1, 1:] < normal[-1, 1:]).all()
    assert undercut[-1, MASS_MARKETER] < 0.25 - 0.10
    assert undercut[-1, VALUE_FOLLOWERS] < 0.10 - 0.05
    assert undercut[-1, PREMIUM_FIRM] > 0.50  # the integrated maker hardly notices


def test_row_13_rivals_do_not_follow_prices_up() -> None:
    dear = _rival_markups(0.60, 1.0)
    assert dear[-1, SEAT] == pytest.approx(0.60, abs=1e-6)
    # The seat is 43 % dearer than at the start; nobody raises prices by more than 2 %.
    assert (dear[:, MASS_MARKETER] <= 0.25 + 0.02).all()
    assert (dear[:, VALUE_FOLLOWERS] <= 0.10 + 0.02).all()
    assert (dear[:, PREMIUM_FIRM] <= 0.60).all()


SEAT_MARKUPS = [-0.20, -0.10, 0.0, 0.05, 0.12, 0.25, 0.40, 0.60]


@pytest.mark.parametrize("markup", SEAT_MARKUPS)
def test_row_13_war_breaking_out_never_raises_a_markup(markup: float) -> None:
    for months in (6, 24, 60):
        after = []
        for war in (1.0, 2.0, 4.0):
            batch = begun(rich_world())
            run(batch, levers(markup=markup), months)
            batch.shocks["aggression"] = war
            run(batch, levers(markup=markup), 1)
            after.append(batch.states["markup"][0, 1:].copy())
        assert (np.diff(after, axis=0) <= 0.0).all(), months


@pytest.mark.parametrize("markup", SEAT_MARKUPS)
def test_row_13_years_of_price_war_never_raise_markups(markup: float) -> None:
    calm, war = _rival_markups(markup, 1.0), _rival_markups(markup, 2.0)
    # A hundredth of a point is left to the seat, whose cost falls less when it sells less.
    assert (war[:, 1:] <= calm[:, 1:] + 1e-4).all()
    if markup <= 0.05:
        cuts = slice(PREMIUM_FIRM, MASS_MARKETER + 1)  # the value followers sell at cost already
        assert (war[24, cuts] < calm[24, cuts] - 0.005).all()


def test_row_13_rivals_who_attack_give_up_margin_whatever_the_seat_does() -> None:
    batch = begun(*[rich_world()] * 2)
    batch.shocks["attack"][1] = 0.10
    run(batch, levers(markup=0.25), 60)
    calm, attacked = batch.states["markup"][:, 1:]
    assert calm - attacked == pytest.approx(0.10, abs=0.02)


def test_row_13_rivals_ignore_a_firm_that_hardly_anybody_has() -> None:
    batch = begun(*[rich_world()] * 2)
    batch.economies["rival_awareness"] = (0.05, 1.0)
    run(batch, levers(markup=-0.20, marketing=0.05), 24)
    alert, asleep = batch.states["markup"][:, MASS_MARKETER]
    assert alert < asleep - 0.03
    assert asleep < 0.25


def test_row_13_what_sells_is_copied_and_then_sells_less() -> None:
    batch = begun(rich_world())
    batch.step(levers()[None])
    newcomer = float(batch.states["imitation"][0, SEAT, HOME])
    established = _branches(96, 2)
    copied = float(established.states["imitation"][0, SEAT, HOME])
    assert newcomer < 0.1
    assert copied > 0.3
    established.states["imitation"][1, SEAT] = newcomer
    share = run(established, _low_margin(), 1)["share_home"][0]
    assert share[1] > 1.2 * share[0]


def test_row_13_a_clone_of_the_strategy_takes_users_from_the_seat() -> None:
    batch = _branches(48, 2)
    batch.shocks["clone"][1, 48:] = 1.0
    books = run(batch, _low_margin(), 60)
    assert batch.states["markup"][1, MASS_MARKETER] < 0.06
    assert batch.states["breadth"][1, MASS_MARKETER] > 3.0 * batch.states["breadth"][0, MASS_MARKETER]
    assert books["users_home"][-1, 1] < 0.95 * books["users_home"][-1, 0]


# 14: the pledge


AGEING = sorted(FAMILIES.keys() - {"one_state"})
"""Families whose models age: where none does, the pledge does not bind."""


def _hardware(family: Family) -> tuple[Numbers, Numbers]:
    """Net margin on phones and revenue of phones under the baseline: shape (months, worlds), nan after bankruptcy."""
    count, horizon = 150, 180
    batch = Batch(count, horizon, NO_CLOSING, shaped=False)
    for row in range(count):
        batch.draw(row, family, 1_000_000 + row)
    batch.begin(np.arange(count))
    running: npt.NDArray[np.bool_] = np.ones(count, bool)
    margin, revenue = np.full((2, horizon, count), np.nan)
    for month in range(horizon):
        batch.step(np.tile(_low_margin(), (count, 1)))
        margin[month, running] = batch.reports["hardware_net_margin"][running]
        revenue[month, running] = batch.reports["device_revenue"][running]
        running &= batch.ends == RUNNING
    assert np.isfinite(margin).mean() > 0.5
    return margin, revenue


@pytest.mark.slow
@pytest.mark.parametrize("name", AGEING)
def test_row_14_while_components_cost_what_is_normal_hardware_never_nets_more_than_the_pledge(name: str) -> None:
    family = FAMILIES[name].with_parameters({"component_sd": 0.0})
    if family.event is not None:
        family = replace(family, event=replace(family.event, component=0.0))
    margin, _ = _hardware(family)
    highest = np.nanmax(margin)
    assert highest <= 0.05
    assert highest > 0.049  # the pledge binds: no margin is left on the table


@pytest.mark.slow
@pytest.mark.parametrize("name", AGEING)
def test_row_14_over_the_year_of_a_model_the_pledge_is_kept_whatever_components_do(name: str) -> None:
    """Prices follow components late: single months net more when these have become cheaper, whole years do not.

    But where components were dear for two years and are so no more: there a few models net a little more.
    """
    margin, revenue = _hardware(FAMILIES[name])
    above = float((margin > 0.05).sum() / np.isfinite(margin).sum())
    assert 0.02 < above < 0.06, "months in which hardware nets more"
    assert np.nanmax(margin) < 0.12
    models = (margin * revenue).reshape(15, 12, -1).sum(axis=1) / revenue.reshape(15, 12, -1).sum(axis=1)
    models = models[np.isfinite(models)]
    if name == "component_shortage":
        assert (models > 0.05).mean() < 0.005
        assert models.max() < 0.06
    else:
        assert models.max() < 0.04
        assert models.max() > 0.02, "no margin to speak of is left on the table"


def test_row_14_a_firm_without_the_pledge_earns_more_on_hardware() -> None:
    books = run(begun(rich_world()), levers(markup=0.15), 36)
    assert books["hardware_net_margin"].max() > 0.05


# 15: the revenue mix


def test_row_15_the_lines_sum_to_revenue_every_month() -> None:
    env = gymnasium.make("thinmargin:ThinMargin/Ecosystem-v1")
    env.reset(seed=3)
    generator = np.random.default_rng(3)
    months = 0
    for _ in range(180):
        action = np.clip(_low_margin() + generator.normal(0.0, 0.2, 4), -1.0, 1.0).astype(np.float32)
        _, _, terminated, truncated, info = env.step(action)
        books = info["books"]
        lines = books["device_revenue"] + books["accessory_revenue"] + books["services_revenue"]
        assert lines == pytest.approx(books["revenue"], rel=1e-9)
        profits = books["device_profit"] + books["accessory_profit"] + books["services_profit"]
        assert profits == pytest.approx(books["gross_profit"], rel=1e-9, abs=1e-9 * books["revenue"])
        months += 1
        if terminated or truncated:
            break
    env.close()
    assert months > 24
    assert min(books["device_revenue"], books["accessory_revenue"], books["services_revenue"]) > 0.0


def test_row_15_royalties_are_paid_inside_unit_cost() -> None:
    batch = begun(quiet_world(), quiet_world(royalty=0.08))
    books = run(batch, _low_margin(), 24)
    assert books["royalties"][:, 0] == pytest.approx(0.04 * books["device_revenue"][:, 0])
    assert books["royalties"][:, 1] == pytest.approx(2.0 * books["royalties"][:, 0])
    assert (books["profit"][:, 0] == books["profit"][:, 1]).all()  # they are in the cost already


# 16: investors who fund growth before profit


def test_row_16_a_firm_that_never_earns_goes_bankrupt() -> None:
    env = gymnasium.make("thinmargin:ThinMargin/EcosystemCalibrated-v1")
    observation, info = env.reset(seed=5)
    policy = baseline("do_nothing")
    terminated = truncated = False
    while not (terminated or truncated):
        action, _ = policy.predict(observation)
        observation, _, terminated, truncated, info = env.step(action)
        assert info["books"]["profit"] < 0.0
    env.close()
    assert terminated
    assert not truncated
    assert info["books"]["month"] < 36
    assert info["books"]["bankrupt"] == 1.0
    assert info["books"]["cash"] < -info["books"]["credit_line"]


def test_row_16_a_firm_with_users_can_borrow_where_one_without_cannot() -> None:
    batch = begun(*[quiet_world()] * 2)
    debt = -3000.0
    batch.states["cash"][:, SEAT] = debt
    batch.states["users"][1, SEAT, HOME] = 50.0
    books = run(batch, levers(marketing=0.0, accessories=0.0), 1)[0]
    assert batch.ends.tolist() == [BANKRUPT, RUNNING]
    users = books["users_home"] + books["users_overseas"]
    assert books["credit_line"] == pytest.approx(500.0 + 153.0 * users)
    assert users[1] > 40.0
    assert books["interest"][1] > 0.08 / 12.0 * 3000.0


def test_row_16_growth_is_funded_by_users_before_it_earns() -> None:
    outcomes = []
    for per_user in (153.0, 0.0):
        batch = begun(quiet_world(credit_per_user=per_user))
        play = watched(batch, np.tile(_low_margin(), (120, 1)))
        outcomes.append((int(play.ends[-1]), len(play.ends), float(play.reports["cash"].min())))
    (funded, _, lowest), (unfunded, months, _) = outcomes
    assert funded == RUNNING
    assert lowest < -500.0
    assert unfunded == BANKRUPT
    assert months < 60


def test_row_16_debt_costs_more_the_nearer_it_comes_to_the_line() -> None:
    batch = _branches(60, 5)
    batch.economies["credit_floor"] = 500.0
    users = batch.states["users"][0, SEAT].sum()
    line = 500.0 + 153.0 * users
    shares = np.array([0.0, 0.2, 0.4, 0.6, 0.8])
    batch.states["cash"][:, SEAT] = -shares * line
    interest = run(batch, _low_margin(), 1)["interest"][0]
    assert interest[0] == 0.0
    assert (np.diff(interest) > 0.0).all()
    assert (np.diff(interest, 2) > 0.0).all()
