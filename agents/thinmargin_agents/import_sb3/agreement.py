"""Whether the settings that a stock zip tells are those that the flags describe, and those it tells beside them.

The weights alone do not tell how a network is played: of two activations, both fit. The zip's own JSON does. What
decides how the model plays must agree; what decided only how it was trained is taken over.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from stable_baselines3.common.torch_layers import FlattenExtractor

from thinmargin.shown import plain
from thinmargin_agents.config.algorithms import ALGORITHMS
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.hyperparameters import NOT_SB3_ARGUMENTS, checked, merged, names_of
from thinmargin_agents.config.run import Run
from thinmargin_agents.import_sb3.origin import (
    SERIALIZED,
    TYPE,
    check_algorithm,
    class_told,
    fields_of,
    full_name,
)
from thinmargin_agents.import_sb3.pickled import numbers_in
from thinmargin_agents.sb3.algorithms import ACTIVATIONS, CLASSES, policy_class
from thinmargin_agents.sb3.building import check_spaces

TRAINED_ONLY = frozenset({
    "ortho_init", "log_std_init", "optimizer_class", "optimizer_kwargs", "normalize_images", "full_std", "use_expln",
    "share_features_extractor", "n_critics", "n_quantiles", "use_sde",
})  # fmt: skip
"""Settings of a network that do not change what it does with the weights of the zip, or that these weights tell."""
BY_WEIGHTS = frozenset({"net_arch", "lstm_hidden_size", "n_lstm_layers", "enable_critic_lstm", "shared_lstm"})
"""Settings of a network that the names and shapes of its weights tell."""
SPACE_PACKAGES = ("gymnasium", "gym")
"""Where spaces of Stable-Baselines3 come from; those of old versions from the second."""
NORMALIZED = "vecnormalize.pkl"


def check_agreement(file: Path, told: Mapping[str, Any], run: Run) -> None:
    """Raise ConfigError unless the model plays as the run describes it.

    Args:
        file: the zip, for messages.
        told: its settings.
        run: what the flags describe.
    """
    check_algorithm(file, told, run.algo)
    policy_class(run)
    observations, actions = check_spaces(run)
    _check_space(file, "observation_space", told.get("observation_space"), observations)
    _check_space(file, "action_space", told.get("action_space"), actions)
    _check_not_normalized(file, told, run, observations)
    wanted = bool(run.hyperparameters.get("use_sde", False))
    if isinstance(told.get("use_sde"), bool) and told["use_sde"] != wanted:
        raise _contradiction(file, "use_sde", told["use_sde"], wanted)
    _check_network(file, fields_of(told.get("policy_kwargs")), run)


def with_training(file: Path, told: Mapping[str, Any], run: Run, given: Collection[str]) -> tuple[Run, list[str]]:
    """The run with the settings of training that the zip tells, and those whose value it does not tell.

    Args:
        file: the zip, for messages.
        told: its settings.
        run: what the flags describe.
        given: hyper-parameters of --hyperparams, which the zip may not contradict.
    """
    found: dict[str, Any] = {"paired_worlds": 1} if "paired_worlds" in run.hyperparameters else {}
    unknown = []
    for name in names_of(run.algo):
        if name in NOT_SB3_ARGUMENTS or "." in name or name == "use_sde" or name not in told:
            continue
        value = told[name]
        if value is None:
            continue
        if not isinstance(value, (bool, int, float, str)):
            unknown.append(name)
            continue
        try:
            (value,) = checked(str(file), run.algo, {name: value}).values()
        except ConfigError:
            unknown.append(name)
            continue
        if name in given and run.hyperparameters[name] != value:
            raise _contradiction(file, name, value, run.hyperparameters[name])
        found[name] = value
    for name, key in (("n_envs", "n_envs"), ("n_timesteps", "num_timesteps")):
        value = told.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            if name in given and run.hyperparameters[name] != value:
                raise _contradiction(file, name, value, run.hyperparameters[name])
            found[name] = value
    return dataclasses.replace(run, hyperparameters=merged(run.hyperparameters, found)), unknown


def _contradiction(file: Path, name: str, theirs: object, ours: object) -> ConfigError:
    return ConfigError(
        f"{plain(file)}: was trained with {name} {_said(theirs)}, and the flags say {_said(ours)}: give --hyperparams"
        f" '{name}={_said(theirs)}', or the --preset that it was trained with"
    )


def _said(value: object) -> str:
    """A value as --hyperparams takes it, in a message."""
    return str(value).lower() if isinstance(value, bool) else plain(value)


def _check_space(file: Path, what: str, theirs: Any, ours: spaces.Space[Any]) -> None:
    """Raise ConfigError if a space of the zip is another one, as far as its settings tell."""
    fields = fields_of(theirs)
    if not fields:
        return
    flags = "--env, --env-kwargs, --preset and wrappers must be those of its training"
    kind = class_told(theirs.get(TYPE, ""))
    is_box = isinstance(ours, spaces.Box)
    if kind and (kind.partition(".")[0] not in SPACE_PACKAGES or kind.rpartition(".")[2] != type(ours).__name__):
        raise ConfigError(f"{plain(file)}: its {what} is {_said(kind)}, and the flags describe {ours}: {flags}")
    if not is_box:
        count = str(fields.get("n", "")).strip()
        if count.isdecimal() and int(count) != int(getattr(ours, "n", -1)):
            raise ConfigError(
                f"{plain(file)}: its {what} has {_said(count)} actions, and the flags describe {ours}: {flags}"
            )
        return
    assert isinstance(ours, spaces.Box)  # noqa: S101  # said above
    shape = fields.get("_shape")
    if isinstance(shape, list) and shape != list(ours.shape):
        raise ConfigError(
            f"{plain(file)}: its {what} has shape {_said(shape)}, and the flags describe {ours.shape}: {flags}"
        )
    for end in ("low", "high"):
        numbers, wanted = _numbers(fields.get(end)), getattr(ours, end)
        if numbers is None or numbers.shape != ours.shape:
            continue
        apart = np.flatnonzero(~np.isclose(numbers, wanted, atol=1e-6))
        if len(apart):
            place = int(apart[0])
            raise ConfigError(
                f"{plain(file)}: its {what} has {end} {numbers[place]:g} in place {place}, and the flags describe"
                f" {wanted[place]:g}: {flags}"
            )


def _numbers(text: Any) -> Any:
    """The numbers of an array that NumPy has printed whole; None for anything else."""
    if not isinstance(text, str) or "..." in text:
        return None
    try:
        return np.array([float(word) for word in text.replace("[", " ").replace("]", " ").split()])
    except ValueError:
        return None


def _check_not_normalized(file: Path, told: Mapping[str, Any], run: Run, observations: spaces.Box) -> None:
    """Raise ConfigError if the model saw observations through VecNormalize, whose statistics the zip does not have.

    What it saw last must be an observation of the environment, and before its first month the one that it gave: later
    the two that are kept are of different months. A model that was saved before it saw anything tells nothing.
    """
    beside = [path for path in (file.parent / NORMALIZED, file.with_suffix("") / NORMALIZED) if path.is_file()]
    last, original = (_pickle_of(told.get(name)) for name in ("_last_obs", "_last_original_obs"))
    columns = int(np.prod(observations.shape))
    seen, given = (numbers_in(one, np.dtype(np.float32), columns) for one in (last, original))
    same_month = told.get("num_timesteps") == 0
    why = ""
    if beside:
        why = f"{plain(beside[0])} lies beside it"
    elif seen is not None and not all(observations.contains(row) for row in seen):
        why = "what it saw last is no observation of this environment"
    elif seen is not None and given is not None and same_month and not _alike(seen, given):
        why = "what it saw last is not what the environment gave"
    elif seen is None and ALGORITHMS[run.algo].on_policy and original is not None:
        why = "it keeps what it saw last in two forms"
    if why:
        raise ConfigError(
            f"{plain(file)}: was trained behind VecNormalize, as {why}: a run folder has no statistics of"
            " observations; train"
            " without it (observations are scaled already), or with norm_obs=False and without the file"
        )


def _alike(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    """Whether two batches of observations are the same ones."""
    return one.shape == other.shape and bool(np.allclose(one, other, rtol=1e-4, atol=1e-6))


def untold(told: Mapping[str, Any]) -> str:
    """In words, what cannot be told of a model that was saved before it saw anything; empty for any other."""
    if told.get("_last_obs") is not None:
        return ""
    return (
        "the zip has no observation that the model saw, so it does not tell whether it was trained, or to be played,"
        " behind VecNormalize: a run folder plays it without"
    )


def _pickle_of(value: Any) -> Any:
    """The pickle of a value that JSON cannot hold, in base64; None if it is none."""
    return value.get(SERIALIZED) if isinstance(value, Mapping) else None


def _check_network(file: Path, theirs: Mapping[str, Any], run: Run) -> None:
    """Raise ConfigError if the network of the zip answers otherwise than that of the flags with the same weights."""
    ours = run.hyperparameters.get("policy_kwargs", {})
    kind = CLASSES[run.algo].policy_aliases[ALGORITHMS[run.algo].policy]
    usual = inspect.signature(kind.__init__).parameters["activation_fn"].default
    theirs_name = class_told(theirs["activation_fn"]) if "activation_fn" in theirs else full_name(usual)
    chosen = ours.get("activation_fn")
    ours_name = full_name(ACTIVATIONS[chosen] if chosen else usual)
    if theirs_name != ours_name:
        named = next((name for name, one in ACTIVATIONS.items() if full_name(one) == theirs_name), None)
        if named is None:
            raise ConfigError(
                f"{plain(file)}: its network has the activation {_said(theirs_name)}: supported are"
                f" {', '.join(map(full_name, ACTIVATIONS.values()))}"
            )
        said = chosen or next(name for name, one in ACTIVATIONS.items() if full_name(one) == ours_name)
        raise _contradiction(file, "policy_kwargs.activation_fn", named, said)
    extractor = theirs.get("features_extractor_class")
    if extractor is not None and class_told(extractor) != full_name(FlattenExtractor):
        raise _unsupported(file, "features_extractor_class", class_told(extractor))
    for name, value in theirs.items():
        if name in TRAINED_ONLY | BY_WEIGHTS | {"activation_fn", "features_extractor_class"}:
            continue
        if name == "clip_mean" and not run.hyperparameters.get("use_sde"):
            continue
        if value in (None, False, {}):
            continue
        raise _unsupported(file, name, value)


def _unsupported(file: Path, name: str, value: object) -> ConfigError:
    return ConfigError(
        f"{plain(file)}: its network has policy_kwargs.{_said(name)} {_said(value)}, which is not supported"
    )
