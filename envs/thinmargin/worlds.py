"""Worlds: the hidden constants, the event and the shocks of an episode, all functions of one key.

Nothing random happens later, nothing drawn depends on what is done: the same key gives every policy the same world,
and any episode can be replayed. `thinmargin.shocks` has the numbers of a month.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from thinmargin.economics.compiled import entry_point, mechanism, source_digest
from thinmargin.parameters import ECONOMY, Firm, Parameters, economy_record, with_overrides
from thinmargin.records import SHOCKS, STATE
from thinmargin.shocks import NORMALS_A_BLOCK, calm, draw_source, hidden_normals, month_shocks
from thinmargin.sources import SOURCE, Event, source_record
from thinmargin.splits import check_key, check_keys

Numbers = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Table = npt.NDArray[Any]

MAX_HORIZON = 600
COLUMNS = ECONOMY.itemsize // 8
"""Numbers in one world's constants."""


@dataclass(frozen=True, eq=False)
class World:
    """One episode's world as tables: `economy` is a record of constants, `shocks` one record a month."""

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


Change = Callable[[np.record], None]
"""Changes the constants of a family in place, those that are no parameters too."""


@dataclass(frozen=True)
class Family:
    """Source of the worlds of an environment id."""

    name: str
    meaning: str
    parameters: Parameters
    spread: Spread = Spread()
    event: Event | None = None
    change: Change | None = None
    held_out: bool = False

    def with_parameters(self, overrides: Mapping[str, Any] | None) -> Family:
        """The same family around other constants; a bad name or value is a ValueError."""
        return replace(self, parameters=with_overrides(self.parameters, overrides))

    def draw(self, key: int, horizon: int) -> World:
        """The world of `key` with a table of its first `horizon` months."""
        economies, sources, states = np.zeros(1, ECONOMY), np.zeros(1, SOURCE), np.zeros(1, STATE)
        shocks = np.zeros(horizon, SHOCKS)
        key = check_key(key)
        self.draw_into([0], [key], economies, sources)
        _COMPILED.tabulate(economies, sources, states, shocks)
        return World(self.name, key, economies[0], shocks)

    def draw_into(self, rows: npt.ArrayLike, keys: npt.ArrayLike, economies: Table, sources: Table) -> None:
        """Write the constants and the sources of worlds into these rows of both arrays.

        Args:
            rows: whole numbers, shape (n,).
            keys: world keys, shape (n,).
            economies: records of type ECONOMY, all rows.
            sources: records of type SOURCE, all rows.

        Raises:
            ValueError, TypeError: something is no world key, or there is not one key a row.
        """
        places = np.array(rows, np.int64)
        checked = check_keys(keys)
        if checked.shape != places.shape:
            raise ValueError(f"keys has shape {checked.shape}: must be {places.shape}, one a row")
        recipe = self.recipe
        numbers = economies.view(np.float64).reshape(-1, COLUMNS)
        _COMPILED.draw(
            places, checked, recipe.base, recipe.columns, recipe.rules, recipe.weights, recipe.spans, recipe.source,
            numbers, sources,
        )  # fmt: skip

    @cached_property
    def recipe(self) -> Recipe:
        """How its worlds are made from their keys, as numbers."""
        return _recipe(self)


class Recipe(NamedTuple):
    """A family, ready for the compiled draw."""

    base: Numbers
    columns: Whole
    """Which numbers of the record are hidden."""
    rules: Numbers
    """A row a hidden number: 1 if log, low, high."""
    weights: Numbers
    """A row a draw, in whole blocks: the weight that each hidden number has on it."""
    spans: Whole
    """A row a draw: the first hidden number that has a weight on it, and the one behind the last."""
    source: Table
    """One record: the event before its month is drawn, no key yet."""


