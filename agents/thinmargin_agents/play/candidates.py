"""Many candidates played through the same worlds at once, for searches and sweeps.

`thinmargin_agents.play.rollout` judges one policy, checks its answers and records its years; here only earnings are
recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thinmargin import MONTHLY_DISCOUNT
from thinmargin.batch import Batch
from thinmargin.economics.finance import monthly_discount
from thinmargin.parameters import Parameters, with_overrides
from thinmargin.plans import between
from thinmargin.records import LEVERS, MONEY_SCALE
from thinmargin.settings import Settings
from thinmargin.simulation import BANKRUPT, RUNNING
from thinmargin.worlds import Family

Numbers = npt.NDArray[np.float64]
Seen = npt.NDArray[np.float32]

REWARD_UNIT = MONEY_SCALE / 1e3
"""RMB bn in one unit of reward."""


class Earned(NamedTuple):
    """Earnings of every row, RMB bn: J and the closing value in it; and whether it went bankrupt."""

    value: Numbers
    closing: Numbers
    bankrupt: npt.NDArray[np.bool_]


def counted(batch: Batch, month: int, alive: npt.NDArray[np.bool_], discount: float = MONTHLY_DISCOUNT) -> Numbers:
    """What the month just run, counted from 0, adds to J of every row that is alive, RMB bn."""
    added: Numbers = alive * (REWARD_UNIT * discount**month) * batch.rewards
    return added


def play_rows(
    batch: Batch, actions: Callable[[int], Numbers], discount: float = MONTHLY_DISCOUNT, first: int = 0
) -> Earned:
    """Play every row of a batch from January 2012 to its end, or only what is left of it from a later month.

    Args:
        batch: worlds drawn; they are started again, unless the play goes on from a later month.
        actions: of a month, counted from 0: float64 of shape (rows, 4); it may look at `batch.observations`.
            Actions of a row that has ended are ignored.
        discount: of one month; January 2012 counts at its face value.
        first: month to begin with; if it is not 0, the states and reports of the batch are those in which it begins,
            and only what is earned from then on is returned.

    Returns:
        Three arrays of shape (rows,).
    """
    size = len(batch.keys)
    if first == 0:
        batch.begin(np.arange(size))
    value, closing = np.zeros(size), np.zeros(size)
    bankrupt = np.zeros(size, np.bool_)
    alive = np.ones(size, np.bool_)
    horizon = int(batch.horizon)
    for month in range(first, horizon):
        batch.step(np.require(actions(month), np.float64, ["C", "W"]))  # another layout would be compiled anew
        value += counted(batch, month, alive, discount)
        if batch.ends.any():
            closing += alive * (REWARD_UNIT * discount**month) * batch.reports["closing_term"]  # zero in other months
            ended = np.flatnonzero(batch.ends != RUNNING)
            bankrupt |= alive & (batch.ends == BANKRUPT)
            alive[ended] = False
            if month < horizon - 1:
                batch.begin(ended)  # an ended row runs on unread: a new start keeps its numbers in range
    return Earned(value, closing, bankrupt)


class Candidates:
    """The same worlds for every candidate, a number of candidates at a time.

    Args:
        keys: world keys.
        candidates: how many are judged at a time.
        settings: worlds, horizon, parameters and closing value, as of the environment; the parameters'
            discount rate is that of J.
        family: source of the worlds, where it is another than that of the settings.
    """

    def __init__(
        self, keys: Sequence[int], candidates: int, settings: Settings | None = None, family: Family | None = None
    ) -> None:
        settings = settings or Settings()
        self._family = family or settings.family()
        self.candidates, self.worlds, self.horizon = candidates, len(keys), settings.horizon
        self.batch = settings.batch(candidates * len(keys))
        self.draw(keys)
        self._discount = monthly_discount(with_overrides(Parameters(), settings.parameters).discount_rate)

    def draw(self, keys: Sequence[int]) -> None:
        """Draw other worlds, as many as before."""
        if len(keys) != self.worlds:
            raise ValueError(f"keys has length {len(keys)}: it must be {self.worlds}")
        self.batch.draw(np.arange(len(self.batch.keys)), self._family, np.tile(keys, self.candidates))

    def play(self, answer: Callable[[Seen, float], Numbers]) -> Earned:
        """Earnings of each candidate in each world: three arrays of shape (candidates, worlds).

        Args:
            answer: gets observations of shape (candidates, worlds, 32) and the share of the episode gone,
                and returns actions that broadcast to (candidates, worlds, 4).
        """
        shape = (self.candidates, self.worlds, len(LEVERS))
        seen = self.batch.observations.reshape(self.candidates, self.worlds, -1)

        def actions(month: int) -> Numbers:
            return np.broadcast_to(answer(seen, month / self.horizon), shape).reshape(-1, len(LEVERS))

        earned = play_rows(self.batch, actions, self._discount)
        matrix = (self.candidates, self.worlds)
        return Earned(earned.value.reshape(matrix), earned.closing.reshape(matrix), earned.bankrupt.reshape(matrix))

    def plans(self, knots: npt.ArrayLike) -> Earned:
        """Earnings of plans that react to nothing: knots of shape (candidates, k, 4); one knot is constant levers."""
        table = np.asarray(knots, np.float64)
        return self.play(lambda _, time: between(table, [time]))
