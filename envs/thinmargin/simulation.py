"""One month of one world, and the compiled batches that Python calls.

Scalar and vector environments, planners and tests all step through `KERNELS`: records in, records
out, nothing allocated; what is random is a function of the world's key and the month.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from thinmargin.economics.compiled import Record, entry_point, mechanism, source_digest
from thinmargin.economics.demand import adopters, replacement_rate
from thinmargin.economics.finance import credit_line, monthly_discount, research, run_off_value
from thinmargin.economics.month import advance, own_mean
from thinmargin.economics.start import begin
from thinmargin.levers import read_levers
from thinmargin.observation import observe
from thinmargin.parameters import CLOSING_BOOK, ECONOMY
from thinmargin.records import (
    ACCESSORIES,
    FIRMS,
    FLOWS,
    HOME,
    MARKETING,
    MONEY_SCALE,
    OVERSEAS,
    PRICE,
    REGIONS,
    REPORT,
    SEAT,
    SHOCKS,
    STATE,
    UPDATES,
)
from thinmargin.shocks import calm, month_shocks, services_so_far, shocks_of_last_month
from thinmargin.sources import SOURCE
from thinmargin.strategies import play, play_rivals
from thinmargin.waiting import Announcer

CLOSING_MONTHS = 60
"""Months run behind the horizon to price what the firm is worth."""
CLOSING_RULES = ("none", "playbook", "own_levers")
"""What is played behind the horizon: nothing, the fixed closing playbook, or the mean of the firm's own last year."""
NO_CLOSING, PLAYBOOK, OWN_LEVERS = range(3)
FLOWS_END = FLOWS.itemsize // 8
STATE_END = FLOWS_END + STATE.itemsize // 8
SCRATCH = STATE_END + 2 * SHOCKS.itemsize // 8
"""Numbers of the scratch of a month: its flows, a spare state, its shocks and those behind the horizon."""
LAYOUTS = (STATE, ECONOMY, SOURCE, SHOCKS, FLOWS, REPORT)
"""Record types that compiled batches view numbers as."""
RUNNING, BANKRUPT, CLOSED = 0, 1, 2
"""Outcome of a month."""

Levers = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.float64]
Table = npt.NDArray[Any]


@mechanism
def play_month(state: Record, p: Record, shock: Record, flows: Record) -> None:
    """The rivals choose, then the month runs; the seat's levers are in `flows.lever` already."""
    play_rivals(state, p, shock, flows)
    advance(state, p, shock, flows)


@mechanism
def is_bankrupt(state: Record, flows: Record) -> bool:
    """Cash below the credit line: investors stop.

    Formula:
        bankrupt = cash' < -credit_line
    """
    return bool(state.cash[SEAT] < -flows.credit_line[SEAT])


@mechanism
def lasting_shocks(shock: Record, shocks_off: Record) -> None:
    """Shocks behind the horizon: none, but a changed law, a price war without end or a new competitor stays.

    An ordinary price war, one without attack, ends there.
    """
    shocks_off.component = 0.0
    shocks_off.aggression = shock.aggression if shock.attack > 0.0 else 1.0
    shocks_off.services = shock.services
    shocks_off.attack = shock.attack
    shocks_off.clone = shock.clone
    shocks_off.hit = 1.0
    for r in range(REGIONS):
        shocks_off.demand[r] = 0.0
    for i in range(FIRMS):
        shocks_off.brand[i] = 0.0
        shocks_off.supply[i] = 1.0


