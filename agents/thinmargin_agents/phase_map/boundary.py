"""Between the cells of a map: where thin and premium tie, and which side a world is on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from thinmargin_agents.phase_map.cells import Grid, Numbers, PhaseMap


def tie(slopes: Sequence[float], differences: npt.ArrayLike) -> float | None:
    """The price slope above which thin wins, linear between the two cells where the difference changes sign.

    Args:
        slopes: price slopes, rising, shape (n,).
        differences: thin less premium at each, shape (n,); a tie counts as won by thin.

    Returns:
        The last change from premium to thin; None if premium wins at the highest slope, or thin everywhere.
    """
    gaps = np.asarray(differences, np.float64)
    below = np.flatnonzero(gaps < 0.0)
    if not len(below) or below[-1] == len(gaps) - 1:
        return None
    last = int(below[-1])
    share = gaps[last] / (gaps[last] - gaps[last + 1])
    return float(slopes[last] + share * (slopes[last + 1] - slopes[last]))


def ties(phase_map: PhaseMap) -> list[float | None]:
    """`tie` of every row."""
    return [tie(phase_map.grid.slopes, gaps) for gaps in phase_map.differences]


def on_map(grid: Grid, slopes: npt.ArrayLike, rows: npt.ArrayLike) -> tuple[Numbers, Numbers]:
    """Where values lie, in columns and rows counted from 0; what lies outside is moved to the edge."""
    columns = np.interp(np.asarray(slopes, np.float64), grid.slopes, np.arange(len(grid.slopes)))
    return columns, np.interp(np.asarray(rows, np.float64), grid.rows, np.arange(len(grid.rows)))


def difference_at(phase_map: PhaseMap, slopes: npt.ArrayLike, rows: npt.ArrayLike) -> Numbers:
    """Thin less premium, RMB bn, linear in both directions between the cells; outside, that of the nearest edge."""
    gaps = phase_map.differences
    at = on_map(phase_map.grid, slopes, rows)
    (x, right, u), (y, above, v) = (_between(place, size) for place, size in zip(at, gaps.shape[::-1], strict=True))
    lower = gaps[y, x] * (1.0 - u) + gaps[y, right] * u
    upper = gaps[above, x] * (1.0 - u) + gaps[above, right] * u
    return np.asarray(lower * (1.0 - v) + upper * v)


def _between(place: Numbers, size: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Numbers]:
    """The cells on both sides of a place, and how far it is from the first to the second."""
    first = np.minimum(place.astype(np.int64), max(size - 2, 0))
    return first, np.minimum(first + 1, size - 1), place - first


def at_boundary(differences: Numbers, row: int, column: int) -> bool:
    """Whether a cell has a neighbour, in its row or column, that the other side wins."""
    thin = differences >= 0.0
    beside = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
    rows, columns = thin.shape
    return any(thin[y, x] != thin[row, column] for y, x in beside if 0 <= y < rows and 0 <= x < columns)
