"""Response of the firm's sales to its price when all else responds too: owners, word of mouth, capacity, rivals."""

from __future__ import annotations

import numpy as np

from thinmargin.calibration.saved import Calibration
from thinmargin.calibration.unknowns import economies
from thinmargin.data import Figures
from thinmargin.history import drivers
from thinmargin.parameters import Parameters
from thinmargin.replay import replay

STATES = {2013: 18, 2015: 42, 2019: 90}
"""Year to the month, since January 2012, in whose state the price is moved: the middle of the year."""
STEP = 0.01
"""Share by which the price is moved up, and down."""
SPANS = (1, 6, 12)
"""Months of demand that are summed."""


def brand_elasticities(figures: Figures, calibration: Calibration) -> dict[int, dict[int, float]]:
    """All-in elasticity of phones wanted to the firm's own price: span in months to year to elasticity.

    History is replayed twice, with the price one percent higher and one percent lower from the middle of a
    year on; the elasticity is the difference of ln demand over that of ln price.
    """
    months = max(STATES.values()) + max(SPANS)
    history = drivers(figures, months, Parameters().brand_decay)
    rows = np.stack([history] * (2 * len(STATES)))
    for k, start in enumerate(STATES.values()):
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
        for k, (year, start) in enumerate(STATES.items()):
            dearer_sales, cheaper_sales = wanted[2 * k : 2 * k + 2, start : start + span].sum(axis=1)
            result[span][year] = float(np.log(dearer_sales / cheaper_sales) / step)
    return result