@mechanism
def closing_value(state: Record, p: Record, shock: Record, flows: Record, shocks_off: Record, rule: int) -> float:
    """Worth of the seat's firm, RMB m, in the month just run; `state` and `flows` are used up.

    Formula:
        closing = max(sum over months 1 to CLOSING_MONTHS of discount^month * to_owners
                      + discount^CLOSING_MONTHS * run_off, 0)

    Discounted profit, less what is paid for stock, of 60 further months without shocks, under the mean of the levers
    that the firm applied in its last twelve months or under the fixed closing playbook, plus the run-off value of the
    users then left; never negative (limited liability).
    """
    if rule == NO_CLOSING:
        return 0.0
    lasting_shocks(shock, shocks_off)
    price, accessories = own_mean(state, PRICE), own_mean(state, ACCESSORIES)
    marketing, updates = own_mean(state, MARKETING), own_mean(state, UPDATES)
    factor = monthly_discount(p.discount_rate)
    discount = factor
    value = 0.0
    for _ in range(CLOSING_MONTHS):
        if rule == PLAYBOOK:
            play(p, CLOSING_BOOK, state.month, state.markup[SEAT], 0.0, 0.0, 1.0, 0.0, flows.lever[SEAT])
        else:
            flows.lever[SEAT, PRICE] = price
            flows.lever[SEAT, ACCESSORIES] = accessories
            flows.lever[SEAT, MARKETING] = marketing
            flows.lever[SEAT, UPDATES] = updates
        play_month(state, p, shocks_off, flows)
        value += discount * flows.to_owners[SEAT]
        discount *= factor
    return max(value + discount / factor * run_off_value(state, p, SEAT, shocks_off.services), 0.0)


@mechanism
def write_report(state: Record, p: Record, flows: Record, report: Record) -> None:
    """The seat's profit-and-loss statement, balance and market report of the month just run.

    Formula:
        royalties = royalty * device_revenue
        hardware = (device_profit - (researched + admin_share) * device_revenue) * (1 - tax_rate)
        hardware_net_margin = hardware / device_revenue if device_revenue > 0 else 0
    """
    report.month = state.month
    report.applied_price = state.markup[SEAT]
    report.applied_accessories = flows.lever[SEAT, ACCESSORIES]
    report.applied_marketing = flows.lever[SEAT, MARKETING]
    report.applied_updates = flows.lever[SEAT, UPDATES]
    report.device_revenue = flows.device_revenue[SEAT]
    report.accessory_revenue = flows.accessory_revenue[SEAT]
    report.services_revenue = flows.services_revenue[SEAT]
    report.revenue = flows.revenue[SEAT]
    report.revenue_overseas = flows.revenue_overseas[SEAT]
    report.device_profit = flows.device_profit[SEAT]
    report.accessory_profit = flows.accessory_profit[SEAT]
    report.services_profit = flows.services_profit[SEAT]
    report.gross_profit = flows.gross_profit[SEAT]
    report.marketing = flows.marketing[SEAT]
    report.tickets = flows.tickets[SEAT]
    report.releases = flows.releases[SEAT]
    report.overhead = flows.overhead[SEAT]
    report.holding = flows.holding[SEAT]
    report.operating_profit = flows.operating_profit[SEAT]
    report.interest = flows.interest[SEAT]
    report.tax = flows.tax[SEAT]
    report.profit = flows.profit[SEAT]
    report.stock = flows.stock[SEAT]
    report.royalties = p.royalty * flows.device_revenue[SEAT]
    overhead = (research(max(state.month - 1.0, 0.0), p) + p.admin_share) * flows.device_revenue[SEAT]
    hardware = (flows.device_profit[SEAT] - overhead) * (1.0 - p.tax_rate)
    report.hardware_net_margin = hardware / max(flows.device_revenue[SEAT], 1e-9)
    report.cash = state.cash[SEAT]
    report.credit_line = flows.credit_line[SEAT]
    write_market(state, flows, report)
    report.bankrupt = 1.0 if is_bankrupt(state, flows) else 0.0


@mechanism
def write_market(state: Record, flows: Record, report: Record) -> None:
    """Users, loyalty, channels, ventures, supply and the market in the seat's report."""
    report.users_home = state.users[SEAT, HOME]
    report.users_overseas = state.users[SEAT, OVERSEAS]
    report.active_users = report.users_home + report.users_overseas
    for r in range(REGIONS):
        report.active_users += state.second_users[SEAT, r]
    report.fans = state.fans[SEAT]
    report.engagement = state.engagement[SEAT]
    report.coverage_home = state.coverage[SEAT, HOME]
    report.coverage_overseas = state.coverage[SEAT, OVERSEAS]
    report.breadth = state.breadth[SEAT]
    report.pipeline = state.seeded[SEAT] + state.growing[SEAT]
    report.inventory = state.inventory[SEAT]
    report.capacity = state.capacity[SEAT]
    report.price = state.price[SEAT]
    report.unit_cost = state.unit_cost[SEAT]
    share = 0.0
    price = 0.0
    for i in range(FIRMS):
        if i != SEAT:
            share += flows.share[i, HOME]
            price += flows.share[i, HOME] * state.price[i]
    report.rival_price = price / share
    report.sales = flows.sales[SEAT]
    report.sales_overseas = flows.sales_overseas[SEAT]
    report.wanted = flows.wanted[SEAT, HOME] + flows.wanted[SEAT, OVERSEAS]
    report.fill_rate = flows.fill_rate[SEAT]
    report.share_home = flows.wanted[SEAT, HOME] / flows.market[HOME]
    report.share_overseas = flows.wanted[SEAT, OVERSEAS] / flows.market[OVERSEAS]
    report.market_home = flows.market[HOME]
    report.market_overseas = flows.market[OVERSEAS]
    report.retention = flows.retained[SEAT]


