"""Responses of a policy to one observed feature, around its typical observations.

A policy is followed through some worlds once; its observations at a few months are the typical ones. One feature is
varied over their range, the others stay at their medians, and the actions are read as levers in their own units.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from thinmargin.baselines import Policy
from thinmargin.levers import read_levers
from thinmargin.plans import FEATURE_NAMES
from thinmargin.records import LEVERS
from thinmargin.settings import Settings
from thinmargin.simulation import RUNNING
from thinmargin.wrappers.adapters import remembers
from thinmargin_agents.play.candidates import play_rows
from thinmargin_agents.play.checked_policy import CheckedPolicy

Numbers = npt.NDArray[np.float64]
Seen = npt.NDArray[np.float32]

MONTHS = (12, 60, 120, 168)
"""Months run when the policy is asked, where the episode is that long."""
WORLDS = 64
"""Most worlds that a policy is followed through."""
FEWEST = 4
"""Least number of worlds still running for typical observations."""
RANGE = (5.0, 95.0)
"""Percentiles between which a feature is varied."""
BAND = (10.0, 90.0)
"""Percentiles of the answers in all worlds."""
POINTS = 33
"""Answers on a curve."""


@dataclass(frozen=True)
class Varied:
    """A feature that is varied: its title, its unit, and the map from its observation to that unit."""

    feature: str
    title: str
    unit: str
    natural: Callable[[Numbers], Numbers]
    linear_to: float | None = None
    """Its axis is logarithmic beyond this number and its negative; None if it is linear throughout."""


VARIED = (
    Varied("share_home", "share of phones at home", "%", lambda x: x / 4.0 * 100.0),
    Varied(
        "cash",
        "cash",
        "RMB bn",
        lambda x: 5.0 * x / (1.0 - np.minimum(np.abs(x), 0.999)),
        10.0,
    ),
    Varied("unit_cost", "unit cost", "% of its start", lambda x: 100.0 * (1.0 + x / 2.0)),
    Varied("services_per_user", "services per user", "RMB a year", lambda x: x * 100.0, 1.0),
)
"""Features that are varied; each `natural` inverts the map in `thinmargin.observation`."""


@dataclass(frozen=True, eq=False)
class Followed:
    """Observations and levers of a policy in some worlds.

    Attributes:
        seen: by month, observations of the worlds still running, shape (worlds, 32).
        done: shape (months, worlds, 4), levers it asked for, NaN behind a bankruptcy.
        remembers: whether it carries anything from month to month.
    """

    seen: dict[int, Seen]
    done: Numbers
    remembers: bool


@dataclass(frozen=True, eq=False)
class Curve:
    """Answers at one month: shape (points,), the feature in its unit, and (points, 4), the levers.

    `typical` is the point nearest to the median.
    """

    month: int
    x: Numbers
    levers: Numbers
    typical: int


@dataclass(frozen=True, eq=False)
class Responses:
    """Responses of a policy.

    Attributes:
        curves: by feature of VARIED, one curve a month.
        path: shape (3, months, 4): median and both ends of the band of what it asked for on its way.
        worlds: how many it was followed through.
        remembers: as of `Followed`; the curves are then answers from a fresh memory.
    """

    curves: dict[str, list[Curve]]
    path: Numbers
    worlds: int
    remembers: bool


def responses(policy: Policy, keys: Sequence[int], settings: Settings, name: str, seed: int = 0) -> Responses:
    """Follow a policy through the worlds of the first keys, and ask it around what it saw.

    Args:
        policy: anything with Stable-Baselines3's `predict`, asked for many worlds at once.
        keys: world keys; at most 64 are used.
        settings: of the worlds, and whether the policy answers with grid indices.
        name: of the policy in error messages.
        seed: handed to the policy's `reset`.

    Raises:
        PolicyError: the policy raised or did not answer with finite actions.
    """
    followed = follow(policy, keys[:WORLDS], settings, name, seed)
    curves: dict[str, list[Curve]] = {varied.feature: [] for varied in VARIED}
    for month, seen in followed.seen.items():
        for varied in VARIED:
            observations = around(seen, varied.feature)
            asked = levers_of(
                CheckedPolicy(policy, name, discrete=settings.discrete).actions(observations, None, fresh=True)[0]
            )
            place = FEATURE_NAMES.index(varied.feature)
            column = observations[:, place].astype(np.float64)
            typical = int(np.abs(column - np.median(seen[:, place])).argmin())
            curves[varied.feature].append(Curve(month, varied.natural(column), asked, typical))
    return Responses(curves, _path(followed.done), len(keys[:WORLDS]), followed.remembers)


def follow(policy: Policy, keys: Sequence[int], settings: Settings, name: str, seed: int = 0) -> Followed:
    """Play a policy and record what it observed and the levers it asked for."""
    checked = CheckedPolicy(policy, name, discrete=settings.discrete)
    checked.reset(seed)
    batch = settings.batch(len(keys))
    batch.draw(np.arange(len(keys)), settings.family(), keys)
    alive = np.ones(len(keys), np.bool_)
    seen: dict[int, Seen] = {}
    done = np.full((settings.horizon, len(keys), len(LEVERS)), np.nan)
    state: Any = None

    def actions(month: int) -> Numbers:
        nonlocal state
        if month > 0:
            alive[batch.ends != RUNNING] = False
        if month in MONTHS and alive.sum() >= min(FEWEST, len(keys)):
            seen[month] = batch.observations[alive].copy()
        answer, state = checked.actions(batch.observations.copy(), state, fresh=month == 0, alive=alive)
        done[month, alive] = levers_of(answer[alive])
        return answer

    play_rows(batch, actions)
    return Followed(seen, done, remembers(state))


def around(seen: Seen, feature: str) -> Seen:
    """Typical observations, the medians, with one feature varied over what was seen: shape (points, 32)."""
    column = FEATURE_NAMES.index(feature)
    table = np.tile(np.median(seen, axis=0), (POINTS, 1)).astype(np.float32)
    low, high = np.percentile(seen[:, column], RANGE).tolist()
    table[:, column] = np.linspace(low, high, POINTS)
    return table


def levers_of(actions: Numbers) -> Numbers:
    """The levers that actions of shape (n, 4) ask for, in each lever's own unit."""
    asked = np.zeros((len(actions), len(LEVERS)))
    for action, lever in zip(np.asarray(actions, np.float64), asked, strict=True):
        read_levers(action, lever)
    return asked


def _path(done: Numbers) -> Numbers:
    path = np.full((3, *done.shape[::2]), np.nan)
    for month, levers in enumerate(done):
        known = levers[np.isfinite(levers[:, 0])]
        if len(known):
            path[:, month] = np.percentile(known, (50.0, *BAND), axis=0)
    return path
