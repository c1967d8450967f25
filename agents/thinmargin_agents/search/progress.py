"""The display of a running search: trials done, the best so far, running trials, and a line for each that ends."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class SearchProgress:
    """Bars on a terminal; only lines elsewhere, or without `shown`.

    Args:
        console: bars and lines go there.
        trials: of the whole search.
        months: of experience of one training seed.
        seeds: training seeds of a trial.
        name: of the objective.
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
            TextColumn("{task.fields[note]}"),
            console=console,
            disable=not shown,
            transient=True,
        )
        self._all = self._bars.add_task("search", total=trials, note="")
        self._rows: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def write_line(self, text: str) -> None:
        """Print a line that stays."""
        self._console.print(text, markup=False)

    def standing(self, done: int, best: str) -> None:
        """Show how many trials are done, and the best of them."""
        self._bars.update(self._all, completed=done, note=best)

    def begun(self, number: int) -> None:
        """Show that a trial runs now."""
        self._rows[number] = self._bars.add_task(f"trial {number}", total=self._months * self._seeds, note="")

    def went(self, number: int, place: int, months: int) -> None:
        """Show how far a trial is in one of its seeds."""
        done = place * self._months + min(months, self._months)
        self._bars.update(self._rows[number], completed=done, description=f"trial {number} {self._seed(place)}")

    def judged(self, number: int, value: float) -> None:
        """Show the value of a trial at its latest evaluation."""
        self._bars.update(self._rows[number], note=f"{self._name} {value:.2f}")

    def ended(self, number: int, text: str) -> None:
        """Show that a trial has ended; the line stays."""
        self._bars.remove_task(self._rows.pop(number))
        self.write_line(f"trial {number:>3}   {text}")

    def _seed(self, place: int) -> str:
        return f"seed {place + 1} of {self._seeds}" if self._seeds > 1 else ""
