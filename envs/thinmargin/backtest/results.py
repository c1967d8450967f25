"""The back-test: history replayed with the shipped constants, and every series compared with what was reported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from thinmargin.backtest.elasticity import advertising_elasticities, brand_elasticities
from thinmargin.backtest.errors import absolute_errors, known_mean, mean_error
from thinmargin.backtest.forecasts import last_value, trend
from thinmargin.calibration.misfit import FIRST_YEAR, LAST_FITTED, tolerances, years
from thinmargin.calibration.saved import OTHER_RULES, Calibration
from thinmargin.calibration.unknowns import economies
from thinmargin.data import Figures, Period, series_named
from thinmargin.history import COMPARED, Compared, PolicyRule, drivers, reported, simulated
from thinmargin.parameters import Parameters
from thinmargin.replay import Table, replay

Numbers: TypeAlias = npt.NDArray[np.float64]
Values: TypeAlias = Mapping[str, Numbers]

FIT_START = 2015
"""First year whose errors count as fit: figures before are users, estimates and a product just launched."""
LAST_BEFORE = 2019
"""Last year before the hold-out, which is forecast by a fit to the figures until then."""
LAST_SHIPPED = 2024
"""Last year of the shipped figures: the hold-out ends here, later periods are listed one by one."""
SHIPPED_END = 12 * (LAST_SHIPPED + 1 - FIRST_YEAR)
"""January 2025, in months since January 2012."""
BAND = (10.0, 90.0)
"""Percentiles of the band."""
AHEAD = 2
"""Years that a forecast from the past looks ahead."""
ERRORS = np.linspace(-40.0, 40.0, 8001)
"""Grid of errors, in units of the tolerance, that the law of what is forgiven is drawn on."""


@dataclass(frozen=True)
class Score:
    """Errors of one series, in percent, points or an amount as `compared.error` says; nan: nothing to compare."""

    compared: Compared
    mape_fit: float
    """2015 to the last year fitted."""
    mape_calibrated: float
    """2012 to the last year fitted, all the calibration saw."""
    mape_holdout: float
    """2020 to 2024, of a fit to the figures until 2019."""
    last_value_fit: float
    """Last year's value as a forecast, in the years of `mape_fit`."""
    last_value_holdout: float
    """The value of 2019."""
    trend_holdout: float
    """The line through 2015 to 2019."""
    in_band_fit: float
    """Share of reported values inside the band of the posterior, 2015 to 2019."""
    in_band_holdout: float
    in_wide_band_fit: float
    """The same for the band that adds the error that the fit allows for."""
    in_wide_band_holdout: float


@dataclass(frozen=True)
class Origin:
    """Forecasts from the end of one year, with constants fitted to the figures until then: series to mean error."""

    year: int
    forecast: Mapping[str, Numbers]
    """The next two years."""
    truth: Mapping[str, Numbers]
    model: Mapping[str, Numbers]
    """Absolute error of each year ahead."""
    last_value: Mapping[str, Numbers]
    trend: Mapping[str, Numbers]


@dataclass(frozen=True)
class Later:
    """One period after the shipped figures."""

    period: Period
    truth: Mapping[str, float]
    model: Mapping[str, float]
    error: Mapping[str, float]
    last_value_error: Mapping[str, float]
    """Of the last shipped year, sums by the length of the period."""


@dataclass(frozen=True)
class Result:
    """A whole back-test; arrays of values are of shape (years,)."""

    years: tuple[Period, ...]
    reported_markets: bool
    truth: Values
    model: Values
    low: Values
    """Band of the posterior."""
    high: Values
    wide_low: Values
    """Band that adds the error that the fit allows for."""
    wide_high: Values
    scores: Mapping[str, Score]
    origins: tuple[Origin, ...]
    later: tuple[Later, ...]
    unscored: tuple[Period, ...]
    """Periods of the figures that drive at most: parts of shipped years, and what ends after the replay."""
    elasticity: Mapping[int, Mapping[int, float]]
    """Span in months to year to all-in brand elasticity."""
    advertising: Mapping[int, float]
    """Year to the elasticity of the offer's weight at home to advertising."""
    rules: Mapping[str, Mapping[str, float]]
    """Replay rule to series to the mean error of the forecasts from the past, that of the fit first."""

    def rolling(self, name: str) -> dict[str, float]:
        """Mean error of a series over all forecasts from the past: of the model, the last value and the trend."""
        found = {}
        for what in ("model", "last_value", "trend"):
            sizes = [getattr(origin, what)[name] for origin in self.origins]
            found[what] = known_mean(np.concatenate(sizes or [np.zeros(0)]))
        return found


