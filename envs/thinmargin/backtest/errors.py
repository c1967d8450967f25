"""Errors of a forecast: percent of what was reported, points of percent for shares and margins, or an amount."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from thinmargin.history import Compared

Numbers: TypeAlias = npt.NDArray[np.float64]


def absolute_errors(compared: Compared, forecast: Numbers, truth: Numbers) -> Numbers:
    """Size of each error, percent, points or an amount; nan where nothing was reported."""
    if compared.error != "percent":
        difference: Numbers = np.abs(forecast - truth)
        return difference
    share = np.divide(forecast, truth, out=np.full(np.shape(truth), np.nan), where=truth != 0.0)
    percent: Numbers = 100.0 * np.abs(share - 1.0)
    return percent


def mean_error(compared: Compared, forecast: Numbers, truth: Numbers) -> float:
    """Mean absolute error over the reported values, in that unit; nan if nothing was reported."""
    return known_mean(absolute_errors(compared, forecast, truth))


def unit_of(compared: Compared) -> str:
    """What errors of a series are measured in: %, points, or the unit of the series."""
    return {"percent": "%", "points": "points", "amount": compared.unit}[compared.error]


def known_mean(values: Numbers) -> float:
    """Mean of the values that are not nan; nan if there is none."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
