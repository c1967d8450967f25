"""Play one policy through many worlds at once, one compiled step a month for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from thinmargin import MONTHLY_DISCOUNT
from thinmargin.baselines import Policy
from thinmargin.batch import Batch
from thinmargin.memory import check_memory
from thinmargin.records import LEVER_NAMES, REPORT, REPORT_FIELDS
from thinmargin.settings import SCORED, Closing, Settings
from thinmargin.shown import class_name, shown
from thinmargin.simulation import BANKRUPT, CLOSED, CLOSING_RULES, RUNNING
from thinmargin.worlds import Family
from thinmargin_agents.play.candidates import REWARD_UNIT
from thinmargin_agents.play.checked_policy import CheckedPolicy
from thinmargin_agents.play.outcome import BILLION, EARNED, MONTHS, SATURATED, SPENT, YEARLY, Numbers, Outcome
from thinmargin_agents.play.time_limit import Clock

RULES: tuple[Closing, ...] = ("own_levers", "playbook")
"""Closing rules that pay something, the scored one first."""
_PLACE = {field.name: place for place, field in enumerate(REPORT_FIELDS)}
_YEARLY_COLUMNS = [_PLACE[name] for name in YEARLY]
_LINE_COLUMNS = [_PLACE[name] for name in (*EARNED, *SPENT)]
_LINE_SIGNS = np.array([1.0] * len(EARNED) + [-1.0] * len(SPENT))
OTHER_NUMBERS = 2 + len(CLOSING_RULES) + 6
"""Numbers that are kept of a world besides those of its years and lines."""
_PROFIT, _CLOSING = _PLACE["profit_term"], _PLACE["closing_term"]


def play_worlds(
    policy: Policy,
    keys: Sequence[int] | npt.NDArray[np.int64],
    *,
    worlds: str = "benchmark",
    family: Family | None = None,
    horizon: int = 180,
    discrete: bool = False,
    closing: Closing = SCORED,
    all_rules: bool = False,
    batch_size: int = 512,
    seed: int = 0,
    name: str | None = None,
    progress: Callable[[int], None] | None = None,
    clock: Clock | None = None,
) -> Outcome:
    """Play `policy` once through the world of every key.

    A world that ended is not counted again: its row keeps its last observation, and what the policy
    answers there is ignored. Recurrent state is handed through; `episode_start` is True in the first
    month of a batch and False afterwards. A policy with `reset(seed)` is reset once, before the first
    batch, so what a policy with a random generator of its own does depends on `batch_size`; nothing else does.

    Args:
        policy: anything with Stable-Baselines3's `predict`, asked for many worlds at once.
        keys: world keys, at least one.
        worlds: name of a family of worlds, as of `thinmargin.env.EcosystemEnv`.
        family: source of the worlds instead of the one that `worlds` names.
        horizon: months of an episode.
        discrete: True if the policy answers with grid indices of shape (n,), not actions of shape (n, 4).
        closing: what is played behind the horizon to price what the firm is worth.
        all_rules: True computes what every closing rule would have paid, see `Outcome.closing_rules`.
        batch_size: most worlds in step; memory grows with it (about 20 kB a world of 180 months).
        seed: handed to the policy's `reset`.
        name: what errors call the policy; its class by default.
        progress: called every month with the number of months just settled; the calls sum to
            len(keys) * horizon, since months behind a bankruptcy are settled with it.
        clock: the policy's time, entered by the caller; no limit by default.

    Raises:
        PolicyError: the policy raised, ran out of time, or answered with a wrong type, shape or number;
            the message names policy, month and what is allowed.
        ValueError, TypeError: another argument is not among what is allowed.
        MemoryError: the worlds, or those in step, need more memory than there is.
    """
    settings = Settings(worlds=worlds, closing=closing, horizon=horizon, discrete=discrete)
    if len(keys) < 1:
        raise ValueError("keys is empty: there must be at least one world key")
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
        raise ValueError(f"batch_size is {shown(batch_size)}: it must be a whole number from 1")
    numbers = len(YEARLY) * -(-horizon // MONTHS) + len(_LINE_COLUMNS) + OTHER_NUMBERS
    check_memory(f"{len(keys):,} worlds of {horizon} months", len(keys) * numbers * np.dtype(np.float64).itemsize)
    checked = CheckedPolicy(policy, name or class_name(type(policy)), discrete=discrete, clock=clock)
    checked.reset(seed)
    family = family or settings.family()
    batch = settings.batch(min(batch_size, len(keys)))
    parts = []
    for first in range(0, len(keys), batch_size):
        chunk = keys[first : first + batch_size]
        if len(chunk) < len(batch.keys):
            batch = settings.batch(len(chunk))
        rows = np.arange(len(chunk))
        batch.draw(rows, family, chunk)
        batch.begin(rows)
        parts.append(_play(checked, batch, horizon, progress, RULES if all_rules else ()))
    return _joined(parts)


@dataclass(frozen=True, eq=False)
class _Part:
    """One batch played: arrays of `Outcome`, worlds last."""

    value: Numbers
    profit_part: Numbers
    closing_part: Numbers
    bankrupt: npt.NDArray[np.bool_]
    months: npt.NDArray[np.int64]
    saturated: npt.NDArray[np.int64]
    """Shape (levers, n): months in which the lever was asked for at the end of its range."""
    yearly: Numbers
    """Shape (names, years, n)."""
    lines: Numbers
    """Shape (lines, n)."""
    keys: npt.NDArray[np.int64]
    closed_at: Numbers
    """Shape (closing rules, n)."""


def _play(
    policy: CheckedPolicy,
    batch: Batch,
    horizon: int,
    progress: Callable[[int], None] | None,
    rules: Sequence[Closing],
) -> _Part:
    size = len(batch.keys)
    report = batch.reports.view(np.float64).reshape(size, len(REPORT.names or ()))
    value, profit_part, closing_part = np.zeros(size), np.zeros(size), np.zeros(size)
    bankrupt = np.zeros(size, np.bool_)
    months = np.zeros(size, np.int64)
    saturated = np.zeros((size, len(LEVER_NAMES)), np.int64)
    sums = np.zeros((-(-horizon // MONTHS), size, len(YEARLY)))
    counts = np.zeros((len(sums), size))
    lines = np.zeros((size, len(_LINE_COLUMNS)))
    closed_at = np.zeros((len(rules), size))
    alive = np.ones(size, np.bool_)
    seen = batch.observations.copy()
    state: Any = None
    for month in range(horizon):
        actions, state = policy.actions(seen, state, fresh=month == 0, month=month, alive=alive, keys=batch.keys)
        saturated += (np.abs(actions) >= SATURATED) & alive[:, None]
        batch.step(actions)
        weight = alive * (REWARD_UNIT * MONTHLY_DISCOUNT**month)
        value += weight * batch.rewards
        profit_part += weight * report[:, _PROFIT]
        closing_part += weight * report[:, _CLOSING]
        lines += (alive * (BILLION * MONTHLY_DISCOUNT**month))[:, None] * report[:, _LINE_COLUMNS]
        sums[month // MONTHS] += report[:, _YEARLY_COLUMNS] * alive[:, None]
        counts[month // MONTHS] += alive
        months += alive
        seen = np.where(alive[:, None], batch.observations, seen)  # a new array: policies may hold on to the last one
        ended = batch.ends != RUNNING
        closed = np.flatnonzero(alive & (batch.ends == CLOSED))
        for place, rule in enumerate(rules if len(closed) else ()):
            worth = batch.closing_values(closed, CLOSING_RULES.index(rule))
            closed_at[place, closed] = BILLION * MONTHLY_DISCOUNT**month * worth
        bankrupt |= alive & (batch.ends == BANKRUPT)
        settled = int(alive.sum()) + int((alive & ended).sum()) * (horizon - month - 1)
        alive &= ~ended
        if progress is not None:
            progress(settled)
        if not alive.any():
            break
        if ended.any():
            batch.begin(np.flatnonzero(ended))  # an ended row runs on unread: a new start keeps its numbers in range
    with np.errstate(invalid="ignore"):
        yearly = sums / counts[:, :, None]  # 0 / 0, the years after a bankruptcy, is NaN
    return _Part(
        value, profit_part, closing_part, bankrupt, months, saturated.T, yearly.transpose(2, 0, 1),
        (lines * _LINE_SIGNS).T, batch.keys.copy(), closed_at,
    )  # fmt: skip


def _joined(parts: Sequence[_Part]) -> Outcome:
    whole = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts], axis=-1) for field in fields(_Part)
    }
    saturated = whole.pop("saturated").sum(axis=-1) / whole["months"].sum()
    yearly, lines, closed_at = whole.pop("yearly"), whole.pop("lines"), whole.pop("closed_at")
    return Outcome(
        **whole,
        saturation=dict(zip(LEVER_NAMES, saturated.tolist(), strict=True)),
        yearly=dict(zip(YEARLY, yearly, strict=True)),
        lines=dict(zip((*EARNED, *SPENT), lines, strict=True)),
        closing_rules=dict(zip(RULES, closed_at, strict=False)),
    )
