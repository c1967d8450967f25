"""Episodes: reset, step, reward, closing value, end and observation, many worlds of a family at once.

Written from docs/model.md and docs/environment.md alone; nothing of the package's equations is imported.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tests.second_writing.constants import Array, Named, number, table
from tests.second_writing.draws import Worlds
from tests.second_writing.formulas import credit_line, monthly_discount, run_off_value
from tests.second_writing.month import advance
from tests.second_writing.start import begin, start_market
from tests.second_writing.stocks import HOME, OVERSEAS, SEAT, State
from tests.second_writing.strategies import CLOSING, all_levers, play

Numbers = dict[str, Array]
Ends = NDArray[np.bool_]

OWN_MONTHS = 12
CLOSING_MONTHS = 60
LEVERS = ("price", "accessories", "marketing", "updates")
GRID = tuple(number(row["Levels"]) for row in table("environment", "grid"))


class Month(NamedTuple):
    """What a month shows: observation, numbers by name, and whether it is the last."""

    observation: Array
    numbers: Numbers
    terminated: Ends
    truncated: Ends


def levers_of(action: NDArray[np.float32]) -> Array:
    """Levers of actions; the last axis of what is returned is the episode's."""
    a = action.astype(np.float64).T
    half = (a + 1) / 2
    return np.array([0.20 + 0.40 * a[0], 0.10 * half[1] ** 2, 0.30 * half[2] ** 2, 0.25 * 32 ** half[3]])


def action_of(levers: Array) -> NDArray[np.float32]:
    """Action that asks for levers, float32 like every action."""
    price, accessories, marketing, updates = levers
    half = [np.sqrt(accessories / 0.10), np.sqrt(marketing / 0.30), np.log(updates / 0.25) / np.log(32)]
    return np.array([(price - 0.20) / 0.40, *(2 * way - 1 for way in half)], np.float32).T


def levers_at(index: NDArray[np.int64]) -> Array:
    """Levers of indices of the grid: those that the action of its levels asks for."""
    places = np.unravel_index(index, [len(levels) for levels in GRID])
    levels = np.array([levels[place] for levels, place in zip(GRID, places, strict=True)])
    return levers_of(action_of(levels))


