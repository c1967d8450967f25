"""The settings of training that a stock zip tells: compared with the flags, taken over, or named as not taken over."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm

from thinmargin.shown import plain, shown
from thinmargin_agents.config.algorithms import ALGORITHMS, CONTINUOUS
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.hyperparameters import NOT_SB3_ARGUMENTS, checked, flat, merged, names_of
from thinmargin_agents.config.limits import LIMITS
from thinmargin_agents.config.run import Run
from thinmargin_agents.import_sb3.origin import TYPE, class_told, fields_of, full_name
from thinmargin_agents.import_sb3.values import UNTOLD, noise_told, same, value_told, words_of
from thinmargin_agents.sb3.algorithms import CLASSES
from thinmargin_agents.sb3.building import check_spaces

BY_WEIGHTS = frozenset({
    "net_arch", "activation_fn", "lstm_hidden_size", "n_lstm_layers", "enable_critic_lstm", "n_critics", "n_quantiles",
})  # fmt: skip
"""Settings of a network that its weights tell, and the activation, which is compared before."""
NO_SETTINGS = frozenset({
    "self", "policy", "env", "policy_kwargs", "action_noise", "seed", "device", "verbose", "_init_setup_model",
    "use_rms_prop", "rms_prop_eps",
})  # fmt: skip
"""Arguments of the library's classes that are no settings of training, or are told otherwise."""
RMS_PROP = "torch.optim.rmsprop.RMSprop"
RMS_PROP_USUAL = {"alpha": 0.99, "eps": 1e-05, "weight_decay": 0}
"""What A2C gives its optimizer where nothing else is set."""
BUFFERS = "stable_baselines3.common.buffers"
MONTHS = {"n_envs": "n_envs", "n_timesteps": "num_timesteps"}
"""Hyper-parameters that a zip tells under names of its own."""


def with_training(
    file: Path, told: Mapping[str, Any], run: Run, given: Collection[str], seed: int | None = None
) -> tuple[Run, list[str]]:
    """The run with the settings of training that the zip tells, and in words those that are not taken over.

    Args:
        file: the zip, for messages.
        told: its settings.
        run: what the flags describe.
        given: hyper-parameters of --hyperparams, which the zip may not contradict.
        seed: of --seed; None if it is not given.

    Raises:
        ConfigError: the flags contradict the zip, or months or firms of the zip are none that a run can have.
    """
    found: dict[str, Any] = {}
    left: list[str] = []
    ours = flat(run.hyperparameters)
    for name, (value, original) in _settings_told(told, run).items():
        if value is not UNTOLD and name in given and not _agrees(name, value, ours[name], run):
            raise contradiction(file, run.algo, name, value, ours[name])
        taken = _allowed(file, run.algo, name, value)
        if taken is UNTOLD:
            if name in MONTHS and original is not UNTOLD and value not in (0, None):
                checked(plain(file), run.algo, {name: original})
            left.append(f"{name} {words_of(original)}" if original is not UNTOLD else f"{name} (not in the zip)")
        elif taken is not None or ours.get(name) is not None:
            found[name] = taken
    _add_noise(file, told, run, given, found, left)
    left += _others(told, run)
    taken_seed = _seed(file, told.get("seed"), seed, left)
    return dataclasses.replace(run, seed=taken_seed, hyperparameters=merged(run.hyperparameters, found)), left


def contradiction(file: Path, algo: str, name: str, theirs: object, ours: object) -> ConfigError:
    """The error of a flag that says something else than the zip, with what to write instead."""
    try:
        checked("", algo, {name: theirs})
        cure = f"give --hyperparams '{name}={words_of(theirs)}', or the --preset that it was trained with"
    except ConfigError:
        cure = f"leave {name} out"
    return ConfigError(
        f"{plain(file)}: was trained with {name} {words_of(theirs)}, and the flags say {words_of(ours)}: {cure}"
    )


def usual_of(kind: type, name: str) -> Any:
    """What an argument of a class is where it is not given; UNTOLD if the class has none of this name."""
    parameter = inspect.signature(kind.__init__).parameters.get(name)  # type: ignore[misc]  # of the class itself
    return UNTOLD if parameter is None or parameter.default is inspect.Parameter.empty else parameter.default


def network_class(algo: str) -> type:
    """The library's class of an algorithm's network."""
    return CLASSES[algo].policy_aliases[ALGORITHMS[algo].policy]


def _settings_told(told: Mapping[str, Any], run: Run) -> dict[str, tuple[Any, Any]]:
    """Hyper-parameters by name: the value told, or UNTOLD, and what stands in the zip."""
    network = told.get("policy_kwargs")
    found: dict[str, tuple[Any, Any]] = {}
    for name in names_of(run.algo):
        inner = name.removeprefix("policy_kwargs.")
        if inner != name:
            if inner in BY_WEIGHTS or not isinstance(network, Mapping):
                continue
            usual = usual_of(network_class(run.algo), inner)
            original = fields_of(network).get(inner, usual)
        elif name == "paired_worlds":
            original = 1
        elif name == "use_rms_prop":
            if not isinstance(network, Mapping):
                continue
            optimizer = fields_of(network).get("optimizer_class")
            original = optimizer is not None and class_told(optimizer) == RMS_PROP
        elif name == "use_sde" or (name in NOT_SB3_ARGUMENTS and name not in MONTHS):
            continue
        else:
            original = told.get(MONTHS.get(name, name), UNTOLD)
        found[name] = (value_told(original), original)
    return found


