"""The registered ids: both spellings, the native vector class, specs as JSON, worker processes."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.error import DeprecatedEnv, NameNotFound, VersionNotFound
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

import thinmargin
from thinmargin.env import EcosystemEnv
from thinmargin.families import FAMILY_TABLE
from thinmargin.registration import ENVIRONMENTS, register_environments
from thinmargin.settings import Settings
from thinmargin.vector import EcosystemVectorEnv

IDS = [entry.id for entry in ENVIRONMENTS]
BENCHMARK = "ThinMargin/Ecosystem-v1"
SCENARIOS = [name for name, entry in FAMILY_TABLE.items() if entry.held_out]

MAKE_ALL_FROM_ELSEWHERE = """
import sys, gymnasium
for name in sys.argv[1:]:
    env = gymnasium.make("thinmargin:" + name, horizon=2)
    env.reset(seed=0)
    env.step(env.action_space.sample())
    vector = gymnasium.make_vec("thinmargin:" + name, num_envs=3, horizon=2)
    vector.reset(seed=0)
    vector.step(vector.action_space.sample())
    print(env.spec.id, type(vector.unwrapped).__name__)
"""

HEAVY_MODULES_AFTER_IMPORT = """
import sys, thinmargin
heavy = {"numba", "llvmlite", "matplotlib", "torch", "scipy", "pandas", "stable_baselines3", "thinmargin_agents"}
print(sorted(heavy & set(sys.modules)))
"""

BARE_ID_WITHOUT_IMPORT = """
import gymnasium
try:
    gymnasium.make("ThinMargin/Ecosystem-v1")
except gymnasium.error.NamespaceNotFound as error:
    print(error)
