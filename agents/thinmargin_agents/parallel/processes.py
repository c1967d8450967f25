"""The seeds in processes of this machine, each with its own threads, at most so many at once.

The processes ignore Ctrl-C and SIGTERM, which a terminal sends to all of them: this process alone handles the signal
and tells the others to stop. A process also stops after its update if this one is gone.
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

from thinmargin_agents.parallel.jobs import SeedEnd, SeedJob, work
from thinmargin_agents.parallel.stop_signals import SIGNALS, Stop

if TYPE_CHECKING:  # takes seconds to import, which a child does in its own time
    from thinmargin_agents.parallel.progress import SeedsProgress
    from thinmargin_agents.training.callbacks.progress import Step

PULSE = 0.25
"""Seconds between two checks whether to stop."""


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def train_in_processes(
    jobs: Sequence[SeedJob], n_jobs: int, progress: SeedsProgress, stop: Stop, *, resume: bool = False
) -> list[SeedEnd]:
    """Train the jobs and return their ends, in their order; those that were never begun count as stopped.

    Args:
        jobs: what to train.
        n_jobs: how many at once.
        progress: shows what happens.
        stop: whether to stop; at a second signal, every process is killed.
        resume: go on from the checkpoints that are there.
    """
    return _Processes(jobs, n_jobs, progress, stop, resume=resume).train()


class _Processes:
    """The processes that are running."""

    def __init__(
        self, jobs: Sequence[SeedJob], n_jobs: int, progress: SeedsProgress, stop: Stop, *, resume: bool
    ) -> None:
        self._jobs, self._n_jobs, self._progress, self._stop, self._resume = jobs, n_jobs, progress, stop, resume
        self._waiting = list(range(len(jobs)))
        self._running: dict[Connection, tuple[int, SpawnProcess]] = {}
        self._ends = [SeedEnd() for _ in jobs]

    def train(self) -> list[SeedEnd]:
        notified = False
        try:
            while self._running or (self._waiting and not self._stop.asked):
                while self._waiting and len(self._running) < self._n_jobs and not self._stop.asked:
                    self._begin(self._waiting.pop(0))
                for connection in wait(list(self._running), PULSE):
                    if isinstance(connection, Connection):
                        self._listen(connection)
                if self._stop.asked and not notified:
                    notified = True
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
        here, there = multiprocessing.Pipe()
        with inherited(job.run.num_threads):
            process = multiprocessing.get_context("spawn").Process(
                target=_child, args=(job, there, self._resume), daemon=True
            )
            process.start()
        there.close()
        self._running[here] = (number, process)
        self._progress.begins(number, f"process {process.pid}")

    def _listen(self, connection: Connection) -> None:
        number, process = self._running[connection]
        try:
            news: Step | SeedEnd = connection.recv()
        except (EOFError, OSError):
            process.join()
            news = SeedEnd() if self._stop.asked else SeedEnd(error=last_words(process.exitcode))
        if not isinstance(news, SeedEnd):
            self._progress.steps(number, news)
            return
        del self._running[connection]
        connection.close()
        process.join()
        self._ends[number] = news
        self._progress.ends(number, news)


@contextmanager
def inherited(threads: int) -> Iterator[None]:
    """A process that is started inside ignores SIGNALS and has OMP_NUM_THREADS from its first instruction."""
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


def _child(job: SeedJob, connection: Connection, resume: bool = False) -> None:
    """Train the job in a process of its own, which sends Steps through the connection and then the SeedEnd."""

    def report(step: Step) -> bool:
        try:
            connection.send(step)
            return connection.poll()  # it receives "stop", or the end of the other side
        except OSError:
            return True

    end = work(job, report, resume=resume)
    with suppress(OSError):  # the other side is gone
        connection.send(end)


def last_words(status: int | None) -> str:
    """The reason why a process ended without a SeedEnd."""
    if status is not None and status < 0:
        return f"its process was killed by {signal.Signals(-status).name} (the system does so where memory runs out)"
    return f"its process ended with status {status}"
