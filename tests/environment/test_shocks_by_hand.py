"""Shocks of one month by hand: where an event begins and ends, what is left behind the horizon, a fresh start."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from thinmargin import shocks, simulation
from thinmargin.parameters import Parameters, economy_record
from thinmargin.records import SHOCKS, STATE
from thinmargin.sources import SOURCE


def blank(kind: np.dtype[Any]) -> Any:
    """A record of this type, all zero."""
    return np.zeros(1, kind)[0]


def law(start: float, end: float) -> Any:
    """A source that leaves half of services from month `start` to the month before `end`."""
    source = blank(SOURCE)
    source["start"], source["end"], source["services"], source["supply"] = start, end, 0.5, 1.0
    return source


@pytest.mark.parametrize(("months_run", "factor"), [(0, 1.0), (3, 1.0), (4, 0.5), (6, 0.5), (7, 1.0), (8, 1.0)])
def test_the_law_of_the_month_just_run(months_run: int, factor: float) -> None:
    """In force in months 3, 4 and 5: after four, five and six months have been run."""
    state, shock = blank(STATE), blank(SHOCKS)
    state["month"] = float(months_run)
    assert shocks.services_so_far(state, law(3.0, 6.0)) == factor
    shocks.shocks_of_last_month(state, economy_record(Parameters()), law(3.0, 6.0), shock)
    assert shock["services"] == factor


@pytest.mark.parametrize(("month", "factor"), [(2, 1.0), (3, 0.5), (5, 0.5), (6, 1.0)])
def test_the_law_of_the_month_to_come(month: int, factor: float) -> None:
    state, shock = blank(STATE), blank(SHOCKS)
    state["month"] = float(month)
    shocks.month_shocks(state, economy_record(Parameters()), law(3.0, 6.0), shock)
    assert shock["services"] == factor


def test_before_the_first_month_nothing_has_happened_whatever_was_played() -> None:
    state = blank(STATE)
    for name in ("demand_level", "component_level", "war", "brand_level"):
        state[name] = 0.7
    shocks.calm(state)
    for name in ("demand_level", "component_level", "war", "brand_level"):
        assert np.all(state[name] == 0.0), name


@pytest.mark.parametrize(("attack", "aggression"), [(0.0, 1.0), (0.2, 4.0)])
def test_what_is_left_behind_the_horizon(attack: float, aggression: float) -> None:
    shock, left = blank(SHOCKS), blank(SHOCKS)
    for name in SHOCKS.names or ():
        shock[name] = 0.25
        left[name] = 9.0
    shock["attack"], shock["aggression"], shock["services"], shock["clone"] = attack, 4.0, 0.5, 1.0
    simulation.lasting_shocks(shock, left)
    assert left["aggression"] == aggression, "a war without attack ends"
    assert (left["attack"], left["services"], left["clone"]) == (attack, 0.5, 1.0)
    assert (left["component"], left["hit"]) == (0.0, 1.0)
    assert left["demand"].tolist() == [0.0, 0.0]
    assert left["brand"].tolist() == [0.0] * 4
    assert left["supply"].tolist() == [1.0] * 4


def test_an_event_is_laid_over_what_was_there() -> None:
    source, shock = blank(SOURCE), blank(SHOCKS)
    for name, number in {
        "demand": -0.1, "component": 0.2, "attack": 0.3, "clone": 1.0, "services": 0.5, "supply": 0.25,
    }.items():  # fmt: skip
        source[name] = number
    for name in SHOCKS.names or ():
        shock[name] = 0.5
    shocks.lay_over(source, shock)
    assert shock["demand"].tolist() == [0.4, 0.4]
    assert (shock["component"], shock["attack"], shock["clone"], shock["services"]) == (0.7, 0.8, 1.5, 0.25)
    assert shock["supply"].tolist() == [0.125, 0.5, 0.5, 0.5]
    assert shock["aggression"] == 0.5, "an event without aggression leaves the rivals' own"
    source["aggression"] = 3.0
    shocks.lay_over(source, shock)
    assert shock["aggression"] == 3.0
    assert shock["brand"].tolist() == [0.5] * 4
