"""Whether a model plays as the flags describe it, as far as the settings of its stock zip tell.

The weights alone do not tell how a network is played: of two activations, both fit. The zip's own JSON does. What
decides how the model plays must agree; what decided only how it was trained is for `training`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from stable_baselines3.common.torch_layers import FlattenExtractor

from thinmargin.shown import plain, shown
from thinmargin_agents.config.algorithms import ALGORITHMS
from thinmargin_agents.config.errors import ConfigError
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
from thinmargin_agents.import_sb3.training import contradiction, network_class, usual_of
from thinmargin_agents.import_sb3.values import numbers_printed, same, words_of
from thinmargin_agents.sb3.algorithms import ACTIVATIONS, policy_class
from thinmargin_agents.sb3.building import check_spaces

TRAINED_ONLY = frozenset({
    "ortho_init", "log_std_init", "optimizer_class", "optimizer_kwargs", "normalize_images", "full_std", "use_expln",
    "share_features_extractor", "n_critics", "n_quantiles", "use_sde",
})  # fmt: skip
"""Settings of a network that do not change what it does with the weights of the zip, or that these weights tell."""
BY_WEIGHTS = frozenset({"net_arch", "lstm_hidden_size", "n_lstm_layers", "enable_critic_lstm"})
"""Settings of a network that the names and shapes of its weights tell."""
SPACE_PACKAGES = ("gymnasium", "gym")
"""Where spaces of Stable-Baselines3 come from; those of old versions from the second."""
NORMALIZED = "vecnormalize.pkl"


class UnsupportedError(ConfigError):
    """A model that no run folder can play, whatever the flags are."""


def check_agreement(file: Path, told: Mapping[str, Any], run: Run) -> None:
    """Raise ConfigError unless the model plays as the run describes it.

    Args:
        file: the zip, for messages.
        told: its settings.
        run: what the flags describe.
    """
    check_algorithm(file, told, run.algo)
    policy_class(run)
    network = fields_of(told.get("policy_kwargs"))
    _check_supported(file, network, run)
    observations, actions = check_spaces(run)
    check_space(file, "observation_space", told.get("observation_space"), observations)
    check_space(file, "action_space", told.get("action_space"), actions)
    _check_not_normalized(file, told, run, observations)
    wanted = bool(run.hyperparameters.get("use_sde", False))
    if isinstance(told.get("use_sde"), bool) and told["use_sde"] != wanted:
        raise contradiction(file, run.algo, "use_sde", told["use_sde"], wanted)
    _check_network(file, network, run)


def check_space(file: Path, what: str, theirs: Any, ours: spaces.Space[Any]) -> None:
    """Raise ConfigError if a space of the zip is another one, as far as its settings tell."""
    fields = fields_of(theirs)
    if not fields:
        return
    flags = "--env, --env-kwargs, --preset and wrappers must be those of its training"
    kind = class_told(theirs.get(TYPE, ""))
    is_box = isinstance(ours, spaces.Box)
    if kind and (kind.partition(".")[0] not in SPACE_PACKAGES or kind.rpartition(".")[2] != type(ours).__name__):
        raise ConfigError(
            f"{plain(file)}: its {what} is {words_of(kind)}, and the flags describe {shown(ours)}: {flags}"
        )
    if not is_box:
        count = str(fields.get("n", "")).strip()
        if count.isdecimal() and int(count) != int(getattr(ours, "n", -1)):
            raise ConfigError(
                f"{plain(file)}: its {what} has {words_of(count)} actions, and the flags describe {shown(ours)}:"
                f" {flags}"
            )
        return
    assert isinstance(ours, spaces.Box)  # noqa: S101  # said above
    shape = fields.get("_shape")
    if isinstance(shape, list) and shape != list(ours.shape):
        raise ConfigError(
            f"{plain(file)}: its {what} has shape {words_of(shape)}, and the flags describe {ours.shape}: {flags}"
        )
    for end in ("low", "high"):
        numbers, wanted = numbers_printed(fields.get(end)), getattr(ours, end)
        if numbers is None or numbers.shape != ours.shape:
            continue
        apart = np.flatnonzero(~np.isclose(numbers, wanted, atol=1e-6))
        if len(apart):
            place = int(apart[0])
            raise ConfigError(
                f"{plain(file)}: its {what} has {end} {numbers[place]:g} in place {place}, and the flags describe"
                f" {wanted[place]:g}: {flags}"
            )


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
        raise UnsupportedError(
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
    usual = usual_of(network_class(run.algo), "activation_fn")
    theirs_name = class_told(theirs["activation_fn"]) if "activation_fn" in theirs else full_name(usual)
    chosen = ours.get("activation_fn")
    ours_name = full_name(ACTIVATIONS[chosen] if chosen else usual)
    if theirs_name != ours_name:
        named = next((name for name, one in ACTIVATIONS.items() if full_name(one) == theirs_name), None)
        if named is None:
            raise UnsupportedError(
                f"{plain(file)}: its network has the activation {words_of(theirs_name)}: supported are"
                f" {', '.join(map(full_name, ACTIVATIONS.values()))}"
            )
        said = chosen or next(name for name, one in ACTIVATIONS.items() if full_name(one) == ours_name)
        raise contradiction(file, run.algo, "policy_kwargs.activation_fn", named, said)


def _check_supported(file: Path, theirs: Mapping[str, Any], run: Run) -> None:
    """Raise UnsupportedError if the network of the zip has parts that no network here has."""
    extractor = theirs.get("features_extractor_class")
    if extractor is not None and class_told(extractor) != full_name(FlattenExtractor):
        raise _unsupported(file, "features_extractor_class", class_told(extractor))
    for name, value in theirs.items():
        if name in TRAINED_ONLY | BY_WEIGHTS | {"activation_fn", "features_extractor_class"}:
            continue
        if name == "clip_mean" and not run.hyperparameters.get("use_sde"):
            continue
        if value in (None, False, {}) or same(value, usual_of(network_class(run.algo), name)):
            continue
        raise _unsupported(file, name, value)


def _unsupported(file: Path, name: str, value: object) -> UnsupportedError:
    return UnsupportedError(
        f"{plain(file)}: its network has policy_kwargs.{words_of(name)} {words_of(value)}, which is not supported"
    )
