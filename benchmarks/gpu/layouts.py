"""The batch on a GPU with its tables as they lie on a CPU: a firm's numbers side by side. Only to compare with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda

from thinmargin.cuda.columns import rows_of
from thinmargin.cuda.kernels import IS_SIMULATED, Layout, build
from thinmargin.cuda.vector import CudaVectorEnv
from thinmargin.observation import FEATURE_COUNT
from thinmargin.parameters import ECONOMY
from thinmargin.records import FLOWS, REPORT, SHOCKS, STATE
from thinmargin.sources import SOURCE


def _inlined(function: Any) -> Any:
    return function if IS_SIMULATED else cuda.jit(device=True, inline="always")(function)


def _view(kind: np.dtype[Any]) -> Any:
    @_inlined
    def at(table: Any, firm: int) -> Any:
        return table[firm].view(kind)[0]

    return at


@_inlined
def _row(table: Any, firm: int) -> Any:
    return table[firm]


@_inlined
def _copy(target: Any, place: int, source: Any, firm: int) -> None:
    for k in range(target.shape[1]):
        target[place, k] = source[firm, k]


@_inlined
def _clear(table: Any, firm: int) -> None:
    for k in range(table.shape[1]):
        table[firm, k] = 0.0


RECORDS = build(Layout(_view, _row, _copy, _clear))


class RecordFirms(CudaVectorEnv):
    """`CudaVectorEnv` with a row a firm; it plays and starts anew, and hands out observations and rewards."""

    def _make_tables(self) -> None:
        super()._make_tables()
        device, size = self.device, self.num_envs
        device._kernels = RECORDS  # noqa: SLF001  # a benchmark of the class's own inside
        self._states, self._economies, self._sources, self._reports = (
            device.zeros((size, rows_of(kind))) for kind in (STATE, ECONOMY, SOURCE, REPORT)
        )
        self._seen = device.zeros((size, FEATURE_COUNT), np.float32)
        threads = device.threads(size)
        self._flows, self._shocks, self._shocks_off, self._spare_states = (
            device.zeros((threads, rows_of(kind))) for kind in (FLOWS, SHOCKS, SHOCKS, STATE)
        )
        *world, source = self._world
        self._world = (*world, source.reshape(1, -1))

    def _put_generators(self, generators: Any) -> None:
        self._generators = self.device.tensor(generators.numbers.astype(np.int64))

    def _observations(self) -> Any:
        return self._seen
