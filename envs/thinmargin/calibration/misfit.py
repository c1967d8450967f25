"""Distance of a guess from the reported figures: tolerances, and the misfit that the search minimises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from thinmargin.calibration.unknowns import economies
from thinmargin.data import Figures, Period, provenance
from thinmargin.history import COMPARED, PolicyRule, drivers, reported, simulated
from thinmargin.parameters import Parameters
from thinmargin.replay import Table, replay

Numbers: TypeAlias = npt.NDArray[np.float64]

FIRST_YEAR = 2012
LAST_FITTED = 2024
"""The last year whose figures the calibration may see."""
STATUS_FACTOR = {"verified": 1.0, "background": 1.25, "estimate": 3.0}
"""Factor of the tolerance of a cell by its status."""
BREAK_FACTOR = {
    (2012, "miui_mau_m"): 2.0,
    (2013, "miui_mau_m"): 2.0,
    (2014, "miui_mau_m"): 2.0,
    (2014, "revenue_internet_services_rmb_bn"): 3.0,
    (2012, "adjusted_net_profit_rmb_bn"): 2.0,
    (2013, "adjusted_net_profit_rmb_bn"): 2.0,
    (2021, "retention_home_pct"): 1.6,
}
"""Further factor where the series breaks: users of other makers' phones counted in, revenue possibly gross."""
MARKET_TOLERANCE = 0.08
"""Of the size of a market against what the model expects of it, log, yearly mean."""
WORTHLESS = 1e9
"""Misfit of a guess whose replay is not finite."""
FAR = 1e4
"""Residual of what is not finite."""
ROWS = 64
"""Guesses replayed at a time."""


def years(last: int) -> tuple[Period, ...]:
    """The calendar years from 2012 through `last`."""
    return tuple(Period(12 * (year - FIRST_YEAR), 12) for year in range(FIRST_YEAR, last + 1))


def huber(error: Numbers) -> Numbers:
    """sqrt(1 + e^2) - 1: a square near zero, a straight line far out, so that one bad year does not rule the fit."""
    return np.sqrt(1.0 + error * error) - 1.0


def tolerances(periods: Sequence[Period], values: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """Tolerance of each fitted series in each period, log, points or an amount: name to an array like its values.

    Args:
        periods: what the last axis of the values is.
        values: the series by name, of whose size some forgive a share.
    """
    status = {(cell.year, cell.series): STATUS_FACTOR[cell.status] for cell in provenance()}
    found = {}
    for compared in COMPARED:
        if compared.tolerance is not None:
            cells = [(period.year, compared.reported) for period in periods]
            factors = [status.get(cell, 1.0) * BREAK_FACTOR.get(cell, 1.0) for cell in cells]
            found[compared.name] = np.array(factors) * (
                compared.tolerance + compared.relative * np.abs(values[compared.name])
            )
    return found


class Misfit:
    """Misfit of guesses to the figures of 2012 to `last`: minus the logarithm of the posterior, up to a constant.

    Args:
        figures: reported figures; rows after `last` are never looked at.
        last: last year fitted.
        policy: how the markup aimed at is told from reported margins, see `thinmargin.history.PolicyRule`.
    """

    def __init__(self, figures: Figures, last: int = LAST_FITTED, policy: PolicyRule = "centred") -> None:
        self.periods = years(last)
        seen = figures.years(FIRST_YEAR, last)
        self._drivers = drivers(seen, 12 * len(self.periods), Parameters().brand_decay, policy=policy)
        self._reported = reported(seen, self.periods)
        self._tolerance = tolerances(self.periods, self._reported)

    def replays(self, z: Numbers) -> Table:
        """Records of type TRACKED, shape (rows, months), of guesses of shape (rows, unknowns)."""
        return replay(*economies(z), self._drivers)

    def errors(self, z: Numbers) -> dict[str, Numbers]:
        """Errors of each fitted series and of the size of markets, in units of their tolerance.

        Each is of shape (rows, numbers compared): the periods of a series, 0 where nothing was reported; the periods
        and regions of the markets. A guess far out may give infinite ones.
        """
        z = np.atleast_2d(np.asarray(z, np.float64))
        found = {}
        with np.errstate(all="ignore"):  # a guess far out may overflow
            replays = self.replays(z)
            values = simulated(replays, self.periods)
            for compared in COMPARED:
                if compared.tolerance is None:
                    continue
                model, truth = values[compared.name], self._reported[compared.name]
                if compared.error == "percent":
                    error = np.log((model + compared.offset) / (truth + compared.offset))
                else:
                    error = model - truth
                found[compared.name] = np.where(np.isnan(truth), 0.0, error / self._tolerance[compared.name])
            surprise = replays["surprise"].reshape(len(z), len(self.periods), 12, -1).mean(axis=2)
            found["markets"] = surprise.reshape(len(z), -1) / MARKET_TOLERANCE
        return found

    def terms(self, z: Numbers) -> dict[str, Numbers]:
        """Contributions of each series, the size of markets and the prior to the misfit, each of shape (rows,)."""
        z = np.atleast_2d(np.asarray(z, np.float64))
        with np.errstate(all="ignore"):  # a guess far out may overflow: it is made worthless below
            cost = {name: huber(error).sum(axis=1) for name, error in self.errors(z).items()}
            cost["prior"] = 0.5 * (z * z).sum(axis=1)
        return cost

    def residuals(self, z: Numbers) -> Numbers:
        """Numbers half of whose squares sum to the misfit, shape (rows, residuals), the prior's z last.

        Formula:
            residual = sign(error) * sqrt(2 * (sqrt(1 + error^2) - 1))

        A guess whose replay is not finite has residuals of `FAR` instead.
        """
        z = np.atleast_2d(np.asarray(z, np.float64))
        blocks = []
        for start in range(0, len(z), ROWS):
            block = z[start : start + ROWS]
            errors = np.concatenate([*self.errors(block).values()], axis=1)
            with np.errstate(all="ignore"):  # as above
                blocks.append(np.concatenate([np.sign(errors) * np.sqrt(2.0 * huber(errors)), block], axis=1))
        together = np.concatenate(blocks)
        return np.where(np.isfinite(together), together, FAR)

    def __call__(self, z: Numbers) -> Numbers:
        """Total misfit of guesses of shape (rows, unknowns): shape (rows,)."""
        z = np.atleast_2d(np.asarray(z, np.float64))
        blocks = [
            sum(self.terms(z[start : start + ROWS]).values(), np.zeros(len(z[start : start + ROWS])))
            for start in range(0, len(z), ROWS)
        ]
        total = np.concatenate(blocks)
        return np.where(np.isfinite(total), total, WORTHLESS)
