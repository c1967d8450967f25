"""The parts of a map: the worlds of a cell, the ranges of markup compared there, and the results of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from thinmargin.parameters import Parameters
from thinmargin_agents.scoring.comparison import rounded

Numbers: TypeAlias = npt.NDArray[np.float64]
Range: TypeAlias = Literal["thin", "middle", "premium"]

MARKUPS: dict[Range, tuple[float, float]] = {"thin": (-0.20, 0.08), "middle": (0.08, 0.25), "premium": (0.25, 0.60)}
"""Lowest and highest markup over unit cost of each range; together they are the whole lever."""
SIDES: tuple[Range, ...] = ("thin", "premium")
"""The ranges that are compared with each other."""
CALIBRATED = Parameters()
PRICE_SLOPES = (2.0, 2.8, 3.5, 4.2, 5.0)
"""Columns of every map: logit coefficient of ln price. All in, a brand's elasticity is a little below it."""


class Place(NamedTuple):
    """Constants in which the worlds of a cell differ from those of the calibrated firm."""

    price_slope: float = CALIBRATED.price_slope
    services: float = 1.0
    """Services revenue of a mature user, as a multiple of the calibrated ceiling, at home and overseas."""
    discount_rate: float = CALIBRATED.discount_rate
    """Of the owners, a year; J is discounted with it."""

    def parameters(self) -> dict[str, Any]:
        """The constants that make it so, for `thinmargin.settings.Settings`."""
        return {
            "price_slope": self.price_slope,
            "services_ceiling": tuple(self.services * ceiling for ceiling in CALIBRATED.services_ceiling),
            "discount_rate": self.discount_rate,
        }


@dataclass(frozen=True)
class Grid:
    """The places of one map: a row a value of one constant, a column a price slope.

    Attributes:
        name: of the map.
        varies: field of `Place` that differs between rows.
        meaning, unit: of the rows, for tables and pictures; numbers are shown times `scale`.
        rows, slopes: values, rising.
        highest_is_thin: whether thin gains as the value rises; tables and pictures have the row where it gains most
            on top, so that all maps lie the same way.
    """

    name: str
    varies: Literal["services", "discount_rate"]
    meaning: str
    unit: str
    scale: float
    rows: tuple[float, ...]
    slopes: tuple[float, ...] = PRICE_SLOPES
    highest_is_thin: bool = True

    def places(self) -> Iterator[Place]:
        """Every place, row by row."""
        for row in self.rows:
            for slope in self.slopes:
                yield Place(slope)._replace(**{self.varies: row})

    @property
    def from_top(self) -> list[int]:
        """Numbers of the rows, from the top of a table or a picture."""
        numbers = range(len(self.rows))
        return list(reversed(numbers) if self.highest_is_thin else numbers)

    @property
    def calibrated_row(self) -> float:
        """The row's value of the calibrated firm."""
        return float(getattr(Place(), self.varies))

    def label(self, row: float) -> str:
        """A row's value in the unit shown."""
        return f"{self.scale * row:g}{self.unit}"


GRIDS: dict[str, Grid] = {
    grid.name: grid
    for grid in (
        Grid("services", "services", "services ceiling", "x", 1.0, (0.25, 0.5, 1.0, 1.5, 2.0)),
        Grid(
            "patience", "discount_rate", "discount rate a year", " %", 100.0, (0.03, 0.05, 0.10, 0.20, 0.35),
            highest_is_thin=False,
        ),
    )
}  # fmt: skip

PROTOTYPE_SIGNS = ("-----", "-----", "---++", "--+++", "-++++")
"""Where thin beat premium (+) in the first prototype of this model, in the order of the services grid.

It ran 120 months, with constants of an earlier fit and simpler rivals. Its map is kept because a finding about when
thin margins win is worth little if it does not outlive a change of equations: signs may differ where the two are close.
"""


def gain_words(difference: float) -> str:
    """Thin less premium in whole RMB bn, with its sign; 0 where it rounds to nothing."""
    whole = rounded(difference, 0)
    return f"{whole:+.0f}" if whole else "0"


@dataclass(frozen=True)
class BestLevers:
    """The best constant levers found in one range of markup.

    Attributes:
        levers: by name of `thinmargin.records.LEVERS`, in the lever's own unit.
        value, closing: mean J over the worlds and the closing value in it, RMB bn.
        bankrupt: share of worlds in which investors stop.
    """

    levers: dict[str, float]
    value: float
    closing: float
    bankrupt: float

    @property
    def markup(self) -> float:
        """Markup over unit cost, as a share."""
        return self.levers["price"]


@dataclass(frozen=True)
class MapCell:
    """The best constant levers at one place, or in one world; the middle range may not have been searched."""

    thin: BestLevers
    premium: BestLevers
    middle: BestLevers | None = None

    @property
    def best(self) -> BestLevers:
        """The best of those that were searched."""
        found = (self.thin, self.middle, self.premium)
        return max((best for best in found if best is not None), key=lambda best: best.value)

    @property
    def difference(self) -> float:
        """J of thin less premium, RMB bn: its sign is the answer."""
        return self.thin.value - self.premium.value


@dataclass(frozen=True)
class PhaseMap:
    """A grid and the results at its places, row by row."""

    grid: Grid
    cells: tuple[MapCell, ...]

    @property
    def differences(self) -> Numbers:
        """Thin less premium, RMB bn, of shape (rows, slopes)."""
        shape = len(self.grid.rows), len(self.grid.slopes)
        return np.array([cell.difference for cell in self.cells]).reshape(shape)
