"""Worlds rebuilt from their keys by what docs/environment.md says, with none of the package's code for it."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import thinmargin
from thinmargin.calibration.unknowns import UNKNOWNS
from thinmargin.parameters import FIRM_TABLE, Firm, Parameters
from thinmargin.records import FIRMS, HOME, OVERSEAS, SEAT
from thinmargin.scenarios import FAMILIES

MONTHS = 100
KEYS = (0, 1_234_567, 2_000_000, 2**61 + 12_345_678_901)
CALIBRATION = json.loads((Path(thinmargin.__file__).parent / "data" / "calibration.json").read_text())
LARGER = {"demand_sd": 0.06, "component_sd": 0.02, "brand_rate": 0.01}
"""Shocks of the benchmark and its scenarios."""
RANGES = {item.name: item.metadata for kind in (Parameters, Firm) for item in fields(kind) if "low" in item.metadata}


class Scenario(NamedTuple):
    """A row of the table of events."""

    first: int = 0
    last: int = 0
    months: int = 0
    added: dict[str, float] = {}  # noqa: RUF012  # never changed
    times: dict[str, float] = {}  # noqa: RUF012
    instead: dict[str, float] = {}  # noqa: RUF012


SCENARIOS = {
    "benchmark": Scenario(),
    "price_war": Scenario(12, 60, 1200, {"attack": 0.10}, instead={"aggression": 4.0}),
    "component_shortage": Scenario(24, 96, 24, {"component": math.log(1.25)}, {"supply": 0.5}),
    "demand_slump": Scenario(6, 36, 72, {"demand": math.log(0.6)}),
    "services_clampdown": Scenario(48, 96, 1200, times={"services": 0.5}),
    "entrant_clone": Scenario(24, 72, 1200, {"clone": 1.0}),
}


def philox(counter: tuple[int, ...], key: tuple[int, int]) -> list[int]:
    """Philox4x32 with ten rounds, as its authors write it: two multiplications a round."""
    state, keys = list(counter), list(key)
    for _ in range(10):
        products = [state[0] * 0xD2511F53, state[2] * 0xCD9E8D57]
        high, low = [product >> 32 for product in products], [product % 2**32 for product in products]
        state = [high[1] ^ state[1] ^ keys[0], low[1], high[0] ^ state[3] ^ keys[1], low[0]]
        keys = [(keys[0] + 0x9E3779B9) % 2**32, (keys[1] + 0xBB67AE85) % 2**32]
    return state


def chances(key: int, stream: int, month: int, block: int) -> list[float]:
    words = philox((block, month, stream, 0), (key % 2**32, key // 2**32))
    return [(word + 0.5) / 2**32 for word in words]


def normals(key: int, stream: int, month: int, block: int) -> list[float]:
    u = chances(key, stream, month, block)
    found = []
    for one, two in (u[:2], u[2:]):
        radius = math.sqrt(-2.0 * math.log(one))
        found += [radius * math.cos(2.0 * math.pi * two), radius * math.sin(2.0 * math.pi * two)]
    return found


def constants(key: int) -> dict[tuple[str, str, int | None], float]:
    """The hidden constants of a world by owner, name and region."""
    lower = CALIBRATION["covariance"]
    covariance = np.array([[lower[max(i, j)][min(i, j)] for j in range(len(lower))] for i in range(len(lower))])
    count = len(lower)
    z = [number for block in range(-(-count // 4)) for number in normals(key, 0, 0, block)][:count]
    moved = np.linalg.cholesky(covariance) @ z
    found = {}
    for unknown, x in zip(UNKNOWNS, moved, strict=True):
        if unknown.owner != "history":
            centre = CALIBRATION["constants"][unknown.owner][unknown.name]
            centre = centre if unknown.region is None else centre[unknown.region]
            value = centre * math.exp(unknown.sd * x) if unknown.log else centre + unknown.sd * x
            found[unknown.owner, unknown.name, unknown.region] = value
    home = found["seat", "brand", HOME] - CALIBRATION["constants"]["seat"]["brand"][HOME]
    found["seat", "brand", OVERSEAS] += home
    brand = {"low": -math.inf, "high": math.inf}
    ranges = {place: RANGES.get(place[1], brand) for place in found}
    return {place: min(max(value, ranges[place]["low"]), ranges[place]["high"]) for place, value in found.items()}


def shocks(key: int, scenario: Scenario) -> dict[str, np.ndarray]:
    """The shocks of MONTHS months by name."""
    p = {item.name: item.default for item in fields(Parameters)} | LARGER
    p["brand_drop"] = constants(key)["economy", "brand_drop", None]
    start = scenario.first + math.floor((scenario.last - scenario.first + 1) * chances(key, 2, 0, 0)[0])
    rows: dict[str, list[object]] = {}
    demand, component, war, brands = 0.0, 0.0, False, [0.0] * FIRMS
    for month in range(MONTHS):
        z = normals(key, 1, month, 0)
        demand = p["demand_persistence"] * demand + p["demand_sd"] * z[0]
        component = p["component_persistence"] * component + p["component_sd"] * z[1]
        war ^= chances(key, 1, month, 2)[0] < p["war_rate"]
        scandals = [chance < p["brand_rate"] for chance in chances(key, 1, month, 1)]
        brands = [
            level * (1.0 - p["brand_decay"]) - p["brand_drop"] * scandal
            for level, scandal in zip(brands, scandals, strict=True)
        ]
        row = {
            "demand": demand, "component": component, "aggression": p["war_factor"] if war else 1.0,
            "services": 1.0, "attack": 0.0, "clone": 0.0, "supply": 1.0,
            "hit": math.exp(p["hit_sd"] * z[2] - p["hit_sd"] ** 2 / 2.0),
        }  # fmt: skip
        if start <= month < start + scenario.months:
            row |= {name: row[name] + number for name, number in scenario.added.items()}
            row |= {name: row[name] * number for name, number in scenario.times.items()}
            row |= scenario.instead
        regions = {"demand": [row["demand"]] * 2, "supply": [row["supply"], 1.0, 1.0, 1.0], "brand": brands}
        for name, numbers in {**row, **regions}.items():
            rows.setdefault(name, []).append(numbers)
    return {name: np.array(numbers) for name, numbers in rows.items()}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("name", list(SCENARIOS))
def test_months_follow_from_the_key_as_the_page_says(name: str, key: int) -> None:
    world, scenario = FAMILIES[name].draw(key, MONTHS), SCENARIOS[name]
    rebuilt = shocks(key, scenario)
    assert set(rebuilt) == set(world.shocks.dtype.names or ())
    for field, numbers in rebuilt.items():
        np.testing.assert_allclose(world.shocks[field], numbers, rtol=1e-11, atol=1e-13, err_msg=field)


@pytest.mark.parametrize("key", KEYS)
def test_hidden_constants_follow_from_the_key_as_the_page_says(key: int) -> None:
    worlds = [FAMILIES[name].draw(key, 1).economy for name in ("benchmark", "price_war", "demand_slump")]
    for (owner, name, region), number in constants(key).items():
        place = () if region is None else (region,)
        for economy in worlds:
            found = economy[name] if owner == "economy" else economy[f"firm_{name}"][SEAT]
            assert found[place] == pytest.approx(number, rel=1e-9), (name, region)


def test_what_is_not_hidden_is_what_is_declared() -> None:
    economy = FAMILIES["benchmark"].draw(KEYS[1], 1).economy
    hidden = {name for _, name, _ in constants(KEYS[1])}
    for item in fields(Parameters):
        if item.name not in hidden:
            assert economy[item.name] == pytest.approx(LARGER.get(item.name, item.default)), item.name
    for row, firm in enumerate(FIRM_TABLE):
        if row != SEAT:
            assert economy["firm_unit_cost"][row] == firm.unit_cost


def test_the_rebuilt_months_hold_everything_that_can_happen() -> None:
    seen = [shocks(key, SCENARIOS["benchmark"]) for key in KEYS]
    assert len({number for months in seen for number in months["aggression"]}) == 2
    assert min(months["brand"].min() for months in seen) < 0.0
