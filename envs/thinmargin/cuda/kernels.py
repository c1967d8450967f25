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

from thinmargin.cuda.devices import MOST_HIDDEN
from thinmargin.economics.start import begin
from thinmargin.generators import below
from thinmargin.observation import observe
from thinmargin.parameters import ECONOMY
from thinmargin.records import FLOWS, REPORT, SHOCKS, STATE
from thinmargin.shocks import calm, draw_source, month_shocks, services_so_far, shocks_of_last_month
from thinmargin.simulation import CLOSED, close_month, closing_value, first_report, reward_of, run_month
from thinmargin.sources import SOURCE
from thinmargin.worlds import hide_constants

SETTINGS: Any = numba.config
IS_SIMULATED = bool(SETTINGS.ENABLE_CUDASIM)
"""Whether numba's simulator stands in for a GPU."""


class Layout(NamedTuple):
    """How tables lie in memory: functions that kernels call."""

    view_of: Callable[[np.dtype[Any]], Any]
    """Of a record type: `at(table, firm)`, which the equations take for a record."""
    column: Any
    """`column(table, firm)`: its numbers as an array of one dimension."""
    copy: Any
    """`copy(target, place, source, firm)`: all numbers of a firm."""
    clear: Any
    """`clear(table, firm)`: zeros."""


class Kernels(NamedTuple):
    """What is launched on a grid of threads, `kernel[blocks, threads](...)`."""

    month: Any
    close: Any
    start: Any
    price: Any


def build(layout: Layout) -> Kernels:
    """The kernels for tables in this layout."""
    return Kernels(*(cuda.jit(make(layout)) for make in (_month, _close, _start, _price)))


def _month(layout: Layout) -> Callable[..., None]:
    """One month of every firm."""
    state_of, economy_of, source_of, flows_of, shocks_of, report_of = (
        layout.view_of(kind) for kind in (STATE, ECONOMY, SOURCE, FLOWS, SHOCKS, REPORT)
    )
    column = layout.column

    def month(
        actions: Any, states: Any, economies: Any, sources: Any, flows: Any, shocks: Any, reports: Any,
        observations: Any, rewards: Any, ends: Any, horizon: float, rule: int, shaped: bool,
    ) -> None:  # fmt: skip
        thread = cuda.grid(1)
        for e in range(thread, ends.shape[0], cuda.gridsize(1)):
            state, p, report = state_of(states, e), economy_of(economies, e), report_of(reports, e)
            source, shock = source_of(sources, e), shocks_of(shocks, thread)
            services_before = services_so_far(state, source)
            month_shocks(state, p, source, shock)
            flow = flows_of(flows, thread)
            ends[e] = run_month(state, p, shock, services_before, actions[e], horizon, rule, shaped, flow, report)
            rewards[e] = reward_of(report)
            observe(state, p, shock.component, report, horizon, column(observations, e))

    return month


def _close(layout: Layout) -> Callable[..., None]:
    """The closing value of every firm whose months are over."""
    state_of, economy_of, source_of, flows_of, shocks_of, report_of = (
        layout.view_of(kind) for kind in (STATE, ECONOMY, SOURCE, FLOWS, SHOCKS, REPORT)
    )
    copy = layout.copy

    def close(
        states: Any, economies: Any, sources: Any, flows: Any, shocks: Any, shocks_off: Any, spare_states: Any,
        reports: Any, rewards: Any, ends: Any, rule: int,
    ) -> None:  # fmt: skip
        thread = cuda.grid(1)
        for e in range(thread, ends.shape[0], cuda.gridsize(1)):
            if ends[e] == CLOSED:
                copy(spare_states, thread, states, e)
                state, p, report = state_of(spare_states, thread), economy_of(economies, e), report_of(reports, e)
                shock, shock_off = shocks_of(shocks, thread), shocks_of(shocks_off, thread)
                shocks_of_last_month(state, p, source_of(sources, e), shock)
                close_month(state, p, shock, flows_of(flows, thread), shock_off, rule, report)
                rewards[e] = reward_of(report)

    return close


def _start(layout: Layout) -> Callable[..., None]:
    """The beginning in a new world of every firm that is chosen."""
    state_of, economy_of, source_of, flows_of, report_of = (
        layout.view_of(kind) for kind in (STATE, ECONOMY, SOURCE, FLOWS, REPORT)
    )
    column, copy, clear = layout.column, layout.copy, layout.clear

    def start(
        chosen: Any, drawn: Any, keys: Any, generators: Any, first: int, count: Any, base: Any, columns: Any,
        rules: Any, weights: Any, spans: Any, source: Any, states: Any, economies: Any, sources: Any, flows: Any,
        reports: Any, observations: Any, horizon: float,
    ) -> None:  # fmt: skip
        thread = cuda.grid(1)
        moves = cuda.local.array(MOST_HIDDEN, np.float64)
        for e in range(thread, keys.shape[0], cuda.gridsize(1)):
            if chosen[e]:
                if drawn[e]:
                    keys[e] = first + np.int64(below(column(generators, e), count))
                hide_constants(keys[e], base, columns, rules, weights, spans, moves, column(economies, e))
                copy(sources, e, source, 0)
                state, p, report = state_of(states, e), economy_of(economies, e), report_of(reports, e)
                draw_source(keys[e], source_of(sources, e))
                clear(states, e)
                clear(reports, e)
                clear(flows, thread)
                begin(state, p)
                calm(state)
                first_report(state, p, flows_of(flows, thread), report)
                observe(state, p, 0.0, report, horizon, column(observations, e))

    return start


def _price(layout: Layout) -> Callable[..., None]:
    """The worth of every firm as it stands."""
    state_of, economy_of, source_of, flows_of, shocks_of = (
        layout.view_of(kind) for kind in (STATE, ECONOMY, SOURCE, FLOWS, SHOCKS)
    )
    copy = layout.copy

    def price(
        states: Any, economies: Any, sources: Any, flows: Any, shocks: Any, shocks_off: Any, spare_states: Any,
        values: Any, rule: int,
    ) -> None:  # fmt: skip
        thread = cuda.grid(1)
        for e in range(thread, values.shape[0], cuda.gridsize(1)):
            copy(spare_states, thread, states, e)
            state, p, shock = state_of(spare_states, thread), economy_of(economies, e), shocks_of(shocks, thread)
            flow, shock_off = flows_of(flows, thread), shocks_of(shocks_off, thread)
            shocks_of_last_month(state, p, source_of(sources, e), shock)
            values[e] = closing_value(state, p, shock, flow, shock_off, rule)

    return price


def _copy(target: Any, place: int, source: Any, firm: int) -> None:
    for k in range(target.shape[0]):
        target[k, place] = source[k, firm]


def _clear(table: Any, firm: int) -> None:
    for k in range(table.shape[0]):
        table[k, firm] = 0.0


def on_device(function: Callable[..., Any]) -> Any:
    """A function that kernels call."""
    return cuda.jit(device=True)(function)


def columns_layout() -> Layout:
    """A row a number, a column a firm: neighbouring threads read neighbouring addresses."""
    if IS_SIMULATED:
        from thinmargin.cuda import columns  # noqa: PLC0415  # plain Python, as the simulator runs it

        return Layout(columns.view_in_python, columns.column_in_python, _copy, _clear)
    from thinmargin.cuda import compiled_columns  # noqa: PLC0415  # numba-cuda's own types

    views = compiled_columns.view_compiled, compiled_columns.column_compiled
    return Layout(*views, on_device(_copy), on_device(_clear))


KERNELS = build(columns_layout())
