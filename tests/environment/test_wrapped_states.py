"""Saving and going back through wrappers."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.wrappers.vector import RecordEpisodeStatistics
from tests.environment.wrapping import (
    HORIZON,
    ID,
    TIGHT,
    WRAPPED,
    Bits,
    alone,
    go_on,
    together,
)

from thinmargin.env import EcosystemEnv
from thinmargin.vector import EcosystemVectorEnv
from thinmargin.wrappers import (
    History,
    VectorHistory,
    VectorResidual,
)


@pytest.mark.slow
@pytest.mark.parametrize("months", [0, 1, 6, HORIZON, 2 * HORIZON + 3])
@pytest.mark.parametrize("make", [alone, together], ids=["alone", "batch"])
@pytest.mark.parametrize("name", list(WRAPPED))
def test_a_state_brings_wrappers_and_environment_back_bit_for_bit(
    name: str, make: Callable[..., Any], months: int, bits: Bits
) -> None:
    env = make(name, parameters=TIGHT)
    first = env.reset(seed=1)
    played = [first, *go_on(env, months)]
    state = env.get_state()
    saved = bits(state)
    future = bits(go_on(env, 20, seed=3))
    assert bits(state) == saved, "a state does not move with the environment"
    assert bits(env.set_state(state)) == bits(played[-1][0])
    assert bits(env.get_state()) == saved
    assert bits(go_on(env, 20, seed=3)) == future
    other = make(name, parameters=TIGHT)
    assert bits(other.set_state(state)) == bits(played[-1][0])
    assert bits(go_on(other, 20, seed=3)) == future
    assert bits(state) == saved, "nor with the one that went back to it"


def test_an_environment_of_gymnasium_goes_back_through_every_layer(bits: Bits) -> None:
    env = alone("all", gymnasium.make(ID, horizon=HORIZON))
    env.reset(seed=1)
    go_on(env, 4)
    state = env.get_state()
    future = bits(go_on(env, 8))
    fresh = alone("all", gymnasium.make(ID, horizon=HORIZON))
    fresh.set_state(state)
    with pytest.raises(ResetNeeded):
        fresh.step(np.zeros(4, np.float32))
    fresh.reset()
    fresh.set_state(state)
    assert bits(go_on(fresh, 8)) == future


def test_wrappers_of_others_between_ours_are_passed_over(bits: Bits) -> None:
    envs = VectorHistory(RecordEpisodeStatistics(VectorResidual(EcosystemVectorEnv(2, horizon=HORIZON))))
    envs.reset(seed=1)
    go_on(envs, 4)
    state = envs.get_state()
    future = bits([step[:4] for step in go_on(envs, 20)])
    envs.set_state(state)
    assert bits([step[:4] for step in go_on(envs, 20)]) == future


@pytest.mark.parametrize("copier", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))], ids=["copy", "pickle"])  # noqa: S301  # our own bytes
@pytest.mark.parametrize("make", [alone, together], ids=["alone", "batch"])
def test_a_copy_goes_on_like_the_original(make: Callable[..., Any], copier: Callable[[Any], Any], bits: Bits) -> None:
    env = make("all")
    env.reset(seed=1)
    go_on(env, 4)
    double = copier(env)
    future = bits(go_on(env, 20))
    assert bits(go_on(double, 20)) == future


def with_item(name: str, item: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda state: {**state, name: item}


def changed(name: str, change: Callable[[Any], Any]) -> Callable[[dict[str, Any]], Any]:
    return lambda state: {**state, name: change(state[name])}


DAMAGE: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "nothing": (lambda _: {}, "get_state"),
    "text": (lambda _: "state", "get_state"),
    "no memory": (lambda state: {name: state[name] for name in state if name != "memory"}, "memory"),
    "a forgotten memory": (with_item("memory", None), "memory"),
    "another lag": (changed("memory", lambda item: item[:-1]), "memory"),
    "infinity": (changed("memory", lambda item: item + np.inf), "memory"),
    "other numbers": (changed("seen", lambda item: item.astype(np.float64)), "seen"),
    "other firms": (changed("starts", lambda item: np.append(item, item)), "starts"),
    "no environment": (with_item("env", {}), "get_state"),
    "a damaged environment": (changed("env", lambda item: {**item, "states": item["states"][:0]}), "states"),
}


@pytest.mark.parametrize("make", [alone, together], ids=["alone", "batch"])
@pytest.mark.parametrize("damage", list(DAMAGE))
def test_a_damaged_state_is_refused_and_changes_nothing(damage: str, make: Callable[..., Any], bits: Bits) -> None:
    break_it, named = DAMAGE[damage]
    source, env, twin = (make("History") for _ in range(3))
    source.reset(seed=5)
    go_on(source, 3)
    for player in (env, twin):
        player.reset(seed=1)
        go_on(player, 4)
    with pytest.raises(ValueError, match=named):
        env.set_state(break_it(source.get_state()))
    assert bits(env.get_state()) == bits(twin.get_state())
    assert bits(go_on(env, 20)) == bits(go_on(twin, 20))


def test_a_state_of_other_wrappers_is_refused() -> None:
    env = alone("History")
    env.reset(seed=0)
    go_on(env, 2)
    with pytest.raises(ValueError, match="seen"):
        alone("all").set_state(env.get_state())
    with pytest.raises(ValueError, match="memory"):
        History(EcosystemEnv(horizon=HORIZON), lags=[3]).set_state(env.get_state())
    with pytest.raises(ValueError, match="memory"):
        alone("Residual").set_state(env.get_state())
    with pytest.raises(ValueError, match="running"):
        env.set_state({**env.get_state(), "env": together("History").env.get_state()})


@pytest.mark.parametrize("make", [alone, together], ids=["alone", "batch"])
def test_before_the_first_reset_there_is_nothing_to_save_or_step(make: Callable[..., Any]) -> None:
    for name in WRAPPED:
        env = make(name)
        with pytest.raises(ResetNeeded):
            env.get_state()
        for action in (env.action_space.sample(), np.full(4, np.nan)):
            with pytest.raises(ResetNeeded):
                env.step(action)
