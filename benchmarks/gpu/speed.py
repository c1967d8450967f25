"""Steps a second by batch size, in columns and in records, taking turns; new worlds and starts are in it."""

from __future__ import annotations

import statistics
import time
from typing import Any, NamedTuple

import numpy as np
from benchmarks.gpu.layouts import RecordFirms

from thinmargin.cuda.vector import CudaVectorEnv

STEADY = (-0.2, -0.3, -0.2, 0.4)
"""Actions under which firms reach the horizon."""
LAYOUTS: dict[str, type[CudaVectorEnv]] = {"columns": CudaVectorEnv, "records": RecordFirms}


class Speed(NamedTuple):
    """Medians of one batch size: steps a second in both layouts, and of their ratios within a turn."""

    firms: int
    columns: float
    records: float
    ratio: float


class Player:
    """A batch that plays whole horizons.

    Attributes:
        compiled: seconds of the first reset, month and closing value.
    """

    def __init__(self, kind: type[CudaVectorEnv], firms: int, device: str, horizon: int) -> None:
        self.firms, self._horizon = firms, horizon
        self.envs = kind(firms, device, horizon=horizon, copy=False, info="lean")
        begun = time.perf_counter()
        self.envs.reset(seed=0)
        self._actions: Any = self.envs.device.tensor(np.tile(np.array(STEADY), (firms, 1)))
        self.play()
        self.compiled = time.perf_counter() - begun

    def play(self) -> None:
        """A horizon of every firm, to the last number."""
        for _ in range(self._horizon):
            rewards = self.envs.step(self._actions)[1]
        float(rewards.sum())

    def speed(self, repeats: int) -> float:
        """Steps a second."""
        begun = time.perf_counter()
        for _ in range(repeats):
            self.play()
        return repeats * self._horizon * self.firms / (time.perf_counter() - begun)


def measure(
    firms: int, device: str, turns: int, horizon: int = 180, repeats: int = 1
) -> tuple[Speed, dict[str, float]]:
    """Speeds of both layouts with so many firms, and the seconds of their first horizon."""
    players = {name: Player(kind, firms, device, horizon) for name, kind in LAYOUTS.items()}
    rates = [{name: player.speed(repeats) for name, player in players.items()} for _ in range(turns)]
    medians = {name: statistics.median(turn[name] for turn in rates) for name in players}
    ratio = statistics.median(turn["columns"] / turn["records"] for turn in rates)
    return (
        Speed(firms, medians["columns"], medians["records"], ratio),
        {name: player.compiled for name, player in players.items()},
    )
