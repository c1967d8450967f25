"""Adapters by the names of wrappers in presets and configurations; nothing else is imported or made."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from thinmargin.shown import plain, shown
from thinmargin.wrappers.adapters import (
    Adapter,
    HistoryAdapter,
    ResidualAdapter,
    ScaledRewardAdapter,
    SurprisesAdapter,
)

ADAPTERS: dict[str, Callable[..., Adapter]] = {
    "thinmargin.wrappers.Residual": ResidualAdapter,
    "thinmargin.wrappers.Surprises": SurprisesAdapter,
    "thinmargin.wrappers.History": HistoryAdapter,
    "thinmargin.wrappers.ScaledReward": ScaledRewardAdapter,
}
"""By the name a preset gives the wrapper of one environment."""
PACKAGE = re.compile(r"[^.]*$|thinmargin")
"""How a name begins that may be meant for one of these: without a package, or with this one."""


def adapters_of(given: Any) -> list[Adapter]:
    """The adapters of a preset's `env_wrapper`, innermost first.

    Nothing else than the wrappers of this package is made, so that reading a configuration runs no foreign code.

    Args:
        given: None, the name of a wrapper (`thinmargin.wrappers.Residual`), a mapping of one name to its arguments,
            or a list of such.

    Raises:
        ValueError: a name, an argument or a value is not among what is allowed; the message says which.
    """
    items = given if isinstance(given, (list, tuple)) else [] if given is None else [given]
    made = [_adapter(item) for item in items]
    for place, adapter in enumerate(made):
        if adapter.once and type(adapter) in map(type, made[:place]):
            raise ValueError(f"env_wrapper has {type(adapter).__name__.removesuffix('Adapter')} twice: {adapter.once}")
    return made


def _adapter(item: Any) -> Adapter:
    name, arguments = next(iter(item.items())) if isinstance(item, Mapping) and len(item) == 1 else (item, None)
    if not isinstance(name, str) or name not in ADAPTERS:
        close = [full for full in ADAPTERS if full.endswith(f".{plain(name)}")]
        if not close and PACKAGE.match(plain(name)):
            close = difflib.get_close_matches(plain(name), list(ADAPTERS), n=1, cutoff=0.5)
        hint = f"did you mean {close[0]}? " if close else ""
        raise ValueError(f"env_wrapper has {shown(item)}: {hint}allowed are {', '.join(ADAPTERS)}")
    if not isinstance(arguments, (Mapping, type(None))):
        raise ValueError(f"env_wrapper {name} has {shown(arguments)}: must be a mapping of argument and value")
    make, given = ADAPTERS[name], dict(arguments or {})
    allowed = inspect.signature(make).parameters
    for argument in given:
        if argument not in allowed:
            raise ValueError(
                f"env_wrapper {name} has argument {shown(argument)}: allowed are {', '.join(allowed) or 'none at all'}"
            )
    if not isinstance(given.get("base", ""), str):
        raise ValueError(f"env_wrapper {name}: base is {shown(given['base'])}: must be the name of a built-in policy")
    try:
        return make(**given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"env_wrapper {name}: {error}") from error
