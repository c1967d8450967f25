"""One run, from its configuration to a trained policy in its folder."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import torch
from stable_baselines3.common.callbacks import CallbackList
from stable_baselines3.common.logger import Logger

from thinmargin.baselines import Policy
from thinmargin.names import with_id
from thinmargin.shown import plain, shown
from thinmargin.wrappers.adapters import ResidualAdapter
from thinmargin_agents.cli.command import path_word
from thinmargin_agents.cli.console import plain_console
from thinmargin_agents.cli.programs import script_command, shell_line
from thinmargin_agents.config.run import Run, evaluation_flags
from thinmargin_agents.judging.validation import Judge
from thinmargin_agents.monitoring.judgement import Judgement, ends_in_words
from thinmargin_agents.monitoring.layout import ADDRESS
from thinmargin_agents.runs.board import is_inside
from thinmargin_agents.runs.folder import DivergedError, RunError, RunFolder, load_policy
from thinmargin_agents.sb3.building import (
    adapters_for,
    build_environment,
    build_model,
    environment_arguments,
    training_notes,
)
from thinmargin_agents.sb3.lengths import length_notes
from thinmargin_agents.sb3.networks import first_non_finite, policy_of
from thinmargin_agents.sb3.snapshot import capture, restore, restore_rng
from thinmargin_agents.scoring.comparison import REFERENCE
from thinmargin_agents.scoring.score import TUNED
from thinmargin_agents.training.callbacks.checkpoint import CheckpointCallback, Stopped
from thinmargin_agents.training.callbacks.episode_picture import MISSING, EpisodePicture, can_draw
from thinmargin_agents.training.callbacks.progress import ProgressCallback, Step
from thinmargin_agents.training.callbacks.tensorboard import NEVER, StatisticsCallback, boards, event_logger
from thinmargin_agents.training.callbacks.validation import ValidationCallback

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""Ctrl-C, and what schedulers send before they kill: both stop at the next update, after a checkpoint."""
FINAL_WORLDS = 512
"""Validation worlds of the comparison a run ends with."""


def train(
    run: Run,
    folder: RunFolder,
    *,
    shown: bool = True,
    resume: bool = False,
    report: Callable[[Step], object] | None = None,
) -> Judgement | None:
    """Train a run in its folder and compare its best policy with the baseline.

    A run that is resumed with another length (`RunFolder.lengthened`) is written down before it goes on.

    Ctrl-C and SIGTERM stop at the next update, after a checkpoint; a second one stops at once.

    Args:
        run: what to train.
        folder: where; `RunFolder.create` makes it.
        shown: show a progress bar and messages.
        resume: continue from the folder's checkpoint; a run killed before it had one begins again.
        report: called with the progress after every update and every evaluation; a true answer stops the run as Ctrl-C
            does.

    Returns:
        The comparison on validation worlds, or None if it was stopped.

    Raises:
        ConfigError: the environment or a hyper-parameter is not among what is allowed.
        RunError: the checkpoint is gone, damaged or does not fit the run, or another process trains it.
        DivergedError: the network's weights are no longer finite; the last checkpoint is kept.
        OSError: the disk is full or the folder cannot be written; the last checkpoint is kept.
    """
    torch.set_num_threads(run.num_threads)
    with folder.held():
        if resume:
            folder.check_checkpoint(run)
        trainer = _Trainer(run, folder, shown=shown, report=report)
        if resume:
            trainer.restore_checkpoint()
            trainer.record_length()
        trainer.introduce()
        if not trainer.learn():
            return None
        return trainer.conclude()


