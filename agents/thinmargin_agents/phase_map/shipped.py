"""Policies that the package ships in the worlds of an assumption, priced by every closing rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from thinmargin.scenarios import family_of
from thinmargin_agents.phase_map.assumptions import family_under
from thinmargin_agents.phase_map.cells import Numbers
from thinmargin_agents.play.errors import PolicyError
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.policies.by_name import entrant_of
from thinmargin_agents.scoring.closing_rules import values_under

THIN, PREMIUM = "low_margin_tuned", "premium"
"""The thin rule and the premium rule that are compared."""
POLICIES = (THIN, PREMIUM, "plan", "ppo")
"""What is played; an agent with all its training seeds."""


@dataclass(frozen=True, eq=False)
class Played:
    """What the policies earn.

    Attributes:
        value: J by policy and closing rule, shape (seeds, worlds), RMB bn; policies that cannot be played are left out.
        missing: why, by policy.
    """

    value: dict[str, dict[str, Numbers]]
    missing: dict[str, str]

    def thin_ahead(self, rule: str) -> npt.NDArray[np.bool_]:
        """Whether THIN earns at least as much as PREMIUM in each world; both must have been played."""
        return np.asarray(self.value[THIN][rule][0] >= self.value[PREMIUM][rule][0])


def play_shipped(assumption: str, worlds: str, keys: tuple[int, ...]) -> Played:
    """Play every policy of POLICIES through these worlds under an assumption."""
    family = family_under(assumption, family_of(worlds))
    value: dict[str, dict[str, Numbers]] = {}
    missing: dict[str, str] = {}
    for name in POLICIES:
        try:
            outcomes = [
                play_worlds(member.policy, keys, family=family, all_rules=True, name=member.name)
                for member in entrant_of(name).members
            ]
        except (PolicyError, ValueError) as error:
            missing[name] = str(error)
            continue
        closings = {
            rule: np.stack([outcome.closing_rules[rule] for outcome in outcomes]) for rule in outcomes[0].closing_rules
        }
        value[name] = values_under(np.stack([outcome.profit_part for outcome in outcomes]), closings)
    return Played(value, missing)
