"""The command line of `train.py`: train one run, resume one, train several seeds, or search."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Sequence

import tyro

from thinmargin_agents.cli.arguments import check_arguments, check_no_value_is_empty
from thinmargin_agents.cli.errors import UsageError
from thinmargin_agents.cli.programs import program_name
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.train_config import TrainConfig


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        The exit status: 0, or 2 for a bad argument, 1 for a failed run, 130 for one that was stopped.
    """
    try:
        config = tyro.cli(TrainConfig, args=argv, prog=program_name("train"), description=TrainConfig.__doc__)
        words = sys.argv[1:] if argv is None else argv
        check_arguments(TrainConfig, words)
        check_no_value_is_empty(TrainConfig, words)
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
    if config.resume:
        _check_resume(config)
    if len(config.resume) > 1:
        from thinmargin_agents.parallel import resume_runs

        return resume_runs(config)
    if not config.resume and (config.seeds or config.engine == "ray"):
        from thinmargin_agents.parallel import train_seeds

        return train_seeds(config)
    return _train_one(config)


def _check_resume(config: TrainConfig) -> None:
    """Raise ConfigError unless nothing is given with --resume that the runs have set themselves."""
    plain = TrainConfig()
    rest = dataclasses.replace(config, resume=(), progress=plain.progress, log_folder=plain.log_folder)
    if len(config.resume) > 1:
        rest = dataclasses.replace(rest, n_jobs=None)
    if rest != plain:
        allowed = "only --progress, and --n-jobs with several runs, can be given with it"
        raise ConfigError(f"--resume takes the run's own settings: {allowed}")


def _train_one(config: TrainConfig) -> int:
    from thinmargin_agents.config.preset import resolve
    from thinmargin_agents.runs.folder import RunFolder
    from thinmargin_agents.sb3.building import check
    from thinmargin_agents.training.trainer import train

    if config.resume:
        folder = RunFolder.open(config.resume[0])
        run = folder.run()
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
