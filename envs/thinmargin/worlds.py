"""Worlds: the hidden constants and the whole table of shocks of one episode, drawn from one key.

A world is drawn at once, from its key alone: nothing random happens later, nothing drawn depends on
what is done. The same key gives every policy the same world, and any episode can be replayed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from thinmargin.economics.compiled import Record, entry_point, mechanism, source_digest
from thinmargin.parameters import ECONOMY, Firm, Parameters, economy_record, with_overrides
from thinmargin.records import FIRMS, REGIONS, SHOCKS
from thinmargin.splits import check_key

Numbers = npt.NDArray[np.float64]
Table = npt.NDArray[Any]

DRAWS_A_MONTH = 4 + FIRMS
"""Standard normal numbers of a month: demand, component cost, war, hits; brand of every firm."""
HIDDEN_DRAWS = 48
"""Standard normal numbers reserved for the constants of a world."""
EVENT_DRAWS = 4
"""Uniform numbers a scenario's event uses."""
MAX_HORIZON = 600
COLUMNS = ECONOMY.itemsize // 8
"""Numbers in one world's constants."""


@dataclass(frozen=True, eq=False)
class World:
    """One episode's world: `economy` is a record of constants, `shocks` one record a month."""

    family: str
    key: int
    economy: np.record
    shocks: Table


class Hidden(NamedTuple):
    """One number of a world that differs from world to world: its logarithm, or itself, plus weights * z."""

    field: str
    """Field of an ECONOMY record."""
    place: int
    """Which of its numbers, 0 for a field that has one."""
    log: bool
    weights: tuple[float, ...]
    """On the first standard normal draws of the world; draws that two numbers share make them move together."""


@dataclass(frozen=True)
class Spread:
    """Spread of the hidden worlds of a family. Draws are cut to the range that each constant declares."""

    hidden: tuple[Hidden, ...] = ()


Event = Callable[[np.record, Table, Numbers], None]
"""Changes a drawn world in place: (economy, shocks, uniform draws of shape (EVENT_DRAWS,))."""


@dataclass(frozen=True)
class Family:
    """Source of the worlds of an environment id."""

    name: str
    meaning: str
    parameters: Parameters
    spread: Spread = Spread()
    event: Event | None = None
    held_out: bool = False

    def with_parameters(self, overrides: Mapping[str, Any] | None) -> Family:
        """The same family around other constants; a bad name or value is a ValueError."""
        return replace(self, parameters=with_overrides(self.parameters, overrides))

    def draw(self, key: int, horizon: int) -> World:
        """The world of `key`, `horizon` months long; a longer horizon begins with the same months."""
        economies = np.zeros(1, ECONOMY)
        shocks = np.zeros((1, horizon), SHOCKS)
        self.draw_into(key, economies, shocks, 0)
        return World(self.name, key, economies[0], shocks[0])

    def draw_into(self, key: int, economies: Table, shocks: Table, row: int) -> None:
        """Write the world of `key` into one row of both arrays; nothing is allocated for them."""
        generator = np.random.Generator(np.random.PCG64(check_key(key)))
        recipe = self._recipe
        chances = generator.random(EVENT_DRAWS)
        draws = generator.standard_normal(HIDDEN_DRAWS + DRAWS_A_MONTH * shocks.shape[1])
        numbers = economies.view(np.float64).reshape(-1, COLUMNS)
        _UNFOLD(
            row, recipe.base, recipe.columns, recipe.rules, recipe.weights, recipe.reach, draws, numbers, economies,
            recipe.thresholds, shocks,
        )  # fmt: skip
        if self.event is not None:
            self.event(economies[row], shocks[row], chances)

    @cached_property
    def _recipe(self) -> _Recipe:
        return _recipe(self)


class _Recipe(NamedTuple):
    """A family, ready for the compiled draw."""

    base: Numbers
    columns: npt.NDArray[np.int64]
    """Which numbers of the record are hidden."""
    rules: Numbers
    """A row a hidden number: 1 if log, low, high."""
    weights: Numbers
    """A row a hidden number: its weights on HIDDEN_DRAWS draws."""
    reach: npt.NDArray[np.int64]
    """Number of draws that each hidden number uses."""
    thresholds: Numbers
    """Standard normal numbers above which war switches and a brand scandal begins."""


