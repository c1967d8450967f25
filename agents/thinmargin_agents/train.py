"""The command line of `train.py`: train one run, resume one, train several seeds, or search."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import tyro

from thinmargin_agents.cli.arguments import check_arguments, check_no_value_is_empty, given_fields
from thinmargin_agents.cli.command import flag_of
from thinmargin_agents.cli.errors import UsageError
from thinmargin_agents.cli.programs import program_name
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.train_config import TrainConfig


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        The exit status: 0, or 2 for a bad argument, 1 for a failed run, 130 for one that was stopped.
    """
    words = sys.argv[1:] if argv is None else argv
    try:
        config = tyro.cli(TrainConfig, args=argv, prog=program_name("train"), description=TrainConfig.__doc__)
        check_arguments(TrainConfig, words)
        check_no_value_is_empty(TrainConfig, words)
        if config.resume:
            _check_resume(config, given_fields(TrainConfig, words))
    except (ConfigError, UsageError) as error:
        return _failed(error, 2)
    os.environ.setdefault("OMP_NUM_THREADS", str(config.num_threads))
    from thinmargin_agents.runs.folder import DivergedError, RunError

    try:
        return _act(config)
    except DivergedError as error:
        return _failed(error, 1)
    except (ConfigError, RunError) as error:
        return _failed(error, 2)
    except (OSError, MemoryError) as error:
        return _failed(f"{error}; what was written before is kept", 1)
    except KeyboardInterrupt:
        return 130


def _act(config: TrainConfig) -> int:
    if config.optimize:
        from thinmargin_agents.search import optimize

        return optimize(config)
    if len(config.resume) > 1:
        from thinmargin_agents.parallel import resume_runs

        return resume_runs(config)
    if not config.resume and (config.seeds or config.engine == "ray"):
        from thinmargin_agents.parallel import train_seeds

        return train_seeds(config)
    return _train_one(config)


def _check_resume(config: TrainConfig, given: Sequence[str]) -> None:
    """Raise ConfigError if a flag is given with --resume that the runs have set themselves, also at its default."""
    allowed = ["progress", "total_timesteps", *(["n_jobs"] if len(config.resume) > 1 else [])]
    others = [flag_of(name) for name in given if name not in ("resume", *allowed)]
    if others:
        raise ConfigError(
            f"{', '.join(others)} with --resume: a run keeps its own settings; allowed are --progress,"
            " --total-timesteps to lengthen it, and --n-jobs with several runs"
        )


def _train_one(config: TrainConfig) -> int:
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
    judgement = train(run, folder, shown=config.progress, resume=bool(config.resume))
    return 0 if judgement is not None else 130


def _failed(why: object, status: int) -> int:
    from thinmargin.shown import printable

    print(printable(f"{program_name('train')}: {why}"), file=sys.stderr)  # noqa: T201  # the command line's own answer
    return status
