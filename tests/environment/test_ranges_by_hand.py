"""How far numbers of a saved state, of shocks and of levers may go: ends as numbers, and what rounding is forgiven."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from thinmargin.batch import Batch
from thinmargin.env import EcosystemEnv
from thinmargin.levers import action_of
from thinmargin.parameters import CLOSING, CLOSING_BOOK, FIRM_TABLE, Parameters, economy_record
from thinmargin.record_checks import (
    ECONOMY_RANGES,
    EVENT_RANGES,
    SHOCK_RANGES,
    STATE_RANGES,
    check_economies,
    check_observations,
    check_shocks,
    check_states,
)
from thinmargin.records import FEATURES, LEVERS, SHOCKS
from thinmargin.settings import LEVER_GRID, Settings, check_options, discrete_actions
from thinmargin.sources import Event
from thinmargin.splits import check_key, check_keys, keys_of
from thinmargin.vector import EcosystemVectorEnv

STATE_ENDS = {
    **dict.fromkeys(("coverage", "reach", "fans", "war"), (0.0, 1.0)),
    **dict.fromkeys(
        (
            "users", "second_users", "adstock", "user_years", "engagement", "output", "capacity", "inventory",
            "forecast", "seeded", "growing", "breadth", "trailing_revenue",
        ),
        (0.0, 1e30),
    ),
    **dict.fromkeys(("base_cost", "unit_cost", "price", "price_index_start"), (1.0, 1e15)),
    "price_index": (0.001, 1e15),
    "imitation": (0.0, 100.0),
    "markup": (-0.2, 0.6),
    "cash": (-1e30, 1e30),
    "gap_start": (-100.0, 100.0),
    "passed": (-0.75, 1e15),
    "demand_level": (-10.0, 10.0),
    "component_level": (-10.0, 10.0),
    "brand_level": (-50.0, 0.0),
}  # fmt: skip
SHOCK_ENDS = {
    **dict.fromkeys(("demand", "component"), (-20.0, 20.0)),
    "brand": (-50.0, 50.0),
    **dict.fromkeys(("aggression", "services", "attack", "hit"), (0.0, 1e7)),
    **dict.fromkeys(("clone", "supply"), (0.0, 1.0)),
}


@pytest.mark.parametrize(("ranges", "ends"), [(STATE_RANGES, STATE_ENDS), (SHOCK_RANGES, SHOCK_ENDS)])
def test_ranges_end_where_they_end(ranges: Any, ends: dict[str, tuple[float, float]]) -> None:
    assert {item.field: (item.low, item.high) for item in ranges} == ends


def test_constants_of_the_one_state_world_may_go_beyond_those_of_parameters() -> None:
    ends = {item.field: (item.low, item.high) for item in ECONOMY_RANGES}
    assert ends["services_half"] == (1e-12, 5000.0)
    assert ends["forecast_months"] == (1.0, np.inf)
    assert ends["firm_brand"] == (-100.0, 100.0)


def test_events_end_where_they_end() -> None:
    assert {item.field: (item.low, item.high) for item in EVENT_RANGES} == {
        **dict.fromkeys(("first", "last"), (0, 600)),
        "months": (1, 1200),
        **dict.fromkeys(("attack", "supply", "clone"), (0, 1)),
        "aggression": (0, 20),
        **dict.fromkeys(("component", "demand"), (-3, 3)),
        "services": (0, 10),
    }
    assert {item.metadata["source"] for item in fields(Event)} == {"judgement"}
    calm = Event()
    assert (calm.first, calm.last, calm.months) == (0.0, 0.0, 1200.0)
    assert (calm.attack, calm.aggression, calm.component, calm.demand, calm.clone) == (0.0,) * 5
    assert (calm.supply, calm.services) == (1.0, 1.0)


def test_the_grid_has_these_levels() -> None:
    assert LEVER_GRID == (
        (-0.05, 0.0, 0.05, 0.10, 0.20, 0.35), (0.0, 0.004, 0.015, 0.04), (0.01, 0.03, 0.08, 0.20), (1.0, 2.5, 4.33),
    )  # fmt: skip
    assert discrete_actions().shape == (288, 4)


def test_splits_are_these_ranges_of_keys() -> None:
    assert keys_of("validation") == range(1_000_000, 2_000_000)
    assert keys_of("test") == range(2_000_000, 3_000_000)
    assert keys_of("train") == range(2**32, 2**62)
    assert check_key(2**62) == 2**62
    assert check_key(0) == 0
    assert check_keys(np.array([0, 2**62])).tolist() == [0, 2**62]
    with pytest.raises(TypeError, match=r"world key is .*: must be an integer from 0 to 2\*\*62"):
        check_keys(np.array([[0, 1], [2, 3]]))
    for key in (-1, 2**62 + 1):
        for check_one in (check_key, lambda key: check_keys(np.array([5, key])), lambda key: check_keys([5, key])):
            with pytest.raises(ValueError, match=f"world key is {key}"):
                check_one(key)


def test_an_episode_has_at_most_six_hundred_months() -> None:
    assert Settings(horizon=600).horizon == 600
    assert EcosystemEnv(horizon=1).settings.horizon == 1
    for horizon in (0, 601):
        with pytest.raises(ValueError, match=f"horizon is {horizon}: allowed are 1 to 600"):
            Settings(horizon=horizon)


def test_every_shell_has_the_same_defaults() -> None:
    assert Settings() == EcosystemEnv().settings == EcosystemVectorEnv().settings
    assert (Settings().horizon, Settings().closing, Settings().split) == (180, "own_levers", "train")
    assert EcosystemVectorEnv().num_envs == 1


def shocks(**numbers: float) -> np.ndarray:
    """One month of calm shocks but for these."""
    table = np.zeros(1, SHOCKS)
    for name in ("aggression", "services", "hit", "supply"):
        table[name] = 1.0
    for name, number in numbers.items():
        table[name] = number
    return table


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("demand", 20.0 + 1.5e-8, 20.0 + 2.5e-8),
        ("demand", -20.0 - 1.5e-8, -20.0 - 2.5e-8),
        ("supply", 1.0 + 0.9e-9, 1.0 + 1.05e-9),
        ("supply", 0.0, -1e-300),
        ("attack", 1e7 + 0.009, 1e7 + 0.0105),
    ],
)
def test_a_billionth_of_the_end_of_a_range_is_forgiven_and_no_more(name: str, inside: float, outside: float) -> None:
    check_shocks("x", shocks(**{name: inside}))
    with pytest.raises(ValueError, match=f"x has {name} "):
        check_shocks("x", shocks(**{name: outside}))


def run_for(months: int) -> Batch:
    """One firm after these months, of twenty."""
    env = EcosystemEnv(horizon=20)
    env.reset(options={"world": 1})
    for _ in range(months):
        env.step(np.zeros(4))
    return env._batch


def check(states: np.ndarray) -> None:
    check_states("x", states, np.array([True]), 20.0)


@pytest.mark.parametrize("months", [0, 1, 12, 13, 20])
def test_a_state_that_was_played_is_one(months: int) -> None:
    check(run_for(months).states)


@pytest.mark.parametrize("month", [-1.0, 2.5, 21.0])
def test_months_are_whole_and_not_beyond_the_horizon(month: float) -> None:
    states = run_for(20).states.copy()
    states["month"] = month
    with pytest.raises(ValueError, match=f"x has month {month:g}.*0 to 20"):
        check(states)


def test_a_sum_of_levers_may_miss_them_by_a_billionth() -> None:
    states = run_for(3).states.copy()
    before = states["own_sum"].copy()
    for missed in (0.9e-9, -0.9e-9):
        states["own_sum"] = before + np.array([0.0, 0.0, missed, 0.0])
        check(states)
    for missed in (1.05e-9, -1.05e-9, 2e-9):
        states["own_sum"] = before + np.array([0.0, 0.0, missed, 0.0])
        with pytest.raises(ValueError, match="x has own_sum"):
            check(states)


def test_a_message_shows_the_row_whose_sum_is_furthest_off() -> None:
    states = np.concatenate([run_for(3).states] * 3)
    states["own_sum"][1, 2] += 0.5
    states["own_sum"][2, 2] += 2e-9
    said = re.escape(str(states["own_sum"][1].tolist()))
    with pytest.raises(ValueError, match=f"own_sum {said}"):
        check_states("x", states, np.array([True] * 3), 20.0)


@pytest.mark.parametrize("lever", range(4))
def test_levers_in_the_ring_are_in_their_ranges_and_places_not_yet_written_are_zero(lever: int) -> None:
    states = run_for(3).states.copy()
    low, high = LEVERS[lever].low, LEVERS[lever].high
    for place, number in ((0, low), (2, high), (1, high + 0.9e-9), (1, high + 1e-9), (0, low - 1e-9)):
        change_ring(states, place, lever, number)
        check(states)
    for place, number, said in (
        (2, LEVERS[lever].high + 1.05e-9, "in place 2: allowed is from"),
        (0, LEVERS[lever].low - 1.05e-9, "in place 0: allowed is from"),
        (3, 0.1, "in place 3: allowed is 0 before its month"),
        (11, 0.1, "in place 11: allowed is 0 before its month"),
    ):
        changed = states.copy()
        change_ring(changed, place, lever, number)
        with pytest.raises(ValueError, match=f"own_levers .* of {LEVERS[lever].name} {said}"):
            check(changed)


def change_ring(states: np.ndarray, place: int, lever: int, number: float) -> None:
    states["own_levers"][0, place, lever] = number
    states["own_sum"] = states["own_levers"].sum(axis=1)


def test_a_price_at_the_lowest_markup_of_its_cost_is_refused() -> None:
    """Price over base_cost must be above markup + 0.2: a markup less the lowest, -20 %."""
    states = run_for(1).states.copy()
    states["base_cost"][0, 2], states["markup"][0, 2] = 1000.0, 0.3
    states["price"][0, 2] = 500.0 + 1e-6
    check(states)
    states["price"][0, 2] = 500.0
    with pytest.raises(ValueError, match="x has price 500: must be above base_cost"):
        check(states)


def test_shares_of_country_groups_may_miss_one_by_a_billionth() -> None:
    economies = np.stack([economy_record(Parameters())])
    before = economies["group_share"].copy()
    for missed, fine in ((0.9e-9, True), (-0.9e-9, True), (1.05e-9, False), (-1.05e-9, False)):
        economies["group_share"] = before + np.array([missed, 0.0, 0.0, 0.0])
        if fine:
            check_economies("x", economies, begun=False)
        else:
            with pytest.raises(ValueError, match="x has group_share"):
                check_economies("x", economies, begun=False)


def test_a_brand_without_a_number_is_for_worlds_that_have_not_begun() -> None:
    economies = np.stack([economy_record(Parameters())])
    assert np.isnan(economies["firm_brand"]).any()
    check_economies("x", economies, begun=False)
    with pytest.raises(ValueError, match="firm_brand"):
        check_economies("x", economies, begun=True)


def test_constants_of_firms_and_books_stand_in_their_rows() -> None:
    first = replace(FIRM_TABLE[0], brand=(0.25, -0.5), unit_cost=1234.0)
    world = economy_record(Parameters(), (first, *FIRM_TABLE[1:]))
    assert world["firm_brand"][0].tolist() == [0.25, -0.5]
    assert np.isnan(world["firm_brand"][1:]).all(), "to be inferred from shares"
    assert world["firm_unit_cost"].tolist() == [1234.0, *(firm.unit_cost for firm in FIRM_TABLE[1:])]
    assert world["play_markup"][CLOSING_BOOK] == CLOSING.markup
    with pytest.raises(ValueError, match="firms has 3 entries: exactly 4"):
        economy_record(Parameters(), FIRM_TABLE[1:])


def test_a_brand_cannot_be_inferred_from_no_users() -> None:
    for share in ((0.0, 0.2), (0.1, 0.0)):
        absent = replace(FIRM_TABLE[1], start_share=share)
        with pytest.raises(ValueError, match="has no brand: to infer one, start_share"):
            economy_record(Parameters(), (FIRM_TABLE[0], absent, *FIRM_TABLE[2:]))


def test_numbers_in_a_list_are_the_same_constants() -> None:
    listed = Parameters(base_start=[160.0, 640.0])  # type: ignore[arg-type]  # any sequence
    assert listed == Parameters(base_start=(160.0, 640.0))
    assert hash(listed) == hash(Parameters(base_start=(160.0, 640.0)))


@pytest.mark.parametrize(
    ("entry", "share", "fine"),
    [(-1e-9, 0.26, True), (-1e-9, 0.01, True), (0.0, 0.26, False), (-1.0, 0.0, False)],
)
def test_somebody_is_on_sale_overseas_at_the_start(entry: float, share: float, fine: bool) -> None:
    """One firm in one country group that has some of the market."""
    economies = np.stack([economy_record(Parameters())])
    economies["firm_entry"] = 50.0
    economies["firm_entry"][0, 3, 0] = entry
    economies["group_share"] = share, 0.5, 0.5 - share, 0.0
    if fine:
        check_economies("x", economies, begun=False)
    else:
        with pytest.raises(ValueError, match="firm_entry"):
            check_economies("x", economies, begun=False)


def test_an_observation_at_the_ends_of_its_range_is_one() -> None:
    space = EcosystemEnv().observation_space
    check_observations("x", np.stack([space.low, space.high]))  # type: ignore[attr-defined]  # a Box
    for column, end in ((0, space.low), (31, space.high)):  # type: ignore[attr-defined]  # a Box
        rows = np.stack([space.low, end.copy()])  # type: ignore[attr-defined]  # a Box
        rows[1, column] += 0.01 if end is space.high else -0.01  # type: ignore[attr-defined]  # a Box
        with pytest.raises(ValueError, match=r"x has .* allowed is "):
            check_observations("x", rows)


def test_the_first_wrong_observation_is_named() -> None:
    space = EcosystemEnv().observation_space
    rows = np.stack([space.low, space.low])  # type: ignore[attr-defined]  # a Box
    rows[1, 3], rows[1, 7] = -0.5, -0.25
    with pytest.raises(ValueError, match=f"x has -0.5 of {FEATURES[3].name}"):
        check_observations("x", rows)


def test_options_without_a_world_are_none() -> None:
    assert check_options({}, 5) is check_options(None, 5) is None
    assert check_options({"world": 7}, 5) == 7
    assert check_options({"world": (7, 8)}, 5) == [7, 8]


@pytest.mark.parametrize("lever", range(4))
def test_an_action_asks_for_levers_in_their_range_and_a_billionth_beyond(lever: int) -> None:
    middle = [0.1, 0.01, 0.05, 2.0]
    for number, expected in ((LEVERS[lever].low - 0.9e-9, -1.0), (LEVERS[lever].high + 0.9e-9, 1.0)):
        asked = [*middle[:lever], number, *middle[lever + 1 :]]
        assert action_of(*asked)[lever] == expected
    for number in (LEVERS[lever].low - 1.05e-9, LEVERS[lever].high + 1.05e-9):
        asked = [*middle[:lever], number, *middle[lever + 1 :]]
        with pytest.raises(ValueError, match=LEVERS[lever].name):
            action_of(*asked)
