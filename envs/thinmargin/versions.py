"""The version of the environments, and what is said of something that another version made.

Worlds, observations and rewards of two versions differ: what was trained, tuned, searched or saved under one is nothing
under another, and is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from numbers import Integral
from typing import Any

from thinmargin.shown import shown

VERSION = 1
"""Ends every environment id; it rises whenever an environment behaves otherwise."""
MOST_WRAPPERS = 100
"""Wrappers around an environment whose saved states are looked through."""
UNNAMED = "ThinMargin/Ecosystem-v0"
"""Environment of a file that names none: the first version did not write it."""
_ID = re.compile(r"ThinMargin/(?P<name>\w{1,64})-v(?P<version>\d{1,9})", re.ASCII)


def current(environment: str) -> str:
    """The id that an environment of any version has now; what is no id of this package is returned as it is."""
    match = _ID.fullmatch(environment)
    return f"ThinMargin/{match['name']}-v{VERSION}" if match else environment


def outdated(what: object, environment: str, remedy: str) -> str | None:
    """That something is of another version of an environment, and what helps; None if it is not.

    Args:
        what: is spoken of: a file, in most cases.
        environment: id of the environment that it was made for.
        remedy: what makes it anew.
    """
    now = current(environment)
    if now == environment:
        return None
    return f"{what} is of {environment}: worlds, observations and rewards of {now} are others; {remedy}"


def check_state(state: Mapping[str, Any]) -> None:
    """Raise ValueError if a saved state, or the one in what wrappers saved around it, is of another version."""
    inner: Any = state
    for _ in range(MOST_WRAPPERS):  # a state may be in itself
        if not isinstance(inner.get("env"), Mapping):
            break
        inner = inner["env"]
    found = inner.get("version", 0)
    known = isinstance(found, Integral) and not isinstance(found, bool) and found == VERSION
    if not known and ("version" in inner or "states" in inner):  # else it is no state at all
        raise ValueError(
            f"state is of version {shown(found, 40)} of the environment, and this is version {VERSION}: its worlds are"
            " others, so play the episode again and call get_state anew"
        )
