"""Levers: documented ranges at the ends of the action space, the maps between, and the way back."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest

from thinmargin.env import EcosystemEnv
from thinmargin.levers import action_of, read_levers
from thinmargin.parameters import Parameters
from thinmargin.records import LEVERS
from thinmargin.settings import LEVER_GRID, discrete_actions

NAMES = ("price", "accessories", "marketing", "updates")
MAPS: dict[str, Callable[[float], float]] = {
    "0.20 + 0.40 a": lambda a: 0.20 + 0.40 * a,
    "0.10 ((a + 1) / 2)^2": lambda a: 0.10 * ((a + 1) / 2) ** 2,
    "0.30 ((a + 1) / 2)^2": lambda a: 0.30 * ((a + 1) / 2) ** 2,
    "0.25 * 32^((a + 1) / 2)": lambda a: 0.25 * 32 ** ((a + 1) / 2),
}
"""What the documented maps say, written a second time."""


def asked(action: Any) -> dict[str, float]:
    """The levers the environment says it was asked for."""
    env = EcosystemEnv()
    env.reset(seed=0)
    levers: dict[str, float] = env.step(action)[4]["levers"]["asked"]
    return levers


def levers_of(action: Any) -> np.ndarray:
    levers = np.zeros(4)
    read_levers(np.asarray(action, np.float64), levers)
    return levers


def test_the_levers_are_the_documented_four_in_order() -> None:
    assert tuple(lever.name for lever in LEVERS) == NAMES
    assert EcosystemEnv().action_space == gymnasium.spaces.Box(-1.0, 1.0, (4,), np.float32)


@pytest.mark.parametrize("index", range(4), ids=NAMES)
def test_the_ends_of_an_action_are_the_ends_of_its_lever(index: int) -> None:
    for end, bound in ((-1.0, LEVERS[index].low), (1.0, LEVERS[index].high)):
        action = np.zeros(4, np.float32)
        action[index] = end
        got = asked(action)
        assert got[NAMES[index]] == pytest.approx(bound, rel=1e-12, abs=1e-15)
        others = asked(np.zeros(4, np.float32))
        assert all(got[name] == others[name] for name in NAMES if name != NAMES[index])


@pytest.mark.parametrize("index", range(4), ids=NAMES)
def test_a_lever_follows_its_documented_map(index: int) -> None:
    expected = MAPS[LEVERS[index].map]
    levers = []
    for a in np.linspace(-1, 1, 41):
        action = np.full(4, 0.3)
        action[index] = a
        levers.append(levers_of(action)[index])
        assert levers[-1] == pytest.approx(expected(a), rel=1e-12, abs=1e-15)
    assert (np.diff(levers) > 0.0).all()


@pytest.mark.parametrize("beyond", [1.0 + 1e-6, 5.0, 1e300])
def test_actions_beyond_the_ends_are_cut(beyond: float) -> None:
    np.testing.assert_array_equal(levers_of(np.full(4, beyond)), levers_of(np.ones(4)))
    np.testing.assert_array_equal(levers_of(np.full(4, -beyond)), levers_of(-np.ones(4)))


def test_action_of_is_the_way_back() -> None:
    rng = np.random.default_rng(1)
    for action in [*rng.uniform(-1, 1, (200, 4)), *itertools.product((-1.0, 1.0), repeat=4)]:
        back = action_of(*levers_of(action).tolist())
        assert back.dtype == np.float32
        assert back in EcosystemEnv().action_space
        np.testing.assert_allclose(back, action, atol=1e-7)


def test_every_lever_can_be_asked_for() -> None:
    rng = np.random.default_rng(2)
    low, high = (np.array([getattr(lever, end) for lever in LEVERS]) for end in ("low", "high"))
    for wanted in [low, high, *rng.uniform(low, high, (200, 4))]:
        np.testing.assert_allclose(levers_of(action_of(*wanted.tolist())), wanted, rtol=1e-6, atol=1e-7)


def test_what_is_applied_is_what_was_asked_but_for_the_slow_markup() -> None:
    env = EcosystemEnv()
    env.reset(seed=0)
    speed = Parameters().markup_speed
    through = Parameters().pass_through
    markup, passed = None, 0.0
    for action in np.random.default_rng(3).uniform(-1, 1, (60, 4)):
        info = env.step(action)[4]
        wanted, applied = info["levers"]["asked"], info["levers"]["applied"]
        assert {name: applied[name] for name in NAMES[1:]} == {name: wanted[name] for name in NAMES[1:]}
        if markup is not None:
            step = np.clip(wanted["price"] - markup, -speed, speed)
            assert applied["price"] == pytest.approx(markup + step, abs=1e-12)
        markup = applied["price"]
        state = env.get_state()["states"][0]
        normal = state["base_cost"][0]  # the markup is over normal cost; components are passed on in RMB
        dear = info["books"]["unit_cost"] / normal - 1
        assert abs(dear) > 1e-4
        price = normal * (1 + markup + through * dear + (1 - through) * passed)
        assert info["books"]["price"] == pytest.approx(price, rel=1e-12)
        passed = state["passed"]


def test_the_grid_lists_every_combination_with_the_last_lever_fastest() -> None:
    for levels in LEVER_GRID:
        assert list(levels) == sorted(set(levels)), "levels rise, so that neighbouring indices are neighbours"
    actions = discrete_actions()
    assert actions.shape == (288, 4)
    assert len(np.unique(actions, axis=0)) == 288
    for action, levels in zip(actions, itertools.product(*LEVER_GRID), strict=True):
        np.testing.assert_allclose(levers_of(action), levels, rtol=1e-6, atol=1e-7)


def test_a_grid_index_plays_its_row(bits: Callable[[Any], Any]) -> None:
    for index in (0, 1, 3, 12, 137, 287):
        grid, levers = EcosystemEnv(discrete=True), EcosystemEnv()
        assert grid.action_space == gymnasium.spaces.Discrete(288)
        grid.reset(seed=1)
        levers.reset(seed=1)
        assert bits(grid.step(index)) == bits(levers.step(discrete_actions()[index]))
