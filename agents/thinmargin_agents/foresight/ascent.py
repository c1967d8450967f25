"""Ascent by the slopes of a function, quasi-Newton: one world's part of a search."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

FIRST = 0.1
"""Largest number in the first step."""
LONGEST = 0.5
"""Largest number in any step of length 1."""
TRUST = 6
"""Steps in a row that gain nothing, after which what was learned of the curvature is forgotten."""
CURVED = 1e-8
"""Least cosine between a step and the fall of the slopes along it from which curvature is learned."""
SLOWER, FASTER = 0.25, 2.0
"""Bounds of the factor by which one steepest step is longer than the last; SLOWER also where none gained anything."""


class Ascent:
    """Directions in which a function may rise, learned from its slopes: BFGS, and steepest ascent beside it.

    Quasi-Newton directions are best on smooth ground; at kinks, where levers are cut to their range or plants run at
    their capacity, the steepest one is a second chance.

    Args:
        slopes: where the ascent begins, shape (n,).

    Attributes:
        slopes: of the function where the ascent is, shape (n,).
    """

    def __init__(self, slopes: Numbers) -> None:
        self.slopes = slopes
        self._inverse: Numbers | None = None  # of the curvature; None: not known
        self._pace = FIRST / max(float(np.abs(slopes).max()), np.finfo(np.float64).tiny)
        self._failed = 0

    def directions(self) -> Numbers:
        """The quasi-Newton direction and the steepest one, as steps of length 1: shape (2, n)."""
        steepest = self._pace * self.slopes
        both = np.stack([steepest if self._inverse is None else self._inverse @ self.slopes, steepest])
        largest = np.maximum(np.abs(both).max(axis=1, keepdims=True), LONGEST)
        bounded: Numbers = both * (LONGEST / largest)
        return bounded

    def adapt(self, length: float, *, gained: bool) -> None:
        """Adapt the steepest steps to the best of those tried, in steps of length 1."""
        self._pace *= min(max(length, SLOWER), FASTER) if gained else SLOWER

    def learn(self, step: Numbers, slopes: Numbers, *, gained: bool) -> None:
        """Learn the curvature from the slopes behind a step, which is taken if it gained something."""
        fall = self.slopes - slopes
        self._failed = 0 if gained else self._failed + 1
        along = float(step @ fall)
        if self._failed >= TRUST:
            self._inverse, self._failed = None, 0
        elif along > CURVED * float(np.linalg.norm(step) * np.linalg.norm(fall)):
            if self._inverse is None:
                self._inverse = np.eye(len(step)) * (along / float(fall @ fall))
            turned = self._inverse @ fall
            mixed = np.outer(turned, step)
            self._inverse += (1.0 + float(fall @ turned) / along) / along * np.outer(step, step)
            self._inverse -= (mixed + mixed.T) / along
        if gained:
            self.slopes = slopes
