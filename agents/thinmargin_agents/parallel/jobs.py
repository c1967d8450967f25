"""The training of one seed in one process, wherever it runs."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from thinmargin.shown import plain
from thinmargin_agents.cli.command import path_word
from thinmargin_agents.cli.programs import script_command
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.run import Run
from thinmargin_agents.runs.folder import RunError, RunFolder

if TYPE_CHECKING:  # these take seconds to import, which a process that trains nothing should not
    from thinmargin_agents.monitoring.judgement import Judgement
    from thinmargin_agents.training.callbacks.progress import Step


@dataclass(frozen=True)
class SeedJob:
    """A run of one seed and its folder."""

    run: Run
    path: Path
    by_folder: bool = False
    """Whether another job has the same seed, so that its name has the folder too."""

    @property
    def name(self) -> str:
        """Its name in lines and tables."""
        return f"seed {self.run.seed}{f' in {plain(self.path)}' if self.by_folder else ''}"

    @property
    def resume(self) -> str:
        """The command line that resumes it."""
        return script_command("train", ["--resume", path_word(self.path)])


@dataclass(frozen=True)
class SeedEnd:
    """The end of a run: with a judgement, or with an error, or with neither if it was stopped."""

    judgement: Judgement | None = None
    error: str | None = None

    @property
    def stopped(self) -> bool:
        """Whether it was stopped."""
        return self.judgement is None and self.error is None


def work(job: SeedJob, report: Callable[[Step], bool], *, resume: bool = False) -> SeedEnd:
    """Train the run; an error ends this run only.

    Args:
        job: what to train, and where.
        report: called with its progress; if it returns True, the run stops after this update, with a checkpoint.
        resume: go on from the folder's checkpoint, if there is one.
    """
    from thinmargin_agents.training.trainer import train  # noqa: PLC0415  # torch takes seconds

    try:
        return SeedEnd(train(job.run, RunFolder(job.path), shown=False, resume=resume, report=report))
    except (ConfigError, RunError, OSError) as error:
        return SeedEnd(error=str(error))
    except Exception:  # noqa: BLE001  # the other seeds go on, and this text is shown
        return SeedEnd(error=traceback.format_exc())
