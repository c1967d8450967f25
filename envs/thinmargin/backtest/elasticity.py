"""Response of the firm's sales to its price when all else responds too: owners, word of mouth, capacity, rivals."""

from __future__ import annotations

import numpy as np

from thinmargin.calibration.misfit import FIRST_YEAR
from thinmargin.calibration.saved import Calibration
from thinmargin.calibration.unknowns import economies
from thinmargin.data import Figures
from thinmargin.history import drivers
from thinmargin.parameters import Parameters
from thinmargin.replay import Table, replay

STATES = {2013: 18, 2015: 42, 2019: 90, 2022: 126}
"""Year to the month, since January 2012, in whose state the price is moved: the middle of the year."""
ADVERTISED = {2013: 17, 2015: 41, 2017: 65, 2019: 89, 2021: 113, 2024: 149}
"""Year to the month, since January 2012, at whose end the elasticity to advertising is read: June."""
STEP = 0.01
"""Share by which the price is moved up, and down."""
SPANS = (1, 6, 12)
"""Months of demand that are summed."""


def advertising_elasticities(best: Table, last_year: int) -> dict[int, float]:
    """Elasticity of the firm's offer at home to its advertising, by year: of replay `best`, shape (1, months)."""
    return {year: float(best["advertising"][0, month]) for year, month in ADVERTISED.items() if year <= last_year}


def brand_elasticities(figures: Figures, calibration: Calibration, last_year: int) -> dict[int, dict[int, float]]:
    """All-in elasticity of phones wanted to the firm's own price: span in months to year to elasticity.

    History is replayed twice, with the price one percent higher and one percent lower from the middle of a
    year on; the elasticity is the difference of ln demand over that of ln price. Only years whose spans are over by
    the end of `last_year` are looked at; none are where there is no such year.
    """
    ended = 12 * (last_year - FIRST_YEAR + 1)
    states = {year: month for year, month in STATES.items() if month + max(SPANS) <= ended}
    if not states:
        return {}
    months = max(states.values()) + max(SPANS)
    history = drivers(figures, months, Parameters().brand_decay)
    rows = np.stack([history] * (2 * len(states)))
    for k, start in enumerate(states.values()):
        for side, factor in enumerate((1.0 + STEP, 1.0 - STEP)):
            markup = rows["markup"][2 * k + side, start:]
            markup[:] = (1.0 + markup) * factor - 1.0
    economy, dearer = economies(np.repeat(calibration.z[None], len(rows), axis=0))
    economy["markup_speed"] = 1.0
    wanted = replay(economy, dearer, rows)["wanted"]
    step = np.log((1.0 + STEP) / (1.0 - STEP))
    result: dict[int, dict[int, float]] = {}
    for span in SPANS:
        result[span] = {}
        for k, (year, start) in enumerate(states.items()):
            dearer_sales, cheaper_sales = wanted[2 * k : 2 * k + 2, start : start + span].sum(axis=1)
            result[span][year] = float(np.log(dearer_sales / cheaper_sales) / step)
    return result