class _Trainer:
    """A run in progress."""

    def __init__(self, run: Run, folder: RunFolder, *, shown: bool, report: Callable[[Step], object] | None) -> None:
        self._run, self._folder, self._report = run, folder, report
        self._console = plain_console(quiet=not shown and report is not None)
        self._arguments = environment_arguments(run)
        self._judge = Judge(self._arguments, run.n_eval_episodes)
        self._environment = build_environment(run)
        self._model = build_model(run, self._environment)
        self._events = folder.events()
        self._progress = ProgressCallback(
            run.total_timesteps, self._console, shown=shown, report=report and self._notify
        )
        player = policy_of(self._model.policy, run)
        picture = EpisodePicture(self._judge.keys[0], self._judge.settings) if can_draw() else None
        self._validation = ValidationCallback(run, folder, self._judge, player, self._progress.show_judgement, picture)
        self._checkpoint = CheckpointCallback(run, self._save)
        self._model.set_logger(Logger(None, []))  # it gets its files when learning begins
        self._purge = 0
        self._notes: list[str] = []

    def _save(self, next_save: int) -> None:
        tree = capture(self._model, self._environment)
        non_finite = first_non_finite(self._model.policy.state_dict())
        if non_finite is not None:
            raise self._diverged(non_finite)
        for board in boards(self._model.logger):
            board.writer.flush()  # a resumed run does not write earlier events again
        tree |= {"validation": self._validation.state(), "next_save": next_save}
        self._folder.save("checkpoint", tree, self._run)

    def _diverged(self, non_finite: str) -> DivergedError:
        return DivergedError(
            f"{plain(self._folder.path)}: training diverged before {self._model.num_timesteps:,} months:"
            f" {non_finite} is no"
            " longer finite; the last checkpoint is kept; a smaller learning_rate or max_grad_norm may help"
        )

    def restore_checkpoint(self) -> None:
        """Resume from the folder's checkpoint; a run that was killed before it had one begins again."""
        if not self._folder.has("checkpoint"):
            return
        tree = self._folder.load("checkpoint")
        before = dict(tree.get("settings", {})).get("device", self._run.device)
        if before != self._run.device:
            self._notes.append(
                f"device is {self._run.device} and was {plain(before)}: numbers differ in their last digits"
            )
        try:
            restore(self._model, self._environment, tree)
            restore_rng(self._model, tree["dice"])
            self._checkpoint.next = int(tree["next_save"])
            self._purge = self._model.num_timesteps + 1
            self._validation.restore(tree["validation"])
        except (LookupError, ValueError, TypeError, ArithmeticError, RuntimeError, AttributeError) as error:
            raise RunError(f"{plain(self._folder.path)}: the checkpoint does not fit config.json: {error}") from error
        self._checkpoint.on_resume = lambda: restore_rng(self._model, tree["dice"])

    def record_length(self) -> None:
        """Write the run's length into its folder if it is another one there."""
        if self._folder.run() != self._run:
            self._folder.record(self._run)

    def introduce(self) -> None:
        """Print what is trained, and notes on it."""
        run = self._run
        self._console.print(
            f"run {plain(self._folder.path)}: {run.algo} on {run.env_id}, seed {run.seed}, {run.total_timesteps:,}"
            " months of"
            f" {run.hyperparameters['n_envs']} firms; baseline {REFERENCE} earns"
            f" J {self._judge.baseline.value.mean():.1f} RMB bn on {run.n_eval_episodes} validation worlds"
        )
        elsewhere = run.tensorboard_log is not None and not is_inside(run.tensorboard_log, self._folder.path)
        if elsewhere and self._events == self._folder.path:
            self._console.print(
                f"note: TensorBoard's events go into the run folder: no folder in {shown(run.tensorboard_log)} is said"
                " there to be of this run"
            )
        lengths = length_notes(self._model, run)
        for note in (*self._notes, *lengths, *self._folder.other_versions(), *training_notes(self._model, run)):
            self._console.print(f"note: {note}")
        if self._judge.no_score:
            self._console.print(f"J without a score: {self._judge.no_score}")
        if not can_draw():
            self._console.print(MISSING)

    def _notify(self, step: Step) -> None:
        if self._report is not None and self._report(step):
            self._checkpoint.stop_asked = True

    def _ask_to_stop(self, number: int, _: FrameType | None) -> None:
        if self._checkpoint.stop_asked:
            raise KeyboardInterrupt
        self._checkpoint.stop_asked = True
        again = "Ctrl-C again" if number == signal.SIGINT else "a second signal"
        self._console.print(f"stopping after this update ({again} stops at once) ...")

    @contextlib.contextmanager
    def _stoppable(self) -> Iterator[None]:
        """Signals ask to stop inside; only the main thread of a process gets any."""
        here = threading.current_thread() is threading.main_thread()
        before = {number: signal.signal(number, self._ask_to_stop) for number in SIGNALS if here}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextlib.contextmanager
    def _writing_events(self) -> Iterator[None]:
        """TensorBoard's files are open inside; an error of their thread is raised here, and only here."""
        logger, default_hook = self._model.logger, threading.excepthook
        others = set(threading.enumerate())
        threading.excepthook = lambda failed: None if _writes_events(failed.thread) else default_hook(failed)
        try:
            wait_for_a_new_second(self._events)
            logger.output_formats[:] = event_logger(self._events, self._purge).output_formats
            yield
            logger.close()
        except BaseException:
            with contextlib.suppress(OSError):  # the error that ends the run is the one to report
                logger.close()
            for thread in filter(_writes_events, set(threading.enumerate()) - others):
                thread.join(1.0)
            raise
        finally:
            threading.excepthook = default_hook

    def learn(self) -> bool:
        """Learn to the end, judge and save; False if it was stopped."""
        left = self._run.total_timesteps - self._model.num_timesteps
        if left <= 0:
            return True
        resume = f"resume with: {script_command('train', ['--resume', path_word(self._folder.path)])}"
        scored, anew = self._judge.anchors is not None, self._checkpoint.on_resume is None
        statistics = StatisticsCallback(self._run, self._environment, scored=scored, anew=anew)
        all_callbacks = CallbackList([statistics, self._validation, self._checkpoint, self._progress])
        try:
            with self._stoppable(), self._writing_events():
                self._model.learn(left, all_callbacks, log_interval=NEVER, reset_num_timesteps=anew)
                self._validation.judge()
                self._save(self._checkpoint.next)
                if self._checkpoint.stop_asked:
                    raise Stopped
        except Stopped:
            self._console.print(f"stopped; {resume}")
            return False
        except OSError:
            self._console.print(f"failed; when it can be written again, {resume}")
            raise
        except (ValueError, RuntimeError) as error:  # they may come of numbers that are not finite
            non_finite = first_non_finite(self._model.policy.state_dict())
            if non_finite is None:
                raise
            raise self._diverged(non_finite) from error
        finally:
            self._progress.stop()
        return True

    def conclude(self) -> Judgement:
        """Compare the best policy with the baseline on more worlds, and print the result."""
        last = Judge(self._arguments, FINAL_WORLDS)
        best = load_policy(self._folder.path)
        judgement = last.judge(best)
        evaluate = script_command("evaluate", [path_word(self._folder.path), *evaluation_flags(self._run)])
        look = shell_line(["tensorboard", "--logdir", path_word(self._events)])
        self._console.print(
            f"done: {plain(self._folder.path)}\n"
            f"best policy on {FINAL_WORLDS} validation worlds: J {judgement.J:.1f} RMB bn"
            f" (years run {judgement.profit_part:.1f}, closing value {judgement.closing_part:.1f},"
            f" bankrupt {judgement.bankrupt_share:.1%})\n"
            f"{with_id(REFERENCE)}: J {last.baseline.value.mean():.1f} RMB bn; difference {judgement.difference:+.1f}"
            f" [95 % interval {ends_in_words(judgement.low, judgement.high)}]\n{self._beside(best)}"
            f"next: {evaluate}    {look}\nTensorBoard leads with score and J at {ADDRESS}"
        )
        return judgement

    def _beside(self, best: Policy) -> str:
        """Score and J of the agent, of what it corrects and of what scores 0, in the worlds that it was chosen on."""
        judged = {"this agent": self._judge.judge(best)}
        for name in dict.fromkeys((*bases_of(self._run), TUNED)):
            judged[with_id(name)] = self._judge.judge_built_in(name)
        width = max(map(len, judged))
        rows = [
            f"  {name:<{width}}  J {found.J:8.1f}" + (f"  {found.score_in_words}" if found.score_in_words else "")
            for name, found in judged.items()
        ]
        what = "mean J, RMB bn, and score with 95 % interval" if self._judge.anchors else "mean J, RMB bn"
        return "\n".join([f"on the {len(self._judge.keys)} validation worlds it was chosen on, {what}:", *rows]) + "\n"


def bases_of(run: Run) -> list[str]:
    """Names of the built-in policies that the agent corrects."""
    adapters = (adapter for adapter in adapters_for(run) if isinstance(adapter, ResidualAdapter))
    return [adapter.base_name for adapter in adapters if adapter.base_name is not None]


def wait_for_a_new_second(folder: Path) -> None:
    """Return when no file of events was begun in this second.

    TensorBoard reads a run's files in the order of their names, which hold the second, and then the process.
    """
    while any(folder.glob(f"events.out.tfevents.{int(time.time()):010d}.*")):
        time.sleep(0.01)


def _writes_events(thread: threading.Thread | None) -> bool:
    """Whether it is a thread with which TensorBoard writes its files."""
    return type(thread).__module__.startswith("tensorboard.")
