"""Uses of the functions whose formulas are on the page: what each formula refers to, and what came out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import product
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from tests.docs_modules import load
from tests.playing import Play, begun, rich_world

from thinmargin import shocks, simulation, strategies
from thinmargin.economics import cost_and_price, demand, finance, loyalty, marketing, month, services, start, ventures
from thinmargin.parameters import BOOKS_OF_PLAY, CLOSING_BOOK
from thinmargin.records import (
    ACCESSORIES,
    FIRMS,
    GROUPS,
    HOME,
    MARKETING,
    OVERSEAS,
    OWN_MONTHS,
    PRICE,
    REGIONS,
    SEAT,
    SHOCKS,
    STATE,
    UPDATES,
)
from thinmargin.scenarios import FAMILIES
from thinmargin.simulation import CLOSING_MONTHS, OWN_LEVERS, PLAYBOOK

FORMULAS = load("model_formulas", "model_formulas")


def _numbers(record: Any, firm: int, region: int) -> dict[str, float]:
    """The numbers of a record that belong to a firm and a region, or to all."""
    found = {}
    for name in record.dtype.names:
        array = np.asarray(record[name])
        if array.shape == ():
            found[name] = float(array)
        elif array.shape in ((FIRMS,), (FIRMS, REGIONS)):
            found[name] = float(array[firm] if array.ndim == 1 else array[firm, region])
        elif array.shape == (REGIONS,):
            found[name] = float(array[region])
    return found


class Case(NamedTuple):
    """One use of a function: what its formula may refer to, and what came out."""

    scope: dict[str, float]
    """Numbers by name. A line of the formula that has one of these names must give it."""
    after: Mapping[str, float] = MappingProxyType({})
    """The same for lines that are marked with a prime."""
    phrases: Mapping[str, str | float] = MappingProxyType({})
    """Words of the formula, and the expression or number that they stand for here."""


Cases: TypeAlias = Iterator[Case]

EFFORT = "marketing * abroad overseas, marketing * (1 - abroad) at home"


def _months(play: Play, name: str) -> Cases:
    """Every month, firm and region of a play, for a function of `thinmargin.economics.month`."""
    for t, firm, region in product(range(len(play.flows)), range(FIRMS), range(REGIONS)):
        before, after, flows = play.before[t], play.after[t], play.flows[t]
        if name == "share_markets" and before["coverage"][firm, region] == 0.0:
            continue  # it is not on sale there
        scope = _numbers(play.economy, firm, region)
        scope |= {f"{key}_shock": value for key, value in _numbers(play.shocks[t], firm, region).items()}
        scope |= _numbers(before, firm, region) | _numbers(flows, firm, region)
        scope |= {key: float(after[key][firm]) for key in ("price", "base_cost", "unit_cost", "markup")}
        scope["level"] = scope["price_index"]
        scope["lever_marketing"] = float(flows["lever"][firm, MARKETING])
        scope["lever_accessories"] = float(flows["lever"][firm, ACCESSORIES])
        scope["experience"] = scope["firm_experience"]
        scope["accessories"] = scope["accessory_revenue"]
        scope["margin_services"] = services.services_margin(
            scope["services_revenue"], *(play.economy[f"services_margin{end}"] for end in ("", "_late", "_scale"))
        )
        if name != "move_users":
            del scope["due"]  # in the formulas of demand it is the rate at which phones are replaced
        if name == "make_and_sell":
            scope["wanted"] = float(flows["wanted"][firm].sum())
        if name == "spend":
            scope["cadence"], scope["users"] = flows["lever"][firm, UPDATES], before["users"][firm].sum()
            scope["fan_share"] = scope["fans"] / scope["fan_ceiling"]
        if name == "move_channels":
            scope["online"] = scope["firm_online"]
            scope["opened"] = float(after["reach"][firm, region] - before["reach"][firm, region])
        if name == "move_ventures":
            scope["hit"] = scope["hit_shock"]
            scope["halfway"] = ventures.gestation_flow(scope["seeded"], scope["gestation"])
            scope["arriving"] = ventures.gestation_flow(scope["growing"], scope["gestation"])
        if name == "keep_books":
            assert (scope["device_profit"] == 0.0) == (scope["sales"] == 0.0)
        served = flows["share"][:, region] * flows["fill_rate"]
        not_phones = _after_the_sale_overseas(play, t, firm)
        phrases = {
            "sum over firms of users": before["users"][:, region].sum(),
            "sum over firms of weight": flows["weight"][:, region].sum(),
            "sum over firms of heard": flows["heard"][:, region].sum(),
            "accessories and services overseas": not_phones,
            "leaving of the other firms": flows["leaving"][:, region].sum() - flows["leaving"][firm, region],
            "sum over the other firms of served": served.sum() - served[firm],
            "again in both regions": flows["again"][firm].sum(),
            "due in both regions": flows["due"][firm].sum(),
            "sum over firms of share * price": flows["share"][:, region] @ after["price"],
            EFFORT: "marketing * abroad" if region == OVERSEAS else "marketing * (1 - abroad)",
            "reach overseas": before["reach"][firm, OVERSEAS],
            **({"min(capacity,": "min(usable_capacity,"} if name == "make_and_sell" else {}),
        }
        primed = {f"{key}'": value for key, value in _numbers(after, firm, region).items()}
        yield Case(scope, primed, phrases)


def _after_the_sale_overseas(play: Play, t: int, firm: int) -> float:
    """Revenue of accessories and services that a firm earned overseas in a month."""
    before, p, flows = play.before[t], play.economy, play.flows[t]
    users, second, years = (before[name][firm, OVERSEAS] for name in ("users", "second_users", "user_years"))
    monetised = services.monetisation(years, p.services_half)
    served = services.services_revenue(
        users + second, p.services_ceiling[OVERSEAS], before["engagement"][firm], monetised
    )
    equipped = ventures.accessory_revenue(users, p.accessory_ceiling[OVERSEAS], flows["attach"][firm])
    return float(equipped + play.shocks[t]["services"] * served)


def _region_prices(play: Play) -> Cases:
    for (state, flows), region in product(zip(play.after, play.flows, strict=True), range(REGIONS)):
        found = FORMULAS.functions_of(month)["region_price"](state, flows, region)
        index = flows["share"][:, region] @ state["price"]
        yield Case({"region_price": found}, phrases={"sum over firms of share * price": index})


def _own_means(play: Play) -> Cases:
    """Of every lever in every month, the months before the twelfth included."""
    applied = np.concatenate([play.after["markup"][:, SEAT, None], play.flows["lever"][:, SEAT, 1:]], axis=1)
    for t, lever in product(range(len(play.after)), (PRICE, ACCESSORIES, MARKETING, UPDATES)):
        found = FORMULAS.functions_of(month)["own_mean"](play.after[t], lever)
        last = applied[max(t - 11, 0) : t + 1, lever]
        yield Case({"own": found, "own_sum": last.sum(), "month": t + 1.0})


def _researches(play: Play) -> Cases:
    p = play.economy.copy()
    p["research_share"], p["research_late"], p["research_start"], p["research_months"] = 0.02, 0.07, 40.0, 90.0
    for past in range(0, 240, 7):
        found = FORMULAS.functions_of(finance)["research"](float(past), p)
        yield Case(_numbers(p, SEAT, HOME) | {"month": float(past), "researched": found})


def _reaches(play: Play) -> Cases:
    p = play.economy
    for t, firm in product(range(0, 240, 12), range(FIRMS)):
        opened = [marketing.entered(float(t), entry, p.entry_months) for entry in p.firm_entry[firm]]
        found = FORMULAS.functions_of(marketing)["reach_overseas"](float(t), p, firm)
        part_open = np.where((np.arange(GROUPS) > 0) & (firm == SEAT), p.open, 1.0)
        total = (p.group_share * part_open) @ opened
        yield Case({"reach": found}, phrases={"sum over country groups of group_share * part_open * entered": total})


def _run_offs(play: Play) -> Cases:
    p = play.economy
    worth = 0.0
    for state, firm, factor in product(play.after, range(FIRMS), (1.0, 0.5)):
        attach = ventures.catalogue(state["breadth"][firm], p.breadth_scale)
        scope = _numbers(p, firm, HOME) | {"services_factor": factor, "services": 0.0, "accessories": 0.0}
        for region in range(REGIONS):
            earned = services.monetisation(state["user_years"][firm, region], p.services_half)
            active = state["users"][firm, region] + state["second_users"][firm, region]
            scope["services"] += services.services_revenue(
                active, p.services_ceiling[region], state["engagement"][firm], earned
            )
            scope["accessories"] += ventures.accessory_revenue(
                state["users"][firm, region], p.accessory_ceiling[region], attach
            )
        scope["users"], scope["month"] = state["users"][firm].sum(), state["month"]
        scope["margin_services"] = services.services_margin(
            factor * scope["services"], p.services_margin, p.services_margin_late, p.services_margin_scale
        )
        scope["run_off"] = FORMULAS.functions_of(finance)["run_off_value"](state, p, firm, factor)
        worth += scope["run_off"]
        yield Case(scope)
    assert worth > 0.0


def _rivals(play: Play) -> Cases:
    """What the rivals of a play did."""
    for t, firm in product(range(len(play.flows)), range(FIRMS)):
        if firm != SEAT:
            before, home = play.before[t], play.before[t]["users"][:, HOME]
            scope = _numbers(before, firm, HOME) | _numbers(play.shocks[t], firm, HOME)
            scope |= _book(play.economy, firm, before["month"])
            scope["lever_price"] = play.flows[t]["lever"][firm, PRICE]
            yield Case(
                scope,
                phrases={
                    "share of home users of the seat": home[SEAT] / home.sum(),
                    "price of the seat": before["price"][SEAT],
                },
            )


def _books(play: Play) -> Cases:
    """Every playbook, in wars and under attack."""
    generator = np.random.default_rng(0)
    for book in [*range(BOOKS_OF_PLAY)] * 50:
        drawn = {
            "month": generator.uniform(0.0, 200.0),
            "markup": generator.uniform(-0.2, 0.6),
            "gap": generator.uniform(-1.0, 2.0),
            "threat": generator.uniform(0.0, 1.0),
            "aggression": generator.uniform(1.0, 4.0),
            "attack": generator.uniform(0.0, 0.3),
        }
        lever = np.zeros(4)
        FORMULAS.functions_of(strategies)["play"](play.economy, book, **drawn, lever=lever)
        yield Case(drawn | _book(play.economy, book, drawn["month"]) | {"lever_price": lever[PRICE]})


def _book(p: Any, book: int, past: float) -> dict[str, float]:
    scope = {"rival_awareness": p.rival_awareness, "rival_months": p.rival_months, "rival_reaction": p.rival_reaction}
    scope |= {"playbook_reaction": p.play_reaction[book], "reaction": p.rival_reaction * p.play_reaction[book]}
    scope |= {"playbook_markup": p.play_markup[book], "playbook_markup_floor": p.play_markup_floor[book]}
    cap, overhead = p.play_hardware_cap[book], finance.research(past, p) + p.admin_share
    highest = cost_and_price.capped_markup(cap, p.tax_rate, overhead, p.model_decline)
    return scope | {"cap_markup": highest if cap < 1.0 else strategies.HIGHEST_MARKUP}


def _levels(play: Play) -> Cases:
    """Months of a world whose firms have scandals and wars, wild in the end; every line has a draw of its own."""
    p, generator = play.economy.copy(), np.random.default_rng(0)
    state = np.zeros(1, STATE)[0]
    for month_run in range(120):
        if month_run == 90:
            p["demand_sd"], p["component_sd"], p["brand_drop"] = 9.0, 9.0, 40.0
        before, z, turn = state.copy(), generator.standard_normal(2), generator.uniform(0.0, 2.0 * p.war_rate)
        chances = generator.uniform(0.0, 2.0 * p.brand_rate, FIRMS)
        FORMULAS.functions_of(shocks)["move_levels"](state, p, *z, turn, chances)
        constants = _numbers(p, SEAT, HOME)
        for level, draw in zip(("demand_level", "component_level"), z, strict=True):
            yield Case({**constants, level: before[level], "z": draw}, {f"{level}'": state[level]})
        yield Case({"war": before.war, "war_rate": p.war_rate, "chance": turn}, {"war'": state.war})
        for firm in range(FIRMS):
            scope = {**constants, "brand_level": before.brand_level[firm], "chance": chances[firm]}
            yield Case(scope, {"brand_level'": state.brand_level[firm]})


def _hits(play: Play) -> Cases:
    state, shock, p = np.zeros(1, STATE)[0], np.zeros(1, SHOCKS)[0], play.economy
    for z in np.random.default_rng(0).standard_normal(50):
        state.war = 1.0 - state.war
        FORMULAS.functions_of(shocks)["write_shocks"](state, p, z, shock)
        drawn = {"hit_sd": p.hit_sd, "war_factor": p.war_factor, "war": state.war, "z": z}
        yield Case(drawn | {"hit": shock.hit, "aggression": shock.aggression})


def _begun(name: str) -> tuple[Any, Any]:
    """A state of January 2012 and the constants of its world, inverted brands among them."""
    state, economy = np.zeros(1, STATE)[0], FAMILIES[name].draw(11, 1).economy.copy()
    economy["firm_fan_appeal"][SEAT], economy["play_markup"] = 0.3, economy["play_markup"] - 0.02
    if name == "benchmark":
        economy["firm_entry"][SEAT, 0], economy["firm_start_share"][SEAT, OVERSEAS] = -20.0, 0.001
    FORMULAS.functions_of(start)["begin"](state, economy)
    return state, economy


def _of_firm(p: Any, firm: int, region: int) -> dict[str, float]:
    """Constants and those of a firm, under the names that formulas call them by."""
    scope = _numbers(p, firm, region)
    scope |= {name.removeprefix("firm_"): value for name, value in scope.items() if name.startswith("firm_")}
    return scope | {"playbook_markup": p.play_markup[firm], "playbook_marketing": p.play_marketing[firm]}


def _starts(_play: Play) -> Cases:
    for name, firm, region in product(("benchmark", "one_state"), range(FIRMS), range(REGIONS)):
        state, p = _begun(name)
        begun = _numbers(state, firm, region)
        scope = _of_firm(p, firm, region) | {key: begun[key] for key in STARTED} | {"climate": 1.0, "month": 0.0}
        scope |= {"fill_rate": 1.0, "owners": p.base_start[region]}
        scope["satisfaction"] = FORMULAS.functions_of(loyalty)["update_satisfaction"](
            p.play_updates[firm], state["users"][firm].sum(), 0.5,
            p.update_scale, p.bug_rate, p.bug_base, p.codevelopment,
        )  # fmt: skip
        markets = [
            FORMULAS.functions_of(demand)["adopters"](
                p.base_start[r], p.users_ceiling[r], p.adoption_innovation, p.adoption_imitation[r], 1.0
            )
            + p.base_start[r] / p.device_life
            for r in range(REGIONS)
        ]
        yield Case(
            scope | {"market": markets[region]},
            phrases={
                "sum over regions of start_share * market": p.firm_start_share[firm] @ markets,
                "sum over firms of start_share * price": p.firm_start_share[:, region] @ state["price"],
                "abroad overseas, 1 - abroad at home": "abroad" if region == OVERSEAS else "1 - abroad",
                "reach overseas": state["reach"][firm, OVERSEAS],
                "price of the seat": state["price"][SEAT],
            },
        )


STARTED = (
    "users", "second_users", "user_years", "reach", "coverage", "base_cost", "price", "markup", "forecast",
    "capacity", "inventory", "trailing_revenue", "adstock", "imitation", "engagement", "fans", "gap_start",
    "price_index_start",
)  # fmt: skip


def _brands(_play: Play) -> Cases:
    state, p = _begun("benchmark")
    for firm, region in product(range(1, FIRMS), range(REGIONS)):
        heard_all = (state["adstock"] + p.word_of_mouth * state["fans"][:, None] * state["users"])[:, region].sum()
        last = p.firm_start_share[-1, region] / state["coverage"][-1, region]
        anchor = math.log(last) + p.price_slope * math.log(state["price"][-1] / 1000.0)
        yield Case(
            _of_firm(p, firm, region) | _numbers(state, firm, region) | {"heard_all": heard_all},
            phrases={"ln(start_share / (coverage * exp(price_worth))) of the last firm": anchor},
        )


def _bankruptcies(play: Play) -> Cases:
    for t, short in product(range(len(play.flows)), (0.0, 1.0)):
        state, flows = play.after[t].copy(), play.flows[t]
        state["cash"][SEAT] = -flows["credit_line"][SEAT] - short
        found = FORMULAS.functions_of(simulation)["is_bankrupt"](state, flows)
        scope = {"credit_line": flows["credit_line"][SEAT], "bankrupt": float(found)}
        yield Case(scope, phrases={"cash'": state["cash"][SEAT]})


def _reports(play: Play) -> Cases:
    for t in range(len(play.reports)):
        scope = _numbers(play.economy, SEAT, HOME) | _numbers(play.reports[t], SEAT, HOME)
        yield Case(scope | {"month": play.before[t]["month"]})
    assert play.reports["hardware_net_margin"].std() > 0.0


def _closings(_play: Play) -> Cases:
    """Of a firm in a world without shocks, which plays on for as long: its months are added up here."""
    months = 14
    for rule in (OWN_LEVERS, PLAYBOOK):
        batch = begun(rich_world(months + CLOSING_MONTHS), horizon=months + CLOSING_MONTHS)
        p = batch.economies[0]
        for action in np.random.default_rng(1).uniform(-1.0, 1.0, (months, 1, 4)):
            batch.step(action)
        found = batch.closing_values(np.zeros(1, np.int64), rule)[0]
        asked = [p[f"play_{lever}"][CLOSING_BOOK] for lever in ("markup", "accessories", "marketing", "updates")]
        if rule == OWN_LEVERS:
            asked = batch.states[0]["own_sum"] / OWN_MONTHS
        worth = 0.0
        for ahead in range(1, CLOSING_MONTHS + 1):
            batch.step(_exact_action(*asked)[None])
            report = batch.reports[0]
            worth += (1.0 + p.discount_rate) ** (-ahead / 12.0) * (report["profit"] - report["stock"])
        run_off = FORMULAS.functions_of(finance)["run_off_value"](batch.states[0], p, SEAT, 1.0)
        scope = {"discount_rate": p.discount_rate, "closing": found, "run_off": run_off}
        yield Case(scope, phrases={"sum over months 1 to CLOSING_MONTHS of discount^month * to_owners": worth})


def _exact_action(markup: float, accessories: float, marketing: float, updates: float) -> Any:
    """The action that asks for these levers, in double precision."""
    half = (math.sqrt(accessories / 0.10), math.sqrt(marketing / 0.30), math.log(updates / 0.25) / math.log(32.0))
    return np.array([(markup - 0.20) / 0.40, *(2.0 * way - 1.0 for way in half)])


PLAYED: dict[str, tuple[Callable[[Play], Cases], tuple[str, ...]]] = {
    **{
        f"economics.month.{name}": (partial(_months, name=name), parts)
        for name, parts in {
            "set_prices": (
                "cost_and_price.experience_curve", "cost_and_price.specification", "cost_and_price.dearness",
                "cost_and_price.model_life_cost", "cost_and_price.list_price",
            ),
            "spend": ("loyalty.update_satisfaction", "finance.release_cost"),
            "size_markets": (
                "demand.affordability", "demand.haste", "demand.adopters", "demand.replacement_rate",
                "demand.owners_rate",
            ),
            "share_markets": ("marketing.voice", "marketing.awareness", "demand.offer_weight"),
            "make_and_sell": ("supply.production",),
            "keep_books": (
                "cost_and_price.range_drift", "cost_and_price.range_at_home", "finance.research",
                "ventures.accessory_margin",
            ),
            "move_users": (),
            "move_channels": ("marketing.adstock_step", "marketing.coverage_step"),
            "move_ventures": ("ventures.ventures_started", "ventures.breadth_step"),
            "move_prices": ("month.region_price", "cost_and_price.passed_step"),
        }.items()
    },
    "economics.month.region_price": (_region_prices, ()),
    "economics.month.own_mean": (_own_means, ()),
    "economics.finance.research": (_researches, ()),
    "economics.marketing.reach_overseas": (_reaches, ()),
    "economics.finance.run_off_value": (
        _run_offs,
        ("finance.research", "ventures.accessory_margin", "demand.replacement_rate"),
    ),
    "strategies.play": (_books, ("strategies.markup_rule",)),
    "strategies.play_rivals": (_rivals, ("strategies.markup_rule", "strategies.play")),
    "economics.start.begin": (
        _starts,
        (
            "demand.adopters", "demand.replacement_rate", "loyalty.fan_target",
        ),
    ),
    "economics.start.invert_brands": (
        _brands,
        ("demand.price_utility", "marketing.voice", "marketing.awareness"),
    ),
    "simulation.is_bankrupt": (_bankruptcies, ()),
    "simulation.write_report": (_reports, ("finance.research",)),
    "simulation.closing_value": (_closings, ("finance.monthly_discount",)),
    "shocks.move_levels": (_levels, ()),
    "shocks.write_shocks": (_hits, ()),
}  # fmt: skip
"""Functions of records whose formulas are checked: where, and whose formulas give the parts of theirs."""
NOT_CHECKED = {
    ("economics.marketing.reach_overseas", "part_open"): "in words: it differs from group to group of the sum",
}
"""Lines of formulas that no test compares with what is computed, and the reason."""
