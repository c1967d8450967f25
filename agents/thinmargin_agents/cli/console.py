"""Consoles that print names as they are: a path such as `runs/:A:` is no emoji."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console

WIDE = 160
"""Characters of a line where there is no terminal that says how many fit."""


class SafeConsole(Console):
    """A console on which no text moves the cursor or changes the terminal: control codes in it are escaped."""

    def print(self, *objects: Any, **options: Any) -> None:
        """As Rich does, texts with `thinmargin.shown.printable`."""
        from thinmargin.shown import printable  # noqa: PLC0415  # --help needs no NumPy

        super().print(*(printable(item) if isinstance(item, str) else item for item in objects), **options)


def plain_console(*, stderr: bool = False, quiet: bool = False) -> Console:
    """Text as it is, however long its lines."""
    return SafeConsole(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=True, quiet=quiet)


def table_console() -> Console:
    """Tables as wide as the terminal, or as Rich has it without one; text in them is escaped by whoever writes it."""
    return SafeConsole(emoji=False)


def console() -> Console:
    """Long lines as they are; tables as wide as the terminal, or WIDE without one."""
    return SafeConsole(emoji=False, highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE)
