"""One run, from its configuration to a trained policy in its folder."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from stable_baselines3.common.callbacks import CallbackList

from thinmargin_agents import models
from thinmargin_agents.callbacks.board import StatisticsCallback, event_logger
from thinmargin_agents.callbacks.checkpoint import CheckpointCallback, Stopped
from thinmargin_agents.callbacks.progress import ProgressCallback, Step
from thinmargin_agents.callbacks.validation import ValidationCallback
from thinmargin_agents.comparison import REFERENCE
from thinmargin_agents.configs import Run
from thinmargin_agents.runs import RunError, RunFolder, load_policy
from thinmargin_agents.validation import Judge, Judgement

FINAL_WORLDS = 512
"""Validation worlds of the comparison a run ends with."""


def train(
    run: Run,
    folder: RunFolder,
    *,
    shown: bool = True,
    go_on: bool = False,
    report: Callable[[Step], None] | None = None,
) -> Judgement | None:
    """Train a run in its folder and compare its best policy with the baseline.

    Ctrl-C stops at the next update, after a checkpoint; a second Ctrl-C stops at once.

    Args:
        run: what to train.
        folder: where; `RunFolder.create` makes it.
        shown: show a progress bar, and say what happens.
        go_on: continue from the folder's checkpoint.
        report: told after every update and every evaluation how far the run is.

    Returns:
        The comparison on validation worlds, or None if it was stopped.

    Raises:
        ConfigError: the environment or a hyper-parameter is not among what is allowed.
        RunError: the checkpoint is absent, damaged or does not fit the run.
        OSError: the disk is full or the folder cannot be written; the last checkpoint is kept.
    """
    torch.set_num_threads(run.num_threads)
    learning = _Learning(run, folder, shown=shown, report=report)
    if go_on:
        learning.go_back(folder.load("checkpoint"))
    learning.introduce()
    if not learning.learn(go_on=go_on):
        return None
    return learning.conclude()


class _Learning:
    """A run while it runs."""

    def __init__(self, run: Run, folder: RunFolder, *, shown: bool, report: Callable[[Step], None] | None) -> None:
        self._run, self._folder = run, folder
        self._console = Console(highlight=False, soft_wrap=True, quiet=not shown and report is not None)
        self._arguments = models.environment_arguments(run)
        self._judge = Judge(self._arguments, run.n_eval_episodes)
        self._environment = models.build_environment(run)
        self._model = models.build_model(run, self._environment)
        self._events = Path(run.tensorboard_log, folder.path.name) if run.tensorboard_log else folder.path
        self._progress = ProgressCallback(run.total_timesteps, self._console, shown=shown, report=report)
        player = models.playing(self._model.policy, run)
        self._validation = ValidationCallback(run, folder, self._judge, player, self._progress.tell)
        self._checkpoint = CheckpointCallback(run, self._save)
        self._model.set_logger(event_logger(self._events, None))

    def _save(self, next_save: int) -> None:
        tree = models.capture(self._model, self._environment)
        self._folder.save("checkpoint", {**tree, "validation": self._validation.state(), "next_save": next_save})

    def go_back(self, tree: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        try:
            self._model.set_logger(event_logger(self._events, int(tree["timesteps"]) + 1))
            models.restore(self._model, self._environment, tree)
            self._validation.restore(tree["validation"])
            self._checkpoint.next = int(tree["next_save"])
        except (KeyError, ValueError, TypeError, RuntimeError, AttributeError) as error:
            raise RunError(f"{self._folder.path}: the checkpoint does not fit config.json: {error}") from error

    def introduce(self) -> None:
        """Say what begins."""
        run = self._run
        self._console.print(
            f"run {self._folder.path}: {run.algo} on {run.env_id}, seed {run.seed}, {run.total_timesteps:,} months of"
            f" {run.hyperparameters['n_envs']} firms; baseline {REFERENCE} earns"
            f" J {self._judge.baseline.value.mean():.1f} RMB bn on {run.n_eval_episodes} validation worlds"
        )

    def _ask_to_stop(self, *_: Any) -> None:
        if self._checkpoint.stop_asked:
            raise KeyboardInterrupt
        self._checkpoint.stop_asked = True
        self._console.print("stopping after this update (Ctrl-C again stops at once) ...")

    def learn(self, *, go_on: bool) -> bool:
        """Learn to the end, judge and save; False if it was stopped."""
        left = self._run.total_timesteps - self._model.num_timesteps
        if left <= 0:
            return True
        statistics = StatisticsCallback(self._run, self._environment)
        all_callbacks = CallbackList([statistics, self._validation, self._checkpoint, self._progress])
        before = signal.signal(signal.SIGINT, self._ask_to_stop)
        try:
            self._model.learn(left, all_callbacks, reset_num_timesteps=not go_on)
        except Stopped:
            self._console.print(f"stopped; go on with: python train.py --resume {self._folder.path}")
            return False
        finally:
            self._progress.stop()
            signal.signal(signal.SIGINT, before)
        self._validation.judge()
        self._save(self._checkpoint.next)
        return True

    def conclude(self) -> Judgement:
        """Compare the best policy with the baseline on more worlds, and say so."""
        self._model.logger.close()
        last = Judge(self._arguments, FINAL_WORLDS)
        judgement = last.judge(load_policy(self._folder.path))
        self._console.print(
            f"done: {self._folder.path}\n"
            f"best policy on {FINAL_WORLDS} validation worlds: J {judgement.J:.1f} RMB bn"
            f" (years run {judgement.profit_part:.1f}, closing value {judgement.closing_part:.1f},"
            f" bankrupt {judgement.bankrupt_share:.1%})\n"
            f"{REFERENCE}: J {last.baseline.value.mean():.1f} RMB bn; difference {judgement.difference:+.1f}"
            f" [95 % interval {judgement.low:+.1f}, {judgement.high:+.1f}]\n"
            f"next: python evaluate.py {self._folder.path}    tensorboard --logdir {self._events}"
        )
        return judgement
