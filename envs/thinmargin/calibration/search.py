"""The search for the constants: Levenberg-Marquardt from several starts, and the posterior around what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from thinmargin.calibration.misfit import Misfit
from thinmargin.calibration.unknowns import UNKNOWNS

Numbers: TypeAlias = npt.NDArray[np.float64]

ITERATIONS = 200
"""At most; a start usually ends after ten to forty because nothing moves any more."""
START_SD = 0.5
"""Standard deviation of the starts that are drawn, in those of the prior."""
CONVERGED = 1e-12
"""Relative fall of the misfit in a step below which it counts as none; a start ends after `PATIENCE` of them."""
PATIENCE = 3
STEP = 1e-5
"""Distance of the points that slopes are measured with, in prior standard deviations."""
CURVATURE_STEP = 0.003
"""Distance of the points that curvature is measured with, in prior standard deviations: a third of the posterior's
width in its narrowest direction, of the size where half of it gives the same curvature."""
DAMPINGS = (1e-3, 1e-1, 1.0, 10.0, 1e3)
"""Factors of the last damping that a step tries at once."""
FIRST_DAMPING, LEAST_DAMPING, MOST_DAMPING = 1.0, 1e-9, 1e12


@dataclass(frozen=True)
class Found:
    """Result of one search."""

    z: Numbers
    """Best guess, shape (unknowns,)."""
    misfit: float
    starts: tuple[float, ...]
    """Misfit that each start ended with: equal numbers mean one valley."""


def starting_points(seed: int, starts: int, known: Sequence[Numbers] = ()) -> list[Numbers]:
    """The centre of the prior, the guesses that are `known`, then `starts` - 1 draws from half of the prior."""
    generator = np.random.default_rng(seed)
    drawn = [START_SD * generator.standard_normal(len(UNKNOWNS)) for _ in range(starts - 1)]
    return [np.zeros(len(UNKNOWNS)), *known, *drawn]


def search(misfit: Misfit, points: Sequence[Numbers], report: Callable[[int, int, float], None] | None = None) -> Found:
    """The guess of least misfit that is found from these points.

    Args:
        misfit: what is made small.
        points: guesses to start from, each of shape (unknowns,).
        report: called with the start, its step and the best misfit so far.
    """
    best, value = np.asarray(points[0], np.float64), np.inf
    ended = []
    for start, point in enumerate(points):
        end = best, value
        for step, end in enumerate(descend(misfit, point), 1):
            if report is not None:
                report(start, step, min(value, end[1]))
        z, reached = end
        ended.append(reached)
        if reached < value:
            best, value = z, reached
    return Found(best, value, tuple(ended))


def descend(misfit: Misfit, point: Numbers) -> Iterator[tuple[Numbers, float]]:
    """Levenberg (1944) and Marquardt (1963): least squares by steps between Gauss-Newton and the slope.

    Every step tries five dampings at once and keeps the best; the misfit never rises.

    Yields:
        The guess after each step, shape (unknowns,), and its misfit.
    """
    z = np.array(point, np.float64)
    residual = misfit.residuals(z)[0]
    value = 0.5 * float(residual @ residual)
    damping, idle = FIRST_DAMPING, 0
    for _ in range(ITERATIONS):
        slopes = jacobian(misfit, z)
        normal, slope = slopes.T @ slopes, slopes.T @ residual
        tried = np.clip(damping * np.array(DAMPINGS), LEAST_DAMPING, MOST_DAMPING)
        moves = [np.linalg.solve(normal + one * np.diag(normal.diagonal()), -slope) for one in tried]
        guesses = z + np.array(moves)
        residuals = misfit.residuals(guesses)
        values = 0.5 * np.einsum("ij,ij->i", residuals, residuals)
        k = int(values.argmin())
        fallen = value - float(values[k])
        if fallen > 0.0:
            z, residual, value, damping = guesses[k], residuals[k], float(values[k]), float(tried[k])
        else:
            damping = min(damping * DAMPINGS[-1], MOST_DAMPING)
        yield z, value
        idle = idle + 1 if fallen <= CONVERGED * value else 0
        if idle == PATIENCE:
            break


def jacobian(misfit: Misfit, z: Numbers) -> Numbers:
    """Slopes of the residuals at `z` by central differences, shape (residuals, unknowns)."""
    away = STEP * np.eye(len(z))
    residuals = misfit.residuals(np.concatenate([z + away, z - away]))
    slopes: Numbers = (residuals[: len(z)] - residuals[len(z) :]).T / (2.0 * STEP)
    return slopes


def curvature(misfit: Misfit, z: Numbers) -> Numbers:
    """Second derivatives of the misfit at `z`, shape (unknowns, unknowns), by central differences."""
    size = len(z)
    rows, columns = np.triu_indices(size)
    signs = ((1, 1), (1, -1), (-1, 1), (-1, -1))
    points = np.repeat(z[None], len(rows) * len(signs), axis=0).reshape(len(rows), len(signs), size)
    for corner, (first, second) in enumerate(signs):
        points[np.arange(len(rows)), corner, rows] += first * CURVATURE_STEP
        points[np.arange(len(rows)), corner, columns] += second * CURVATURE_STEP
    value = misfit(points.reshape(-1, size)).reshape(len(rows), len(signs))
    hessian = np.zeros((size, size))
    second_differences = value[:, 0] - value[:, 1] - value[:, 2] + value[:, 3]
    hessian[rows, columns] = second_differences / (4.0 * CURVATURE_STEP * CURVATURE_STEP)
    hessian[columns, rows] = hessian[rows, columns]
    return hessian


def posterior_covariance(hessian: Numbers) -> Numbers:
    """Covariance of z around the best guess (Laplace 1774), never wider than the prior in any direction.

    The prior alone has curvature one; where the figures bend the misfit less than that, the prior rules.
    """
    values, vectors = np.linalg.eigh(hessian)
    covariance: Numbers = (vectors / np.maximum(values, 1.0)) @ vectors.T
    return covariance
