from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.agents.phase_map.small import hand_made

from thinmargin_agents.phase_map.boundary import at_boundary, difference_at, on_map, tie, ties
from thinmargin_agents.phase_map.cells import GRIDS


@pytest.mark.parametrize(
    ("differences", "slope"),
    [
        ([-10.0, 10.0, 20.0], 2.5),
        ([-30.0, 10.0, 20.0], 2.75),
        ([-30.0, -10.0, 30.0], 3.5),
        ([-10.0, 0.0, 10.0], 3.0),
        ([-1.0, 5.0, -3.0], None),
        ([-4.0, -3.0, -2.0], None),
        ([4.0, 3.0, 2.0], None),
        ([5.0, -5.0, 5.0], 4.0),
    ],
)
def test_the_tie_is_where_the_difference_is_zero_between_two_cells(
    differences: list[float], slope: float | None
) -> None:
    assert tie((2.0, 3.0, 5.0), differences) == (None if slope is None else pytest.approx(slope))


def test_differences_are_linear_between_cells_and_held_at_the_edges() -> None:
    grid = replace(GRIDS["services"], rows=(0.5, 1.0, 2.0), slopes=(2.0, 3.0, 5.0))
    phase_map = hand_made(grid, [[-8.0, -4.0, 0.0], [0.0, 4.0, 8.0], [8.0, 16.0, 32.0]])
    slopes = [2.0, 2.5, 4.0, 5.0, 3.0, 3.0, 4.0, 1.0, 9.0, 9.0]
    rows = [0.5, 0.5, 0.5, 2.0, 0.75, 1.5, 1.5, 0.1, 9.0, 0.75]
    assert difference_at(phase_map, slopes, rows) == pytest.approx([-8, -6, -2, 32, 0, 10, 15, -8, 32, 4])
    assert ties(phase_map) == [pytest.approx(5.0), None, None]
    columns, lines = on_map(grid, [4.0], [1.5])
    assert (columns.tolist(), lines.tolist()) == ([1.5], [1.5])
    alone = hand_made(replace(grid, rows=(1.0,), slopes=(3.0,)), [[7.0]])
    assert float(difference_at(alone, 4.0, 2.0)) == 7.0


def test_the_boundary_passes_beside_cells_with_a_neighbour_of_the_other_sign() -> None:
    gaps = np.array([[-1.0, -1.0, -1.0], [-1.0, -1.0, 1.0], [-1.0, -1.0, -1.0]])
    beside = {(row, column) for row in range(3) for column in range(3) if at_boundary(gaps, row, column)}
    assert beside == {(1, 2), (0, 2), (2, 2), (1, 1)}
