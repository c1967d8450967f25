"""The error of every setting that cannot be used."""

from __future__ import annotations


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names the argument, its value and what is allowed."""
