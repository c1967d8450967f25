"""The objective of a search: the interquartile mean over training seeds and validation worlds."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from thinmargin.baselines import Policy
from thinmargin_agents.config.run import Run
from thinmargin_agents.judging.validation import Judge
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.sb3.building import environment_arguments
from thinmargin_agents.scoring.score import world_scores
from thinmargin_agents.scoring.statistics import interquartile_mean

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Target:
    """The objective in the validation worlds of a judge: the score, or J where there is none."""

    judge: Judge

    @property
    def name(self) -> str:
        """Name of the objective."""
        return "J" if self.judge.anchors is None else "score"

    @property
    def words(self) -> str:
        """Description of the objective."""
        what = "J, RMB bn" if self.judge.anchors is None else "the score, percent"
        return f"IQM of {what}, over training seeds and {len(self.judge.keys)} validation worlds"

    def play(self, policy: Policy) -> Numbers:
        """J of every world, shape (worlds,), RMB bn."""
        settings = self.judge.settings
        return play_worlds(
            policy, self.judge.keys, worlds=settings.worlds, horizon=settings.horizon, discrete=settings.discrete,
            closing=settings.closing,
        ).value  # fmt: skip

    def of(self, value: Numbers) -> float:
        """The interquartile mean of J, shape (seeds, worlds), or of the score of every seed and world."""
        anchors = self.judge.anchors
        return float(interquartile_mean((value if anchors is None else world_scores(value, anchors)).ravel()))


def target_of(run: Run) -> Target:
    """The objective in the environment of a run, made once a process; a ConfigError if there can be none."""
    return _target(json.dumps(environment_arguments(run)), run.n_eval_episodes)


@functools.lru_cache(maxsize=1)
def _target(arguments: str, worlds: int) -> Target:
    return Target(Judge(json.loads(arguments), worlds))
