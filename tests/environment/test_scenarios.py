"""The held-out scenarios: each is the benchmark's world of the same key, but for what its name says."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest

from thinmargin.env import EcosystemEnv
from thinmargin.families import FAMILY_TABLE, FamilyEntry
from thinmargin.levers import action_of
from thinmargin.parameters import ECONOMY, LOW_MARGIN_ECOSYSTEM
from thinmargin.records import REGIONS, SEAT, SHOCKS
from thinmargin.scenarios import EVENTS, FAMILIES, _family
from thinmargin.shocks import event_start
from thinmargin.sources import Event
from thinmargin.vector import EcosystemVectorEnv
from thinmargin.worlds import World

MONTHS = 180
SCENARIOS = [name for name, entry in FAMILY_TABLE.items() if entry.held_out]
STEADY = np.array([-0.3, -0.3, -0.4, 0.6])
WINDOWS = {
    "price_war": (12, 60),
    "component_shortage": (24, 96),
    "demand_slump": (6, 36),
    "services_clampdown": (48, 96),
    "entrant_clone": (24, 72),
}
"""First and last month in which each scenario may begin."""
CHANGED = {
    "price_war": ("attack", "aggression"),
    "component_shortage": ("component", "supply"),
    "demand_slump": ("demand",),
    "services_clampdown": ("services",),
    "entrant_clone": ("clone",),
}
"""Shocks that each scenario moves; its beginning shows in the first of them."""


def twins(name: str, key: int) -> tuple[World, World, int]:
    """The scenario's world, the benchmark's world of the same key, and the month they part."""
    scenario, plain = FAMILIES[name].draw(key, MONTHS), FAMILIES["benchmark"].draw(key, MONTHS)
    field = CHANGED[name][0]
    parted = (scenario.shocks[field] != plain.shocks[field]).reshape(MONTHS, -1).any(axis=1)
    return scenario, plain, int(np.flatnonzero(parted)[0])


def different(first: np.ndarray | np.record, second: np.ndarray | np.record, names: tuple[str, ...] | None) -> set[str]:
    """Names of the fields that are not equal, bit for bit."""
    return {name for name in names or () if np.asarray(first[name]).tobytes() != np.asarray(second[name]).tobytes()}


def run(world: World, months: int) -> list[dict[str, Any]]:
    """What the books and the flows of every firm say, month by month."""
    env = EcosystemEnv()
    env.reset(options={"world": world})
    seen = []
    for _ in range(months):
        _, _, terminated, _, info = env.step(STEADY)
        assert not terminated, "the test needs a firm that lives"
        flows = env._batch.flows[0]
        state = env._batch.states[0]
        seen.append(
            {
                **info["books"],
                "rival_levers": flows["lever"][1:].copy(),
                "production": flows["production"].copy(),
                "made_at_most": state["capacity"].copy(),
                "rival_markup": state["markup"][1:].copy(),
                "all_adopters": flows["adopters"].copy(),
                "all_services": flows["services_revenue"].copy(),
                "all_costs": state["unit_cost"].copy(),
            }
        )
    return seen


def both_runs(name: str, months_after: int = 2, key: int = 2) -> tuple[list[dict[str, Any]], list[dict[str, Any]], int]:
    scenario, plain, start = twins(name, key)
    return run(scenario, start + months_after), run(plain, start + months_after), start


def test_a_scenario_without_an_event_is_refused_by_name() -> None:
    with pytest.raises(LookupError, match=r"scenario 'flood' has no event.*EVENTS"):
        _family(FamilyEntry("flood", "Flood", "Water.", held_out=True))


def test_every_family_is_one_of_the_table_and_every_scenario_has_an_event() -> None:
    assert list(FAMILIES) == list(FAMILY_TABLE)
    assert set(EVENTS) == set(SCENARIOS), "a scenario is a row of families.FAMILY_TABLE and one of scenarios.EVENTS"


@pytest.mark.parametrize("entry", FAMILY_TABLE.values(), ids=lambda entry: entry.name)
def test_a_family_says_what_it_is_and_where_it_is_played(entry: FamilyEntry) -> None:
    family = FAMILIES[entry.name]
    assert (family.name, family.meaning, family.held_out) == (entry.name, entry.meaning, entry.held_out)
    assert entry.meaning.endswith(".")
    assert gymnasium.spec(entry.id).kwargs["worlds"] == entry.name


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_changes_only_what_it_says(name: str) -> None:
    for key in range(20):
        scenario, plain, start = twins(name, key)
        assert different(scenario.economy, plain.economy, ECONOMY.names) == set()
        assert different(scenario.shocks, plain.shocks, SHOCKS.names) == set(CHANGED[name])
        assert different(scenario.shocks[:start], plain.shocks[:start], SHOCKS.names) == set()


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_begins_anywhere_in_its_window_and_nowhere_else(name: str) -> None:
    first, last = WINDOWS[name]
    event = EVENTS[name]
    assert (event.first, event.last) == (first, last)
    for chance, month in ((0.0, first), (1.0 - 2.0**-33, last)):
        assert event_start(chance, event.first, event.last) == month
    starts = [twins(name, key)[2] for key in range(300)]
    assert min(starts) >= first
    assert max(starts) <= last
    span = last - first + 1
    assert len(set(starts)) > 0.9 * span
    assert abs(np.mean(starts) - (first + last) / 2) < 4.0 * (span / math.sqrt(12)) / math.sqrt(len(starts))


def test_an_event_changes_the_months_it_lasts_and_no_others() -> None:
    def moved(event: Event) -> np.ndarray:
        plain = FAMILIES["benchmark"]
        worlds = [family.draw(9, 60).shocks for family in (replace(plain, event=event), plain)]
        parted: np.ndarray = np.flatnonzero(worlds[0] != worlds[1])
        return parted

    assert moved(Event(7, 7, months=3, demand=0.1)).tolist() == [7, 8, 9]
    assert moved(Event(7, 7, demand=0.1)).tolist() == list(range(7, 60))
    assert moved(Event(7, 7)).tolist() == [], "what is not given stays as it is"


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ({"first": 9, "last": 8}, "first is 9.*at most last, which is 8"),
        ({"last": 601}, "last is 601.*0 to 600"),
        ({"last": 8, "months": 0}, "months is 0.*1 to 1200"),
        ({"supply": 1.5}, "supply is 1.5.*0 to 1"),
        ({"demand": math.nan}, "demand is nan"),
    ],
    ids=str,
)
def test_an_event_that_cannot_be_is_refused(numbers: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Event(**numbers)


def test_in_a_price_war_rivals_attack_and_never_calm_down() -> None:
    for key in range(10):
        scenario, _, start = twins("price_war", key)
        assert (scenario.shocks["aggression"][start:] == 4.0).all()
        assert (scenario.shocks["attack"][start:] == 0.10).all()
        assert (scenario.shocks["attack"][:start] == 0.0).all()


def test_in_a_price_war_every_rival_gives_up_ten_points_and_its_floor() -> None:
    war, peace, start = both_runs("price_war", 30)
    for month in range(start):
        assert war[month]["profit"] == peace[month]["profit"], "nothing happens before"
    given_up = peace[-1]["rival_markup"] - war[-1]["rival_markup"]
    assert (given_up > 0.08).all()
    assert war[-1]["rival_markup"][2] < 0.0, "the value followers sell below cost: their floor was zero"
    assert war[-1]["rival_price"] < peace[-1]["rival_price"]
    assert war[-1]["users_home"] < peace[-1]["users_home"]


def test_in_a_price_war_an_undercut_rival_gives_up_more_than_the_attack() -> None:
    scenario, plain, start = twins("price_war", 2)
    only_attack = World(plain.family, plain.key, plain.economy, plain.shocks.copy())
    only_attack.shocks["attack"] = scenario.shocks["attack"]
    both, attack = run(scenario, start + 8), run(only_attack, start + 8)
    assert (both[-1]["rival_markup"] <= attack[-1]["rival_markup"]).all()
    assert (both[-1]["rival_markup"] < attack[-1]["rival_markup"]).any()


def test_a_component_shortage_lasts_two_years() -> None:
    for key in range(10):
        scenario, plain, start = twins("component_shortage", key)
        raised = scenario.shocks["component"] - plain.shocks["component"]
        np.testing.assert_allclose(raised[start : start + 24], math.log(1.25), rtol=1e-9)
        assert (raised[start + 24 :] == 0.0).all()
        assert (scenario.shocks["supply"][start : start + 24, SEAT] == 0.5).all()
        assert (scenario.shocks["supply"][start + 24 :] == 1.0).all()
        assert (scenario.shocks["supply"][:, SEAT + 1 :] == 1.0).all(), "the big are served first"


def test_in_a_component_shortage_parts_are_dear_and_the_entrants_factories_run_at_half() -> None:
    short, plenty, start = both_runs("component_shortage", 1)
    np.testing.assert_allclose(short[start]["all_costs"], 1.25 * plenty[start]["all_costs"], rtol=1e-12)
    limit = 0.5 * plenty[start - 1]["made_at_most"][SEAT]
    assert short[start]["production"][SEAT] <= limit * (1 + 1e-12)
    assert plenty[start]["production"][SEAT] > limit, "else the test shows nothing"
    np.testing.assert_array_equal(short[start]["production"][1:], plenty[start]["production"][1:])
    for month in range(start):
        assert short[month]["profit"] == plenty[month]["profit"]


def test_a_demand_slump_takes_four_phones_in_ten_for_six_years() -> None:
    for key in range(10):
        scenario, plain, start = twins("demand_slump", key)
        lowered = scenario.shocks["demand"] - plain.shocks["demand"]
        assert lowered.shape == (MONTHS, REGIONS)
        np.testing.assert_allclose(lowered[start : start + 72], math.log(0.6), rtol=1e-9)
        assert (lowered[start + 72 :] == 0.0).all()
    slump, usual, start = both_runs("demand_slump", 1)
    np.testing.assert_allclose(slump[start]["all_adopters"], 0.6 * usual[start]["all_adopters"], rtol=1e-12)
    for region in ("home", "overseas"):
        ratio = slump[start][f"market_{region}"] / usual[start][f"market_{region}"]
        assert ratio == pytest.approx(0.6, rel=1e-12), "so owners buy as much less as first-time buyers"
        assert slump[start - 1][f"market_{region}"] == usual[start - 1][f"market_{region}"]


def test_a_services_clampdown_halves_services_for_good() -> None:
    for key in range(10):
        scenario, _, start = twins("services_clampdown", key)
        assert (scenario.shocks["services"][:start] == 1.0).all()
        assert (scenario.shocks["services"][start:] == 0.5).all()
    law, usual, start = both_runs("services_clampdown", 1)
    np.testing.assert_allclose(law[start]["all_services"], 0.5 * usual[start]["all_services"], rtol=1e-12)
    assert usual[start]["services_revenue"] > 0.0
    assert law[start]["accessory_revenue"] == usual[start]["accessory_revenue"]
    assert law[start - 1]["services_revenue"] == usual[start - 1]["services_revenue"]


def test_the_clone_plays_the_low_margin_ecosystem_in_everything() -> None:
    clone, usual, start = both_runs("entrant_clone", 12)
    for month in range(start):
        assert clone[month]["profit"] == usual[month]["profit"]
    levers = clone[start]["rival_levers"]
    price, accessories, marketing, updates = levers[1]
    book = LOW_MARGIN_ECOSYSTEM
    assert (accessories, marketing, updates) == (book.accessories, book.marketing, book.updates)
    assert price < 0.2, "the pledge caps the markup at about the 5 % net margin"
    np.testing.assert_array_equal(levers[[0, 2], 1:], usual[start]["rival_levers"][[0, 2], 1:])
    later = clone[start + 11]
    assert later["rival_markup"][1] == pytest.approx(later["rival_levers"][1, 0])
    # Research grows, and the pledge is kept after overhead: it leaves a little more.
    assert price < later["rival_markup"][1] < price + 0.002
    for key in range(10):
        scenario, _, start = twins("entrant_clone", key)
        assert (scenario.shocks["clone"][start:] == 1.0).all()


@pytest.mark.parametrize("family", list(FAMILIES))
def test_every_firm_stays_finite_and_no_users_are_negative_for_fifteen_years(family: str) -> None:
    vector = EcosystemVectorEnv(16, worlds=family, horizon=180)
    vector.reset(options={"world": list(range(1_000_000, 1_000_016))})
    steady = np.tile(action_of(0.10, 0.01, 0.05, 3.0), (16, 1))
    for _ in range(179):
        vector.step(steady)
        states = vector._batch.states
        assert np.isfinite(states.view(np.float64)).all()
        assert (states["users"] >= 0.0).all()
        assert (states["second_users"] >= 0.0).all()


def test_the_first_observation_does_not_tell_the_first_shock() -> None:
    family = FAMILIES["benchmark"]
    world = family.draw(7, 3)
    shocked = family.draw(7, 3)
    shocked.shocks["component"] += 0.5
    first, second = (EcosystemEnv(horizon=3).reset(options={"world": drawn})[0] for drawn in (world, shocked))
    assert (first == second).all()
