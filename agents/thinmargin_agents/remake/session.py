"""One stage after the other: what is up to date is passed over, what was broken off goes on."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from thinmargin.files import check_writable, is_folder
from thinmargin.shown import shown
from thinmargin_agents.cli.errors import UsageError
from thinmargin_agents.remake.display import LAST_LINES, Display, last_lines, log_of, waits_for
from thinmargin_agents.remake.process import OverBoundError, run_command
from thinmargin_agents.remake.stage import MISSING, Stage, Table, Words
from thinmargin_agents.remake.state import Record, State, Status, reason_to_make, way_of
from thinmargin_agents.runs.lock import LockedError, locked

STATE = "state.json"
"""Name of the file of the state, in the folder of the command."""
PATIENCE = 30.0
"""Seconds to wait for a command whose session was killed just before."""


class StageError(Exception):
    """A stage that failed or took too long; the message says which, why, and what to do."""


def remake(
    table: Table, stages: Sequence[Stage], folder: Path, console: Console, *, fresh: bool = False, factor: float = 1.0
) -> None:
    """Make the stages that are not up to date, in their order.

    Args:
        table: all stages.
        stages: those to make.
        folder: of the state, the logs and the runs.
        console: for progress.
        fresh: make them all, whatever was made before.
        factor: the bound of every stage is so many times its own.

    Raises:
        UsageError: the folder cannot be written, or another process works in it.
        DamagedFileError: the state cannot be read.
        StageError: a stage failed or ran over its bound.
        KeyboardInterrupt: Ctrl-C or SIGTERM, after the stage at hand has been ended and noted.
        OSError: the disk is full.
    """
    with _held(folder, console) as lock:
        state = State.read(folder / STATE)
        if fresh:
            for stage in stages:
                state.records.pop(stage.name, None)
            state.write()
        _tell_what_is_left_out(table, state, stages, console)
        with _signals_interrupt(), Display(console, stages) as display:
            session = _Session(table, folder, state, display, lock, factor)
            for stage in stages:
                reason = reason_to_make(table, state, stage)
                if reason is None:
                    display.ended(stage, f"up to date, made in {state.records[stage.name].seconds:,.1f} s")
                else:
                    session.make(stage, reason)


class _Session:
    """What making a stage needs."""

    def __init__(self, table: Table, folder: Path, state: State, display: Display, lock: int, factor: float) -> None:
        self._table, self._folder, self._state, self._display = table, folder, state, display
        self._lock, self._factor = lock, factor

    def make(self, stage: Stage, reason: str) -> None:
        """Run the commands of a stage; note how it began and how it ended."""
        table, bound, log = self._table, self._factor * stage.bound, log_of(self._folder, stage)
        way = way_of(table, self._state, stage)
        before = self._state.records[stage.name].seconds if way.goes_on else 0.0
        if stage.scratch is not None and not way.goes_on:
            shutil.rmtree(table.root / stage.scratch, ignore_errors=True)
        record = Record("begun", table.parts(stage), {}, before, _now())
        self._state.note(stage, record)
        self._display.begins(stage, reason, bound)
        log.parent.mkdir(exist_ok=True)
        began = time.monotonic()

        def end(status: Status) -> Record:
            seconds = round(before + time.monotonic() - began, 1)
            ended = replace(record, status=status, outputs=table.made(stage), seconds=seconds, ended=_now())
            self._state.note(stage, ended)
            return ended

        try:
            for words in way.commands:
                status = self._run(stage, words, log, began, bound)
                if status != 0:
                    end("failed")
                    raise StageError(_failure(stage, words, status, time.monotonic() - began, log))
        except OverBoundError as error:
            end("over its bound")
            raise StageError(
                f"stage {stage.name} took longer than its bound of {bound:,.0f} s and was ended; its log is {log};"
                f" --bound-factor {2.0 * self._factor:g} gives every stage twice as long"
            ) from error
        except KeyboardInterrupt:
            self._display.ended(
                stage, f"interrupted after {end('interrupted').seconds:,.1f} s; the same command goes on"
            )
            raise
        missing = [name for name, digest in table.made(stage).items() if digest == MISSING]
        if missing:
            end("failed")
            raise StageError(f"stage {stage.name} ended well and did not make {', '.join(missing)}; its log is {log}")
        self._display.ended(stage, f"made in {end('done').seconds:,.1f} s")

    def _run(self, stage: Stage, words: Words, log: Path, began: float, bound: float) -> int:
        with log.open("a", encoding="utf-8") as file:
            file.write(f"== {_now()} {shlex.join(words)}\n")
        return run_command(
            words, root=self._table.root, log=log, seconds=bound - (time.monotonic() - began), lock=self._lock,
            tick=lambda _: self._display.ticks(stage, time.monotonic() - began, bound, log),
        )  # fmt: skip


def _failure(stage: Stage, words: Words, status: int, seconds: float, log: Path) -> str:
    lines = "".join(f"\n  | {line}" for line in last_lines(log, LAST_LINES))
    return (
        f"stage {stage.name} failed with status {status} after {seconds:,.1f} s: {shlex.join(words)}{lines}\n"
        f"its log is {log}; the same command goes on with this stage, --only {stage.name} --fresh begins it anew,"
        " --from passes it over"
    )


def _tell_what_is_left_out(table: Table, state: State, stages: Sequence[Stage], console: Console) -> None:
    """Say which needed stages are not up to date and are not going to be made."""
    left = [
        other.name
        for other in dict.fromkeys(other for stage in stages for other in waits_for(table, state, stage))
        if other not in stages
    ]
    if left:
        console.print(f"note: not up to date, and left as they are: {', '.join(left)}")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def is_busy(folder: Path) -> bool:
    """Whether another process makes stages in this folder now."""
    if not is_folder(folder):
        return False
    try:
        with locked(folder):
            return False
    except (LockedError, OSError):
        return True


@contextlib.contextmanager
def _held(folder: Path, console: Console) -> Iterator[int]:
    """Hold the folder alone inside."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        check_writable(folder / STATE)
    except OSError as error:
        raise UsageError(f"--folder is {shown(folder)}: it cannot be written: {error.strerror or error}") from error
    with contextlib.ExitStack() as stack:
        end, told = time.monotonic() + PATIENCE, False
        while True:
            try:
                lock = stack.enter_context(locked(folder))
                break
            except LockedError as error:
                if time.monotonic() > end:
                    raise UsageError(
                        f"--folder is {shown(folder)}: another process makes stages there, or a stage whose session was"
                        " killed is just ending; wait for it"
                    ) from error
            if not told:
                console.print("waiting for another process that works in this folder ...")
                told = True
            time.sleep(PATIENCE / 100)
        yield lock


@contextlib.contextmanager
def _signals_interrupt() -> Iterator[None]:
    """SIGTERM is a Ctrl-C inside; only the main thread of a process gets any."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
