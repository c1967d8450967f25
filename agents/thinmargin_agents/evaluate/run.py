"""An evaluation from checked flags to tables and files: who plays, which worlds, what is said and written."""

from __future__ import annotations

import importlib.util
import itertools
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from thinmargin import ENVIRONMENTS
from thinmargin.baselines import BASELINES
from thinmargin.files import DamagedFileError, write_atomically
from thinmargin.splits import KEYS
from thinmargin_agents.cli.command import UsageError, check_output
from thinmargin_agents.cli.markdown import PageError, old_page, with_tables
from thinmargin_agents.evaluate.config import EvaluateConfig
from thinmargin_agents.evaluate.tables import as_csv, as_json, results_markdown, show, stress_markdown
from thinmargin_agents.judging.arena import Arena, Evaluation, Playground, play_all, playground_of
from thinmargin_agents.judging.stress import BENCHMARK, SPLIT, stress_arenas, stress_summary
from thinmargin_agents.play.errors import PolicyError
from thinmargin_agents.play.time_limit import Clock, OutOfTime
from thinmargin_agents.policies.by_name import Entrant, Member, entrant_of
from thinmargin_agents.policies.shipped import ShippedError, manifest_of, trained_names
from thinmargin_agents.scoring.comparison import REFERENCE, report_of
from thinmargin_agents.scoring.score import FORESIGHT, TUNED

PREFIX = "thinmargin:"
"""Gymnasium's spelling of an id that imports its package first."""
ALWAYS = (REFERENCE, TUNED)
"""Baselines that are judged in every evaluation."""
REPORT_LIBRARIES = ("matplotlib", "jinja2")
LEVERS_AS = {False: "a number for each lever", True: "one number of a grid of levers"}
"""How actions are given, by whether an environment is discrete."""


@dataclass(frozen=True)
class BestKnown:
    """The best known plans of the worlds of an evaluation: who plays them, how they were made, why there are none."""

    entrant: Entrant | None = None
    made: Mapping[str, Any] | None = None
    note: str | None = None


def evaluate(config: EvaluateConfig) -> int:
    """Check, play, show and write; returns the exit status of `thinmargin_agents.evaluate.command.main`."""
    errors = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
    evaluation = Evaluation()
    try:
        check_flags(config)
        playground = playground_of(registered(config.env))
        entrants = entrants_of(config, evaluation, errors)
    except UsageError as error:
        errors.print(f"evaluate.py: {error}", style="red")
        return 2
    keys = KEYS[config.split][: config.n_worlds]
    best = best_known(config, playground, keys, evaluation)
    if best.entrant is not None:
        entrants.append(best.entrant)
    stress = stress_arenas(keys[: config.n_stress_worlds]) if plays_stress(config) else []
    play_all(
        entrants,
        Arena(playground, keys),
        stress,
        evaluation,
        seed=config.seed,
        time_limit=config.time_limit,
        console=errors,
    )
    problems = list(evaluation.failures.values())
    if evaluation.results:
        problems += conclude(config, evaluation, entrants, playground, best, stress)
    for problem in problems:
        errors.print(f"evaluate.py: {problem}", style="red")
    return 1 if problems else 0


def check_flags(config: EvaluateConfig) -> None:
    """Nothing if the values of the flags can be used, else a UsageError."""
    most = len(KEYS[config.split])
    if not 2 <= config.n_worlds <= most:
        raise UsageError(f"--n-worlds is {config.n_worlds}: allowed are 2 to {most}")
    if config.n_stress_worlds < 2:
        raise UsageError(f"--n-stress-worlds is {config.n_stress_worlds}: allowed are whole numbers from 2")
    if config.seed < 0:
        raise UsageError(f"--seed is {config.seed}: allowed are whole numbers from 0")
    if not config.time_limit > 0.0:
        raise UsageError(f"--time-limit is {config.time_limit:g}: seconds above 0 are wanted")
    if config.stress and config.no_stress:
        raise UsageError("--stress and --no-stress are both given: one of them is wanted")
    if config.stress and (registered(config.env) != BENCHMARK or config.split != SPLIT):
        raise UsageError(
            f"--stress goes with --env {BENCHMARK} and --split {SPLIT}, not with --env {config.env} and --split"
            f" {config.split}: held-out worlds are for reporting, nothing is chosen by them"
        )
    check_files(config)