def backtest(
    figures: Figures,
    until: int,
    calibration: Calibration,
    *,
    reported_markets: bool = True,
    draws: int = 256,
    seed: int = 0,
) -> Result:
    """Replay history until a month and compare.

    Args:
        figures: reported figures, newer ones merged into them.
        until: months since January 2012, not included.
        calibration: constants, their posterior, and the fits of the forecasts from the past.
        reported_markets: False leaves the size of markets to the model.
        draws: worlds of the posterior behind the bands.
        seed: of those draws.

    Raises:
        FiguresError: a figure that drives the replay is missing.
        ValueError: `until` lies before the end of 2015.
    """
    history = check_replay(figures, until, reported_markets=reported_markets)
    last_year = FIRST_YEAR + until // 12 - 1
    shown = years(min(last_year, LAST_SHIPPED))
    truth = reported(figures, shown)
    best = replay(*economies(calibration.z), history)
    model = {name: value[0] for name, value in simulated(best, shown).items()}
    generator = np.random.default_rng(seed)
    factor = np.linalg.cholesky(calibration.covariance)
    guesses = calibration.z + generator.standard_normal((draws, len(calibration.z))) @ factor.T
    worlds = simulated(replay(*economies(guesses), history), shown)
    wide = _forgiven(worlds, shown, generator)
    before = calibration.origins.get(LAST_BEFORE, calibration.z)
    held = {name: value[0] for name, value in simulated(replay(*economies(before), history), shown).items()}
    bands = [
        {name: np.percentile(value, limit, axis=0) for name, value in sample.items()}
        for sample in (worlds, wide)
        for limit in BAND
    ]
    fits: dict[PolicyRule, Mapping[int, Numbers]] = {"centred": calibration.origins}
    fits.update({rule: calibration.rules[rule] for rule in OTHER_RULES if rule in calibration.rules})
    origins = {
        rule: tuple(
            _origin(figures, year, z, last_year, rule, reported_markets=reported_markets)
            for year, z in sorted(made.items())
            if year < min(last_year, LAST_SHIPPED)
        )
        for rule, made in fits.items()
    }
    return Result(
        shown,
        reported_markets,
        truth,
        model,
        bands[0],
        bands[1],
        bands[2],
        bands[3],
        {compared.name: _score(compared, shown, truth, model, held, bands) for compared in COMPARED},
        origins["centred"],
        _later(figures, until, best),
        tuple(
            period
            for period in figures.periods
            if period.end > until or (0 <= period.first < SHIPPED_END and not period.is_year)
        ),
        brand_elasticities(figures, calibration, min(last_year, LAST_SHIPPED)),
        advertising_elasticities(best, last_year),
        {
            rule: {compared.name: _mean_model_error(made, compared.name) for compared in COMPARED}
            for rule, made in origins.items()
        },
    )


def check_replay(figures: Figures, until: int, *, reported_markets: bool = True) -> Table:
    """The drivers of all months of a replay; the same arguments and errors as `backtest`, which takes longer."""
    if FIRST_YEAR + until // 12 - 1 < FIT_START:
        raise ValueError(f"until is month {until}: must be at least the end of {FIT_START}")
    return _drivers(figures, until, reported_markets=reported_markets)


def _drivers(figures: Figures, until: int, *, reported_markets: bool) -> Table:
    """Drivers of all months; newer figures do not change the markup aimed at in shipped years.

    That markup is the mean of a year and both its neighbours, so the last shipped year would look into newer ones.
    """
    decay, shipped = Parameters().brand_decay, min(until, SHIPPED_END)
    history = drivers(figures, until, decay, reported_markets=reported_markets)
    history["markup"][:shipped] = drivers(figures, shipped, decay)["markup"]
    return history


def _forgiven(worlds: Values, shown: tuple[Period, ...], generator: np.random.Generator) -> dict[str, Numbers]:
    """Drawn series with the error that the fit allows for added, what follows from them computed again.

    Errors are drawn from the law the misfit implies, density exp(-sqrt(1 + e^2)) in units of the tolerance.
    """
    tolerance = tolerances(shown, worlds)
    law = np.exp(-np.sqrt(1.0 + ERRORS * ERRORS)).cumsum()
    wide = dict(worlds)
    for compared in COMPARED:
        if compared.tolerance is None:
            continue
        value = worlds[compared.name]
        error = tolerance[compared.name] * np.interp(generator.random(value.shape), law / law[-1], ERRORS)
        if compared.error == "percent":
            wide[compared.name] = np.maximum((value + compared.offset) * np.exp(error) - compared.offset, 0.0)
        else:
            wide[compared.name] = value + error
    wide["phone_revenue"] = wide["shipments"] * wide["asp"] / 1e3
    wide["arpu"] = 1e3 * wide["internet_revenue"] / wide["mau"]
    phones = worlds["total_gross_margin"] / 100.0 * _revenue(worlds) - _profit_behind_phones(worlds)
    margin = phones / worlds["phone_revenue"]
    profit = margin * wide["phone_revenue"] + _profit_behind_phones(wide)
    wide["total_gross_margin"] = 100.0 * profit / _revenue(wide)
    return wide


