"""What happens beside learning: figures for TensorBoard, validation, checkpoints, the progress bar."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import HParam, Logger, TensorBoardOutputFormat
from torch.utils.tensorboard import SummaryWriter

from thinmargin.files import write_atomically
from thinmargin.records import LEVERS
from thinmargin_agents.configs import Run
from thinmargin_agents.models import weights
from thinmargin_agents.runs import RunFolder
from thinmargin_agents.sb3 import EcosystemVecEnv
from thinmargin_agents.validation import Judge, Judgement

LAYOUT = {
    "business": {
        "value": ["Margin", ["eval/over_baseline", "eval/over_baseline_low", "eval/over_baseline_high"]],
        "revenue by line": [
            "Multiline",
            ["business/device_revenue", "business/accessory_revenue", "business/services_revenue"],
        ],
        "gross margins": [
            "Multiline",
            ["business/device_margin", "business/accessory_margin", "business/services_margin"],
        ],
        "users": ["Multiline", ["business/users_home", "business/users_overseas"]],
        "shares": ["Multiline", ["business/share_home", "business/share_overseas", "business/fans"]],
        "money": ["Multiline", ["business/profit", "business/cash", "business/credit_line"]],
    },
    "levers": {
        "saturation": ["Multiline", [f"levers/{lever.name}_saturation" for lever in LEVERS]],
        "mean action": ["Multiline", [f"levers/{lever.name}_mean" for lever in LEVERS]],
        "spread": ["Multiline", [f"levers/{lever.name}_spread" for lever in LEVERS]],
    },
}
"""TensorBoard's custom scalars: which curves are drawn together."""

EVALUATION_COLUMNS = ("timesteps", "seconds", "J", "over_baseline", "low", "high", "bankrupt_share")


def event_logger(folder: Path, purge_step: int | None) -> Logger:
    """A logger that writes TensorBoard's events into `folder`; a resumed run takes back what it will write again.

    Args:
        folder: made if it is not there.
        purge_step: events of an earlier process at this step or later are not shown.
    """
    output = TensorBoardOutputFormat(str(folder))
    if purge_step is not None:
        output.writer.close()
        output.writer = SummaryWriter(str(folder), purge_step=purge_step)
    return Logger(str(folder), [output])


class Stopped(Exception):  # noqa: N818  # not an error: somebody asked for it
    """Training was asked to stop and has written its checkpoint."""


class StatisticsCallback(BaseCallback):
    """Log what the firms did in every update; lay TensorBoard out; record hyper-parameters."""

    def __init__(self, run: Run, environment: EcosystemVecEnv) -> None:
        super().__init__()
        self._run = run
        self._environment = environment

    def _on_training_start(self) -> None:
        for output in self.logger.output_formats:
            if isinstance(output, TensorBoardOutputFormat):
                output.writer.add_custom_scalars(LAYOUT)
        values: dict[str, bool | str | float | None] = {
            "algo": self._run.algo,
            "env": self._run.env_id,
            "seed": self._run.seed,
        }
        for name, value in self._run.to_json()["hyperparameters"].items():
            values[name] = value if isinstance(value, (int, float, str)) else "-".join(map(str, value))
        metrics = {"eval/J": 0.0, "eval/over_baseline": 0.0, "eval/bankrupt_share": 0.0}
        self.logger.record("hparams", HParam(values, metrics), exclude=("stdout", "log", "json", "csv"))

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        for tag, value in self._environment.statistics().items():
            self.logger.record(tag, value)
        self._environment.clear_statistics()


