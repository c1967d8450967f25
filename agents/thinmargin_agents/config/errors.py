"""The error of every setting that cannot be used, and how a value is told in its message."""

from __future__ import annotations


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names the argument, its value and what is allowed."""


def shown(value: object) -> str:
    """As `thinmargin.shown.shown`, which is loaded when a message needs it: --help needs no NumPy."""
    from thinmargin import shown as of_package  # noqa: PLC0415  # see above

    return of_package.shown(value)


def plain(name: object) -> str:
    """As `thinmargin.shown.plain`, loaded as above."""
    from thinmargin import shown as of_package  # noqa: PLC0415  # see above

    return of_package.plain(name)
