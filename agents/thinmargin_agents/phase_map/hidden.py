"""Where the hidden worlds of the benchmark lie on the services map, and who wins in those that were searched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from thinmargin.records import HOME
from thinmargin.scenarios import family_of
from thinmargin.splits import KEYS
from thinmargin_agents.phase_map.boundary import difference_at
from thinmargin_agents.phase_map.cells import CALIBRATED, MapCell, Numbers, PhaseMap
from thinmargin_agents.phase_map.search import Case
from thinmargin_agents.scoring.statistics import Interval, bootstrap_interval

FAMILY = "benchmark"
DRAWN = 2000
"""Validation worlds put on the map."""


@dataclass(frozen=True, eq=False)
class HiddenWorlds:
    """Worlds that could have had the history that was reported: the first DRAWN of the validation split.

    Attributes:
        slopes, services: shape (DRAWN,): price slope, and services ceiling at home over the calibrated one.
        thin_side: shape (DRAWN,): whether the map puts them on the thin side.
        outside: share of them beyond an edge of the map.
        searched: the best constant levers in each of the first few, alone.
    """

    slopes: Numbers
    services: Numbers
    thin_side: npt.NDArray[np.bool_]
    outside: float
    searched: tuple[MapCell, ...]

    @property
    def thin_wins(self) -> npt.NDArray[np.bool_]:
        """Whether thin beats premium in each of the searched worlds."""
        return np.array([cell.difference >= 0.0 for cell in self.searched], np.bool_)

    def share_of_thin(self, seed: int) -> Interval:
        """The 95 % interval of the share of worlds in which thin beats premium."""
        return bootstrap_interval(self.thin_wins[None].astype(np.float64), np.random.default_rng(seed))

    @property
    def right(self) -> float:
        """Share of the searched worlds that the map puts on the right side."""
        return float(np.mean(self.thin_wins == self.thin_side[: len(self.searched)]))


def cases(count: int) -> list[Case]:
    """The first `count` hidden worlds, each a case of its own."""
    return [Case((key,), FAMILY) for key in KEYS["validation"][:count]]


def placed(phase_map: PhaseMap, searched: Sequence[MapCell]) -> HiddenWorlds:
    """The hidden worlds on the services map."""
    family = family_of(FAMILY)
    economies = [family.draw(key, 1).economy for key in KEYS["validation"][:DRAWN]]
    slopes = np.array([economy["price_slope"] for economy in economies])
    ceilings = np.array([economy["services_ceiling"][HOME] for economy in economies])
    services = ceilings / CALIBRATED.services_ceiling[HOME]
    grid = phase_map.grid
    inside = (slopes >= grid.slopes[0]) & (slopes <= grid.slopes[-1])
    inside &= (services >= grid.rows[0]) & (services <= grid.rows[-1])
    thin_side = difference_at(phase_map, slopes, services) >= 0.0
    return HiddenWorlds(slopes, services, thin_side, float(1.0 - inside.mean()), tuple(searched))
