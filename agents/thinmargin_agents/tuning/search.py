"""CMA-ES with a population judged at once (Hansen & Ostermeier 2001)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thinmargin_agents.cli.command import check_libraries

Numbers = npt.NDArray[np.float64]
Judge = Callable[[Numbers], Numbers]
"""Values, higher is better, of candidates of shape (population, numbers)."""


class Found(NamedTuple):
    """Result of a search."""

    numbers: Numbers
    value: float
    evaluations: int
    """Candidates judged."""


def climb(
    judge: Judge,
    start: Sequence[float] | Numbers,
    spread: float,
    *,
    generations: int,
    population: int,
    seed: int,
    progress: Callable[[float], None] | None = None,
    refresh: Callable[[int], None] | None = None,
) -> Found:
    """The best of all candidates judged, the final mean of the search among them; or that mean, where worlds change.

    Args:
        judge: always gets `population` candidates.
        start: where the search begins.
        spread: standard deviation of the first candidates.
        generations: how many.
        population: candidates of a generation.
        seed: of CMA-ES, at least 1.
        progress: called after every generation with the best value so far, or of this generation where worlds change.
        refresh: called before every generation with its number, to change the worlds. The result then fits no worlds
            in particular, but values of different generations cannot be compared: the final mean is returned.

    Raises:
        UsageError: the package `cma` is not installed.
    """
    check_libraries("the search", ["cma"], "search")
    import cma  # noqa: PLC0415  # only searches need it

    strategy = cma.CMAEvolutionStrategy(list(start), spread, {"seed": seed, "verbose": -9, "popsize": population})
    best, value = np.asarray(start, np.float64), -np.inf
    for generation in range(generations + 1):
        is_last = generation == generations
        if refresh is not None:
            refresh(generation)
            value = -np.inf
        asked = [strategy.result.xfavorite] * population if is_last else strategy.ask()
        candidates = np.array(asked)
        values = judge(candidates)
        if not is_last:
            strategy.tell(asked, (-values).tolist())
        top = int(values.argmax())
        if values[top] > value:
            best, value = candidates[top].copy(), float(values[top])
        if progress is not None and not is_last:
            progress(value)
    return Found(best, value, generations * population + 1)
