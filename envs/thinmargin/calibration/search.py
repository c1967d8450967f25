"""The search for the constants: Levenberg-Marquardt from several starts, and the posterior around what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

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
FINE_STEP = 1e-7
"""The same for the polish, on one side of a crease."""
ROUNDS = 12
"""Most polishes, each from where the last one ended."""
HALVINGS = 40
"""Most tries of a line search."""
ENOUGH, FLATTER = 1e-4, 0.9
"""Share of the fall that a slope promises which a step must bring, and of the slope that may be left."""
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
        last = (best, value)
        for step, last in enumerate(descend(misfit, point), 1):
            if report is not None:
                report(start, step, min(value, last[1]))
        ended.append(last[1])
        if last[1] < value:
            best, value = last
    for _ in range(ROUNDS):
        before = value
        best, value = polish(misfit, best, value)
        if before - value <= CONVERGED * value:
            break
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


def polish(misfit: Misfit, point: Numbers, value: float) -> tuple[Numbers, float]:
    """Follow a crease to its lowest place: quasi-Newton steps, whose estimate of the curvature learns it.

    Production within capacity bends the misfit sharply, and the least one often lies in such a bend, where the steps
    of `descend` end a little early. Broyden, Fletcher, Goldfarb and Shanno (1970) with a line search that asks for a
    fall and a flatter slope only (Lewis & Overton 2013).

    Returns:
        The guess it ends at, shape (unknowns,), and its misfit: never above `value`, that of `point`.
    """
    inverse: npt.NDArray[np.floating[Any]] = posterior_covariance(jacobian(misfit, point))
    z, slope = np.array(point, np.float64), gradient(misfit, point)
    for _ in range(ITERATIONS):
        direction = -inverse @ slope
        fall, low, high, size = float(slope @ direction), 0.0, np.inf, 1.0
        if fall >= 0.0:
            return z, value
        for _ in range(HALVINGS):
            guess = z + size * direction
            reached = float(misfit(guess)[0])
            if not reached <= value + ENOUGH * size * fall:
                high = size
            else:
                there = gradient(misfit, guess)
                if there @ direction >= FLATTER * fall:
                    break
                low = size
            size = 0.5 * (low + high) if np.isfinite(high) else 2.0 * low
        else:
            return z, value
        step, bent = guess - z, there - slope
        z, value, slope = guess, reached, there
        turn = float(step @ bent)
        if turn <= 0.0:  # too short a step to tell a slope from its rounding
            return z, value
        rate = 1.0 / turn
        shrink = np.eye(len(z)) - rate * np.outer(step, bent)
        inverse = shrink @ inverse @ shrink.T + rate * np.outer(step, step)
    return z, value


def gradient(misfit: Misfit, z: Numbers) -> Numbers:
    """Slope of the misfit at `z` by central differences, shape (unknowns,)."""
    away = FINE_STEP * np.eye(len(z))
    values = misfit(np.concatenate([z + away, z - away]))
    slope: Numbers = (values[: len(z)] - values[len(z) :]) / (2.0 * FINE_STEP)
    return slope


def jacobian(misfit: Misfit, z: Numbers) -> Numbers:
    """Slopes of the residuals at `z` by central differences, shape (residuals, unknowns)."""
    away = STEP * np.eye(len(z))
    residuals = misfit.residuals(np.concatenate([z + away, z - away]))
    slopes: Numbers = (residuals[: len(z)] - residuals[len(z) :]).T / (2.0 * STEP)
    return slopes


def posterior_covariance(slopes: Numbers) -> Numbers:
    """Covariance of z around the best guess by the normal law with its curvature (Laplace 1774), shape (n, n).

    Args:
        slopes: of the residuals there, shape (residuals, n), those of the prior among them.

    The curvature is that of Gauss and Newton, slopes' slopes, to which the prior adds one in every direction: the
    posterior is never wider than the prior.
    """
    inverse = np.linalg.inv(slopes.T @ slopes)
    covariance: Numbers = np.asarray(0.5 * (inverse + inverse.T), np.float64)
    return covariance
