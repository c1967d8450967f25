"""The flags that describe the model of a stock zip, for the message that others do not."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from thinmargin import ENVIRONMENTS
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.hyperparameters import checked, flat, names_of
from thinmargin_agents.config.run import Run
from thinmargin_agents.import_sb3.agreement import check_space
from thinmargin_agents.import_sb3.origin import check_algorithm, class_told, fields_of, full_name
from thinmargin_agents.import_sb3.training import BY_WEIGHTS, network_class, usual_of
from thinmargin_agents.import_sb3.values import UNTOLD
from thinmargin_agents.sb3.algorithms import ACTIVATIONS
from thinmargin_agents.sb3.building import check_spaces
from thinmargin_agents.sb3.networks import build_network


def fitting_flags(file: Path, told: Mapping[str, Any], run: Run, given: Mapping[str, Any]) -> str:
    """In words that end a message, the flags that fit what the zip tells; empty if it does not tell, or these do.

    Args:
        file: the zip.
        told: its settings.
        run: what the flags describe.
        given: hyper-parameters of --hyperparams, by dotted name.
    """
    try:
        check_algorithm(file, told, run.algo)
    except ConfigError:
        return ""
    fitting = next(_of_these_spaces(file, told, run), None)
    if fitting is None or not isinstance(told.get("policy_kwargs"), Mapping):
        return ""
    differing: dict[str, Any] = {}
    if fitting.hyperparameters.get("env_wrapper") != run.hyperparameters.get("env_wrapper"):
        differing["env_wrapper"] = []
    ours = flat(run.hyperparameters)
    differing |= {
        name: value
        for name, value in _network(told, fitting).items()
        if not _same_layers(value, ours.get(name, _usual(fitting, name)))
    }
    if not differing and fitting.env_id == run.env_id:
        return ""
    env = [] if fitting.env_id == run.env_id else ["--env", fitting.env_id]
    both = {**given, **differing}
    words = [f"{name}={value if isinstance(value, str) else _json(value)}" for name, value in both.items()]
    return f"; fitting flags are {shlex.join([*env, *(['--hyperparams', *words] if words else [])])}"


def _of_these_spaces(file: Path, told: Mapping[str, Any], run: Run) -> Iterator[Run]:
    """The run, without wrappers if its spaces are others then, or on another environment if they still are."""
    bare = dataclasses.replace(run, hyperparameters={**run.hyperparameters, "env_wrapper": []})
    elsewhere = [dataclasses.replace(bare, env_id=entry.id) for entry in ENVIRONMENTS]
    for one in (run, bare, *elsewhere):
        try:
            observations, actions = check_spaces(one)
            check_space(file, "observation_space", told.get("observation_space"), observations)
            check_space(file, "action_space", told.get("action_space"), actions)
        except ConfigError:
            continue
        yield one


def _network(told: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Hyper-parameters of the network of the zip, by dotted name, and its exploration; those that a run may have."""
    theirs = fields_of(told["policy_kwargs"])
    found: dict[str, Any] = {}
    for name in names_of(run.algo):
        inner = name.removeprefix("policy_kwargs.")
        if name == "use_sde":
            value = told.get("use_sde", False)
        elif inner == name or inner not in BY_WEIGHTS:
            continue
        else:
            value = theirs[inner] if theirs.get(inner) is not None else _usual(run, name)
        if inner == "net_arch" and isinstance(value, list) and len(value) == 1 and isinstance(value[0], Mapping):
            (value,) = value  # as versions before 1.8 wrote it
        if inner == "activation_fn" and isinstance(value, str) and value not in ACTIVATIONS:
            value = next((key for key, kind in ACTIVATIONS.items() if full_name(kind) == class_told(value)), value)
        try:
            found |= flat(checked("", run.algo, {name: value}))
        except ConfigError:
            continue
    return found


def _usual(run: Run, name: str) -> Any:
    """What a hyper-parameter of the network is where it is not set: the library's own."""
    inner = name.removeprefix("policy_kwargs.")
    if inner == name:
        return False
    if inner == "net_arch":
        network = {key: item for key, item in run.hyperparameters.get("policy_kwargs", {}).items() if key != "net_arch"}
        values = {**run.hyperparameters, "policy_kwargs": network, "env_wrapper": []}
        return build_network(dataclasses.replace(run, hyperparameters=values)).net_arch
    usual = usual_of(network_class(run.algo), inner)
    if inner == "activation_fn":
        return next((key for key, kind in ACTIVATIONS.items() if kind is usual), None)
    return None if usual is UNTOLD else usual


def _same_layers(one: Any, other: Any) -> bool:
    """Whether two values are the same, also if one writes layers that are alike once."""
    return bool(_once(one) == _once(other))


def _once(value: Any) -> Any:
    layers = list(value.values()) if isinstance(value, Mapping) else []
    return layers[0] if layers and all(one == layers[0] for one in layers) else value


def _json(value: Any) -> str:
    return json.dumps(_once(value), separators=(",", ":"))
