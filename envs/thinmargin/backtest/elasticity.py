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

    History is replayed twice, with the price one percent higher and one percent lower from the middle of a year on and
    components as dear as they were. What is made less teaches less, so cost and price end more than that apart. The
    elasticity is that of all phones wanted to the mean of ln price. Only years whose spans are over by the end of
    `last_year` are looked at; none are where there is no such year.

    Formula:
        elasticity = ln(wanted_dearer / wanted_cheaper) / mean of ln(price_dearer / price_cheaper)
    """
    ended = 12 * (last_year - FIRST_YEAR + 1)
    states = {year: month for year, month in STATES.items() if month + max(SPANS) <= ended}
    if not states:
        return {}
    history = drivers(figures, ended, Parameters().brand_decay)
    economy, dearer = economies(np.repeat(calibration.z[None], 2 * len(states), axis=0))
    economy["markup_speed"] = 1.0
    as_it_was = replay(economy[:1], dearer[:1], history)[0]
    starts = list(states.values())
    rows = np.stack([repriced(history, as_it_was, start, side * STEP) for start in starts for side in (1.0, -1.0)])
    played = replay(economy, dearer, rows)
    result: dict[int, dict[int, float]] = {}
    for span in SPANS:
        result[span] = {}
        for k, (year, start) in enumerate(states.items()):
            dear, cheap = played[2 * k : 2 * k + 2, start : start + span]
            apart = np.log(dear["price"] / cheap["price"]).mean()
            result[span][year] = float(np.log(dear["wanted"].sum() / cheap["wanted"].sum()) / apart)
    return result


def repriced(history: Table, as_it_was: Table, start: int, share: float) -> Table:
    """History with the firm's price higher by a share from a month on, and components as dear as they were.

    A replay tells the price of components from the reported margin and the markup, so both are moved: then it
    finds the same components, for the firm and its rivals.

    Args:
        history: records of type DRIVERS, shape (months,).
        as_it_was: records of type TRACKED of its replay with markups that move at once, shape (months,).
        start: first month with the other price.
        share: by which the price is higher.

    Formula:
        markup' = markup + share * price_ratio
        margin' = (1 + margin) * (1 + share) - 1
    """
    moved = history.copy()
    moved["markup"][start:] += share * as_it_was["price_ratio"][start:]
    moved["margin"][start:] = (1.0 + history["margin"][start:]) * (1.0 + share) - 1.0
    return moved
