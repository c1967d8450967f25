"""Judging of a policy on validation worlds while it learns, never on the worlds for reporting.

The score needs the best known plans of the worlds, which are shipped for the first 256 validation worlds of the
benchmark; elsewhere there is J only. Policies are chosen by mean J, which orders them as the score does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from thinmargin.baselines import baseline
from thinmargin.files import DamagedFileError
from thinmargin.settings import Settings
from thinmargin.splits import keys_of
from thinmargin_agents.foresight.plan_files import known_plans
from thinmargin_agents.monitoring.judgement import Judgement
from thinmargin_agents.play.outcome import Outcome
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.scoring.comparison import REFERENCE
from thinmargin_agents.scoring.score import TUNED, Anchors, score, score_interval, world_scores
from thinmargin_agents.scoring.statistics import if_enough, interquartile_mean, paired_difference


class Judge:
    """Judges every policy on the same validation worlds, against a baseline that has played them already.

    Args:
        arguments: keyword arguments of the environment the agent trains in.
        worlds: how many validation worlds, at most a million.

    Attributes:
        settings: of the worlds; rewards are money earned, whatever reward the agent learns from.
        keys: of the worlds.
        baseline: outcome of low_margin_ecosystem in the worlds.
        anchors: of the score in them, or None.
        no_score: why there is no score; empty if there is one.
    """

    def __init__(self, arguments: dict[str, Any], worlds: int) -> None:
        trained = Settings(**arguments)
        self.settings = Settings(
            worlds=trained.worlds, horizon=trained.horizon, closing=trained.closing, discrete=trained.discrete
        )
        self.keys = list(keys_of("validation")[:worlds])
        self.baseline = self._play(baseline(REFERENCE), discrete=False)
        self.anchors, self.no_score = self._anchors()

    def _anchors(self) -> tuple[Anchors | None, str]:
        settings = self.settings
        try:
            known = known_plans(settings.worlds, self.keys, settings.horizon, settings.closing)
        except DamagedFileError as error:
            return None, str(error)
        if known is None:
            return None, "the best plans of these worlds are not known"
        anchors = Anchors(self._play(baseline(TUNED), discrete=False).value, known.value)
        return (anchors, "") if anchors.can_score else (None, f"no plan known earns more than {TUNED} in these worlds")

    def judge_built_in(self, name: str) -> Judgement:
        """The same of a hand-coded policy: what an agent is compared with, or corrects."""
        return self._compared(self._play(baseline(name), discrete=False))

    def _play(self, policy: Any, *, discrete: bool) -> Outcome:
        return play_worlds(
            policy, self.keys, worlds=self.settings.worlds, horizon=self.settings.horizon,
            closing=self.settings.closing, discrete=discrete,
        )  # fmt: skip

    def judge(self, policy: Any) -> Judgement:
        """Play every validation world and compare, world by world, with the baseline."""
        return self._compared(self._play(policy, discrete=self.settings.discrete))

    def _compared(self, outcome: Outcome) -> Judgement:
        paired = paired_difference(outcome.value, self.baseline.value, np.random.default_rng(0))
        low, high = if_enough(paired.interval, len(self.keys)) or (None, None)
        judgement = Judgement(
            J=float(outcome.value.mean()),
            profit_part=float(outcome.profit_part.mean()),
            closing_part=float(outcome.closing_part.mean()),
            bankrupt_share=float(outcome.bankrupt.mean()),
            saturation=dict(outcome.saturation),
            difference=paired.mean,
            low=low,
            high=high,
        )
        if self.anchors is None:
            return judgement
        value = outcome.value[None]
        found = score_interval(value, self.anchors, np.random.default_rng(0))
        low, high = if_enough(found, len(self.keys)) or (None, None)
        return replace(
            judgement,
            score=score(value, self.anchors),
            score_low=low,
            score_high=high,
            score_iqm=float(interquartile_mean(world_scores(value, self.anchors).ravel())),
        )
