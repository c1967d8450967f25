"""Whether records that somebody hands in, saved states and Worlds, can be played: numbers in range and consistent.

A record has the right type already. What is found wrong is a ValueError that names the field, its value and what is
allowed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from thinmargin.economics.cost_and_price import CHEAPEST
from thinmargin.parameters import SHARES_SUM, Firm, Parameters, Playbook
from thinmargin.records import FEATURES, HOME, LEVERS, OWN_MONTHS, PRICE
from thinmargin.shocks import LARGEST_LEVEL, LOWEST_BRAND
from thinmargin.sources import Event

Table = npt.NDArray[Any]

LOWEST, HIGHEST = (
    np.array(ends, np.float32) for ends in zip(*((item.low, item.high) for item in FEATURES), strict=True)
)
LEVERS_SUM = 1e-9
"""By how much a sum of levers may miss the levers: rounding of a few hundred months is a thousandth of it."""
LARGEST_SHOCK = 2.0 * LARGEST_LEVEL
"""Most, either way, of demand and component cost in a month: a level, and an event beside it."""
LARGEST_FACTOR = 1e7
"""Most of a factor of a month's shocks: the luckiest ventures there can be."""
LARGEST_UTILITY = 100.0
"""Most, either way, of a utility: beyond it, exponentials are no numbers."""
LARGEST = 1e30
"""Most of a stock or sum of money that nothing else bounds."""
LARGEST_PRICE = 1e15
"""Most of a price or cost of a phone, RMB."""
ROUNDING = 1e-9
"""By how much a number may miss its range: the highest markup is reached as 0.6000000000000001."""


class Allowed(NamedTuple):
    """Range of a field of a record, ends included."""

    field: str
    low: float
    high: float


def _ranges(kind: type, prefix: str = "") -> Iterator[Allowed]:
    for item in fields(kind):
        if "low" in item.metadata:
            yield Allowed(f"{prefix}{item.name}", item.metadata["low"], item.metadata["high"])


BEYOND = {
    "services_half": Allowed("services_half", 1e-12, 5000.0),
    "forecast_months": Allowed("forecast_months", 1.0, np.inf),
}
"""Constants that `ThinMargin/EcosystemOneState-v1` switches off with numbers that no parameter may have."""
ECONOMY_RANGES = (
    *(
        BEYOND.get(allowed.field, allowed)
        for allowed in (*_ranges(Parameters), *_ranges(Firm, "firm_"), *_ranges(Playbook, "play_"))
    ),
    Allowed("firm_brand", -LARGEST_UTILITY, LARGEST_UTILITY),
)
EVENT_RANGES = tuple(_ranges(Event))
STATE_RANGES = (
    *(Allowed(name, 0.0, 1.0) for name in ("coverage", "reach", "fans")),
    *(
        Allowed(name, 0.0, LARGEST)
        for name in (
            "users", "second_users", "adstock", "user_years", "engagement", "output", "capacity", "inventory",
            "forecast", "seeded", "growing", "breadth", "trailing_revenue",
        )
    ),
    *(
        Allowed(name, 1.0, LARGEST_PRICE)
        for name in ("base_cost", "unit_cost", "price", "price_index_start")
    ),
    Allowed("price_index", 1e-3, LARGEST_PRICE),
    Allowed("imitation", 0.0, LARGEST_UTILITY),
    Allowed("markup", LEVERS[PRICE].low, LEVERS[PRICE].high),
    Allowed("cash", -LARGEST, LARGEST),
    Allowed("gap_start", -LARGEST_UTILITY, LARGEST_UTILITY),
    Allowed("passed", CHEAPEST - 1.0, LARGEST_PRICE),
    Allowed("war", 0.0, 1.0),
    Allowed("demand_level", -LARGEST_LEVEL, LARGEST_LEVEL),
    Allowed("component_level", -LARGEST_LEVEL, LARGEST_LEVEL),
    Allowed("brand_level", LOWEST_BRAND, 0.0),
)  # fmt: skip
"""Of every field of a state but its month and its ring of levers, which `check_states` looks at by themselves."""
SHOCK_RANGES = (
    Allowed("demand", -LARGEST_SHOCK, LARGEST_SHOCK),
    Allowed("component", -LARGEST_SHOCK, LARGEST_SHOCK),
    Allowed("brand", LOWEST_BRAND, -LOWEST_BRAND),
    Allowed("aggression", 0.0, LARGEST_FACTOR),
    Allowed("services", 0.0, LARGEST_FACTOR),
    Allowed("attack", 0.0, LARGEST_FACTOR),
    Allowed("clone", 0.0, 1.0),
    Allowed("hit", 0.0, LARGEST_FACTOR),
    Allowed("supply", 0.0, 1.0),
)


def check_economies(what: str, economies: Table, *, begun: bool) -> None:
    """Raise ValueError unless constants of worlds, records of type ECONOMY of shape (n,), can be played.

    The start makes a brand that is NaN; where an episode has `begun`, none is.
    """
    _check_finite(what, economies, but=("forecast_months",) if begun else ("firm_brand", "forecast_months"))
    _check_ranges(what, economies, ECONOMY_RANGES)
    entered = (economies["firm_entry"] < 0.0) & (economies["group_share"] > 0.0)[:, None]
    if not entered.any(axis=(1, 2)).all():
        raise ValueError(f"{what} has no firm on sale overseas at the start: one firm_entry at least must be below 0")
    missed = np.abs(economies["group_share"].sum(axis=-1) - 1.0)
    if (missed > SHARES_SUM).any():
        raise ValueError(
            f"{what} has group_share {economies['group_share'][missed.argmax()].tolist()}: its sum must be 1"
        )


