"""The seeds in processes of this machine, each with its own threads, at most so many at once.

The processes are deaf to Ctrl-C and SIGTERM: a terminal sends these to all of them, so this process answers for all
and passes the wish on. A process that finds this one gone stops after its update too.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import TYPE_CHECKING

from thinmargin_agents.parallel.jobs import End, Job, work
from thinmargin_agents.parallel.stop_signals import SIGNALS, Stop

if TYPE_CHECKING:  # takes seconds to import, which a child does in its own time
    from thinmargin_agents.parallel.progress import Board
    from thinmargin_agents.training.callbacks.progress import Step

PULSE = 0.25
"""Seconds between two looks at what was asked."""


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def train_here(jobs: Sequence[Job], n_jobs: int, board: Board, stop: Stop) -> list[End]:
    """How each job ended, in their order; those that were never begun have been stopped.

    Args:
        jobs: what to train.
        n_jobs: how many at once.
        board: told what happens.
        stop: whether to stop: asked again, every process is killed.
    """
    return _Crew(jobs, n_jobs, board, stop).train()


class _Crew:
    """The processes that are running."""

    def __init__(self, jobs: Sequence[Job], n_jobs: int, board: Board, stop: Stop) -> None:
        self._jobs, self._n_jobs, self._board, self._stop = jobs, n_jobs, board, stop
        self._waiting = list(range(len(jobs)))
        self._running: dict[Connection, tuple[int, SpawnProcess]] = {}
        self._ends = [End() for _ in jobs]

    def train(self) -> list[End]:
        told = False
        try:
            while self._running or (self._waiting and not self._stop.asked):
                while self._waiting and len(self._running) < self._n_jobs and not self._stop.asked:
                    self._begin(self._waiting.pop(0))
                for connection in wait(list(self._running), PULSE):
                    if isinstance(connection, Connection):
                        self._listen(connection)
                if self._stop.asked and not told:
                    told = True
                    for connection in self._running:
                        with suppress(OSError):  # it has just ended
                            connection.send("stop")
        except KeyboardInterrupt:
            self._stop.asked = True
        finally:
            for connection, (_, process) in self._running.items():
                process.kill()
                process.join()
                connection.close()
        return self._ends

    def _begin(self, number: int) -> None:
        job = self._jobs[number]
        ours, theirs = multiprocessing.Pipe()
        with inherited(job.run.num_threads):
            process = multiprocessing.get_context("spawn").Process(target=_child, args=(job, theirs), daemon=True)
            process.start()
        theirs.close()
        self._running[ours] = (number, process)
        self._board.begins(number, f"process {process.pid}")

    def _listen(self, connection: Connection) -> None:
        number, process = self._running[connection]
        try:
            news: Step | End = connection.recv()
        except (EOFError, OSError):
            process.join()
            news = End() if self._stop.asked else End(error=last_words(process.exitcode))
        if not isinstance(news, End):
            self._board.steps(number, news)
            return
        del self._running[connection]
        connection.close()
        process.join()
        self._ends[number] = news
        self._board.ends(number, news)


@contextmanager
def inherited(threads: int) -> Iterator[None]:
    """A process that is started inside is deaf to SIGNALS and has OMP_NUM_THREADS from its first instruction."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = str(threads)
    if sys.platform != "win32":
        resource_tracker.ensure_running()  # it unblocks the signals when it begins
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before


def _child(job: Job, connection: Connection) -> None:
    """Train the job in a process of its own; what comes back through the connection is Steps, then the End."""

    def tell(step: Step) -> bool:
        try:
            connection.send(step)
            return connection.poll()  # what comes is "stop", or the end of the other side
        except OSError:
            return True

    end = work(job, tell)
    with suppress(OSError):  # nobody listens any more
        connection.send(end)


def last_words(status: int | None) -> str:
    """Why a process ended without a word."""
    if status is not None and status < 0:
        return f"its process was killed by {signal.Signals(-status).name} (the system does so where memory runs out)"
    return f"its process ended with status {status}"
