"""The progress of the seeds, as bars of a terminal or as plain lines."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Self

from rich.console import Console

from thinmargin.shown import plain
from thinmargin_agents.monitoring.judgement import Judgement
from thinmargin_agents.parallel.jobs import SeedEnd, SeedJob
from thinmargin_agents.training.callbacks.progress import Step, in_a_line, in_short, months_bars


class SeedsProgress:
    """The progress of the seeds: a bar each while it runs, and one for all; or lines.

    Args:
        jobs: the seeds.
        console: it is shown there.
        bars: bars, on a terminal; otherwise a line for every evaluation.
    """

    def __init__(self, jobs: Sequence[SeedJob], console: Console, *, bars: bool) -> None:
        self._jobs, self._console, self._bars = jobs, console, bars and console.is_terminal
        self._progress = months_bars(console, shown=self._bars)
        total = sum(job.run.total_timesteps for job in jobs)
        self._all = self._progress.add_task("all", total=total, rate="-", latest="")
        self._tasks = [
            self._progress.add_task(job.name, total=job.run.total_timesteps, visible=False, rate="-", latest="")
            for job in jobs
        ]
        self._months = [0] * len(jobs)
        self._best: dict[int, Judgement] = {}
        self._running: dict[int, _Pace] = {}
        self._ended: set[int] = set()

    @property
    def months(self) -> int:
        """Months of experience of all seeds by now; the last update of a run may pass its total."""
        return sum(self._months)

    def score(self, number: int) -> float | None:
        """Percent, of a seed's best evaluation; None where there is no score."""
        return self._best[number].score if number in self._best else None

    def __enter__(self) -> Self:
        """Show the bars."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take them off the screen."""
        self._progress.stop()

    def write_line(self, text: str) -> None:
        """Print a line above the bars, without markup."""
        self._console.print(text, markup=False)

    def begins(self, number: int, where: str) -> None:
        """Show that a seed begins, or begins again after its process was lost."""
        job = self._jobs[number]
        again = " again, from its last checkpoint" if number in self._running else ""
        self.write_line(f"{job.name}: begins{again} in {plain(job.path)}, {where}")
        self._running[number] = _Pace()
        self._progress.update(self._tasks[number], visible=True)
        self._show_all()

    def steps(self, number: int, step: Step) -> None:
        """Show how far a seed is."""
        job, pace = self._jobs[number], self._running.setdefault(number, _Pace())  # that it begins may have been lost
        pace.reaches(step.timesteps)
        self._months[number] = step.timesteps
        if step.judgement is not None:
            pace.latest = in_short(step.judgement)
            if number not in self._best or self._best[number].J < step.judgement.J:
                self._best[number] = step.judgement
            if not self._bars:
                self.write_line(f"{job.name}: {in_a_line(step.timesteps, step.judgement)}")
        self._progress.update(
            self._tasks[number], completed=self._shown(number), rate=_rate(pace.rate), latest=pace.latest
        )
        self._show_all()

    def ends(self, number: int, end: SeedEnd) -> None:
        """Show that a seed has ended."""
        job = self._jobs[number]
        if end.judgement is not None:
            self.write_line(f"{job.name}: done: {in_short(end.judgement)}")
        elif end.error is not None:
            self.write_line(f"{job.name}: failed: {end.error.strip()}")
        else:
            self.write_line(f"{job.name}: stopped")
        self._running.pop(number, None)
        self._ended.add(number)
        self._progress.update(self._tasks[number], visible=False)
        self._show_all()

    def _shown(self, number: int) -> int:
        """Months on a seed's bar."""
        return min(self._months[number], self._jobs[number].run.total_timesteps)

    def _show_all(self) -> None:
        rate = sum(pace.rate for pace in self._running.values())
        waiting = len(self._jobs) - len(self._running) - len(self._ended)
        state = f"{len(self._ended)} of {len(self._jobs)} seeds ended" + (f", {waiting} waiting" if waiting else "")
        done = sum(map(self._shown, range(len(self._jobs))))
        self._progress.update(self._all, completed=done, rate=_rate(rate), latest=state)


def _rate(rate: float) -> str:
    """Months a second, or a hyphen before a second update."""
    return f"{rate:,.0f}" if rate else "-"


class _Pace:
    """The speed of a seed since its first report."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None
        self.rate = 0.0
        self.latest = "not judged yet"

    def reaches(self, timesteps: int) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first = (now, timesteps)
        elif now > self._first[0]:
            self.rate = (timesteps - self._first[1]) / (now - self._first[0])
