from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from thinmargin import memory
from thinmargin_agents.scoring import statistics
from thinmargin_agents.scoring.statistics import (
    Unit,
    bootstrap_interval,
    interquartile_mean,
    paired_difference,
    percentiles,
    performance_profile,
    probability_of_improvement,
    resampled_means,
    wilson_interval,
)


def rng(seed: int = 0) -> np.random.Generator:
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
    assert bootstrap_interval([0, 1], rng(), level=0.95) == (0.0, 1.0)
    assert bootstrap_interval([0, 1], rng(), level=0.40) == (0.5, 0.5)


def test_interval_of_many_worlds_is_the_normal_one() -> None:
    values = np.arange(400.0)
    half = 1.96 * values.std() / 20.0
    interval = bootstrap_interval(values, rng(), resamples=4000)
    assert interval.low == pytest.approx(values.mean() - half, abs=0.06 * half)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.06 * half)


def test_seeds_that_differ_are_doubt_of_their_own() -> None:
    # Two trainings, one worth 0 and one worth 1 everywhere: no number of worlds tells what a third is worth.
    matrix = np.repeat([[0.0], [1.0]], 100, axis=1)
    assert bootstrap_interval(matrix, rng()) == (0.0, 1.0)
    assert bootstrap_interval(matrix.ravel(), rng()).low > 0.4


def test_seeds_and_worlds_are_doubts_that_can_be_told_apart() -> None:
    matrix = np.add.outer([0.0, 10.0], [1.0, 2.0, 3.0, 4.0])  # two trainings ten apart, worlds one apart
    over_seeds = bootstrap_interval(matrix, rng(), over="seeds")
    assert over_seeds == pytest.approx((2.5, 12.5))  # each world keeps its share: only the trainings differ
    over_worlds = bootstrap_interval(matrix, rng(), over="worlds")
    assert 6.0 <= over_worlds.low < 7.5 < over_worlds.high <= 9.0  # each training keeps its share
    both = bootstrap_interval(matrix, rng())
    assert both.low < over_seeds.low
    assert both.high > over_seeds.high


def test_one_row_has_no_doubt_over_seeds() -> None:
    assert bootstrap_interval([1.0, 2.0, 6.0], rng(), over="seeds") == (3.0, 3.0)
    assert bootstrap_interval([1.0, 2.0, 6.0], rng(), over="worlds") == bootstrap_interval([1.0, 2.0, 6.0], rng())


def test_one_training_plays_all_worlds_so_its_row_goes_as_a_whole() -> None:
    # rliable's stratified bootstrap resamples the runs of every task apart, for runs trained task by task. There a
    # mean of 0 needs the low run in both of two worlds twice over: chance 1/16; here one row twice: 1/4.
    matrix = np.array([[0.0, 0.0], [1.0, 1.0]])
    rows = rng().integers(2, size=(4000, 2, 2))
    task_by_task = matrix[rows, np.arange(2)].mean(axis=(1, 2))
    assert np.mean(task_by_task == 0.0) == pytest.approx(1 / 16, abs=0.015)
    whole_rows = resampled_means(matrix[:, :, None], rng(), over="seeds", resamples=4000)[:, 0]
    assert np.mean(whole_rows == 0.0) == pytest.approx(1 / 4, abs=0.025)


@pytest.mark.parametrize("over", ["both", "seeds", "worlds"])
def test_seeds_of_a_single_world_are_resampled_as_in_the_stratified_bootstrap(over: statistics.Unit) -> None:
    # One task, two runs: the resampled mean is 0, 1/2, 1 with chances 1/4, 1/2, 1/4.
    drawn = resampled_means(np.array([[[0.0]], [[1.0]]]), rng(), over=over, resamples=4000)[:, 0]
    expected = [0.0, 1.0, 0.0] if over == "worlds" else [0.25, 0.5, 0.25]
    assert [np.mean(drawn == value) for value in (0.0, 0.5, 1.0)] == pytest.approx(expected, abs=0.03)


