"""Saving and going back: exact, across the end of an episode, through pickle, or refused untouched."""

from __future__ import annotations

import copy
import io
import itertools
import pickle
from collections.abc import Callable
from contextlib import nullcontext as does_not_raise
from typing import Any

import gymnasium
import numpy as np
import pytest

from thinmargin.env import EcosystemEnv
from thinmargin.record_checks import STATE_RANGES, Allowed
from thinmargin.records import STATE
from thinmargin.registration import ENVIRONMENTS
from thinmargin.scenarios import FAMILIES
from thinmargin.vector import EcosystemVectorEnv

Bits = Callable[[Any], Any]
HORIZON = 9


def go_on(env: Any, months: int, seed: int = 0) -> list[Any]:
    """Random play of some months, across resets of a scalar environment."""
    env.action_space.seed(seed)
    seen: list[Any] = []
    for _ in range(months):
        seen.append(env.step(env.action_space.sample()))
        if env.action_space == getattr(env, "single_action_space", env.action_space) and (seen[-1][2] or seen[-1][3]):
            seen.append(env.reset())
    return seen


@pytest.mark.parametrize("months", [0, 1, 5, HORIZON - 1])
@pytest.mark.parametrize("entry", ENVIRONMENTS[:4], ids=lambda entry: entry.id)
def test_a_state_brings_the_same_environment_back(entry: Any, months: int, bits: Bits) -> None:
    env = EcosystemEnv(**entry.kwargs, horizon=HORIZON)
    first = env.reset(seed=1)[0]
    seen = go_on(env, months)
    state = env.get_state()
    future = bits(go_on(env, 20, seed=3))
    observation = env.set_state(state)
    assert bits(observation) == bits(seen[-1][0] if seen else first)
    assert bits(go_on(env, 20, seed=3)) == future
    env.set_state(state)
    assert bits(go_on(env, 20, seed=3)) == future, "going back did not use the state up"


@pytest.mark.parametrize("settings", [{}, {"reward": "shaped"}, {"worlds": "price_war"}], ids=str)
def test_a_state_brings_another_environment_there(settings: dict[str, Any], bits: Bits) -> None:
    env = EcosystemEnv(**settings, horizon=HORIZON)
    env.reset(seed=1)
    go_on(env, 4)
    other = EcosystemEnv(**settings, horizon=HORIZON)
    other.reset(seed=999)
    go_on(other, 2, seed=8)
    other.set_state(env.get_state())
    fresh = EcosystemEnv(**settings, horizon=HORIZON)
    fresh.set_state(env.get_state())
    assert bits(go_on(env, 20)) == bits(go_on(other, 20)) == bits(go_on(fresh, 20))


def test_a_saved_state_does_not_move_with_the_environment(bits: Bits) -> None:
    env = EcosystemEnv(horizon=HORIZON)
    env.reset(seed=1)
    state = env.get_state()
    before = bits(state)
    go_on(env, 25)
    assert bits(state) == before


def test_a_state_of_the_end_still_asks_for_a_reset() -> None:
    env = EcosystemEnv(horizon=1)
    env.reset(seed=1)
    running = env.get_state()
    env.step(np.zeros(4))
    ended = env.get_state()
    next_world = env.reset()[1]["world"]
    env.set_state(ended)
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(np.zeros(4))
    assert env.reset()[1]["world"] == next_world
    env.set_state(running)
    assert env.step(np.zeros(4))[2]


def test_info_after_going_back_names_the_world_that_is_played() -> None:
    env = EcosystemEnv(horizon=HORIZON)
    key = env.reset(seed=1)[1]["world"]
    state = env.get_state()
    env.reset(seed=2)
    env.set_state(state)
    assert env.step(np.zeros(4))[4]["world"] == key


