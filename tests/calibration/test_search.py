"""The search: it ends where it should, again and again, and the shipped constants are such an end."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinmargin.calibration import search as search_module
from thinmargin.calibration.misfit import LAST_FITTED, Misfit
from thinmargin.calibration.saved import CLOSE, ORIGINS, OTHER_RULES, Calibration
from thinmargin.calibration.search import (
    ITERATIONS,
    PATIENCE,
    START_SD,
    descend,
    gradient,
    jacobian,
    polish,
    posterior_covariance,
    search,
    starting_points,
)
from thinmargin.calibration.unknowns import UNKNOWNS
from thinmargin.data import reported
from thinmargin.history import PolicyRule

SIZE = len(UNKNOWNS)
SAME = 1e-4
"""Difference of a misfit up to which two starts have found the same bottom, as docs/evidence.md says."""


class Bowl:
    """A misfit whose bottom is known: 7, where the residuals are no longer than they must be."""

    def __init__(self, bottom: np.ndarray, bend: Callable[[np.ndarray], np.ndarray] = lambda away: away) -> None:
        self.bottom = bottom
        generator = np.random.default_rng(5)
        self.root = np.eye(len(bottom)) + 0.2 * generator.standard_normal((len(bottom), len(bottom)))
        self.bend = bend

    def residuals(self, z: np.ndarray) -> np.ndarray:
        away = self.bend(np.atleast_2d(z) - self.bottom) @ self.root.T
        return np.concatenate([away, np.full((len(away), 1), 14.0**0.5)], axis=1)

    def __call__(self, z: np.ndarray) -> np.ndarray:
        return 0.5 * (self.residuals(z) ** 2).sum(axis=1)


class Crease(Bowl):
    """A bowl with one error more, which is bent where a curved line is crossed and least on it.

    So does production within capacity bend the misfit. The bottom of the bowl lies on the line: 9 is the least misfit.
    """

    def __init__(self, bottom: np.ndarray, sharp: float) -> None:
        super().__init__(bottom)
        self.sharp = sharp

    def residuals(self, z: np.ndarray) -> np.ndarray:
        away = np.atleast_2d(z) - self.bottom
        line = away.sum(axis=1) - np.sin(away[:, 0])
        bent = 2.0 + self.sharp * np.maximum(line, -0.5 * line)
        return np.concatenate([super().residuals(z), bent[:, None]], axis=1)


# where it starts


def test_it_starts_at_the_centre_then_from_what_is_known_then_from_draws() -> None:
    known = [np.full(SIZE, 0.7), np.full(SIZE, -0.7)]
    points = starting_points(3, 4, known)
    assert len(points) == 6
    assert not points[0].any()
    assert points[1:3] == known
    drawn = np.concatenate(points[3:])
    assert abs(drawn.std() / START_SD - 1.0) < 0.2
    np.testing.assert_array_equal(starting_points(3, 4)[1:], points[3:])
    np.testing.assert_array_equal(starting_points(3, 2), [points[0], points[3]])
    assert len(starting_points(3, 1)) == 1


def test_the_same_seed_starts_alike_and_another_elsewhere() -> None:
    one, again, other = (np.stack(starting_points(seed, 3)) for seed in (0, 0, 1))
    assert one.tobytes() == again.tobytes()
    assert (one[1:] != other[1:]).all()
    np.testing.assert_array_equal(one[0], other[0])


# the search itself


@pytest.mark.parametrize(
    "bend", [lambda away: away, lambda away: away + 0.3 * away**3, np.sinh], ids=["straight", "cubic", "sinh"]
)
def test_it_finds_the_bottom_of_a_bowl(bend: Callable[[np.ndarray], np.ndarray]) -> None:
    bowl = Bowl(np.linspace(-0.5, 0.5, SIZE), bend)
    found = search(bowl, starting_points(0, 3))  # type: ignore[arg-type]  # a simpler misfit
    assert found.misfit == pytest.approx(7.0, abs=1e-9)
    np.testing.assert_allclose(found.z, bowl.bottom, atol=1e-5)
    np.testing.assert_allclose(found.starts, 7.0, atol=1e-9)


def test_at_the_bottom_it_ends_by_itself() -> None:
    bowl = Bowl(np.linspace(-0.5, 0.5, SIZE))
    steps = list(descend(bowl, bowl.bottom))  # type: ignore[arg-type]  # a simpler misfit
    assert len(steps) == PATIENCE
    for z, value in steps:
        np.testing.assert_array_equal(z, bowl.bottom)
        assert value == pytest.approx(7.0, rel=1e-15)


@pytest.mark.parametrize("size", [0.0, 1.0, -1.0, 6.0, 40.0, -40.0])
def test_the_misfit_never_rises_and_is_that_of_the_guess(
    monkeypatch: pytest.MonkeyPatch, misfit: Misfit, size: float
) -> None:
    """However far out it starts: at 40 no replay is finite."""
    monkeypatch.setattr(search_module, "ITERATIONS", 6)
    start = np.full(SIZE, size)
    steps = list(descend(misfit, start))
    values = [value for _, value in steps]
    assert len(steps) == 6
    assert values[0] <= misfit(start)[0]
    assert all(later <= earlier for earlier, later in pairwise(values))
    assert values[-1] < misfit(start)[0]
    np.testing.assert_allclose(misfit(np.stack([z for z, _ in steps])), values, rtol=1e-12)
    np.testing.assert_array_equal(start, size)


def test_its_slopes_are_those_of_the_misfit(misfit: Misfit, calibration: Calibration) -> None:
    """The slope of half a sum of squares is what slopes of residuals and residuals make together."""
    z = calibration.z + 0.1
    found = jacobian(misfit, z)
    residuals = misfit.residuals(z)[0]
    assert found.shape == (len(residuals), SIZE)
    np.testing.assert_allclose(found[-SIZE:], np.eye(SIZE), atol=1e-9)
    np.testing.assert_allclose(found.T @ residuals, slopes(misfit, z), rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_every_start_ends_with_the_same_misfit(misfit: Misfit, calibration: Calibration) -> None:
    """Within what the crease leaves open, and the best of them is polished to the shipped guess."""
    found = search(misfit, starting_points(17, 4))
    assert len(found.starts) == 4
    np.testing.assert_allclose(found.starts, calibration.misfit, rtol=0.0, atol=SAME)
    assert found.misfit <= min(found.starts)
    assert found.misfit == pytest.approx(calibration.misfit, abs=1e-6)
    np.testing.assert_allclose(found.z, calibration.z, atol=CLOSE)
    assert sum(1 for _ in descend(misfit, np.zeros(SIZE))) < ITERATIONS // 2


def test_the_best_start_wins_and_is_what_it_says(monkeypatch: pytest.MonkeyPatch, misfit: Misfit) -> None:
    monkeypatch.setattr(search_module, "ITERATIONS", 2)
    monkeypatch.setattr(search_module, "ROUNDS", 0)
    points = starting_points(0, 3)
    found = search(misfit, points)
    assert len(found.starts) == 3
    assert found.misfit == min(found.starts) < misfit(points[0])[0]
    assert misfit(found.z)[0] == pytest.approx(found.misfit, rel=1e-12)
    assert search(misfit, points[:1]).starts == found.starts[:1]
    backwards = search(misfit, points[::-1])
    assert backwards.starts == found.starts[::-1]
    assert backwards.z.tobytes() == found.z.tobytes()


def test_the_searcher_is_told_of_every_step(monkeypatch: pytest.MonkeyPatch, misfit: Misfit) -> None:
    monkeypatch.setattr(search_module, "ITERATIONS", 3)
    monkeypatch.setattr(search_module, "ROUNDS", 0)
    heard: list[tuple[int, int, float]] = []
    found = search(misfit, starting_points(3, 2), lambda *what: heard.append(what))
    assert [(start, step) for start, step, _ in heard] == [(start, step) for start in range(2) for step in (1, 2, 3)]
    values = [value for _, _, value in heard]
    assert values == sorted(values, reverse=True)
    assert values[-1] == found.misfit


# the polish


@pytest.mark.parametrize("sharp", [1.0, 3.0, 10.0])
def test_the_polish_finds_the_bottom_of_a_crease_that_steps_alone_miss(sharp: float) -> None:
    crease = Crease(np.linspace(-0.5, 0.5, 9), sharp)
    for start in np.random.default_rng(8).standard_normal((4, 9)):
        *_, (stuck, value) = descend(crease, start)  # type: ignore[arg-type]  # a simpler misfit
        assert value > 9.0005
        z, reached = polish(crease, stuck, value)  # type: ignore[arg-type]  # as above
        assert reached == pytest.approx(9.0, abs=1e-5)
        np.testing.assert_allclose(z, crease.bottom, atol=3e-3)


def test_a_search_ends_at_the_bottom_of_a_crease_wherever_it_starts() -> None:
    crease = Crease(np.linspace(-0.5, 0.5, 9), 3.0)
    for point in np.random.default_rng(10).standard_normal((4, 9)):
        found = search(crease, [point])  # type: ignore[arg-type]  # a simpler misfit
        assert found.misfit == pytest.approx(9.0, abs=1e-5)
        assert found.misfit < found.starts[0]
        assert crease(found.z)[0] == pytest.approx(found.misfit, rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_a_polish_mends_a_search_that_was_cut_short(misfit: Misfit, calibration: Calibration, seed: int) -> None:
    """From elsewhere too the polish ends where the shipped constants are."""
    *_, (z, value) = islice(descend(misfit, starting_points(seed, 2)[1]), 6)
    assert value > calibration.misfit + 0.01
    _, reached = polish(misfit, z, value)
    assert reached == pytest.approx(calibration.misfit, rel=SAME)


@pytest.mark.parametrize("size", [0.0, 1.0, -1.0, 5.0, 40.0])
def test_a_polish_never_ends_above_its_start(monkeypatch: pytest.MonkeyPatch, misfit: Misfit, size: float) -> None:
    """Nor where nothing slopes: at 40 no replay is finite."""
    monkeypatch.setattr(search_module, "ITERATIONS", 4)
    start = np.full(SIZE, size)
    value = float(misfit(start)[0])
    z, reached = polish(misfit, start, value)
    assert reached <= value
    assert (reached == value) == (size == 40.0)
    assert misfit(z)[0] == pytest.approx(reached, rel=1e-12)
    np.testing.assert_array_equal(start, size)


def test_a_polish_of_the_bottom_stays_there() -> None:
    bowl = Bowl(np.zeros(5))
    z, value = polish(bowl, bowl.bottom, 7.0)  # type: ignore[arg-type]  # a simpler misfit
    np.testing.assert_allclose(z, bowl.bottom, atol=1e-7)
    assert value <= 7.0


# curvature and posterior


def test_the_slope_of_a_bowl_is_its_matrix() -> None:
    bowl = Bowl(np.linspace(-0.5, 0.5, 5))
    z = np.array([0.3, -0.2, 0.1, 0.7, -0.9])
    wanted = bowl.root.T @ bowl.root @ (z - bowl.bottom)
    np.testing.assert_allclose(gradient(bowl, z), wanted, atol=1e-6)  # type: ignore[arg-type]  # a simpler misfit
    np.testing.assert_allclose(jacobian(bowl, z)[:-1], bowl.root, atol=1e-9)  # type: ignore[arg-type]  # as above


def test_the_posterior_inverts_the_curvature_of_gauss_and_newton() -> None:
    slopes = np.random.default_rng(2).standard_normal((7, 4))
    slopes = np.concatenate([slopes, np.eye(4)])
    found = posterior_covariance(slopes)
    np.testing.assert_allclose(found @ (slopes.T @ slopes), np.eye(4), atol=1e-12)
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_allclose(posterior_covariance(np.eye(4)), np.eye(4), atol=1e-15)


@given(
    rows=st.integers(1, 9), seed=st.integers(0, 2**32 - 1), size=st.sampled_from([1e-6, 1e-2, 1.0, 1e2, 1e4]),
)  # fmt: skip
def test_the_posterior_is_never_wider_than_the_prior(rows: int, seed: int, size: float) -> None:
    """Whatever the slopes of the errors are, along every direction: those of the prior's own residuals are one."""
    slopes = size * np.random.default_rng(seed).standard_normal((rows, 6))
    spread = np.linalg.eigvalsh(posterior_covariance(np.concatenate([slopes, np.eye(6)])))
    assert spread[0] > 0.0
    assert spread[-1] <= 1.0 + 1e-6


