"""Judge a policy on validation worlds while it learns: never on the worlds kept for reporting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from thinmargin.baselines import baseline
from thinmargin.settings import Settings
from thinmargin.splits import keys_of
from thinmargin_agents.comparison import REFERENCE
from thinmargin_agents.rollout import Outcome, play_worlds
from thinmargin_agents.statistics import paired_difference


@dataclass(frozen=True)
class Judgement:
    """How a policy did: means in RMB bn, the paired difference to the baseline with its 95 % interval."""

    J: float
    profit_part: float
    closing_part: float
    bankrupt_share: float
    saturation: dict[str, float]
    difference: float
    low: float
    high: float

    def metrics(self) -> dict[str, float]:
        """TensorBoard tags and numbers."""
        return {
            "eval/J": self.J,
            "eval/profit_part": self.profit_part,
            "eval/closing_part": self.closing_part,
            "eval/bankrupt_share": self.bankrupt_share,
            "eval/over_baseline": self.difference,
            "eval/over_baseline_low": self.low,
            "eval/over_baseline_high": self.high,
            **{f"eval/saturation_{name}": share for name, share in self.saturation.items()},
        }


class Judge:
    """The same validation worlds for every policy; the baseline has played them already.

    Args:
        arguments: keyword arguments of the environment the agent trains in.
        worlds: how many validation worlds, at most a million.
    """

    def __init__(self, arguments: dict[str, Any], worlds: int) -> None:
        settings = Settings(**arguments)
        self._keys = list(keys_of("validation")[:worlds])
        self._settings = settings
        self._plain = Settings(worlds=settings.worlds, horizon=settings.horizon, closing=settings.closing)
        self.baseline = self._play(baseline(REFERENCE), discrete=False)

    def _play(self, policy: Any, *, discrete: bool) -> Outcome:
        return play_worlds(
            policy, self._keys, worlds=self._plain.worlds, horizon=self._plain.horizon,
            closing=self._plain.closing, discrete=discrete,
        )  # fmt: skip

    def judge(self, policy: Any) -> Judgement:
        """Play every validation world and compare, world by world, with the baseline."""
        outcome = self._play(policy, discrete=self._settings.discrete)
        paired = paired_difference(outcome.value, self.baseline.value, np.random.default_rng(0))
        return Judgement(
            J=float(outcome.value.mean()),
            profit_part=float(outcome.profit_part.mean()),
            closing_part=float(outcome.closing_part.mean()),
            bankrupt_share=float(outcome.bankrupt.mean()),
            saturation=dict(outcome.saturation),
            difference=paired.mean,
            low=paired.interval[0],
            high=paired.interval[1],
        )
