"""The observation of a chief executive: own books, the market report, the calendar; never the hidden world."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from thinmargin.economics.compiled import Record, mechanism
from thinmargin.economics.month import own_mean
from thinmargin.records import ACCESSORIES, FEATURES, HOME, MARKETING, OVERSEAS, PRICE, SEAT, UPDATES

FEATURE_LOW = tuple(feature.low for feature in FEATURES)
FEATURE_HIGH = tuple(feature.high for feature in FEATURES)
FEATURE_COUNT = len(FEATURES)
MARKET_SCALE = 40.0
"""Phones wanted in a month, millions, that make the market feature zero; the first month has 58."""


@mechanism
def observe(
    state: Record, p: Record, component: float, report: Record, horizon: float, out: npt.NDArray[np.float32]
) -> None:
    """Write the features, in the order of `thinmargin.records.FEATURES`, cut to their declared range.

    `component` is the shock of the month just run: component prices are public.
    """
    home, overseas = report.users_home, report.users_overseas
    users = max(home + overseas, 1e-9)
    line = max(report.credit_line, 1e-9)
    forecast = max(state.forecast[SEAT], 1e-9)
    adstock = state.adstock[SEAT, HOME] + state.adstock[SEAT, OVERSEAS]
    out[0] = state.month / horizon
    out[1] = state.month % 12.0 / 12.0
    out[2] = home / (home + 100.0)
    out[3] = overseas / (overseas + 100.0)
    out[4] = report.fans * 2.0
    out[5] = report.engagement
    out[6] = report.share_home * 4.0
    out[7] = report.share_overseas * 4.0
    out[8] = report.applied_price * 2.0
    out[9] = (report.unit_cost / p.firm_unit_cost[SEAT] - 1.0) * 2.0
    out[10] = component * 4.0
    out[11] = (report.rival_price / report.price - 1.0) * 2.0
    out[12] = (report.market_home + report.market_overseas) / MARKET_SCALE - 1.0
    out[13] = report.fill_rate
    out[14] = report.capacity / forecast - 1.0
    out[15] = report.inventory / forecast / 4.0
    out[16] = report.cash / (abs(report.cash) + 5000.0)
    headroom = (report.cash + line) / line
    out[17] = headroom / (abs(headroom) + 1.0)
    out[18] = state.trailing_revenue[SEAT] / (state.trailing_revenue[SEAT] + 5000.0)
    out[19] = report.profit / (abs(report.profit) + 1000.0)
    out[20] = 12.0 * report.services_revenue / max(report.active_users, 1e-9) / 100.0
    out[21] = 12.0 * report.accessory_revenue / users / 300.0
    out[22] = report.breadth / (report.breadth + 10.0)
    out[23] = report.pipeline / (report.pipeline + 10.0)
    out[24] = report.coverage_home
    out[25] = report.coverage_overseas
    out[26] = adstock / (adstock + 300.0)
    out[27] = report.retention
    out[28] = own_mean(state, PRICE) * 2.0
    out[29] = own_mean(state, ACCESSORIES) * 10.0
    out[30] = own_mean(state, MARKETING) / 0.3
    out[31] = own_mean(state, UPDATES) / 8.0
    for k in range(FEATURE_COUNT):
        out[k] = min(max(out[k], FEATURE_LOW[k]), FEATURE_HIGH[k])