def _recipe(family: Family) -> Recipe:
    base = np.zeros(1, ECONOMY)
    base[0] = economy_record(family.parameters)
    if family.change is not None:
        family.change(base[0])
    ranges = {item.name: _range(item) for item in fields(Parameters)}
    ranges |= {f"firm_{item.name}": _range(item) for item in fields(Firm) if "low" in item.metadata}
    hidden = family.spread.hidden
    columns = np.zeros(len(hidden), np.int64)
    rules = np.zeros((len(hidden), 3))
    blocks = -(-max((len(item.weights) for item in hidden), default=0) // NORMALS_A_BLOCK)
    weights = np.zeros((blocks * NORMALS_A_BLOCK, len(hidden)))
    for k, item in enumerate(hidden):
        columns[k] = ECONOMY.fields[item.field][1] // 8 + item.place  # type: ignore[index]  # a structured type has fields
        if columns[k] in columns[:k]:
            raise ValueError(f"family {family.name} hides number {item.place} of {item.field} twice: allowed is once")
        rules[k] = (float(item.log), *ranges.get(item.field, (-math.inf, math.inf)))
        weights[: len(item.weights), k] = item.weights
    spans = np.array([_span(np.flatnonzero(row)) for row in weights], np.int64).reshape(-1, 2)
    return Recipe(base.view(np.float64).copy(), columns, rules, weights, spans, source_record(family.event))


def _span(places: Whole) -> tuple[int, int]:
    """The first of these places and the one behind the last; (0, 0) without any."""
    return (int(places[0]), int(places[-1]) + 1) if len(places) else (0, 0)


def _range(item: Any) -> tuple[float, float]:
    return item.metadata["low"], item.metadata["high"]


@mechanism
def hide_constants(
    key: int,
    base: Numbers,
    columns: Whole,
    rules: Numbers,
    weights: Numbers,
    spans: Whole,
    moves: Numbers,
    numbers: Numbers,
) -> None:
    """Write one world's constants: the family's, with the hidden ones moved by their draws.

    `moves` is a scratch of one number a hidden constant: how far it moves, the draws added in their order.
    """
    for k in range(base.shape[0]):
        numbers[k] = base[k]
    for k in range(moves.shape[0]):
        moves[k] = 0.0
    for block in range(weights.shape[0] // NORMALS_A_BLOCK):
        z = hidden_normals(key, block)
        for j in range(NORMALS_A_BLOCK):
            draw = block * NORMALS_A_BLOCK + j
            normal = z[j]
            for k in range(spans[draw, 0], spans[draw, 1]):
                moves[k] += weights[draw, k] * normal
    for k in range(columns.shape[0]):
        is_log, low, high = rules[k, 0], rules[k, 1], rules[k, 2]
        value = base[columns[k]]
        value = value * math.exp(moves[k]) if is_log > 0.0 else value + moves[k]
        numbers[columns[k]] = min(max(value, low), high)


class _Compiled(NamedTuple):
    """The compiled functions that make worlds from keys."""

    draw: Callable[..., None]
    tabulate: Callable[..., None]


def _entry_points(digest: str) -> _Compiled:
    @entry_point
    def draw_rows(
        rows: Whole,
        keys: Whole,
        base: Numbers,
        columns: Whole,
        rules: Numbers,
        weights: Numbers,
        spans: Whole,
        source: Table,
        numbers: Numbers,
        sources: Table,
    ) -> None:
        _ = digest
        moves = np.zeros(columns.shape[0])
        for k in range(rows.shape[0]):
            row, key = rows[k], int(keys[k])
            hide_constants(key, base, columns, rules, weights, spans, moves, numbers[row])
            sources[row] = source[0]
            draw_source(key, sources[row])

    @entry_point
    def tabulate(economies: Table, sources: Table, states: Table, shocks: Table) -> None:
        _ = digest
        calm(states[0])
        for month in range(shocks.shape[0]):
            states[0].month = float(month)
            month_shocks(states[0], economies[0], sources[0], shocks[month])

    return _Compiled(draw_rows, tabulate)


_COMPILED = _entry_points(source_digest())


def neutral_world(parameters: Parameters | None = None, horizon: int = 180) -> World:
    """The calibrated world, or one with these constants, without any shock."""
    quiet = replace(
        parameters or Parameters(), demand_sd=0.0, component_sd=0.0, war_rate=0.0, brand_rate=0.0, hit_sd=0.0
    )
    return Family("neutral", "no shocks", quiet).draw(0, horizon)
