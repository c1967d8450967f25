"""Worlds: hidden constants and shocks have the statistics that their families declare."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from thinmargin.calibration.saved import posterior, shipped
from thinmargin.calibration.unknowns import UNKNOWNS
from thinmargin.env import EcosystemEnv
from thinmargin.parameters import ECONOMY, Firm, Parameters, economy_record
from thinmargin.records import FIRMS, HOME, OVERSEAS, REGIONS, SEAT, SHOCKS
from thinmargin.scenarios import CALIBRATED, FAMILIES, HIDDEN, WIDE, family_of
from thinmargin.sources import SOURCE
from thinmargin.splits import KEYS
from thinmargin.worlds import MAX_HORIZON, Family, Hidden, Spread, World, neutral_world

MONTHS = 180
WORLDS = 300
MANY = 4000
FAR = 47
"""A draw of the constants behind those that the families use."""
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


def as_numbers(economies: np.ndarray) -> np.ndarray:
    """Constants as plain numbers, a row a world."""
    return np.ascontiguousarray(economies).view(np.float64).reshape(len(economies), -1)


def column_of(item: Hidden) -> int:
    """Which of those numbers a hidden one is."""
    names = np.zeros(1, ECONOMY)
    names[item.field].reshape(-1)[item.place] = 1.0
    return int(np.flatnonzero(as_numbers(names)[0])[0])


def ends_of(item: Hidden) -> tuple[float, float]:
    """The range that a hidden constant declares; brand constants declare none."""
    declared = {entry.name: entry for entry in fields(Parameters)}
    declared |= {f"firm_{entry.name}": entry for entry in fields(Firm) if "low" in entry.metadata}
    if item.field not in declared:
        return -np.inf, np.inf
    return declared[item.field].metadata["low"], declared[item.field].metadata["high"]


def moves(economies: np.ndarray, spread: Spread) -> np.ndarray:
    """How far each hidden number is from its centre, a column a number: a difference, or one of logarithms."""
    base = as_numbers(np.array([bases()], ECONOMY))[0]
    found, columns = as_numbers(economies), []
    for item in spread.hidden:
        column = column_of(item)
        here, centre = found[:, column], base[column]
        columns.append(np.log(here / centre) if item.log else here - centre)
    return np.stack(columns, axis=1)


def declared_covariance(spread: Spread) -> np.ndarray:
    weights = np.zeros((len(spread.hidden), max(len(item.weights) for item in spread.hidden)))
    for row, item in zip(weights, spread.hidden, strict=True):
        row[: len(item.weights)] = item.weights
    return weights @ weights.T


def standard_draws(economies: np.ndarray, spread: Spread) -> np.ndarray:
    """Independent standard normal numbers, if the moves have the declared covariance, a column each."""
    factor = np.linalg.cholesky(declared_covariance(spread))
    return np.linalg.solve(factor, moves(economies, spread).T).T


@pytest.fixture(scope="module")
def many_constants() -> np.ndarray:
    """Constants of many worlds of the benchmark."""
    economies, sources = np.zeros(MANY, ECONOMY), np.zeros(MANY, SOURCE)
    FAMILIES["benchmark"].draw_into(range(MANY), KEYS["validation"][:MANY], economies, sources)
    return economies


def test_the_benchmark_hides_the_declared_numbers_and_no_others(many_constants: np.ndarray) -> None:
    columns = {column_of(item) for item in HIDDEN.hidden}
    assert len(columns) == len(HIDDEN.hidden) >= 30
    found = as_numbers(many_constants)
    differ = {column for column in range(found.shape[1]) if len(np.unique(found[:, column])) > 1}
    assert differ == columns, "a number a field and a firm: what is hidden of the seat is the seat's alone"
    for item in HIDDEN.hidden:
        numbers = found[:, column_of(item)]
        assert len(np.unique(numbers)) > 0.99 * MANY, f"{item.field} is hardly ever at the end of its range"
        low, high = ends_of(item)
        assert low <= numbers.min()
        assert numbers.max() <= high
    rivals = many_constants["firm_brand"][:, SEAT + 1 :]
    assert np.isnan(rivals).all(), "rivals' brands follow from their start shares"


def test_what_is_hidden_is_the_posterior_of_the_calibration() -> None:
    assert HIDDEN.hidden == posterior()
    factor = np.linalg.cholesky(shipped().covariance)
    names = [(item.field, item.place) for item in HIDDEN.hidden]
    for k, unknown in enumerate(UNKNOWNS):
        if unknown.owner == "economy":
            item = HIDDEN.hidden[names.index((unknown.name, unknown.region or 0))]
            assert item.log == unknown.log
            assert item.weights == pytest.approx(unknown.sd * factor[k]), unknown.label
    seat = {name: HIDDEN.hidden[names.index(("firm_brand", SEAT * REGIONS + place))] for place, name in enumerate("ho")}
    brands = {unknown.region: k for k, unknown in enumerate(UNKNOWNS) if unknown.name == "brand"}
    home = UNKNOWNS[brands[HOME]].sd * factor[brands[HOME]]
    assert seat["h"].weights == pytest.approx(home)
    # The unknown overseas is the difference to home: what moves the brand at home moves it overseas as far.
    assert seat["o"].weights == pytest.approx(home + UNKNOWNS[brands[OVERSEAS]].sd * factor[brands[OVERSEAS]])


def test_hidden_constants_have_the_declared_spread_and_move_together_as_declared(many_constants: np.ndarray) -> None:
    moved, declared = moves(many_constants, HIDDEN), declared_covariance(HIDDEN)
    sds = np.sqrt(declared.diagonal())
    assert (abs(moved.mean(axis=0)) < 4.5 * sds / MANY**0.5).all()
    found = np.cov(moved, rowvar=False)
    error = np.sqrt((np.outer(sds, sds) ** 2 + declared**2) / MANY)
    assert (abs(found - declared) < 5.0 * error).all()
    z = standard_draws(many_constants, HIDDEN)
    assert abs(np.cov(z, rowvar=False) - np.eye(z.shape[1])).max() < 5.0 * (2.0 / MANY) ** 0.5
    apart = declared / np.outer(sds, sds) - np.eye(len(sds))
    assert abs(apart).max() > 0.5, "else independent draws would do"


def test_numbers_that_share_a_draw_move_together_and_draws_of_their_own_set_them_apart() -> None:
    spread = Spread(
        (
            Hidden("services_ceiling", HOME, log=True, weights=(0.2,)),
            Hidden("services_ceiling", OVERSEAS, log=True, weights=(0.2,)),
            Hidden("firm_brand", SEAT * REGIONS + OVERSEAS, log=False, weights=(-0.4,)),
            Hidden("fan_value", 0, log=False, weights=(0.0, 0.5)),
        )
    )
    economies, _ = draw_many(Family("together", "one draw for three numbers", WIDE, spread), 100)
    base = bases()
    ratios = economies["services_ceiling"] / base["services_ceiling"]
    np.testing.assert_allclose(ratios[:, HOME], ratios[:, OVERSEAS], rtol=1e-12)
    brand = economies["firm_brand"][:, SEAT, OVERSEAS] - base["firm_brand"][SEAT, OVERSEAS]
    np.testing.assert_allclose(brand, -2.0 * np.log(ratios[:, HOME]), rtol=1e-9)
    assert (economies["firm_brand"][:, SEAT, HOME] == base["firm_brand"][SEAT, HOME]).all()
    value = economies["fan_value"] - base["fan_value"]
    assert abs(np.corrcoef(value, brand)[0, 1]) < 0.4


def test_hidden_constants_stay_in_the_range_they_declare() -> None:
    spread = Spread(
        (
            Hidden("bug_rate", 0, log=True, weights=(6.0,)),
            Hidden("incompressible", 0, log=False, weights=(0.0, 3.0)),
            Hidden("firm_online", SEAT, log=True, weights=(0.0, 0.0, 4.0)),
            Hidden("firm_brand", SEAT * REGIONS, log=False, weights=(0.0, 0.0, 0.0, 50.0)),
        )
    )
    economies, _ = draw_many(Family("wild", "everything everywhere", WIDE, spread), 60)
    found = as_numbers(economies)
    for item in spread.hidden[:3]:
        low, high = ends_of(item)
        assert found[:, column_of(item)].min() >= low, item.field
        assert found[:, column_of(item)].max() == high, item.field
    assert economies["incompressible"].min() == ends_of(spread.hidden[1])[0]
    brand = economies["firm_brand"][:, SEAT, HOME]
    assert brand.min() < -50.0, "a brand has no range"
    assert brand.max() > 50.0


def test_a_number_is_hidden_once() -> None:
    slope = Hidden("price_slope", 0, log=True, weights=(0.1,))
    twice = Family("twice", "too much", WIDE, Spread((slope, slope._replace(weights=(0.0, 0.1)))))
    with pytest.raises(ValueError, match="twice hides number 0 of price_slope"):
        twice.draw(0, 1)


def test_a_far_hidden_draw_tells_nothing_about_the_first_shock() -> None:
    far = Hidden("price_slope", 0, log=True, weights=(*[0.0] * FAR, 0.1))
    economies, shocks = draw_many(Family("far", "one draw", WIDE, Spread((far,))), 100)
    assert len(np.unique(economies["price_slope"])) == 100
    slopes, demand = np.log(economies["price_slope"]), shocks["demand"][:, 0, HOME]
    assert abs(np.corrcoef(slopes, demand)[0, 1]) < 0.4


def test_shocks_are_the_same_whatever_is_hidden() -> None:
    one = Spread((Hidden("price_slope", 0, log=True, weights=(*[0.0] * FAR, 0.1)),))
    families = [Family("same", "other constants", WIDE, spread) for spread in (Spread(), one, HIDDEN)]
    for key in range(20):
        worlds = [family.draw(key, 60) for family in families]
        for name in SHOCKS.names or ():
            for world in worlds:
                same = world.shocks[name]
                if name == "brand":  # a scandal in the same month, as costly as the world's constant says
                    same = same * WIDE.brand_drop / world.economy["brand_drop"]
                np.testing.assert_allclose(same, worlds[0].shocks[name], rtol=1e-12, atol=1e-15, err_msg=name)


def test_the_calibrated_family_has_one_set_of_constants(calibrated: Draws) -> None:
    assert changed(calibrated[0]) == set()
    assert calibrated[0][0].tobytes() == economy_record(CALIBRATED).tobytes()
    assert len(np.unique(calibrated[1]["demand"][:, 0, HOME])) == WORLDS, "but its shocks differ"


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
    if name == "demand":
        assert (series[..., HOME] == series[..., OVERSEAS]).all(), "one economy: both regions feel the same"
        series = series[..., HOME]
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
    cost = np.broadcast_to(benchmark[0]["brand_drop"][:, None, None], drops.shape)
    scandal = drops > 0.5 * cost
    np.testing.assert_allclose(drops[scandal], cost[scandal], rtol=1e-12)
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
            (shocks["demand"][:, 1:, HOME] - WIDE.demand_persistence * shocks["demand"][:, :-1, HOME]).ravel(),
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
    family = FAMILIES["benchmark"].with_parameters({"price_slope": 5.0, "inertia": 1.5, "fan_value": 6.0})
    economies, _ = draw_many(family, 100)
    declared = dict(zip((item.field for item in HIDDEN.hidden), declared_covariance(HIDDEN).diagonal(), strict=True))
    assert abs(np.log(economies["price_slope"] / 5.0).mean()) < 4 * declared["price_slope"] ** 0.5 / 10
    assert abs((economies["inertia"] - 1.5).mean()) < 4 * declared["inertia"] ** 0.5 / 10
    assert (economies["fan_value"] == 6.0).all(), "not hidden"
    plain = FAMILIES["benchmark"].draw(77, 12)
    moved = family.draw(77, 12)
    np.testing.assert_allclose(moved.economy["price_slope"] / 5.0, plain.economy["price_slope"] / WIDE.price_slope)
    np.testing.assert_allclose(moved.economy["inertia"] - 1.5, plain.economy["inertia"] - WIDE.inertia)
    assert moved.shocks.tobytes() == plain.shocks.tobytes()


def test_drawing_into_some_rows_leaves_the_others_alone() -> None:
    family = FAMILIES["component_shortage"]
    economies, sources = np.zeros(4, ECONOMY), np.zeros(4, SOURCE)
    family.draw_into([3, 1], [6, 5], economies, sources)
    for row, key in ((1, 5), (3, 6)):
        assert economies[row].tobytes() == family.draw(key, 1).economy.tobytes()
        assert sources["key"][row] == key
        assert sources["end"][row] == sources["start"][row] + 24.0
    for row in (0, 2):
        assert not np.frombuffer(economies[row].tobytes()).any()
        assert not np.frombuffer(sources[row].tobytes()).any()


@pytest.mark.parametrize("many", [list, np.array], ids=lambda many: many.__name__)
@pytest.mark.parametrize(
    ("keys", "error", "said"),
    [([1, 2, -3], ValueError, "-3"), ([1, 2**62 + 1, 3], ValueError, str(2**62 + 1)), ([1, 2.5, 3], TypeError, "key")],
)
def test_something_that_is_no_world_key_is_not_drawn(many: Any, keys: list[Any], error: Any, said: str) -> None:
    economies, sources = np.zeros(3, ECONOMY), np.zeros(3, SOURCE)
    with pytest.raises(error, match=said):
        FAMILIES["benchmark"].draw_into(range(3), many(keys), economies, sources)
    assert not np.frombuffer(sources.tobytes()).any()


def test_one_key_a_row_is_drawn() -> None:
    economies, sources = np.zeros(3, ECONOMY), np.zeros(3, SOURCE)
    with pytest.raises(ValueError, match=r"keys has shape \(2,\): must be \(3,\)"):
        FAMILIES["benchmark"].draw_into(range(3), [1, 2], economies, sources)


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


def spoilt(field: str, number: float, *, of: str = "shocks", months: tuple[int, ...] = (24,)) -> World:
    """A World of a key with one of its numbers replaced, its shocks in another shape."""
    world = FAMILIES["benchmark"].draw(7, 24)
    economy, shocks = world.economy.copy(), world.shocks.copy().reshape(months)
    (economy if of == "economy" else shocks)[field] = number
    return World(world.family, world.key, economy, shocks)


@pytest.mark.parametrize(
    ("world", "named"),
    [
        (spoilt("tax_rate", math.nan, of="economy"), "world 7 has NaN or infinity in tax_rate"),
        (spoilt("tax_rate", -4.0, of="economy"), "world 7 has tax_rate -4: allowed is 0 to 0.6"),
        (spoilt("firm_cash", -1.0, of="economy"), "firm_cash -1"),
        (spoilt("play_updates", 99.0, of="economy"), "play_updates 99: allowed is 0.25 to 8"),
        (spoilt("group_share", 1.0, of="economy"), "group_share.*sum must be 1"),
        (spoilt("demand", math.inf), "world 7 has NaN or infinity in demand"),
        (spoilt("supply", 2.0), "supply 2: allowed is 0 to 1"),
        (spoilt("services", -1.0), "services -1"),
        (spoilt("services", 1e300), "services 1e[+]300"),
        (spoilt("brand", 1e6), "brand 1000000: allowed is -50 to 50"),
        (spoilt("component", 21.0), "component 21: allowed is -20 to 20"),
        (spoilt("firm_brand", math.inf, of="economy"), "firm_brand inf: allowed is -100 to 100"),
        (spoilt("firm_brand", 1e6, of="economy"), "firm_brand 1000000: allowed is -100 to 100"),
        (spoilt("firm_entry", 1200.0, of="economy"), "no firm on sale overseas.*firm_entry"),
        (spoilt("demand", 0.0, months=(24, 1)), r"shapes \(\) and \(24, 1\)"),
    ],
    ids=lambda item: item if isinstance(item, str) else "",
)
def test_a_world_that_cannot_be_played_is_refused_and_changes_nothing(world: World, named: str) -> None:
    env, twin = (EcosystemEnv(horizon=24) for _ in range(2))
    for player in (env, twin):
        player.reset(seed=0)
    with pytest.raises(ValueError, match=named):
        env.reset(options={"world": world})
    action = np.zeros(4, np.float32)
    assert env.step(action)[1] == twin.step(action)[1]


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_worlds_of_every_family_can_be_handed_in(name: str) -> None:
    family = FAMILIES[name]
    for key in (0, 1_500_000, 2_500_000):
        env = EcosystemEnv(horizon=24)
        env.reset(options={"world": family.draw(key, 24)})
        assert math.isfinite(env.step(np.zeros(4, np.float32))[1])
