"""The ends of what is allowed, and the numbers that stand where nothing is given."""

from __future__ import annotations

import numpy as np
import pytest

from thinmargin_agents.scoring import statistics
from thinmargin_agents.scoring.comparison import rounded, shown_difference
from thinmargin_agents.scoring.score import THRESHOLDS, Anchors, score_interval, score_profile
from thinmargin_agents.scoring.statistics import (
    bootstrap_interval,
    interval_of,
    paired_difference,
    resampled_means,
    wilson_interval,
)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_a_gap_of_an_rmb_between_the_anchors_is_a_gap() -> None:
    """RMB bn: 1e-9 are one RMB."""
    anchors = Anchors(np.zeros(2), np.array([1e-9, 0.99e-9]))
    assert anchors.has_gap.tolist() == [True, False]
    assert Anchors(np.zeros(1), np.array([1e-9])).can_score
    assert not Anchors(np.zeros(1), np.array([0.99e-9])).can_score
    one = Anchors(np.zeros(1), np.array([1e-9]))
    assert score_interval(np.array([[0.5e-9]]), one, rng()) == pytest.approx((50.0, 50.0))


def test_the_profile_goes_from_100_below_nothing_to_a_fifth_above_the_best_known() -> None:
    assert (THRESHOLDS[0], THRESHOLDS[1], THRESHOLDS[-1], len(THRESHOLDS)) == (-100, -95, 120, 45)
    anchors = Anchors(np.zeros(2), np.array([1.0, 1.0]))
    share = score_profile(np.array([[1.19, 1.21]]), anchors, 0)["share"]
    assert (share[0], share[-2], share[-1]) == (1.0, 1.0, 0.5)


def test_one_resample_is_allowed_and_two_thousand_are_drawn_by_default() -> None:
    low, high = bootstrap_interval([1.0, 2.0, 4.0], rng(), resamples=1)
    assert low == high
    assert resampled_means(np.ones((1, 3, 2)), rng()).shape == (2000, 2)


def test_an_interval_is_the_middle_95_percent_by_default() -> None:
    assert interval_of(np.arange(1001.0)) == pytest.approx((25.0, 975.0))
    assert interval_of(np.arange(1001.0), 0.5) == pytest.approx((250.0, 750.0))
    assert wilson_interval(0.5, 10) == pytest.approx(wilson_interval(0.5, 10, 0.95))
    assert wilson_interval(0.5, 10) != pytest.approx(wilson_interval(0.5, 10, 0.9))


@pytest.mark.parametrize(("share", "count"), [(0.0, 1), (1.0, 1), (0.0, 7), (1.0, 7)])
def test_a_share_of_nothing_or_of_all_of_one_and_more_is_allowed(share: float, count: int) -> None:
    low, high = wilson_interval(share, count)
    square = 1.959963984540054**2 / count  # of all: from 1 / (1 + z^2 / n) to 1
    assert (low, high) == pytest.approx((1 / (1 + square), 1.0) if share else (0.0, square / (1 + square)))


@pytest.mark.parametrize("count", [7, 8, 9, 12, 21, 22, 100, 2048])
def test_an_interval_of_a_share_stays_between_none_and_all_and_holds_the_share(count: int) -> None:
    """For some of these counts the formula, in floats, misses 1 by a rounding error, above or below."""
    assert wilson_interval(1.0, count).high == 1.0
    assert wilson_interval(0.0, count).low == 0.0


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 1.5])
def test_a_level_of_nothing_or_of_all_is_refused(level: float) -> None:
    for call in (
        lambda: interval_of([1.0, 2.0], level),
        lambda: wilson_interval(0.5, 10, level),
        lambda: bootstrap_interval([1.0, 2.0], rng(), level=level),
    ):
        with pytest.raises(ValueError, match=f"level is {level}.*between 0 and 1"):
            call()


def test_one_tie_among_the_worlds_makes_their_interval_a_bootstrap() -> None:
    values = np.array([1.0, 2.0, 3.0, 0.0, 0.0, 0.0])
    found = paired_difference(values, np.array([0.0, 0.0, 3.0, 1.0, 1.0, 1.0]), rng())
    better = np.array([1.0, 1.0, 0.5, 0.0, 0.0, 0.0])
    assert found.probability == pytest.approx(2.5 / 6.0)
    assert found.probability_interval == pytest.approx(bootstrap_interval(better, rng()))


@pytest.mark.parametrize(
    ("values", "share"), [([2.0, 0.0, 0.0], 1 / 3), ([0.0, 0.0, 0.0], 0.0), ([2.0, 2.0, 2.0], 1.0)]
)
def test_worlds_won_and_lost_without_a_tie_are_a_share(values: list[float], share: float) -> None:
    found = paired_difference(values, [1.0, 1.0, 1.0], rng())
    assert found.probability == pytest.approx(share)
    assert found.probability_interval == pytest.approx(wilson_interval(share, 3))


