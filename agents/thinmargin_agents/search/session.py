"""A call of `--optimize` from its flags to its end: space, storage, workers and messages."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager

from optuna import Study
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from thinmargin.settings import Settings
from thinmargin.shown import shown
from thinmargin_agents.cli.command import command_of
from thinmargin_agents.cli.console import console as make_console
from thinmargin_agents.cli.programs import script_command
from thinmargin_agents.config.hyperparameters import flat
from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.train_config import TrainConfig, parse_pairs
from thinmargin_agents.parallel.processes import cores
from thinmargin_agents.parallel.ray_session import ray_session, usable_ray
from thinmargin_agents.sb3.building import check, environment_arguments
from thinmargin_agents.search.best import conclude
from thinmargin_agents.search.claim import Claim
from thinmargin_agents.search.driver import Driver
from thinmargin_agents.search.local_workers import LocalWorkers
from thinmargin_agents.search.messages import Workers, first_line
from thinmargin_agents.search.progress import SearchProgress
from thinmargin_agents.search.ray_workers import RayWorkers
from thinmargin_agents.search.search_space import BOUND, Space, space_of
from thinmargin_agents.search.study import (
    count_settled,
    open_storage,
    open_study,
    requeue_running,
    shown_url,
    storage_url,
    study_name,
)
from thinmargin_agents.search.target import Target, target_of

STOPPED = 130
"""Exit status after Ctrl-C."""


def search(config: TrainConfig) -> int:
    """See `thinmargin_agents.search.optimize`."""
    study_name(config)
    space = space_of_flags(config)
    target = target_of(space.base)
    if config.engine == "ray":
        usable_ray(config.ray_address)  # raises before a storage is made
    console = make_console()
    where = shown_url(storage_url(config))
    storage = open_storage(config)
    try:
        study = open_study(config, storage, space, target)
        claim = Claim(study)
        try:
            again = requeue_running(study)
            _introduce(config, study, space, target, where, again, console)
            is_whole = _search(config, study, claim, space, target, console)
        finally:
            if claim.is_held():
                requeue_running(study)
                claim.release()
        command = command_of(script_command("train"), _shareable(config), without=("progress",))
        if is_whole:
            return conclude(config, study, space, target, command, where, console)
    except (StorageInternalError, SQLAlchemyError) as error:
        raise OSError(f"--storage is {shown(where)}: {first_line(error)}") from error
    except UpdateFinishedTrialError as error:
        raise OSError(f"--storage is {shown(where)}: another search took over: {first_line(error)}") from error
    console.print(f"stopped: {count_settled(study)} of {config.n_trials} trials are done; resume with: {command}")
    return STOPPED


def space_of_flags(config: TrainConfig) -> Space:
    """The search space of a command line: all that it does not give itself; a ConfigError if it cannot be used."""
    base = resolve(config)
    check(base)
    given = set(flat(parse_pairs("--hyperparams", config.hyperparams)))
    if config.residual_bound is not None or "env_wrapper" in given:
        given.add(BOUND)
    return space_of(base, given, Settings(**environment_arguments(base)).horizon)


def _search(config: TrainConfig, study: Study, claim: Claim, space: Space, target: Target, console: Console) -> bool:
    """Go on to so many trials; False if Ctrl-C stopped it."""
    left = config.n_trials - count_settled(study)
    if left <= 0:
        return True
    progress = SearchProgress(
        console, trials=config.n_trials, months=space.base.total_timesteps, seeds=config.n_seeds, name=target.name,
        shown=config.progress,
    )  # fmt: skip
    with _workers(config, left) as workers, progress:
        return Driver(study, claim, space, config.n_seeds, config.n_trials, workers, progress).search()


@contextmanager
def _workers(config: TrainConfig, most: int) -> Iterator[Workers]:
    if config.engine == "local":
        yield LocalWorkers(min(config.n_jobs or cores(), most), config.num_threads)
        return
    threads = config.num_threads
    processors = None if config.n_jobs is None else config.n_jobs * threads
    with ray_session(config.ray_address, processors, threads) as ray:
        yield RayWorkers(ray, config.n_jobs, most, threads)


def _introduce(
    config: TrainConfig, study: Study, space: Space, target: Target, where: str, again: int, console: Console
) -> None:
    base = space.base
    console.print(
        f"study {study.study_name} in {where}: {base.algo} on {base.env_id};"
        f" {count_settled(study)} of {config.n_trials} trials are done"
        + (f"; {again} that an earlier search left unfinished are tried again" if again else "")
        + f"\na trial: {config.n_seeds} training seeds of {base.total_timesteps:,} months; made large: {target.words}"
        + (f"; no score: {target.judge.no_score}" if target.judge.no_score else "")
        + f"\ntried: {', '.join(space.dimensions)}"
    )


def _shareable(config: TrainConfig) -> TrainConfig:
    """The command line without a password."""
    return config if config.storage is None else dataclasses.replace(config, storage=shown_url(config.storage))
