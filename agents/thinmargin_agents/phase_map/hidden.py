"""Where the hidden worlds of the benchmark lie on the services map, and who wins in those that were searched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from thinmargin.records import HOME
from thinmargin.scenarios import family_of
from thinmargin.settings import SCORED
from thinmargin.splits import KEYS
from thinmargin_agents.phase_map.boundary import difference_at
from thinmargin_agents.phase_map.cells import CALIBRATED, MapCell, Numbers, PhaseMap
from thinmargin_agents.phase_map.search import Case
from thinmargin_agents.scoring.closing_rules import rule_of
from thinmargin_agents.scoring.statistics import Interval, wilson_interval

FAMILY = "benchmark"
DRAWN = 2000
"""Validation worlds put on the map."""


class Share(NamedTuple):
    """Share of worlds in which thin is ahead of premium, its 95 % interval (Wilson 1927), and of how many worlds."""

    share: float
    interval: Interval
    worlds: int


def share_of(ahead: npt.NDArray[np.bool_]) -> Share:
    """The share of these worlds in which thin is ahead, of one world at least."""
    share = float(ahead.mean())
    return Share(share, wilson_interval(share, len(ahead)), len(ahead))


def thin_ahead(cells: Sequence[MapCell]) -> npt.NDArray[np.bool_]:
    """Whether thin beats premium in each of these worlds."""
    return np.array([cell.difference >= 0.0 for cell in cells], np.bool_)


@dataclass(frozen=True, eq=False)
class HiddenWorlds:
    """Worlds that could have had the history that was reported: the first DRAWN of the validation split.

    Attributes:
        slopes, services: shape (DRAWN,): price slope, and services ceiling at home over the calibrated one.
        thin_side: shape (DRAWN,): whether the map puts them on the thin side.
        outside: share of them beyond an edge of the map.
        by_rule: by closing rule, the best constant levers in each of the first few, alone, for that rule.
    """

    slopes: Numbers
    services: Numbers
    thin_side: npt.NDArray[np.bool_]
    outside: float
    by_rule: Mapping[str, tuple[MapCell, ...]]

    @property
    def searched(self) -> tuple[MapCell, ...]:
        """The worlds that were searched, under the scored rule."""
        return self.by_rule[rule_of(SCORED).name]

    @property
    def right(self) -> float:
        """Share of the searched worlds that the map puts on the right side."""
        return float(np.mean(thin_ahead(self.searched) == self.thin_side[: len(self.searched)]))

    @property
    def guessed(self) -> float:
        """Share of the searched worlds in which the side is ahead that is ahead in most of them."""
        thin = float(np.mean(thin_ahead(self.searched)))
        return max(thin, 1.0 - thin)


def cases(count: int, **changes: Any) -> list[Case]:
    """The first `count` hidden worlds, each a case of its own, with these other fields."""
    return [Case((key,), FAMILY, **changes) for key in KEYS["validation"][:count]]


def placed(phase_map: PhaseMap, by_rule: Mapping[str, tuple[MapCell, ...]]) -> HiddenWorlds:
    """The hidden worlds on the services map; `by_rule` as of `HiddenWorlds`."""
    family = family_of(FAMILY)
    economies = [family.draw(key, 1).economy for key in KEYS["validation"][:DRAWN]]
    slopes = np.array([economy["price_slope"] for economy in economies])
    ceilings = np.array([economy["services_ceiling"][HOME] for economy in economies])
    services = ceilings / CALIBRATED.services_ceiling[HOME]
    grid = phase_map.grid
    inside = (slopes >= grid.slopes[0]) & (slopes <= grid.slopes[-1])
    inside &= (services >= grid.rows[0]) & (services <= grid.rows[-1])
    thin_side = difference_at(phase_map, slopes, services) >= 0.0
    return HiddenWorlds(slopes, services, thin_side, float(1.0 - inside.mean()), by_rule)
