"""Months played from tests: levers in, the whole record of the play out."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from thinmargin.batch import Batch
from thinmargin.discounting import MONTHLY_DISCOUNT
from thinmargin.levers import action_of
from thinmargin.parameters import Parameters
from thinmargin.records import FLOWS, REPORT, SEAT, SHOCKS, STATE
from thinmargin.simulation import NO_CLOSING, OWN_LEVERS, RUNNING
from thinmargin.worlds import World, neutral_world

Numbers = npt.NDArray[np.float64]
Table = npt.NDArray[Any]

ENDLESS = 1e6
"""RMB m that no firm of these tests can lose."""


def levers(
    markup: float = 0.05, accessories: float = 0.012, marketing: float = 0.035, updates: float = 4.33
) -> Numbers:
    """The action, float64 of shape (4,), that asks for these levers."""
    return action_of(markup, accessories, marketing, updates).astype(np.float64)


def quiet_world(horizon: int = 180, **constants: Any) -> World:
    """The calibrated world without shocks, with these constants."""
    return neutral_world(Parameters(**constants), horizon)


def rich_world(horizon: int = 180, **constants: Any) -> World:
    """The same with a seat that cannot run out of money, whatever it does."""
    world = quiet_world(horizon, **constants)
    world.economy["firm_cash"][SEAT] = ENDLESS
    return world


def begun(*worlds: World, horizon: int = 180, closing: bool = False, shaped: bool = False) -> Batch:
    """A batch with one row a world, in January 2012."""
    batch = Batch(len(worlds), horizon, OWN_LEVERS if closing else NO_CLOSING, shaped=shaped)
    for row, world in enumerate(worlds):
        batch.put(row, world)
    batch.begin(np.arange(len(worlds)))
    return batch


def run(batch: Batch, actions: Numbers, months: int) -> Table:
    """Play the same actions, one a row or one for all, for some months: the reports, of shape (months, size)."""
    every = np.broadcast_to(actions, (len(batch.states), 4)).copy()
    reports = np.zeros((months, len(batch.states)), REPORT)
    for month in range(months):
        batch.step(every)
        reports[month] = batch.reports
    return reports


def values(world: World, actions: Numbers, horizon: int = 180) -> Numbers:
    """Discounted reward, RMB bn, of each of these constant actions in one world, closing value paid."""
    batch = begun(*[world] * len(actions), horizon=horizon, closing=True)
    worth = np.zeros(len(actions))
    running = np.ones(len(actions), bool)
    for month in range(horizon):
        batch.step(actions)
        worth += np.where(running, MONTHLY_DISCOUNT**month * batch.rewards, 0.0)
        running &= batch.ends == RUNNING
    return 10.0 * worth


@dataclass
class Play:
    """What happened in one world, one record a month run: arrays of shape (months,)."""

    economy: np.record
    shocks: Table
    before: Table
    after: Table
    flows: Table
    reports: Table
    rewards: Numbers
    ends: npt.NDArray[np.int64]


def watched(batch: Batch, actions: Numbers) -> Play:
    """Play a row of actions a month in a batch of one, to the end of the episode at most, and record everything."""
    months = len(actions)
    play = Play(
        batch.economies[0], np.zeros(months, SHOCKS),
        np.zeros(months, STATE), np.zeros(months, STATE), np.zeros(months, FLOWS), np.zeros(months, REPORT),
        np.zeros(months), np.zeros(months, np.int64),
    )  # fmt: skip
    for month in range(months):
        play.before[month] = batch.states[0]
        batch.step(actions[month : month + 1])
        play.after[month] = batch.states[0]
        play.shocks[month] = batch.last_shocks[0]
        play.flows[month] = batch.flows[0]
        play.reports[month] = batch.reports[0]
        play.rewards[month] = batch.rewards[0]
        play.ends[month] = batch.ends[0]
        if play.ends[month] != RUNNING:
            return _shortened(play, month + 1)
    return play


def _shortened(play: Play, months: int) -> Play:
    parts = {item.name: getattr(play, item.name)[:months] for item in fields(play) if item.name != "economy"}
    return replace(play, **parts)
