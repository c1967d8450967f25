"""Worlds: hidden constants and shocks have the statistics that their families declare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from thinmargin.env import EcosystemEnv
from thinmargin.parameters import ECONOMY, Parameters, economy_record
from thinmargin.records import FIRMS, SEAT, SHOCKS
from thinmargin.scenarios import CALIBRATED, FAMILIES, HIDDEN, WIDE, family_of
from thinmargin.splits import KEYS
from thinmargin.worlds import MAX_HORIZON, Family, Spread, World, neutral_world

MONTHS = 180
WORLDS = 300
Draws = tuple[np.ndarray, np.ndarray]


def draw_many(family: Family, count: int = WORLDS) -> Draws:
    """Constants (count,) and shocks (count, months) of the first validation worlds."""
    worlds = [family.draw(key, MONTHS) for key in range(KEYS["validation"].start, KEYS["validation"].start + count)]
    return np.array([world.economy for world in worlds], ECONOMY), np.array([world.shocks for world in worlds], SHOCKS)


@pytest.fixture(scope="module")
def benchmark() -> Draws:
    return draw_many(FAMILIES["benchmark"])


@pytest.fixture(scope="module")
def calibrated() -> Draws:
    return draw_many(FAMILIES["calibrated"])


def bases() -> np.record:
    return economy_record(WIDE)


def changed(economies: np.ndarray) -> set[str]:
    """Names of the constants that are not the same in every world."""
    return {
        name
        for name in ECONOMY.names or ()
        if len({economies[name][row].tobytes() for row in range(len(economies))}) > 1
    }


def test_the_benchmark_hides_the_declared_constants_and_no_others(benchmark: Draws) -> None:
    hidden = {name for name, _ in (*HIDDEN.log, *HIDDEN.plain)} | {"firm_brand"}
    assert len(hidden) >= 6
    assert changed(benchmark[0]) == hidden
    for name in hidden - {"firm_brand"}:
        firsts = benchmark[0][name].reshape(WORLDS, -1)[:, 0]
        assert len(np.unique(firsts)) > 0.99 * WORLDS, f"{name} is hardly ever at the end of its range"
    rivals = benchmark[0]["firm_brand"][:, SEAT + 1 :]
    assert np.isnan(rivals).all(), "rivals' brands follow from their start shares"


def standard_draws(economies: np.ndarray, spread: Spread) -> np.ndarray:
    """The standard normal numbers behind the hidden constants, a column a draw."""
    base = bases()
    columns = []
    for name, sd in spread.log:
        columns.append(np.log(economies[name].reshape(len(economies), -1)[:, 0] / np.ravel(base[name])[0]) / sd)
    for name, sd in spread.plain:
        columns.append((economies[name] - base[name]) / sd)
    for region, sd in enumerate(spread.brand):
        columns.append((economies["firm_brand"][:, SEAT, region] - base["firm_brand"][SEAT, region]) / sd)
    return np.stack(columns, axis=1)


def test_hidden_constants_spread_as_declared_and_independently(benchmark: Draws) -> None:
    z = standard_draws(benchmark[0], HIDDEN)
    names = [name for name, _ in (*HIDDEN.log, *HIDDEN.plain)] + ["brand home", "brand overseas"]
    for column, name in enumerate(names):
        assert abs(z[:, column].mean()) < 4.0 / WORLDS**0.5, name
        assert abs(z[:, column].std() - 1.0) < 4.0 / (2 * WORLDS) ** 0.5, name
    correlations = np.corrcoef(z, rowvar=False) - np.eye(z.shape[1])
    assert abs(correlations).max() < 4.0 / WORLDS**0.5


def test_a_hidden_constant_moves_both_regions_together(benchmark: Draws) -> None:
    for name in ("services_ceiling", "accessory_ceiling"):
        values = benchmark[0][name]
        ratios = values[:, 0] / values[:, 1]
        np.testing.assert_allclose(ratios, bases()[name][0] / bases()[name][1], rtol=1e-12)


def test_hidden_constants_stay_in_the_range_they_declare() -> None:
    wild = Family(
        "wild", "everything everywhere", WIDE, Spread(log=(("bug_rate", 6.0),), plain=(("incompressible", 3.0),))
    )
    economies, _ = draw_many(wild, 60)
    ranges = {item.name: (item.metadata["low"], item.metadata["high"]) for item in fields(Parameters)}
    for name in ("bug_rate", "incompressible"):
        low, high = ranges[name]
        assert economies[name].min() >= low
        assert economies[name].max() == high
    assert economies["incompressible"].min() == ranges["incompressible"][0]


def test_a_family_cannot_hide_more_than_its_stream_provides() -> None:
    names = [item.name for item in fields(Parameters) if not isinstance(item.default, tuple)][:12]
    greedy = Family("greedy", "too much", WIDE, Spread(log=tuple((name, 0.1) for name in names)))
    with pytest.raises(ValueError, match="greedy hides 14 constants"):
        greedy.draw(0, 1)


def test_the_calibrated_family_has_one_set_of_constants(calibrated: Draws) -> None:
    assert changed(calibrated[0]) == set()
    assert calibrated[0][0].tobytes() == economy_record(CALIBRATED).tobytes()
    assert len(np.unique(calibrated[1]["demand"][:, 0])) == WORLDS, "but its shocks differ"


def test_the_calibrated_family_is_the_calmer_one() -> None:
    for name in ("demand_sd", "component_sd", "brand_rate"):
        assert getattr(CALIBRATED, name) < getattr(WIDE, name)
    assert replace(
        WIDE, **{name: getattr(CALIBRATED, name) for name in ("demand_sd", "component_sd", "brand_rate")}
    ) == (CALIBRATED)


@pytest.mark.parametrize(
    ("name", "persistence", "sd"),
    [
        ("demand", WIDE.demand_persistence, WIDE.demand_sd),
        ("component", WIDE.component_persistence, WIDE.component_sd),
    ],
)
def test_demand_and_component_cost_are_autoregressions_from_zero(
    benchmark: Draws, name: str, persistence: float, sd: float
) -> None:
    series = benchmark[1][name]
    before = np.concatenate([np.zeros((WORLDS, 1)), series[:, :-1]], axis=1)
    fitted = (before * series).sum() / (before * before).sum()
    assert abs(fitted - persistence) < 4.0 * ((1 - persistence**2) / series.size) ** 0.5
    surprise = series - persistence * before
    assert abs(surprise.mean()) < 4.0 * sd / surprise.size**0.5
    assert abs(surprise.std() / sd - 1.0) < 4.0 / (2 * surprise.size) ** 0.5
    assert abs(surprise[:, 0].std() / sd - 1.0) < 4.0 / (2 * WORLDS) ** 0.5, "the first month starts from zero"
    following = np.corrcoef(surprise[:, 1:].ravel(), surprise[:, :-1].ravel())[0, 1]
    assert abs(following) < 4.0 / surprise.size**0.5, "nothing is left to predict"


def test_hits_of_ventures_have_mean_one_and_the_declared_luck(benchmark: Draws) -> None:
    hits = benchmark[1]["hit"]
    spread = (np.exp(WIDE.hit_sd**2) - 1.0) ** 0.5
    assert hits.min() > 0.0
    assert abs(hits.mean() - 1.0) < 4.0 * spread / hits.size**0.5
    assert abs(np.log(hits).std() / WIDE.hit_sd - 1.0) < 4.0 / (2 * hits.size) ** 0.5


def test_scandals_come_as_often_and_cost_as_much_as_declared(benchmark: Draws) -> None:
    brand = benchmark[1]["brand"]
    assert brand.shape == (WORLDS, MONTHS, FIRMS)
    before = np.concatenate([np.zeros((WORLDS, 1, FIRMS)), brand[:, :-1]], axis=1)
    drops = before * (1.0 - WIDE.brand_decay) - brand
    scandal = drops > 0.5 * WIDE.brand_drop
    np.testing.assert_allclose(drops[scandal], WIDE.brand_drop, rtol=1e-12)
    np.testing.assert_allclose(drops[~scandal], 0.0, atol=1e-12)
    for firm in range(FIRMS):
        error = (WIDE.brand_rate * (1 - WIDE.brand_rate) / scandal[..., firm].size) ** 0.5
        assert abs(scandal[..., firm].mean() - WIDE.brand_rate) < 4.0 * error
    together = (scandal.sum(axis=2) > 1).mean()
    assert together < 10 * WIDE.brand_rate**2 * FIRMS, "each firm has its own scandals"


def test_the_calibrated_family_has_no_scandals(calibrated: Draws) -> None:
    assert (calibrated[1]["brand"] == 0.0).all()


def test_price_wars_begin_and_end_at_the_declared_rate(benchmark: Draws) -> None:
    aggression = benchmark[1]["aggression"]
    assert set(np.unique(aggression)) == {1.0, WIDE.war_factor}
    war = aggression > 1.0
    before = np.concatenate([np.zeros((WORLDS, 1), np.bool_), war[:, :-1]], axis=1)
    switched = war != before
    error = (WIDE.war_rate * (1 - WIDE.war_rate) / switched.size) ** 0.5
    for group in (switched[before], switched[~before]):
        assert abs(group.mean() - WIDE.war_rate) < 6.0 * error


def test_shocks_of_one_month_are_independent(benchmark: Draws) -> None:
    shocks = benchmark[1]
    surprises = np.stack(
        [
            (shocks["demand"][:, 1:] - WIDE.demand_persistence * shocks["demand"][:, :-1]).ravel(),
            (shocks["component"][:, 1:] - WIDE.component_persistence * shocks["component"][:, :-1]).ravel(),
            np.log(shocks["hit"][:, 1:]).ravel(),
            (shocks["aggression"][:, 1:] != shocks["aggression"][:, :-1]).ravel().astype(float),
        ]
    )
    correlations = np.corrcoef(surprises) - np.eye(len(surprises))
    assert abs(correlations).max() < 4.0 / surprises.shape[1] ** 0.5


def test_neighbouring_keys_are_unrelated_worlds(benchmark: Draws) -> None:
    first = benchmark[1]["hit"][:-1].ravel()
    second = benchmark[1]["hit"][1:].ravel()
    assert abs(np.corrcoef(first, second)[0, 1]) < 4.0 / first.size**0.5
    z = standard_draws(benchmark[0], HIDDEN)
    assert abs(np.corrcoef(z[:-1].ravel(), z[1:].ravel())[0, 1]) < 4.0 / z[1:].size ** 0.5


def test_ordinary_families_leave_law_supply_and_strategies_alone(benchmark: Draws, calibrated: Draws) -> None:
    for _, shocks in (benchmark, calibrated):
        assert (shocks["services"] == 1.0).all()
        assert (shocks["supply"] == 1.0).all()
        assert (shocks["clone"] == 0.0).all()
        assert (shocks["attack"] == 0.0).all()


def test_the_neutral_world_has_no_shock_at_all() -> None:
    shocks = neutral_world().shocks
    assert len(shocks) == MONTHS
    neutral = {"aggression": 1.0, "services": 1.0, "supply": 1.0, "hit": 1.0}
    for name in SHOCKS.names or ():
        assert (shocks[name] == neutral.get(name, 0.0)).all(), name


def test_other_parameters_are_the_centre_of_other_worlds() -> None:
    family = FAMILIES["benchmark"].with_parameters({"price_slope": 5.0, "users_ceiling": (900.0, 2000.0)})
    economies, _ = draw_many(family, 100)
    assert abs(np.log(economies["price_slope"] / 5.0).mean()) < 4 * 0.12 / 10
    assert (economies["users_ceiling"] == (900.0, 2000.0)).all()
    plain = FAMILIES["benchmark"].draw(77, 12)
    moved = family.draw(77, 12)
    np.testing.assert_allclose(moved.economy["price_slope"] / 5.0, plain.economy["price_slope"] / WIDE.price_slope)
    assert moved.shocks.tobytes() == plain.shocks.tobytes()


def test_drawing_into_one_row_leaves_the_others_alone(bits: Callable[[Any], Any]) -> None:
    family = FAMILIES["component_shortage"]
    economies = np.zeros(3, ECONOMY)
    shocks = np.zeros((3, MONTHS), SHOCKS)
    family.draw_into(5, economies, shocks, 1)
    alone = family.draw(5, MONTHS)
    assert economies[1].tobytes() == alone.economy.tobytes()
    assert bits(shocks[1]) == bits(alone.shocks)
    for row in (0, 2):
        assert not np.frombuffer(economies[row].tobytes()).any()
        assert not np.frombuffer(shocks[row].tobytes()).any()


def test_a_drawn_world_names_its_family_and_key() -> None:
    world = FAMILIES["price_war"].draw(17, MAX_HORIZON)
    assert isinstance(world, World)
    assert (world.family, world.key, len(world.shocks)) == ("price_war", 17, MAX_HORIZON)


def test_an_unknown_family_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"worlds is 'benchmrk': allowed are .*benchmark"):
        family_of("benchmrk")


def test_playing_a_world_object_does_not_change_it() -> None:
    world = FAMILIES["benchmark"].draw(3, 24)
    before = world.economy.tobytes(), world.shocks.tobytes()
    env = EcosystemEnv(horizon=24)
    env.reset(options={"world": world})
    for _ in range(24):
        if env.step(np.zeros(4))[2]:
            break
    assert (world.economy.tobytes(), world.shocks.tobytes()) == before
