"""The checks of the order of policies: which earns least, and whether the order depends on the horizon."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thinmargin.baselines import BASELINES
from thinmargin.records import LEVERS
from thinmargin_agents.audit.entrants import OnCalendar, built_in, corners, latin_hypercube, words_of
from thinmargin_agents.audit.findings import HORIZON, Finding, ProgressFunction, Scope, aligned
from thinmargin_agents.audit.plan_players import months_of
from thinmargin_agents.play.rollout import play_worlds

Numbers = npt.NDArray[np.float64]

LAST_QUESTION = "Does it earn least to sell below cost, invest nothing and go bankrupt at once?"
STABLE_QUESTION = "Is the order of policies the same when the horizon is further away?"
DIE_NOW = "do_nothing"
CONSTANTS = 32
PLANS = 8
PLAN_KNOTS = 4
BOUNDS = {204: 0.95, 240: 0.90}
"""Least rank correlation with 180 months, by horizon."""
TOP = 10


def ranks(values: Numbers) -> Numbers:
    """Rank of each of n values, from 1; equal values share the mean of their ranks."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count - 1) / 2.0)[place])


def spearman(one: Numbers, other: Numbers) -> float:
    """Rank correlation of two sets of n values (Spearman 1904); NaN if either has no order."""
    a, b = ranks(one), ranks(other)
    if np.ptp(a) == 0.0 or np.ptp(b) == 0.0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def check_last(scope: Scope, progress: ProgressFunction) -> Finding:
    """Built-in policies, corners and constant levers that fill the range, in the same worlds."""
    keys = scope.worlds()
    values: dict[str, Numbers] = {}
    bankrupt: dict[str, npt.NDArray[np.bool_]] = {}
    policies = built_in()
    for number, (name, policy) in enumerate(policies.items()):
        progress(0.5 * number / len(policies), name)
        outcome = play_worlds(policy, keys, horizon=HORIZON, seed=scope.seed)
        values[name], bankrupt[name] = outcome.value, outcome.bankrupt
    constants = latin_hypercube(CONSTANTS, len(LEVERS), np.random.default_rng(scope.seed))
    actions = np.concatenate([corners()[1:], constants])  # the first corner is DIE_NOW
    progress(0.5, "constant levers")
    earned = scope.players.play(months_of(actions[:, None], HORIZON, HORIZON), keys)
    for row, action in enumerate(actions):
        values[words_of(action)], bankrupt[words_of(action)] = earned.value[row], earned.bankrupt[row]
    return judged_last(values, bankrupt)


def judged_last(values: Mapping[str, Numbers], bankrupt: Mapping[str, npt.NDArray[np.bool_]]) -> Finding:
    """The verdict on J and bankruptcy of every policy in the same worlds, shape (worlds,) each; DIE_NOW is among them.

    A firm that borrows first and fails later loses more than one that fails at once, as it should, and two ways to fail
    at once differ by luck. A policy that stays in business must not earn less where it does, or failing would pay.
    """
    means = {name: float(value.mean()) for name, value in values.items()}
    living = {name: _while_living(values[name] - values[DIE_NOW], bankrupt[name]) for name in values}
    shares = {name: float(dead.mean()) for name, dead in bankrupt.items()}
    order = sorted(means, key=lambda name: means[name])
    below = [name for name in order if name != DIE_NOW and not means[name] > means[DIE_NOW]]
    dead = min((shares[name] for name in below), default=1.0)
    least = min((living[name].mean for name in below), default=float("inf"))
    fine = all(living[name].highest > 0.0 for name in below)
    also = f", each of them bankrupt in {100 * dead:.0f} % of worlds or more" if below else ""
    if np.isfinite(least):
        also += f"; over dying, where they live: {least:+.1f} at least"
    return Finding(
        "die_now_last",
        LAST_QUESTION,
        {
            "J_die_now": means[DIE_NOW],
            "J_least_other": min(mean for name, mean in means.items() if name != DIE_NOW),
            "policies": float(len(means)),
            "earn_less": float(len(below)),
            "built_in_that_earn_less": float(len(set(below) & set(BASELINES))),
            "corners_that_earn_less": float(len(set(below) & {words_of(corner) for corner in corners()})),
            "least_bankrupt_share_of_those": dead,
            **({"least_gain_while_living_of_those": least} if np.isfinite(least) else {}),
        },
        f"{len(below)} of {len(means) - 1} others earn no more than its {means[DIE_NOW]:.1f} RMB bn{also}",
        "no built-in policy, and nothing else surely in the worlds in which it stays in business",
        not set(BASELINES) & set(below) and fine,
        (
            "The ten that earn least:",
            *aligned(
                ("policy, or constant levers in [-1, 1]", "J, RMB bn", "bankrupt", "J over dying, while living"),
                [
                    (
                        name, f"{means[name]:.2f}", f"{100 * shares[name]:.0f} %",
                        f"{living[name].mean:+.2f}" if np.isfinite(living[name].mean) else "-",
                    )
                    for name in order[:TOP]
                ],
            ),
        ),
    )  # fmt: skip


