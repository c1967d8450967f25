"""Progress of many pieces of work: a bar on a terminal, a line for every tenth elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LINES = 10
"""Lines where there is no terminal."""


class Progressing(Protocol):
    """What is told how far the work is."""

    def say(self, words: str) -> None:
        """What is being done now."""

    def advance(self) -> None:
        """One more piece is done."""


class _Bar:
    def __init__(self, bar: Progress, total: int) -> None:
        self._bar, self._task = bar, bar.add_task("", total=total)

    def say(self, words: str) -> None:
        self._bar.update(self._task, description=words)

    def advance(self) -> None:
        self._bar.update(self._task, advance=1)


class _Lines:
    def __init__(self, console: Console, total: int) -> None:
        self._console, self._total, self._done, self._words = console, max(total, 1), 0, ""

    def say(self, words: str) -> None:
        self._words = words

    def advance(self) -> None:
        before, self._done = self._done * LINES // self._total, self._done + 1
        if self._done * LINES // self._total > before:
            self._console.print(f"{self._words}: {self._done} of {self._total}")


@contextmanager
def progress_of(total: int, console: Console) -> Iterator[Progressing]:
    """Show how many of `total` pieces are done while the work inside runs."""
    if not console.is_terminal:
        yield _Lines(console, total)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        yield _Bar(bar, total)
