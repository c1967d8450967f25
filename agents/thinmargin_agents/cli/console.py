"""Where a command that trains many says what happens."""

from __future__ import annotations

import sys

from rich.console import Console

WIDE = 160
"""Characters of a line where there is no terminal that says how many fit."""


def console() -> Console:
    """Lines as they are, however long; tables as wide as the terminal, or WIDE without one."""
    return Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE)