@pytest.mark.parametrize("months", [0, 1, HORIZON - 1, HORIZON, 2 * HORIZON + 3])
@pytest.mark.parametrize("settings", [{}, {"reward": "shaped"}, {"discrete": True}, {"closing": "none"}], ids=str)
def test_a_vector_state_is_exact_across_autoreset(settings: dict[str, Any], months: int, bits: Bits) -> None:
    envs = EcosystemVectorEnv(3, horizon=HORIZON, **settings)
    observations = envs.reset(seed=1)[0]
    for step in go_on(envs, months):
        observations = step[0]
    state = envs.get_state()
    saved = bits(state)
    future = bits(go_on(envs, 25, seed=3))
    assert bits(state) == saved
    assert bits(envs.set_state(state)) == bits(observations)
    assert bits(go_on(envs, 25, seed=3)) == future
    other = EcosystemVectorEnv(3, horizon=HORIZON, **settings)
    other.set_state(state)
    assert bits(go_on(other, 25, seed=3)) == future


def test_a_state_survives_a_file_without_pickle(bits: Bits) -> None:
    env = EcosystemEnv(horizon=HORIZON)
    env.reset(seed=1)
    go_on(env, 3)
    state = env.get_state()
    file = io.BytesIO()
    np.savez(file, **{name: item for name, item in state.items() if isinstance(item, np.ndarray)})
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        loaded = {**state, **{name: arrays[name] for name in arrays}}
    other = EcosystemEnv(horizon=HORIZON)
    other.set_state(loaded)
    assert bits(go_on(other, 20)) == bits(go_on(env, 20))


COPIERS: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda env: pickle.loads(pickle.dumps(env)),  # noqa: S301  # our own bytes
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("copier", list(COPIERS))
@pytest.mark.parametrize("months", [0, 4, HORIZON])
def test_a_copy_goes_on_like_the_original_and_apart_from_it(copier: str, months: int, bits: Bits) -> None:
    env = EcosystemEnv(horizon=HORIZON)
    env.reset(seed=1)
    go_on(env, months)
    double = COPIERS[copier](env)
    bystander = bits(double.get_state())
    future = bits(go_on(env, 20))
    assert bits(double.get_state()) == bystander, "stepping the original does not move the copy"
    assert bits(go_on(double, 20)) == future


@pytest.mark.parametrize("copier", list(COPIERS))
def test_a_copied_vector_environment_goes_on_like_the_original(copier: str, bits: Bits) -> None:
    envs = EcosystemVectorEnv(3, horizon=HORIZON)
    envs.reset(seed=1)
    go_on(envs, 4)
    double = COPIERS[copier](envs)
    future = bits(go_on(envs, 20))
    assert bits(go_on(double, 20)) == future


@pytest.mark.parametrize("copier", list(COPIERS))
def test_an_environment_made_by_gymnasium_can_be_copied(copier: str, bits: Bits) -> None:
    env = gymnasium.make("ThinMargin/Ecosystem-v1", horizon=HORIZON)
    env.reset(seed=1)
    double = COPIERS[copier](env)
    for action in np.random.default_rng(0).uniform(-1, 1, (HORIZON, 4)).astype(np.float32):
        assert bits(env.step(action)) == bits(double.step(action))


