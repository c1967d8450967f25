"""The console of a command that trains many runs."""

from __future__ import annotations

import sys

from rich.console import Console

WIDE = 160
"""Characters of a line where no terminal sets the width."""


def console() -> Console:
    """Lines as they are, however long; tables as wide as the terminal, or WIDE without one."""
    return Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE)
