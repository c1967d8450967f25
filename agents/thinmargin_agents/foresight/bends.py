"""Tables of actions bent at points in time and played in their worlds: what bent tables earn, and the slopes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thinmargin.batch import Batch
from thinmargin.plans import between
from thinmargin.records import FEATURES, LEVERS
from thinmargin.settings import Settings
from thinmargin.simulation import RUNNING
from thinmargin_agents.foresight.tables import Numbers, Steps, in_actions, in_steps
from thinmargin_agents.play.candidates import counted, play_rows

ROWS = 16
"""Bent tables of a world that are played side by side."""
BLOCK = ROWS // len(LEVERS)
"""Knots whose bends are played side by side, a table for each lever of each."""
STEP = 0.01
"""Bend of a lever from which a slope is taken."""
EDGE = 0.25
"""Headroom, as it is observed, below which a firm is near bankruptcy."""
LEAST = 1e-3
"""Share of EDGE below which headroom counts as this, so that its logarithm is finite."""
HEADROOM = [feature.name for feature in FEATURES].index("headroom")


class Played(NamedTuple):
    """What tables earn from some month on, RMB bn, and their nearness to bankruptcy: see `Bends`."""

    value: Numbers
    nearness: Numbers


class Slopes(NamedTuple):
    """What tables earn and how near they come, arrays of shape (worlds,); and slopes, (worlds, knots, 4), RMB bn."""

    played: Played
    slopes: Numbers


class _Mark(NamedTuple):
    """Where a play has come to when a month begins: rows of the batch, what it was until then, whether it goes on."""

    states: npt.NDArray[np.void]
    reports: npt.NDArray[np.void]
    before: Played
    running: npt.NDArray[np.bool_]


class Bends:
    """Tables of actions of some worlds, bent at evenly spaced knots, linear between them.

    J falls off a cliff where a firm goes bankrupt, and slopes do not see a cliff ahead. Therefore a search climbs J
    less a small multiple of the nearness to it: the sum over months of -log(headroom / EDGE), of months with headroom
    below EDGE (a logarithmic barrier).

    Args:
        keys: world keys.
        settings: of the environment.
        knots: points in time, two or more.

    Attributes:
        plays_of_slopes: plays of a world that the slopes of one table take, parts of a play counted by their months.
    """

    def __init__(self, keys: Sequence[int], settings: Settings, knots: int) -> None:
        self.worlds, self.horizon, self.knots = len(keys), settings.horizon, knots
        self._weights = between(np.eye(knots), np.arange(self.horizon) / self.horizon)  # of a knot in a month
        self._base, self._batch = (_drawn(np.repeat(keys, rows), settings) for rows in (1, ROWS))
        begins = np.argmax(self._weights > 0.0, axis=0)[::BLOCK]
        self._begins = [int(month) for month in begins]
        self.plays_of_slopes = 1.0 + ROWS * float((1.0 - begins / self.horizon).sum())

    def bent(self, tables: Steps, bends: Numbers) -> Steps:
        """Tables bent, shape (worlds, n, horizon, 4).

        Args:
            tables: shape (worlds, horizon, 4).
            bends: of every knot and lever, shape (worlds, n, knots, 4).
        """
        return in_steps(in_actions(tables)[:, None] + self._weights @ bends)

    def play(self, tables: Steps) -> Played:
        """What tables of shape (worlds, ROWS, horizon, 4) earn and how near they come: arrays (worlds, ROWS)."""
        return _play(self._batch, in_actions(tables).reshape(-1, self.horizon, len(LEVERS)), 0, ROWS)

    def slopes(self, tables: Steps, caution: Numbers) -> Slopes:
        """Slopes of J less `caution`, shape (worlds,), times nearness, in the bend of every knot and lever.

        They are differences towards the middle of a lever's range, where a bend always makes another table. What is
        before a bend is not played again.
        """
        actions = in_actions(tables)
        mean = self._weights.T @ actions
        step = np.where(mean > 0.0, -STEP, STEP)
        marks, whole = self._marks(actions)
        merit = whole.value - caution * whole.nearness
        slopes = np.zeros((self.worlds, self.knots, len(LEVERS)))
        for first, begin in zip(range(0, self.knots, BLOCK), self._begins, strict=True):
            mark = marks[begin]
            bent = np.repeat(actions[:, None], ROWS, axis=1)
            for place, knot in enumerate(range(first, min(first + BLOCK, self.knots))):
                for lever in range(len(LEVERS)):
                    bent[:, place * len(LEVERS) + lever, :, lever] += (
                        step[:, knot, lever, None] * self._weights[:, knot]
                    )
            np.clip(bent, -1.0, 1.0, out=bent)
            self._batch.states[...] = np.repeat(mark.states, ROWS)
            self._batch.reports[...] = np.repeat(mark.reports, ROWS)
            found = _play(self._batch, bent.reshape(-1, self.horizon, len(LEVERS)), begin, ROWS)
            value = mark.before.value[:, None] + found.value
            nearness = mark.before.nearness[:, None] + found.nearness
            gain = value - caution[:, None] * nearness - merit[:, None]
            gain = np.where(mark.running[:, None], gain, 0.0).reshape(self.worlds, BLOCK, len(LEVERS))
            slopes[:, first : first + BLOCK] = gain[:, : self.knots - first]
        return Slopes(whole, slopes / step)

    def _marks(self, actions: Numbers) -> tuple[dict[int, _Mark], Played]:
        """Play tables of shape (worlds, horizon, 4): where each has come to when a block of bends begins; and all."""
        batch, marks = self._base, {}
        value, nearness = np.zeros(self.worlds), np.zeros(self.worlds)
        running = np.ones(self.worlds, np.bool_)

        def told(month: int) -> Numbers:
            nonlocal value, nearness, running
            if month:
                value = value + counted(batch, month - 1, running)
                nearness = nearness + _nearness(batch)
                running = running & (batch.ends == RUNNING)
            if month in self._begins:
                marks[month] = _Mark(batch.states.copy(), batch.reports.copy(), Played(value, nearness), running)
            return actions[:, month]

        earned = play_rows(batch, told)
        return marks, Played(earned.value, nearness)


def _drawn(keys: npt.NDArray[np.int64], settings: Settings) -> Batch:
    """A batch of these worlds, begun."""
    rows = np.arange(len(keys))
    batch = settings.batch(len(keys))
    batch.draw(rows, settings.family(), keys)
    batch.begin(rows)
    return batch


def _nearness(batch: Batch) -> Numbers:
    """How near each row of a batch is to bankruptcy: 0 or more, shape (rows,)."""
    share = np.clip(batch.observations[:, HEADROOM] / EDGE, LEAST, 1.0)
    nearness: Numbers = -np.log(share, dtype=np.float64)
    return nearness


def _play(batch: Batch, actions: Numbers, first: int, rows: int) -> Played:
    """Play actions of shape (batch, horizon, 4) from a month on; arrays of shape (batch / rows, rows)."""
    by_month = np.ascontiguousarray(np.swapaxes(actions, 0, 1))
    nearness = np.zeros(len(actions))

    def told(month: int) -> Numbers:
        if month > first:
            np.add(nearness, _nearness(batch), out=nearness)
        month_actions: Numbers = by_month[month]
        return month_actions

    value = play_rows(batch, told, first=first).value
    return Played(value.reshape(-1, rows), nearness.reshape(-1, rows))
