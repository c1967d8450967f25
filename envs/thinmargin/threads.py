"""Threads that share the rows of a batch: a part of them each, run by compiled code that gives up Python's lock."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from thinmargin.shown import shown

Work = Callable[[], object]


def available_threads() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_threads(num_threads: object) -> None:
    """Raise TypeError or ValueError unless `num_threads` is a whole number from 1 to the processors there are."""
    most = available_threads()
    if isinstance(num_threads, bool) or not isinstance(num_threads, int):
        raise TypeError(f"num_threads is {shown(num_threads)}: must be a whole number from 1 to {most}")
    if not 1 <= num_threads <= most:
        raise ValueError(
            f"num_threads is {shown(num_threads)}: allowed are 1 to {most}, the processors that this process may use"
        )


def parts(size: int, count: int) -> list[slice]:
    """`size` rows in at most `count` runs of neighbours, none of them empty, whose lengths differ by one at most."""
    count = min(size, count)
    edges = [size * part // count for part in range(count + 1)]
    return [slice(low, high) for low, high in itertools.pairwise(edges)]


class Team:
    """`count` threads, the caller's among them, that work side by side.

    The others are started at the first work, and anew in a process that was forked since: threads do not come along.
    A copy has threads of its own.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool: ThreadPoolExecutor | None = None
        self._process = 0

    def run(self, work: Sequence[Work]) -> None:
        """Do each piece of `work`, of which there are at most `count`, and return when all are done."""
        if len(work) > 1:
            waiting = [self._others().submit(piece) for piece in work[1:]]
            try:
                work[0]()
            finally:
                wait(waiting)  # nobody is left behind writing into the arrays
            for one in waiting:
                one.result()
        else:
            work[0]()

    def _others(self) -> ThreadPoolExecutor:
        if self._pool is None or self._process != os.getpid():
            self._pool = ThreadPoolExecutor(max(self.count - 1, 1), thread_name_prefix="thinmargin")
            self._process = os.getpid()
        return self._pool

    def __getstate__(self) -> dict[str, Any]:
        """Without threads, which cannot be copied."""
        return {**vars(self), "_pool": None}

    def close(self) -> None:
        """Let the other threads end; the next work starts them anew."""
        if self._pool is not None and self._process == os.getpid():
            self._pool.shutdown()
        self._pool = None
