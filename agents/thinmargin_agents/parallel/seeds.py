"""`train.py --seeds`, and `--resume` with several runs: the runs, the engine that trains them, and their summary."""

from __future__ import annotations

import dataclasses
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from thinmargin.shown import plain, shown
from thinmargin_agents.cli.command import path_word
from thinmargin_agents.cli.programs import program_name, script_command, shell_line
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.run import evaluation_flags
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.monitoring.layout import ADDRESS
from thinmargin_agents.parallel.jobs import SeedEnd, SeedJob
from thinmargin_agents.runs.same_agent import PER_RUN

if TYPE_CHECKING:
    from rich.console import Console

    from thinmargin_agents.config.run import Run
    from thinmargin_agents.parallel.progress import SeedsProgress
    from thinmargin_agents.parallel.stop_signals import Stop
    from thinmargin_agents.runs.folder import RunFolder


def train_seeds(config: TrainConfig) -> int:
    """Train every seed as a run of its own, and print a summary.

    Returns:
        The exit status: 0, or 1 if a seed failed, 130 if they were stopped.

    Raises:
        ConfigError: the flags cannot be used; nothing has been trained.
    """
    from thinmargin_agents.config.preset import resolve
    from thinmargin_agents.parallel.processes import train_in_processes
    from thinmargin_agents.parallel.ray_session import (
        ray_session,
    )
    from thinmargin_agents.parallel.ray_tasks import train_on_ray
    from thinmargin_agents.runs.folder import RunFolder
    from thinmargin_agents.sb3.building import check

    _check_engine(config)
    run = resolve(config)
    check(run)
    runs = [dataclasses.replace(run, seed=seed) for seed in config.seeds or (config.seed,)]
    n_jobs = _at_once(config, run)
    with ExitStack() as stack:
        ray = None
        if config.engine == "ray":
            ray = stack.enter_context(ray_session(config.ray_address, n_jobs * run.num_threads, run.num_threads))
        jobs = [SeedJob(item, RunFolder.create(config.log_folder, item).path) for item in runs]

        def engine(progress: SeedsProgress, stop: Stop) -> list[SeedEnd]:
            if ray is None:
                return train_in_processes(jobs, n_jobs, progress, stop)
            return train_on_ray(ray, jobs, config.log_folder, progress, stop)

        return _train(jobs, engine, config, _beginning(config, jobs))


def resume_runs(config: TrainConfig) -> int:
    """Resume every run of the command line, at most `n_jobs` at once, and print a summary.

    Returns:
        The exit status, as of `train_seeds`.

    Raises:
        RunError: a folder holds no run; nothing has been trained.
        ConfigError: a folder is named twice, or has had as many months as all are to have.
    """
    from thinmargin_agents.parallel.processes import train_in_processes
    from thinmargin_agents.runs.folder import RunFolder

    paths = [path.resolve() for path in config.resume]
    twice = next((path for k, path in enumerate(config.resume) if paths[k] in paths[:k]), None)
    if twice is not None:
        raise ConfigError(f"--resume has {shown(twice)} more than once: each run is resumed by one process")
    folders = [RunFolder.open(path) for path in config.resume]
    runs = [_resumed(folder, config.total_timesteps) for folder in folders]
    count = Counter(run.seed for run in runs)
    jobs = [SeedJob(run, folder.path, by_folder=count[run.seed] > 1) for run, folder in zip(runs, folders, strict=True)]
    before = sum(folder.months() for folder in folders)

    def engine(progress: SeedsProgress, stop: Stop) -> list[SeedEnd]:
        return train_in_processes(jobs, _at_once(config, jobs[0].run), progress, stop, resume=True)

    return _train(jobs, engine, config, f"{len(jobs)} runs on this machine, each from its last checkpoint", before)


def _resumed(folder: RunFolder, months: int | None) -> Run:
    """The run of a folder, with another length if one is given."""
    return folder.run() if months is None else folder.lengthened(months)