# the shipped constants are where the search ends


def slopes(misfit: Misfit, z: np.ndarray, step: float = 1e-4) -> np.ndarray:
    away = step * np.eye(SIZE)
    return (misfit(z + away) - misfit(z - away)) / (2 * step)


def test_every_start_ended_in_the_same_valley(calibration: Calibration) -> None:
    assert len(calibration.starts) >= 3
    assert max(calibration.starts) - min(calibration.starts) <= SAME
    assert min(calibration.starts) - SAME <= calibration.misfit <= min(calibration.starts)


def test_the_recorded_misfit_is_that_of_the_shipped_guess(misfit: Misfit, calibration: Calibration) -> None:
    assert misfit(calibration.z)[0] == pytest.approx(calibration.misfit, abs=1e-9)


def is_a_bottom(own: Misfit, z: np.ndarray) -> bool:
    """Whether every small step costs; a crease has no slope of its own, but every step out of it costs."""
    least = own(z)[0]
    generator = np.random.default_rng(13)
    near = z + np.concatenate([sd * generator.standard_normal((256, SIZE)) for sd in (0.002, 0.02)])
    away = 0.05 * np.eye(SIZE)
    moved = own(np.concatenate([z + away, z - away]))
    return bool(own(near).min() > least and moved.min() > least + 5e-4)


