"""Every fit of a calibration: the one to all figures, and those of the forecasts from the past."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np
import pytest

from thinmargin.calibration import fits
from thinmargin.calibration import search as search_module
from thinmargin.calibration.fits import calibrate, origin, with_new_origins
from thinmargin.calibration.misfit import LAST_FITTED, Misfit
from thinmargin.calibration.saved import (
    CLOSE,
    CLOSE_COVARIANCE,
    ORIGINS,
    OTHER_RULES,
    Calibration,
    covariance_difference,
    difference,
)
from thinmargin.calibration.search import Found
from thinmargin.calibration.unknowns import UNKNOWNS
from thinmargin.data import SERIES, Figures, reported

SIZE = len(UNKNOWNS)
Heard = list[tuple[int, float, bool]]
WithCells = Callable[[Mapping[tuple[str, str], float]], Figures]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches end after two steps a start, and two more of the polish."""
    monkeypatch.setattr(search_module, "ITERATIONS", 2)
    monkeypatch.setattr(search_module, "ROUNDS", 1)


@pytest.fixture
def heard() -> Heard:
    return []


@pytest.fixture
def listener(heard: Heard) -> Callable[..., None]:
    """Writes down in `heard` what a fit reports."""

    def told(last: int, value: float, *, ended: bool) -> None:
        heard.append((last, value, ended))

    return told


def test_the_origins_are_six_years_with_two_more_behind_each() -> None:
    assert ORIGINS == (2017, 2018, 2019, 2020, 2021, 2022)
    assert LAST_FITTED == 2024
    assert OTHER_RULES == ("trailing", "none")


@pytest.mark.slow
def test_the_shipped_calibration_comes_out_again(
    calibration: Calibration, heard: Heard, listener: Callable[..., None]
) -> None:
    again = calibrate(reported(), calibration.seed, len(calibration.starts), listener)
    assert difference(again, calibration) <= CLOSE
    assert covariance_difference(again, calibration) <= CLOSE_COVARIANCE
    assert again.misfit == pytest.approx(calibration.misfit, abs=1e-6)
    np.testing.assert_allclose(again.starts, calibration.starts, rtol=0.0, atol=1e-4)
    assert again.seed == calibration.seed
    told = [(last, [each[1:] for each in each_fit]) for last, each_fit in groupby(heard, key=lambda each: each[0])]
    assert [last for last, _ in told] == [LAST_FITTED, *ORIGINS, *ORIGINS, *ORIGINS]
    for _, steps in told:
        values, ended = zip(*steps, strict=True)
        assert list(values) == sorted(values, reverse=True)
        assert ended == (*[False] * (len(steps) - 1), True)


@pytest.mark.slow
@pytest.mark.usefixtures("short")
def test_nobody_need_be_told_and_seeds_and_starts_are_kept() -> None:
    one, again, other = (calibrate(reported(), seed, 2) for seed in (4, 4, 5))
    assert one.z.tobytes() == again.z.tobytes()
    assert one.starts != other.starts
    assert (one.seed, len(one.starts), other.seed) == (4, 2, 5)
    assert one.misfit <= min(one.starts)


@pytest.mark.slow
def test_new_origins_are_those_that_are_saved_and_leave_the_rest_alone(
    monkeypatch: pytest.MonkeyPatch, calibration: Calibration
) -> None:
    some = ORIGINS[::3]
    monkeypatch.setattr(fits, "ORIGINS", some)
    without = replace(calibration, origins={1999: np.zeros(SIZE)}, rules={})
    again = with_new_origins(reported(), without)
    assert tuple(again.rules) == OTHER_RULES
    saved = replace(
        calibration,
        origins={year: calibration.origins[year] for year in some},
        rules={rule: {year: made[year] for year in some} for rule, made in calibration.rules.items()},
    )
    assert difference(again, saved) <= CLOSE
    for name in ("z", "covariance", "misfit", "starts", "seed"):
        assert getattr(again, name) is getattr(calibration, name)
    assert tuple(without.origins) == (1999,)
    assert without.rules == {}


@pytest.mark.slow
@pytest.mark.parametrize("last", [ORIGINS[0], ORIGINS[-1]])
def test_an_origin_starts_at_the_centre_and_near_what_is_given(
    calibration: Calibration, heard: Heard, listener: Callable[..., None], last: int
) -> None:
    found = origin(reported(), last, calibration.z, listener)
    np.testing.assert_allclose(found, calibration.origins[last], atol=1e-6)
    own = Misfit(reported(), last)
    assert heard[-1] == (last, pytest.approx(own(found)[0], rel=1e-12), True)
    assert {each[0] for each in heard} == {last}
    elsewhere = origin(reported(), last, np.full(SIZE, 0.5), listener)
    np.testing.assert_allclose(elsewhere, found, atol=1e-5)


def test_an_origin_has_two_starts(monkeypatch: pytest.MonkeyPatch, calibration: Calibration) -> None:
    """Where the guess that is given lies in another valley, the centre of the prior is tried all the same."""
    started: list[Sequence[np.ndarray]] = []

    def watched(misfit: Misfit, points: Sequence[np.ndarray], _told: object) -> Found:
        started.append(points)
        return Found(points[-1], float(misfit(points[-1])[0]), ())

    monkeypatch.setattr(fits, "search", watched)
    for last in ORIGINS:
        assert origin(reported(), last, calibration.z, lambda *_, **__: None) is calibration.z
    for centre, near in started:
        np.testing.assert_array_equal(centre, np.zeros(SIZE))
        assert near is calibration.z
    assert len(started) == len(ORIGINS)


@pytest.mark.usefixtures("short")
def test_a_guess_that_is_near_is_kept_where_the_centre_is_not_better(calibration: Calibration) -> None:
    last = ORIGINS[0]
    found = origin(reported(), last, calibration.origins[last], lambda *_, **__: None)
    np.testing.assert_allclose(found, calibration.origins[last], atol=1e-6)


@pytest.mark.usefixtures("short")
def test_no_figure_after_an_origin_changes_its_fit(calibration: Calibration, with_cells: WithCells) -> None:
    last = ORIGINS[0]
    later = {(series.name, str(year)): -7.77e5 for series in SERIES for year in range(last + 1, 2025)}
    one, other = (
        origin(figures, last, calibration.z, lambda *_, **__: None) for figures in (reported(), with_cells(later))
    )
    assert one.tobytes() == other.tobytes()