@dataclass
class Episodes:
    """Episodes that run side by side, from their worlds."""

    worlds: Worlds
    horizon: int = 180
    closing: str = "own_levers"
    shaped: bool = False

    def __post_init__(self) -> None:
        self.c: Named = self.worlds.constants
        self.state: State = begin(self.c)
        self.own: list[Array] = []
        self.shock: Named | None = None
        self.potential = self.run_off()

    def run_off(self) -> Array:
        """Run-off value, under the law of the month that was run, RMB m."""
        factor = self.shock.services if self.shock else np.ones_like(self.state.passed)
        run_off: Array = run_off_value(self.c, self.state, factor)[SEAT]
        return run_off

    def reset(self) -> Month:
        """First observation and books."""
        books = self.first_books()
        never = np.zeros(len(self.state.passed), np.bool_)
        return Month(self.observe(books), books, never, never)

    def step(self, asked: Array) -> Month:
        """Run one month with the levers that the seat asks for."""
        shock = self.worlds.month(self.state.month)
        levers = all_levers(self.c, self.state, asked, shock)
        self.state, flows = advance(self.c, self.state, levers, shock)
        applied = np.array([self.state.markup[SEAT], *asked[1:]])
        self.own = [*self.own, applied][-OWN_MONTHS:]
        self.shock = shock
        books = self.books(flows)
        bankrupt = books["bankrupt"] > 0
        at_horizon = np.full_like(bankrupt, self.state.month == self.horizon)
        terminated = bankrupt | (at_horizon & (self.closing != "none"))
        terms = self.reward_terms(flows, bankrupt, at_horizon.all(), terminated)
        numbers = books | terms | {"reward": np.sum(list(terms.values()), axis=0)}
        for k, lever in enumerate(LEVERS):
            numbers |= {f"asked {lever}": asked[k], f"applied {lever}": applied[k]}
        return Month(self.observe(books), numbers, terminated, at_horizon & ~terminated)

    def reward_terms(self, flows: Numbers, bankrupt: Ends, at_horizon: np.bool_, terminated: Ends) -> Numbers:
        """Terms that sum to the reward, RMB 10 bn."""
        nothing = np.zeros_like(self.state.passed)
        worth = self.closing_value(self.closing) if at_horizon else nothing
        before, self.potential = self.potential, np.where(terminated, 0.0, self.run_off())
        gain = monthly_discount(self.c) * self.potential - before if self.shaped else nothing
        return {
            "profit_term": flows["to_owners"][SEAT] / 10000,
            "closing_term": np.where(bankrupt, 0.0, worth) / 10000,
            "shaping_term": gain / 10000,
        }

    def own_mean(self) -> Array:
        """Mean of each lever over the last months run."""
        if self.own:
            mean: Array = np.array(self.own).mean(axis=0)
            return mean
        return np.array([self.state.markup[SEAT], *np.zeros((3, len(self.state.passed)))])

    def closing_value(self, rule: str) -> Array:
        """Worth of the firms, RMB m."""
        if rule == "none" or self.shock is None:
            return np.zeros_like(self.state.passed)
        calm = self.calm(self.shock)
        own = self.own_mean()
        state = self.state
        discount = monthly_discount(self.c)
        worth = np.zeros_like(state.passed)
        for month in range(1, CLOSING_MONTHS + 1):
            seat = own
            if rule == "playbook":
                seat = np.array(play(self.c, state, SEAT, CLOSING, calm.aggression, np.zeros_like(calm.attack)))
            levers = all_levers(self.c, state, seat, calm)
            state, flows = advance(self.c, state, levers, calm)
            worth = worth + discount**month * flows["to_owners"][SEAT]
        run_off = run_off_value(self.c, state, calm.services)[SEAT]
        closing: Array = np.maximum(worth + discount**CLOSING_MONTHS * run_off, 0)
        return closing

    def calm(self, shock: Named) -> Named:
        """Shocks behind the horizon: what has changed for good stays."""
        nothing = np.zeros_like(shock.attack)
        firms = np.zeros_like(shock.brand)
        return Named(
            {
                "demand": np.zeros_like(shock.demand),
                "component": nothing,
                "aggression": np.where(shock.attack > 0, shock.aggression, 1.0),
                "services": shock.services,
                "attack": shock.attack,
                "clone": shock.clone,
                "hit": nothing + 1,
                "brand": firms,
                "supply": firms + 1,
            }
        )

    def stocks(self) -> Numbers:
        """What the books say of the end of a month."""
        s = self.state
        line = credit_line(self.c, s.users)[SEAT]
        return {
            "month": np.full_like(s.passed, s.month),
            "cash": s.cash[SEAT],
            "credit_line": line,
            "users_home": s.users[SEAT, HOME],
            "users_overseas": s.users[SEAT, OVERSEAS],
            "active_users": (s.users + s.second_users)[SEAT].sum(axis=0),
            "fans": s.fans[SEAT],
            "engagement": s.engagement[SEAT],
            "coverage_home": s.coverage[SEAT, HOME],
            "coverage_overseas": s.coverage[SEAT, OVERSEAS],
            "breadth": s.breadth[SEAT],
            "pipeline": (s.seeded + s.growing)[SEAT],
            "inventory": s.inventory[SEAT],
            "capacity": s.capacity[SEAT],
            "price": s.price[SEAT],
            "unit_cost": s.unit_cost[SEAT],
            "bankrupt": (s.cash[SEAT] < -line).astype(np.float64),
        }

    def books(self, flows: Numbers) -> Numbers:
        """The month's statement, balance and market report of the seat."""
        common = {"market_home", "market_overseas", "rival_price", "component"}
        return self.stocks() | {name: v if name in common else v[SEAT] for name, v in flows.items()}

    def first_books(self) -> Numbers:
        """Balance and market report before the first month."""
        c, s = self.c, self.state
        names = (
            "device_revenue accessory_revenue services_revenue revenue revenue_overseas device_profit "
            "accessory_profit services_profit gross_profit marketing tickets releases overhead holding "
            "operating_profit interest tax profit stock royalties hardware_net_margin sales sales_overseas wanted "
            "share_home share_overseas retention component"
        )
        books = self.stocks() | {name: np.zeros_like(s.passed) for name in names.split()}
        share = c.firm_start_share[1:, HOME]
        books["fill_rate"] = np.ones_like(s.passed)
        books["rival_price"] = (share * s.price[1:]).sum(axis=0) / share.sum(axis=0)
        books["market_home"], books["market_overseas"] = start_market(c)
        return books

    def observe(self, b: Numbers) -> Array:
        """The 32 numbers that are seen, before they are rounded to float32."""
        s = self.state
        users = s.users[SEAT].sum(axis=0)
        headroom = (b["cash"] + b["credit_line"]) / b["credit_line"]
        cash, profit = b["cash"] / 1000, b["profit"] / 1000
        own = self.own_mean()
        adstock = s.adstock[SEAT].sum(axis=0)
        seen = [
            (np.full_like(cash, s.month / self.horizon), 0, 1),
            (np.full_like(cash, s.month % 12 / 12), 0, 1),
            (b["users_home"] / (b["users_home"] + 100), 0, 1),
            (b["users_overseas"] / (b["users_overseas"] + 100), 0, 1),
            (b["fans"] * 2, 0, 2),
            (b["engagement"], 0, 2),
            (b["share_home"] * 4, 0, 4),
            (b["share_overseas"] * 4, 0, 4),
            (s.markup[SEAT] * 2, -1, 2),
            (2 * (b["unit_cost"] / self.c.firm_unit_cost[SEAT] - 1), -2, 4),
            (4 * b["component"], -4, 4),
            (2 * (b["rival_price"] / b["price"] - 1), -2, 4),
            ((b["market_home"] + b["market_overseas"]) / 40 - 1, -1, 4),
            (b["fill_rate"], 0, 1),
            (b["capacity"] / s.forecast[SEAT] - 1, -1, 2),
            (b["inventory"] / s.forecast[SEAT] / 4, 0, 2),
            (cash / (np.abs(cash) + 5), -1, 1),
            (headroom / (np.abs(headroom) + 1), -1, 1),
            (s.trailing_revenue[SEAT] / (s.trailing_revenue[SEAT] + 5000), 0, 1),
            (profit / (np.abs(profit) + 1), -1, 1),
            (12 * b["services_revenue"] / b["active_users"] / 100, 0, 6),
            (12 * b["accessory_revenue"] / users / 300, 0, 6),
            (b["breadth"] / (b["breadth"] + 10), 0, 1),
            (b["pipeline"] / (b["pipeline"] + 10), 0, 1),
            (b["coverage_home"], 0, 1),
            (b["coverage_overseas"], 0, 1),
            (adstock / (adstock + 300), 0, 1),
            (b["retention"], 0, 1),
            (own[0] * 2, -1, 2),
            (own[1] * 10, 0, 1),
            (own[2] / 0.3, 0, 1),
            (own[3] / 8, 0, 1),
        ]
        return np.array([np.clip(number, least, most) for number, least, most in seen])
