"""Many jobs at a time, a process each; results do not depend on the number of processes."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TypeVar

J = TypeVar("J")
R = TypeVar("R")


def in_processes(
    work: Callable[[J], R], jobs: Sequence[J], processes: int, progress: Callable[[], None] = lambda: None
) -> list[R]:
    """The results of these jobs, in their order.

    Any exception, an interrupt too, ends the processes at once.

    Args:
        work: a function of a module.
        jobs: what to do.
        processes: how many at a time; 1 starts none.
        progress: called when a job is done.
    """
    if processes == 1:
        results = []
        for job in jobs:
            results.append(work(job))
            progress()
        return results
    others = multiprocessing.active_children()
    pool = ProcessPoolExecutor(
        min(processes, max(len(jobs), 1)),
        multiprocessing.get_context("spawn"),
        signal.signal,  # Ctrl-C reaches every process of a terminal: this one answers for all
        (signal.SIGINT, signal.SIG_IGN),
    )
    try:
        futures = [pool.submit(work, job) for job in jobs]
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