def _recipe(family: Family) -> _Recipe:
    base = np.zeros(1, ECONOMY)
    base[0] = economy_record(family.parameters)
    ranges = {item.name: _range(item) for item in fields(Parameters)}
    ranges |= {f"firm_{item.name}": _range(item) for item in fields(Firm) if "low" in item.metadata}
    hidden = family.spread.hidden
    columns = np.zeros(len(hidden), np.int64)
    rules = np.zeros((len(hidden), 3))
    weights = np.zeros((len(hidden), HIDDEN_DRAWS))
    reach = np.zeros(len(hidden), np.int64)
    for k, item in enumerate(hidden):
        if len(item.weights) > HIDDEN_DRAWS:
            raise ValueError(
                f"family {family.name} needs {len(item.weights)} draws for {item.field}: "
                f"at most {HIDDEN_DRAWS} are allowed"
            )
        columns[k] = ECONOMY.fields[item.field][1] // 8 + item.place  # type: ignore[index]  # a structured type has fields
        rules[k] = (float(item.log), *ranges.get(item.field, (-math.inf, math.inf)))
        weights[k, : len(item.weights)] = item.weights
        reach[k] = len(item.weights)
    thresholds = np.array([_threshold(family.parameters.war_rate), _threshold(family.parameters.brand_rate)])
    return _Recipe(base.view(np.float64).copy(), columns, rules, weights, reach, thresholds)


def _range(item: Any) -> tuple[float, float]:
    return item.metadata["low"], item.metadata["high"]


def _threshold(chance: float) -> float:
    """The standard normal number exceeded with this chance."""
    if chance <= 0.0:
        return math.inf
    return NormalDist().inv_cdf(1.0 - chance) if chance < 1.0 else -math.inf


@mechanism
def hide_constants(
    base: Numbers,
    columns: npt.NDArray[np.int64],
    rules: Numbers,
    weights: Numbers,
    reach: npt.NDArray[np.int64],
    draws: Numbers,
    numbers: Numbers,
) -> None:
    """Write one world's constants: the family's, with the hidden ones moved by their draws."""
    for k in range(base.shape[0]):
        numbers[k] = base[k]
    for k in range(columns.shape[0]):
        is_log, low, high = rules[k, 0], rules[k, 1], rules[k, 2]
        moved = 0.0
        for j in range(reach[k]):
            moved += weights[k, j] * draws[j]
        value = numbers[columns[k]]
        value = value * math.exp(moved) if is_log > 0.0 else value + moved
        numbers[columns[k]] = min(max(value, low), high)


@mechanism
def unfold(p: Record, thresholds: Numbers, draws: Numbers, shocks: Table) -> None:
    """Write the shocks of every month from DRAWS_A_MONTH standard normal numbers each.

    Formula:
        demand_shock' = demand_persistence * demand_shock + demand_sd * z
        component_shock' = component_persistence * component_shock + component_sd * z
        hit = exp(hit_sd * z - hit_sd^2 / 2)
        brand_shock' = brand_shock * (1 - brand_decay) - drop
        drop = brand_drop with chance brand_rate, each firm, else 0
        aggression = war_factor in a war, else 1

    Demand and component cost are AR(1); price war switches on and off; a brand scandal hits a firm and
    is slowly forgotten; hits of ventures are log-normal with mean one.
    """
    demand = 0.0
    component = 0.0
    war = False
    for t in range(shocks.shape[0]):
        z = draws[t * DRAWS_A_MONTH : (t + 1) * DRAWS_A_MONTH]
        demand = p.demand_persistence * demand + p.demand_sd * z[0]
        component = p.component_persistence * component + p.component_sd * z[1]
        if z[2] > thresholds[0]:
            war = not war
        for r in range(REGIONS):
            shocks[t].demand[r] = demand
        shocks[t].component = component
        shocks[t].aggression = p.war_factor if war else 1.0
        shocks[t].services = 1.0
        shocks[t].attack = 0.0
        shocks[t].clone = 0.0
        shocks[t].hit = math.exp(p.hit_sd * z[3] - 0.5 * p.hit_sd * p.hit_sd)
        for i in range(FIRMS):
            last = shocks[t - 1].brand[i] if t > 0 else 0.0
            drop = p.brand_drop if z[4 + i] > thresholds[1] else 0.0
            shocks[t].supply[i] = 1.0
            shocks[t].brand[i] = last * (1.0 - p.brand_decay) - drop


def _entry(digest: str) -> Callable[..., None]:
    @entry_point
    def unfold_world(
        row: int,
        base: Numbers,
        columns: npt.NDArray[np.int64],
        rules: Numbers,
        weights: Numbers,
        reach: npt.NDArray[np.int64],
        draws: Numbers,
        numbers: Numbers,
        economies: Table,
        thresholds: Numbers,
        shocks: Table,
    ) -> None:
        _ = digest
        hide_constants(base, columns, rules, weights, reach, draws, numbers[row])
        unfold(economies[row], thresholds, draws[HIDDEN_DRAWS:], shocks[row])

    return unfold_world


_UNFOLD = _entry(source_digest())


def neutral_world(parameters: Parameters | None = None, horizon: int = 180) -> World:
    """The calibrated world, or one with these constants, without any shock."""
    quiet = replace(
        parameters or Parameters(), demand_sd=0.0, component_sd=0.0, war_rate=0.0, brand_rate=0.0, hit_sd=0.0
    )
    return Family("neutral", "no shocks", quiet).draw(0, horizon)
