"""Few worlds, few evaluations, and a made-up model: what tests of several checks of the audit need."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from thinmargin.baselines import baseline
from thinmargin_agents.audit import adversary, exploits
from thinmargin_agents.audit.findings import HORIZON, Scope
from thinmargin_agents.audit.plan_players import Overrides, Players, knots_of, months_of
from thinmargin_agents.play.candidates import Earned

Numbers = npt.NDArray[np.float64]
QUICK = Scope(n_worlds=8, evaluations=480)
"""The real model, few worlds, few evaluations."""


def silent(share: float, words: str) -> None:
    assert 0.0 <= share <= 1.0, words


def calendar_plan() -> Numbers:
    """The shipped plan, an action a month."""
    return months_of(knots_of(baseline("plan")), HORIZON, HORIZON)


class Payoff(Players):
    """Players of a made-up model: the plan earns 200, moving away from it costs, and there may be a hole."""

    def __init__(self, hole: Callable[[Numbers], Numbers]) -> None:
        super().__init__()
        self.hole = hole

    def play(self, actions: Numbers, keys: range, parameters: Overrides = ()) -> Earned:
        del parameters
        months = actions.shape[1]
        away = abs(actions - months_of(knots_of(baseline("plan")), months, HORIZON)).mean(axis=(1, 2))
        worlds = np.linspace(0.9, 1.1, len(keys))
        value = (200.0 - 100.0 * away + self.hole(actions))[:, None] * worlds
        return Earned(value, 0.4 * value, np.zeros(value.shape, np.bool_))


def bests(**means: float) -> tuple[list[adversary.BestOfFamily], list[Earned]]:
    """Made-up winners of some families, the plan at 100 beside each."""
    families = {family.name: family for family in exploits.PLAN_FAMILIES}
    found = [adversary.BestOfFamily(families[name], calendar_plan(), mean, 100) for name, mean in means.items()]
    values = [np.array([[100.0], [mean]]) * np.linspace(0.9, 1.1, 20) for mean in means.values()]
    return found, [Earned(value, 0.4 * value, np.zeros(value.shape, np.bool_)) for value in values]
