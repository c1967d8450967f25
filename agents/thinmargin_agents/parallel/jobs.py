"""What one process does with one seed, wherever it runs."""

from __future__ import annotations

import shlex
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.run import Run

if TYPE_CHECKING:  # these take seconds to import, which a process that trains nothing should not
    from thinmargin_agents.monitoring.judgement import Judgement
    from thinmargin_agents.training.callbacks.progress import Step


@dataclass(frozen=True)
class Job:
    """A run of one seed and its folder."""

    run: Run
    path: Path

    @property
    def name(self) -> str:
        """What it is called in lines and tables."""
        return f"seed {self.run.seed}"

    @property
    def resume(self) -> str:
        """The command line that goes on with it."""
        return shlex.join(["python", "train.py", "--resume", str(self.path)])


@dataclass(frozen=True)
class End:
    """How a run ended: with a judgement, or an error, or neither: it was stopped."""

    judgement: Judgement | None = None
    error: str | None = None

    @property
    def stopped(self) -> bool:
        """Whether somebody stopped it."""
        return self.judgement is None and self.error is None


def work(job: Job, tell: Callable[[Step], bool], *, resume: bool = False) -> End:
    """Train the run; whatever goes wrong is its end, and nobody else's.

    Args:
        job: what to train, and where.
        tell: told how far it is; True stops it after the update at hand, with a checkpoint.
        resume: go on from the folder's checkpoint, if there is one.
    """
    from thinmargin_agents.runs.folder import RunError, RunFolder  # noqa: PLC0415  # as above
    from thinmargin_agents.training.trainer import train  # noqa: PLC0415  # heavy: see above

    try:
        return End(train(job.run, RunFolder(job.path), shown=False, resume=resume, report=tell))
    except (ConfigError, RunError, OSError) as error:
        return End(error=str(error))
    except Exception:  # noqa: BLE001  # the other seeds go on, and this text is shown
        return End(error=traceback.format_exc())
