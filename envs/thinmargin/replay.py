"""History replayed: the model driven, month by month, by what one firm was reported to have done."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from thinmargin.economics.compiled import Record, entry_point, mechanism, source_digest
from thinmargin.economics.cost_and_price import CHEAPEST, markup_step
from thinmargin.economics.finance import income_tax
from thinmargin.economics.marketing import advertising_elasticity, voice
from thinmargin.economics.month import size_markets
from thinmargin.economics.start import begin
from thinmargin.records import (
    ACCESSORIES,
    FIRMS,
    FLOWS,
    HOME,
    MARKETING,
    PRICE,
    REGION,
    REGIONS,
    SEAT,
    SHOCKS,
    STATE,
    UPDATES,
    Quantity,
    record_type,
)
from thinmargin.simulation import lasting_shocks, play_month

Numbers = npt.NDArray[np.float64]
Table = npt.NDArray[Any]

NO_LIMIT = 1e7
"""RMB m that investors lend in a replay: the firm did live."""
DEAREST = 4.0
"""Components at most, over normal: what no history needs, so that invented figures give numbers too."""

DRIVER_FIELDS = (
    Quantity("markup", "share", "target markup over normal cost, from the reported gross margins of phones"),
    Quantity("margin", "share", "list price over unit cost, less one, that the reported gross margin implies"),
    Quantity("selling", "share of revenue", "selling and marketing, as reported"),
    Quantity("ventures", "ventures/month", "start-ups funded"),
    Quantity("updates", "releases/month", "software releases"),
    Quantity("market", "m units", "phones sold by all firms; 0 = what the model says", REGION),
    Quantity("slump", "share", "of the brand's drop of 2016 that is still felt"),
    Quantity("flagships", "share", "how far the range is flagships alone: before the cheap line of August 2013"),
)
DRIVERS = record_type(DRIVER_FIELDS)
"""Drivers of one month of history."""

TRACKED_FIELDS = (
    Quantity("sales", "m units", "phones sold"),
    Quantity("sales_overseas", "m units", "phones sold overseas"),
    Quantity("device_revenue", "RMB m", "phones"),
    Quantity("accessory_revenue", "RMB m", "accessories"),
    Quantity("services_revenue", "RMB m", "services"),
    Quantity("revenue", "RMB m", "all lines"),
    Quantity("revenue_overseas", "RMB m", "earned overseas, all lines"),
    Quantity("accessory_profit", "RMB m", "gross profit on accessories"),
    Quantity("services_profit", "RMB m", "gross profit on services"),
    Quantity("gross_profit", "RMB m", "all lines"),
    Quantity("active_users", "m users", "owners and second users, end of month"),
    Quantity("earned", "RMB m", "profit after tax, before start-up tickets and interest"),
    Quantity("due_home", "m users", "own owners at home in the market"),
    Quantity("again_home", "m users", "of them, who bought again"),
    Quantity("market_home", "m units", "phones sold by all firms at home"),
    Quantity("surprise", "log", "market reported over market expected", REGION),
    Quantity("wanted", "m units", "phones wanted from the firm"),
    Quantity("price", "RMB", "list price"),
    Quantity("price_ratio", "factor", "list price over unit cost at the normal price of components"),
    Quantity("advertising", "1", "elasticity of the offer's weight at home to advertising, end of month"),
)
TRACKED = record_type(TRACKED_FIELDS)
"""The seat and its market in one month of one replay."""


@mechanism
def drive(state: Record, p: Record, driver: Record, shock: Record, flows: Record) -> None:
    """The levers and the markets of a month as reported.

    Selling is a share of revenue without the spending floor, start-ups are a number, and markets get the
    demand shock that makes them as large as reported. Where the reported margin is not that of the markup reached,
    components were dearer or cheaper than normal, for every firm: at least `CHEAPEST`, at most `DEAREST` times normal,
    as no component can make a margin that leaves less of the cost than prices follow at once.

    Formula:
        dear = (markup' - margin + (1 - pass_through) * passed) / (1 + margin - pass_through)
    """
    base = state.trailing_revenue[SEAT]
    budget = base + p.spending_floor
    flows.lever[SEAT, PRICE] = driver.markup
    flows.lever[SEAT, ACCESSORIES] = driver.ventures * p.ticket / budget
    flows.lever[SEAT, MARKETING] = driver.selling * base / budget
    flows.lever[SEAT, UPDATES] = driver.updates
    shock.services = 1.0
    shock.attack = 0.0
    shock.clone = 0.0
    lasting_shocks(shock, shock)
    room = 1.0 + driver.margin - p.pass_through
    reached = markup_step(state.markup[SEAT], driver.markup, p.markup_speed)
    dear = (reached - driver.margin + (1.0 - p.pass_through) * state.passed) / room if room > 0.0 else DEAREST
    shock.component = math.log(min(max(1.0 + dear, CHEAPEST), DEAREST))
    shock.brand[SEAT] = -p.brand_drop * driver.slump
    size_markets(state, p, shock, flows)
    for r in range(REGIONS):
        if driver.market[r] > 0.0:
            shock.demand[r] = math.log(driver.market[r] / flows.market[r])


@mechanism
def track(state: Record, p: Record, shock: Record, flows: Record, dearer: float, tracked: Record) -> None:
    """Write the tracked quantities of the month; `dearer` is the price of the range sold over that of the usual mix.

    A range of flagships alone costs and sells dearer by the same factor, and is worth it to buyers: prices
    and revenue are scaled, demand is not. Reports carry stakes in start-ups as assets, and owners funded the firm:
    tickets and interest are left out of profit, and what the dearer range earned is in it.

    Formula:
        untaxed = operating_profit + tickets + device_profit * (dearer - 1)
        earned = untaxed - tax_rate * max(untaxed, 0)
    """
    devices = flows.device_revenue[SEAT]
    more = devices * (dearer - 1.0)
    tracked.sales = flows.sales[SEAT]
    tracked.sales_overseas = flows.sales_overseas[SEAT]
    tracked.device_revenue = devices + more
    tracked.accessory_revenue = flows.accessory_revenue[SEAT]
    tracked.services_revenue = flows.services_revenue[SEAT]
    tracked.revenue = flows.revenue[SEAT] + more
    abroad = (
        flows.sales_overseas[SEAT] / flows.sales[SEAT] if flows.sales[SEAT] > 0.0 else 0.0
    )  # before the ranges part
    tracked.revenue_overseas = flows.revenue_overseas[SEAT] + more * abroad
    tracked.accessory_profit = flows.accessory_profit[SEAT]
    tracked.services_profit = flows.services_profit[SEAT]
    richer = flows.device_profit[SEAT] * (dearer - 1.0)
    tracked.gross_profit = flows.gross_profit[SEAT] + richer
    untaxed = flows.operating_profit[SEAT] + flows.tickets[SEAT] + richer
    tracked.earned = untaxed - income_tax(untaxed, p.tax_rate)
    tracked.due_home = flows.due[SEAT, HOME]
    tracked.again_home = flows.again[SEAT, HOME]
    tracked.active_users = 0.0
    tracked.wanted = 0.0
    for r in range(REGIONS):
        tracked.active_users += state.users[SEAT, r] + state.second_users[SEAT, r]
        tracked.wanted += flows.wanted[SEAT, r]
        tracked.surprise[r] = shock.demand[r]
    tracked.market_home = flows.market[HOME]
    tracked.price = state.price[SEAT]
    tracked.price_ratio = state.price[SEAT] / state.base_cost[SEAT]
    heard_all = 0.0
    for i in range(FIRMS):
        heard_all += voice(state.adstock[i, HOME], p.word_of_mouth, state.fans[i], state.users[i, HOME])
    heard = voice(state.adstock[SEAT, HOME], p.word_of_mouth, state.fans[SEAT], state.users[SEAT, HOME])
    tracked.advertising = advertising_elasticity(
        state.adstock[SEAT, HOME], heard, heard_all, state.reach[SEAT, HOME], p.voice_half, p.awareness_span
    )


def _entry(digest: str) -> Callable[..., None]:
    @entry_point
    def replay_rows(
        economies: Table,
        dearer: Numbers,
        drivers: Table,
        states: Table,
        flows: Table,
        blank: Table,
        shocks: Table,
        tracked: Table,
    ) -> None:
        _ = digest
        shock = shocks[0]
        for e in range(economies.shape[0]):
            flows[0] = blank[0]
            begin(states[e], economies[e])
            for t in range(tracked.shape[1]):
                driver = drivers[min(e, drivers.shape[0] - 1), t]
                drive(states[e], economies[e], driver, shock, flows[0])
                play_month(states[e], economies[e], shock, flows[0])
                track(states[e], economies[e], shock, flows[0], math.exp(dearer[e] * driver.flagships), tracked[e, t])

    return replay_rows


_REPLAY = _entry(source_digest())


def replay(economies: Table, dearer: Numbers, drivers: Table) -> Table:
    """Replay history from January 2012 in every economy, shocks other than those of `drivers` at zero.

    Args:
        economies: records of type ECONOMY, shape (rows,).
        dearer: how much dearer than the usual mix the flagships were, log, shape (rows,).
        drivers: records of type DRIVERS, shape (months,), or (rows, months) for one history a row.

    Returns:
        Records of type TRACKED, shape (rows, months).
    """
    # plain copies: a view would be compiled for anew, and a replay wipes brand constants that it inverts
    histories = np.array(np.atleast_2d(drivers), order="C")
    if len(histories) not in (1, len(economies)):
        raise ValueError(f"drivers has {len(histories)} rows: must be 1 or {len(economies)}, one an economy")
    economies = economies.copy()
    economies["credit_floor"] = NO_LIMIT
    tracked = np.zeros((len(economies), histories.shape[1]), TRACKED)
    states = np.zeros(len(economies), STATE)
    flows, blank, shocks = np.zeros(1, FLOWS), np.zeros(1, FLOWS), np.zeros(1, SHOCKS)
    _REPLAY(economies, np.array(dearer, np.float64, order="C"), histories, states, flows, blank, shocks, tracked)
    return tracked