@mechanism
def first_report(state: Record, p: Record, flows: Record, report: Record) -> None:
    """Report before the first month: prices, users and cash; no sales yet."""
    for i in range(FIRMS):
        flows.fill_rate[i] = 1.0
        users = state.users[i, HOME] + state.users[i, OVERSEAS]
        flows.credit_line[i] = credit_line(users, p.credit_floor, p.credit_per_user)
        for r in range(REGIONS):
            flows.share[i, r] = p.firm_start_share[i, r]
    for r in range(REGIONS):
        first = adopters(p.base_start[r], p.users_ceiling[r], p.adoption_innovation, p.adoption_imitation[r], 1.0)
        flows.market[r] = first + replacement_rate(0.0, p.device_life, p.device_life_growth) * p.base_start[r]
    write_report(state, p, flows, report)


@mechanism
def run_month(
    state: Record,
    p: Record,
    shock: Record,
    services_before: float,
    action: Levers,
    horizon: float,
    rule: int,
    shaped: bool,
    flows: Record,
    report: Record,
) -> int:
    """Play one action in one world; the reward's three terms are in `report`, but for the closing value.

    The potential of the shaped reward is the run-off value under the law on services of the month that led to a state:
    `services_before` is what it left in the month before this one. So it depends on what has been seen alone.
    Returns how the month ended; where it closed, `close_month` on a copy of the state writes the closing term.
    """
    lever = flows.lever[SEAT]
    read_levers(action, lever)
    report.asked_price = lever[PRICE]
    report.asked_accessories = lever[ACCESSORIES]
    report.asked_marketing = lever[MARKETING]
    report.asked_updates = lever[UPDATES]
    before = run_off_value(state, p, SEAT, services_before) if shaped else 0.0
    play_month(state, p, shock, flows)
    write_report(state, p, flows, report)
    report.profit_term = flows.to_owners[SEAT] / MONEY_SCALE
    end = RUNNING
    if is_bankrupt(state, flows):
        end = BANKRUPT
    elif state.month >= horizon:
        end = CLOSED
    factor = monthly_discount(p.discount_rate) if shaped else 1.0
    after = 0.0
    if shaped and (end == RUNNING or (end == CLOSED and rule == NO_CLOSING)):
        after = run_off_value(state, p, SEAT, shock.services)
    report.closing_term = 0.0
    report.shaping_term = (factor * after - before) / MONEY_SCALE if shaped else 0.0
    return end


@mechanism
def close_month(
    state: Record, p: Record, shock: Record, flows: Record, shocks_off: Record, rule: int, report: Record
) -> None:
    """Write the closing value of the month just run; `state`, which must be a copy, and `flows` are used up."""
    report.closing_term = closing_value(state, p, shock, flows, shocks_off, rule) / MONEY_SCALE


class Kernels(NamedTuple):
    """The compiled functions that Python calls: one row an environment, `flows` a scratch of one row."""

    begin: Callable[..., None]
    step: Callable[..., None]
    play: Callable[..., None]
    read: Callable[..., None]
    close: Callable[..., None]


@mechanism
def reward_of(report: Record) -> float:
    """The reward of the month reported, RMB 10 bn: the sum of its three terms."""
    reward: float = report.profit_term + report.closing_term + report.shaping_term
    return reward


