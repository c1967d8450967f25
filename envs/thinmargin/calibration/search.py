"""The search for the constants: CMA-ES from several starts, then the curvature of the misfit around what it found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from thinmargin.calibration.misfit import Misfit
from thinmargin.calibration.unknowns import UNKNOWNS

Numbers: TypeAlias = npt.NDArray[np.float64]

POPULATION = 32
GENERATIONS = 3000
"""At most; a start usually ends after 1,500 because nothing moves any more."""
START_SD = 0.5
CONVERGED = 1e-12
"""Change of misfit, and of z relative to its start, at which a start has ended."""
STEP = 0.003
"""Distance of the points that curvature is measured with, in prior standard deviations: a third of the posterior's
width in its narrowest direction, of the size where half of it gives the same curvature."""


@dataclass(frozen=True)
class Found:
    """Result of one search."""

    z: Numbers
    """Best guess, shape (unknowns,)."""
    misfit: float
    starts: tuple[float, ...]
    """Misfit that each start ended with: equal numbers mean one valley."""


def search(misfit: Misfit, seed: int, starts: int, report: Callable[[int, int, float], None] | None = None) -> Found:
    """The guess of least misfit; `report` is called with the start, its generation and the best misfit so far.

    The first start is the centre of the prior, the others are drawn from half of it.

    Raises:
        ModuleNotFoundError: the package `cma` is not installed.
    """
    import cma  # noqa: PLC0415  # only the calibration needs it

    generator = np.random.default_rng(seed)
    best, value = np.zeros(len(UNKNOWNS)), np.inf
    ended = []
    for start in range(starts):
        first = START_SD * generator.standard_normal(len(UNKNOWNS)) * (start > 0)
        options = {
            "seed": seed + start + 1,
            "popsize": POPULATION,
            "maxiter": GENERATIONS,
            "tolfun": CONVERGED,
            "tolx": CONVERGED,
            "verbose": -9,
        }
        strategy = cma.CMAEvolutionStrategy(first, START_SD, options)
        while not strategy.stop():
            guesses = strategy.ask()
            strategy.tell(guesses, misfit(np.array(guesses)).tolist())
            if report is not None:
                report(start, strategy.countiter, min(value, strategy.result.fbest))
        ended.append(float(strategy.result.fbest))
        if strategy.result.fbest < value:
            best, value = np.array(strategy.result.xbest), float(strategy.result.fbest)
    return Found(best, value, tuple(ended))


def curvature(misfit: Misfit, z: Numbers) -> Numbers:
    """Second derivatives of the misfit at `z`, shape (unknowns, unknowns), by central differences."""
    size = len(z)
    rows, columns = np.triu_indices(size)
    signs = ((1, 1), (1, -1), (-1, 1), (-1, -1))
    points = np.repeat(z[None], len(rows) * len(signs), axis=0).reshape(len(rows), len(signs), size)
    for corner, (first, second) in enumerate(signs):
        points[np.arange(len(rows)), corner, rows] += first * STEP
        points[np.arange(len(rows)), corner, columns] += second * STEP
    value = misfit(points.reshape(-1, size)).reshape(len(rows), len(signs))
    hessian = np.zeros((size, size))
    hessian[rows, columns] = (value[:, 0] - value[:, 1] - value[:, 2] + value[:, 3]) / (4.0 * STEP * STEP)
    hessian[columns, rows] = hessian[rows, columns]
    return hessian


def posterior_covariance(hessian: Numbers) -> Numbers:
    """Covariance of z around the best guess (Laplace 1774), never wider than the prior in any direction.

    The prior alone has curvature one; where the figures bend the misfit less than that, the prior rules.
    """
    values, vectors = np.linalg.eigh(hessian)
    covariance: Numbers = (vectors / np.maximum(values, 1.0)) @ vectors.T
    return covariance