"""


def test_the_ids_are_the_documented_ones() -> None:
    assert {entry.id: entry.kwargs for entry in ENVIRONMENTS if entry.kwargs["worlds"] not in SCENARIOS} == {
        "ThinMargin/Ecosystem-v1": {"worlds": "benchmark"},
        "ThinMargin/EcosystemCalibrated-v1": {"worlds": "calibrated"},
        "ThinMargin/EcosystemDiscrete-v1": {"worlds": "benchmark", "discrete": True},
        "ThinMargin/EcosystemContinuing-v1": {"worlds": "benchmark", "closing": "none"},
        "ThinMargin/EcosystemOneState-v1": {"worlds": "one_state", "horizon": 60, "closing": "playbook"},
    }
    assert thinmargin.BENCHMARK == BENCHMARK == IDS[0]
    assert {name for name in gymnasium.registry if name.startswith("ThinMargin/")} == set(IDS)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_is_registered_under_its_name_and_nothing_else_is_set(name: str) -> None:
    words = "".join(word.capitalize() for word in name.split("_"))
    assert [entry.kwargs for entry in ENVIRONMENTS if entry.id == f"ThinMargin/{words}-v1"] == [{"worlds": name}]


@pytest.mark.parametrize("entry", ENVIRONMENTS, ids=lambda entry: entry.id)
def test_a_bare_id_makes_the_environment_its_entry_describes(entry: Any) -> None:
    env = gymnasium.make(entry.id)
    assert type(env.unwrapped) is EcosystemEnv
    assert env.unwrapped.settings == Settings(**entry.kwargs)
    assert env.unwrapped.settings.horizon == entry.kwargs.get("horizon", 180)
    assert env.unwrapped.settings.split == "train"
    assert isinstance(env.action_space, gymnasium.spaces.Discrete) == entry.kwargs.get("discrete", False)


@pytest.mark.slow
def test_every_id_is_made_from_another_folder_without_an_import(fresh_python: Any) -> None:
    assert fresh_python(MAKE_ALL_FROM_ELSEWHERE, *IDS).splitlines() == [f"{name} EcosystemVectorEnv" for name in IDS]


def test_a_bare_id_needs_the_import(fresh_python: Any) -> None:
    assert "ThinMargin" in fresh_python(BARE_ID_WITHOUT_IMPORT)


def test_importing_the_package_imports_nothing_heavy(fresh_python: Any) -> None:
    assert fresh_python(HEAVY_MODULES_AFTER_IMPORT) == "[]"


def test_registering_twice_is_silent_and_changes_nothing() -> None:
    before = dict(gymnasium.registry)
    register_environments()
    assert dict(gymnasium.registry) == before


@pytest.mark.parametrize("entry", ENVIRONMENTS, ids=lambda entry: entry.id)
def test_keyword_arguments_are_json_scalars(entry: Any) -> None:
    assert all(type(value) in (str, bool, int, float, type(None)) for value in entry.kwargs.values())
    assert json.loads(json.dumps(entry.kwargs)) == entry.kwargs
    assert gymnasium.spec(entry.id).kwargs == entry.kwargs


@pytest.mark.parametrize("name", IDS)
def test_a_spec_survives_json(name: str, bits: Callable[[Any], Any]) -> None:
    first = gymnasium.make(name, horizon=3, reward="shaped", parameters={"price_slope": 4.5})
    assert first.spec is not None
    spec = EnvSpec.from_json(first.spec.to_json())
    assert spec == first.spec
    second = gymnasium.make(spec)
    assert second.unwrapped.settings == first.unwrapped.settings
    assert bits(first.reset(seed=3)) == bits(second.reset(seed=3))
    first.action_space.seed(0)
    for _ in range(3):
        action = first.action_space.sample()
        assert bits(first.step(action)) == bits(second.step(action))


@pytest.mark.parametrize("entry", ENVIRONMENTS, ids=lambda entry: entry.id)
def test_make_vec_uses_the_native_vector_class(entry: Any) -> None:
    envs = gymnasium.make_vec(entry.id, num_envs=3)
    assert type(envs.unwrapped) is EcosystemVectorEnv
    assert envs.unwrapped.settings == Settings(**entry.kwargs)
    assert envs.num_envs == 3
    assert envs.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    assert envs.spec is not None
    assert envs.spec.id == entry.id


def test_make_vec_steps_1024_environments() -> None:
    envs = gymnasium.make_vec(BENCHMARK, num_envs=1024, horizon=2)
    observations, infos = envs.reset(seed=0)
    assert observations.shape == (1024, 32)
    assert len(np.unique(infos["world"])) == 1024
    observations, rewards, terminated, _, infos = envs.step(np.zeros((1024, 4), np.float32))
    assert envs.observation_space.contains(observations)
    assert rewards.shape == terminated.shape == infos["world"].shape == (1024,)
    assert envs.step(np.zeros((1024, 4), np.float32))[2].all()


def test_keyword_arguments_of_make_reach_scalar_and_vector_alike() -> None:
    arguments = {
        "worlds": "calibrated",
        "reward": "shaped",
        "closing": "none",
        "horizon": 7,
        "split": "validation",
        "parameters": {"fixed_cost": 30.0},
        "discrete": True,
    }
    one = gymnasium.make(BENCHMARK, **arguments)
    many = gymnasium.make_vec(BENCHMARK, num_envs=2, **arguments)
    assert one.unwrapped.settings == many.unwrapped.settings == Settings(**arguments)


def test_an_unknown_id_is_refused_with_the_close_one() -> None:
    with pytest.raises(NameNotFound, match="Did you mean: `Ecosystem`"):
        gymnasium.make("ThinMargin/Ecosytem-v1")
    with pytest.raises(VersionNotFound, match=r"`v9`.*`v1`"):
        gymnasium.make("ThinMargin/Ecosystem-v9")


@pytest.mark.parametrize("name", IDS)
def test_ids_of_the_first_version_are_gone_with_its_economy(name: str) -> None:
    assert name.endswith("-v1")
    with pytest.warns(DeprecationWarning, match="`v1`"), pytest.raises(DeprecatedEnv, match="v1"):
        gymnasium.make(name.replace("-v1", "-v0"))


@pytest.mark.slow
@pytest.mark.parametrize("context", ["spawn", "forkserver"])
def test_ids_work_inside_worker_processes(context: str, bits: Callable[[Any], Any]) -> None:
    makers = [partial(gymnasium.make, f"thinmargin:{BENCHMARK}", horizon=3) for _ in range(2)]
    mode = AutoresetMode.SAME_STEP
    apart = AsyncVectorEnv(makers, context=context, autoreset_mode=mode)
    try:
        here = SyncVectorEnv(makers, autoreset_mode=mode)
        assert bits(apart.reset(seed=0)) == bits(here.reset(seed=0))
        for action in np.random.default_rng(0).uniform(-1, 1, (4, 2, 4)).astype(np.float32):
            assert bits(apart.step(action)) == bits(here.step(action))
    finally:
        apart.close()


def test_the_version_is_public() -> None:
    assert thinmargin.__version__.count(".") == 2
    assert thinmargin.MONTHLY_DISCOUNT == 1.10 ** (-1 / 12)
