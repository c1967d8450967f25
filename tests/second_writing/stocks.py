"""The stocks of every firm and market of many episodes, and the levers of a month.

Written from docs/model.md and docs/environment.md alone; nothing of the package's equations is imported. Axes are
firm, region, episode, as far as a quantity has them: constants and shocks of a market have the episode alone.
"""

from dataclasses import dataclass

from tests.second_writing.constants import Array

HOME, OVERSEAS = 0, 1
SEAT = 0


@dataclass
class State:
    """Stocks of every firm and market as a month begins."""

    month: int
    users: Array
    second_users: Array
    coverage: Array
    reach: Array
    adstock: Array
    user_years: Array
    imitation: Array
    fans: Array
    engagement: Array
    output: Array
    capacity: Array
    inventory: Array
    forecast: Array
    seeded: Array
    growing: Array
    breadth: Array
    markup: Array
    base_cost: Array
    unit_cost: Array
    price: Array
    trailing_revenue: Array
    cash: Array
    gap_start: Array
    price_index_start: Array
    price_index: Array
    passed: Array


@dataclass
class Levers:
    """What each firm chooses for a month: target markup, shares of trailing revenue, releases a month."""

    price: Array
    accessories: Array
    marketing: Array
    updates: Array
