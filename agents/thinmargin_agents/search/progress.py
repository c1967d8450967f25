"""What a search shows while it runs: trials done, the best so far, what runs now, and a line a trial."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class Board:
    """Bars on a terminal; only lines elsewhere, or without `shown`.

    Args:
        console: where.
        trials: of the whole search.
        months: of experience of one training seed.
        seeds: training seeds of a trial.
        name: of what is made large.
        shown: show bars.
    """

    def __init__(self, console: Console, *, trials: int, months: int, seeds: int, name: str, shown: bool) -> None:
        self._console = console
        self._months, self._seeds, self._name = months, seeds, name
        self._bars = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[said]}"),
            console=console,
            disable=not shown,
            transient=True,
        )
        self._all = self._bars.add_task("search", total=trials, said="")
        self._rows: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def say(self, text: str) -> None:
        """A line that stays."""
        self._console.print(text, markup=False)

    def standing(self, done: int, best: str) -> None:
        """How many trials are done, and the best of them."""
        self._bars.update(self._all, completed=done, said=best)

    def begun(self, number: int) -> None:
        """A trial runs now."""
        self._rows[number] = self._bars.add_task(f"trial {number}", total=self._months * self._seeds, said="")

    def went(self, number: int, place: int, months: int) -> None:
        """A trial is so far in this of its seeds."""
        done = place * self._months + min(months, self._months)
        self._bars.update(self._rows[number], completed=done, description=f"trial {number} {self._seed(place)}")

    def judged(self, number: int, value: float) -> None:
        """A trial has this value by now."""
        self._bars.update(self._rows[number], said=f"{self._name} {value:.2f}")

    def ended(self, number: int, text: str) -> None:
        """A trial runs no more; the line stays."""
        self._bars.remove_task(self._rows.pop(number))
        self.say(f"trial {number:>3}   {text}")

    def _seed(self, place: int) -> str:
        return f"seed {place + 1} of {self._seeds}" if self._seeds > 1 else ""