def test_quantities_share_their_resamples() -> None:
    values = rng(4).normal(size=(3, 20))
    drawn = resampled_means(np.stack([values, 2.0 * values + 1.0], axis=-1), rng())
    np.testing.assert_allclose(drawn[:, 1], 2.0 * drawn[:, 0] + 1.0)


def test_weighted_means_are_the_means_of_the_resampled_values() -> None:
    values = rng(6).normal(size=(2, 7))
    plain = bootstrap_interval(values, rng(1), statistic=lambda drawn: drawn.mean(axis=-1))
    assert bootstrap_interval(values, rng(1)) == pytest.approx(plain)


def test_rows_and_columns_are_resampled_separately() -> None:
    # A mean of 0 needs one row twice (1/2), one column twice (1/2) and a zero where they cross (1/2): 1/8.
    # Resampling the four cells one by one it would have chance 1/16, and the 80 % interval were [1/4, 3/4].
    matrix = [[0, 1], [1, 0]]
    assert bootstrap_interval(matrix, rng(), level=0.80) == (0.0, 1.0)
    assert bootstrap_interval(matrix, rng(), level=0.70) == (0.5, 0.5)


def test_interval_of_another_statistic() -> None:
    values = [*np.linspace(0, 1, 39), 1e6]
    assert bootstrap_interval(values, rng(), statistic=interquartile_mean).high < 1.0
    assert bootstrap_interval(values, rng()).high > 1e4


def test_interval_comes_from_the_generator_alone() -> None:
    values = rng(5).normal(size=30)
    assert bootstrap_interval(values, rng(1)) == bootstrap_interval(values, rng(1))
    assert bootstrap_interval(values, rng(1)) != bootstrap_interval(values, rng(2))


