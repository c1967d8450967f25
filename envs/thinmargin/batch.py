"""The arrays of a number of environments, one row each, and the two things that are done to them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from thinmargin.memory import check_memory
from thinmargin.observation import FEATURE_COUNT
from thinmargin.parameters import ECONOMY
from thinmargin.record_checks import check_economies, check_observations, check_shocks, check_sources, check_states
from thinmargin.records import FLOWS, REPORT, SHOCKS, STATE
from thinmargin.shown import shown
from thinmargin.simulation import FLOWS_END, KERNELS, SCRATCH, STATE_END
from thinmargin.sources import SOURCE
from thinmargin.splits import MOST
from thinmargin.threads import Team, check_threads, parts
from thinmargin.worlds import Family, World

_BLANK_STATE = np.zeros((), STATE)
_BLANK_REPORT = np.zeros((), REPORT)
_BLANK_SOURCE = np.zeros((), SOURCE)
WHOLE = ("states", "economies", "sources", "reports", "observations")
"""The arrays of all rows that decide what comes next; `shocks` has those of the rows that have a table."""

BOUND = ("keys", "report_numbers", "flows", "last_shocks", "_step_arguments", "_spare_reports")
"""Views of the arrays, the arrays as they are handed to the compiled month, and those it may be handed next."""


def _plain(records: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Records as the plain numbers they are made of, eight bytes each, in the same memory: shape (numbers,)."""
    return records.reshape(-1).view(np.float64)