def leads_nowhere_down(own: Misfit, z: np.ndarray) -> bool:
    """Whether nothing slopes, or what slopes is a crease: along it the misfit rises to both sides."""
    slope = slopes(own, z)
    steep = float(np.linalg.norm(slope))
    along = np.concatenate([side * step * slope[None] / steep for step in (1e-4, 1e-3, 1e-2) for side in (1.0, -1.0)])
    return steep < 1e-3 or bool(own(z + along).min() > own(z)[0])


def test_the_shipped_guess_lies_at_the_bottom(misfit: Misfit, calibration: Calibration) -> None:
    assert leads_nowhere_down(misfit, calibration.z)
    assert is_a_bottom(misfit, calibration.z)
    assert calibration.misfit - polish(misfit, calibration.z, calibration.misfit)[1] < 1e-6


@pytest.mark.parametrize("last", ORIGINS)
def test_fits_to_other_years_lie_at_the_bottom_of_their_own_misfit(calibration: Calibration, last: int) -> None:
    own, z = Misfit(reported(), last), calibration.origins[last]
    assert leads_nowhere_down(own, z)
    assert is_a_bottom(own, z)
    assert own(z)[0] < own(calibration.z)[0] - 0.01
    assert Misfit(reported(), LAST_FITTED)(z)[0] > calibration.misfit + 0.1


