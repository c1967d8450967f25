"""The optimum of the one-state world by backward induction (Bellman 1957) on the compiled month itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import gymnasium
import numpy as np
import numpy.typing as npt

from thinmargin import MONTHLY_DISCOUNT
from thinmargin.batch import Batch
from thinmargin.families import FAMILY_TABLE
from thinmargin.levers import read_levers
from thinmargin.records import FIRMS, HOME, LEVERS, PRICE, SEAT
from thinmargin.settings import Settings
from thinmargin.splits import keys_of
from thinmargin_agents.play.candidates import REWARD_UNIT

Numbers = npt.NDArray[np.float64]

ENVIRONMENT = FAMILY_TABLE["one_state"].id
KEY = keys_of("train")[0]
"""Any key: the worlds of this family are all the same."""
RIVAL = FIRMS - 1
"""The firm that owns the users the seat does not own."""
USERS, PRICES = 400, 160
"""Steps of the grids of users and prices; the check halves both."""
AGREE = 1e-3
"""Largest relative difference of the value from that on half the grid, and from what the policy earns."""


def settings_of_the_world() -> Settings:
    """The environment's own keyword arguments."""
    return Settings(**gymnasium.spec(ENVIRONMENT).kwargs)


def frugal(price: npt.ArrayLike) -> Numbers:
    """Actions with these prices in [-1, 1] that spend as little as can be: shape (..., 4)."""
    actions = np.full((*np.shape(price), len(LEVERS)), -1.0)
    actions[..., PRICE] = price
    return actions


def markup_of(price: npt.ArrayLike) -> Numbers:
    """Target markups that prices in [-1, 1] ask for, of the same shape."""
    levers = np.zeros(len(LEVERS))

    def read(number: float) -> float:
        read_levers(frugal(number), levers)
        return float(levers[PRICE])

    markups: Numbers = np.vectorize(read, otypes=[np.float64])(price)
    return markups


class Month:
    """One month of the world from each of many numbers of users at home.

    Args:
        users: shape (n,), m users of the seat; the rival owns the rest.

    Attributes:
        states: record array of shape (n,), those of January 2012 but for the users: where each month begins.
        batch: the compiled rows, one a state, that a month is run on.
    """

    def __init__(self, users: Numbers) -> None:
        self.batch = batch_at_start(settings_of_the_world(), len(users))
        self.states = self.batch.states.copy()
        everybody = self.states["users"][:, :, HOME].sum(axis=1)
        self.states["users"][:, :, HOME] = 0.0
        self.states["users"][:, SEAT, HOME] = users
        self.states["users"][:, RIVAL, HOME] = everybody - users

    def run(self, month: int, actions: Numbers) -> tuple[Numbers, Numbers]:
        """Run this month, counted from 0, with actions of shape (n, 4).

        Returns:
            The users after it, m users, and the rewards, RMB bn, the closing value of the last month among
            them: both of shape (n,).
        """
        batch = self.batch
        batch.states[:] = self.states
        batch.states["month"] = month
        batch.step(np.require(actions, np.float64, ["C", "W"]))  # another layout would be compiled anew
        return batch.states["users"][:, SEAT, HOME].copy(), REWARD_UNIT * batch.rewards


def batch_at_start(settings: Settings, size: int) -> Batch:
    """`size` copies of the world in January 2012."""
    batch = settings.batch(size)
    rows = np.arange(size)
    batch.draw(rows, settings.family(), np.full(size, KEY))
    batch.begin(rows)
    return batch


def users_at_start() -> tuple[float, float]:
    """The seat's users at home in January 2012, and everybody's, m users."""
    users = batch_at_start(settings_of_the_world(), 1).states["users"][0, :, HOME]
    return float(users[SEAT]), float(users.sum())