def without(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda state: {key: item for key, item in state.items() if key != name}


def with_item(name: str, change: Callable[[Any], Any]) -> Callable[[dict[str, Any]], Any]:
    return lambda state: {**state, name: change(state[name])}


def with_field(name: str, number: float) -> Callable[[Any], Any]:
    """Changes one field of a record array, in a copy."""

    def change(item: Any) -> Any:
        changed = item.copy()
        changed[name] = number
        return changed

    return change


def event_with(name: str, number: float) -> Callable[[Any], Any]:
    """Makes the source one with an event that lasts, in a copy."""

    def change(item: Any) -> Any:
        changed = item.copy()
        changed["months"], changed["start"], changed["end"] = 6.0, 0.0, 6.0
        changed["supply"], changed["services"] = 1.0, 1.0
        changed[name] = number
        return changed

    return change


def reversed_columns(record: np.dtype[Any]) -> np.dtype[Any]:
    """A record type of the same size whose columns mean something else."""
    return np.dtype((np.record, [(name, record[name]) for name in reversed(record.names or ())]))


def of_version_0(state: dict[str, Any]) -> dict[str, Any]:
    """A state as the first version saved it: 28 observations, tables of shocks for every row, no sources."""
    names = ("states", "economies", "reports", "running", "generator")
    first = {name: state[name] for name in names}
    return {**first, "observations": state["observations"][:, :28], "shocks": np.zeros((1, HORIZON))}


DAMAGE: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    **{
        f"no {name}": (without(name), name)
        for name in ("states", "economies", "sources", "shocks", "reports", "running")
    },
    "no observations": (without("observations"), "observations"),
    "no generator": (without("generator"), "generator"),
    "nothing": (lambda _: {}, "get_state"),
    "the first version": (of_version_0, "version 0.*version 1.*get_state anew"),
    "a later version": (with_item("version", lambda _: 2), "version 2.*version 1"),
    "two rows": (with_item("states", lambda item: np.repeat(item, 2)), "states"),
    "plain numbers": (with_item("states", lambda item: item.view(np.float64)), "states"),
    "other columns": (with_item("reports", lambda item: item.view(reversed_columns(item.dtype))), "reports"),
    "single precision": (with_item("observations", lambda item: item.astype(np.float64)), "observations"),
    "a longer horizon": (with_item("shocks", lambda item: np.repeat(item, 2, axis=1)), "shocks"),
    "a table for nobody": (with_item("shocks", lambda item: np.zeros((1, HORIZON), item.dtype)), "shocks"),
    "a table that is missing": (with_item("sources", with_field("tabled", 1.0)), "shocks"),
    "a negative key": (with_item("sources", with_field("key", -1)), "sources.*keys"),
    "a key that is too large": (with_item("sources", with_field("key", 2**62 + 1)), "sources.*keys"),
    "an event that never ends": (with_item("sources", with_field("end", np.inf)), "sources"),
    "a level that is no number": (with_item("states", with_field("demand_level", np.nan)), "states"),
    "levers whose sum is another": (with_item("states", with_field("own_sum", 5.0)), "own_sum.*sum of own_levers"),
    "levers beyond their ranges": (with_item("states", with_field("own_levers", 7.0)), "own_levers 7 of price.*0.6"),
    "levers of months to come": (with_item("states", with_field("month", 2.0)), "own_levers.*before its month"),
    "half a month": (with_item("states", with_field("month", 2.5)), "month 2.5.*whole numbers"),
    "components cheaper than nothing": (with_item("states", with_field("passed", -50.0)), "passed -50.*-0.75"),
    "prices below zero": (with_item("states", with_field("price_index", -1.0)), "price_index -1"),
    "three wars": (with_item("states", with_field("war", 3.0)), "war 3"),
    "half a war": (with_item("states", with_field("war", 0.5)), "war.*0 and 1"),
    "a demand beyond numbers": (with_item("states", with_field("demand_level", 1e3)), "demand_level 1000"),
    "a scandal that helps": (with_item("states", with_field("brand_level", 1.0)), "brand_level 1"),
    "half a table": (with_item("sources", with_field("tabled", 0.5)), "tabled.*0 and 1"),
    "a brand that is no number": (with_item("economies", with_field("firm_brand", np.nan)), "economies.*firm_brand"),
    "services below nothing": (with_item("sources", event_with("services", -4.0)), "services -4"),
    "a tax that is no number": (with_item("economies", with_field("tax_rate", np.nan)), "economies.*tax_rate"),
    "more passed on than there is": (
        with_item("economies", with_field("pass_through", 3.0)),
        "pass_through 3.*0 to 0.75",
    ),
    "a market abroad four times": (with_item("economies", with_field("group_share", 1.0)), "group_share.*sum"),
    "more observed than can be": (with_item("observations", lambda item: item + 77.0), "observations"),
    "a version that is text": (with_item("version", lambda _: "1"), "version '1'"),
    "a version that is true": (with_item("version", lambda _: True), "version True"),
    "a version that is a fraction": (with_item("version", lambda _: 1.0), "version 1.0"),
    "nobody reached": (with_item("states", with_field("coverage", 0.0)), "coverage 0 of every firm at home"),
    "nobody with a phone": (with_item("states", with_field("users", 0.0)), "users 0 of every firm at home"),
    "phones for nothing": (with_item("states", with_field("price", 1.0)), "price 1:.*above base_cost"),
    "an empty generator": (with_item("generator", lambda _: {}), "generator"),
    "another generator": (
        with_item("generator", lambda _: np.random.Generator(np.random.Philox(1)).bit_generator.state),
        "generator",
    ),
    "a generator without numbers": (with_item("generator", lambda item: {**item, "state": {}}), "generator"),
    "no generator at all": (with_item("generator", lambda _: None), "generator"),
    "running is text": (with_item("running", lambda _: "no"), "running"),
}


