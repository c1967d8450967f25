"""Progress on stderr while stages are made; the list of stages and the commands of a dry run on stdout."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table as RichTable
from rich.text import Text

from thinmargin_agents.cli.programs import shell_line
from thinmargin_agents.remake.stage import Stage, Table
from thinmargin_agents.remake.state import State, reason_to_make, way_of

LONGEST = 60
"""Characters that are shown of a stage's last line."""
TAIL = 4096
"""Bytes of a log in which its last lines are looked for."""
LAST_LINES = 12
"""Lines of a log that a message about a failed stage has."""


class Display:
    """A bar of stages with the one that is made now; where there is no terminal, a line when one begins and ends."""

    def __init__(self, console: Console, stages: Sequence[Stage]) -> None:
        self.console = console
        self._bar = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            console=console, transient=True, disable=not console.is_terminal,
        )  # fmt: skip
        self._task: TaskID = self._bar.add_task("stages", total=len(stages))

    def __enter__(self) -> Self:
        """Show the bar."""
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take it off the screen."""
        self._bar.stop()

    def begins(self, stage: Stage, reason: str, bound: float) -> None:
        """Say that a stage begins, and why."""
        self.console.print(f"{stage.name}: begins ({reason}), at most {bound:,.0f} s: {stage.makes}")

    def ticks(self, stage: Stage, seconds: float, bound: float, log: Path) -> None:
        """Show how long the stage has run, and the last line that it printed."""
        if self.console.is_terminal:
            last = (last_lines(log, 1) or [""])[0][:LONGEST]
            self._bar.update(self._task, description=f"{stage.name} {seconds:,.0f} of {bound:,.0f} s {last}")

    def ended(self, stage: Stage, words: str) -> None:
        """Say how a stage ended, or that it is passed over."""
        self.console.print(f"{stage.name}: {words}")
        self._bar.update(self._task, advance=1, description="stages")


def last_lines(log: Path, count: int) -> list[str]:
    """The last lines of a log that are not empty."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - TAIL))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line.strip() for line in re.split(r"[\r\n]+", text) if line.strip()][-count:]


def show_list(
    table: Table, state: State, stages: Sequence[Stage], *, factor: float, busy: bool, console: Console
) -> None:
    """Print what is made, in which state it is, the seconds it took and its bound.

    Args:
        table: all stages.
        state: their records.
        stages: those to show.
        factor: of the bounds.
        busy: whether another process makes stages now.
        console: where it is printed.
    """
    grid = RichTable("stage", "state", "seconds", "bound", "makes")
    for column in grid.columns[2:4]:
        column.justify = "right"
    for stage in stages:
        record = state.records.get(stage.name)
        standing = standing_of(table, state, stage)
        if busy and record is not None and record.status == "begun":
            standing = "is being made"
        seconds = "" if record is None else f"{record.seconds:,.1f}"
        row = (stage.name, standing, seconds, f"{factor * stage.bound:,.0f}", stage.makes)
        grid.add_row(*map(Text, row))
    console.print(grid)


def standing_of(table: Table, state: State, stage: Stage) -> str:
    """The state of a stage in words: done, what is to be done and why, or what it waits for."""
    if stage.always:
        return "made in every call"
    reason = reason_to_make(table, state, stage)
    if reason is not None:
        return f"to do: {reason}"
    waiting = [other.name for other in waits_for(table, state, stage)]
    return f"waits for {', '.join(waiting)}" if waiting else "done"


def waits_for(table: Table, state: State, stage: Stage) -> list[Stage]:
    """Stages that it needs, itself or by what they need, and that are not up to date."""
    names = set(stage.needs)
    for other in reversed(table.stages):
        if other.name in names:
            names.update(other.needs)
    return [other for other in table.stages if other.name in names and reason_to_make(table, state, other) is not None]


def show_commands(
    table: Table, state: State, stages: Sequence[Stage], *, fresh: bool, folder: Path, console: Console
) -> None:
    """Print the commands of every stage that would be made, and why; nothing of those that are up to date."""
    count = 0
    for stage in stages:
        reason = "--fresh" if fresh else reason_to_make(table, state, stage)
        if reason is None:
            waiting = waits_for(table, state, stage)
            if not waiting:
                continue
            reason = f"only if {', '.join(other.name for other in waiting)} makes something else than before"
        count += 1
        console.print(f"# {stage.name}: {reason}; at most {stage.bound:,.0f} s; log {log_of(folder, stage)}")
        for words in stage.commands if fresh else way_of(table, state, stage).commands:
            console.print(shell_line(words))
    if count == 0:
        console.print("# nothing: every stage is up to date")


def log_of(folder: Path, stage: Stage) -> Path:
    """The log of a stage."""
    return folder / "logs" / f"{stage.name}.log"