def check_files(config: EvaluateConfig) -> None:
    """Nothing if every file can be written and is wanted once, else a UsageError."""
    files = [("--json", config.json), ("--csv", config.csv), ("--html", config.html)]
    files += [("--markdown", page) for page in config.markdown]
    wanted = [(flag, path) for flag, path in files if path is not None]
    for flag, path in wanted:
        check_output(flag, path)
    for (flag, path), (other, same) in itertools.combinations(wanted, 2):
        if path.resolve() == same.resolve():
            raise UsageError(f"{flag} and {other} are both {str(path)!r}: two files are wanted")
    for page in config.markdown:
        try:
            old_page(page)
        except (PageError, OSError) as error:
            raise UsageError(f"--markdown is {str(page)!r}: {error}") from error
    missing = [name for name in REPORT_LIBRARIES if importlib.util.find_spec(name) is None]
    if config.html is not None and missing:
        raise UsageError(f"--html needs {' and '.join(missing)}: pip install 'thinmargin[report]'")


def registered(env: str) -> str:
    """The id without Gymnasium's prefix; one that is not of this package is a UsageError that lists them."""
    name = env.removeprefix(PREFIX)
    ids = [entry.id for entry in ENVIRONMENTS]
    if name not in ids:
        raise UsageError(f"--env is {env!r}: allowed are {', '.join(ids)}")
    return name


def plays_stress(config: EvaluateConfig) -> bool:
    """Whether the held-out scenarios are played: with the benchmark's test worlds, unless they were left out."""
    return registered(config.env) == BENCHMARK and config.split == SPLIT and not config.no_stress


def entrants_of(config: EvaluateConfig, evaluation: Evaluation, console: Console) -> list[Entrant]:
    """The policies to judge; the baselines of ALWAYS are among them. Foresight plays by itself.

    A name that is not allowed is a UsageError; a policy that cannot be loaded goes to `failures`.
    """
    names = list(config.policies) or everybody(config, console)
    entrants: dict[str, Entrant] = {}
    for name in dict.fromkeys([*names, *ALWAYS]):
        if name == FORESIGHT:
            continue
        try:
            entrant = loaded(name, config.time_limit)
        except PolicyError as error:
            evaluation.failures[name] = str(error)
        except ValueError as error:
            raise UsageError(f"POLICY: {error}") from error
        else:
            check_spaces(entrant, registered(config.env))
            entrants[entrant.name] = entrant
    return list(entrants.values())


def everybody(config: EvaluateConfig, console: Console) -> list[str]:
    """Who plays when nobody is named: the latest run, the shipped agents of this environment, all hand-coded policies.

    Says which run that is, or how to make one. An agent whose manifest cannot be read is among them, to be told of.
    """
    trained = [name for name in trained_names() if environment_of(name) in (None, registered(config.env))]
    runs = latest_run_in(config.log_folder)
    if runs:
        console.print(f"Latest run: {runs[0]}")
    else:
        left = "Shipped agents and hand-coded policies only." if trained else "Hand-coded policies only."
        console.print(f"No run in {config.log_folder}: python train.py trains one. {left}")
    return [*runs, *trained, *BASELINES]


def environment_of(name: str) -> str | None:
    """The environment id that a shipped agent was trained for, or None where that cannot be read."""
    try:
        return manifest_of(name).env_id
    except ShippedError:
        return None


def check_spaces(entrant: Entrant, env: str) -> None:
    """Nothing if a shipped agent can play this environment as it learnt to, else a UsageError.

    What is observed is the same in all environments; levers are numbers in most of them, and a grid in some.
    """
    for member in entrant.members:
        if member.env_id is None or bool(member.discrete) == playground_of(env).discrete:
            continue
        raise UsageError(
            f"POLICY: {entrant.name!r} was trained for {member.env_id} and answers with"
            f" {LEVERS_AS[bool(member.discrete)]}; {env} wants {LEVERS_AS[not member.discrete]}: --env {member.env_id}"
            " plays it"
        )


def loaded(name: str, time_limit: float) -> Entrant:
    """The entrant of a name, if it can be loaded in so many seconds; errors as of `entrant_of`."""
    if name in BASELINES:
        return entrant_of(name)  # the first of them waits for the compiler, which is not its fault
    try:
        with Clock(time_limit) as clock, clock.theirs():
            return entrant_of(name)
    except OutOfTime as error:
        raise PolicyError(f"policy {name!r} cannot be loaded: {error}") from error


def latest_run_in(log_folder: Path) -> list[str]:
    """The name of the latest run, or none."""
    if not log_folder.is_dir():
        return []
    from thinmargin_agents.runs.folder import (  # noqa: PLC0415  # hand-coded policies need no learning library
        latest_run,
    )

    latest = latest_run(log_folder)
    return [] if latest is None else [str(latest)]


