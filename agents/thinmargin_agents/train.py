"""The command line of `train.py`: train one run, resume one, train several seeds, or search."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from thinmargin_agents.cli.arguments import given_fields
from thinmargin_agents.cli.command import check_folder, flag_of, path_word, run
from thinmargin_agents.cli.errors import FailedError, UsageError
from thinmargin_agents.cli.programs import program_name, script_command
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.train_config import TrainConfig

if TYPE_CHECKING:
    from rich.console import Console


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        The exit status: 0, or 2 for a bad argument, 1 for a failed run, 130 for one that was stopped, 141 for one
        whose output nobody reads any more.
    """
    words = sys.argv[1:] if argv is None else argv

    def check(config: TrainConfig) -> None:
        if config.resume:
            _check_resume(config, given_fields(TrainConfig, words))
        else:
            _check_folders(config)

    return run(program_name("train"), TrainConfig, words, check, _train)


def _train(config: TrainConfig, errors: Console) -> int:
    """Do what the flags ask for; what cannot be used is a UsageError, what failed on the way a FailedError."""
    os.environ.setdefault("OMP_NUM_THREADS", str(config.num_threads))
    from thinmargin.command_line import is_of_output
    from thinmargin_agents.runs.folder import DivergedError, RunError

    try:
        return _act(config, errors)
    except DivergedError as error:
        raise FailedError(str(error)) from error
    except (ConfigError, RunError) as error:
        raise UsageError(str(error)) from error
    except (OSError, MemoryError) as error:
        if isinstance(error, OSError) and is_of_output(error):
            raise
        raise FailedError(f"{error}; what was written before is kept") from error


def _act(config: TrainConfig, errors: Console) -> int:
    if config.optimize:
        from thinmargin_agents.search import optimize

        return optimize(config)
    if len(config.resume) > 1:
        from thinmargin_agents.parallel import resume_runs

        return resume_runs(config)
    if not config.resume and (config.seeds or config.engine == "ray"):
        from thinmargin_agents.parallel import train_seeds

        return train_seeds(config)
    return _train_one(config, errors)


def _check_resume(config: TrainConfig, given: Sequence[str]) -> None:
    """Raise ConfigError if a flag is given with --resume that the runs have set themselves, also at its default."""
    allowed = ["progress", "total_timesteps", *(["n_jobs"] if len(config.resume) > 1 else [])]
    others = [flag_of(name) for name in given if name not in ("resume", *allowed)]
    if others:
        raise ConfigError(
            f"{', '.join(others)} with --resume: a run keeps its own settings; allowed are --progress,"
            " --total-timesteps to lengthen it, and --n-jobs with several runs"
        )


def _check_folders(config: TrainConfig) -> None:
    """Raise UsageError or ConfigError unless folders can be made where the flags say, outside of any run."""
    from thinmargin_agents.runs.nesting import check_outside_runs

    for flag, path in (("--log-folder", config.log_folder), ("--tensorboard-log", config.tensorboard_log)):
        if path is not None:
            check_folder(flag, path)
            check_outside_runs(flag, path)


def _train_one(config: TrainConfig, errors: Console) -> int:
    from thinmargin_agents.config.preset import resolve
    from thinmargin_agents.runs.folder import RunFolder
    from thinmargin_agents.sb3.building import check
    from thinmargin_agents.training.trainer import train

    if config.resume:
        folder = RunFolder.open(config.resume[0])
        run = folder.run() if config.total_timesteps is None else folder.lengthened(config.total_timesteps)
    else:
        run = resolve(config)
        check(run)
        folder = RunFolder.create(config.log_folder, run)
    try:
        judgement = train(run, folder, shown=config.progress, resume=bool(config.resume))
    except KeyboardInterrupt:
        errors.print(f"resume with: {script_command('train', ['--resume', path_word(folder.path)])}")
        raise
    return 0 if judgement is not None else 130
