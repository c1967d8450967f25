"""The compiled month against the same month written a second time: whole arrays, and the full matrix of flows."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from tests.playing import Play, begun, levers, quiet_world, rich_world, run, watched

from thinmargin.batch import Batch
from thinmargin.economics.marketing import reach_overseas
from thinmargin.parameters import FIRM_TABLE, Firm
from thinmargin.records import HOME, LEVEL_FIELDS, OVERSEAS, SEAT, STATE
from thinmargin.scenarios import FAMILIES
from thinmargin.simulation import CLOSING_MONTHS, NO_CLOSING
from thinmargin.worlds import MAX_HORIZON

MONTHS = 40


VARIED = {
    "open": (0.05, 1.0), "range_gap": (0.0, 0.03), "range_mix": (0.0, 1.0), "stock_paid": (0.0, 1.0),
    "pass_through": (0.0, 0.75), "pass_months": (2.0, 20.0), "replacement_elasticity": (-2.0, 0.0),
    "research_late": (0.0, 0.2), "services_margin_late": (0.0, 1.0), "services_margin_scale": (100.0, 10000.0),
    "voice_half": (0.005, 2.0),
}  # fmt: skip
"""Constants that random play draws from these ranges: every term of the month matters."""


def _random_play(family: str, key: int) -> Play:
    """Random play in a world whose overseas demand goes its own way, by a seat that enters three country groups."""
    batch = Batch(1, MONTHS, NO_CLOSING, shaped=False)
    batch.put(0, FAMILIES[family].draw(key, MONTHS))
    generator = np.random.default_rng(key)
    batch.shocks["demand"][0, :, OVERSEAS] += generator.normal(0.0, 0.2, MONTHS)
    batch.economies["credit_floor"] = 1e5
    batch.economies["entry_months"] = 12.0
    batch.economies["firm_entry"][0, SEAT] = (4.0, -3.0, 20.0, 600.0)
    for name, (low, high) in VARIED.items():
        batch.economies[name] = generator.uniform(low, high)
    batch.economies["research_start"], batch.economies["research_months"] = 0.0, 30.0
    batch.economies["range_start"] = 5.0
    batch.begin(np.zeros(1, np.int64))
    return watched(batch, generator.uniform(-1.0, 1.0, (MONTHS, 4)))


def _second_month(s: Any, p: Any, shock: Any, lever: Any) -> dict[str, Any]:  # noqa: PLR0915 - the whole month at once
    """State after the month and money of the month, from whole arrays over firms and regions."""
    month = float(s["month"])
    asked_markup, tickets, selling, cadence = lever.T
    worn_out = 1 / (p["device_life"] + p["device_life_growth"] * month / 12)
    patience = np.exp(p["replacement_elasticity"] * np.log(s["price_index"]))
    rate = np.minimum(np.exp(shock["demand"]) * worn_out * patience, 1)
    # Cost and price.
    markup = np.clip(asked_markup, s["markup"] - p["markup_speed"], s["markup"] + p["markup_speed"])
    learnt = (p["firm_experience"] / (p["firm_experience"] + s["output"])) ** p["learning"]
    floor = p["incompressible"]
    base_cost = p["firm_unit_cost"] * (floor + learnt - floor * learnt) * np.exp(month * p["spec_drift"])
    components = max(float(np.exp(shock["component"])), 0.25)
    unit_cost = base_cost * components
    late = (1 - p["pass_through"]) * (components - 1 - s["passed"])  # what is not yet in prices
    price = markup * base_cost + unit_cost - late * base_cost
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
    mood = np.exp(shock["demand"]) * s["price_index"] ** p["category_elasticity"]
    first = np.minimum(hazard / 12 * mood, 1) * np.maximum(p["users_ceiling"] - everyone, 0)
    market = first + rate * everyone
    here = np.maximum(s["reach"], 1e-300)  # where a firm is not on sale, what it is divided into is nothing
    heard = s["adstock"] + (p["word_of_mouth"] * s["fans"])[:, None] * users
    part = heard / heard.sum(axis=0)  # of what is heard in the region
    known = p["awareness_span"] * part / (part + p["voice_half"] * here)
    utility = p["firm_brand"] + shock["brand"][:, None] - p["price_slope"] * np.log(price / 1000)[:, None]
    weight = s["coverage"] * np.exp(utility + known - s["imitation"])
    share = weight / weight.sum(axis=0)
    attach = 1 - np.exp(-s["breadth"] / p["breadth_scale"])
    loyal = np.exp(p["inertia"] + p["inertia_span"] * (s["fans"] / p["fan_ceiling"] + attach))
    flow = np.zeros((4, 4, 2))
    for r in range(2):
        pull = np.tile(share[:, r], (4, 1))
        pull[np.diag_indices(4)] *= loyal
        flow[:, :, r] = (rate[r] * users[:, r])[:, None] * pull / pull.sum(axis=1, keepdims=True)
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
    active = users + s["second_users"]
    services = active * p["services_ceiling"] * earned * s["engagement"][:, None] / 12 * shock["services"]
    accessories = users * p["accessory_ceiling"] * attach[:, None] / 12
    sold_overseas = wanted[:, OVERSEAS] * served
    cheaper = np.exp(-p["range_gap"] * np.maximum(month - p["range_start"], 0))  # abroad, of a phone at home
    whole = 1 - p["range_mix"] + p["range_mix"] * cheaper
    ranges = (sales - sold_overseas + sold_overseas * cheaper) / whole
    overseas = sold_overseas * price * cheaper / whole + services[:, OVERSEAS] + accessories[:, OVERSEAS]
    services, accessories = services.sum(axis=1), accessories.sum(axis=1)
    revenue = ranges * price + services + accessories
    buying = p["accessory_margin"] * 12 * accessories / (12 * accessories + p["accessory_scale"])
    small = p["services_margin_scale"] / (p["services_margin_scale"] + 12 * services)
    selling_space = small * p["services_margin"] + (1 - small) * p["services_margin_late"]
    gross = ranges * (price - realised) + services * selling_space + accessories * buying
    grown = np.clip((month - p["research_start"]) / p["research_months"], 0, 1)
    grown = 3 * grown**2 - 2 * grown**3
    research = (1 - grown) * p["research_share"] + grown * p["research_late"]
    overhead = p["fixed_cost"] + revenue * (research + p["admin_share"])
    operating = gross - selling - tickets - releases - overhead - p["holding"] * excess * unit_cost
    line = p["credit_floor"] + p["credit_per_user"] * users.sum(axis=1)
    debt = np.maximum(-s["cash"], 0)
    pretax = operating - debt / 12 * (p["debt_rate"] + p["debt_spread"] * (debt / line) ** 2)
    profit = pretax - p["tax_rate"] * np.maximum(pretax, 0)
    paid = p["stock_paid"] * realised * (inventory - s["inventory"])
    # Users: everyone who is served by another firm moves, everyone else keeps the old phone.
    moved = flow * served[None, :, None]
    second = s["second_users"] + p["second_life"] * moved.sum(axis=1) - worn_out * s["second_users"]
    replaced = moved.sum(axis=1)
    again = np.stack([moved[:, :, r].diagonal() for r in range(2)], axis=1)
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
    seen = wanted * served[:, None] / (market * here)
    copied = s["imitation"] + (p["imitation_strength"] * seen / (seen + 0.1) - s["imitation"]) / p["imitation_months"]
    # Channels and ventures.
    abroad = p["overseas_effort"] * s["reach"][:, OVERSEAS]
    effort = selling[:, None] * np.stack([1 - abroad, abroad], axis=1)
    adstock = p["adstock_carryover"] * s["adstock"] + (1 - p["adstock_carryover"]) * effort
    built = p["coverage_rate"] * effort / (effort + p["coverage_scale"])
    way = np.clip((month + 1 - p["firm_entry"]) / p["entry_months"], 0, 1)
    listed = np.outer(np.ones(4), p["group_share"])
    listed[SEAT, 1:] *= p["open"]
    reach = np.stack([np.ones(4), ((3 * way**2 - 2 * way**3) * listed).sum(axis=1)], axis=1)
    shop = p["firm_online"][:, None]
    coverage = s["coverage"] + built * (s["reach"] - s["coverage"]) + shop * (reach - s["reach"])
    coverage = coverage - p["coverage_decay"] * (s["coverage"] - shop * s["reach"])
    deals = tickets / p["ticket"]
    started = p["venture_success"] * deals * p["deal_flow"] / (p["deal_flow"] + deals)
    keep = 1 - 2 / p["gestation"]
    levers_kept = s["own_levers"].copy()
    levers_kept[int(month) % 12] = markup[SEAT], *lever[SEAT, 1:]
    return {
        "state": {
            "users": after, "second_users": second, "coverage": coverage, "reach": reach, "adstock": adstock,
            "user_years": s["user_years"] + active / 12,
            "imitation": copied, "fans": fans, "engagement": engagement, "output": s["output"] + sales,
            "capacity": capacity, "inventory": inventory, "forecast": forecast,
            "seeded": s["seeded"] * keep + started,
            "growing": s["growing"] * keep + s["seeded"] * (1 - keep),
            "breadth": s["breadth"] * (1 - p["obsolescence"]) + s["growing"] * (1 - keep) * shock["hit"],
            "markup": markup, "base_cost": base_cost, "unit_cost": unit_cost, "price": price,
            "trailing_revenue": (5 * s["trailing_revenue"] + revenue) / 6, "cash": s["cash"] + profit - paid,
            "gap_start": s["gap_start"], "price_index_start": s["price_index_start"],
            "price_index": price @ share / s["price_index_start"] / np.exp(month * p["spec_drift"]),
            "passed": (1 - 1 / p["pass_months"]) * s["passed"] + (components - 1) / p["pass_months"],
            "own_levers": levers_kept, "own_sum": levers_kept.sum(axis=0), "month": month + 1,
        },
        "flows": {
            "revenue": revenue, "revenue_overseas": overseas, "sales_overseas": sold_overseas,
            "gross_profit": gross, "operating_profit": operating, "profit": profit,
            "stock": paid, "to_owners": profit - paid,
            "market": market, "in_market": rate, "replaced": replaced, "heard": heard, "dear": components - 1,
            "due": rate * users, "again": again, "retained": again.sum(axis=1) / (rate * users).sum(axis=1),
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("family", "key"),
    [("benchmark", 11), ("benchmark", 12), ("component_shortage", 13), ("services_clampdown", 14), ("price_war", 15)],
)
def test_the_compiled_month_equals_the_month_written_a_second_time(family: str, key: int) -> None:
    play = _random_play(family, key)
    assert len(play.ends) == MONTHS
    assert play.after["users"][-1, SEAT, OVERSEAS] > 0.0
    assert (play.after["second_users"][-1] > 0.0).all()
    for name in ("dear", "passed", "stock", "services_revenue"):
        part = (play.after if name == "passed" else play.flows)[name]
        assert (abs(part.reshape(MONTHS, -1)).max(axis=0) > 1e-3).all(), f"{name} does not matter"
    assert (np.ptp(play.after["price_index"], axis=0) > 0.01).all()
    levels = {field.name for field in LEVEL_FIELDS}  # of shocks: they have moved before the month is run
    for month in range(MONTHS):
        lever = play.flows["lever"][month]
        second = _second_month(play.before[month], play.economy, play.shocks[month], lever)
        assert set(second["state"]) == set(STATE.names or ()) - levels
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


def test_a_country_group_opens_in_its_month_and_not_before() -> None:
    world = rich_world(group_share=(0.25, 0.25, 0.125, 0.375), entry_months=10.0, open=0.5)
    world.economy["firm_entry"][SEAT] = (30.0, 50.0, 600.0, 600.0)
    play = watched(begun(world), np.tile(levers(), (70, 1)))
    assert world.economy["open"] == 0.5
    reach, wanted = play.after["reach"][:, SEAT, OVERSEAS], play.flows["wanted"][:, SEAT, OVERSEAS]
    assert (reach[:30] == 0.0).all()  # up to the end of month 30, when the first group begins to open
    assert (wanted[:31] == 0.0).all()
    assert (play.flows["weight"][:31, SEAT, OVERSEAS] == 0.0).all()
    assert (wanted[31:] > 0.0).all()
    assert reach[34] == pytest.approx(0.25 * 0.5)
    assert reach[39:50] == pytest.approx(0.25)
    assert reach[54] == pytest.approx(0.25 + 0.125 * 0.5)  # half of the second group lists it, and half of that is open
    assert reach[59:] == pytest.approx(0.375)
    assert (np.diff(play.after["coverage"][29:, SEAT, OVERSEAS]) > 0.0).all()
    abroad = world.economy["overseas_effort"] * play.before["reach"][:, SEAT, OVERSEAS]
    spent = play.after["adstock"] - world.economy["adstock_carryover"] * play.before["adstock"]
    spent = spent[:, SEAT] / (1.0 - world.economy["adstock_carryover"])
    assert spent.sum(axis=1) == pytest.approx(play.flows["marketing"][:, SEAT])
    assert spent[:, OVERSEAS] == pytest.approx(abroad * play.flows["marketing"][:, SEAT])


def test_a_firm_that_never_enters_stays_at_home() -> None:
    world = rich_world(600)
    world.economy["firm_entry"][SEAT] = FIRM_TABLE[SEAT].entry[-1]
    play = watched(begun(world, horizon=600), np.tile(levers(marketing=0.1), (600, 1)))
    for name in ("reach", "coverage", "adstock", "users", "second_users", "user_years", "imitation"):
        assert (play.after[name][:, SEAT, OVERSEAS] == 0.0).all(), name
    for name in ("sales_overseas", "revenue_overseas"):
        assert (play.flows[name][:, SEAT] == 0.0).all(), name
    assert (play.flows["wanted"][:, SEAT, OVERSEAS] == 0.0).all()
    assert (play.flows["revenue"][:, SEAT] > 0.0).all()


def test_never_is_never_even_in_the_years_behind_the_longest_horizon() -> None:
    never = next(item.metadata["high"] for item in fields(Firm) if item.name == "entry")
    assert FIRM_TABLE[SEAT].entry[-1] == never
    economy = rich_world().economy
    economy["firm_entry"][SEAT] = never
    assert reach_overseas(float(MAX_HORIZON + CLOSING_MONTHS), economy, SEAT) == 0.0


@pytest.mark.parametrize(("region", "other"), [(HOME, OVERSEAS), (OVERSEAS, HOME)])
def test_a_shock_of_demand_in_one_region_moves_the_market_of_that_region_alone(region: int, other: int) -> None:
    batch = begun(*[rich_world()] * 2)
    run(batch, levers(), 60)  # the seat sells in both
    batch.shocks["demand"][1, 60, region] = -0.2
    reports = run(batch, levers(), 1)[0]
    names = ("home", "overseas")
    here, there = (reports[f"market_{names[place]}"] for place in (region, other))
    assert here[1] == pytest.approx(0.818730753 * here[0], rel=1e-9)  # e^-0.2, adopters and owners alike
    assert there[1] == there[0]


def test_second_users_of_a_brand_nobody_buys_any_more_fade_with_its_owners() -> None:
    # A twentieth of owners leave every month, half of their phones are handed on, second users last as long:
    # after the first month 100 owners are 95, second users 40 + 2.5 - 2 = 40.5; then 90.25 and 40.85.
    # Owners do not wait: the price level moves in the second month.
    world = rich_world(device_life=20.0, device_life_growth=0.0, second_life=0.5, replacement_elasticity=0.0)
    world.economy["firm_entry"][SEAT] = 600.0
    world.shocks["brand"][:, SEAT] = -50.0
    batch = begun(world)
    batch.states["users"][0, SEAT], batch.states["second_users"][0, SEAT] = (100.0, 0.0), (40.0, 0.0)
    batch.states["user_years"][0, SEAT] = 0.0
    batch.states["inventory"] = 1e4  # so that every owner finds another phone
    play = watched(batch, np.tile(levers(), (2, 1)))
    assert play.after["users"][:, SEAT, HOME] == pytest.approx([95.0, 90.25], rel=1e-6)
    assert play.after["second_users"][:, SEAT, HOME] == pytest.approx([40.5, 40.85], rel=1e-6)
    assert play.after["user_years"][:, SEAT, HOME] == pytest.approx([140.0 / 12.0, 275.5 / 12.0], rel=1e-6)
    assert play.reports["active_users"] == pytest.approx([135.5, 131.1], rel=1e-6)