def _closing(digest: str) -> Callable[..., None]:
    """Compile what prices firms in any month, likewise."""

    @entry_point
    def close_rows(
        rows: npt.NDArray[np.int64],
        states: Table,
        economies: Table,
        sources: Table,
        tables: Table,
        flows: Table,
        rule: int,
        values: npt.NDArray[np.float64],
        spare_state: Table,
        scratch: Table,
    ) -> None:
        _ = digest
        shock, shocks_off = scratch[0], scratch[1]
        for k in range(rows.shape[0]):
            e = rows[k]
            if sources[e].tabled > 0.0:
                scratch[0] = tables[e, max(min(int(states[e].month), tables.shape[1]) - 1, 0)]
            else:
                shocks_of_last_month(states[e], economies[e], sources[e], shock)
            spare_state[0] = states[e]
            values[k] = closing_value(spare_state[0], economies[e], shock, flows[0], shocks_off, rule)

    return close_rows


def _levers(digest: str) -> tuple[Callable[..., None], Callable[..., None]]:
    """Compile what asks a playbook for levers, and what reads them from actions, likewise."""

    @entry_point
    def play_books(economies: Table, levers: Levers) -> None:
        _ = digest
        for e in range(economies.shape[0]):
            play(economies[e], SEAT, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, levers[e])

    @entry_point
    def read_rows(actions: Levers, levers: Levers) -> None:
        _ = digest
        for e in range(actions.shape[0]):
            read_levers(actions[e], levers[e])

    return play_books, read_rows


def _entry_points(digest: str) -> Kernels:
    """Compile the batches, with `digest` in their closure and so in the key of numba's disk cache."""

    @entry_point
    def begin_rows(
        rows: npt.NDArray[np.int64],
        states: Table,
        economies: Table,
        flows: Table,
        blank: Table,
        reports: Table,
        horizon: float,
        observations: npt.NDArray[np.float32],
    ) -> None:
        _ = digest
        for e in rows:
            flows[0] = blank[0]
            begin(states[e], economies[e])
            calm(states[e])
            first_report(states[e], economies[e], flows[0], reports[e])
            observe(states[e], economies[e], 0.0, reports[e], horizon, observations[e])

    @entry_point
    def step_all(
        actions: Levers,
        state_numbers: Numbers,
        economy_numbers: Numbers,
        source_numbers: Numbers,
        table_numbers: Numbers,
        scratch: Numbers,
        report_numbers: Numbers,
        horizon: float,
        rule: int,
        shaped: bool,
        observations: npt.NDArray[np.float32],
        rewards: npt.NDArray[np.float64],
        ends: npt.NDArray[np.int64],
    ) -> None:
        # Records come as the plain numbers they are made of: Python hands those over in a third of the time.
        _ = digest
        states, economies, reports = (
            state_numbers.view(STATE),
            economy_numbers.view(ECONOMY),
            report_numbers.view(REPORT),
        )
        sources, tables = source_numbers.view(SOURCE), table_numbers.view(SHOCKS)
        flows, spare_state = scratch[:FLOWS_END].view(FLOWS), scratch[FLOWS_END:STATE_END].view(STATE)
        shocks = scratch[STATE_END:].view(SHOCKS)
        shock, shocks_off = shocks[0], shocks[1]
        months = int(horizon)
        for e in range(states.shape[0]):
            if sources[e].tabled > 0.0:
                month = min(int(states[e].month), months - 1)
                services_before = tables[e * months + month - 1].services if month > 0 else 1.0
                shocks[0] = tables[e * months + month]
            else:
                services_before = services_so_far(states[e], sources[e])
                month_shocks(states[e], economies[e], sources[e], shock)
            ends[e] = run_month(
                states[e], economies[e], shock, services_before, actions[e], horizon, rule, shaped, flows[0], reports[e]
            )
            if ends[e] == CLOSED and rule != NO_CLOSING:
                spare_state[0] = states[e]
                close_month(spare_state[0], economies[e], shock, flows[0], shocks_off, rule, reports[e])
            rewards[e] = reward_of(reports[e])
            observe(states[e], economies[e], shock.component, reports[e], horizon, observations[e])

    return Kernels(begin_rows, step_all, *_levers(digest), _closing(digest))


Announcer().listen()
KERNELS = _entry_points(source_digest(*LAYOUTS))