def check_sources(what: str, sources: Table) -> None:
    """Raise ValueError unless sources of shocks, records of type SOURCE of shape (n,), can be played."""
    _check_finite(what, sources)
    _check_flags(what, sources, "tabled")
    comes = sources["end"] > sources["start"]
    _check_ranges(what, sources[comes], EVENT_RANGES)


def check_shocks(what: str, shocks: Table) -> None:
    """Raise ValueError unless shocks of months, records of type SHOCKS of any shape, can be played."""
    _check_finite(what, shocks)
    _check_ranges(what, shocks, SHOCK_RANGES)


def check_observations(what: str, observations: npt.NDArray[np.float32]) -> None:
    """Raise ValueError unless observations of shape (n, features) lie in the space of observations."""
    inside = (observations >= LOWEST) & (observations <= HIGHEST)
    if not inside.all():
        row, column = np.argwhere(~inside)[0]
        raise ValueError(
            f"{what} has {observations[row, column]:g} of {FEATURES[column].name}: allowed is {LOWEST[column]:g} to"
            f" {HIGHEST[column]:g}"
        )


def check_states(what: str, states: Table, drawn: npt.NDArray[np.bool_], horizon: float) -> None:
    """Raise ValueError unless states of firms hang together.

    The levers of the months run stand in a ring, in places that a month has written, and their sum beside it.

    Args:
        what: begins the message.
        states: records of type STATE, shape (n,).
        drawn: whether each row has a world, shape (n,); the others are blank until they are reset.
        horizon: months of an episode.
    """
    _check_finite(what, states)
    months = states["month"]
    whole = (months >= 0.0) & (months <= horizon) & (months == np.round(months))
    if not whole.all():
        raise ValueError(f"{what} has month {months[~whole][0]:g}: allowed are whole numbers from 0 to {horizon:g}")
    _check_ranges(what, states[drawn], STATE_RANGES)
    _check_flags(what, states, "war")
    for name, needed in (("coverage", "at least one firm must reach buyers"), ("users", "somebody must own a phone")):
        none = ~(states[name][drawn, :, HOME] > 0.0).any(axis=1)
        if none.any():
            raise ValueError(f"{what} has {name} 0 of every firm at home: {needed}")
    least = states["base_cost"] * (states["markup"] - LEVERS[PRICE].low)
    below = (states["price"] <= least) & drawn[:, None]
    if below.any():  # a rival that answers it at its lowest markup would ask for nothing, or less
        raise ValueError(
            f"{what} has price {states['price'][below][0]:g}: must be above base_cost * (markup +"
            f" {-LEVERS[PRICE].low:g}), {least[below][0]:g}"
        )
    ring, place = states["own_levers"], np.arange(OWN_MONTHS)
    written = place < np.minimum(months, OWN_MONTHS)[:, None]
    low, high = np.array([(lever.low, lever.high) for lever in LEVERS]).T
    fine = np.where(written[..., None], (ring >= low - ROUNDING) & (ring <= high + ROUNDING), ring == 0.0)
    if not fine.all():
        row, month, lever = np.argwhere(~fine)[0]
        allowed = (
            f"from {low[lever]:g} to {high[lever]:g}" if written[row, month] else "0 before its month has been run"
        )
        raise ValueError(
            f"{what} has own_levers {ring[row, month, lever]:.10g} of {LEVERS[lever].name} in place {month}: allowed is"
            f" {allowed}"
        )
    missed = np.abs(states["own_sum"] - ring.sum(axis=1))
    if (missed > LEVERS_SUM).any():
        row = int(missed.max(axis=1).argmax())
        raise ValueError(
            f"{what} has own_sum {states['own_sum'][row].tolist()}: must be the sum of own_levers,"
            f" {ring[row].sum(axis=0).tolist()}"
        )


def _check_finite(what: str, records: Table, but: tuple[str, ...] = ()) -> None:
    for name in records.dtype.names or ():
        if name not in but and not np.isfinite(records[name]).all():
            raise ValueError(f"{what} has NaN or infinity in {name}: every number must be finite")


def _check_flags(what: str, records: Table, name: str) -> None:
    values = records[name]
    neither = (values != 0.0) & (values != 1.0)
    if neither.any():
        raise ValueError(f"{what} has {name} {values[neither][0]:g}: allowed are 0 and 1")


def _check_ranges(what: str, records: Table, ranges: tuple[Allowed, ...]) -> None:
    """Raise ValueError for a number outside its range; NaN is what `_check_finite` looks for."""
    for name, low, high in ranges:
        values = records[name]
        outside = (values < low - ROUNDING * abs(low)) | (values > high + ROUNDING * abs(high))
        if outside.any():
            raise ValueError(f"{what} has {name} {values[outside][0]:.10g}: allowed is {low:g} to {high:g}")
