"""One training run, from a command line to a run folder."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

from thinmargin_agents.configs import ConfigError, Run, TrainConfig, resolve

if TYPE_CHECKING:
    from thinmargin_agents.runs import RunFolder
    from thinmargin_agents.validation import Judgement

FINAL_WORLDS = 512
"""Validation worlds of the comparison a run ends with."""


def train(run: Run, folder: RunFolder, *, shown: bool = True, go_on: bool = False) -> Judgement | None:
    """Train a run in its folder and compare its best policy with the baseline.

    Ctrl-C stops at the next update, after a checkpoint; a second Ctrl-C stops at once.

    Args:
        run: what to train.
        folder: where; `RunFolder.create` makes it.
        shown: show a progress bar.
        go_on: continue from the folder's checkpoint.

    Returns:
        The comparison on validation worlds, or None if it was stopped.

    Raises:
        ConfigError: the environment or a hyper-parameter is not among what is allowed.
        RunError: the checkpoint is absent, damaged or does not fit the run.
        OSError: the disk is full or the folder cannot be written; the last checkpoint is kept.
    """
    import torch  # noqa: PLC0415  # takes seconds: not for --help
    from rich.console import Console  # noqa: PLC0415  # as above
    from stable_baselines3.common.callbacks import CallbackList  # noqa: PLC0415  # as above

    from thinmargin_agents import callbacks, models  # noqa: PLC0415  # as above
    from thinmargin_agents.comparison import REFERENCE  # noqa: PLC0415  # as above
    from thinmargin_agents.runs import RunError, load_policy  # noqa: PLC0415  # as above
    from thinmargin_agents.validation import Judge  # noqa: PLC0415  # as above

    torch.set_num_threads(run.num_threads)
    console = Console(highlight=False, soft_wrap=True)
    arguments = models.environment_arguments(run)
    judge = Judge(arguments, run.n_eval_episodes)
    environment = models.build_environment(run)
    model = models.build_model(run, environment)
    events = Path(run.tensorboard_log, folder.path.name) if run.tensorboard_log else folder.path
    model.set_logger(callbacks.event_logger(events, None))
    total = run.hyperparameters.n_timesteps
    progress = callbacks.ProgressCallback(total, console, shown=shown)
    validation = callbacks.ValidationCallback(run, folder, judge, progress.tell)

    def save(next_save: int) -> None:
        tree = models.capture(model, environment)
        folder.save("checkpoint", {**tree, "validation": validation.state(), "next_save": next_save})

    checkpoint = callbacks.CheckpointCallback(run, save)
    if go_on:
        tree = folder.load("checkpoint")
        try:
            model.set_logger(callbacks.event_logger(events, int(tree["timesteps"]) + 1))
            models.restore(model, environment, tree)
            validation.restore(tree["validation"])
            checkpoint.next = int(tree["next_save"])
        except (KeyError, ValueError, TypeError, RuntimeError, AttributeError) as error:
            raise RunError(f"{folder.path}: the checkpoint does not fit config.json: {error}") from error
    console.print(
        f"run {folder.path}: {run.algo} on {run.env_id}, seed {run.seed}, {total:,} months of"
        f" {run.hyperparameters.n_envs} firms; baseline {REFERENCE} earns"
        f" J {judge.baseline.value.mean():.1f} RMB bn on {run.n_eval_episodes} validation worlds"
    )

    def ask_to_stop(*_: Any) -> None:
        if checkpoint.stop_asked:
            raise KeyboardInterrupt
        checkpoint.stop_asked = True
        console.print("stopping after this update (Ctrl-C again stops at once) ...")

    before = signal.signal(signal.SIGINT, ask_to_stop)
    statistics = callbacks.StatisticsCallback(run, environment)
    left = total - model.num_timesteps
    try:
        if left > 0:
            model.learn(
                left, CallbackList([statistics, validation, checkpoint, progress]), reset_num_timesteps=not go_on
            )
    except callbacks.Stopped:
        progress.stop()
        console.print(f"stopped; go on with: python train.py --resume {folder.path}")
        return None
    finally:
        progress.stop()
        signal.signal(signal.SIGINT, before)
    if left > 0:
        validation.judge()
        save(checkpoint.next)
    model.logger.close()
    last = Judge(arguments, FINAL_WORLDS)
    judgement = last.judge(load_policy(folder.path))
    console.print(
        f"done: {folder.path}\n"
        f"best policy on {FINAL_WORLDS} validation worlds: J {judgement.J:.1f} RMB bn"
        f" (years run {judgement.profit_part:.1f}, closing value {judgement.closing_part:.1f},"
        f" bankrupt {judgement.bankrupt_share:.1%})\n"
        f"{REFERENCE}: J {last.baseline.value.mean():.1f} RMB bn; difference {judgement.difference:+.1f}"
        f" [95 % interval {judgement.low:+.1f}, {judgement.high:+.1f}]\n"
        f"next: python evaluate.py {folder.path}    tensorboard --logdir {events}"
    )
    return judgement


def main(argv: Sequence[str] | None = None) -> int:
    """The command line of `train.py`. Returns the exit status: 2 for a bad argument, 1 for a failed run."""
    try:
        config = tyro.cli(TrainConfig, args=argv, prog="train.py", description=TrainConfig.__doc__)
        run = None if config.resume else resolve(config)
        if (
            config.resume
            and dataclasses.replace(config, resume=None, progress=True, log_folder=Path("logs")) != TrainConfig()
        ):
            raise ConfigError("--resume goes on with the run's own settings: only --progress goes with it")
    except ConfigError as error:
        print(f"train.py: {error}", file=sys.stderr)  # noqa: T201  # the command line's own answer
        return 2
    os.environ.setdefault("OMP_NUM_THREADS", str(config.num_threads))
    from thinmargin_agents.runs import RunError, RunFolder  # noqa: PLC0415  # heavy: not for --help

    try:
        if run is None:
            folder = RunFolder.open(config.resume or Path())
            run = folder.run()
        else:
            from thinmargin_agents.models import environment_arguments  # noqa: PLC0415  # heavy: not for --help

            environment_arguments(run)  # refuse before a folder is made
            folder = RunFolder.create(config.log_folder, run)
        judgement = train(run, folder, shown=config.progress, go_on=config.resume is not None)
    except (ConfigError, RunError) as error:
        print(f"train.py: {error}", file=sys.stderr)  # noqa: T201  # the command line's own answer
        return 2
    except OSError as error:
        print(f"train.py: {error}; what was written before is kept", file=sys.stderr)  # noqa: T201  # as above
        return 1
    except KeyboardInterrupt:
        return 130
    return 0 if judgement is not None else 130
