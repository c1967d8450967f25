"""Worker processes of this machine: each trains one trial after another and sends its progress over a pipe.

Only the process that searches opens the study. A worker whose pipe breaks ends, so that no worker trains on for a
search that was killed; a worker that is killed is noticed at once.
"""

from __future__ import annotations

import contextlib
import multiprocessing
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import NamedTuple

from thinmargin_agents.parallel.processes import inherited, last_words
from thinmargin_agents.search.messages import IntermediateValue, LostWorker, Message, TrialEnd, TrialJob


class _Worker(NamedTuple):
    """A process, and this end of its pipe."""

    process: SpawnProcess
    pipe: Connection


class LocalWorkers:
    """Processes of this machine, started when they are needed.

    Args:
        count: how many.
        threads: of torch in each.
    """

    def __init__(self, count: int, threads: int = 1) -> None:
        self.count = count
        self._threads = threads
        self._idle: list[_Worker] = []
        self._busy: dict[int, _Worker] = {}

    def start(self, job: TrialJob) -> None:
        """Train a trial."""
        while self._idle:
            worker = self._idle.pop()
            with contextlib.suppress(OSError):  # it died while it had nothing to do: another takes its place
                worker.pipe.send(job)
                self._busy[job.number] = worker
                return
        self._busy[job.number] = worker = self._hire()
        with contextlib.suppress(OSError):  # it died at once: the next call of news reports it
            worker.pipe.send(job)

    def news(self, seconds: float) -> list[tuple[int, Message]]:
        """New messages with the numbers of their trials; waits at most this long for the first."""
        ready = wait([worker.pipe for worker in self._busy.values()], seconds)
        return [
            (number, self._receive(number, worker))
            for number, worker in list(self._busy.items())
            if worker.pipe in ready
        ]  # fmt: skip

    def answer(self, number: int, *, proceed: bool) -> None:
        """Let a judged trial go on, or end it."""
        with contextlib.suppress(OSError):  # its worker died meanwhile: the next call of news reports it
            self._busy[number].pipe.send(proceed)

    def close(self) -> None:
        """End every process."""
        workers = [*self._idle, *self._busy.values()]
        self._idle, self._busy = [], {}
        for worker in workers:
            worker.pipe.close()
            worker.process.kill()
        for worker in workers:
            worker.process.join()

    def _hire(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(target=serve, args=(there,), daemon=True)
        with inherited(self._threads):
            process.start()
        there.close()
        return _Worker(process, here)

    def _receive(self, number: int, worker: _Worker) -> Message:
        try:
            message: Message = worker.pipe.recv()
        except (EOFError, OSError):
            del self._busy[number]
            worker.pipe.close()
            worker.process.kill()
            worker.process.join()
            return LostWorker(last_words(worker.process.exitcode))
        if isinstance(message, TrialEnd):
            self._idle.append(self._busy.pop(number))
        return message


def serve(pipe: Connection) -> None:
    """The main loop of a worker: train the trials that come through the pipe, until it breaks."""
    from thinmargin_agents.search.trial import end_of  # noqa: PLC0415  # torch takes seconds

    def send(message: Message) -> bool:
        try:
            pipe.send(message)
            return bool(pipe.recv()) if isinstance(message, IntermediateValue) else True
        except (EOFError, OSError) as error:
            raise SystemExit from error  # the search is gone

    while True:
        try:
            job = pipe.recv()
        except (EOFError, OSError):
            return
        send(end_of(job, send))
