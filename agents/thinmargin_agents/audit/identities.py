"""The check that the accounts add up: random levers in worlds of every family, month by month."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from thinmargin.baselines import RandomPolicy
from thinmargin.batch import Batch
from thinmargin.records import HOME, LEVERS, MONEY_SCALE, OVERSEAS, SEAT, STATE
from thinmargin.scenarios import FAMILIES
from thinmargin.settings import Settings
from thinmargin.simulation import RUNNING
from thinmargin_agents.audit.findings import HORIZON, Finding, ProgressFunction, Scope
from thinmargin_agents.play.outcome import Outcome
from thinmargin_agents.play.rollout import play_worlds

Table = npt.NDArray[Any]
Numbers = npt.NDArray[np.float64]

QUESTION = "Do the accounts add up, and do users stay conserved, whatever is done?"
EXACT = 1e-9
"""Relative error that counts as none."""
EITHER_SIGN = {
    "markup", "cash", "gap_start", "demand_level", "component_level", "brand_level", "passed",
    "own_levers", "own_sum",
}  # fmt: skip
"""Numbers of the state that may be below zero."""
SHARES = ("coverage", "reach", "fans")
COSTS = ("marketing", "tickets", "releases", "overhead", "holding")


def relative(found: Numbers, expected: Numbers, scale: Numbers | float = 1.0) -> float:
    """Largest difference, over the larger of the two numbers or `scale`; NaN if a number is NaN."""
    size = np.maximum(np.maximum(abs(found), abs(expected)), scale)
    return float((abs(found - expected) / size).max(initial=0.0))


def breaches(before: Table, batch: Batch) -> dict[str, float]:
    """By how much each identity fails in the month a batch has just run, by name: zero is exact.

    Args:
        before: the states before that month.
        batch: afterwards.
    """
    after, books = batch.states, batch.reports
    spent = sum((books[name] for name in COSTS), np.zeros(len(books)))
    turnover = books["revenue"] + spent
    to_owners = books["profit"] - books["stock"]
    return {
        "cash change = profit less stock paid": relative(
            after["cash"][:, SEAT] - before["cash"][:, SEAT],
            to_owners,
            abs(before["cash"][:, SEAT]) + abs(after["cash"][:, SEAT]),
        ),
        "lines of revenue sum to revenue": relative(
            books["device_revenue"] + books["accessory_revenue"] + books["services_revenue"], books["revenue"]
        ),
        "lines of the statement sum to profit": relative(
            books["device_profit"] + books["accessory_profit"] + books["services_profit"]
            - spent - books["interest"] - books["tax"],
            books["profit"],
            turnover,
        ),
        "reward terms sum to the reward": relative(
            books["profit_term"] + books["closing_term"] + books["shaping_term"], batch.rewards
        ),
        "profit term = profit less stock paid": relative(books["profit_term"], to_owners / MONEY_SCALE),
        "users of the report = users of the state": relative(
            np.stack([books["users_home"], books["users_overseas"]], axis=1), after["users"][:, SEAT, [HOME, OVERSEAS]]
        ),
        "users of all firms never fall": _users_lost(before, after),
        "users stay below their ceilings": _users_over(after, batch.economies),
        "numbers of the state out of range": float(_out_of_range(after, batch.economies)),
    }  # fmt: skip


def _users_lost(before: Table, after: Table) -> float:
    old, new = before["users"].sum(axis=1), after["users"].sum(axis=1)
    return float(np.maximum((old - new) / old, 0.0).max())


def _users_over(after: Table, economies: Table) -> float:
    ceiling = economies["users_ceiling"]
    return float(np.maximum(after["users"].sum(axis=1) / ceiling - 1.0, 0.0).max())


def _out_of_range(after: Table, economies: Table) -> int:
    """Number of entries of the state that are not finite, below zero where they must not be, or above one."""
    count = 0
    for name in STATE.names or ():
        low = -np.inf if name in EITHER_SIGN else 0.0
        high = 1.0 + EXACT if name in SHARES else np.inf
        count += int((~((after[name] >= low) & (after[name] <= high) & np.isfinite(after[name]))).sum())
    return count + int((after["fans"] > economies["fan_ceiling"][:, None] * (1.0 + EXACT)).sum())


def random_play(family: str, keys: range, seed: int) -> dict[str, float]:
    """The largest breach of each identity in 180 months of random levers, with the shaped reward.

    In every second world the levers are anywhere in their range, in the others at one end or the other, anew
    every month. A world that has ended begins anew in the next month.
    """
    settings = Settings(worlds=family, reward="shaped", horizon=HORIZON)
    batch = settings.batch(len(keys))
    rows = np.arange(len(keys))
    batch.draw(rows, settings.family(), keys)
    batch.begin(rows)
    generator = np.random.default_rng(seed)
    worst: dict[str, float] = {}
    for _ in range(HORIZON):
        actions = generator.uniform(-1.0, 1.0, (len(keys), len(LEVERS)))
        actions[1::2] = np.sign(actions[1::2])
        before = batch.states.copy()
        batch.step(actions)
        worst = worse(worst, breaches(before, batch))
        ended = np.flatnonzero(batch.ends != RUNNING)
        if len(ended):
            batch.begin(ended)
    return worst


def breaches_of_value(outcome: Outcome) -> dict[str, float]:
    """By how much the parts of J fail to sum to it, in whole episodes."""
    lines = sum(outcome.lines.values(), np.zeros(len(outcome.value)))
    size = sum((abs(line) for line in outcome.lines.values()), np.ones(len(outcome.value)))
    return {
        "J = years run + closing value": relative(outcome.profit_part + outcome.closing_part, outcome.value, size),
        "discounted lines sum to the years run": relative(lines, outcome.profit_part, size),
    }


def worse(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    """The larger of two breaches of each identity; NaN is larger than anything."""
    return {name: float(np.maximum(one.get(name, 0.0), other.get(name, 0.0))) for name in {**one, **other}}


def judged(worst: Mapping[str, float], months: int) -> Finding:
    """The verdict on the largest breaches found in so many world-months."""
    broken = [name for name, size in worst.items() if not size <= EXACT]  # NaN is broken
    least = max(worst, key=lambda name: (np.isnan(worst[name]), worst[name]))
    return Finding(
        "identities",
        QUESTION,
        dict(worst),
        f"largest relative error {worst[least]:.1e} ({least})",
        f"each at most {EXACT:.0e}",
        not broken,
        (
            f"{months:,} world-months of random levers, families {', '.join(FAMILIES)}:",
            *(f"{size:8.1e}  {name}{'  BROKEN' if name in broken else ''}" for name, size in worst.items()),
        ),
    )


def check(scope: Scope, progress: ProgressFunction) -> Finding:
    """Random play in worlds of every family; see the module."""
    keys = scope.worlds()
    worst: dict[str, float] = {}
    for number, family in enumerate(FAMILIES):
        progress(number / (len(FAMILIES) + 1), family)
        worst = worse(worst, random_play(family, keys, scope.seed + number))
    progress(len(FAMILIES) / (len(FAMILIES) + 1), "value")
    worst = worse(worst, breaches_of_value(play_worlds(RandomPolicy(), keys, horizon=HORIZON, seed=scope.seed)))
    return judged(worst, len(FAMILIES) * len(keys) * HORIZON)