@dataclass(frozen=True, eq=False)
class Optimum:
    """The optimal price and value in every month and for every number of users.

    Attributes:
        users: shape (n,), m users, evenly spaced from none to all.
        values: shape (months, n), RMB bn: earnings from a month on, discounted to it.
        prices: shape (months, n): the best action of the price lever; the other levers are at their lowest.
    """

    users: Numbers
    values: Numbers
    prices: Numbers

    @property
    def value(self) -> float:
        """J of the best policy, RMB bn, from the users at the start."""
        return float(np.interp(users_at_start()[0], self.users, self.values[0]))

    def price(self, month: int, users: float) -> float:
        """The best action of the price lever, linear between the users of the grid."""
        return float(np.interp(users, self.users, self.prices[month]))


def optimum(users: int = USERS, prices: int = PRICES, progress: Callable[[int], None] | None = None) -> Optimum:
    """Backward induction: V_t(U) = max over a of r(U, a) + gamma V_t+1(U'), V linear between users.

    r and U' are what the compiled month returns from U; the last month's r holds the closing value.

    Args:
        users: steps of the grid of users.
        prices: steps of the grid of prices in [-1, 1].
        progress: called with the number of months done.
    """
    grid = np.linspace(0.0, users_at_start()[1], users + 1)
    choices = np.linspace(-1.0, 1.0, prices + 1)
    month_from = Month(grid)
    months = settings_of_the_world().horizon
    values, best = np.zeros((months + 1, len(grid))), np.zeros((months, len(grid)))
    worth = np.zeros((len(choices), len(grid)))
    for month in reversed(range(months)):
        for row, price in zip(worth, choices, strict=True):
            after, earned = month_from.run(month, frugal(np.full(len(grid), price)))
            row[:] = earned + MONTHLY_DISCOUNT * np.interp(after, grid, values[month + 1])
        values[month], best[month] = worth.max(axis=0), choices[worth.argmax(axis=0)]
        if progress is not None:
            progress(months - month)
    return Optimum(grid, values[:-1], best)


@dataclass(frozen=True, eq=False)
class Episode:
    """The optimum played in the environment.

    Attributes:
        value: J, RMB bn.
        users: shape (months,), m users before each month.
        markups: shape (months,), as applied.
    """

    value: float
    users: Numbers
    markups: Numbers


def play(best: Optimum) -> Episode:
    """One episode of the registered environment, each month's price looked up from the users then there."""
    environment = gymnasium.make(ENVIRONMENT)
    _, info = environment.reset(options={"world": KEY})
    value, month, over = 0.0, 0, False
    users, markups = [], []
    while not over:
        users.append(info["books"]["users_home"])
        action = frugal(best.price(month, users[-1])).astype(np.float32)
        _, reward, terminated, truncated, info = environment.step(action)
        markups.append(info["levers"]["applied"]["price"])
        value += REWARD_UNIT * MONTHLY_DISCOUNT**month * float(reward)
        month, over = month + 1, terminated or truncated
    return Episode(value, np.array(users), np.array(markups))


@dataclass(frozen=True, eq=False)
class CheckedOptimum:
    """The optimum, and the two numbers that must come out the same if it is exact."""

    optimum: Optimum
    coarse: float
    """J on grids of half as many steps, RMB bn."""
    played: Episode

    @property
    def differences(self) -> tuple[float, float]:
        """Relative to the optimum: the value on half the grid, and what its policy earns in the environment."""
        value = self.optimum.value
        return self.coarse / value - 1.0, self.played.value / value - 1.0

    @property
    def holds(self) -> bool:
        """Whether both are within AGREE."""
        return all(abs(difference) < AGREE for difference in self.differences)


def checked_optimum(
    users: int = USERS, prices: int = PRICES, progress: Callable[[int], None] | None = None
) -> CheckedOptimum:
    """The optimum on these grids with its check; `progress` is called with the months done, of twice the horizon."""
    coarse = optimum(users // 2, prices // 2, progress)
    months = len(coarse.prices)
    fine = optimum(users, prices, None if progress is None else lambda done: progress(months + done))
    return CheckedOptimum(fine, coarse.value, play(fine))
