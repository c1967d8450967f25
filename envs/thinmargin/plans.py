"""Plans: levers over time, linear between knots, and a bounded linear answer to what is observed.

Position in a plan is the share of the episode gone, the first number observed, so a plan fits any horizon.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from thinmargin.records import FEATURES

Numbers = npt.NDArray[np.float64]

FEATURE_NAMES = tuple(feature.name for feature in FEATURES)
TIME = FEATURE_NAMES.index("time")
REACH = 3.0
"""A deviation counts up to this many scales, so that observations never met while tuning cannot move a lever far."""


def between(table: Numbers, time: npt.ArrayLike) -> Numbers:
    """Rows of `table` at these times, linear between its evenly spaced rows.

    Args:
        table: shape (..., rows, m); the first row is at time 0, the last at 1.
        time: shape (n,), each from 0 to 1.

    Returns:
        Shape (..., n, m).
    """
    rows = table.shape[-2]
    if rows == 1:
        return np.repeat(table, np.size(time), axis=-2)
    moments = np.asarray(time, np.float64)
    if table.ndim == 2 and moments.size > 1:  # firms in step are at the same time, but for those that have ended
        now = moments.max()
        others = (moments != now).nonzero()[0]
        if 2 * others.size < moments.size:
            found: Numbers = _between(table, now.reshape(1)).repeat(moments.size, axis=0)
            if others.size:
                found[others] = _between(table, moments[others])
            return found
    return _between(table, moments)


def _between(table: Numbers, moments: Numbers) -> Numbers:
    """`between`, row by row."""
    rows = table.shape[-2]
    at = moments * (rows - 1)
    below = np.minimum(at.astype(np.int64), rows - 2)
    share = (at - below)[:, None]
    found: Numbers = table[..., below, :] * (1.0 - share) + table[..., below + 1, :] * share
    return found


@dataclass(frozen=True, eq=False)
class Surprise:
    """Deviations of observations from their expected course under a plan, in units of their spread.

    Attributes:
        features: names of the observations looked at.
        centre: shape (rows, features): their means under the plan, at evenly spaced times.
        scale: shape (features,): their standard deviations over worlds.
    """

    features: tuple[str, ...]
    centre: Numbers
    scale: Numbers

    def of(self, observations: npt.NDArray[Any], time: npt.ArrayLike) -> Numbers:
        """Deviations, shape (..., n, features), of observations of shape (..., n, 32); time as of `correction`."""
        columns = [FEATURE_NAMES.index(name) for name in self.features]
        seen = observations[..., columns] if np.size(time) == 1 else np.take(observations, columns, axis=-1)
        deviation: Numbers = seen - between(self.centre, time)
        deviation /= self.scale
        return np.clip(deviation, -REACH, REACH, out=deviation)


def correction(gain: Numbers, deviation: Numbers, time: npt.ArrayLike, limit: float) -> Numbers:
    """Correction of the actions of a plan: limit tanh(gain x deviation / limit), shape (..., n, 4).

    Args:
        gain: shape (..., rows, 4, features), at evenly spaced times.
        deviation: shape (..., n, features).
        time: shape (n,), or (1,) if it is the same for all n.
        limit: most that is added to an action.
    """
    rows, levers, features = gain.shape[-3:]
    now = between(gain.reshape(*gain.shape[:-2], levers * features), time)
    now = now.reshape(*now.shape[:-1], levers, features)
    count = deviation.shape[-2]
    if rows == 1 or np.size(time) < count:
        several = np.repeat(deviation, 2, axis=-2) if count == 1 else deviation  # a product of one row rounds otherwise
        linear = (several @ np.swapaxes(now[..., 0, :, :], -1, -2))[..., :count, :]
    else:
        linear = np.einsum("...nlf,...nf->...nl", now, deviation)
    added: Numbers = limit * np.tanh(linear / limit)
    return added


@dataclass(frozen=True, eq=False)
class Feedback:
    """A bounded answer to surprises; `gain` and `limit` as of `correction`, without leading axes."""

    surprise: Surprise
    gain: Numbers
    limit: float


@dataclass(frozen=True, eq=False)
class PlanPolicy:
    """Actions of shape (k, 4) at evenly spaced times, linear between them, corrected by the feedback if there is one.

    One knot is the same action every month.
    """

    knots: Numbers
    feedback: Feedback | None = None

    def predict(
        self,
        observation: npt.NDArray[np.float32],
        state: Any = None,
        episode_start: npt.NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[npt.NDArray[np.float32], Any]:
        """Actions for observations of shape (32,) or (n, 32): shape (4,) or (n, 4) in [-1, 1]; and `state`."""
        seen = np.atleast_2d(observation)
        time = seen[:, TIME].astype(np.float64)
        actions = between(self.knots, time)
        if self.feedback is not None:
            deviation = self.feedback.surprise.of(seen, time)
            actions = actions + correction(self.feedback.gain, deviation, time, self.feedback.limit)
        return np.clip(actions, -1.0, 1.0).astype(np.float32).reshape(*np.shape(observation)[:-1], -1), state
