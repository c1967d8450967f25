"""The shipped presets are rl-zoo3's own form: what its loader (2.9.2) does with them is done here without it."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import yaml
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.noise import NormalActionNoise

from thinmargin import ENVIRONMENTS, MONTHLY_DISCOUNT
from thinmargin.baselines import BASELINES
from thinmargin.scenarios import family_of
from thinmargin.wrappers import ADAPTERS
from thinmargin_agents.config.limits import Device
from thinmargin_agents.config.preset import BESIDE, LAMBDA_START, ON_GPU, PAIRED, PRESETS, load_preset, resolve
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.sb3.algorithms import CLASSES

FILES = sorted(PRESETS.glob("*.yml"))
IDS = {entry.id: entry.kwargs for entry in ENVIRONMENTS}
LOADER = {
    "n_timesteps", "n_envs", "env_wrapper", "env_kwargs", "vec_env_wrapper", "monitor_kwargs", "frame_stack",
    "callback", "normalize", "noise_type", "noise_std",
}  # fmt: skip
"""Names that the loader takes out before it makes the algorithm; every other one must be the algorithm's."""
DEVICES: tuple[Device, ...] = ("cpu", "cuda")
WORDS = re.compile(r"MlpPolicy|MlpLstmPolicy|lin_[0-9.e+-]+|auto(_[0-9.]+)?|normal|shaped|profit")
"""The texts that are allowed, beside names of wrappers and base policies: the loader evaluates some texts as Python."""


def algorithm_of(path: Path) -> str:
    """`ppo_plan.yml` is of ppo, `ppo_lstm.yml` of ppo_lstm."""
    return max((name for name in CLASSES if f"{path.stem}_".startswith(f"{name}_")), key=len)


def sections_of(path: Path) -> dict[str, Any]:
    """Hyper-parameters by environment id or `default`."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {name: section for name, section in content.items() if name not in BESIDE}


def wrappers_of(section: dict[str, Any]) -> list[tuple[Any, Any]]:
    """Names and arguments, as the loader reads them."""
    listed = section.get("env_wrapper") or []
    items = listed if isinstance(listed, list) else [listed]
    return [next(iter(item.items())) if isinstance(item, dict) else (item, {}) for item in items]


def texts(value: Any) -> Iterator[str]:
    """Every text inside, names left out."""
    if isinstance(value, str):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts(item)


def problems(algo: str, content: Any) -> list[str]:
    """Entries that the loader cannot read, or that we promise not to have."""
    if not isinstance(content, dict) or not isinstance(content.get("default"), dict):
        return ["no section 'default'"]
    found = []
    known = LOADER | set(inspect.signature(CLASSES[algo]).parameters)
    paired = content.get(PAIRED, {})
    for name, section in content.items():
        if name in BESIDE:
            continue
        where = f"section {name!r}: "
        if name != "default" and name not in IDS:
            found.append(f"{where}no registered id")
        found += [f"{where}unknown name {key!r}" for key in section if key not in known]
        found += [f"{where}{key} is missing" for key in ("n_timesteps", "policy", "gamma") if key not in section]
        if abs(section.get("gamma", 0.0) - MONTHLY_DISCOUNT) > 5e-7:
            found.append(f"{where}gamma is not the benchmark's")
        if section.get("env_kwargs", {}).get("split", "train") != "train":
            found.append(f"{where}trains on worlds that are kept for judging")
        for wrapper, arguments in wrappers_of(section):
            if wrapper not in ADAPTERS or not isinstance(arguments, dict):
                found.append(f"{where}wrapper {wrapper!r} with {arguments!r}")
        rest = {key: item for key, item in section.items() if key != "env_wrapper"}
        found += [f"{where}text {text!r}" for text in texts(rest) if not WORDS.fullmatch(text)]
        copies = paired.get(name, paired.get("default", 1))
        if not isinstance(copies, int) or copies < 1 or section.get("n_envs", 1) % copies:
            found.append(f"{where}{copies} paired worlds of {section.get('n_envs')} firms")
    found += [f"paired worlds of {name!r}" for name in paired if name != "default" and name not in IDS]
    start = content.get(LAMBDA_START, {})
    found += [f"{LAMBDA_START} of {name!r}" for name in start if name != "default" and name not in IDS]
    found += [f"{LAMBDA_START} is {value}" for value in start.values() if not 0.0 <= value <= 1.0]
    on_gpu = content.get(ON_GPU, {})
    found += [f"{ON_GPU} of {name!r}" for name in on_gpu if name != "default" and name not in IDS]
    return found + [
        f"{ON_GPU}: unknown name {key!r}" for larger in on_gpu.values() for key in larger if key not in known
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_preset_has_the_form_of_rl_zoo3(path: Path) -> None:
    assert problems(algorithm_of(path), yaml.safe_load(path.read_text(encoding="utf-8"))) == []


def test_every_algorithm_has_a_preset_of_its_name() -> None:
    assert set(CLASSES) <= {path.stem for path in FILES}


SOUND = """
default:
  n_timesteps: 1000
  policy: MlpPolicy
  gamma: 0.9920888
  n_envs: 8
  env_wrapper: [thinmargin.wrappers.Surprises, {thinmargin.wrappers.Residual: {bound: 0.5}}]
  policy_kwargs: {net_arch: [8]}
