"""One command of a stage, in a process group of its own that never outlives it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from thinmargin_agents.remake.stage import Words

GUARD = Path(__file__).parent / "guard.py"
GRACE = 90.0
"""Seconds that a command has to end after it was asked to: a training writes its checkpoint after its update."""
PULSE = 0.2
"""Seconds between two looks at a command."""


class OverBoundError(Exception):
    """A command had no time left."""


def run_command(
    words: Words, *, root: Path, log: Path, seconds: float, lock: int, tick: Callable[[float], None]
) -> int:
    """Run a command and return its exit status; at its end, however it comes, nothing that it started is left.

    Args:
        words: the command.
        root: where it runs.
        log: file that its output is added to.
        seconds: after which it is asked to end, and killed GRACE seconds later.
        lock: file descriptor of a lock that lasts as long as the command does, even if this process is killed.
        tick: called again and again with the seconds it has run.

    Raises:
        OverBoundError: it took longer, and has been ended.
        KeyboardInterrupt: Ctrl-C: the command has been asked to end as by Ctrl-C of its own.
        OSError: the log cannot be written, or no process can be begun.
    """
    command = [sys.executable if words[0] == "python" else words[0], *words[1:]]
    guard_words = [sys.executable, "-I", "-S", str(GUARD), str(GRACE), *command]
    began = time.monotonic()
    with log.open("ab") as output:
        guard = subprocess.Popen(  # noqa: S603  # the stage's own command
            guard_words, cwd=root, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True, pass_fds=(lock,), env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return guard.wait(PULSE)
            tick(time.monotonic() - began)
            if time.monotonic() - began > seconds:
                raise OverBoundError
    except OverBoundError:
        _ask_to_end(guard, signal.SIGTERM)
        raise
    except KeyboardInterrupt:
        _ask_to_end(guard, signal.SIGINT)
        raise
    finally:
        _signal(guard, signal.SIGKILL)
        guard.wait()
        if guard.stdin is not None:
            guard.stdin.close()


def _ask_to_end(guard: subprocess.Popen[bytes], number: signal.Signals) -> None:
    _signal(guard, number)
    with contextlib.suppress(subprocess.TimeoutExpired):
        guard.wait(GRACE)


def _signal(guard: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to the whole group; it may be gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(guard.pid, number)
