"""What is observed is what the unit of the table on the page says: `m / (m + 100)` and the like, evaluated."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np
import pytest
from tests.playing import begun

from thinmargin.batch import Batch
from thinmargin.records import FEATURES, LEVERS, OWN_MONTHS, SEAT, Feature
from thinmargin.scenarios import FAMILIES

HORIZON = 30
Numbers = Mapping[str, float]


def scaled(feature: Feature, number: float) -> float:
    """A number as the unit of a feature says, cut to its range."""
    text = (feature.unit.partition(": ")[2] or feature.unit).replace(" x ", " * ").replace("horizon", f"{HORIZON}")
    python = re.sub(r"\b(?!abs\b)[A-Za-z](?:[a-zA-Z ]*[a-zA-Z])?", "number", text)
    value = float(eval(python, {"__builtins__": {}}, {"number": number, "abs": abs}))  # noqa: S307  # our own units
    return min(max(value, feature.low), feature.high)


Meaning = Callable[[Numbers, Numbers], float]


def _book(name: str) -> Meaning:
    return lambda books, _: books[name]


def _stock(name: str) -> Meaning:
    return lambda _, state: state[name]


BOOKS = {
    name: _book(name)
    for name in (
        "users_home", "users_overseas", "fans", "engagement", "share_home", "share_overseas", "fill_rate", "breadth",
        "pipeline", "coverage_home", "coverage_overseas", "retention",
    )
}  # fmt: skip
"""Features that are numbers of the books."""
MEANT: dict[str, Meaning] = {
    **BOOKS,
    "time": lambda books, _: books["month"],
    "model_age": lambda books, _: books["month"] % 12,
    "markup": lambda books, _: books["applied_price"],
    "unit_cost": lambda books, state: books["unit_cost"] / state["firm_unit_cost"],
    "component": lambda _, state: state["component"],
    "rival_price": lambda books, _: books["rival_price"] / books["price"],
    "market": lambda books, _: books["market_home"] + books["market_overseas"],
    "capacity": lambda books, state: books["capacity"] / state["forecast"],
    "inventory": lambda books, state: books["inventory"] / state["forecast"],
    "cash": lambda books, _: books["cash"] / 1000,
    "headroom": lambda books, _: (books["cash"] + books["credit_line"]) / books["credit_line"],
    "revenue": lambda _, state: state["trailing_revenue"],
    "profit": lambda books, _: books["profit"] / 1000,
    "services_per_user": lambda books, _: 12 * books["services_revenue"] / books["active_users"],
    "accessories_per_user": lambda books, _: (
        12 * books["accessory_revenue"] / (books["users_home"] + books["users_overseas"])
    ),
    "adstock": lambda _, state: state["adstock"],
    **{f"own_{lever.name}": _stock(f"own_{lever.name}") for lever in LEVERS},
}
"""The number behind each feature, from books and stocks at the end of the month."""


def stocks(batch: Batch, applied: list[list[float]]) -> dict[str, float]:
    """What features are made of besides the books."""
    state = batch.states[0]
    own = np.mean(applied[-OWN_MONTHS:], axis=0) if applied else [state["markup"][SEAT], 0.0, 0.0, 0.0]
    return {
        "firm_unit_cost": batch.economies[0]["firm_unit_cost"][SEAT],
        "component": batch.last_shocks[0]["component"] if applied else 0.0,
        "forecast": state["forecast"][SEAT],
        "trailing_revenue": state["trailing_revenue"][SEAT],
        "adstock": state["adstock"][SEAT].sum(),
        **{f"own_{lever.name}": value for lever, value in zip(LEVERS, own, strict=True)},
    }


@pytest.mark.parametrize("key", [3, 11])
def test_every_feature_is_its_number_in_its_unit(key: int) -> None:
    batch = begun(FAMILIES["component_shortage"].draw(key, HORIZON), horizon=HORIZON)
    batch.economies["credit_floor"] = 1e5
    applied: list[list[float]] = []
    generator = np.random.default_rng(key)
    for _ in range(HORIZON):
        books = {name: float(batch.reports[0][name]) for name in batch.reports.dtype.names}
        for feature, seen in zip(FEATURES, batch.observations[0], strict=True):
            said = scaled(feature, MEANT[feature.name](books, stocks(batch, applied)))
            assert seen == pytest.approx(said, rel=1e-6, abs=1e-7), (feature.name, feature.unit, books["month"])
        batch.step(generator.uniform(-0.6, 0.6, (1, 4)))
        applied.append([float(batch.reports[0][f"applied_{lever.name}"]) for lever in LEVERS])


def test_a_unit_that_says_something_else_is_noticed() -> None:
    users = next(feature for feature in FEATURES if feature.name == "users_home")
    assert scaled(users, 25.0) == pytest.approx(0.2)
    assert scaled(users._replace(unit="m / (m + 50)"), 25.0) == pytest.approx(1.0 / 3.0)


def test_every_number_is_described() -> None:
    assert {*MEANT} == {feature.name for feature in FEATURES}