paired_worlds: {default: 4}
"""
BROKEN: dict[str, tuple[str, str, str]] = {
    "no default": ("default:", "ThinMargin/Ecosystem-v1:", "no section 'default'"),
    "code": ("{net_arch: [8]}", "dict(net_arch=[8])", "text 'dict(net_arch=[8])'"),
    "paired worlds in a section": ("n_envs: 8", "paired_worlds: 8", "unknown name 'paired_worlds'"),
    "a name of another algorithm": ("n_envs: 8", "train_freq: 8", "unknown name 'train_freq'"),
    "no discount": ("gamma: 0.9920888", "verbose: 0", "gamma is missing"),
    "another discount": ("0.9920888", "0.99209", "gamma is not the benchmark's"),
    "no budget": ("n_timesteps: 1000", "verbose: 0", "n_timesteps is missing"),
    "firms that cannot be paired": ("n_envs: 8", "n_envs: 6", "4 paired worlds of 6 firms"),
    "a foreign wrapper": ("thinmargin.wrappers.Surprises", "os.system", "wrapper 'os.system'"),
    "a wrapper with nothing behind its colon": ("{bound: 0.5}", "", "wrapper 'thinmargin.wrappers.Residual' with None"),
    "worlds kept for judging": ("n_envs: 8", "env_kwargs: {split: test}", "kept for judging"),
    "a GPU for an unknown id": (
        "paired_worlds:",
        "on_gpu: {CartPole-v1: {}}\npaired_worlds:",
        "on_gpu of 'CartPole-v1'",
    ),
    "a GPU with another name": ("paired_worlds:", "on_gpu: {default: {tau: 1}}\npaired_worlds:", "unknown name 'tau'"),
    "an unknown id": ("paired_worlds: {default: 4}", "CartPole-v1: {gamma: 0.9920888}", "no registered id"),
}


def test_a_preset_without_a_problem_has_none() -> None:
    assert problems("ppo", yaml.safe_load(SOUND)) == []


@pytest.mark.parametrize("preset", ["default", "ppo_plan"])
@pytest.mark.parametrize("env", list(IDS))
def test_a_gpu_gets_more_firms_and_as_many_updates(preset: str, env: str) -> None:
    if preset == "ppo_plan" and IDS[env].get("discrete"):
        pytest.skip("it corrects a plan, which a grid of levers cannot")
    cpu, gpu = (resolve(TrainConfig(preset=preset, env=env, device=device)).hyperparameters for device in DEVICES)
    times = gpu["n_envs"] / cpu["n_envs"]
    assert times == 1 if "OneState" in env and preset == "default" else times > 1
    assert gpu["batch_size"] == times * cpu["batch_size"]
    assert gpu["n_timesteps"] == times * cpu["n_timesteps"]
    changed = {"n_envs", "batch_size", "n_timesteps"}
    assert {name: value for name, value in gpu.items() if name not in changed} == {
        name: value for name, value in cpu.items() if name not in changed
    }


def test_a_flag_counts_more_than_the_batches_for_a_gpu() -> None:
    given = TrainConfig(device="cuda", n_envs=64, total_timesteps=1000, hyperparams=("batch_size=32",))
    values = resolve(given).hyperparameters
    assert (values["n_envs"], values["n_timesteps"], values["batch_size"]) == (64, 1000, 32)


@pytest.mark.parametrize("case", list(BROKEN))
def test_a_broken_preset_is_noticed(case: str) -> None:
    old, new, problem = BROKEN[case]
    assert old in SOUND
    assert any(problem in found for found in problems("ppo", yaml.safe_load(SOUND.replace(old, new))))


def loaded(algo: str, env_id: str, section: dict[str, Any]) -> Any:
    """The model that rl-zoo3 makes of a section, with few firms and little memory."""
    values = dict(section)
    layers = []
    for name, arguments in wrappers_of(values):
        module, _, class_name = name.rpartition(".")
        layers.append((getattr(importlib.import_module(module), class_name), arguments))

    def wrap(env: gymnasium.Env[Any, Any]) -> gymnasium.Env[Any, Any]:
        for layer, arguments in layers:
            env = layer(env, **arguments)
        return env

    envs = make_vec_env(env_id, 2, seed=0, env_kwargs=values.get("env_kwargs", {}), wrapper_class=wrap)
    for name in ("learning_rate", "clip_range"):
        if isinstance(values.get(name), str):
            first = float(values[name].split("_")[1])
            values[name] = lambda left, first=first: left * first
    if "noise_type" in values:
        size = envs.action_space.shape
        values["action_noise"] = NormalActionNoise(np.zeros(size), np.full(size, values["noise_std"]))
    if "buffer_size" in values:
        values |= {"buffer_size": 64, "learning_starts": 6, "batch_size": 4}
    else:
        values |= {"n_steps": 4} | ({"batch_size": 8} if "batch_size" in values else {})
    assert values.keys() - LOADER
    return CLASSES[algo](env=envs, seed=0, device="cpu", **{k: v for k, v in values.items() if k not in LOADER})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "name"),
    [(path, name) for path in FILES for name in sections_of(path)],
    ids=lambda item: item.stem if isinstance(item, Path) else item,
)
def test_a_section_trains_as_rl_zoo3_would_train_it(path: Path, name: str) -> None:
    section = sections_of(path)[name]
    env_id = "ThinMargin/Ecosystem-v1" if name == "default" else name
    model = loaded(algorithm_of(path), env_id, section)
    model.learn(16)
    assert model.num_timesteps >= 16
    seen = model.observation_space.sample()
    assert model.action_space.contains(model.predict(seen)[0])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_our_own_loader_reads_the_same(path: Path) -> None:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    for env_id in IDS:
        section = content.get(env_id, content["default"])
        found, env_kwargs = load_preset(path.stem, algorithm_of(path), env_id)
        own = {name: content.get(name, {}) for name in (PAIRED, LAMBDA_START)}
        beside = {name: values.get(env_id, values.get("default")) for name, values in own.items()}
        assert env_kwargs == section.get("env_kwargs", {})
        expected = {key: item for key, item in section.items() if key != "env_kwargs"}
        assert found == expected | {name: value for name, value in beside.items() if value is not None}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_a_preset_corrects_is_a_shipped_rule_and_no_preset_is_for_held_out_worlds(path: Path) -> None:
    for name, section in sections_of(path).items():
        for wrapper, arguments in wrappers_of(section):
            if wrapper.endswith(".Residual"):
                assert arguments.get("base", "plan") in set(BASELINES) - {"random"}
        if name != "default":
            assert not family_of(str(IDS[name]["worlds"])).held_out
