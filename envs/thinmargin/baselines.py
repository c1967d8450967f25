"""Hand-coded policies to be compared with. Anything that learns should beat them.

Each has Stable-Baselines3's `predict`; those made of a playbook play it with the very function that
drives the rivals (`thinmargin.strategies.play`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from thinmargin.levers import action_of
from thinmargin.parameters import (
    ECONOMY,
    FIRM_TABLE,
    LOW_MARGIN_ECOSYSTEM,
    MASS_MARKETING,
    PREMIUM,
    Parameters,
    Playbook,
    economy_record,
)
from thinmargin.records import LEVERS, PRICE
from thinmargin.shown import shown
from thinmargin.simulation import KERNELS
from thinmargin.tuned import tuned_policy

Observation = npt.NDArray[np.float32]
Action = npt.NDArray[np.float32]


class Policy(Protocol):
    """Anything with Stable-Baselines3's `predict`; policies may also have `reset(seed)`."""

    def predict(
        self,
        observation: Observation,
        state: Any = None,
        episode_start: npt.NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[npt.NDArray[Any], Any]:
        """Actions for observations of shape (features,) or (n, features): shape (4,) or (n, 4); and the next state."""


@dataclass(frozen=True)
class ConstantPolicy:
    """The same action every month, of shape (4,) in [-1, 1]."""

    action: Action

    def predict(
        self,
        observation: Observation,
        state: Any = None,
        episode_start: npt.NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[npt.NDArray[Any], Any]:
        """The action, once an observation."""
        return np.broadcast_to(self.action, (*np.shape(observation)[:-1], len(LEVERS))).copy(), state


class RandomPolicy:
    """Every lever uniform in [-1, 1] every month, from a seeded generator."""

    def __init__(self, seed: int = 0) -> None:
        self.reset(seed)

    def reset(self, seed: int = 0) -> None:
        """Start the generator anew."""
        self._generator = np.random.default_rng(seed)

    def predict(
        self,
        observation: Observation,
        state: Any = None,
        episode_start: npt.NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[npt.NDArray[Any], Any]:
        """Fresh draws, once an observation."""
        shape = (*np.shape(observation)[:-1], len(LEVERS))
        return self._generator.uniform(-1.0, 1.0, shape).astype(np.float32), state


def playbook_policy(playbook: Playbook) -> ConstantPolicy:
    """A playbook in the seat: nobody undercuts the seat, so it asks for the same levers every month."""
    economies = np.zeros(1, ECONOMY)
    seat = replace(FIRM_TABLE[0], playbook=playbook)
    economies[0] = economy_record(Parameters(), (seat, *FIRM_TABLE[1:]))
    levers = np.zeros((1, len(LEVERS)))
    KERNELS.play(economies, levers)
    action = action_of(*levers[0].tolist())
    asked = np.zeros((1, len(LEVERS)))
    KERNELS.read(action.astype(np.float64)[None], asked)
    if asked[0, PRICE] > levers[0, PRICE]:  # an action is float32: no pledge is broken by its rounding
        action[PRICE] = np.nextafter(action[PRICE], np.float32(-1.0))
    return ConstantPolicy(action)


@dataclass(frozen=True)
class Baseline:
    """A named policy: its rule in words, its source, and the function that makes it."""

    name: str
    meaning: str
    source: str
    make: Callable[[], Policy]


BASELINES: dict[str, Baseline] = {
    baseline.name: baseline
    for baseline in (
        Baseline(
            "low_margin_ecosystem",
            "the baseline: the highest markup (2.5 %) at which hardware never nets more than the pledged 5 % while"
            " components cost what is normal, not even in the cheapest month of a model; steady start-up tickets,"
            " little paid marketing, weekly updates",
            "press accounts of Xiaomi's business model; pledge of April 2018",
            lambda: playbook_policy(LOW_MARGIN_ECOSYSTEM),
        ),
        Baseline(
            "premium",
            "45 % markup, hardly any ecosystem",
            "the integrated premium makers' reported margins",
            lambda: playbook_policy(PREMIUM),
        ),
        Baseline(
            "mass_marketing",
            "12 % markup, 12 % of revenue on selling",
            "the mass marketers' reported advertising and promotion",
            lambda: playbook_policy(MASS_MARKETING),
        ),
        Baseline(
            "myopic",
            "the constant levers that earn most in the first 24 months",
            "tuned on validation worlds: python -m thinmargin_agents.tuning myopic",
            lambda: tuned_policy("myopic"),
        ),
        Baseline(
            "constant_best",
            "the constant levers with the best long-run value",
            "tuned on validation worlds: python -m thinmargin_agents.tuning constant_best",
            lambda: tuned_policy("constant_best"),
        ),
        Baseline(
            "low_margin_tuned",
            "the baseline at its best: constant levers with the markup inside its pledge of 5 % hardware net margin;"
            " score 0",
            "tuned on validation worlds: python -m thinmargin_agents.tuning low_margin_tuned",
            lambda: tuned_policy("low_margin_tuned"),
        ),
        Baseline(
            "plan",
            "the best levers over time that react to nothing: eleven knots a lever",
            "tuned on validation worlds: python -m thinmargin_agents.tuning plan",
            lambda: tuned_policy("plan"),
        ),
        Baseline(
            "plan_with_feedback",
            "the plan, and a bounded linear answer to what is observed",
            "tuned on validation worlds: python -m thinmargin_agents.tuning plan_with_feedback",
            lambda: tuned_policy("plan_with_feedback"),
        ),
        Baseline("random", "every lever uniform, every month", "the usual floor", RandomPolicy),
        Baseline(
            "bang_bang",
            "levers at their ends: highest price, no tickets, no selling spend, most updates",
            "the best of the sixteen corners: python -m thinmargin_agents.tuning bang_bang",
            lambda: tuned_policy("bang_bang"),
        ),
        Baseline(
            "do_nothing",
            "every lever at its lowest: sell below cost, invest nothing, never update",
            "the way to go bankrupt",
            lambda: ConstantPolicy(np.full(len(LEVERS), -1.0, np.float32)),
        ),
    )
}


def baseline(name: str) -> Policy:
    """The hand-coded policy with this name; an unknown one is a ValueError that lists what is allowed."""
    if name not in BASELINES:
        raise ValueError(f"policy is {shown(name)}: built-in policies are {', '.join(BASELINES)}")
    return BASELINES[name].make()
