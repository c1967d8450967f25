"""Tables of actions as whole numbers, and what they earn in their worlds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from thinmargin.settings import Settings
from thinmargin_agents.play.candidates import play_rows

Numbers = npt.NDArray[np.float64]
Steps = npt.NDArray[np.int16]

RESOLUTION = 1e-4
"""Actions are whole multiples of it, so that a saved table earns what it earned when it was found."""


def in_steps(actions: npt.ArrayLike) -> Steps:
    """Actions as whole multiples of RESOLUTION, inside [-1, 1]."""
    return np.round(np.clip(actions, -1.0, 1.0) / RESOLUTION).astype(np.int16)


def in_actions(steps: Steps) -> Numbers:
    """The actions of whole multiples of RESOLUTION."""
    return np.multiply(steps, RESOLUTION, dtype=np.float64)


def value_of(keys: Sequence[int], tables: Steps, settings: Settings) -> Numbers:
    """J of tables of actions, shape (worlds, horizon, 4), in their worlds, RMB bn."""
    batch = settings.batch(len(keys))
    batch.draw(np.arange(len(keys)), settings.family(), keys)
    return play_rows(batch, lambda month: in_actions(tables[:, month])).value
