"""Schemas: spaces, records and reports are what their declarations say; features are alive and in range."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from thinmargin import records
from thinmargin.baselines import baseline
from thinmargin.env import EcosystemEnv
from thinmargin.parameters import ECONOMY, FIRM_TABLE, Parameters, economy_record
from thinmargin.records import (
    BOOK_FIELDS,
    FEATURES,
    FIRMS,
    FLOW_FIELDS,
    FLOWS,
    LEVER_REPORT,
    LEVERS,
    OWN_MONTHS,
    REGIONS,
    REPORT,
    REPORT_FIELDS,
    REWARD_FIELDS,
    SHOCK_FIELDS,
    SHOCKS,
    STATE,
    STATE_FIELDS,
    Quantity,
)
from thinmargin.scenarios import FAMILIES, WIDE
from thinmargin.sources import SOURCE
from thinmargin.vector import EcosystemVectorEnv

RECORDS: dict[str, tuple[np.dtype[Any], tuple[Quantity, ...]]] = {
    "state": (STATE, STATE_FIELDS),
    "flows": (FLOWS, FLOW_FIELDS),
    "shocks": (SHOCKS, SHOCK_FIELDS),
    "report": (REPORT, REPORT_FIELDS),
}
FEATURE_NAMES = [feature.name for feature in FEATURES]
FULL_SERVICE = {"fill_rate"}
"""Features whose bound is the normal state of affairs: every buyer served."""


def test_the_observation_space_is_the_declared_features() -> None:
    for space in (EcosystemEnv().observation_space, EcosystemVectorEnv(2).single_observation_space):
        assert space.shape == (len(FEATURES),) == (32,)
        assert space.dtype == np.float32
        np.testing.assert_array_equal(space.low, np.array([feature.low for feature in FEATURES], np.float32))
        np.testing.assert_array_equal(space.high, np.array([feature.high for feature in FEATURES], np.float32))


def test_features_are_of_order_one_and_explained() -> None:
    assert len(set(FEATURE_NAMES)) == len(FEATURES)
    for feature in FEATURES:
        assert -10 <= feature.low < feature.high <= 10
        assert feature.unit
        assert feature.meaning


def random_play(family: str, months: int = 180, count: int = 24) -> np.ndarray:
    """Observations of random play, shape (months * count, features)."""
    envs = EcosystemVectorEnv(count, worlds=family)
    rng = np.random.default_rng(0)
    seen = [envs.reset(seed=0)[0]]
    for _ in range(months):
        seen.append(envs.step(rng.uniform(-1, 1, (count, 4)))[0])
        assert seen[-1] in envs.observation_space
        assert np.isfinite(seen[-1]).all()
    return np.concatenate(seen)


@pytest.mark.parametrize("family", [name for name in FAMILIES if name != "one_state"])  # there most are switched off
def test_features_are_alive_and_mostly_inside_their_range_under_random_play(family: str) -> None:
    seen = random_play(family)
    for column, feature in enumerate(FEATURES):
        values = seen[:, column]
        at_bound = ((values <= np.float32(feature.low)) | (values >= np.float32(feature.high))).mean()
        assert at_bound < (0.97 if feature.name in FULL_SERVICE else 0.5), feature.name
        inside = values[(values > np.float32(feature.low)) & (values < np.float32(feature.high))]
        assert np.ptp(inside) > 0.05 * (feature.high - feature.low), f"{feature.name} hardly moves"


@pytest.mark.parametrize("policy", ["low_margin_ecosystem", "constant_best", "mass_marketing"])
def test_features_are_mostly_inside_their_range_under_sensible_policies(policy: str) -> None:
    player = baseline(policy)
    envs = EcosystemVectorEnv(16)
    seen = [envs.reset(seed=0)[0]]
    for _ in range(180):
        seen.append(envs.step(player.predict(seen[-1])[0])[0])
    stuck = {
        feature.name: float(((values <= feature.low) | (values >= feature.high)).mean())
        for feature, values in zip(FEATURES, np.concatenate(seen).T, strict=True)
        if feature.name not in FULL_SERVICE
    }
    assert {name: share for name, share in stuck.items() if share > 0.5} == {}


def expected_features(
    books: dict[str, float], first: dict[str, float], shock: np.record, applied: list[dict[str, float]], horizon: int
) -> dict[str, float]:
    """Features from books, those at reset, public constants and the shock of the month, by the units FEATURES declares.

    What a constant of the hidden world scales is in the books at reset: unit cost at the start. `applied` has the
    levers of all months so far.
    """
    last = applied[-12:]
    own = {name: sum(levers[name] for levers in last) / len(last) for name in applied[-1]}
    world = economy_record(WIDE)
    users = max(books["users_home"] + books["users_overseas"], 1e-9)
    line = world["credit_floor"] + world["credit_per_user"] * (books["users_home"] + books["users_overseas"])
    return {
        "time": books["month"] / horizon,
        "model_age": books["month"] % 12 / 12,
        "users_home": books["users_home"] / (books["users_home"] + 100),
        "users_overseas": books["users_overseas"] / (books["users_overseas"] + 100),
        "fans": books["fans"] * 2,
        "engagement": books["engagement"],
        "share_home": books["share_home"] * 4,
        "share_overseas": books["share_overseas"] * 4,
        "markup": applied[-1]["price"] * 2,
        "unit_cost": 2 * (books["unit_cost"] / first["unit_cost"] - 1),
        "component": shock["component"] * 4,
        "rival_price": 2 * (books["rival_price"] / books["price"] - 1),
        "market": (books["market_home"] + books["market_overseas"]) / 40 - 1,
        "fill_rate": books["fill_rate"],
        "cash": books["cash"] / (abs(books["cash"]) + 5000),
        "headroom": (books["cash"] + line) / (abs(books["cash"] + line) + line),
        "profit": books["profit"] / (abs(books["profit"]) + 1000),
        "services_per_user": 12 * books["services_revenue"] / books["active_users"] / 100,
        "accessories_per_user": 12 * books["accessory_revenue"] / users / 300,
        "breadth": books["breadth"] / (books["breadth"] + 10),
        "pipeline": books["pipeline"] / (books["pipeline"] + 10),
        "coverage_home": books["coverage_home"],
        "coverage_overseas": books["coverage_overseas"],
        "retention": books["retention"],
        "own_price": own["price"] * 2,
        "own_accessories": own["accessories"] * 10,
        "own_marketing": own["marketing"] / 0.3,
        "own_updates": own["updates"] / 8,
    }


def test_features_say_what_books_calendar_and_market_say_and_nothing_of_the_hidden_world() -> None:
    env = EcosystemEnv(horizon=120)
    _, start = env.reset(seed=3)
    first, shocks = start["books"], FAMILIES["benchmark"].draw(start["world"], 120).shocks
    plan = [0.4, -0.3, -0.2, 0.5]
    applied: list[dict[str, float]] = []
    for month in range(100):
        observation, _, terminated, _, info = env.step(np.sin(np.arange(4) + month / 9) * 0.3 + plan)
        state = env.get_state()
        applied.append(info["levers"]["applied"])
        expected = expected_features(info["books"], first, shocks[month], applied, 120)
        expected["capacity"] = info["books"]["capacity"] / state["states"]["forecast"][0, 0] - 1
        expected["inventory"] = info["books"]["inventory"] / state["states"]["forecast"][0, 0] / 4
        expected["revenue"] = state["states"]["trailing_revenue"][0, 0]
        expected["revenue"] /= expected["revenue"] + 5000
        adstock = state["states"]["adstock"][0, 0].sum()
        expected["adstock"] = adstock / (adstock + 300)
        assert set(expected) == set(FEATURE_NAMES)
        numbers = [np.clip(expected[feature.name], feature.low, feature.high) for feature in FEATURES]
        np.testing.assert_allclose(observation, numbers, rtol=1e-5, atol=1e-6)
        assert not terminated
    assert info["books"]["users_overseas"] > 0.0
    assert info["books"]["breadth"] > 0.0
    assert state["economies"]["price_slope"][0] != WIDE.price_slope, "the world played is a hidden one"


@pytest.mark.parametrize("name", list(RECORDS))
def test_a_record_has_the_declared_fields_in_order(name: str) -> None:
    record, declared = RECORDS[name]
    assert record.names == tuple(field.name for field in declared)
    for field in declared:
        assert record[field.name].shape == field.shape
        assert record[field.name].base == np.float64
    assert record.itemsize == 8 * sum(int(np.prod(field.shape)) for field in declared)


@pytest.mark.parametrize("name", [*RECORDS, "economy", "source"])
def test_no_field_hides_behind_an_attribute_of_numpys_records(name: str) -> None:
    record = {"economy": ECONOMY, "source": SOURCE}.get(name) or RECORDS[name][0]
    hidden = [field for field in record.names or () if hasattr(np.record, field) or hasattr(np.recarray, field)]
    assert hidden == [], "plain Python would read numpy's attribute instead of the number"


def test_every_quantity_has_a_unit_and_a_meaning() -> None:
    for declared in (STATE_FIELDS, FLOW_FIELDS, SHOCK_FIELDS, REPORT_FIELDS):
        assert len({field.name for field in declared}) == len(declared)
        assert all(field.unit and field.meaning for field in declared)
        assert {field.shape for field in declared} <= {
            (), (FIRMS,), (REGIONS,), (FIRMS, REGIONS), (FIRMS, len(LEVERS)), (OWN_MONTHS, len(LEVERS)),
        }  # fmt: skip
    for lever in LEVERS:
        assert lever.low < lever.high
        assert lever.unit
        assert lever.meaning


def test_the_report_is_levers_books_and_rewards() -> None:
    assert (*LEVER_REPORT, *BOOK_FIELDS, *REWARD_FIELDS) == REPORT_FIELDS
    assert [field.name for field in LEVER_REPORT] == [
        f"{when}_{lever.name}" for when in ("asked", "applied") for lever in LEVERS
    ]


@pytest.mark.parametrize("name", [field.name for field in REPORT_FIELDS])
def test_every_field_of_the_report_is_written_every_month(name: str) -> None:
    envs = EcosystemVectorEnv(4, reward="shaped", horizon=100)
    envs.reset(seed=0)
    envs._batch.reports.view(np.float64)[:] = np.nan
    envs.step(np.zeros((4, 4)))
    assert np.isfinite(envs._batch.reports[name]).all()


def test_info_has_every_declared_entry_and_no_other() -> None:
    env, envs = EcosystemEnv(), EcosystemVectorEnv(2)
    books = [field.name for field in BOOK_FIELDS]
    rewards = [field.name for field in REWARD_FIELDS]
    levers = [lever.name for lever in LEVERS]
    for info in (env.reset(seed=0)[1], env.step(np.zeros(4))[4]):
        assert set(info) == {"books", "levers", "reward_terms", "world"}
        assert list(info["books"]) == books
        assert list(info["reward_terms"]) == rewards
        assert list(info["levers"]) == ["asked", "applied"]
        for group in info["levers"].values():
            assert list(group) == levers
        assert all(type(number) is float for number in info["books"].values())
    for infos in (envs.reset(seed=0)[1], envs.step(np.zeros((2, 4)))[4]):
        assert {name for name in infos if not name.startswith("_")} == set(info)
        assert all(infos[f"_{name}"].tolist() == [True, True] for name in info)
        assert infos["books"].dtype.names == tuple(books)
        assert infos["reward_terms"].dtype.names == tuple(rewards)
        assert infos["levers"]["asked"].dtype.names == infos["levers"]["applied"].dtype.names == tuple(levers)


def test_the_books_at_reset_are_the_balance_of_the_start() -> None:
    _, info = EcosystemEnv(worlds="calibrated").reset(seed=0)
    books, constants, seat = info["books"], Parameters(), FIRM_TABLE[0]
    assert books["month"] == books["revenue"] == books["profit"] == books["bankrupt"] == 0.0
    assert books["cash"] == 1300.0
    assert books["price"] == pytest.approx(1.12 * seat.unit_cost)
    assert books["unit_cost"] == seat.unit_cost
    assert books["users_home"] == pytest.approx(0.002 * constants.base_start[0])
    assert books["users_overseas"] == books["coverage_overseas"] == books["revenue_overseas"] == 0.0
    assert books["active_users"] == pytest.approx(books["users_home"] * (1.0 + constants.second_life))
    assert books["coverage_home"] == pytest.approx(seat.online)
    assert books["breadth"] == seat.breadth
    line = constants.credit_floor + constants.credit_per_user * books["users_home"]
    assert books["credit_line"] == pytest.approx(line)


def test_the_economy_has_a_column_for_every_constant(bits: Callable[[Any], Any]) -> None:
    world = FAMILIES["calibrated"].draw(0, 1)
    for name, value in vars(Parameters()).items():
        assert bits(world.economy[name]) == bits(np.float64(value) if np.isscalar(value) else np.array(value))


def test_a_markdown_table_has_a_line_a_row() -> None:
    assert records.markdown_table(("a", "b"), ((1, 2), ("x", "y"))).splitlines() == [
        "| a | b |",
        "| --- | --- |",
        "| 1 | 2 |",
        "| x | y |",
    ]
