"""The search: it ends where it should, again and again, and the shipped constants are such an end."""

from __future__ import annotations

from collections.abc import Callable

import cma
import numpy as np
import pytest

from thinmargin.calibration import search as search_module
from thinmargin.calibration.misfit import LAST_FITTED, Misfit
from thinmargin.calibration.saved import ORIGINS, Calibration
from thinmargin.calibration.search import POPULATION, Found, curvature, posterior_covariance, search
from thinmargin.calibration.unknowns import UNKNOWNS
from thinmargin.data import reported

SIZE = len(UNKNOWNS)


# the search itself


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Found]:
    """A search that ends after four generations a start."""
    monkeypatch.setattr(search_module, "GENERATIONS", 4)
    return search


@pytest.mark.slow
def test_the_same_seed_searches_the_same_way_and_another_seed_another(
    short: Callable[..., Found], misfit: Misfit
) -> None:
    one, again, other = (short(misfit, seed, 2) for seed in (0, 0, 1))
    assert one.z.tobytes() == again.z.tobytes()
    assert (one.misfit, one.starts) == (again.misfit, again.starts)
    assert one.z.tobytes() != other.z.tobytes()
    assert all(mine != theirs for mine, theirs in zip(one.starts, other.starts, strict=True))


@pytest.mark.slow
def test_the_best_start_wins_and_is_what_it_says(short: Callable[..., Found], misfit: Misfit) -> None:
    found = short(misfit, 0, 3)
    assert len(found.starts) == 3
    assert found.misfit == min(found.starts)
    assert misfit(found.z)[0] == pytest.approx(found.misfit, rel=1e-12)
    assert found.misfit < misfit(np.zeros(SIZE))[0]
    assert short(misfit, 0, 1).starts == found.starts[:1]


def test_the_searcher_is_told_of_every_generation(short: Callable[..., Found], misfit: Misfit) -> None:
    heard: list[tuple[int, int, float]] = []
    found = short(misfit, 3, 2, lambda *what: heard.append(what))
    assert [(start, generation) for start, generation, _ in heard] == [(s, g) for s in range(2) for g in range(1, 5)]
    values = [value for _, _, value in heard]
    assert values == sorted(values, reverse=True)
    assert values[-1] == found.misfit


@pytest.mark.slow
def test_it_finds_the_bottom_of_a_bowl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_module, "GENERATIONS", 120)
    bottom = np.linspace(-0.5, 0.5, SIZE)
    found = search(lambda z: 7.0 + ((z - bottom) ** 2).sum(axis=1), 0, 1)  # type: ignore[arg-type]  # a simpler misfit
    assert found.misfit == pytest.approx(7.0, abs=0.1)
    np.testing.assert_allclose(found.z, bottom, atol=0.2)


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
    monkeypatch.setattr(search_module, "STEP", search_module.STEP / 2)
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
    assert max(calibration.starts) - min(calibration.starts) <= 1e-6
    assert calibration.misfit == min(calibration.starts)


def test_the_recorded_misfit_is_that_of_the_shipped_guess(misfit: Misfit, calibration: Calibration) -> None:
    assert misfit(calibration.z)[0] == pytest.approx(calibration.misfit, abs=1e-9)


def test_the_shipped_guess_lies_at_the_bottom(misfit: Misfit, calibration: Calibration) -> None:
    assert np.linalg.norm(slopes(misfit, calibration.z)) < 1e-4
    away = 0.05 * np.eye(SIZE)
    moved = misfit(np.concatenate([calibration.z + away, calibration.z - away]))
    assert moved.min() > calibration.misfit + 5e-4


@pytest.mark.parametrize("last", ORIGINS)
def test_earlier_fits_lie_at_the_bottom_of_their_own_misfit(calibration: Calibration, last: int) -> None:
    """That of 2016 lies in a crease, so that its slope there is small, not zero."""
    own, z = Misfit(reported(), last), calibration.origins[last]
    assert np.linalg.norm(slopes(own, z)) < (1e-2 if last == 2016 else 1e-3)
    away = 0.05 * np.eye(SIZE)
    assert own(np.concatenate([z + away, z - away])).min() > own(z)[0] + 5e-4
    assert own(z)[0] < own(calibration.z)[0] - 0.01
    assert Misfit(reported(), LAST_FITTED)(z)[0] > calibration.misfit + 0.1


@pytest.mark.slow
@pytest.mark.parametrize("last", [*ORIGINS, LAST_FITTED])
def test_a_restart_finds_nothing_better(calibration: Calibration, last: int) -> None:
    own = Misfit(reported(), last)
    z = calibration.z if last == LAST_FITTED else calibration.origins[last]
    options = {"seed": 11, "popsize": POPULATION, "maxiter": 30, "verbose": -9}
    for sd in (0.002, 0.05):
        strategy = cma.CMAEvolutionStrategy(z, sd, options)
        while not strategy.stop():
            guesses = strategy.ask()
            strategy.tell(guesses, own(np.array(guesses)).tolist())
        assert strategy.result.fbest > own(z)[0] - 1e-6


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
