"""Distance of a guess from the reported figures: tolerances, and the misfit that the search minimises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from thinmargin.calibration.unknowns import economies
from thinmargin.data import Figures, Period, provenance
from thinmargin.history import COMPARED, drivers, reported, simulated
from thinmargin.parameters import Parameters
from thinmargin.replay import Table, replay

Numbers: TypeAlias = npt.NDArray[np.float64]

FIRST_YEAR = 2012
LAST_FITTED = 2019
"""The last year whose figures the calibration may see."""
STATUS_FACTOR = {"verified": 1.0, "background": 1.25, "estimate": 3.0}
"""Factor of the tolerance of a cell by its status."""
BREAK_FACTOR = {
    (2012, "miui_mau_m"): 2.0,
    (2013, "miui_mau_m"): 2.0,
    (2014, "miui_mau_m"): 2.0,
    (2014, "revenue_internet_services_rmb_bn"): 3.0,
}
"""Further factor where the series breaks: users of other makers' phones counted in, revenue possibly gross."""
MARKET_TOLERANCE = 0.08
"""Of the size of a market against what the model expects of it, log, yearly mean."""
WORTHLESS = 1e9
"""Misfit of a guess whose replay is not finite."""
ROWS = 64
"""Guesses replayed at a time."""


def years(last: int) -> tuple[Period, ...]:
    """The calendar years from 2012 through `last`."""
    return tuple(Period(12 * (year - FIRST_YEAR), 12) for year in range(FIRST_YEAR, last + 1))


def huber(error: Numbers) -> Numbers:
    """sqrt(1 + e^2) - 1: a square near zero, a straight line far out, so that one bad year does not rule the fit."""
    return np.sqrt(1.0 + error * error) - 1.0


def tolerances(periods: Sequence[Period]) -> dict[str, Numbers]:
    """Tolerance of each fitted series in each period, log or points: name to shape (periods,)."""
    status = {(cell.year, cell.series): STATUS_FACTOR[cell.status] for cell in provenance()}
    found = {}
    for compared in COMPARED:
        if compared.tolerance is not None:
            cells = [(period.year, compared.reported) for period in periods]
            factors = [status.get(cell, 1.0) * BREAK_FACTOR.get(cell, 1.0) for cell in cells]
            found[compared.name] = compared.tolerance * np.array(factors)
    return found


class Misfit:
    """Misfit of guesses to the figures of 2012 to `last`: minus the logarithm of the posterior, up to a constant.

    Args:
        figures: reported figures; rows after `last` are never looked at.
        last: last year fitted.
    """

    def __init__(self, figures: Figures, last: int = LAST_FITTED) -> None:
        self.periods = years(last)
        seen = figures.years(FIRST_YEAR, last)
        self._drivers = drivers(seen, 12 * len(self.periods), Parameters().brand_decay)
        self._reported = reported(seen, self.periods)
        self._tolerance = tolerances(self.periods)

    def replays(self, z: Numbers) -> Table:
        """Records of type TRACKED, shape (rows, months), of guesses of shape (rows, unknowns)."""
        return replay(*economies(z), self._drivers)

    def terms(self, z: Numbers) -> dict[str, Numbers]:
        """Contributions of each series, the size of markets and the prior to the misfit, each of shape (rows,)."""
        z = np.atleast_2d(np.asarray(z, np.float64))
        with np.errstate(all="ignore"):  # a guess far out may overflow: it is made worthless below
            replays = self.replays(z)
            cost = {}
            values = simulated(replays, self.periods)
            for compared in COMPARED:
                if compared.tolerance is None:
                    continue
                model, truth = values[compared.name], self._reported[compared.name]
                if compared.error == "points":
                    error = model - truth
                else:
                    error = np.log((model + compared.offset) / (truth + compared.offset))
                error = np.where(np.isnan(truth), 0.0, error / self._tolerance[compared.name])
                cost[compared.name] = huber(error).sum(axis=1)
            surprise = replays["surprise"].reshape(len(z), len(self.periods), 12, -1).mean(axis=2)
            cost["markets"] = huber(surprise / MARKET_TOLERANCE).sum(axis=(1, 2))
            cost["prior"] = 0.5 * (z * z).sum(axis=1)
        return cost

    def __call__(self, z: Numbers) -> Numbers:
        """Total misfit of guesses of shape (rows, unknowns): shape (rows,)."""
        z = np.atleast_2d(np.asarray(z, np.float64))
        blocks = [
            sum(self.terms(z[start : start + ROWS]).values(), np.zeros(len(z[start : start + ROWS])))
            for start in range(0, len(z), ROWS)
        ]
        total = np.concatenate(blocks)
        return np.where(np.isfinite(total), total, WORTHLESS)
