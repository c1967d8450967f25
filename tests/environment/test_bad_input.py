"""A bad call names the argument, what was given and what is allowed, and changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest

from thinmargin.env import EcosystemEnv
from thinmargin.levers import action_of
from thinmargin.scenarios import FAMILIES
from thinmargin.settings import LEVER_GRID
from thinmargin.splits import check_key, keys_of
from thinmargin.vector import EcosystemVectorEnv

Bits = Callable[[Any], Any]
HORIZON = 8
SHORT_WORLD = FAMILIES["benchmark"].draw(1, HORIZON - 1)
BOTH = [EcosystemEnv, EcosystemVectorEnv]


def make(kind: Any, **settings: Any) -> Any:
    return kind(**settings) if kind is EcosystemEnv else kind(num_envs=3, **settings)


def assert_refused_untouched(
    env: Any, twin: Any, call: Callable[[Any], object], error: Any, words: list[str], bits: Bits
) -> None:
    """The call raises with these words, and `env` goes on exactly like `twin`, which did not see it."""
    for player in (env, twin):
        player.reset(seed=3)
        player.step(player.action_space.sample() * 0)
    with pytest.raises(error) as caught:
        call(env)
    for word in words:
        assert word in str(caught.value)
    assert bits(env.get_state()) == bits(twin.get_state())
    env.action_space.seed(1)
    for _ in range(HORIZON - 1):
        action = env.action_space.sample()
        assert bits(env.step(action)) == bits(twin.step(action))
    assert bits(env.reset()) == bits(twin.reset()), "the generator did not move either"


NOT_ACTIONS: dict[str, tuple[Any, Any, list[str]]] = {
    "nan": ([0.0, np.nan, 0.0, 0.0], ValueError, ["action", "nan", "finite"]),
    "infinity": ([np.inf, 0.0, 0.0, 0.0], ValueError, ["action", "inf", "finite"]),
    "both infinities": ([np.inf, -np.inf, 0.0, 0.0], ValueError, ["action", "inf", "finite"]),
    "three numbers": ([0.0, 0.0, 0.0], ValueError, ["action", "shape (3,)", "(4,)"]),
    "five numbers": ([0.0] * 5, ValueError, ["action", "shape (5,)", "(4,)"]),
    "no number": ([], ValueError, ["action", "shape (0,)", "(4,)"]),
    "one number": (0.5, ValueError, ["action", "shape ()", "(4,)"]),
    "a column": (np.zeros((4, 1)), ValueError, ["action", "shape (4, 1)", "(4,)"]),
    "a batch of one": (np.zeros((1, 4)), ValueError, ["action", "shape (1, 4)", "(4,)"]),
    "text": ("0000", TypeError, ["action", "'0000'", "real numbers"]),
    "texts": (["0", "0", "0", "0"], TypeError, ["action", "real numbers"]),
    "bools": ([True, False, True, False], TypeError, ["action", "bool", "real numbers"]),
    "objects": ([None, 0, 0, 0], TypeError, ["action", "object", "real numbers"]),
    "nothing": (None, TypeError, ["action", "None", "real numbers"]),
    "complex": ([0j, 0j, 0j, 0j], TypeError, ["action", "complex", "real numbers"]),
    "dates": (np.zeros(4, "M8[D]"), TypeError, ["action", "datetime", "real numbers"]),
    "a dictionary": ({"price": 0.0}, TypeError, ["action", "real numbers"]),
}


@pytest.mark.parametrize("case", list(NOT_ACTIONS))
def test_something_that_is_no_action_is_refused(case: str, bits: Bits) -> None:
    action, error, words = NOT_ACTIONS[case]
    env, twin = EcosystemEnv(horizon=HORIZON), EcosystemEnv(horizon=HORIZON)
    assert_refused_untouched(env, twin, lambda player: player.step(action), error, words, bits)


NOT_BATCHES: dict[str, tuple[Any, Any, list[str]]] = {
    "one nan in twelve": (
        np.where(np.arange(12).reshape(3, 4) == 7, np.nan, 0.0),
        ValueError,
        ["action", "nan", "finite"],
    ),
    "both infinities": (
        np.where(np.arange(12).reshape(3, 4) < 2, [np.inf, -np.inf, 0, 0], 0.0),
        ValueError,
        ["action", "finite"],
    ),
    "a row too few": (np.zeros((2, 4)), ValueError, ["action", "(2, 4)", "(3, 4)"]),
    "a row too many": (np.zeros((4, 4)), ValueError, ["action", "(4, 4)", "(3, 4)"]),
    "transposed": (np.zeros((4, 3)), ValueError, ["action", "(4, 3)", "(3, 4)"]),
    "one action for all": (np.zeros(4), ValueError, ["action", "(4,)", "(3, 4)"]),
    "flat": (np.zeros(12), ValueError, ["action", "(12,)", "(3, 4)"]),
    "bools": (np.zeros((3, 4), np.bool_), TypeError, ["action", "bool"]),
    "objects": (np.zeros((3, 4), object), TypeError, ["action", "object"]),
}


@pytest.mark.parametrize("case", list(NOT_BATCHES))
def test_something_that_is_no_batch_of_actions_is_refused(case: str, bits: Bits) -> None:
    actions, error, words = NOT_BATCHES[case]
    env, twin = (make(EcosystemVectorEnv, horizon=HORIZON) for _ in range(2))
    assert_refused_untouched(env, twin, lambda player: player.step(actions), error, words, bits)


NOT_CHOICES: dict[str, tuple[Any, Any, list[str]]] = {
    "one too far": (288, ValueError, ["action", "288", "0 to 287"]),
    "negative": (-1, ValueError, ["action", "-1", "0 to 287"]),
    "huge": (np.uint64(2**63), ValueError, ["action", "0 to 287"]),
    "a float": (3.0, TypeError, ["action", "float", "whole number"]),
    "a float of numpy": (np.float32(3), TypeError, ["action", "float32", "whole number"]),
    "a bool": (True, TypeError, ["action", "bool", "whole number"]),
    "text": ("3", TypeError, ["action", "'3'", "whole number"]),
    "nothing": (None, TypeError, ["action", "None", "whole number"]),
    "a list of one": ([3], ValueError, ["action", "(1,)", "()"]),
    "levers": (np.zeros(4), TypeError, ["action", "float64", "whole number"]),
}


@pytest.mark.parametrize("case", list(NOT_CHOICES))
def test_something_that_is_no_grid_index_is_refused(case: str, bits: Bits) -> None:
    action, error, words = NOT_CHOICES[case]
    env, twin = (EcosystemEnv(horizon=HORIZON, discrete=True) for _ in range(2))
    assert_refused_untouched(env, twin, lambda player: player.step(action), error, words, bits)


@pytest.mark.parametrize("bad", [288, -1])
def test_one_bad_index_in_a_batch_is_refused(bad: int, bits: Bits) -> None:
    env, twin = (make(EcosystemVectorEnv, horizon=HORIZON, discrete=True) for _ in range(2))
    words = ["action", str(bad), "0 to 287"]
    assert_refused_untouched(env, twin, lambda player: player.step(np.array([0, 1, bad])), ValueError, words, bits)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8, np.int64])
def test_every_type_of_real_number_will_do(dtype: Any, bits: Bits) -> None:
    one, other = EcosystemEnv(), EcosystemEnv()
    one.reset(seed=0)
    other.reset(seed=0)
    assert bits(one.step(np.array([1, 0, -1, 0], dtype))) == bits(other.step([1.0, 0.0, -1.0, 0.0]))


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("much", [3e38, 1e30, 1e3])
def test_finite_numbers_beyond_the_range_are_cut_to_it(kind: Any, much: float, bits: Bits) -> None:
    one, other = make(kind), make(kind)
    one.reset(seed=0)
    other.reset(seed=0)
    corner = np.broadcast_to(np.array([1.0, -1.0, 1.0, 1.0], np.float32), one.action_space.shape)
    assert bits(one.step(corner * np.float32(much))) == bits(other.step(corner))


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64])
def test_every_type_of_whole_number_is_a_grid_index(dtype: Any, bits: Bits) -> None:
    one, other = EcosystemEnv(discrete=True), EcosystemEnv(discrete=True)
    one.reset(seed=0)
    other.reset(seed=0)
    assert bits(one.step(dtype(100))) == bits(other.step(100))


NOT_SETTINGS: dict[str, tuple[dict[str, Any], Any, list[str]]] = {
    "worlds misspelt": ({"worlds": "benchmrk"}, ValueError, ["worlds", "'benchmrk'", "benchmark", "entrant_clone"]),
    "worlds missing": ({"worlds": None}, ValueError, ["worlds", "None", "calibrated"]),
    "worlds a list": ({"worlds": ["benchmark"]}, (ValueError, TypeError), ["worlds", "['benchmark']", "benchmark"]),
    "reward": ({"reward": "money"}, ValueError, ["reward", "'money'", "profit", "shaped"]),
    "reward missing": ({"reward": None}, ValueError, ["reward", "None", "profit", "shaped"]),
    "split": ({"split": "Train"}, ValueError, ["split", "'Train'", "train", "validation", "test"]),
    "split a list": ({"split": ["train"]}, (ValueError, TypeError), ["split", "['train']", "validation"]),
    "render mode": ({"render_mode": "rgb"}, ValueError, ["render_mode", "'rgb'", "rgb_array", "ansi", "None"]),
    "closing": ({"closing": "no"}, ValueError, ["closing", "'no'", "own_levers", "playbook", "none"]),
    "closing as it was": ({"closing": True}, ValueError, ["closing", "True", "own_levers", "playbook", "none"]),
    "closing missing": ({"closing": None}, ValueError, ["closing", "None", "own_levers"]),
    "closing a list": ({"closing": ["none"]}, ValueError, ["closing", "['none']", "own_levers"]),
    "discrete": ({"discrete": 1}, TypeError, ["discrete", "1", "True or False"]),
    "no horizon": ({"horizon": 0}, ValueError, ["horizon", "0", "1 to 600"]),
    "negative horizon": ({"horizon": -5}, ValueError, ["horizon", "-5", "1 to 600"]),
    "long horizon": ({"horizon": 601}, ValueError, ["horizon", "601", "1 to 600"]),
    "missing horizon": ({"horizon": None}, TypeError, ["horizon", "None", "whole number"]),
    "broken horizon": ({"horizon": 12.0}, TypeError, ["horizon", "12.0", "whole number"]),
    "true horizon": ({"horizon": True}, TypeError, ["horizon", "True", "whole number"]),
    "parameters a list": ({"parameters": [("tax_rate", 0.1)]}, TypeError, ["parameters", "dictionary"]),
    "parameter misspelt": ({"parameters": {"price_slop": 4.0}}, ValueError, ["'price_slop'", "price_slope"]),
    "two parameters close": (
        {"parameters": {"demand_dev": 0.1}},
        ValueError,
        ["'demand_dev'", "did you mean", "demand_sd"],
    ),
    "parameter unheard of": ({"parameters": {"qqq": 4.0}}, ValueError, ["'qqq'", "allowed are", "price_slope"]),
    "parameter of a firm": ({"parameters": {"unit_cost": 900.0}}, ValueError, ["unit_cost", "constant of a firm"]),
    "parameter too low": ({"parameters": {"price_slope": 0.4}}, ValueError, ["price_slope", "0.4", "0.5 to 12"]),
    "parameter too high": ({"parameters": {"tax_rate": 0.7}}, ValueError, ["tax_rate", "0.7", "0 to 0.6"]),
    "parameter nan": ({"parameters": {"tax_rate": float("nan")}}, ValueError, ["tax_rate", "nan", "finite"]),
    "parameter infinite": ({"parameters": {"tax_rate": float("inf")}}, ValueError, ["tax_rate", "inf", "finite"]),
    "parameter text": ({"parameters": {"tax_rate": "0.1"}}, ValueError, ["tax_rate", "'0.1'", "number"]),
    "parameter bool": ({"parameters": {"tax_rate": False}}, ValueError, ["tax_rate", "False", "number"]),
    "parameter missing": ({"parameters": {"tax_rate": None}}, ValueError, ["tax_rate", "None", "number"]),
    "parameter a pair": (
        {"parameters": {"tax_rate": (0.1, 0.2)}},
        ValueError,
        ["tax_rate", "(0.1, 0.2)", "one number"],
    ),
    "regions as one": ({"parameters": {"users_ceiling": 900.0}}, ValueError, ["users_ceiling", "900.0", "2 numbers"]),
    "three regions": ({"parameters": {"users_ceiling": (9.0,) * 3}}, ValueError, ["users_ceiling", "2 numbers"]),
    "two country groups": ({"parameters": {"group_share": (0.5, 0.5)}}, ValueError, ["group_share", "4 numbers"]),
    "more than the world": ({"parameters": {"group_share": (0.5,) * 4}}, ValueError, ["group_share", "2", "sum", "1"]),
    "nowhere at all": ({"parameters": {"group_share": (0.0,) * 4}}, ValueError, ["group_share", "0", "sum", "1"]),
    "one region bad": (
        {"parameters": {"users_ceiling": (900.0, float("nan"))}},
        ValueError,
        ["users_ceiling", "nan", "10 to 9000"],
    ),
}


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("case", list(NOT_SETTINGS))
def test_a_bad_keyword_argument_is_refused(kind: Any, case: str) -> None:
    settings, error, words = NOT_SETTINGS[case]
    with pytest.raises(error) as caught:
        make(kind, **settings)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("count", [0, -1, True, 2.0, "3", None])
def test_a_bad_number_of_environments_is_refused(count: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="num_envs") as caught:
        EcosystemVectorEnv(count)
    assert repr(count) in str(caught.value)
    assert re.search(r"\b1\b.*", str(caught.value).split("num_envs is", 1)[1].split(":", 1)[1])


@pytest.mark.parametrize("horizon", [1, 600])
def test_the_ends_of_the_horizon_are_allowed(horizon: int) -> None:
    env = EcosystemEnv(horizon=horizon, worlds="calibrated")
    env.reset(seed=0)
    months = 1
    while not any(env.step(action_of(0.10, 0.006, 0.05, 3.0))[2:4]):
        months += 1
    assert months == horizon


NOT_RESETS: dict[str, tuple[dict[str, Any], Any, list[str]]] = {
    "option misspelt": ({"options": {"wrold": 3}}, ValueError, ["'wrold'", "'world'"]),
    "option beside": ({"options": {"world": 3, "seed": 4}}, ValueError, ["'seed'", "'world'"]),
    "key negative": ({"options": {"world": -1}}, ValueError, ["world", "-1", "0 to 2**62"]),
    "key too large": ({"options": {"world": 2**62 + 1}}, ValueError, ["world", str(2**62 + 1), "0 to 2**62"]),
    "key broken": ({"options": {"world": 1.5}}, TypeError, ["world", "1.5", "integer"]),
    "key text": ({"options": {"world": "3"}}, TypeError, ["world", "'3'", "integer"]),
    "key bool": ({"options": {"world": True}}, TypeError, ["world", "True", "integer"]),
    "key missing": ({"options": {"world": None}}, TypeError, ["world", "None", "integer"]),
    "world too short": (
        {"options": {"world": SHORT_WORLD}, "seed": 9},
        ValueError,
        ["world", str(HORIZON - 1), str(HORIZON)],
    ),
    "no options": ({"options": 3}, (TypeError, ValueError), ["options", "3"]),
    "seed negative": ({"seed": -1}, gymnasium.error.Error, ["-1"]),
    "seed text": ({"seed": "x"}, (gymnasium.error.Error, TypeError, ValueError), ["eed"]),
}


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("case", list(NOT_RESETS))
def test_a_bad_reset_is_refused(kind: Any, case: str, bits: Bits) -> None:
    arguments, error, words = NOT_RESETS[case]
    env, twin = make(kind, horizon=HORIZON), make(kind, horizon=HORIZON)
    assert_refused_untouched(env, twin, lambda player: player.reset(**arguments), error, words, bits)


def test_a_list_of_worlds_is_for_vector_environments(bits: Bits) -> None:
    env, twin = EcosystemEnv(horizon=HORIZON), EcosystemEnv(horizon=HORIZON)
    words = ["world", "[1]", "one"]
    assert_refused_untouched(env, twin, lambda player: player.reset(options={"world": [1]}), TypeError, words, bits)


NOT_VECTOR_RESETS: dict[str, tuple[dict[str, Any], Any, list[str]]] = {
    "two seeds": ({"seed": [1, 2]}, ValueError, ["seed", "2", "3"]),
    "four seeds": ({"seed": [1, 2, 3, 4]}, ValueError, ["seed", "4", "3"]),
    "no seeds": ({"seed": []}, ValueError, ["seed", "0", "3"]),
    "one seed negative": ({"seed": [1, 2, -3]}, gymnasium.error.Error, ["-3"]),
    "seed a float": ({"seed": 1.5}, (TypeError, ValueError, gymnasium.error.Error), ["seed", "1.5"]),
    "two worlds": ({"options": {"world": [1, 2]}}, ValueError, ["world", "2", "3"]),
    "one key bad": ({"options": {"world": [1, 2, -3]}}, ValueError, ["world", "-3", "0 to 2**62"]),
    "floats for keys": ({"options": {"world": np.zeros(3)}}, TypeError, ["world", "integer"]),
    "last world too short": (
        {"options": {"world": [1, 2, SHORT_WORLD]}},
        ValueError,
        ["world", str(HORIZON - 1), str(HORIZON)],
    ),
    "seeds and a short world": (
        {"seed": 50, "options": {"world": [SHORT_WORLD, 1, 2]}},
        ValueError,
        ["world", str(HORIZON - 1), str(HORIZON)],
    ),
}


@pytest.mark.parametrize("case", list(NOT_VECTOR_RESETS))
def test_a_bad_vector_reset_is_refused(case: str, bits: Bits) -> None:
    arguments, error, words = NOT_VECTOR_RESETS[case]
    env, twin = (make(EcosystemVectorEnv, horizon=HORIZON) for _ in range(2))
    assert_refused_untouched(env, twin, lambda player: player.reset(**arguments), error, words, bits)


@pytest.mark.parametrize("kind", BOTH)
def test_a_step_before_reset_asks_for_it(kind: Any, bits: Bits) -> None:
    env, twin = make(kind, horizon=HORIZON), make(kind, horizon=HORIZON)
    with pytest.raises(gymnasium.error.ResetNeeded, match="call reset first"):
        env.step(np.zeros(env.action_space.shape))
    assert bits(env.reset(seed=0)) == bits(twin.reset(seed=0))


def test_a_step_after_the_end_asks_for_reset_again_and_again(bits: Bits) -> None:
    env, twin = EcosystemEnv(horizon=2), EcosystemEnv(horizon=2)
    for player in (env, twin):
        player.reset(seed=0)
        player.step(np.zeros(4))
        assert player.step(np.zeros(4))[2]
    for _ in range(2):
        with pytest.raises(gymnasium.error.ResetNeeded, match="call reset first"):
            env.step(np.zeros(4))
    assert bits(env.get_state()) == bits(twin.get_state())
    assert bits(env.reset()) == bits(twin.reset())


def test_a_failed_reset_of_an_ended_episode_does_not_make_it_run() -> None:
    env = EcosystemEnv(horizon=1)
    env.reset(seed=0)
    env.step(np.zeros(4))
    with pytest.raises(ValueError, match="world key"):
        env.reset(options={"world": -1})
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(np.zeros(4))


def test_levers_out_of_their_range_have_no_action() -> None:
    for name, levers in (
        ("price", (0.61, 0.0, 0.0, 1.0)),
        ("price", (-0.21, 0.0, 0.0, 1.0)),
        ("accessories", (0.1, 0.2, 0.0, 1.0)),
        ("marketing", (0.1, 0.0, -0.01, 1.0)),
        ("updates", (0.1, 0.0, 0.0, 0.1)),
        ("updates", (0.1, 0.0, 0.0, float("nan"))),
    ):
        with pytest.raises(ValueError, match=rf"{name} is .*: allowed are"):
            action_of(*levers)


def test_the_grid_of_the_discrete_environment_lies_in_the_ranges_of_the_levers() -> None:
    for price in LEVER_GRID[0]:
        assert np.isfinite(action_of(price, LEVER_GRID[1][0], LEVER_GRID[2][-1], LEVER_GRID[3][-1])).all()


def test_world_keys_are_whole_numbers_of_any_kind() -> None:
    assert check_key(np.uint64(2**62)) == 2**62
    assert type(check_key(np.int32(5))) is int
    with pytest.raises(ValueError, match=r"split is 'all': allowed are train, validation, test"):
        keys_of("all")  # type: ignore[arg-type]  # that is the point


def test_a_batch_says_that_it_takes_seeds_in_a_list() -> None:
    envs = EcosystemVectorEnv(2, horizon=2)
    with pytest.raises(TypeError, match=r"seed is '3': must be a whole number from 0, or None, or a list of such"):
        envs.reset(seed="3")  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(TypeError, match=r"seed is '3': must be a whole number from 0, or None$"):
        envs.reset(seed=["3", 4])  # type: ignore[list-item]  # wrong on purpose


@pytest.mark.parametrize("seed", [-1, -(10**30)])
def test_a_seed_below_nothing_is_refused_in_our_words(seed: int) -> None:
    for env in (EcosystemEnv(horizon=2), EcosystemVectorEnv(2, horizon=2)):
        with pytest.raises(gymnasium.error.Error, match=r"seed is -1.*: allowed are whole numbers from 0, and None"):
            env.reset(seed=seed)
