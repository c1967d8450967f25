"""Many pieces of work at a time, a process each; results do not depend on the number of processes."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from thinmargin_agents.cli.errors import LostProcessError

J = TypeVar("J")
R = TypeVar("R")


@contextmanager
def lost_is_told(processes: int) -> Iterator[None]:
    """Inside, a process of a pool that ends before its work is done is a LostProcessError.

    Args:
        processes: value of the flag of that name.
    """
    try:
        yield
    except BrokenProcessPool as error:
        raise LostProcessError(
            f"--processes is {processes}: one of them ended before its work was done; where memory runs out the system"
            " kills a process, and fewer need less"
        ) from error


def run_all(
    tasks: Sequence[Callable[[], R]], processes: int = 1, progress: Callable[[], None] | None = None
) -> list[R]:
    """What these functions return, in their order; with several processes they must be picklable.

    Any exception, an interrupt too, ends the processes at once.

    Args:
        tasks: functions without arguments.
        processes: how many at a time; 1 starts none.
        progress: called when a function has returned.

    Raises:
        LostProcessError: a process was killed, or ended itself, before its work was done.
    """
    progress = progress or (lambda: None)
    if processes == 1:
        found = []
        for task in tasks:
            found.append(task())
            progress()
        return found
    others = multiprocessing.active_children()
    pool = ProcessPoolExecutor(
        min(processes, max(len(tasks), 1)),
        multiprocessing.get_context("spawn"),
        signal.signal,  # Ctrl-C reaches every process of a terminal: this one answers for all
        (signal.SIGINT, signal.SIG_IGN),
    )
    try:
        with lost_is_told(processes):
            futures = [pool.submit(task) for task in tasks]
            for future in as_completed(futures):
                future.result()
                progress()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in multiprocessing.active_children():
            if child not in others:
                child.terminate()
        raise
    pool.shutdown()
    return [future.result() for future in futures]


def in_processes(
    work: Callable[[J], R], jobs: Sequence[J], processes: int, progress: Callable[[], None] | None = None
) -> list[R]:
    """What a function of a module makes of these jobs, in their order; otherwise as `run_all`."""
    return run_all([partial(work, job) for job in jobs], processes, progress)
