"""The error of every setting that cannot be used, and how a value is told in its message."""

from __future__ import annotations

from typing import Any

SHOWN = 60
"""Characters of a value that a message has."""


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names the argument, its value and what is allowed."""


def shown(value: Any) -> str:
    """A value as a message has it: escaped, and cut where it is long."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