@pytest.mark.parametrize("seeds", [2, 5])
def test_seeds_that_all_win_everywhere_are_no_more_certain_than_one(seeds: int) -> None:
    found = paired_difference(np.ones((seeds, 12)), np.zeros(12), rng())
    assert (found.probability, found.probability_interval) == (1.0, wilson_interval(1.0, 12))
    found = paired_difference(np.zeros((seeds, 12)), np.ones(12), rng())
    assert (found.probability, found.probability_interval) == (0.0, wilson_interval(0.0, 12))


def test_seeds_that_disagree_make_the_share_less_certain_than_its_worlds_do() -> None:
    """Two seeds, one better in every world and one in none: another training may be either."""
    found = paired_difference(np.array([[1.0] * 40, [-1.0] * 40]), np.zeros(40), rng())
    assert (found.probability, found.probability_interval) == (0.5, (0.0, 1.0))


def test_seeds_that_win_in_other_worlds_leave_the_interval_of_the_worlds() -> None:
    """In every world one of the two is better: the resamples differ less than shares of so many worlds do."""
    wins = np.tile([[1.0, -1.0], [-1.0, 1.0]], 10)
    found = paired_difference(wins, np.zeros(20), rng())
    low, high = wilson_interval(0.5, 20)
    assert found.probability_interval.low == pytest.approx(low)
    assert found.probability_interval.high == pytest.approx(high)


def test_up_to_524_worlds_are_resampled_two_thousand_times_at_once() -> None:
    """Eight megabytes of floats: all rows are drawn before all columns, which other portions would not do."""
    table = rng().normal(size=(2, 524, 1))
    again = np.random.default_rng(5)
    rows, columns = again.integers(2, size=(2000, 2)), again.integers(524, size=(2000, 524))
    means = np.array([table[row][:, column, 0].mean() for row, column in zip(rows, columns, strict=True)])
    np.testing.assert_allclose(resampled_means(table, np.random.default_rng(5))[:, 0], means, rtol=1e-9, atol=1e-12)
    more = rng().normal(size=(2, 525, 1))  # in two portions: rows and columns of the first come before the second
    again = np.random.default_rng(5)
    firsts = [(again.integers(2, size=(n, 2)), again.integers(525, size=(n, 525))) for n in (1997, 3)]
    means = np.array([more[row][:, column, 0].mean() for r, c in firsts for row, column in zip(r, c, strict=True)])
    np.testing.assert_allclose(resampled_means(more, np.random.default_rng(5))[:, 0], means, rtol=1e-9, atol=1e-12)


def test_a_table_without_seeds_worlds_or_quantities_is_refused() -> None:
    for shape in ((0, 3, 1), (2, 0, 1), (2, 3, 0), (2, 3)):
        with pytest.raises(ValueError, match=r"table has shape .*: it must be \(seeds, worlds, quantities\), with one"):
            resampled_means(np.zeros(shape), rng())


def test_more_worlds_than_fit_at_once_are_resampled_one_resample_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "CHUNK", 4)
    values = np.arange(10.0).reshape(2, 5)
    found = resampled_means(values[:, :, None], rng(), resamples=3)[:, 0]
    generator, expected = rng(), []
    for _ in range(3):
        rows, columns = generator.integers(2, size=2), generator.integers(5, size=5)
        expected.append(values[rows][:, columns].mean())
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(("share", "is_noise"), [(0.97e-12, True), (1.05e-12, False)])
def test_differences_of_a_trillionth_of_what_they_are_differences_of_are_noise(share: float, is_noise: bool) -> None:
    signs = np.array([1.0, 1.0, -1.0, -1.0])
    apart = np.sqrt(2.0 * share) * np.array([1.0, -1.0, 1.0, -1.0])  # of variance share times that of both together
    found = paired_difference(signs + apart, signs, rng())
    assert np.isnan(found.variance_reduction) == is_noise


def test_noise_from_the_ninth_digit_behind_what_is_printed_on_does_not_decide() -> None:
    assert rounded(0.4499999997) == rounded(0.45) == 0.5
    assert rounded(0.449999999) == 0.4
    assert rounded(1.2349999999996, 2) == 1.24  # noise of the last bits
    assert str(rounded(-0.04)) == "0.0"


def test_differences_are_printed_with_one_digit_where_none_is_given() -> None:
    assert shown_difference(1.26, 1.0) == 0.3
    assert shown_difference(1.26, 1.0, 2) == 0.26