def best_known(
    config: EvaluateConfig, playground: Playground, keys: Sequence[int], evaluation: Evaluation
) -> BestKnown:
    """The plans shipped for these worlds, or a note that says how they are made; a damaged file goes to `failures`."""
    from thinmargin_agents.foresight.plan_files import known_plans  # noqa: PLC0415  # reads nothing before it is asked

    try:
        known = known_plans(playground.worlds, keys, playground.horizon, playground.closing)
    except DamagedFileError as error:
        evaluation.failures[FORESIGHT] = f"policy {FORESIGHT!r} cannot be loaded: {error}"
        return BestKnown()
    if known is None:
        note = f"score is null: best known plans are those of {BENCHMARK}"
        if playground.id == BENCHMARK:
            command = f"python -m thinmargin_agents.foresight --split {config.split} --n-worlds {config.n_worlds}"
            note = f"score is null: there are no best known plans of all these worlds; {command} makes them"
        return BestKnown(note=note)
    member = Member(FORESIGHT, known.policy, discrete=False, at_once=True)
    return BestKnown(Entrant(FORESIGHT, (member,)), known.made)


def command_of(config: EvaluateConfig) -> str:
    """The command line that gives these results again, while the latest run is the one that the results name."""
    words = ["python", "evaluate.py", *config.policies, "--env", config.env, "--split", config.split]
    words += ["--n-worlds", str(config.n_worlds)]
    plain = EvaluateConfig()
    if plays_stress(config) and config.n_stress_worlds != plain.n_stress_worlds:
        words += ["--n-stress-worlds", str(config.n_stress_worlds)]
    if config.no_stress:
        words.append("--no-stress")
    if config.log_folder != plain.log_folder and not config.policies:
        words += ["--log-folder", str(config.log_folder)]
    if config.time_limit != plain.time_limit:
        words += ["--time-limit", f"{config.time_limit:g}"]
    if config.seed != plain.seed:
        words += ["--seed", str(config.seed)]
    return shlex.join(words)


def conclude(
    config: EvaluateConfig,
    evaluation: Evaluation,
    entrants: Sequence[Entrant],
    playground: Playground,
    best: BestKnown,
    stress: Sequence[Arena],
) -> list[str]:
    """Say what was found, show it and write the files; returns what could not be written."""
    report = report_of(
        evaluation.results,
        environment=playground.id,
        split=config.split,
        seed=config.seed,
        command=command_of(config),
        foresight=best.made,
        note=best.note,
        stress_worlds=len(stress[0].keys) if stress else 0,
        stress=stress_summary(evaluation.stress, evaluation.results, config.seed),
        failures=evaluation.failures,
    )
    problems = write_files(config, report, evaluation, entrants, playground)
    show(report, Console())  # last: a reader that leaves early costs no file
    return problems


def write_files(
    config: EvaluateConfig,
    report: dict[str, Any],
    evaluation: Evaluation,
    entrants: Sequence[Entrant],
    playground: Playground,
) -> list[str]:
    """Write every file that was asked for, each whole or not at all; returns what went wrong."""
    files: list[tuple[Path, Callable[[], str]]] = []
    if config.json is not None:
        files.append((config.json, partial(as_json, report)))
    if config.csv is not None:
        files.append((config.csv, partial(as_csv, evaluation.results)))
    files += [(page, partial(page_with, page, report)) for page in config.markdown]
    if config.html is not None:
        files.append((config.html, partial(html, report, evaluation, entrants, playground)))
    problems = []
    for path, content in files:
        try:
            write_atomically(path, content())
        except (OSError, ValueError) as error:  # a full disk, a name no file can hold, a page without its place
            problems.append(f"{path} could not be written: {error}")
    return problems


def page_with(path: Path, report: dict[str, Any]) -> str:
    """A Markdown page with its tables rewritten."""
    tables = {"results": results_markdown(report)}
    if report["stress"]:
        tables["stress"] = stress_markdown(report)
    return with_tables(old_page(path), tables)


def html(report: dict[str, Any], evaluation: Evaluation, entrants: Sequence[Entrant], playground: Playground) -> str:
    """The report with pictures."""
    from thinmargin_agents.report import html_report  # noqa: PLC0415  # needs matplotlib, which nothing else here does

    judged = {result.name for result in evaluation.results}
    return html_report(
        report,
        evaluation.results,
        evaluation.stress,
        [entrant for entrant in entrants if entrant.name in judged],
        playground,
        report["command"],
    )
