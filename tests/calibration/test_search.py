"""The search: it ends where it should, again and again, and the shipped constants are such an end."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from thinmargin.calibration import search as search_module
from thinmargin.calibration.misfit import LAST_FITTED, Misfit
from thinmargin.calibration.saved import ORIGINS, Calibration
from thinmargin.calibration.search import (
    ITERATIONS,
    PATIENCE,
    START_SD,
    curvature,
    descend,
    jacobian,
    posterior_covariance,
    search,
    starting_points,
)
from thinmargin.calibration.unknowns import UNKNOWNS
from thinmargin.data import reported

SIZE = len(UNKNOWNS)


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
    found = search(misfit, starting_points(17, 5))
    assert len(found.starts) == 5
    np.testing.assert_allclose(found.starts, calibration.misfit, rtol=0.0, atol=1e-9)
    np.testing.assert_allclose(found.z, calibration.z, atol=1e-5)
    assert sum(1 for _ in descend(misfit, np.zeros(SIZE))) < ITERATIONS // 2


def test_the_best_start_wins_and_is_what_it_says(monkeypatch: pytest.MonkeyPatch, misfit: Misfit) -> None:
    monkeypatch.setattr(search_module, "ITERATIONS", 2)
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
    heard: list[tuple[int, int, float]] = []
    found = search(misfit, starting_points(3, 2), lambda *what: heard.append(what))
    assert [(start, step) for start, step, _ in heard] == [(start, step) for start in range(2) for step in (1, 2, 3)]
    values = [value for _, _, value in heard]
    assert values == sorted(values, reverse=True)
    assert values[-1] == found.misfit


# curvature and posterior


def test_the_curvature_of_a_bowl_is_its_matrix() -> None:
    generator = np.random.default_rng(4)
    root = generator.standard_normal((5, 5))
    matrix, z = root @ root.T, generator.standard_normal(5)

    def bowl(points: np.ndarray) -> np.ndarray:
        return 0.5 * np.einsum("ni,ij,nj->n", points, matrix, points)

    np.testing.assert_allclose(curvature(bowl, z), matrix, atol=1e-9)  # type: ignore[arg-type]  # a simpler misfit


@pytest.mark.slow
def test_the_curvature_is_measured_finely_enough(
    monkeypatch: pytest.MonkeyPatch, misfit: Misfit, calibration: Calibration
) -> None:
    whole = np.linalg.eigvalsh(curvature(misfit, calibration.z))
    monkeypatch.setattr(search_module, "CURVATURE_STEP", search_module.CURVATURE_STEP / 2)
    np.testing.assert_allclose(np.linalg.eigvalsh(curvature(misfit, calibration.z)), whole, rtol=0.02)


def test_the_posterior_inverts_curvature_and_is_never_wider_than_the_prior() -> None:
    rotation = np.linalg.qr(np.random.default_rng(2).standard_normal((4, 4)))[0]
    hessian = rotation @ np.diag([8.0, 2.0, 0.5, -3.0]) @ rotation.T
    wanted = rotation @ np.diag([1 / 8, 1 / 2, 1.0, 1.0]) @ rotation.T
    np.testing.assert_allclose(posterior_covariance(hessian), wanted, atol=1e-12)


# the shipped constants are where the search ends


def slopes(misfit: Misfit, z: np.ndarray, step: float = 1e-4) -> np.ndarray:
    away = step * np.eye(SIZE)
    return (misfit(z + away) - misfit(z - away)) / (2 * step)


def test_every_start_ended_in_the_same_valley(calibration: Calibration) -> None:
    assert len(calibration.starts) >= 3
    assert max(calibration.starts) - min(calibration.starts) <= 1e-9
    assert calibration.misfit == min(calibration.starts)


def test_the_recorded_misfit_is_that_of_the_shipped_guess(misfit: Misfit, calibration: Calibration) -> None:
    assert misfit(calibration.z)[0] == pytest.approx(calibration.misfit, abs=1e-9)


def test_the_shipped_guess_lies_at_the_bottom(misfit: Misfit, calibration: Calibration) -> None:
    assert np.linalg.norm(slopes(misfit, calibration.z)) < 1e-4
    away = 0.05 * np.eye(SIZE)
    moved = misfit(np.concatenate([calibration.z + away, calibration.z - away]))
    assert moved.min() > calibration.misfit + 5e-4


@pytest.mark.parametrize("last", ORIGINS)
def test_fits_to_other_years_lie_at_the_bottom_of_their_own_misfit(calibration: Calibration, last: int) -> None:
    own, z = Misfit(reported(), last), calibration.origins[last]
    assert np.linalg.norm(slopes(own, z)) < 1e-3
    away = 0.05 * np.eye(SIZE)
    assert own(np.concatenate([z + away, z - away])).min() > own(z)[0] + 5e-4
    if last == LAST_FITTED:
        assert own(z)[0] == pytest.approx(calibration.misfit, abs=1e-9)
    else:
        assert own(z)[0] < own(calibration.z)[0] - 0.01
        assert Misfit(reported(), LAST_FITTED)(z)[0] > calibration.misfit + 0.1


@pytest.mark.slow
@pytest.mark.parametrize("last", ORIGINS)
def test_a_restart_finds_nothing_better(calibration: Calibration, last: int) -> None:
    """Neither steps from elsewhere nor a cloud of guesses around the bottom, near it and further off."""
    own, z = Misfit(reported(), last), calibration.origins[last]
    least = own(z)[0]
    generator = np.random.default_rng(11)
    nearby = [z + 0.5 * generator.standard_normal(SIZE), *starting_points(11, 3)[1:]]
    assert search(own, nearby).misfit > least - 1e-6
    for sd in (0.002, 0.02, 0.2):
        assert own(z + sd * generator.standard_normal((512, SIZE))).min() > least


@pytest.mark.slow
def test_the_shipped_covariance_is_measured_again(misfit: Misfit, calibration: Calibration) -> None:
    measured = posterior_covariance(curvature(misfit, calibration.z))
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