class Batch:
    """`size` environments in step: arrays of records, written in place by the compiled month.

    A row plays the world of its key, whose shocks are made month by month, or a `World` with a table of its own.

    Args:
        size: rows.
        horizon: months.
        rule: what prices the firm at the end, a number of `thinmargin.simulation`.
        shaped: whether the reward is shaped.
        num_threads: how many share the rows of a month; results are the same bit for bit.

    Attributes:
        states, reports, economies, sources: record arrays of shape (size,).
        flows: record array of shape (1,), a scratch: the flows of the last row that was run.
        last_shocks: record array of shape (2,), a scratch: the shocks of the last row that was run, and behind the
            horizon.
        shocks: record array of shape (size, horizon), the tables; of shape (0, horizon) before the first of them.
        observations: float32 of shape (size, features).
        report_numbers: the reports as plain float64 of shape (size, fields), the same memory.
        rewards: float64 of shape (size,), RMB 10 bn.
        ends: int64 of shape (size,): RUNNING, BANKRUPT or CLOSED, see `thinmargin.simulation`.
        keys: int64 of shape (size,), the world keys, in the memory of the sources.
    """

    def __init__(self, size: int, horizon: int, rule: int, shaped: bool, num_threads: int = 1) -> None:
        check_threads(num_threads)
        self._parts = parts(size, num_threads)
        self._team = Team(len(self._parts))
        self.horizon = float(horizon)
        self._rule = rule
        self._shaped = shaped
        self.states = np.zeros(size, STATE)
        self.economies = np.zeros(size, ECONOMY)
        self.sources = np.zeros(size, SOURCE)
        self.shocks = np.zeros((0, horizon), SHOCKS)
        self._scratches = [np.zeros(SCRATCH) for _ in self._parts]  # each thread has its own
        self._blank = np.zeros(1, FLOWS)
        self.reports = np.zeros(size, REPORT)
        self.observations = np.zeros((size, FEATURE_COUNT), np.float32)
        self.rewards = np.zeros(size)
        self.ends = np.zeros(size, np.int64)
        self._spare_reports = np.zeros(size, REPORT)
        self._bind()
        self._own_references = sys.getrefcount(self.reports)

    def _bind(self) -> None:
        """Gather what every step hands to the compiled month; a copy of the batch has arrays of its own."""
        self.keys = self.sources["key"]
        self.report_numbers = self.reports.view(np.float64).reshape(len(self.reports), -1)
        self.flows = self._scratches[-1][:FLOWS_END].view(FLOWS)
        self.last_shocks = self._scratches[-1][STATE_END:].view(SHOCKS)
        self._step_arguments = [
            (
                _plain(self.states[part]), _plain(self.economies[part]), _plain(self.sources[part]),
                _plain(self.shocks[part]), scratch, _plain(self.reports[part]), self.horizon, self._rule, self._shaped,
                self.observations[part], self.rewards[part], self.ends[part],
            )
            for part, scratch in zip(self._parts, self._scratches, strict=True)
        ]  # fmt: skip

    def renew_reports(self) -> None:
        """Write the next reports into another array if somebody else still holds this one, or a view of it.

        So views can be handed out: nothing is copied, and nothing that is held is overwritten. No row is carried over:
        `step`, `restore`, or `begin` with all rows, must follow.
        """
        if sys.getrefcount(self.reports) <= self._own_references:
            return
        before, self.reports = self.reports, self._spare_reports
        self._spare_reports = before
        self._bind()
        if sys.getrefcount(self.reports) > self._own_references:  # the one before is held as well
            self.reports = np.empty_like(before)
            self._bind()

    def __getstate__(self) -> dict[str, Any]:
        """Without what `_bind` makes: views and arguments would not be of the copy's own arrays."""
        return {name: item for name, item in vars(self).items() if name not in BOUND}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Arrays of a copy, bound to each other again."""
        vars(self).update(state)
        self._spare_reports = np.zeros(len(self.states), REPORT)
        self._bind()

    @staticmethod
    def bytes_a_row() -> int:
        """Memory of a row without a table of shocks, bytes."""
        records = sum(kind.itemsize for kind in (STATE, ECONOMY, SOURCE, REPORT))
        return records + FEATURE_COUNT * np.dtype(np.float32).itemsize + 2 * np.dtype(np.float64).itemsize

    @staticmethod
    def bytes_handed_out() -> int:
        """Memory of a row that is held besides while what a step handed out is, bytes."""
        return REPORT.itemsize + FEATURE_COUNT * np.dtype(np.float32).itemsize

    def check_room(self) -> None:
        """Raise MemoryError unless the tables of shocks, if there are none yet, fit into the memory there is."""
        rows, months = len(self.states), self.shocks.shape[1]
        if not len(self.shocks):
            check_memory(f"a table of {months} months for each of {rows:,} firms", rows * months * SHOCKS.itemsize)

    def put(self, row: int, world: World) -> None:
        """Make `world`, of at least the horizon's months, the world of this row; `begin` must follow."""
        self._make_room()
        self.economies[row] = world.economy
        self.sources[row] = _BLANK_SOURCE
        self.sources["key"][row], self.sources["tabled"][row] = world.key, 1.0
        self.shocks[row] = world.shocks[: self.shocks.shape[1]]

    def draw(self, rows: npt.ArrayLike, family: Family, keys: npt.ArrayLike) -> None:
        """Draw the worlds of `keys`, one a row, straight into these rows; `begin` must follow."""
        places, worlds = np.atleast_1d(rows), np.atleast_1d(keys)
        if len(self._parts) == 1 or len(places) != len(worlds):
            family.draw_into(places, worlds, self.economies, self.sources)
            return
        shared = parts(len(places), len(self._parts))
        self._team.run(
            [partial(family.draw_into, places[part], worlds[part], self.economies, self.sources) for part in shared]
        )

    def _make_room(self) -> None:
        """Allocate the tables, if there are none yet."""
        if not len(self.shocks):
            self.shocks = np.zeros((len(self.states), self.shocks.shape[1]), SHOCKS)
            self._bind()

    def begin(self, rows: npt.NDArray[np.int64]) -> None:
        """Set these rows to January 2012 of their worlds."""
        self.states[rows] = _BLANK_STATE
        self.reports[rows] = _BLANK_REPORT
        self._team.run([
            partial(
                KERNELS.begin, rows[part], self.states, self.economies, scratch[:FLOWS_END].view(FLOWS), self._blank,
                self.reports, self.horizon, self.observations,
            )
            for part, scratch in zip(parts(len(rows), len(self._parts)), self._scratches, strict=False)
        ])  # fmt: skip

    def step(self, actions: npt.NDArray[np.float64]) -> None:
        """Run one month of every row; `actions` is float64 of shape (size, 4), cut to [-1, 1]."""
        if len(self._parts) == 1:
            KERNELS.step(actions, *self._step_arguments[0])
            return
        self._team.run(
            [
                partial(KERNELS.step, actions[part], *arguments)
                for part, arguments in zip(self._parts, self._step_arguments, strict=True)
            ]
        )

    def close(self) -> None:
        """End the threads; the next step starts them anew."""
        self._team.close()

    def closing_values(self, rows: npt.NDArray[np.int64], rule: int) -> npt.NDArray[np.float64]:
        """Worth of these rows' firms, RMB m, closed now under a rule of `thinmargin.simulation`: shape (len(rows),).

        Nothing changes. A firm that went bankrupt has no closing value in its reward; what is returned for it here is
        what the rule would have made of it.
        """
        values = np.zeros(len(rows))
        KERNELS.close(
            rows, self.states, self.economies, self.sources, self.shocks, np.zeros(1, FLOWS), rule, values,
            np.zeros(1, STATE), np.zeros(2, SHOCKS),
        )  # fmt: skip
        return values

    def saved(self) -> dict[str, npt.NDArray[Any]]:
        """Copies of everything that decides what comes next; `shocks` has the tables of the rows that have one."""
        tables = self.shocks[self.sources["tabled"] > 0.0] if len(self.shocks) else self.shocks.copy()
        return {**{name: getattr(self, name).copy() for name in WHOLE}, "shocks": tables}

    def restore(self, saved: Mapping[str, Any], running: npt.ArrayLike | None = None) -> None:
        """Go back to what `saved` returned; a missing, misshapen or foreign array is a ValueError.

        Args:
            saved: arrays by name.
            running: whether each row plays on, bool of shape (size,); a row whose months are over cannot. None:
                every row that has a world.
        """
        arrays = self._checked_arrays(saved)
        sources, states = arrays["sources"], arrays["states"]
        numbers = np.ascontiguousarray(arrays["economies"]).view(np.float64).reshape(len(self.keys), -1)
        drawn: npt.NDArray[np.bool_] = (numbers != 0.0).any(axis=1)
        check_economies("state['economies']", arrays["economies"][drawn], begun=True)
        check_states("state['states']", states, drawn, self.horizon)
        check_observations("state['observations']", arrays["observations"][drawn])
        check_shocks("state['shocks']", arrays["shocks"])
        plays = drawn if running is None else np.asarray(running, np.bool_)
        self._check_running(states["month"], drawn, plays, named=running is not None)
        tabled = sources["tabled"] > 0.0
        if tabled.any():
            self.check_room()
            self._make_room()
            self.shocks[tabled] = arrays["shocks"]
        self.renew_reports()
        for name in WHOLE:
            getattr(self, name)[...] = arrays[name]

    def _checked_arrays(self, saved: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]]:
        """The arrays by name; raise ValueError unless each is there and fits, and sources are of worlds there are."""
        arrays = {}
        for name in WHOLE:
            current = getattr(self, name)
            arrays[name] = _checked_array(name, saved.get(name), current.shape, current.dtype)
        sources = arrays["sources"]
        check_sources("state['sources']", sources)
        tables = int((sources["tabled"] > 0.0).sum())
        arrays["shocks"] = _checked_array("shocks", saved.get("shocks"), (tables, self.shocks.shape[1]), SHOCKS)
        keys = sources["key"]
        outside = keys[(keys < 0) | (keys > MOST)]
        if outside.size:
            raise ValueError(f"state['sources'] has keys such as {outside[0]}: allowed are 0 to 2**62")
        return arrays

    def _check_running(
        self,
        months: npt.NDArray[np.float64],
        drawn: npt.NDArray[np.bool_],
        running: npt.NDArray[np.bool_],
        *,
        named: bool,
    ) -> None:
        """Raise ValueError if a row that plays on has no world, or has run all its months.

        `named` is whether the state itself says which rows play on.
        """
        for row in np.flatnonzero(running & ~(drawn & (months < self.horizon))):
            what = "state['running'] is True of" if named else "state['states'] has"
            without = "" if drawn[row] else " and has no world"
            raise ValueError(
                f"{what} row {row}, whose episode has run {months[row]:g} of {self.horizon:g} months{without}: it must"
                " come from get_state"
            )


def _checked_array(name: str, wanted: Any, shape: tuple[int, ...], kind: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return `wanted`; raise ValueError unless it is an array of this shape and type, finite where records must be."""
    if wanted is None:
        raise ValueError(f"state has no '{name}': it must come from get_state")
    if not isinstance(wanted, np.ndarray) or isinstance(wanted, np.ma.MaskedArray):
        raise ValueError(f"state['{name}'] is {shown(wanted)}: must be an array of shape {shape}, as of get_state")
    found = np.asarray(wanted)
    if found.shape != shape or found.dtype != kind:
        raise ValueError(
            f"state['{name}'] has shape {found.shape} and type {found.dtype.name}: they must be {shape} and {kind.name}"
        )
    if name != "economies" and not all(np.isfinite(found[field]).all() for field in kind.names or ()):
        raise ValueError(f"state['{name}'] holds NaN or infinity: it must come from get_state")
    return found
