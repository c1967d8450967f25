"""The three rules whose J is compared: levers as they are shipped, and how far a search may move them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from thinmargin.baselines import baseline
from thinmargin.economics.cost_and_price import capped_markup
from thinmargin.levers import action_of
from thinmargin.parameters import LOW_MARGIN_ECOSYSTEM, Parameters, with_overrides
from thinmargin.plans import PlanPolicy
from thinmargin.records import FEATURES, LEVERS, PRICE

Numbers = npt.NDArray[np.float64]

PREMIUM_FROM = 0.30
"""Least markup of what is called premium."""


@dataclass(frozen=True)
class Player:
    """A rule, and the levers near it that are still the same kind of rule.

    Attributes:
        policy: name among the baselines.
        pledged: whether its markup is inside the pledge of 5 % hardware net margin.
        least: lowest markup.
        bends: knots of the correction that a search adds to its levers over time; 1 moves them alike in all months.
        spread: standard deviation of the first corrections, as actions.
        pace: generations for each of the budget.
        has_pledge: whether it means anything to hold it to the pledge, or to free it.
    """

    policy: str
    pledged: bool = False
    least: float = LEVERS[PRICE].low
    bends: int = 1
    spread: float = 0.3
    pace: int = 1
    has_pledge: bool = True

    def knots(self) -> Numbers:
        """Its levers as actions, shape (k, 4); one knot is the same every month."""
        policy = baseline(self.policy)
        if isinstance(policy, PlanPolicy):
            return policy.knots
        action, _ = policy.predict(np.zeros((1, len(FEATURES)), np.float32))
        return np.asarray(action, np.float64)

    def markups(self, parameters: Mapping[str, Any], *, pledged: bool) -> tuple[float, float]:
        """Lowest and highest markup that it may ask for, as actions."""
        p = with_overrides(Parameters(), parameters)
        highest = LEVERS[PRICE].high
        if pledged:
            cap = LOW_MARGIN_ECOSYSTEM.hardware_cap
            highest = min(capped_markup(cap, p.tax_rate, p.research_share + p.admin_share, p.model_decline), highest)
        low, high = (float(action_of(markup, 0.0, 0.0, 1.0)[PRICE]) for markup in (self.least, highest))
        return low, high


PLAYERS: dict[str, Player] = {
    player.policy: player
    for player in (
        Player("low_margin_tuned", pledged=True),
        Player("premium", least=PREMIUM_FROM, has_pledge=False),
        Player("plan", bends=4, spread=0.2, pace=2),
    )
}
"""The rules by name, in the order of the table."""