@pytest.mark.parametrize("damage", list(DAMAGE))
def test_a_damaged_state_is_refused_and_changes_nothing(damage: str, bits: Bits) -> None:
    spoil, named = DAMAGE[damage]
    source, env, twin = (EcosystemEnv(horizon=HORIZON) for _ in range(3))
    source.reset(seed=5)
    go_on(source, 3)
    for player in (env, twin):
        player.reset(seed=1)
        go_on(player, 4)
    with pytest.raises(ValueError, match=named):
        env.set_state(spoil(source.get_state()))
    assert bits(env.get_state()) == bits(twin.get_state())
    assert bits(go_on(env, 20)) == bits(go_on(twin, 20))


@pytest.mark.parametrize("allowed", STATE_RANGES, ids=lambda allowed: allowed.field)
def test_every_field_of_a_state_is_held_to_its_range(allowed: Allowed, bits: Bits) -> None:
    env = EcosystemEnv(horizon=HORIZON)
    for months in (0, 4):
        env.reset(seed=1)
        go_on(env, months)
        whole = env.get_state()
        for wrong in (allowed.low - max(0.01 * abs(allowed.low), 0.01), allowed.high + 0.01 * abs(allowed.high) + 0.01):
            with pytest.raises(ValueError, match=f"'states'.*{allowed.field} .*allowed"):
                env.set_state(with_item("states", with_field(allowed.field, wrong))(env.get_state()))
        assert bits(env.get_state()) == bits(whole)


def test_the_ranges_name_every_field_of_a_state() -> None:
    assert {*(allowed.field for allowed in STATE_RANGES), "month", "own_levers", "own_sum"} == set(STATE.names or ())


@pytest.mark.parametrize("worlds", ["benchmark", "one_state"])
@pytest.mark.parametrize("allowed", STATE_RANGES, ids=lambda allowed: allowed.field)
def test_months_from_the_ends_of_a_range_are_numbers(allowed: Allowed, worlds: str) -> None:
    env = EcosystemEnv(worlds=worlds, horizon=60)
    for end in (allowed.low, allowed.high):
        env.reset(seed=1)
        go_on(env, 14)
        state = with_item("states", with_field(allowed.field, end))(env.get_state())
        try:
            env.set_state(state)
        except ValueError as error:  # no firm has customers, or a price that its costs rule out
            assert any(word in str(error) for word in ("of every firm", "above base_cost", "0 and 1"))  # noqa: PT017
            continue
        for _ in range(3):
            observation, reward, terminated, truncated, info = env.step(np.zeros(4))
            assert np.isfinite([*observation, reward, *info["books"].values()]).all()
            if terminated or truncated:
                break


