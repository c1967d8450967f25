"""Months of a rule in worlds with a mechanism and without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from thinmargin.levers import action_of
from thinmargin.records import FLOWS, REPORT, STATE
from thinmargin.settings import Settings
from thinmargin.splits import KEYS
from thinmargin_agents.mechanisms.catalogue import SWITCHES

Table = npt.NDArray[Any]
THIN = (0.02, 0.012, 0.035, 3.0)
"""Levers of a thin rule: markup, tickets, selling spend, releases."""


@dataclass(frozen=True, eq=False)
class Months:
    """One record a month, of shape (months,): state at its beginning and end, flows, the seat's report."""

    before: Table
    after: Table
    flows: Table
    reports: Table


def parameters_of(row: str) -> Mapping[str, Any]:
    """Constants of a row; of "0", with nothing switched off."""
    return {} if row == "0" else SWITCHES[row].parameters


@cache
def played(row: str = "0", levers: tuple[float, ...] = THIN, months: int = 60, place: int = 0) -> Months:
    """Constant levers in one validation world, by its place in the split, with the mechanism of a row off."""
    settings = Settings(parameters=parameters_of(row))
    batch = settings.batch(1)
    batch.draw(0, settings.family(), KEYS["validation"][place])
    batch.begin(np.zeros(1, np.int64))
    found = Months(*(np.zeros(months, kind) for kind in (STATE, STATE, FLOWS, REPORT)))
    action = action_of(*levers).astype(np.float64)[None]
    for month in range(months):
        found.before[month] = batch.states[0]
        batch.step(action)
        found.after[month], found.flows[month] = batch.states[0], batch.flows[0]
        found.reports[month] = batch.reports[0]
    return found
