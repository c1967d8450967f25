"""Consoles that print names as they are: a path such as `runs/:A:` is no emoji."""

from __future__ import annotations

import sys

from rich.console import Console

WIDE = 160
"""Characters of a line where there is no terminal that says how many fit."""


def plain_console(*, stderr: bool = False, quiet: bool = False) -> Console:
    """Text as it is, however long its lines."""
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=True, quiet=quiet)


def table_console() -> Console:
    """Tables as wide as the terminal, or as Rich has it without one; text in them is escaped by whoever writes it."""
    return Console(emoji=False)


def console() -> Console:
    """Long lines as they are; tables as wide as the terminal, or WIDE without one."""
    return Console(emoji=False, highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE)
