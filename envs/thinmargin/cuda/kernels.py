"""What a GPU runs, one thread a firm: a month, a closing value, the beginning in a new world.

Shells, as in `thinmargin.simulation`: every equation is the function that the CPU runs. A thread runs firms a whole
grid apart, and what it reckons with (flows, shocks, a spare state) has a column a thread, not a firm.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numba
import numpy as np
from numba import cuda

from thinmargin.economics.start import begin
from thinmargin.generators import below
from thinmargin.observation import observe
from thinmargin.parameters import ECONOMY
from thinmargin.records import FLOWS, REPORT, SHOCKS, STATE
from thinmargin.shocks import calm, draw_source, month_shocks, services_so_far, shocks_of_last_month
from thinmargin.simulation import CLOSED, close_month, closing_value, first_report, run_month
from thinmargin.sources import SOURCE
from thinmargin.worlds import hide_constants

SETTINGS: Any = numba.config
IS_SIMULATED = bool(SETTINGS.ENABLE_CUDASIM)
"""Whether numba's simulator stands in for a GPU."""
MOST_HIDDEN = 128
"""Most hidden constants of a family."""
THREADS_A_BLOCK = 128

if IS_SIMULATED:
    from thinmargin.cuda.columns import column_in_python as column
    from thinmargin.cuda.columns import view_in_python as view_of
else:
    from thinmargin.cuda.compiled_columns import column_compiled as column
    from thinmargin.cuda.compiled_columns import view_compiled as view_of

state_of, economy_of, source_of = view_of(STATE), view_of(ECONOMY), view_of(SOURCE)
flows_of, shocks_of, report_of = view_of(FLOWS), view_of(SHOCKS), view_of(REPORT)


class Kernels(NamedTuple):
    """What is launched on a grid of threads, `kernel[blocks, threads](...)`."""

    month: Any
    close: Any
    start: Any
    price: Any


def _month(
    actions: Any, states: Any, economies: Any, sources: Any, flows: Any, shocks: Any, reports: Any, observations: Any,
    rewards: Any, ends: Any, horizon: float, rule: int, shaped: bool,
) -> None:  # fmt: skip
    thread = cuda.grid(1)
    for e in range(thread, ends.shape[0], cuda.gridsize(1)):
        state, p, report = state_of(states, e), economy_of(economies, e), report_of(reports, e)
        source, shock = source_of(sources, e), shocks_of(shocks, thread)
        services_before = services_so_far(state, source)
        month_shocks(state, p, source, shock)
        flow = flows_of(flows, thread)
        ends[e] = run_month(state, p, shock, services_before, actions[e], horizon, rule, shaped, flow, report)
        rewards[e] = report.profit_term + report.closing_term + report.shaping_term
        observe(state, p, shock.component, report, horizon, column(observations, e))


def _close(
    states: Any, economies: Any, sources: Any, flows: Any, shocks: Any, shocks_off: Any, spare_states: Any,
    reports: Any, rewards: Any, ends: Any, rule: int,
) -> None:  # fmt: skip
    thread = cuda.grid(1)
    for e in range(thread, ends.shape[0], cuda.gridsize(1)):
        if ends[e] == CLOSED:
            for k in range(states.shape[0]):
                spare_states[k, thread] = states[k, e]
            state, p, report = state_of(spare_states, thread), economy_of(economies, e), report_of(reports, e)
            shock = shocks_of(shocks, thread)
            shocks_of_last_month(state, p, source_of(sources, e), shock)
            close_month(state, p, shock, flows_of(flows, thread), shocks_of(shocks_off, thread), rule, report)
            rewards[e] = report.profit_term + report.closing_term + report.shaping_term


def _start(
    chosen: Any, drawn: Any, keys: Any, generators: Any, first: int, count: Any, base: Any, columns: Any, rules: Any,
    weights: Any, spans: Any, source: Any, states: Any, economies: Any, sources: Any, flows: Any, reports: Any,
    observations: Any, horizon: float,
) -> None:  # fmt: skip
    thread = cuda.grid(1)
    moves = cuda.local.array(MOST_HIDDEN, np.float64)
    for e in range(thread, keys.shape[0], cuda.gridsize(1)):
        if chosen[e]:
            if drawn[e]:
                keys[e] = first + np.int64(below(column(generators, e), count))
            hide_constants(keys[e], base, columns, rules, weights, spans, moves, column(economies, e))
            for k in range(sources.shape[0]):
                sources[k, e] = source[k]
            state, p, report = state_of(states, e), economy_of(economies, e), report_of(reports, e)
            draw_source(keys[e], source_of(sources, e))
            for k in range(states.shape[0]):
                states[k, e] = 0.0
            for k in range(reports.shape[0]):
                reports[k, e] = 0.0
            for k in range(flows.shape[0]):
                flows[k, thread] = 0.0
            begin(state, p)
            calm(state)
            first_report(state, p, flows_of(flows, thread), report)
            observe(state, p, 0.0, report, horizon, column(observations, e))


def _price(
    states: Any, economies: Any, sources: Any, flows: Any, shocks: Any, shocks_off: Any, spare_states: Any,
    values: Any, rule: int,
) -> None:  # fmt: skip
    thread = cuda.grid(1)
    for e in range(thread, values.shape[0], cuda.gridsize(1)):
        for k in range(states.shape[0]):
            spare_states[k, thread] = states[k, e]
        state, p, shock = state_of(spare_states, thread), economy_of(economies, e), shocks_of(shocks, thread)
        flow, shock_off = flows_of(flows, thread), shocks_of(shocks_off, thread)
        shocks_of_last_month(state, p, source_of(sources, e), shock)
        values[e] = closing_value(state, p, shock, flow, shock_off, rule)


def _compiled(function: Callable[..., None]) -> Any:
    return cuda.jit(function)


KERNELS = Kernels(_compiled(_month), _compiled(_close), _compiled(_start), _compiled(_price))
