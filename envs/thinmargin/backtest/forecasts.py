"""The two forecasts that need no model: the last value, and a straight line through the last five."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Numbers: TypeAlias = npt.NDArray[np.float64]

TREND_YEARS = 5


def last_value(history: Numbers, ahead: int) -> Numbers:
    """The last value of `history` that is not nan, `ahead` times; all nan if there is none."""
    known = history[~np.isnan(history)]
    return np.full(ahead, known[-1] if len(known) else np.nan)


def trend(history: Numbers, ahead: int) -> Numbers:
    """The least-squares line through the last five years of `history`, `ahead` years on.

    Years of nan are left out; all nan with fewer than two left.
    """
    recent = history[-TREND_YEARS:]
    years = np.arange(len(recent), dtype=np.float64)
    known = ~np.isnan(recent)
    if known.sum() < 2:
        return np.full(ahead, np.nan)
    slope, level = np.polyfit(years[known], recent[known], 1)
    line: Numbers = level + slope * (len(recent) + np.arange(ahead))
    return line