class Living(NamedTuple):
    """Gain over dying at once in the worlds in which a firm stays in business, RMB bn.

    The mean, and the end above it of its 95 % interval: both infinite where one world or none is left to judge by.
    """

    mean: float
    highest: float


def _while_living(gain: Numbers, bankrupt: npt.NDArray[np.bool_]) -> Living:
    living = gain[~bankrupt]
    if len(living) < 2:
        return Living(float("inf"), float("inf"))
    mean = float(living.mean())
    return Living(mean, mean + 1.96 * float(living.std(ddof=1)) / math.sqrt(len(living)))


def check_stable(scope: Scope, progress: ProgressFunction) -> Finding:
    """Mean J of the same policies at three horizons, in the same worlds.

    Every policy does the same in the same calendar month; what it does in month 180 it does ever after.
    """
    keys = scope.worlds()
    generator = np.random.default_rng(scope.seed)
    constants = latin_hypercube(CONSTANTS, len(LEVERS), generator)
    plans = latin_hypercube(PLANS, PLAN_KNOTS * len(LEVERS), generator).reshape(PLANS, PLAN_KNOTS, len(LEVERS))
    names = [
        *built_in(stochastic=False),
        *(words_of(action) for action in constants),
        *(f"wavy plan {number + 1}" for number in range(PLANS)),
    ]
    values = {}
    for number, horizon in enumerate((HORIZON, *BOUNDS)):
        progress(number / (1 + len(BOUNDS)), f"{horizon} months")
        means = [
            play_worlds(OnCalendar(policy, horizon), keys, horizon=horizon).value.mean()
            for policy in built_in(stochastic=False).values()
        ]
        for knots in (constants[:, None], plans):
            means.extend(scope.players.play(months_of(knots, horizon, HORIZON), keys).value.mean(axis=1))
        values[horizon] = np.array(means)
    return judged_stable(names, values)


def judged_stable(names: list[str], values: Mapping[int, Numbers]) -> Finding:
    """The verdict on mean J of every policy, by horizon: 180 and those of BOUNDS."""
    first = values[HORIZON]
    better = first >= np.median(first)
    whole = {horizon: spearman(first, values[horizon]) for horizon in BOUNDS}
    upper = {horizon: spearman(first[better], values[horizon][better]) for horizon in BOUNDS}
    tops = [_top(names, table) for table in values.values()]
    return Finding(
        "horizon_ranking",
        STABLE_QUESTION,
        {f"spearman_{horizon}": found for horizon, found in whole.items()}
        | {f"spearman_{horizon}_better_half": found for horizon, found in upper.items()}
        | {"policies": float(len(names))},
        ", ".join(f"rank correlation {found:.3f} at {horizon} months" for horizon, found in whole.items()),
        ", ".join(f"at least {least:.2f} at {horizon}" for horizon, least in BOUNDS.items()),
        all(found >= BOUNDS[horizon] for horizon, found in whole.items()),
        (
            f"{len(names)} policies; among the better half "
            + ", ".join(f"{found:.3f} at {horizon} months" for horizon, found in upper.items())
            + ". The ten best, J in RMB bn:",
            *aligned(
                ("", *(f"{horizon} months" for horizon in values)),
                [(str(place + 1), *row) for place, row in enumerate(zip(*tops, strict=True))],
            ),
        ),
    )


def _top(names: list[str], values: Numbers) -> list[str]:
    return [f"{names[row]} {values[row]:.1f}" for row in np.argsort(-values)[:TOP]]
