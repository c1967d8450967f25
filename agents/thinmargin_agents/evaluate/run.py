"""An evaluation, from checked flags to tables and files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from thinmargin.baselines import BASELINES
from thinmargin.families import BENCHMARK
from thinmargin.files import DamagedFileError, is_folder, write_atomically
from thinmargin.shown import plain, quoted, shown
from thinmargin.splits import KEYS
from thinmargin.versions import current
from thinmargin_agents.cli.console import table_console
from thinmargin_agents.cli.errors import UsageError
from thinmargin_agents.cli.markdown import page_with
from thinmargin_agents.cli.programs import program_name, script_command
from thinmargin_agents.evaluate.checks import is_benchmark, plays_stress, registered
from thinmargin_agents.evaluate.checks import playground as playground_for
from thinmargin_agents.evaluate.config import SHIPPED, EvaluateConfig
from thinmargin_agents.evaluate.files import as_csv, as_json
from thinmargin_agents.evaluate.made_by import command_line
from thinmargin_agents.evaluate.tables import results_markdown, rules_markdown, show, stress_markdown
from thinmargin_agents.judging.arena import Arena, ArenaResults, Playground, play_all
from thinmargin_agents.judging.stress import stress_arenas, stress_summary
from thinmargin_agents.play.errors import PolicyError
from thinmargin_agents.play.time_limit import Clock, OutOfTime
from thinmargin_agents.policies.by_name import entrant_of
from thinmargin_agents.policies.entrants import Entrant, Member
from thinmargin_agents.policies.manifest import ShippedError
from thinmargin_agents.policies.shipped import manifest_of, trained_names
from thinmargin_agents.scoring.comparison import REFERENCE, report_of
from thinmargin_agents.scoring.score import FORESIGHT, TUNED

ALWAYS = (REFERENCE, TUNED)
"""Baselines that are judged in every evaluation."""
LEVERS_AS = {False: "a number for each lever", True: "one number of a grid of levers"}
"""Form of the actions, by whether an environment is discrete."""


@dataclass(frozen=True)
class BestKnown:
    """The best known plans of the worlds of an evaluation and how they were made, or a note on why there are none."""

    entrant: Entrant | None = None
    made: Mapping[str, Any] | None = None
    note: str | None = None


def evaluate(config: EvaluateConfig, errors: Console) -> int:
    """Play, show and write; returns the exit status of `thinmargin_agents.evaluate.command.main`.

    Args:
        config: flags that were checked.
        errors: for progress and messages.

    Raises:
        UsageError: a policy is unknown, or cannot play in this environment.
    """
    evaluation = ArenaResults()
    playground = playground_for(config)
    asked = config.policies
    latest = [] if asked else latest_run_in(config.log_folder)
    if not asked:
        errors.print(latest_words(config, latest))
        config = replace(config, policies=(*latest, SHIPPED))  # the latest run by now: what is said must stay true
    entrants = entrants_of(config, evaluation)
    notes = [
        *(task_note(entrant, playground) for entrant in entrants),
        *(
            f"Note: {plain(run)} is here as the latest run of {plain(config.log_folder)}; nobody named it."
            for run in latest
        ),
    ]
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
        processes=config.processes,
    )
    problems = list(evaluation.failures.values())
    if evaluation.results:
        named = named_of(config, entrants) if asked else []
        found = [note for note in notes if note]
        problems += conclude(config, evaluation, entrants, named, playground, best, stress, found)
    for problem in problems:
        errors.print(f"{program_name('evaluate')}: {problem}", style="red")
    return 1 if problems else 0


def entrants_of(config: EvaluateConfig, evaluation: ArenaResults) -> list[Entrant]:
    """The policies to judge, with the baselines of ALWAYS; the plans of foresight come from `best_known`.

    A name that is not allowed is a UsageError; a policy that cannot be loaded goes to `failures`.
    """
    shipped = shipped_names(registered(config.env))
    names = [one for name in config.policies for one in (shipped if name == SHIPPED else [name])]
    entrants: dict[str, Entrant] = {}
    for name in dict.fromkeys([*names, *ALWAYS]):
        if name == FORESIGHT:
            continue
        try:
            entrant = load_entrant(name, config.time_limit)
        except PolicyError as error:
            evaluation.failures[name] = str(error)
        except ValueError as error:
            raise UsageError(f"POLICY: {error}") from error
        else:
            check_actions_fit(entrant, playground_for(config))
            entrants[entrant.name] = entrant
    return list(entrants.values())


def shipped_names(env_id: str) -> list[str]:
    """What `shipped` stands for: the shipped agents that were trained for this environment, all hand-coded policies.

    An agent whose manifest cannot be read is among them, so that its failure is reported; so is one of another
    version of the environment.
    """
    trained = [name for name in trained_names() if environment_of(name) in (None, env_id)]
    return [*trained, *BASELINES]


def latest_words(config: EvaluateConfig, latest: Sequence[str]) -> str:
    """In words, which run plays where no policy is named, or how to make one."""
    if latest:
        return f"Latest run: {plain(latest[0])}"
    trained = [name for name in shipped_names(registered(config.env)) if name not in BASELINES]
    left = "Shipped agents and hand-coded policies only." if trained else "Hand-coded policies only."
    return f"No run in {plain(config.log_folder)}: {script_command('train')} trains one. {left}"


def environment_of(name: str) -> str | None:
    """The environment id that a shipped agent was trained for, or None where that cannot be read or is outdated."""
    try:
        found = manifest_of(name).env_id
    except ShippedError:
        return None
    return found if found == current(found) else None


def check_actions_fit(entrant: Entrant, playground: Playground) -> None:
    """Raise UsageError unless a shipped agent can play this environment with the actions it was trained to give.

    Observations are the same in all environments; levers are numbers in most of them, and a grid in some.
    """
    for member in entrant.members:
        if member.env_id is None or bool(member.discrete) == playground.discrete:
            continue
        raise UsageError(
            f"POLICY: {shown(entrant.name)} was trained for {member.env_id} and answers with"
            f" {LEVERS_AS[bool(member.discrete)]}; {playground.id} takes {LEVERS_AS[not member.discrete]}:"
            f" --env {member.env_id} plays it"
        )


def task_note(entrant: Entrant, playground: Playground) -> str:
    """In words, where the task that a policy was trained on is not the one that it is judged on; empty if it is."""
    trained = next((member.task for member in entrant.members if member.task), {})
    other = [name for name, item in trained.items() if item != getattr(playground, name)]
    if not other:
        return ""
    was = ", ".join(f"{name}={trained[name]}" for name in other)
    now = ", ".join(f"{name}={getattr(playground, name)}" for name in other)
    return f"Note: {entrant.name} was trained with {was} and is judged with {now}: on another task than its own."


def load_entrant(name: str, time_limit: float) -> Entrant:
    """The entrant of a name, loaded within so many seconds; errors as of `entrant_of`."""
    if name in BASELINES:
        return entrant_of(name)  # no limit: the first of them waits for the compiler
    try:
        with Clock(time_limit) as clock, clock.policy_code():
            return entrant_of(name)
    except OutOfTime as error:
        raise PolicyError(f"policy {quoted(name)} cannot be loaded: {error}") from error


def latest_run_in(log_folder: Path) -> list[str]:
    """The name of the latest run, or none."""
    if not is_folder(log_folder):
        return []
    from thinmargin_agents.runs.folder import (  # noqa: PLC0415  # hand-coded policies need no learning library
        latest_run,
    )

    latest = latest_run(log_folder)
    return [] if latest is None else [str(latest)]


def best_known(
    config: EvaluateConfig, playground: Playground, keys: Sequence[int], evaluation: ArenaResults
) -> BestKnown:
    """The plans shipped for these worlds, or a note on how to make them; a damaged file goes to `failures`."""
    from thinmargin_agents.foresight.plan_files import known_plans  # noqa: PLC0415  # reads nothing before it is asked

    try:
        known = known_plans(playground.worlds, keys, playground.horizon, playground.closing)
    except DamagedFileError as error:
        evaluation.failures[FORESIGHT] = f"policy {shown(FORESIGHT)} cannot be loaded: {error}"
        return BestKnown()
    if known is None:
        note = f"score is null: the plans that score 100 are known for the worlds of {BENCHMARK} alone"
        if is_benchmark(config):
            command = f"python -m thinmargin_agents.foresight --split {config.split} --n-worlds {config.n_worlds}"
            note = f"score is null: there are no best known plans of all these worlds; {command} makes them"
        return BestKnown(note=note)
    member = Member(FORESIGHT, known.policy, discrete=False, at_once=True)
    return BestKnown(Entrant(FORESIGHT, (member,)), known.made)


def conclude(
    config: EvaluateConfig,
    evaluation: ArenaResults,
    entrants: Sequence[Entrant],
    named: Sequence[str],
    playground: Playground,
    best: BestKnown,
    stress: Sequence[Arena],
    notes: Sequence[str],
) -> list[str]:
    """Write the files and print the tables; returns a message for each file that could not be written."""
    report = report_of(
        evaluation.results,
        environment=playground.id,
        split=config.split,
        seed=config.seed,
        command=command_line(config),
        closing=playground.closing,
        foresight=best.made,
        note=best.note,
        stress_worlds=len(stress[0].keys) if stress else 0,
        stress=stress_summary(evaluation.stress, evaluation.results, config.seed),
        failures=evaluation.failures,
    )
    report["notes"] = list(notes)
    problems = write_files(config, report, evaluation, entrants, named, playground)
    console = table_console()
    show(report, console)  # last: a reader that leaves early costs no file
    for note in notes:
        console.print(note, markup=False, highlight=False, soft_wrap=True)
    return problems


def write_files(
    config: EvaluateConfig,
    report: dict[str, Any],
    evaluation: ArenaResults,
    entrants: Sequence[Entrant],
    named: Sequence[str],
    playground: Playground,
) -> list[str]:
    """Write every file that was asked for, each whole or not at all; returns a message for each failure."""
    files: list[tuple[Path, Callable[[], str]]] = []
    if config.json is not None:
        files.append((config.json, partial(as_json, report)))
    if config.csv is not None:
        files.append((config.csv, partial(as_csv, evaluation.results)))
    for page in config.markdown:
        tables = tables_of({**report, "command": command_line(config, markdown=page)})
        files.append((page, partial(page_with, page, tables)))
    if config.html is not None:
        with_command = {**report, "command": command_line(config, html=config.html)}
        files.append((config.html, partial(html, with_command, evaluation, entrants, playground, named)))
    problems = []
    for path, content in files:
        try:
            write_atomically(path, content())
        except (OSError, ValueError) as error:  # a full disk, a name no file can hold, a page without its place
            problems.append(f"{path} could not be written: {error}")
    return problems


def tables_of(report: dict[str, Any]) -> dict[str, str]:
    """The tables of a page in Markdown, by the name of their place."""
    tables = {
        "results": "\n\n".join([results_markdown(report), *report["notes"]]),
        "closing rules": rules_markdown(report),
    }
    if report["stress"]:
        tables["stress"] = stress_markdown(report)
    return tables


def named_of(config: EvaluateConfig, entrants: Sequence[Entrant]) -> list[str]:
    """The entrants that are named on the command line, in that order; those that SHIPPED stands for are not."""
    unnamed = {*ALWAYS, FORESIGHT, *(shipped_names(registered(config.env)) if SHIPPED in config.policies else ())}
    return [entrant.name for entrant in entrants if entrant.name not in unnamed - set(config.policies)]


def html(
    report: dict[str, Any],
    evaluation: ArenaResults,
    entrants: Sequence[Entrant],
    playground: Playground,
    named: Sequence[str],
) -> str:
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
        named,
    )
