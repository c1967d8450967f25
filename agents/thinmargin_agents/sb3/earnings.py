"""What running episodes have earned so far, on a CPU or where a GPU has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from thinmargin import MONTHLY_DISCOUNT
from thinmargin.records import REPORT_FIELDS
from thinmargin_agents.play.candidates import REWARD_UNIT

Numbers = npt.NDArray[np.float64]
NAMES = ("values", "discounts")
PLACES = {field.name: place for place, field in enumerate(REPORT_FIELDS)}


class Place(Protocol):
    """Where numbers are kept: what `thinmargin.cuda.devices.Device` has too."""

    def zeros(self, shape: tuple[int, ...]) -> Any:
        """Zeros of float64 there."""

    def tensor(self, array: Numbers) -> Any:
        """A copy of an array there."""

    def array(self, tensor: Any) -> Numbers:
        """An array of its own of what is kept there."""


class Cpu:
    """Arrays of NumPy."""

    def zeros(self, shape: tuple[int, ...]) -> Numbers:
        """Zeros of float64."""
        return np.zeros(shape)

    def tensor(self, array: Numbers) -> Numbers:
        """A copy."""
        return np.array(array)

    array = tensor


class Earnings:
    """J so far of every running episode.

    Args:
        firms: how many.
        place: where they are kept.

    Attributes:
        values: J so far, shape (firms,).
        discounts: of the next month, shape (firms,).
    """

    def __init__(self, firms: int, place: Place) -> None:
        self._place = place
        self.values, self.discounts, self._bankrupt = (place.zeros((firms,)) for _ in range(3))
        self.begin(slice(None))

    def begin(self, rows: Any) -> None:
        """Episodes of these rows begin."""
        self.values[rows] = 0.0
        self.discounts[rows] = 1.0

    def add(self, reports: Any) -> None:
        """Count a month: reports of shape (fields, firms), of firms that ended in it too."""
        earned = reports[PLACES["profit_term"]] + reports[PLACES["closing_term"]]
        self.values += self.discounts * earned * REWARD_UNIT
        self.discounts *= MONTHLY_DISCOUNT
        self._bankrupt = reports[PLACES["bankrupt"]]

    def end(self, rows: npt.NDArray[np.int64]) -> tuple[Numbers, Numbers]:
        """J of the episodes of these rows, which ended with the month that was counted last, and 1 where bankrupt."""
        found = self._place.array(self.values[rows]), self._place.array(self._bankrupt[rows])
        self.begin(rows)
        return found

    def get_state(self) -> dict[str, Numbers]:
        """What decides J of the running episodes, as arrays of their own."""
        return {name: self._place.array(getattr(self, name)) for name in NAMES}

    def set_state(self, numbers: Mapping[str, Numbers]) -> None:
        """Go on from a state of `get_state`."""
        self.values[:], self.discounts[:] = (self._place.tensor(numbers[name]) for name in NAMES)


def reports_of(infos: dict[str, Any]) -> Numbers:
    """Reports of the month just run, firms that ended in it included: shape (fields, firms)."""
    now = infos["books"]
    table: Numbers = now.view(np.float64).reshape(len(now), -1)
    if "final_info" in infos:
        last = infos["final_info"]["books"].view(np.float64).reshape(table.shape)
        table = np.where(infos["_final_info"][:, None], last, table)
    return table.T
