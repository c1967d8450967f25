"""Vector environment i with seed s is the scalar environment with seed s + i, bit for bit, across autoreset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from thinmargin.env import EcosystemEnv
from thinmargin.vector import EcosystemVectorEnv

Bits = Callable[[Any], Any]
ENVS = 5
SEED = 40
TIGHT = {"fixed_cost": 250.0}
"""Overhead that sinks some firms early, so that episodes end at different times."""
SETTINGS: dict[str, dict[str, Any]] = {
    "profit": {"horizon": 13, "parameters": TIGHT},
    "shaped": {"horizon": 13, "parameters": TIGHT, "reward": "shaped"},
    "discrete": {"horizon": 13, "parameters": TIGHT, "discrete": True},
    "continuing": {"horizon": 13, "parameters": TIGHT, "closing": "none"},
    "continuing shaped": {"horizon": 13, "parameters": TIGHT, "closing": "none", "reward": "shaped"},
    "scenario": {"horizon": 75, "worlds": "entrant_clone"},
    "validation": {"horizon": 13, "split": "validation", "worlds": "calibrated"},
}


def actions_of(settings: dict[str, Any], months: int, count: int = ENVS) -> np.ndarray:
    rng = np.random.default_rng(8)
    if settings.get("discrete"):
        return rng.integers(0, 288, (months, count))
    actions = rng.uniform(-1.3, 1.3, (months, count, 4)).astype(np.float32)
    actions[..., 2] -= 0.5  # spend a little less: some firms should live
    return actions


def row_of(infos: dict[str, Any], row: int) -> dict[str, Any]:
    """One environment's infos, as the scalar environment gives them."""

    def plain(record: np.ndarray) -> dict[str, float]:
        return {name: float(record[name][row]) for name in record.dtype.names or ()}

    return {
        "books": plain(infos["books"]),
        "levers": {"asked": plain(infos["levers"]["asked"]), "applied": plain(infos["levers"]["applied"])},
        "reward_terms": plain(infos["reward_terms"]),
        "world": int(infos["world"][row]),
    }


@pytest.mark.parametrize("name", list(SETTINGS))
def test_every_environment_of_a_batch_is_the_scalar_one(name: str, bits: Bits) -> None:
    settings = SETTINGS[name]
    many = EcosystemVectorEnv(ENVS, **settings)
    alone = [EcosystemEnv(**settings) for _ in range(ENVS)]
    observations, infos = many.reset(seed=SEED)
    for row, env in enumerate(alone):
        observation, info = env.reset(seed=SEED + row)
        assert bits(observations[row]) == bits(observation)
        assert bits({name: float(infos["books"][name][row]) for name in info["books"]}) == bits(info["books"])
        assert infos["world"][row] == info["world"]
    ends = {"terminated": 0, "truncated": 0, "bankrupt": 0, "one by one": 0}
    for actions in actions_of(settings, max(45, 2 * settings["horizon"])):
        observations, rewards, terminated, truncated, infos = many.step(actions)
        ended = terminated | truncated
        assert ("final_obs" in infos) == ended.any()
        if ended.any():
            assert infos["_final_obs"].tolist() == infos["_final_info"].tolist() == ended.tolist()
            masks = {key: mask for key, mask in infos["final_info"].items() if key.startswith("_")}
            assert {"_books", "_levers", "_reward_terms", "_world"} <= set(masks)
            assert all(mask.tolist() == ended.tolist() for mask in masks.values())
            ends["one by one"] += not ended.all()
        for row, env in enumerate(alone):
            observation, reward, scalar_terminated, scalar_truncated, info = env.step(actions[row])
            assert bits(float(rewards[row])) == bits(float(reward))
            assert (terminated[row], truncated[row]) == (scalar_terminated, scalar_truncated)
            if not ended[row]:
                assert bits(observations[row]) == bits(observation)
                assert bits(row_of(infos, row)) == bits(info)
                continue
            assert bits(infos["final_obs"][row]) == bits(observation)
            assert bits(row_of(infos["final_info"], row)) == bits(info)
            ends["terminated"] += scalar_terminated
            ends["truncated"] += scalar_truncated
            ends["bankrupt"] += int(info["books"]["bankrupt"])
            observation, info = env.reset()
            assert bits(observations[row]) == bits(observation)
            assert bits({key: float(infos["books"][key][row]) for key in info["books"]}) == bits(info["books"])
            assert infos["world"][row] == info["world"]
        if ended.any():
            assert all(infos["final_obs"][row] is None for row in np.flatnonzero(~ended))
    assert ends["terminated"] + ends["truncated"] >= 2 * ENVS, "several autoresets each"
    if settings.get("parameters") is TIGHT:
        assert min(ends["bankrupt"], ends["one by one"]) > 0
        assert ends["terminated"] + ends["truncated"] > ends["bankrupt"], "some reach the horizon"
    assert (ends["truncated"] > 0) == (settings.get("closing") == "none")


