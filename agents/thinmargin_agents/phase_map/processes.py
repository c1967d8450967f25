"""Many cells at a time, a process each; results do not depend on the number of processes."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from thinmargin_agents.phase_map.cells import MapCell
from thinmargin_agents.phase_map.search import Case, SearchBudget, solve


def solve_all(
    cases: Sequence[Case], budget: SearchBudget, processes: int = 1, progress: Callable[[], None] | None = None
) -> list[MapCell]:
    """The answers to these cases, in their order.

    Any exception, an interrupt too, ends the processes at once.

    Args:
        cases: what to solve.
        budget: how long to look in each.
        processes: how many at a time; 1 starts none.
        progress: called when a case is solved.
    """
    progress = progress or (lambda: None)
    if processes == 1:
        cells = []
        for case in cases:
            cells.append(solve(case, budget))
            progress()
        return cells
    others = multiprocessing.active_children()
    pool = ProcessPoolExecutor(
        min(processes, max(len(cases), 1)),
        multiprocessing.get_context("spawn"),
        signal.signal,  # Ctrl-C reaches every process of a terminal: this one answers for all
        (signal.SIGINT, signal.SIG_IGN),
    )
    try:
        futures = [pool.submit(solve, case, budget) for case in cases]
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
