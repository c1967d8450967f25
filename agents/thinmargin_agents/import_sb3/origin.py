"""Which algorithm and which classes a stock zip names: a class is known by its module too, not by its name alone."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import sb3_contrib
import stable_baselines3
from stable_baselines3.common.base_class import BaseAlgorithm

from thinmargin.shown import plain
from thinmargin_agents.config.algorithms import ALGORITHMS
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.sb3.algorithms import CLASSES

TYPE, SERIALIZED = ":type:", ":serialized:"
"""Marks of a value that JSON cannot hold: its type as text, and its pickle in base64."""
_CLASS = re.compile(r"<class '([\w.]+)'>")
_INIT = re.compile(r"<function (.+)\.__init__ at 0x\w+>")
LIBRARIES = {
    kind.__name__: kind
    for library in (stable_baselines3, sb3_contrib)
    for kind in vars(library).values()
    if isinstance(kind, type) and issubclass(kind, BaseAlgorithm)
}
"""The algorithms of Stable-Baselines3 and sb3-contrib, those too that no run here has."""


def fields_of(value: Any) -> Mapping[str, Any]:
    """The fields of a mapping that stand in plain JSON; none for anything else."""
    if not isinstance(value, Mapping):
        return {}
    return {name: item for name, item in value.items() if name not in (TYPE, SERIALIZED)}


def class_told(text: Any) -> str:
    """The class that a text of the zip names, with its module; the text itself if it names none."""
    found = _CLASS.fullmatch(text) if isinstance(text, str) else None
    return found[1] if found else str(text)


def full_name(kind: type) -> str:
    """The name of a class with its module, as a zip has it."""
    return f"{kind.__module__}.{kind.__qualname__}"


def check_algorithm(file: Path, told: Mapping[str, Any], algo: str) -> None:
    """Raise ConfigError if the zip is of another algorithm, or its network of another class.

    What a zip cannot tell is an algorithm with the same network and settings of the same names: DDPG is saved as TD3
    is, and a class of somebody's own that adds no setting as the one that it is derived from.

    Args:
        file: the zip, for messages.
        told: its settings.
        algo: what the flags say.
    """
    network = fields_of(told.get("policy_class"))
    module, foreign = network.get("__module__"), _foreign_settings(told, CLASSES[algo])
    likely = _likely(told, module) if isinstance(module, str) else [CLASSES[algo]]
    if foreign or CLASSES[algo] not in likely:
        whose = f"the zip is of {' or '.join(map(_name_of, likely))}" if likely else "the zip is of none that is known"
        where = f" (network of {plain(module)})" if isinstance(module, str) else ""
        telling = f": it has {_most_telling(foreign)}" if foreign else ""
        raise ConfigError(f"{plain(file)}: --algo is {algo}, and {whose}{where}{telling}")
    made_by = _INIT.fullmatch(str(network.get("__init__", "")))
    ours = inspect.getattr_static(_network(CLASSES[algo]), "__init__").__qualname__.rpartition(".")[0]
    if made_by and made_by[1] != ours:
        raise ConfigError(
            f"{plain(file)}: its network is a {plain(made_by[1])}, and that of {algo} with"
            f" {ALGORITHMS[algo].policy} a {ours}"
        )


def _likely(told: Mapping[str, Any], module: str) -> list[type[BaseAlgorithm]]:
    """The algorithms with this network that have every setting of the zip, and lack the fewest in it."""
    fitting = [
        kind for kind in LIBRARIES.values() if _network(kind).__module__ == module and not _foreign_settings(told, kind)
    ]
    lacking = {kind: len(_settings(kind) - set(told)) for kind in fitting}
    return [kind for kind in fitting if lacking[kind] == min(lacking.values())]


def _network(kind: type[BaseAlgorithm]) -> type:
    """The class of an algorithm's network of plain numbers, with a memory where it has none without."""
    aliases = kind.policy_aliases
    return aliases.get("MlpPolicy") or aliases["MlpLstmPolicy"]


def _name_of(kind: type[BaseAlgorithm]) -> str:
    """The name of an algorithm as --algo takes it, or that of a class that no run here has."""
    return next((name for name, ours in CLASSES.items() if ours is kind), kind.__name__)


def _foreign_settings(told: Mapping[str, Any], kind: type[BaseAlgorithm]) -> dict[str, list[str]]:
    """Settings of the zip that this algorithm does not have, and the algorithms that do; null says nothing."""
    given = [name for name, value in told.items() if value is not None and name not in _settings(kind)]
    having = {name: sorted(_name_of(one) for one in LIBRARIES.values() if name in _settings(one)) for name in given}
    return {name: names for name, names in having.items() if names}


def _most_telling(foreign: Mapping[str, Sequence[str]]) -> str:
    """In words, the setting that the fewest algorithms have."""
    name = min(foreign, key=lambda one: len(foreign[one]))
    return f"{name}, a setting of {' or '.join(foreign[name])}"


@cache
def _settings(kind: type[BaseAlgorithm]) -> frozenset[str]:
    """Arguments of a class and of those that it is derived from."""
    return frozenset(
        name
        for base in kind.__mro__
        if "__init__" in vars(base) and base is not object
        for name in inspect.signature(vars(base)["__init__"]).parameters
    )
