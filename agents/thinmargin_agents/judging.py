"""An evaluation from checked flags to table and files: who plays, the same worlds for all, what failed."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import gymnasium
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from thinmargin import ENVIRONMENTS
from thinmargin.baselines import BASELINES, baseline
from thinmargin.files import check_writable, write_atomically
from thinmargin.settings import Settings
from thinmargin.splits import KEYS
from thinmargin_agents.comparison import REFERENCE, Result, report_of, result_of
from thinmargin_agents.evaluation import EvaluateConfig
from thinmargin_agents.outcome_table import as_csv, as_json, as_markdown, show, with_results
from thinmargin_agents.policies import Entrant, Member, PolicyError, entrant_of
from thinmargin_agents.rollout import Outcome, play_worlds

PREFIX = "thinmargin:"
"""Gymnasium's spelling of an id that imports its package first."""


class UsageError(ValueError):
    """A flag with a value that cannot be used; the message names both and what is allowed."""


@dataclass(frozen=True)
class Playground:
    """What an environment id means for a rollout: arguments of `play_worlds`."""

    id: str
    worlds: str
    horizon: int
    discrete: bool
    closing: bool


@dataclass
class Evaluation:
    """Results so far, and the policies that failed with their messages."""

    results: list[Result] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)


def evaluate(config: EvaluateConfig) -> int:
    """Check, play, show and write; returns the exit status of `thinmargin_agents.evaluation.main`."""
    errors = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
    try:
        check_flags(config)
        playground = playground_of(config.env)
        evaluation = Evaluation()
        entrants = entrants_of(config, evaluation, errors)
    except UsageError as error:
        errors.print(f"evaluate.py: {error}", style="red")
        return 2
    play_all(entrants, playground, config, evaluation, errors)
    return conclude(evaluation, playground, config, errors)


def check_flags(config: EvaluateConfig) -> None:
    """Nothing if the values of the flags can be used, else a UsageError."""
    most = len(KEYS[config.split])
    if not 2 <= config.n_worlds <= most:
        raise UsageError(f"--n-worlds is {config.n_worlds}: allowed are 2 to {most}")
    if config.seed < 0:
        raise UsageError(f"--seed is {config.seed}: allowed are whole numbers from 0")
    files = {"--json": config.json, "--csv": config.csv, "--markdown": config.markdown}
    for flag, path in files.items():
        if path is not None:
            try:
                check_writable(path)
            except OSError as error:
                raise UsageError(
                    f"{flag} is {str(path)!r}: {error}; a file in a folder that can be written to is wanted"
                ) from error
    for (flag, path), (other, same) in itertools.combinations(files.items(), 2):
        if path is not None and same is not None and path.resolve() == same.resolve():
            raise UsageError(f"{flag} and {other} are both {str(path)!r}: two files are wanted")


def playground_of(env: str) -> Playground:
    """What an environment id means; one that is not of this package is a UsageError that lists them."""
    name = env.removeprefix(PREFIX)
    ids = [entry.id for entry in ENVIRONMENTS]
    if name not in ids:
        raise UsageError(f"--env is {env!r}: allowed are {', '.join(ids)}")
    settings = Settings(**gymnasium.spec(name).kwargs)
    return Playground(name, settings.worlds, settings.horizon, settings.discrete, settings.closing)


def entrants_of(config: EvaluateConfig, evaluation: Evaluation, console: Console) -> list[Entrant]:
    """The policies to judge; the reference baseline is always among them.

    A name that is not allowed is a UsageError; a policy that cannot be loaded goes to `failures`.
    """
    names = list(config.policies) or [*latest_run_in(config.log_folder, console), *BASELINES]
    if REFERENCE not in names:
        names.append(REFERENCE)
    entrants: dict[str, Entrant] = {}
    for name in names:
        try:
            entrant = entrant_of(name)
        except PolicyError as error:
            evaluation.failures[name] = str(error)
        except ValueError as error:
            raise UsageError(f"POLICY: {error}") from error
        else:
            entrants[entrant.name] = entrant
    return list(entrants.values())


def latest_run_in(log_folder: Path, console: Console) -> list[str]:
    """The name of the latest run, or none; says which it is, or how to make one."""
    latest = None
    if log_folder.is_dir():
        from thinmargin_agents.runs import latest_run  # noqa: PLC0415  # hand-coded policies need no learning library

        latest = latest_run(log_folder)
    if latest is None:
        console.print(f"No run in {log_folder}: python train.py trains one. Hand-coded policies only.")
        return []
    console.print(f"Latest run: {latest}")
    return [str(latest)]


def play_all(
    entrants: Sequence[Entrant],
    playground: Playground,
    config: EvaluateConfig,
    evaluation: Evaluation,
    console: Console,
) -> None:
    """Play every entrant through the same worlds; one that fails goes to `failures`."""
    keys = KEYS[config.split][: config.n_worlds]
    months = len(keys) * playground.horizon
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TextColumn("{task.fields[rate]:,.0f} months/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        everything = sum(len(entrant.members) for entrant in entrants) * months
        task = bar.add_task("compiled model (slow only the first time)", total=everything, rate=0.0)
        play_worlds(baseline(REFERENCE), keys[:1], horizon=1)

        def tell(count: int) -> None:
            bar.update(task, advance=count, rate=bar.tasks[0].speed or 0.0)

        settled = 0
        for entrant in entrants:
            bar.update(task, description=entrant.name)
            try:
                outcomes = [play(member, playground, keys, config.seed, tell) for member in entrant.members]
                evaluation.results.append(result_of(entrant, outcomes))
            except PolicyError as error:
                evaluation.failures[entrant.name] = str(error)
            settled += len(entrant.members) * months
            bar.update(task, completed=settled)


def play(
    member: Member, playground: Playground, keys: Sequence[int], seed: int, progress: Callable[[int], None]
) -> Outcome:
    """Play one policy through an environment's worlds.

    A policy answers in its own way: hand-coded ones move the levers freely also where the environment
    asks for grid indices. Worlds and rewards are the same, so the comparison holds.
    """
    return play_worlds(
        member.policy,
        keys,
        worlds=playground.worlds,
        horizon=playground.horizon,
        discrete=playground.discrete if member.discrete is None else member.discrete,
        closing=playground.closing,
        seed=seed,
        name=member.name,
        progress=progress,
    )


def command_of(config: EvaluateConfig) -> str:
    """The command line that gives this table again."""
    words = ["python", "evaluate.py", *config.policies, "--env", config.env, "--split", config.split]
    words += ["--n-worlds", str(config.n_worlds)]
    return shlex.join(words if config.seed == 0 else [*words, "--seed", str(config.seed)])


def conclude(evaluation: Evaluation, playground: Playground, config: EvaluateConfig, errors: Console) -> int:
    """Print the table, write the files, name what failed; returns the exit status."""
    report = report_of(
        evaluation.results, evaluation.failures, environment=playground.id, split=config.split, seed=config.seed
    )
    show(report, Console())
    problems = list(evaluation.failures.values())
    try:
        if config.json is not None:
            write_atomically(config.json, as_json(report))
        if config.csv is not None:
            write_atomically(config.csv, as_csv(evaluation.results))
        if config.markdown is not None:
            old = config.markdown.read_text(encoding="utf-8") if config.markdown.is_file() else ""
            write_atomically(config.markdown, with_results(old, as_markdown(report, command_of(config))))
    except OSError as error:
        problems.append(f"the results could not be written: {error}")
    for problem in problems:
        errors.print(f"evaluate.py: {problem}", style="red")
    return 1 if problems else 0