def test_large_matrices_are_resampled_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "CHUNK", 25)
    portions = []

    def spy(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        portions.append(len(values))
        return statistics.mean(values)

    bootstrap_interval(np.zeros((2, 4)), rng(), statistic=spy, resamples=10)
    assert portions == [3, 3, 3, 1]
    assert resampled_means(np.ones((2, 4, 3)), rng(), resamples=10) == pytest.approx(np.ones((10, 3)))


def test_paired_difference_by_hand() -> None:
    difference = paired_difference([3, 5, 7], [1, 2, 9], rng())  # gaps 2, 3, -2
    assert difference.mean == pytest.approx(1.0)
    assert difference.interval == (-2.0, 3.0)
    assert difference.probability == pytest.approx(2 / 3)


def test_paired_difference_forgets_what_worlds_have_in_common() -> None:
    worlds = rng(3).normal(scale=100.0, size=50)
    difference = paired_difference(worlds + 1.0, worlds, rng())
    assert difference.interval == pytest.approx((1.0, 1.0))


def test_better_in_every_world_is_not_certain() -> None:
    interval = paired_difference(np.arange(1.0, 9.0), np.zeros(8), rng()).probability_interval
    assert interval == wilson_interval(1.0, 8)
    assert interval == pytest.approx((0.6756, 1.0), abs=1e-4)


def test_worlds_that_are_ties_are_no_share() -> None:
    found = paired_difference(np.zeros(100), np.zeros(100), rng())
    assert (found.probability, found.probability_interval) == (0.5, (0.5, 0.5))


@pytest.mark.parametrize(
    ("share", "count", "expected"),
    [
        (0.0, 100, (0.0, 0.0370)),
        (1.0, 1, (0.2065, 1.0)),
        (0.1, 10, (0.0179, 0.4042)),
        (81 / 263, 263, (0.2553, 0.3662)),  # Newcombe 1998, table I
        (15 / 148, 148, (0.0624, 0.1605)),
        (1 / 29, 29, (0.0061, 0.1718)),
    ],
)
def test_wilsons_interval_of_known_shares(share: float, count: int, expected: tuple[float, float]) -> None:
    interval = wilson_interval(share, count)
    assert interval == pytest.approx(expected, abs=1e-4)
    assert interval.low <= share <= interval.high
    assert wilson_interval(1.0 - share, count) == pytest.approx((1.0 - interval.high, 1.0 - interval.low))
    assert wilson_interval(share, count, level=0.5).high < interval.high or share == 1.0


def test_what_the_same_worlds_save_by_hand() -> None:
    difference = paired_difference([1.0, 3.0, 5.0, 7.0], [0.0, 1.0, 4.0, 5.0], rng())
    # Variances 5 and 4.25, covariance 4.5: apart 9.25, paired 9.25 - 9 = 0.25.
    assert difference.correlation == pytest.approx(4.5 / np.sqrt(5.0 * 4.25))
    assert difference.correlation == pytest.approx(np.corrcoef([1, 3, 5, 7], [0, 1, 4, 5])[0, 1])
    assert difference.variance_reduction == pytest.approx(37.0)


def test_pairing_saves_nothing_where_worlds_have_nothing_in_common() -> None:
    values, baseline = rng(1).normal(size=(2, 4000))
    difference = paired_difference(values, baseline, rng())
    assert difference.correlation == pytest.approx(0.0, abs=0.05)
    assert difference.variance_reduction == pytest.approx(1.0, abs=0.05)


def test_what_cannot_be_divided_is_not_a_number() -> None:
    same = paired_difference([1.0, 2.0, 4.0], [0.1, 1.1, 3.1], rng())
    assert same.correlation == pytest.approx(1.0)
    assert np.isnan(same.variance_reduction)
    assert np.isnan(paired_difference([1.0, 2.0], [5.0, 5.0], rng()).correlation)


def test_what_the_same_worlds_save_several_seeds_by_hand() -> None:
    difference = paired_difference([[0.0, 2.0, 4.0, 6.0], [2.0, 4.0, 6.0, 8.0]], [0.0, 1.0, 4.0, 5.0], rng())
    # Seeds on average 1, 3, 5, 7: variances 5 and 4.25, covariance 4.5: apart 9.25, paired 9.25 - 9 = 0.25.
    assert difference.variance_reduction == pytest.approx(37.0)
    assert difference.correlation == pytest.approx(4.5 / np.sqrt(5.0 * 4.25))
    assert difference.mean == pytest.approx(1.5)
    # Gaps of the first seed 0, 1, 0, 1 and of the second 2, 3, 2, 3: half ties in the first, all better in the second.
    assert difference.probability == pytest.approx((0.5 * 2 + 2 + 4) / 8)


def test_seeds_told_twice_change_no_mean_and_no_saving() -> None:
    values, baseline = rng(3).normal(size=(1, 50)), rng(4).normal(size=50)
    once, thrice = (paired_difference(np.repeat(values, count, axis=0), baseline, rng()) for count in (1, 3))
    for name in ("mean", "correlation", "variance_reduction", "probability"):
        assert getattr(thrice, name) == pytest.approx(getattr(once, name)), name


CALLS = {
    "bootstrap_interval": lambda values, **more: bootstrap_interval(values, rng(), **more),
    "paired_difference": lambda values, **more: paired_difference(values, np.ones(np.shape(values)[-1]), rng(), **more),
    "performance_profile": lambda values, **more: performance_profile(values, [0.5], rng(), **more),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "bad", [0, -1, 1.5, 2.0, True, "many", None, float("nan"), [5], np.zeros(3)], ids=lambda bad: str(bad)[:8]
)
def test_every_estimator_refuses_a_bad_number_of_resamples(call: str, bad: Any) -> None:
    with pytest.raises(ValueError, match=r"resamples is .*whole number from 1"):
        CALLS[call]([1.0, 2.0, 3.0], resamples=bad)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("bad", [0, 1, 0.0, 1.0, -0.5, 95, float("nan"), "0.95", None, True], ids=str)
def test_every_estimator_refuses_a_bad_level(call: str, bad: Any) -> None:
    with pytest.raises(ValueError, match=r"level is .*between 0 and 1"):
        CALLS[call]([1.0, 2.0, 3.0], level=bad, resamples=3)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("shape", [(), (0,), (2, 0), (0, 3), (1, 2, 3), (1, 1, 1, 3)], ids=str)
def test_every_estimator_refuses_values_of_other_dimensions(call: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"(values|scores) has shape"):
        statistics_of_shape(call, shape)


def statistics_of_shape(call: str, shape: tuple[int, ...]) -> object:
    """What an estimator makes of ones of this shape."""
    if call == "paired_difference":
        return paired_difference(np.ones(shape), np.ones(3), rng())
    return CALLS[call](np.ones(shape))


def test_the_bounds_of_resamples_and_level_are_open_where_they_say_so() -> None:
    assert bootstrap_interval([1.0, 1.0], rng(), resamples=1) == (1.0, 1.0)
    assert bootstrap_interval([1.0, 1.0], rng(), resamples=np.int64(2), level=1e-9) == (1.0, 1.0)
    assert bootstrap_interval([1.0, 1.0], rng(), resamples=2, level=1.0 - 1e-9) == (1.0, 1.0)


def test_a_level_is_the_share_of_the_middle_by_hand() -> None:
    drawn = np.arange(101.0)
    assert statistics.interval_of(drawn, 0.9) == pytest.approx((5.0, 95.0))
    assert statistics.interval_of(drawn, 0.5) == pytest.approx((25.0, 75.0))


def test_more_resamples_than_fit_are_refused_before_they_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_memory", lambda: 10**6)
    with pytest.raises(MemoryError, match=r"resamples is 1000000000: needs about 14\.9 GiB"):
        paired_difference([1.0, 2.0], [0.0, 1.0], rng(), resamples=10**9)


def test_paired_difference_of_several_seeds() -> None:
    difference = paired_difference([[1, 1], [3, 3]], [1, 1], rng(), level=0.95)
    assert difference.mean == pytest.approx(1.0)
    assert difference.interval == (0.0, 2.0)
    assert difference.probability == pytest.approx(0.75)  # half of the cells better, half equal
    assert difference.probability_interval == (0.5, 1.0)


@pytest.mark.parametrize(
    ("values", "baseline", "expected"),
    [([2, 2], [1, 1], 1.0), ([1, 1], [1, 1], 0.5), ([0, 1, 5, 5], [1, 1, 4, 9], 0.375)],
)
def test_probability_of_improvement_by_hand(values: list[float], baseline: list[float], expected: float) -> None:
    assert probability_of_improvement(values, baseline) == pytest.approx(expected)


def test_probability_of_improvement_is_rliables_mann_whitney_mean_over_tasks() -> None:
    # World 1: of the four meetings 3-1, 3-2, 2-1, 2-2 three are won and one is a tie: 3.5 / 4.
    # World 2: 0-0, 0-5, 9-0, 9-5: two are won and one is a tie: 2.5 / 4.
    assert probability_of_improvement([[3, 0], [2, 9]], [[1, 0], [2, 5]]) == pytest.approx((3.5 + 2.5) / 8)
    assert probability_of_improvement([[3, 0], [2, 9]], [1, 5]) == pytest.approx((1 + 0.5) / 2)


def test_performance_profile_by_hand() -> None:
    profile = performance_profile([[10.0, 20.0], [20.0, 40.0]], [0.0, 10.0, 20.0, 40.0], rng())
    assert profile.share.tolist() == [1.0, 0.75, 0.25, 0.0]  # strictly above, as in rliable
    assert profile.low.tolist() == pytest.approx([1.0, 0.0, 0.0, 0.0])
    assert profile.high.tolist() == pytest.approx([1.0, 1.0, 1.0, 0.0])


def test_band_of_a_profile_is_the_interval_of_the_share() -> None:
    scores = rng(2).normal(size=50)
    profile = performance_profile(scores, [0.3], rng(7))
    assert (profile.low[0], profile.high[0]) == pytest.approx(bootstrap_interval((scores > 0.3) * 1.0, rng(7)))


def test_percentiles_by_hand() -> None:
    assert percentiles(np.arange(101)) == pytest.approx((5.0, 50.0, 95.0))
    assert percentiles([[1, 2], [3, 4]], at=(50,)) == pytest.approx((2.5,))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: interquartile_mean([]), "at least one number"),
        (lambda: percentiles([1.0, np.nan]), "finite"),
        (lambda: bootstrap_interval([np.inf], rng()), "finite"),
        (lambda: bootstrap_interval(np.zeros((2, 2, 2)), rng()), r"\(2, 2, 2\)"),
        (lambda: bootstrap_interval([1.0], rng(), resamples=0), "resamples is 0"),
        (lambda: bootstrap_interval([1.0], rng(), level=95.0), "level is 95"),
        (lambda: bootstrap_interval([1.0], rng(), over="months"), "over is 'months': allowed are both, worlds, seeds"),  # type: ignore[arg-type]  # the refusal is tested
        (lambda: wilson_interval(1.5, 10), "share is 1.5"),
        (lambda: wilson_interval(0.5, 0), "count is 0"),
        (lambda: wilson_interval(0.5, float("nan")), "count is nan"),  # type: ignore[arg-type]  # the refusal is tested
        (lambda: wilson_interval(0.5, float("inf")), "count is inf"),  # type: ignore[arg-type]  # the refusal is tested
        (lambda: wilson_interval(0.5, 2.5), "count is 2.5"),  # type: ignore[arg-type]  # the refusal is tested
        (lambda: wilson_interval(0.5, 10, level=95.0), "level is 95"),
        (lambda: performance_profile([np.nan], [0.0], rng()), "finite"),
        (lambda: paired_difference([1, 2], [1, 2, 3], rng()), "the same worlds"),
        (lambda: probability_of_improvement([1, 2], [[1], [2]]), "the same worlds"),
    ],
)
def test_bad_arguments_are_named(call: object, words: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("over", ["both", "worlds", "seeds"])
def test_resamples_of_the_same_seed_are_drawn_once_and_change_nothing(
    over: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = np.random.default_rng(1).normal(size=(3, 2, 7, 2))

    def found(*, kept: bool) -> list[Any]:
        monkeypatch.setattr(statistics, "_RESAMPLES_KEPT", {})
        monkeypatch.setattr(statistics, "KEPT", 1 << 20 if kept else 0)
        results: list[Any] = []
        for table in tables:
            generator = np.random.default_rng(5)
            results += [resampled_means(table, generator, over=over, resamples=50).tobytes(), generator.random()]
            results.append(resampled_means(table[:1], generator, over=over, resamples=50).tobytes())
        return results

    alone = found(kept=False)
    assert statistics._RESAMPLES_KEPT == {}
    assert found(kept=True) == alone
    assert len(statistics._RESAMPLES_KEPT) == 2, "one set a beginning and a shape"


def test_no_more_sets_of_resamples_are_kept_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "_RESAMPLES_KEPT", {})
    for seed in range(10):
        resampled_means(np.ones((2, 3, 1)), np.random.default_rng(seed))
    assert len(statistics._RESAMPLES_KEPT) == statistics.MOST_KEPT
    monkeypatch.setattr(statistics, "KEPT", 100)
    resampled_means(np.ones((2, 3, 1)), np.random.default_rng(99), resamples=21)
    assert len(statistics._RESAMPLES_KEPT) == statistics.MOST_KEPT, "a large one is not kept"
    for kind in (np.random.MT19937, np.random.Philox):
        assert resampled_means(np.ones((2, 3, 1)), np.random.Generator(kind(0)), resamples=2).shape == (2, 1)