def _revenue(values: Values) -> Numbers:
    """Of the three lines, RMB bn."""
    total: Numbers = values["phone_revenue"] + values["iot_revenue"] + values["internet_revenue"]
    return total


def _profit_behind_phones(values: Values) -> Numbers:
    """Gross profit of accessories and services, RMB bn."""
    services = values["services_gross_margin"] * values["internet_revenue"]
    return (values["iot_gross_margin"] * values["iot_revenue"] + services) / 100.0


def _score(
    compared: Compared,
    shown: tuple[Period, ...],
    truth: Values,
    model: Values,
    held: Values,
    bands: list[dict[str, Numbers]],
) -> Score:
    name = compared.name
    year = np.array([period.year for period in shown])
    seen, holdout = year <= LAST_FITTED, year > LAST_BEFORE
    fit, early = seen & (year >= FIT_START), (year >= FIT_START) & ~holdout
    reported_values, ours = truth[name], model[name]
    known = reported_values[~holdout]
    ahead = int(holdout.sum())

    def inside(low: Numbers, high: Numbers, when: npt.NDArray[np.bool_]) -> float:
        when = when & ~np.isnan(reported_values)
        held = (reported_values >= low) & (reported_values <= high)
        return float(held[when].mean()) if when.any() else float("nan")

    previous = np.concatenate([[np.nan], reported_values[:-1]])
    low, high, wide_low, wide_high = (band[name] for band in bands)
    return Score(
        compared,
        mean_error(compared, ours[fit], reported_values[fit]),
        mean_error(compared, ours[seen], reported_values[seen]),
        mean_error(compared, held[name][holdout], reported_values[holdout]),
        mean_error(compared, previous[fit], reported_values[fit]),
        mean_error(compared, last_value(known, ahead), reported_values[holdout]),
        mean_error(compared, trend(known, ahead), reported_values[holdout]),
        inside(low, high, early),
        inside(low, high, holdout),
        inside(wide_low, wide_high, early),
        inside(wide_low, wide_high, holdout),
    )


def _mean_model_error(origins: tuple[Origin, ...], name: str) -> float:
    return known_mean(np.concatenate([np.zeros(0), *(origin.model[name] for origin in origins)]))


def _origin(
    figures: Figures, year: int, z: Numbers, last_year: int, rule: PolicyRule, *, reported_markets: bool
) -> Origin:
    end = min(year + AHEAD, last_year, LAST_SHIPPED)
    shown = years(end)
    history = drivers(
        figures, 12 * len(shown), Parameters().brand_decay, reported_markets=reported_markets, policy=rule
    )
    truth = reported(figures, shown)
    model = simulated(replay(*economies(z), history), shown)
    split, ahead = year - FIRST_YEAR + 1, end - year
    forecast = {name: value[0, split:] for name, value in model.items()}
    later = {name: value[split:] for name, value in truth.items()}
    naive = {
        name: {
            compared.name: absolute_errors(compared, rule(truth[compared.name][:split], ahead), later[compared.name])
            for compared in COMPARED
        }
        for name, rule in (("last_value", last_value), ("trend", trend))
    }
    ours = {
        compared.name: absolute_errors(compared, forecast[compared.name], later[compared.name]) for compared in COMPARED
    }
    return Origin(year, forecast, later, ours, naive["last_value"], naive["trend"])


def adds_up(compared: Compared) -> bool:
    """Whether a series is summed over the months of a period."""
    return bool(compared.reported) and series_named(compared.reported).kind == "sum"


def _later(figures: Figures, until: int, best: Any) -> tuple[Later, ...]:
    periods = [period for period in figures.until(until).periods if period.first >= SHIPPED_END]
    if not periods:
        return ()
    last = years(LAST_SHIPPED)[-1:]
    before = reported(figures, last)
    truth, model = reported(figures, periods), simulated(best, periods)
    found = []
    for k, period in enumerate(periods):
        errors, naive = {}, {}
        for compared in COMPARED:
            name = compared.name
            value = truth[name][k : k + 1]
            scale = period.months / 12.0 if adds_up(compared) else 1.0
            errors[name] = mean_error(compared, model[name][0, k : k + 1], value)
            naive[name] = mean_error(compared, before[name] * scale, value)
        found.append(
            Later(
                period,
                {name: float(value[k]) for name, value in truth.items()},
                {name: float(value[0, k]) for name, value in model.items()},
                errors,
                naive,
            )
        )
    return tuple(found)