def _at_once(config: TrainConfig, run: Run) -> int:
    """How many runs train at once on this machine."""
    from thinmargin_agents.parallel.processes import cores

    return config.n_jobs or max(1, cores() // run.num_threads)


def _train(
    jobs: Sequence[SeedJob],
    engine: Callable[[SeedsProgress, Stop], list[SeedEnd]],
    config: TrainConfig,
    beginning: str,
    before: int = 0,
) -> int:
    """Train the jobs with progress, sum up, and return the exit status.

    Args:
        jobs: what to train.
        engine: trains it.
        config: the flags.
        beginning: printed first.
        before: months of experience that the jobs have already.
    """
    from thinmargin_agents.cli.console import console as make_console
    from thinmargin_agents.parallel.progress import SeedsProgress
    from thinmargin_agents.parallel.stop_signals import Stop

    console = make_console()
    began = time.monotonic()
    console.print(beginning, markup=False)
    with SeedsProgress(jobs, console, bars=config.progress) as progress, Stop(progress.write_line) as stop:
        ends = engine(progress, stop)
    seconds = time.monotonic() - began
    if any(end.judgement for end in ends):
        _sum_up(jobs, ends, progress, console)
    months = max(progress.months - before, 0)
    console.print(f"{months:,} months in {seconds:,.0f} s: {months / seconds:,.0f} months/s over all seeds")
    return _print_next_steps(jobs, ends, console)


def _check_engine(config: TrainConfig) -> None:
    """Raise ConfigError unless the flags of the engine can be used together."""
    if config.engine == "ray" and config.device != "cpu":
        raise ConfigError(f"--device is {shown(config.device)} and --engine 'ray': seeds train on processors there")
    if config.ray_address is not None and config.n_jobs is not None:
        raise ConfigError(
            f"--n-jobs is {config.n_jobs} and --ray-address {shown(config.ray_address)}: a cluster that is there"
            " decides by its processors how many seeds train at once"
        )


def _beginning(config: TrainConfig, jobs: Sequence[SeedJob]) -> str:
    run = jobs[0].run
    where = "on this machine" if config.engine == "local" else f"on Ray, {config.ray_address or 'this machine'}"
    return (
        f"{len(jobs)} seeds {where}: {run.algo} on {run.env_id}, {run.total_timesteps:,} months of"
        f" {run.hyperparameters['n_envs']} firms each"
    )


def _sum_up(jobs: Sequence[SeedJob], ends: Sequence[SeedEnd], progress: SeedsProgress, console: Console) -> None:
    """A table of the seeds, and the mean of those that are done."""
    from rich.table import Table

    from thinmargin_agents.monitoring.judgement import ends_in_words
    from thinmargin_agents.scoring.comparison import REFERENCE
    from thinmargin_agents.training.trainer import FINAL_WORLDS

    table = Table(
        title=f"best policies on {FINAL_WORLDS} validation worlds, RMB bn; baseline {REFERENCE};"
        " score: percent, on the worlds a policy was chosen on",
        title_justify="left",
    )
    for head in ("seed", "J", "over baseline", "95 % interval", "bankrupt", "score"):
        table.add_column(head, justify="right")
    table.add_column("folder", overflow="fold")
    done: list[tuple[float, float, float | None]] = []
    for number, (job, end) in enumerate(zip(jobs, ends, strict=True)):
        judgement = end.judgement
        if judgement is None:
            table.add_row(str(job.run.seed), "failed" if end.error else "stopped", "", "", "", "", plain(job.path))
            continue
        done.append((judgement.J, judgement.difference, progress.score(number)))
        interval, bankrupt = ends_in_words(judgement.low, judgement.high), f"{judgement.bankrupt_share:.1%}"
        J, over, score = map(_cell, done[-1], ("{:.1f}", "{:+.1f}", "{:.1f}"))  # noqa: N806  # its name everywhere
        table.add_row(str(job.run.seed), J, over, interval, bankrupt, score, plain(job.path))
    if len(done) > 1:
        means = [None if None in column else statistics.fmean(column) for column in zip(*done, strict=True)]
        J, over, score = map(_cell, means, ("{:.1f}", "{:+.1f}", "{:.1f}"))  # noqa: N806  # as above
        table.add_section()
        table.add_row("mean", J, over, "", "", score, f"of {len(done)} seeds")
    console.print(table)


def _cell(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def _entrants(jobs: Sequence[SeedJob], done: Sequence[str]) -> Sequence[str]:
    """The runs that are done as evaluate.py takes them: joined by commas where they are seeds of one agent."""
    first, *others = [{name: value for name, value in job.run.to_json().items() if name not in PER_RUN} for job in jobs]
    seeds = {job.run.seed for job in jobs}
    return [",".join(done)] if len(seeds) == len(jobs) and all(one == first for one in others) else done


def _print_next_steps(jobs: Sequence[SeedJob], ends: Sequence[SeedEnd], console: Console) -> int:
    """Print the commands that come next; returns the exit status."""
    done = [path_word(job.path) for job, end in zip(jobs, ends, strict=True) if end.judgement is not None]
    if done:
        judge = script_command("evaluate", [*_entrants(jobs, done), *evaluation_flags(jobs[0].run)])
        look = shell_line(
            ["tensorboard", "--logdir", path_word(Path(jobs[0].run.tensorboard_log or jobs[0].path.parent))]
        )
        console.print(f"next: {judge}    {look}\nTensorBoard leads with score and J at {ADDRESS}", markup=False)
    left = [job for job, end in zip(jobs, ends, strict=True) if end.judgement is None]
    if left:
        console.print("resume with:\n" + "\n".join(f"  {job.resume}" for job in left), markup=False)
    failed = [job.name for job, end in zip(jobs, ends, strict=True) if end.error is not None]
    if failed:
        print(f"{program_name('train')}: {', '.join(failed)} failed, see above", file=sys.stderr)  # noqa: T201  # the answer
    if any(end.stopped for end in ends):
        return 130
    return 1 if failed else 0
