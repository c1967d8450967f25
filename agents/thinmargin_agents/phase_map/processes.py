"""Many pieces of work at a time, a process each; results do not depend on the number of processes."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TypeVar

T = TypeVar("T")


def run_all(
    tasks: Sequence[Callable[[], T]], processes: int = 1, progress: Callable[[], None] | None = None
) -> list[T]:
    """What these functions return, in their order; with several processes they must be picklable.

    Any exception, an interrupt too, ends the processes at once.

    Args:
        tasks: functions without arguments.
        processes: how many at a time; 1 starts none.
        progress: called when a function has returned.
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
