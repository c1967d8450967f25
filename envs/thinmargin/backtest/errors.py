"""Errors of a forecast: percent of what was reported, or points of percent for shares and margins."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from thinmargin.history import Compared

Numbers: TypeAlias = npt.NDArray[np.float64]


def absolute_errors(compared: Compared, forecast: Numbers, truth: Numbers) -> Numbers:
    """Size of each error, percent or points; nan where nothing was reported."""
    if compared.error == "points":
        points: Numbers = np.abs(forecast - truth)
        return points
    share = np.divide(forecast, truth, out=np.full(np.shape(truth), np.nan), where=truth != 0.0)
    percent: Numbers = 100.0 * np.abs(share - 1.0)
    return percent


def mean_error(compared: Compared, forecast: Numbers, truth: Numbers) -> float:
    """Mean absolute error over the reported values, percent or points; nan if nothing was reported."""
    return known_mean(absolute_errors(compared, forecast, truth))


def known_mean(values: Numbers) -> float:
    """Mean of the values that are not nan; nan if there is none."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
