"""One trial: train its seeds one after the other, judge them when a run of train.py would, and say how they do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.logger import Logger

from thinmargin.baselines import Policy
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.run import Run
from thinmargin_agents.runs.folder import DivergedError
from thinmargin_agents.sb3.building import build_environment, build_model
from thinmargin_agents.sb3.networks import first_non_finite, policy_of
from thinmargin_agents.search.messages import Ended, Job, Judged, Message, Went, first_line
from thinmargin_agents.search.target import Target, target_of

Numbers = npt.NDArray[np.float64]
Told: TypeAlias = Callable[[Message], bool]
"""Hears how a trial goes, and answers a judgement: whether it goes on."""
PAUSE = 1.0
"""Seconds between two messages about months."""


class PrunedError(Exception):
    """The trial does worse than others did: it ends here."""


def end_of(job: Job, told: Told) -> Ended:
    """Train a trial to its end, whatever that is; only what `told` raises is raised."""
    begun = time.monotonic()
    try:
        target = target_of(job.runs[0])
        value = np.stack(_Seeds(job, target, told).best())
        details = {
            "J": float(value.mean()),
            "by_seed": [target.of(row[None]) for row in value],
            "seconds": round(time.monotonic() - begun, 1),
        }
        return Ended("complete", target.of(value), details=details)
    except PrunedError:
        return Ended("pruned")
    except (ConfigError, DivergedError) as error:
        return Ended("impossible", reason=first_line(error))
    except Exception as error:  # noqa: BLE001  # one trial that fails must not end a search
        return Ended("failed", reason=f"{type(error).__name__}: {first_line(error)}")


class _Seeds:
    """The seeds of a trial, one after the other.

    At each evaluation the trial's value is the mean over the seeds that have got that far, so the first seed alone
    can end it, and every trial is compared with others at the same months of the same seeds.
    """

    def __init__(self, job: Job, target: Target, told: Told) -> None:
        self._job, self._target, self._told = job, target, told
        self._values: list[list[float]] = []
        self._is_trained = False

    def best(self) -> list[Numbers]:
        """J of the worlds, shape (worlds,), of the policy each seed would keep: the best of its evaluations."""
        return [self._train(place, run) for place, run in enumerate(self._job.runs)]

    def _train(self, place: int, run: Run) -> Numbers:
        torch.set_num_threads(run.num_threads)
        environment = build_environment(run)
        model = build_model(run, environment)
        model.set_logger(Logger(None, []))
        self._values.append([])
        evaluation = _Evaluation(run, self._target, policy_of(model.policy, run), self._judged)
        try:
            model.learn(run.total_timesteps, CallbackList([evaluation, _Months(place, self._told)]))
        except (ValueError, RuntimeError) as error:
            if not isinstance(error, DivergedError):
                _check_finite(model)  # a network of NaN fails in many ways: this is what is wrong
            raise
        self._is_trained = place == len(self._job.runs) - 1
        return evaluation.judge()

    def _judged(self, months: int, value: Numbers) -> None:
        place, mine = len(self._values) - 1, self._values[-1]
        mine.append(self._target.of(value[None]))
        mean = float(np.mean([seed[len(mine) - 1] for seed in self._values if len(seed) >= len(mine)]))
        goes_on = self._told(Judged(place, place * self._job.runs[place].total_timesteps + months, mean))
        if not goes_on and not self._is_trained:  # nothing is saved where all is done
            raise PrunedError


class _Evaluation(BaseCallback):
    """Judges when a run's ValidationCallback does, and keeps what the best policy earned."""

    def __init__(self, run: Run, target: Target, player: Policy, told: Callable[[int, Numbers], None]) -> None:
        super().__init__()
        self._every = self._next = run.eval_freq
        self._target, self._player, self._told = target, player, told
        self._best: Numbers | None = None

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        if self.num_timesteps >= self._next:
            self._next = self.num_timesteps + self._every
            self.judge()

    def judge(self) -> Numbers:
        """Play every validation world; returns what the best policy so far earned, shape (worlds,), RMB bn."""
        _check_finite(self.model)
        value = self._target.play(self._player)
        if self._best is None or self._best.mean() < value.mean():
            self._best = value
        self._told(self.model.num_timesteps, value)
        return self._best


class _Months(BaseCallback):
    """Says now and then how far the training is."""

    def __init__(self, place: int, told: Told) -> None:
        super().__init__()
        self._place, self._told = place, told
        self._last = 0.0

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        now = time.monotonic()
        if now - self._last >= PAUSE:
            self._last = now
            self._told(Went(self._place, self.num_timesteps))


def _check_finite(model: BaseAlgorithm) -> None:
    """Nothing if every weight of the network is a number, else a DivergedError."""
    non_finite = first_non_finite(model.policy.state_dict())
    if non_finite is not None:
        raise DivergedError(
            f"training diverged before {model.num_timesteps:,} months: {non_finite} is no longer finite"
        )
