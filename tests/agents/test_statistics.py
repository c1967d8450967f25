from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from thinmargin_agents import statistics
from thinmargin_agents.statistics import (
    bootstrap_interval,
    interquartile_mean,
    paired_difference,
    percentiles,
    probability_of_improvement,
)


def dice(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2, 3, 4, 5, 6, 7, 8], 4.5),  # without 1, 2 and 7, 8: the mean of 3 to 6
        ([1000, 10, 20, 30, 40, 50, -7], 30.0),  # seven values: one is left out at either end
        ([3, 5], 4.0),  # too few to leave any out
        ([6], 6.0),
    ],
)
def test_interquartile_mean_by_hand(values: list[float], expected: float) -> None:
    assert interquartile_mean(values) == pytest.approx(expected)


def test_interquartile_mean_reduces_the_last_axis() -> None:
    assert interquartile_mean([[0, 1, 3, 100], [-9, 5, 5, 5]]).tolist() == [2.0, 5.0]


def test_interval_of_two_worlds_by_hand() -> None:
    # The resampled mean is 0, 1/2, 1 with chances 1/4, 1/2, 1/4.
    assert bootstrap_interval([0, 1], dice(), level=0.95) == (0.0, 1.0)
    assert bootstrap_interval([0, 1], dice(), level=0.40) == (0.5, 0.5)


def test_interval_of_many_worlds_is_the_normal_one() -> None:
    values = np.arange(400.0)
    half = 1.96 * values.std() / 20.0
    interval = bootstrap_interval(values, dice(), resamples=4000)
    assert interval.low == pytest.approx(values.mean() - half, abs=0.06 * half)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.06 * half)


def test_seeds_that_differ_are_doubt_of_their_own() -> None:
    # Two trainings, one worth 0 and one worth 1 everywhere: no number of worlds tells what a third is worth.
    matrix = np.repeat([[0.0], [1.0]], 100, axis=1)
    assert bootstrap_interval(matrix, dice()) == (0.0, 1.0)
    assert bootstrap_interval(matrix.ravel(), dice()).low > 0.4


def test_rows_and_columns_are_resampled_separately() -> None:
    # A mean of 0 needs one row twice (1/2), one column twice (1/2) and a zero where they cross (1/2): 1/8.
    # Resampling the four cells one by one it would have chance 1/16, and the 80 % interval were [1/4, 3/4].
    matrix = [[0, 1], [1, 0]]
    assert bootstrap_interval(matrix, dice(), level=0.80) == (0.0, 1.0)
    assert bootstrap_interval(matrix, dice(), level=0.70) == (0.5, 0.5)


def test_interval_of_another_statistic() -> None:
    values = [*np.linspace(0, 1, 39), 1e6]
    assert bootstrap_interval(values, dice(), statistic=interquartile_mean).high < 1.0
    assert bootstrap_interval(values, dice()).high > 1e4


def test_interval_comes_from_the_generator_alone() -> None:
    values = dice(5).normal(size=30)
    assert bootstrap_interval(values, dice(1)) == bootstrap_interval(values, dice(1))
    assert bootstrap_interval(values, dice(1)) != bootstrap_interval(values, dice(2))


def test_large_matrices_are_resampled_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "CHUNK", 25)
    portions = []

    def spy(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        portions.append(len(values))
        return statistics.mean(values)

    bootstrap_interval(np.zeros((2, 4)), dice(), statistic=spy, resamples=10)
    assert portions == [3, 3, 3, 1]


def test_paired_difference_by_hand() -> None:
    difference = paired_difference([3, 5, 7], [1, 2, 9], dice())  # gaps 2, 3, -2
    assert difference.mean == pytest.approx(1.0)
    assert difference.interval == (-2.0, 3.0)
    assert difference.probability == pytest.approx(2 / 3)


def test_paired_difference_forgets_what_worlds_have_in_common() -> None:
    worlds = dice(3).normal(scale=100.0, size=50)
    difference = paired_difference(worlds + 1.0, worlds, dice())
    assert difference.interval == pytest.approx((1.0, 1.0))


def test_paired_difference_of_several_seeds() -> None:
    difference = paired_difference([[1, 1], [3, 3]], [1, 1], dice(), level=0.95)
    assert difference.mean == pytest.approx(1.0)
    assert difference.interval == (0.0, 2.0)
    assert difference.probability == pytest.approx(0.75)  # half of the cells better, half equal


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"), [([2, 2], [1, 1], 1.0), ([1, 1], [1, 1], 0.5), ([0, 1, 5, 5], [1, 1, 4, 9], 0.375)]
)
def test_probability_of_improvement_by_hand(mine: list[float], theirs: list[float], expected: float) -> None:
    assert probability_of_improvement(mine, theirs) == pytest.approx(expected)


def test_percentiles_by_hand() -> None:
    assert percentiles(np.arange(101)) == pytest.approx((5.0, 50.0, 95.0))
    assert percentiles([[1, 2], [3, 4]], at=(50,)) == pytest.approx((2.5,))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: interquartile_mean([]), "at least one number"),
        (lambda: percentiles([1.0, np.nan]), "finite"),
        (lambda: bootstrap_interval([np.inf], dice()), "finite"),
        (lambda: bootstrap_interval(np.zeros((2, 2, 2)), dice()), r"\(2, 2, 2\)"),
        (lambda: bootstrap_interval([1.0], dice(), resamples=0), "resamples is 0"),
        (lambda: bootstrap_interval([1.0], dice(), level=95.0), "level is 95"),
        (lambda: paired_difference([1, 2], [1, 2, 3], dice()), "the same worlds"),
        (lambda: probability_of_improvement([1, 2], [[1, 2]]), "the same worlds"),
    ],
)
def test_bad_arguments_are_named(call: object, words: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=words):
        call()