class ValidationCallback(BaseCallback):
    """Judge the policy on validation worlds every so often and keep the best one."""

    def __init__(self, run: Run, folder: RunFolder, judge: Judge, told: Callable[[int, Judgement], None]) -> None:
        super().__init__()
        self._every = run.eval_freq
        self._folder = folder
        self._judge = judge
        self._told = told
        self._started = time.monotonic()
        self.next = run.eval_freq
        self.best: float | None = None
        self.rows: list[list[Any]] = []

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        if self.num_timesteps >= self.next:
            self.next = self.num_timesteps + self._every
            self.judge()

    def judge(self) -> Judgement:
        """Judge now; write the row, and the policy if it is the best so far."""
        judgement = self._judge.judge(self.model.policy)
        timesteps = self.model.num_timesteps
        for output in self.logger.output_formats:  # at once: SB3's own figures wait for the end of the update
            if isinstance(output, TensorBoardOutputFormat):
                for tag, value in judgement.metrics().items():
                    output.writer.add_scalar(tag, value, timesteps)
        self.rows.append([
            timesteps, round(time.monotonic() - self._started, 2), judgement.J,
            judgement.difference, judgement.low, judgement.high, judgement.bankrupt_share,
        ])  # fmt: skip
        text = io.StringIO()
        table = csv.writer(text)
        table.writerow(EVALUATION_COLUMNS)
        table.writerows(self.rows)
        write_atomically(self._folder.path / "evaluations.csv", text.getvalue())
        if self.best is None or self.best < judgement.J:
            self.best = judgement.J
            best = {"policy": weights(self.model.policy), "timesteps": timesteps, "J": judgement.J}  # type: ignore[arg-type]  # PPO's policy is an actor-critic
            self._folder.save("best", best)
        self._told(timesteps, judgement)
        return judgement

    def state(self) -> dict[str, Any]:
        """What a resumed run must know."""
        return {"next": self.next, "best": self.best, "rows": self.rows}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`."""
        self.next, self.best, self.rows = int(state["next"]), state["best"], state["rows"]
        if self.rows:
            self._started = time.monotonic() - float(self.rows[-1][1])


class CheckpointCallback(BaseCallback):
    """Write everything needed to go on, every so often and when asked to stop."""

    def __init__(self, run: Run, save: Callable[[int], None]) -> None:
        super().__init__()
        self._every = run.save_freq
        self._save = save
        self.next = 0  # the first checkpoint is the untrained agent: a run can always be resumed
        self.stop_asked = False

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        if self.num_timesteps >= self.next or self.stop_asked:
            self.next = self.num_timesteps + self._every
            self._save(self.next)
        if self.stop_asked:
            raise Stopped


class ProgressCallback(BaseCallback):
    """A bar with months, rate and time left, and the latest score beside it."""

    def __init__(self, total: int, console: Console, *, shown: bool) -> None:
        super().__init__()
        self.console = console
        self._bar = Progress(
            TextColumn("[bold]training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]} months/s"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[score]}"),
            console=console,
            disable=not shown,
            transient=True,
        )
        self._total = total
        self._task: Any = None
        self._score = "not judged yet"
        self._first = 0
        self._begun = time.monotonic()

    def _on_training_start(self) -> None:
        self._first, self._begun = self.num_timesteps, time.monotonic()
        self._task = self._bar.add_task("", total=self._total, completed=self.num_timesteps, rate="-", score="")
        self._bar.start()

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        seconds = max(time.monotonic() - self._begun, 1e-9)
        rate = f"{(self.num_timesteps - self._first) / seconds:,.0f}"
        self._bar.update(self._task, completed=min(self.num_timesteps, self._total), rate=rate, score=self._score)

    def tell(self, timesteps: int, judgement: Judgement) -> None:
        """Show a judgement beside the bar and as a line of its own."""
        self._score = f"J {judgement.J:.1f} bn ({judgement.difference:+.1f} over the baseline)"
        self.console.print(
            f"{timesteps:>12,} months   J {judgement.J:7.1f} RMB bn   over the baseline {judgement.difference:+7.1f}"
            f" [{judgement.low:+.1f}, {judgement.high:+.1f}]   bankrupt {judgement.bankrupt_share:.1%}",
            highlight=False,
        )

    def stop(self) -> None:
        """Take the bar off the screen."""
        self._bar.stop()
