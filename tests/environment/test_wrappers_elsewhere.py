"""Wrappers in other libraries, in worker processes, and by the names of presets."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_env_of_stable_baselines3
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import SubprocVecEnv
from tests.environment.wrapping import (
    HORIZON,
    ID,
    WRAPPED,
    Asked,
    Bits,
    alone,
    chosen,
    go_on,
    together,
)

from thinmargin.env import EcosystemEnv
from thinmargin.vector import EcosystemVectorEnv
from thinmargin.wrappers import (
    ADAPTERS,
    AdaptedEnv,
    AdaptedVectorEnv,
    Adapter,
    Residual,
    adapters_of,
)
from thinmargin.wrappers.adapters import HistoryAdapter, ResidualAdapter

# Others' libraries


@pytest.mark.parametrize("name", list(WRAPPED))
def test_the_checkers_of_gymnasium_and_stable_baselines3_pass(name: str) -> None:
    env = alone(name, gymnasium.make(ID, horizon=30))
    with pytest.warns(UserWarning, match="different from the unwrapped version"):
        check_env(env, skip_render_check=True)
    check_env_of_stable_baselines3(env, skip_render_check=True)


@pytest.mark.parametrize("name", list(WRAPPED))
def test_a_specification_makes_the_same_wrappers_again(name: str, bits: Bits) -> None:
    env = alone(name, gymnasium.make(ID, horizon=HORIZON, reward="shaped"))
    assert env.spec is not None
    again = gymnasium.make(EnvSpec.from_json(env.spec.to_json()))
    assert str(again) == str(env)
    assert type(again) is type(env)
    assert again.observation_space == env.observation_space
    assert bits(again.reset(seed=1)) == bits(env.reset(seed=1))
    assert bits(go_on(again, 20)) == bits(go_on(env, 20))


def test_a_policy_that_is_no_name_cannot_be_written_into_a_specification() -> None:
    env = Residual(gymnasium.make(ID), base=Asked())
    assert env.spec is not None
    assert gymnasium.make(env.spec).action_space == env.action_space
    with pytest.raises(TypeError, match="JSON"):
        env.spec.to_json()


def test_make_vec_takes_the_wrappers_of_one_environment(bits: Bits) -> None:
    wrappers = [partial(one, **kwargs) for one, _, kwargs in WRAPPED["all"]]
    envs = gymnasium.make_vec(ID, num_envs=2, vectorization_mode="sync", wrappers=wrappers, horizon=HORIZON)
    native = together("all", gymnasium.make_vec(ID, num_envs=2, horizon=HORIZON))
    assert bits(envs.reset(seed=3)[0]) == bits(native.reset(seed=3)[0])
    for actions in chosen(native.action_space, HORIZON - 1):
        assert bits(envs.step(actions)[:4]) == bits(native.step(actions)[:4])


def test_worker_processes_of_gymnasium_wrap_environments(bits: Bits) -> None:
    wrappers = [partial(one, **kwargs) for one, _, kwargs in WRAPPED["all"]]
    envs = gymnasium.make_vec(ID, num_envs=2, vectorization_mode="async", wrappers=wrappers, horizon=HORIZON)
    try:
        native = together("all", gymnasium.make_vec(ID, num_envs=2, horizon=HORIZON))
        assert bits(envs.reset(seed=3)[0]) == bits(native.reset(seed=3)[0])
        for actions in chosen(native.action_space, HORIZON - 1):
            assert bits(envs.step(actions)[:4]) == bits(native.step(actions)[:4])
    finally:
        envs.close()


@pytest.mark.slow
def test_worker_processes_of_stable_baselines3_wrap_environments() -> None:
    arguments: dict[str, Any] = {
        "n_envs": 1, "seed": 3, "env_kwargs": {"horizon": HORIZON}, "wrapper_class": Residual,
        "wrapper_kwargs": {"base": "plan_with_feedback", "levels": 3},
    }  # fmt: skip
    workers = make_vec_env(ID, vec_env_cls=SubprocVecEnv, **arguments)
    try:
        here = make_vec_env(ID, **arguments)
        assert np.array_equal(np.asarray(workers.reset()), np.asarray(here.reset()))
        for actions in chosen(spaces.MultiDiscrete([81]), HORIZON):
            for theirs, ours in zip(workers.step(actions)[:3], here.step(actions)[:3], strict=True):
                assert np.array_equal(np.asarray(theirs, np.float32), np.asarray(ours, np.float32))
    finally:
        workers.close()


# Names of presets


def test_adapters_are_made_by_the_names_of_presets() -> None:
    assert adapters_of(None) == []
    one = adapters_of("thinmargin.wrappers.Surprises")
    assert [type(item) for item in one] == [ADAPTERS["thinmargin.wrappers.Surprises"]]
    many = adapters_of(
        [
            "thinmargin.wrappers.Surprises",
            {"thinmargin.wrappers.ScaledReward": None},
            {"thinmargin.wrappers.History": {"lags": [6, 24]}},
            {"thinmargin.wrappers.Residual": {"base": "plan_with_feedback", "bound": 0.25, "levels": 5}},
        ]
    )
    assert [type(item) for item in many] == [
        ADAPTERS[f"thinmargin.wrappers.{name}"] for name in ("Surprises", "ScaledReward", "History", "Residual")
    ]
    history, residual = many[2:]
    assert isinstance(history, HistoryAdapter)
    assert history.lags == (6, 24)
    assert isinstance(residual, ResidualAdapter)
    assert residual.grid is not None
    assert (residual.bound, len(residual.grid)) == (0.25, 625)


@pytest.mark.parametrize("name", list(ADAPTERS))
def test_a_name_of_a_preset_is_the_wrapper_of_one_environment(name: str) -> None:
    module, _, title = name.rpartition(".")
    wrapper = getattr(sys.modules[module], title)
    assert issubclass(wrapper, AdaptedEnv)
    made = wrapper(EcosystemEnv())
    assert type(made.adapter_state.adapter) is ADAPTERS[name]


REFUSED: dict[str, tuple[Any, str]] = {
    "foreign": ("gymnasium.wrappers.NormalizeObservation", "allowed are thinmargin.wrappers.Residual"),
    "foreign with arguments": ([{"os.system": {"command": "true"}}], "allowed are"),
    "misspelt": ("thinmargin.wrappers.Residul", "did you mean thinmargin.wrappers.Residual?"),
    "without its module": ("Residual", "did you mean thinmargin.wrappers.Residual?"),
    "of batches": ("thinmargin.wrappers.VectorResidual", "allowed are"),
    "of another module": ("thinmargin.wrappers.scalar.Residual", "allowed are"),
    "a number": (3, "env_wrapper has 3"),
    "two names in one": (
        {"thinmargin.wrappers.Residual": {}, "thinmargin.wrappers.History": {}},
        "allowed are",
    ),
    "arguments in a list": ({"thinmargin.wrappers.Residual": ["plan"]}, "a mapping of argument and value"),
    "nothing but a flag": ({"thinmargin.wrappers.Residual": False}, "a mapping of argument and value"),
    "an unknown argument": ({"thinmargin.wrappers.Residual": {"bonud": 1}}, "'bonud': allowed are base, bound, levels"),
    "an argument of none": ({"thinmargin.wrappers.Surprises": {"base": "plan"}}, "allowed are none at all"),
    "a number as argument": ({"thinmargin.wrappers.Residual": {3: 1}}, "allowed are base"),
    "a bad value": ({"thinmargin.wrappers.Residual": {"bound": 9}}, "thinmargin.wrappers.Residual: bound is 9"),
    "a policy of their own": ({"thinmargin.wrappers.Residual": {"base": Asked()}}, "the name of a built-in policy"),
    "twice": ([{"thinmargin.wrappers.Residual": {}}] * 2, "Residual twice"),
    "surprised twice": (["thinmargin.wrappers.Surprises"] * 2, "Surprises twice"),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_everything_else_is_refused_by_name(case: str) -> None:
    given, words = REFUSED[case]
    with pytest.raises(ValueError, match=words.replace("?", r"\?")):
        adapters_of(given)


def test_names_import_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "harmful.py").write_text("raise SystemExit('imported')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    loaded = set(sys.modules)
    for name in ("harmful.Wrapper", "harmful", "thinmargin.backtest.__main__.main"):
        with pytest.raises(ValueError, match="allowed are"):
            adapters_of([{name: {}}])
    assert set(sys.modules) == loaded


def test_an_adapter_of_ones_own_is_wrapped_alike(bits: Bits) -> None:
    class Halved(Adapter):
        """Half the action."""

        def act(self, observations: Any, actions: Any) -> Any:
            del observations
            return np.asarray(actions) * 0.5

    one, many, bare = (
        AdaptedEnv(EcosystemEnv(), Halved()),
        AdaptedVectorEnv(EcosystemVectorEnv(1), Halved()),
        EcosystemEnv(),
    )
    for env in (one, many, bare):
        env.reset(seed=0)
    action = np.array([0.5, -0.5, 1.0, 0.0])
    assert bits(one.step(action)) == bits(bare.step(action * 0.5))
    assert bits(many.step(action[None])[0][0]) == bits(bare._observation())