def _agrees(name: str, theirs: Any, ours: Any, run: Run) -> bool:
    """Whether a flag says what the zip tells."""
    if name == "target_entropy" and ours == "auto":
        _, actions = check_spaces(run)
        ours = -float(np.prod(actions.shape or ()))
    return same(theirs, ours)


def _allowed(file: Path, algo: str, name: str, value: Any) -> Any:
    """The value as a run here has it; UNTOLD if none may have it."""
    if value is UNTOLD:
        return UNTOLD
    try:
        return flat(checked(str(file), algo, {name: value}))[name]
    except ConfigError:
        return UNTOLD


def _add_noise(
    file: Path, told: Mapping[str, Any], run: Run, given: Collection[str], found: dict[str, Any], left: list[str]
) -> None:
    """Compare and take over the noise that is added to actions, of algorithms whose actions have some."""
    original = told.get("action_noise", UNTOLD)
    deviation = UNTOLD if original is UNTOLD else noise_told(original)
    if run.algo not in CONTINUOUS:
        if original not in (None, UNTOLD):
            left.append(f"action_noise {words_of(original)}")
        return
    ours = flat(run.hyperparameters)
    kind = "normal" if deviation else None
    for name, value in (("noise_type", kind), ("noise_std", deviation)):
        if name not in given or original is UNTOLD:
            continue
        if deviation is UNTOLD:
            raise ConfigError(
                f"{plain(file)}: was trained with action_noise {words_of(original)}, and the flags say {name}"
                f" {words_of(ours[name])}: leave {name} out"
            )
        if not same(value, ours[name]):
            raise contradiction(file, run.algo, name, value, ours[name])
    if deviation is UNTOLD or _allowed(file, run.algo, "noise_std", deviation) is UNTOLD:
        words = "(not in the zip)" if original is UNTOLD else words_of(original)
        left.append(f"action_noise {words}")
    elif deviation or ours.get("noise_type") or ours.get("noise_std"):
        found |= {"noise_type": kind, "noise_std": deviation}


def _others(told: Mapping[str, Any], run: Run) -> list[str]:
    """In words, settings of the zip that no run here has and that are not what the library has by default."""
    left = []
    kind: type[BaseAlgorithm] = CLASSES[run.algo]
    for name in inspect.signature(kind).parameters:
        original = told.get(name, told.get(f"_{name}"))
        if name in NO_SETTINGS or name in names_of(run.algo) or _is_usual(original, usual_of(kind, name)):
            continue
        left.append(f"{name} {words_of(original)}")
    network = fields_of(told.get("policy_kwargs"))
    optimizer = class_told(network.get("optimizer_class", ""))
    for name, original in network.items():
        if f"policy_kwargs.{name}" in names_of(run.algo) or _is_usual(
            original, usual_of(network_class(run.algo), name)
        ):
            continue
        if name == "use_sde" and original == told.get("use_sde"):
            continue
        of_a2c = run.algo == "a2c" and optimizer == RMS_PROP
        if of_a2c and (name == "optimizer_class" or (name == "optimizer_kwargs" and original == RMS_PROP_USUAL)):
            continue
        left.append(f"policy_kwargs.{plain(name)} {words_of(original)}")
    return left


def _is_usual(value: Any, usual: Any) -> bool:
    """Whether a value of the zip is the library's own."""
    if value is None or value == {}:
        return usual in (None, UNTOLD)
    if isinstance(usual, type):
        return class_told(value) == full_name(usual)
    if isinstance(value, Mapping) and TYPE in value and usual is None:
        return fields_of(value).get("__module__") == BUFFERS
    read = value_told(value)
    return read is not UNTOLD and same(read, usual)


def _seed(file: Path, theirs: Any, ours: int | None, left: list[str]) -> int:
    """The seed of the zip, or that of --seed where the zip has none; they may not contradict each other."""
    if isinstance(theirs, bool) or not isinstance(theirs, int):
        if theirs is not None:
            left.append(f"seed {words_of(theirs)}")
        return ours or 0
    low, high = LIMITS["seed"]
    fits = low <= theirs <= high
    if ours is not None and ours != theirs:
        cure = f"give --seed {shown(theirs)}, or leave it out" if fits else "leave it out"
        raise ConfigError(f"{plain(file)}: was trained with seed {shown(theirs)}, and --seed is {ours}: {cure}")
    if not fits:
        left.append(f"seed {words_of(theirs)}")
    return theirs if fits else 0
