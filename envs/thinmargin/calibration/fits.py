"""Every fit of a calibration: to all the figures, and to those until each origin of a forecast from the past."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from thinmargin.calibration.misfit import LAST_FITTED, Misfit
from thinmargin.calibration.saved import ORIGINS, OTHER_RULES, Calibration, Numbers
from thinmargin.calibration.search import jacobian, posterior_covariance, search, starting_points
from thinmargin.data import Figures
from thinmargin.history import PolicyRule


class Report(Protocol):
    """Told of the last year of a fit, its best misfit so far, and whether it has ended."""

    def __call__(self, last: int, value: float, *, ended: bool) -> None:
        """Take note of it."""


def calibrate(figures: Figures, seed: int, starts: int, report: Report | None = None) -> Calibration:
    """The fit to all figures from several starts, its posterior, and the fits of the origins.

    Args:
        figures: reported figures.
        seed: of the starts that are drawn.
        starts: of the fit to all figures: the centre of the prior, and draws from half of it.
        report: told of every step.
    """
    told = report or _nobody
    whole = Misfit(figures)
    best = search(whole, starting_points(seed, starts), lambda _, __, value: told(LAST_FITTED, value, ended=False))
    told(LAST_FITTED, best.misfit, ended=True)
    covariance = posterior_covariance(jacobian(whole, best.z))
    return with_new_origins(figures, Calibration(best.z, covariance, best.misfit, best.starts, seed, {}, {}), told)


def with_new_origins(figures: Figures, calibration: Calibration, told: Report | None = None) -> Calibration:
    """The same calibration, with the fits of its origins made anew from these figures, under every replay rule."""
    report = told or _nobody
    origins = {year: origin(figures, year, calibration.z, report) for year in ORIGINS}
    rules = {
        rule: {year: origin(figures, year, calibration.z, report, rule) for year in ORIGINS} for rule in OTHER_RULES
    }
    return replace(calibration, origins=origins, rules=rules)


def _nobody(last: int, value: float, *, ended: bool) -> None:
    """Nobody wants to be told."""


def origin(figures: Figures, last: int, near: Numbers, told: Report, policy: PolicyRule = "centred") -> Numbers:
    """The fit to the figures until `last`, from the centre of the prior and the guess `near`: shape (unknowns,)."""
    found = search(
        Misfit(figures, last, policy),
        [*starting_points(0, 1), near],
        lambda _, __, value: told(last, value, ended=False),
    )
    told(last, found.misfit, ended=True)
    return found.z
