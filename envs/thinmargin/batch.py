"""The arrays of a number of environments, one row each, and the two things that are done to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from thinmargin.observation import FEATURE_COUNT
from thinmargin.parameters import ECONOMY
from thinmargin.records import FLOWS, REPORT, SHOCKS, STATE
from thinmargin.simulation import KERNELS
from thinmargin.worlds import Family, World

_BLANK_STATE = np.zeros((), STATE)
_BLANK_REPORT = np.zeros((), REPORT)
SAVED = ("states", "economies", "shocks", "reports", "observations", "keys")
"""The arrays that are the whole condition of a batch between two steps."""


class Batch:
    """`size` environments in step: arrays of records, written in place by the compiled month.

    Attributes:
        states, reports, economies: record arrays of shape (size,).
        flows: record array of shape (1,), a scratch: the flows of the last row that was run.
        shocks: record array of shape (size, horizon).
        observations: float32 of shape (size, features).
        report_numbers: the reports as plain float64 of shape (size, fields), the same memory.
        rewards: float64 of shape (size,), RMB 10 bn.
        ends: int64 of shape (size,): RUNNING, BANKRUPT or CLOSED, see `thinmargin.simulation`.
        keys: int64 of shape (size,), the world keys.
    """

    def __init__(self, size: int, horizon: int, rule: int, shaped: bool) -> None:
        self.horizon = float(horizon)
        self._rule = rule
        self._shaped = shaped
        self.states = np.zeros(size, STATE)
        self.economies = np.zeros(size, ECONOMY)
        self.shocks = np.zeros((size, horizon), SHOCKS)
        self.flows = np.zeros(1, FLOWS)
        self._blank = np.zeros(1, FLOWS)
        self.reports = np.zeros(size, REPORT)
        self.observations = np.zeros((size, FEATURE_COUNT), np.float32)
        self.rewards = np.zeros(size)
        self.ends = np.zeros(size, np.int64)
        self.keys = np.zeros(size, np.int64)
        self._spare_state = np.zeros(1, STATE)
        self._shocks_off = np.zeros(1, SHOCKS)
        self._bind()

    def _bind(self) -> None:
        """Gather what every step hands to the compiled month; a copy of the batch has arrays of its own."""
        self.report_numbers = self.reports.view(np.float64).reshape(len(self.reports), -1)
        self._step_arguments = (
            self.states, self.economies, self.shocks, self.flows, self.reports, self.horizon, self._rule,
            self._shaped, self.observations, self.rewards, self.ends, self._spare_state, self._shocks_off,
        )  # fmt: skip

    def __getstate__(self) -> dict[str, Any]:
        """Without what `_bind` makes: views and arguments would not be of the copy's own arrays."""
        return {name: item for name, item in vars(self).items() if name not in ("report_numbers", "_step_arguments")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Arrays of a copy, bound to each other again."""
        vars(self).update(state)
        self._bind()

    def put(self, row: int, world: World) -> None:
        """Make `world`, of at least the horizon's months, the world of this row; `begin` must follow."""
        self.economies[row] = world.economy
        self.shocks[row] = world.shocks[: self.shocks.shape[1]]
        self.keys[row] = world.key

    def draw(self, row: int, family: Family, key: int) -> None:
        """Draw the world of `key` straight into this row; `begin` must follow."""
        family.draw_into(key, self.economies, self.shocks, row)
        self.keys[row] = key

    def begin(self, rows: npt.NDArray[np.int64]) -> None:
        """Set these rows to January 2012 of their worlds."""
        self.states[rows] = _BLANK_STATE
        self.reports[rows] = _BLANK_REPORT
        KERNELS.begin(
            rows, self.states, self.economies, self.flows, self._blank, self.reports,
            self.horizon, self.observations,
        )  # fmt: skip

    def step(self, actions: npt.NDArray[np.float64]) -> None:
        """Run one month of every row; `actions` is float64 of shape (size, 4), cut to [-1, 1]."""
        KERNELS.step(actions, *self._step_arguments)

    def closing_values(self, rows: npt.NDArray[np.int64], rule: int) -> npt.NDArray[np.float64]:
        """Worth of these rows' firms, RMB m, closed now under a rule of `thinmargin.simulation`: shape (len(rows),).

        Nothing changes. A firm that went bankrupt has no closing value in its reward; what is returned for it here is
        what the rule would have made of it.
        """
        values = np.zeros(len(rows))
        KERNELS.close(
            rows, self.states, self.economies, self.shocks, np.zeros(1, FLOWS), rule, values, self._spare_state,
            self._shocks_off,
        )  # fmt: skip
        return values

    def saved(self) -> dict[str, npt.NDArray[Any]]:
        """Copies of everything that decides what comes next."""
        return {name: getattr(self, name).copy() for name in SAVED}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go back to what `saved` returned; a missing, misshapen or foreign array is a ValueError."""
        for name in SAVED:
            current = getattr(self, name)
            wanted = saved.get(name)
            if wanted is None:
                raise ValueError(f"state has no {name!r}: it must come from get_state")
            if np.shape(wanted) != current.shape or np.asarray(wanted).dtype != current.dtype:
                raise ValueError(
                    f"state[{name!r}] has shape {np.shape(wanted)} and type {np.asarray(wanted).dtype.name}: "
                    f"they must be {current.shape} and {current.dtype.name}"
                )
            if (
                wanted.dtype.names
                and not np.isfinite(np.asarray(wanted).view(np.float64)).all()
                and name != "economies"
            ):
                raise ValueError(f"state[{name!r}] holds NaN or infinity: it must come from get_state")
        if (np.asarray(saved["keys"]) < 0).any():
            raise ValueError("state['keys'] holds a negative key: it must come from get_state")
        months = np.asarray(saved["states"])["month"]
        if not ((months >= 0.0) & (months <= self.horizon)).all():
            raise ValueError(f"state['states'] has months {months.tolist()}: allowed are 0 to {self.horizon:g}")
        for name in SAVED:
            getattr(self, name)[...] = saved[name]
