"""The compiled month against the same month written a second time: whole arrays, and the full matrix of flows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.playing import Play, begun, levers, quiet_world, run, watched

from thinmargin.batch import Batch
from thinmargin.records import HOME, OVERSEAS, SEAT, STATE
from thinmargin.scenarios import FAMILIES

MONTHS = 40


def _random_play(family: str, key: int) -> Play:
    batch = Batch(1, MONTHS, pays_closing=False, shaped=False)
    batch.draw(0, FAMILIES[family], key)
    batch.begin(np.zeros(1, np.int64))
    batch.economies["credit_floor"] = 1e5
    actions = np.random.default_rng(key).uniform(-1.0, 1.0, (MONTHS, 4))
    return watched(batch, actions)


def _second_month(s: Any, p: Any, shock: Any, lever: Any) -> dict[str, Any]:  # noqa: PLR0915 - the whole month at once
    """State after the month and money of the month, from whole arrays over firms and regions."""
    month = float(s["month"])
    asked_markup, tickets, selling, cadence = lever.T
    replaced = np.exp(shock["demand"]) / (p["device_life"] + p["device_life_growth"] * month / 12)
    # Cost and price.
    markup = np.clip(asked_markup, s["markup"] - p["markup_speed"], s["markup"] + p["markup_speed"])
    learnt = (p["firm_experience"] / (p["firm_experience"] + s["output"])) ** p["learning"]
    floor = p["incompressible"]
    unit_cost = p["firm_unit_cost"] * (floor + learnt - floor * learnt)
    unit_cost = unit_cost * np.exp(shock["component"] + month * p["spec_drift"])
    price = unit_cost + markup * unit_cost
    realised = unit_cost * np.exp(-p["model_decline"] * (month - 12 * (month // 12) - 5.5))
    # Spending.
    money = s["trailing_revenue"] + p["spending_floor"]
    tickets, selling = tickets * money, selling * money
    users = s["users"]
    releases = p["release_cost"] * cadence * (users.sum(axis=1) + p["release_base"]) / p["release_base"]
    caught = 1 - p["codevelopment"] * s["fans"] / p["fan_ceiling"]
    bugs = p["bug_rate"] * cadence * caught * (users.sum(axis=1) + p["bug_base"]) / p["bug_base"]
    worth = 1 - np.exp(-cadence / p["update_scale"]) - bugs
    # Markets and shares; rows of a flow are the firm that is left, columns the firm that is bought from.
    everyone = users.sum(axis=0)
    hazard = p["adoption_innovation"] + p["adoption_imitation"] * everyone / p["users_ceiling"]
    mood = np.exp(shock["demand"]) * (s["price_index"] / np.exp(month * p["spec_drift"])) ** p["category_elasticity"]
    first = np.minimum(hazard / 12 * mood, 1) * np.maximum(p["users_ceiling"] - everyone, 0)
    market = first + replaced * everyone
    heard = s["adstock"] + (p["word_of_mouth"] * s["fans"])[:, None] * users
    known = p["awareness_span"] * heard / (heard + p["awareness_pivot"] * market / 20)
    utility = p["firm_brand"] + shock["brand"][:, None] - p["price_slope"] * np.log(price / 1000)[:, None]
    weight = s["coverage"] * np.exp(utility + known - s["imitation"])
    share = weight / weight.sum(axis=0)
    attach = 1 - np.exp(-s["breadth"] / p["breadth_scale"])
    loyal = np.exp(p["inertia"] + p["inertia_span"] * (s["fans"] / p["fan_ceiling"] + attach))
    flow = np.zeros((4, 4, 2))
    for r in range(2):
        pull = np.tile(share[:, r], (4, 1))
        pull[np.diag_indices(4)] *= loyal
        flow[:, :, r] = (replaced * users[:, r])[:, None] * pull / pull.sum(axis=1, keepdims=True)
    wanted = flow.sum(axis=0) + share * first
    # Making and selling.
    target = s["forecast"] + (p["cover_months"] * s["forecast"] - s["inventory"]) / 2
    made = np.clip(target, 0, s["capacity"] * shock["supply"])
    sales = np.minimum(wanted.sum(axis=1), s["inventory"] + made)
    served = sales / wanted.sum(axis=1)
    inventory = s["inventory"] + made - sales
    excess = np.maximum(inventory - p["cover_months"] * s["forecast"], 0)
    forecast = s["forecast"] + (wanted.sum(axis=1) - s["forecast"]) / p["forecast_months"]
    growth = np.maximum(forecast - s["forecast"], 0)
    gap = p["headroom"] * (forecast + growth * p["capacity_months_up"]) - s["capacity"]
    capacity = s["capacity"] + gap / np.where(gap > 0, p["capacity_months_up"], p["capacity_months_down"])
    # Books.
    earned = s["user_years"] / (s["user_years"] + p["services_half"])
    services = (users * p["services_ceiling"] * earned).sum(axis=1) * s["engagement"] / 12 * shock["services"]
    accessories = (users * p["accessory_ceiling"]).sum(axis=1) * attach / 12
    revenue = sales * price + services + accessories
    buying = p["accessory_margin"] * 12 * accessories / (12 * accessories + p["accessory_scale"])
    gross = sales * (price - realised) + services * p["services_margin"] + accessories * buying
    overhead = p["fixed_cost"] + revenue * (p["research_share"] + p["admin_share"])
    operating = gross - selling - tickets - releases - overhead - p["holding"] * excess * unit_cost
    line = p["credit_floor"] + p["credit_per_user"] * users.sum(axis=1)
    debt = np.maximum(-s["cash"], 0)
    pretax = operating - debt / 12 * (p["debt_rate"] + p["debt_spread"] * (debt / line) ** 2)
    profit = pretax - p["tax_rate"] * np.maximum(pretax, 0)
    # Users: everyone who is served by another firm moves, everyone else keeps the old phone.
    moved = flow * served[None, :, None]
    moved[np.diag_indices(4)] = 0.0
    newcomers = moved.sum(axis=0) + share * first * served[:, None]
    lost = moved.sum(axis=1)
    after = users + newcomers - lost
    # Loyalty.
    diluted = s["fans"] * (users - lost).sum(axis=1) / after.sum(axis=1)
    merit = p["fan_constant"] + p["firm_fan_appeal"] + p["fan_updates"] * worth - p["fan_stockout"] * (1 - served)
    merit = merit + p["fan_value"] * (1 - (1 + markup) / (1 + p["fan_reference_markup"]))
    deserved = p["fan_ceiling"] / (1 + np.exp(-merit))
    fans = diluted + (deserved - diluted) / np.where(deserved > diluted, p["fan_months_up"], p["fan_months_down"])
    habit = p["engagement_floor"] + p["engagement_span"] * worth
    engagement = np.maximum(s["engagement"] + (habit - s["engagement"]) / p["engagement_months"], 0)
    seen = wanted * served[:, None] / market
    copied = s["imitation"] + (p["imitation_strength"] * seen / (seen + 0.1) - s["imitation"]) / p["imitation_months"]
    # Channels and ventures.
    abroad = np.where(month >= p["firm_overseas_month"], p["overseas_effort"], 0.0)
    effort = selling[:, None] * np.stack([1 - abroad, abroad], axis=1)
    adstock = p["adstock_carryover"] * s["adstock"] + (1 - p["adstock_carryover"]) * effort
    built = p["coverage_rate"] * effort / (effort + p["coverage_scale"])
    coverage = s["coverage"] + built * (1 - s["coverage"]) - p["coverage_decay"] * (s["coverage"] - p["firm_channels"])
    deals = tickets / p["ticket"]
    started = p["venture_success"] * deals * p["deal_flow"] / (p["deal_flow"] + deals)
    keep = 1 - 2 / p["gestation"]
    return {
        "state": {
            "users": after, "coverage": coverage, "adstock": adstock, "user_years": s["user_years"] + users / 12,
            "imitation": copied, "fans": fans, "engagement": engagement, "output": s["output"] + sales,
            "capacity": capacity, "inventory": inventory, "forecast": forecast,
            "seeded": s["seeded"] * keep + started,
            "growing": s["growing"] * keep + s["seeded"] * (1 - keep),
            "breadth": s["breadth"] * (1 - p["obsolescence"]) + s["growing"] * (1 - keep) * shock["hit"],
            "markup": markup, "unit_cost": unit_cost, "price": price,
            "trailing_revenue": (5 * s["trailing_revenue"] + revenue) / 6, "cash": s["cash"] + profit,
            "gap_start": s["gap_start"], "price_index_start": s["price_index_start"],
            "price_index": (share[:, HOME] * price).sum() / s["price_index_start"], "month": month + 1,
        },
        "flows": {"revenue": revenue, "gross_profit": gross, "operating_profit": operating, "profit": profit},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("family", "key"),
    [("benchmark", 11), ("benchmark", 12), ("component_shortage", 13), ("services_clampdown", 14), ("price_war", 15)],
)
def test_the_compiled_month_equals_the_month_written_a_second_time(family: str, key: int) -> None:
    play = _random_play(family, key)
    assert len(play.ends) == MONTHS
    for month in range(MONTHS):
        lever = play.flows["lever"][month]
        second = _second_month(play.before[month], play.economy, play.shocks[month], lever)
        assert set(second["state"]) == set(STATE.names or ())
        for name, wanted in second["state"].items():
            found = play.after[month][name]
            np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12, err_msg=f"{name} of month {month}")
        for name, wanted in second["flows"].items():
            found = play.flows[month][name]
            np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-8, err_msg=f"{name} of month {month}")


def test_reported_retention_is_the_share_of_owners_in_the_market_who_bought_again() -> None:
    batch = begun(quiet_world())
    run(batch, levers(), 20)  # before the firm sells overseas: one region, one rate
    play = watched(batch, levers()[None])
    share = play.flows["share"][0, SEAT, HOME]
    loyal = play.flows["stickiness"][0, SEAT]
    again = share * loyal / (1.0 - share + share * loyal)
    assert 0.2 < again < 0.6
    assert play.reports["retention"][0] == pytest.approx(again * play.flows["fill_rate"][0, SEAT])


def test_a_firm_that_is_not_on_sale_anywhere_overseas_is_wanted_there_by_nobody() -> None:
    play = watched(begun(quiet_world()), np.tile(levers(), (34, 1)))
    assert (play.flows["wanted"][:, SEAT, OVERSEAS] == 0.0).all()
    assert (play.flows["weight"][:, SEAT, OVERSEAS] == 0.0).all()
