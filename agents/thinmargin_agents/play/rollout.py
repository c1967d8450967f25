"""Play one policy through many worlds at once, one compiled step a month for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from thinmargin.baselines import Policy
from thinmargin.batch import Batch
from thinmargin.memory import check_memory
from thinmargin.records import LEVER_NAMES
from thinmargin.settings import SCORED, Closing, Settings
from thinmargin.shown import class_name, shown
from thinmargin.simulation import CLOSING_RULES, RUNNING
from thinmargin.worlds import Family
from thinmargin_agents.play.checked_policy import CheckedPolicy
from thinmargin_agents.play.outcome import EARNED, MONTHS, SPENT, YEARLY, Outcome
from thinmargin_agents.play.tally import LINE_COLUMNS, RULES, Part, Tally
from thinmargin_agents.play.time_limit import Clock

OTHER_NUMBERS = 2 + len(CLOSING_RULES) + 6
"""Numbers that are kept of a world besides those of its years and lines."""


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
    if all_rules:  # every rule is asked behind the month, the one that pays among them: no firm is closed twice
        settings = replace(settings, closing="none")
    if len(keys) < 1:
        raise ValueError("keys is empty: there must be at least one world key")
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
        raise ValueError(f"batch_size is {shown(batch_size)}: it must be a whole number from 1")
    numbers = len(YEARLY) * -(-horizon // MONTHS) + len(LINE_COLUMNS) + OTHER_NUMBERS
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
        tally = Tally(batch, RULES if all_rules else (), closing)
        parts.append(_play(checked, batch, horizon, progress, tally))
    return _joined(parts)


def play_families(
    policy: Policy,
    keys: Sequence[int] | npt.NDArray[np.int64],
    families: Sequence[str],
    *,
    horizon: int = 180,
    discrete: bool = False,
    closing: Closing = SCORED,
    seed: int = 0,
    name: str | None = None,
    progress: Callable[[int], None] | None = None,
    clock: Clock | None = None,
) -> list[Outcome]:
    """Play `policy` through the worlds of these keys in several families in step: an outcome a family.

    Each is what `play_worlds` with `all_rules` finds there, as long as what the policy does in a world depends on that
    world alone; few worlds of many families are played sooner so.

    Args:
        policy: as of `play_worlds`.
        keys: world keys, at least one, the same in every family.
        families: names of families of worlds.
        horizon: months of an episode.
        discrete: as of `play_worlds`.
        closing: what the reward pays at the horizon.
        seed: handed to the policy's `reset`, once.
        name: what errors call the policy.
        progress: as of `play_worlds`, of all families.
        clock: the policy's time, entered by the caller.

    Raises:
        PolicyError, ValueError, TypeError, MemoryError: as `play_worlds`.
    """
    if not len(keys) or not len(families):
        raise ValueError(f"{len(keys)} keys and {len(families)} families are given: at least one of each must be")
    every = [Settings(worlds=family, closing="none", horizon=horizon, discrete=discrete) for family in families]
    checked = CheckedPolicy(policy, name or class_name(type(policy)), discrete=discrete, clock=clock)
    checked.reset(seed)
    count = len(keys)
    batch = every[0].batch(count * len(every))
    rows = np.arange(len(batch.keys)).reshape(len(every), count)
    for places, settings in zip(rows, every, strict=True):
        batch.draw(places, settings.family(), keys)
    batch.begin(rows.ravel())
    part = _play(checked, batch, horizon, progress, Tally(batch, RULES, closing))
    return [_joined([part.of(slice(places[0], places[-1] + 1))]) for places in rows]


def _play(
    policy: CheckedPolicy, batch: Batch, horizon: int, progress: Callable[[int], None] | None, tally: Tally
) -> Part:
    size = len(batch.keys)
    alive, running = np.ones(size, np.bool_), size
    seen = batch.observations.copy()
    state: Any = None
    for month in range(horizon):
        among = alive if running < size else None
        actions, state = policy.actions(seen, state, fresh=month == 0, month=month, alive=among, keys=batch.keys)
        batch.step(actions)
        tally.add(month, actions, batch, alive, everyone=among is None)
        # A new array: policies may hold on to the last one.
        seen = batch.observations.copy() if among is None else np.where(alive[:, None], batch.observations, seen)
        settled = running
        if batch.ends.any():
            ended = batch.ends != RUNNING
            alive &= ~ended
            running = int(alive.sum())
            settled += (settled - running) * (horizon - month - 1)
            if running:
                batch.begin(np.flatnonzero(ended))  # ended rows run on unread: a new start keeps numbers in range
        if progress is not None:
            progress(settled)
        if not running:
            break
    return tally.part()


def _joined(parts: Sequence[Part]) -> Outcome:
    whole = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts], axis=-1) for field in fields(Part)
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
