"""One trial: train its seeds one after the other, judge them when a run of train.py would, and report their values."""

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
from thinmargin.shown import class_name
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.run import Run
from thinmargin_agents.runs.folder import DivergedError
from thinmargin_agents.sb3.building import build_environment, build_model
from thinmargin_agents.sb3.networks import first_non_finite, policy_of
from thinmargin_agents.search.messages import IntermediateValue, Message, TrialEnd, TrialJob, TrialProgress, first_line
from thinmargin_agents.search.target import Target, target_of

Numbers = npt.NDArray[np.float64]
Send: TypeAlias = Callable[[Message], bool]
"""Sends a message of a trial; the answer to an IntermediateValue is whether the trial goes on."""
PAUSE = 1.0
"""Seconds between two messages about months."""


class PrunedError(Exception):
    """The trial does worse than others did and ends."""


def end_of(job: TrialJob, send: Send) -> TrialEnd:
    """Train a trial to its end, whatever that is; it raises only what `send` raises."""
    begun = time.monotonic()
    try:
        target = target_of(job.runs[0])
        value = np.stack(_Seeds(job, target, send).best())
        details = {
            "J": float(value.mean()),
            "by_seed": [target.of(row[None]) for row in value],
            "seconds": round(time.monotonic() - begun, 1),
        }
        return TrialEnd("complete", target.of(value), details=details)
    except PrunedError:
        return TrialEnd("pruned")
    except (ConfigError, DivergedError) as error:
        return TrialEnd("impossible", reason=first_line(error))
    except Exception as error:  # noqa: BLE001  # one trial that fails must not end a search
        return TrialEnd("failed", reason=f"{class_name(type(error))}: {first_line(error)}")


class _Seeds:
    """The seeds of a trial, one after the other.

    At each evaluation the trial's value is the mean over the seeds that have got that far, so the first seed alone
    can end it, and every trial is compared with others at the same months of the same seeds.
    """

    def __init__(self, job: TrialJob, target: Target, send: Send) -> None:
        self._job, self._target, self._send = job, target, send
        self._values: list[list[float]] = []
        self._is_trained = False

    def best(self) -> list[Numbers]:
        """J of the worlds, shape (worlds,), of the policy each seed would save: the best of its evaluations."""
        return [self._train(place, run) for place, run in enumerate(self._job.runs)]

    def _train(self, place: int, run: Run) -> Numbers:
        torch.set_num_threads(run.num_threads)
        environment = build_environment(run)
        model = build_model(run, environment)
        model.set_logger(Logger(None, []))
        self._values.append([])
        evaluation = _Evaluation(run, self._target, policy_of(model.policy, run), self._report)
        try:
            model.learn(run.total_timesteps, CallbackList([evaluation, _Months(place, self._send)]))
        except (ValueError, RuntimeError) as error:
            if not isinstance(error, DivergedError):
                _check_finite(model)  # a network of NaN fails in many ways: name the cause
            raise
        self._is_trained = place == len(self._job.runs) - 1
        return evaluation.judge()

    def _report(self, months: int, value: Numbers) -> None:
        place, values = len(self._values) - 1, self._values[-1]
        values.append(self._target.of(value[None]))
        mean = float(np.mean([seed[len(values) - 1] for seed in self._values if len(seed) >= len(values)]))
        goes_on = self._send(IntermediateValue(place, place * self._job.runs[place].total_timesteps + months, mean))
        if not goes_on and not self._is_trained:  # at the end of the last seed, pruning saves nothing
            raise PrunedError


class _Evaluation(BaseCallback):
    """Judges when a run's ValidationCallback does, and stores the earnings of the best policy."""

    def __init__(self, run: Run, target: Target, player: Policy, report: Callable[[int, Numbers], None]) -> None:
        super().__init__()
        self._every = self._next = run.eval_freq
        self._target, self._player, self._report = target, player, report
        self._best: Numbers | None = None

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        if self.num_timesteps >= self._next:
            self._next = self.num_timesteps + self._every
            self.judge()

    def judge(self) -> Numbers:
        """Play every validation world; returns J of the best policy so far, shape (worlds,), RMB bn."""
        _check_finite(self.model)
        value = self._target.play(self._player)
        if self._best is None or self._best.mean() < value.mean():
            self._best = value
        self._report(self.model.num_timesteps, value)
        return self._best


class _Months(BaseCallback):
    """Sends the months of the training at most once every PAUSE."""

    def __init__(self, place: int, send: Send) -> None:
        super().__init__()
        self._place, self._send = place, send
        self._last = 0.0

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        now = time.monotonic()
        if now - self._last >= PAUSE:
            self._last = now
            self._send(TrialProgress(self._place, self.num_timesteps))


def _check_finite(model: BaseAlgorithm) -> None:
    """Raise DivergedError unless every weight of the network is finite."""
    non_finite = first_non_finite(model.policy.state_dict())
    if non_finite is not None:
        raise DivergedError(
            f"training diverged before {model.num_timesteps:,} months: {non_finite} is no longer finite"
        )