@pytest.mark.parametrize("horizon", [30])
@pytest.mark.parametrize("worlds", sorted(FAMILIES))
def test_a_state_goes_back_whatever_was_played(worlds: str, horizon: int, bits: Bits) -> None:
    corners = np.array(list(itertools.product((-1.0, 1.0), repeat=4)))
    envs, other = (EcosystemVectorEnv(24, worlds=worlds, horizon=horizon) for _ in range(2))
    single, generator = EcosystemEnv(worlds=worlds, horizon=horizon), np.random.default_rng(0)
    envs.reset(seed=2)
    single.reset(seed=2)
    for month in range(horizon):
        state, alone = envs.get_state(), single.get_state()
        other.set_state(state)
        single.set_state(alone)
        assert bits(other.get_state()) == bits(state)
        assert bits(single.get_state()) == bits(alone)
        actions = np.concatenate([corners, np.clip(generator.normal(0.5, 1.0, (8, 4)), -1.0, 1.0)])
        envs.step(-actions if month % 8 > 4 else actions)
        if single.step(np.array([1.0, -0.3, -0.3, 0.2]))[2]:
            single.reset()


def test_an_episode_whose_months_are_over_does_not_run() -> None:
    env, envs = EcosystemEnv(horizon=13), EcosystemVectorEnv(2, horizon=13)
    for player in (env, envs):
        player.reset(seed=1)
        go_on(player, 12)
    over = with_item("states", with_field("month", 13.0))
    with pytest.raises(ValueError, match=r"state\['running'\] is True of row 0.*13 of 13 months: it must"):
        env.set_state(over(env.get_state()))
    bare = with_item("economies", np.zeros_like)
    with pytest.raises(ValueError, match=r"state\['running'\] is True of row 0.*12 of 13 months and has no world: it"):
        env.set_state(bare(env.get_state()))
    with pytest.raises(ValueError, match=r"state\['states'\] has row 0.*13 of 13"):
        envs.set_state(over(envs.get_state()))


def test_a_message_shows_the_wrong_number_and_not_the_first_one() -> None:
    envs = EcosystemVectorEnv(8, horizon=HORIZON)
    envs.reset(seed=1)
    state = envs.get_state()
    state["sources"]["tabled"][6] = 0.5
    with pytest.raises(ValueError, match=r"tabled 0.5"):
        envs.set_state(state)


def test_a_version_may_be_a_number_of_numpy() -> None:
    env = EcosystemEnv(horizon=HORIZON)
    env.reset(seed=1)
    env.set_state({**env.get_state(), "version": np.int64(1)})


@pytest.mark.parametrize("make", [EcosystemEnv, EcosystemVectorEnv])
@pytest.mark.parametrize("state", [None, 3, "state", []], ids=repr)
def test_something_that_is_not_a_state_is_refused(make: Any, state: Any, bits: Bits) -> None:
    env = make(horizon=HORIZON)
    env.reset(seed=0)
    before = bits(env.get_state())
    with pytest.raises((TypeError, ValueError), match="state"):
        env.set_state(state)
    assert bits(env.get_state()) == before


def first_only(items: list[Any]) -> list[Any]:
    return [items[0], {}, items[2]]


VECTOR_DAMAGE: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "no generators": (without("generators"), "generators"),
    "two generators": (with_item("generators", lambda items: items[:2]), "generators"),
    "a generator too many": (with_item("generators", lambda items: [*items, items[0]]), "generators"),
    "one empty generator": (with_item("generators", first_only), "generator"),
    "generators of text": (with_item("generators", lambda _: "abc"), "generators"),
    "no shocks": (without("shocks"), "shocks"),
    "fewer rows": (with_item("states", lambda item: item[:2]), "states"),
}


@pytest.mark.parametrize("damage", list(VECTOR_DAMAGE))
def test_a_damaged_vector_state_is_refused_and_changes_nothing(damage: str, bits: Bits) -> None:
    spoil, named = VECTOR_DAMAGE[damage]
    source, envs, twin = (EcosystemVectorEnv(3, horizon=HORIZON) for _ in range(3))
    source.reset(seed=5)
    go_on(source, 3)
    for player in (envs, twin):
        player.reset(seed=1)
        go_on(player, 4)
    with pytest.raises(ValueError, match=named):
        envs.set_state(spoil(source.get_state()))
    assert bits(envs.get_state()) == bits(twin.get_state())
    assert bits(go_on(envs, 25)) == bits(go_on(twin, 25))


