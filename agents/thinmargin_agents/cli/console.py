"""Consoles that print names as they are: a path such as `runs/:A:` is no emoji."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

WIDE = 160
"""Characters of a line where there is no terminal that says how many fit."""


class SafeConsole(Console):
    """A console on which no text moves the cursor or changes the terminal: control codes in it are escaped."""

    def render_str(self, text: str, **options: Any) -> Text:
        """As Rich does, text with `thinmargin.shown.printable`: before its width is measured."""
        from thinmargin.shown import printable  # noqa: PLC0415  # --help needs no NumPy

        return super().render_str(printable(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As Rich does, with `thinmargin.shown.printable` for all text, whatever it is in; Rich's own codes stay."""
        from thinmargin.shown import printable  # noqa: PLC0415  # --help needs no NumPy

        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else printable(text), style, control)

    def on_broken_pipe(self) -> None:
        """Leave it to the command's end to say what that means; Rich would end the process with status 1."""
        error = sys.exception()
        if error is not None:
            raise error


def plain_console(*, stderr: bool = False, quiet: bool = False) -> Console:
    """Text as it is, however long its lines."""
    return SafeConsole(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=True, quiet=quiet)


def table_console() -> Console:
    """Tables as wide as the terminal, or as Rich has it without one; text in them is escaped by whoever writes it."""
    return SafeConsole(emoji=False)


def console() -> Console:
    """Long lines as they are; tables as wide as the terminal, or WIDE without one."""
    return SafeConsole(emoji=False, highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE)
