"""Random numbers from a key, and the worlds that follow: constants, shocks and events.

Written from docs/model.md and docs/environment.md alone; nothing of the package's equations is imported.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tests.second_writing.constants import (
    OF_THE_SEAT,
    PRIORS,
    RANGES,
    RANGES_OF_FIRMS,
    REGIONS,
    Array,
    Named,
    centre,
    number,
    posterior,
    table,
)

Words = NDArray[np.uint64]

FIRMS = 4
HIDDEN, MONTHS, EVENT = 0, 1, 2  # streams
LOWEST_BRAND = -50.0
HIGHEST_LEVEL = 10.0
FOR_GOOD = 10**6
JANUARY = np.zeros(1, np.uint64)  # of 2012, the first month
SPLITS = {row["Split"]: (int(row["First key"]), int(row["Last key"])) for row in table("environment", "splits")}


class Event(NamedTuple):
    """What a scenario changes, and when: months of its beginning, how long it lasts."""

    first: int
    last: int
    months: int
    changes: dict[str, float]


def events() -> dict[str, Event]:
    """What each scenario changes, by family."""
    found = {}
    for row in table("environment", "events"):
        changes = [change.split(" ", 1) for change in row["What it changes"].split(", ")]
        numbers = {
            name: float(np.log(number(size.removeprefix("ln "))) if size.startswith("ln") else number(size))
            for name, size in changes
        }
        months = FOR_GOOD if row["Months"] == "for good" else int(row["Months"])
        found[row["worlds"]] = Event(int(row["first"]), int(row["last"]), months, numbers)
    return found


EVENTS = events()


@dataclass
class Worlds:
    """Worlds of one family: constants with the episode last, shocks with the month first and the episode last."""

    constants: Named
    shocks: dict[str, Array]

    def month(self, t: int) -> Named:
        """Shocks of one month."""
        return Named({name: values[t] for name, values in self.shocks.items()})


def keys_of(seed: int, count: int, split: str = "train") -> list[int]:
    """Keys of the worlds of the first episodes after a reset with a seed."""
    first, last = SPLITS[split]
    return [int(key) for key in np.random.default_rng(seed).integers(first, last + 1, count)]


def philox(block: int, month: Words, stream: int, keys: Words) -> tuple[Words, Words, Words, Words]:
    """Four random words for each month and key."""
    word = np.uint64(2**32 - 1)
    half = np.uint64(32)
    b, _ = np.broadcast_arrays(month, keys)
    a, c, d = (np.full(b.shape, value, np.uint64) for value in (block, stream, 0))
    low, high = keys & word, keys >> half
    for _ in range(10):
        even, odd = np.uint64(0xD2511F53) * a, np.uint64(0xCD9E8D57) * c
        a, b, c, d = (odd >> half) ^ b ^ low, odd & word, (even >> half) ^ d ^ high, even & word
        low, high = (low + np.uint64(0x9E3779B9)) & word, (high + np.uint64(0xBB67AE85)) & word
    return a, b, c, d


def chance(word: Words) -> Array:
    """Uniform number between 0 and 1."""
    return (word.astype(np.float64) + 0.5) / 2**32


def normals(words: tuple[Words, Words]) -> tuple[Array, Array]:
    """Two standard normals from two words (Box & Muller 1958)."""
    u, v = chance(words[0]), chance(words[1])
    r = np.sqrt(-2 * np.log(u))
    return r * np.cos(2 * np.pi * v), r * np.sin(2 * np.pi * v)


def hidden_normals(count: int, keys: Words) -> Array:
    """Normals of the hidden constants."""
    found: list[Array] = []
    for block in range((count + 3) // 4):
        words = philox(block, JANUARY, HIDDEN, keys)
        found += [*normals(words[:2]), *normals(words[2:])]
    return np.array(found[:count])


def hidden_constants(values: dict[str, Array], keys: Words) -> None:
    """Move the constants that a world hides away from the calibrated ones."""
    unknowns, factor = posterior()
    moves = factor @ hidden_normals(len(unknowns), keys)
    for unknown, move in zip(unknowns, moves, strict=True):
        name, _, region = unknown.partition(", ")
        prior = PRIORS[unknown]
        step = move * prior.sd
        if name == "brand":
            values["firm_brand"][0, REGIONS[region] :] += step  # overseas moves with home
        elif name != "flagship_price":
            at = values["firm_" + name][0] if name in OF_THE_SEAT else values[name]
            at = at[REGIONS[region]] if region else at
            at[:] = at * np.exp(step) if prior.of_the_log else at + step
            np.clip(at, *(RANGES_OF_FIRMS if name in OF_THE_SEAT else RANGES)[name], out=at)


def shocks_of(c: Named, keys: Words, horizon: int) -> dict[str, Array]:
    """Shocks of every month, without the event of a scenario."""
    months = np.arange(horizon, dtype=np.uint64)[:, None]
    words = philox(0, months, MONTHS, keys)
    (z_demand, z_component), (z_hit, _) = normals(words[:2]), normals(words[2:])
    scandals = np.stack([chance(word) for word in philox(1, months, MONTHS, keys)], axis=1)
    turns = chance(philox(2, months, MONTHS, keys)[0]) < c.war_rate
    drops = np.where(scandals < c.brand_rate, c.brand_drop, 0.0)
    demand, component = np.zeros((horizon, len(keys))), np.zeros((horizon, len(keys)))
    brand = np.zeros((horizon, FIRMS, len(keys)))
    for t in range(horizon):
        before = t - 1 if t else t  # levels start at zero
        demand[t] = c.demand_persistence * demand[before] + c.demand_sd * z_demand[t]
        component[t] = c.component_persistence * component[before] + c.component_sd * z_component[t]
        brand[t] = np.maximum(brand[before] * (1 - c.brand_decay) - drops[t], LOWEST_BRAND)
        for level in (demand, component):
            np.clip(level[t], -HIGHEST_LEVEL, HIGHEST_LEVEL, out=level[t])
    war = np.cumsum(turns, axis=0) % 2 == 1
    ones = np.ones_like(demand)
    return {
        "demand": np.stack([demand, demand], axis=1),
        "component": component,
        "aggression": np.where(war, c.war_factor, 1.0),
        "hit": np.exp(c.hit_sd * z_hit - c.hit_sd**2 / 2),
        "brand": brand,
        "services": ones,
        "attack": np.zeros_like(ones),
        "clone": np.zeros_like(ones),
        "supply": np.ones_like(brand),
    }


def lay_event(shocks: dict[str, Array], event: Event, keys: Words, horizon: int) -> None:
    """Lay the event of a scenario over the shocks while it lasts."""
    u = chance(philox(0, JANUARY, EVENT, keys)[0])
    begin = event.first + np.floor((event.last - event.first + 1) * u)
    month = np.arange(horizon)[:, None]
    lasts = (month >= begin) & (month < begin + event.months)
    for name, change in event.changes.items():
        if name in {"attack", "component", "clone"}:
            shocks[name] += np.where(lasts, change, 0.0)
        elif name == "demand":
            shocks[name] += np.where(lasts, change, 0.0)[:, None]
        elif name == "services":
            shocks[name] = shocks[name] * np.where(lasts, change, 1.0)
        elif name == "supply":
            shocks[name][:, 0] *= np.where(lasts, change, 1.0)
        else:
            shocks[name] = np.where(lasts, change, shocks[name])


def beside(worlds: list[Worlds]) -> Worlds:
    """Worlds of several families, side by side."""
    first = worlds[0]
    constants = {
        name: np.concatenate([each.constants.values[name] for each in worlds], axis=-1)
        for name in first.constants.values
    }
    shocks = {name: np.concatenate([each.shocks[name] for each in worlds], axis=-1) for name in first.shocks}
    return Worlds(Named(constants), shocks)


def draw(family: str, keys: list[int], horizon: int, parameters: dict[str, float] | None = None) -> Worlds:
    """Worlds of a family from their keys."""
    words = np.array(keys, np.uint64)
    given = {name: np.array(value, np.float64) for name, value in (parameters or {}).items()}
    values = {
        name: np.repeat(np.asarray(value)[..., None], len(keys), axis=-1)
        for name, value in (centre(family) | given).items()
    }
    if family not in {"calibrated", "one_state"}:
        hidden_constants(values, words)
    constants = Named(values)
    shocks = shocks_of(constants, words, horizon)
    if family in EVENTS:
        lay_event(shocks, EVENTS[family], words, horizon)
    return Worlds(constants, shocks)
