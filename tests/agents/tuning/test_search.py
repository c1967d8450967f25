from __future__ import annotations

import numpy as np

from thinmargin_agents.tuning.search import climb


def hill(numbers: np.ndarray) -> np.ndarray:
    return -((numbers - 0.3) ** 2).sum(axis=1)


def test_the_search_climbs_to_the_top_and_repeats_itself() -> None:
    found = climb(hill, [0.0] * 3, 0.3, generations=60, population=10, seed=1)
    np.testing.assert_allclose(found.numbers, 0.3, atol=1e-4)
    assert found.evaluations == 601
    again = climb(hill, [0.0] * 3, 0.3, generations=60, population=10, seed=1)
    np.testing.assert_array_equal(found.numbers, again.numbers)


def test_where_worlds_change_the_mean_of_the_search_is_returned_not_a_lucky_candidate() -> None:
    luck = np.zeros(1)

    def refresh(generation: int) -> None:
        luck[0] = 1000.0 if generation == 2 else 0.0

    found = climb(
        lambda numbers: hill(numbers) + luck[0], [0.0] * 3, 0.3, generations=60, population=10, seed=1, refresh=refresh
    )
    np.testing.assert_allclose(found.numbers, 0.3, atol=1e-3)
    assert found.value < 1.0