@pytest.mark.slow
@pytest.mark.parametrize("rule", OTHER_RULES)
def test_fits_under_other_rules_lie_at_the_bottom_of_their_own_misfit(
    calibration: Calibration, rule: PolicyRule
) -> None:
    for last, z in calibration.rules[rule].items():
        own = Misfit(reported(), last, rule)
        assert leads_nowhere_down(own, z)
        assert is_a_bottom(own, z)
        assert own(z)[0] < own(calibration.origins[last])[0]


@pytest.mark.slow
@pytest.mark.parametrize("last", [ORIGINS[0], 2019, LAST_FITTED])
def test_a_restart_finds_nothing_better(misfit: Misfit, calibration: Calibration, last: int) -> None:
    """Neither steps from elsewhere nor a cloud of guesses around the bottom, near it and further off."""
    own = misfit if last == LAST_FITTED else Misfit(reported(), last)
    z = calibration.z if last == LAST_FITTED else calibration.origins[last]
    least = own(z)[0]
    generator = np.random.default_rng(11)
    nearby = [z + 0.5 * generator.standard_normal(SIZE), *starting_points(11, 3)[1:]]
    assert search(own, nearby).misfit > least - SAME
    for sd in (0.002, 0.02, 0.2):
        assert own(z + sd * generator.standard_normal((512, SIZE))).min() > least


def test_the_shipped_covariance_is_measured_again(misfit: Misfit, calibration: Calibration) -> None:
    measured = posterior_covariance(jacobian(misfit, calibration.z))
    np.testing.assert_allclose(calibration.covariance, measured, atol=1e-6)


def test_the_shipped_covariance_is_one_and_no_wider_than_the_prior(calibration: Calibration) -> None:
    np.testing.assert_array_equal(calibration.covariance, calibration.covariance.T)
    spread = np.linalg.eigvalsh(calibration.covariance)
    assert spread.min() > 1e-5
    assert spread.max() <= 1.0 + 1e-6


def test_the_figures_say_something(calibration: Calibration) -> None:
    """Of what rules the series directly, the posterior is much narrower than the prior."""
    sd = dict(zip([unknown.label for unknown in UNKNOWNS], calibration.covariance.diagonal() ** 0.5, strict=True))
    for label in ("brand, home", "brand, overseas", "unit_cost", "brand_drop"):
        assert sd[label] < 0.5, label


def test_draws_of_the_posterior_cost_about_half_an_unknown_each(misfit: Misfit, calibration: Calibration) -> None:
    """As they must where a bowl is a fair likeness of the misfit."""
    factor = np.linalg.cholesky(calibration.covariance)
    steps = np.random.default_rng(0).standard_normal((600, SIZE)) @ factor.T
    excess = misfit(calibration.z + steps) - calibration.misfit
    assert excess.min() > 0.0
    assert 0.8 <= excess.mean() / (SIZE / 2) <= 2.0