@pytest.mark.parametrize("count", [1, 2, 4])
def test_an_environment_does_not_depend_on_its_neighbours(count: int, bits: Bits) -> None:
    settings = SETTINGS["shaped"]
    many, few = EcosystemVectorEnv(ENVS, **settings), EcosystemVectorEnv(count, **settings)
    rows = list(range(ENVS - count, ENVS))
    first = many.reset(seed=SEED)[0]
    assert bits(first[rows]) == bits(few.reset(seed=[SEED + row for row in rows])[0])
    for actions in actions_of(settings, 40):
        ours, theirs = few.step(actions[rows]), many.step(actions)
        for mine, whole in zip(ours[:4], theirs[:4], strict=True):
            assert bits(mine) == bits(whole[rows])
        for position, row in enumerate(rows):
            assert bits(row_of(ours[4], position)) == bits(row_of(theirs[4], row))


def test_seeds_may_be_given_one_by_one(bits: Bits) -> None:
    first, second, third = (EcosystemVectorEnv(3) for _ in range(3))
    assert bits(first.reset(seed=7)) == bits(second.reset(seed=[7, 8, 9])) == bits(third.reset(seed=(7, 8, 9)))
    kept = first.reset(seed=[5, None, 5])[1]["world"]
    follows = second.reset()[1]["world"]
    assert kept[0] == kept[2] == EcosystemEnv().reset(seed=5)[1]["world"]
    assert kept[1] == follows[1], "an environment without a seed goes on with its own generator"


def test_a_reset_in_the_middle_leaves_nothing_behind(bits: Bits) -> None:
    used, new = EcosystemVectorEnv(3, horizon=13), EcosystemVectorEnv(3, horizon=13)
    used.reset(seed=0)
    for actions in actions_of({}, 20, 3):
        used.step(actions)
    assert bits(used.reset(seed=1)) == bits(new.reset(seed=1))
    for actions in actions_of({}, 20, 3):
        assert bits(used.step(actions)) == bits(new.step(actions))


def spoil(value: Any) -> None:
    """Overwrite every array inside."""
    if isinstance(value, dict):
        for item in value.values():
            spoil(item)
    elif isinstance(value, tuple):
        for item in value:
            spoil(item)
    elif value.dtype.names is not None:
        for name in value.dtype.names:
            value[name] = -1.0
    elif value.dtype == object:
        for item in value:
            if item is not None:
                item[:] = -1.0
    else:
        value[:] = 0


def test_what_is_handed_out_belongs_to_the_caller(bits: Bits) -> None:
    spoiled, kept = EcosystemVectorEnv(3, horizon=4), EcosystemVectorEnv(3, horizon=4)
    results = spoiled.reset(seed=0)
    assert bits(results) == bits(kept.reset(seed=0))
    for actions in actions_of({}, 10, 3):
        spoil(results)
        given = actions.copy()
        results = spoiled.step(actions)
        np.testing.assert_array_equal(actions, given)
        assert bits(results) == bits(kept.step(given))


@pytest.mark.parametrize("make", [lambda: EcosystemVectorEnv(3, horizon=4), lambda: EcosystemEnv(horizon=9)])
def test_what_was_handed_out_does_not_change_later(make: Callable[[], Any], bits: Bits) -> None:
    env = make()
    results: list[Any] = [env.reset(seed=0)]
    kept = [bits(results[0])]
    for actions in np.random.default_rng(0).uniform(-1, 1, (9, *env.action_space.shape)):
        results.append(env.step(actions))
        kept.append(bits(results[-1]))
    assert bits(results) == kept


def test_the_scalar_environment_hands_out_its_own_arrays_too(bits: Bits) -> None:
    spoiled, kept = EcosystemEnv(horizon=4), EcosystemEnv(horizon=4)
    observation, info = spoiled.reset(seed=0)
    kept.reset(seed=0)
    for actions in actions_of({}, 4, 1):
        observation[:] = 7.0
        info["books"].clear()
        observation, *rest, info = spoiled.step(actions[0])
        assert bits((observation, *rest, info)) == bits(kept.step(actions[0]))


def test_without_copies_the_buffers_themselves_are_handed_out(bits: Bits) -> None:
    buffers, copies = EcosystemVectorEnv(3, horizon=6, copy=False), EcosystemVectorEnv(3, horizon=6)
    first, first_infos = buffers.reset(seed=0)
    copies.reset(seed=0)
    kept: list[tuple[Any, Any]] = []
    last = first
    for actions in actions_of({}, 14, 3):
        ours, theirs = buffers.step(actions), copies.step(actions)
        assert bits(ours) == bits(theirs)
        assert ours[0] is first
        assert np.shares_memory(ours[4]["books"], first_infos["books"])
        assert np.shares_memory(ours[4]["reward_terms"], first_infos["books"])
        assert not np.shares_memory(theirs[0], last)
        last = theirs[0]
        kept += [(ours[4][name], theirs[4][name]) for name in ("final_obs", "final_info") if name in ours[4]]
    assert kept
    for mine, whole in kept:
        assert bits(mine) == bits(whole), "what ended is a copy either way"