def test_a_state_of_another_shape_of_environment_is_refused() -> None:
    scalar, vector = EcosystemEnv(horizon=HORIZON), EcosystemVectorEnv(1, horizon=HORIZON)
    scalar.reset(seed=0)
    vector.reset(seed=0)
    with pytest.raises(ValueError, match="running"):
        scalar.set_state(vector.get_state())
    with pytest.raises(ValueError, match="generators"):
        vector.set_state(scalar.get_state())
    longer = EcosystemEnv(horizon=HORIZON + 1)
    longer.reset(seed=0)
    with pytest.raises(ValueError, match="shocks"):
        scalar.set_state(longer.get_state())


def test_a_restored_vector_environment_needs_no_reset() -> None:
    envs, fresh = EcosystemVectorEnv(2), EcosystemVectorEnv(2)
    envs.reset(seed=0)
    fresh.set_state(envs.get_state())
    with does_not_raise():
        fresh.step(np.zeros((2, 4)))


def test_a_vector_environment_without_episodes_has_no_state_to_go_back_to() -> None:
    envs = EcosystemVectorEnv(2)
    with pytest.raises((ValueError, gymnasium.error.ResetNeeded)):
        envs.set_state(envs.get_state())
    with pytest.raises(gymnasium.error.ResetNeeded):
        envs.step(np.zeros((2, 4)))


def with_both_kinds(months: int = 0) -> EcosystemVectorEnv:
    """Three environments after some months; the second plays a world with a table of its own."""
    envs = EcosystemVectorEnv(3, horizon=HORIZON)
    envs.reset(seed=1, options={"world": [5, FAMILIES["benchmark"].draw(6, HORIZON), 7]})
    go_on(envs, months)
    return envs


def test_a_table_is_allocated_for_a_world_object_and_not_for_a_key() -> None:
    keyed = EcosystemVectorEnv(3, horizon=HORIZON)
    keyed.reset(seed=0)
    go_on(keyed, 2 * HORIZON)
    assert keyed._batch.shocks.size == keyed.get_state()["shocks"].size == 0
    both = with_both_kinds()
    assert both._batch.shocks.shape == (3, HORIZON)
    assert both.get_state()["shocks"].shape == (1, HORIZON), "the rows that have one"
    go_on(both, 2 * HORIZON)
    assert both.get_state()["shocks"].shape == (0, HORIZON), "new worlds are drawn by their keys"


@pytest.mark.parametrize("months", [0, 4, HORIZON + 2])
def test_a_state_with_a_table_is_exact_in_any_environment(months: int, bits: Bits) -> None:
    envs = with_both_kinds(months)
    state = envs.get_state()
    future = bits(go_on(envs, 25, seed=3))
    fresh, used, keyed = (EcosystemVectorEnv(3, horizon=HORIZON) for _ in range(3))
    used.reset(options={"world": [FAMILIES["demand_slump"].draw(key, HORIZON) for key in range(3)]})
    keyed.reset(seed=3)
    go_on(keyed, 3)
    for other in (envs, fresh, used, keyed):
        other.set_state(state)
        assert bits(other.get_state()) == bits(state)
        assert bits(go_on(other, 25, seed=3)) == future


@pytest.mark.parametrize("copier", list(COPIERS))
def test_a_copy_has_tables_of_its_own(copier: str, bits: Bits) -> None:
    envs = with_both_kinds(3)
    double = COPIERS[copier](envs)
    envs._batch.shocks["demand"] = -9.0
    envs._batch.keys[:] = 11
    assert bits(double.get_state()["sources"]["key"]) == bits(np.array([5, 6, 7]))
    assert bits(go_on(double, 25)) == bits(go_on(with_both_kinds(3), 25))
