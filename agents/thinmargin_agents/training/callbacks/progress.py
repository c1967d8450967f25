"""The progress of a training: a bar, and a line for every judgement."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from stable_baselines3.common.callbacks import BaseCallback

from thinmargin_agents.monitoring.judgement import Judgement, ends_in_words


class Step(NamedTuple):
    """The progress of a run: months of experience, and the latest judgement of it, if there is one."""

    timesteps: int
    judgement: Judgement | None


def months_bars(console: Console, *, shown: bool) -> Progress:
    """Bars that count months; each task has the fields `rate` and `latest`, both text."""
    return Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]} months/s"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[latest]}"),
        console=console,
        disable=not shown,
        transient=True,
    )


def in_short(judgement: Judgement) -> str:
    """A judgement in the few words that fit beside a bar."""
    score = "" if judgement.score is None else f"score {judgement.score:.1f}, "
    return f"{score}J {judgement.J:.1f} bn ({judgement.difference:+.1f} over the baseline)"


def in_a_line(timesteps: int, judgement: Judgement) -> str:
    """A judgement as a line of a log."""
    score = "" if judgement.score is None else f"   score {judgement.score:6.1f}"
    return (
        f"{timesteps:>12,} months{score}   J {judgement.J:7.1f} RMB bn   over the baseline"
        f" {judgement.difference:+7.1f} [{ends_in_words(judgement.low, judgement.high)}]"
        f"   bankrupt {judgement.bankrupt_share:.1%}"
    )


class ProgressCallback(BaseCallback):
    """A bar with months, rate from the second update on, time left, and the latest score beside it."""

    def __init__(
        self, total: int, console: Console, *, shown: bool, report: Callable[[Step], object] | None = None
    ) -> None:
        super().__init__()
        self.console = console
        self._report = report
        self._bar = months_bars(console, shown=shown)
        self._total = total
        self._task: Any = None
        self._latest = "not judged yet"
        self._since: tuple[int, float] | None = None

    def _on_training_start(self) -> None:
        self._since = None
        done = self.num_timesteps
        self._task = self._bar.add_task("training", total=self._total, completed=done, rate="-", latest="")
        self._bar.start()

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        rate, now = "-", time.monotonic()
        if self._since is None:  # the first update loads and compiles, and nothing is learnt from yet
            self._since = self.num_timesteps, now
        else:
            first, begun = self._since
            rate = f"{(self.num_timesteps - first) / max(now - begun, 1e-9):,.0f}"
        self._bar.update(self._task, completed=min(self.num_timesteps, self._total), rate=rate, latest=self._latest)
        if self._report is not None:
            self._report(Step(self.num_timesteps, None))

    def show_judgement(self, timesteps: int, judgement: Judgement) -> None:
        """Show a judgement beside the bar and as a line of its own."""
        self._latest = in_short(judgement)
        self.console.print(in_a_line(timesteps, judgement))
        if self._report is not None:
            self._report(Step(timesteps, judgement))

    def stop(self) -> None:
        """Take the bar off the screen."""
        self._bar.stop()
