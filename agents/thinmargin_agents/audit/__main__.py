"""The exploit audit as a command: python -m thinmargin_agents.audit.

Nothing heavy is imported before the command line is read, so that `--help` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import tyro

from thinmargin_agents.cli.command import check_libraries, check_ranges, command_of, run
from thinmargin_agents.cli.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from thinmargin_agents.audit.findings import Finding, Scope

CheckName = Literal[
    "identities", "die_now_last", "horizon_ranking", "corners", "interior", "adversary", "last_year", "common_worlds"
]
"""The checks in their order."""
SEARCHING = {"adversary", "last_year"}
"""Checks that need CMA-ES."""
PROGRAM = "python -m thinmargin_agents.audit"
NOT_IN_COMMAND = ("processes", "json", "markdown")
"""Flags that do not change the results."""
LAST_SEED = 2**31
"""CMA-ES takes no larger seed."""


@dataclass(frozen=True)
class AuditConfig:
    """Look for holes in the model: earnings that nobody earned. Plays validation worlds only.

    Exit status 0 if every check passes, 1 if one fails, 2 for bad arguments.
    """

    n_worlds: int = 256
    """Worlds that every policy is judged on."""
    evaluations: int = 10_000
    """Plans tried in the search for free money; the search for a longer plan tries a quarter as many, those for a
    last year a twentieth."""
    seed: int = 0
    """Seed of everything that is drawn or searched."""
    processes: int = 2
    """Processes that play plans; results do not depend on it."""
    only: tuple[CheckName, ...] = get_args(CheckName)
    """Checks to run."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """File for everything that was measured."""
    markdown: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Page for the results in Markdown: between its lines <!-- audit --> and <!-- end -->, or a new file."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status.

    0: every check passed; 1: a check failed, a file could not be written, or a process that plays was killed; 2: a flag
    cannot be used, and nothing was played.
    """
    return run(PROGRAM, AuditConfig, argv, check_flags, _run)


def check_flags(config: AuditConfig) -> None:
    """Raise UsageError unless the values of the flags can be used."""
    from thinmargin_agents.audit.adversary import LEAST_EVALUATIONS
    from thinmargin_agents.audit.findings import MOST_WORLDS
    from thinmargin_agents.audit.table import PLACE
    from thinmargin_agents.cli.outputs import check_files

    allowed = {
        "n_worlds": (2, MOST_WORLDS),
        "evaluations": (LEAST_EVALUATIONS, 10_000_000),
        "seed": (0, LAST_SEED),
        "processes": (1, 64),
    }
    check_ranges(config, allowed)
    if not config.only:
        raise UsageError(f"--only names no check: allowed are {', '.join(get_args(CheckName))}")
    if SEARCHING & set(config.only):
        words = f"the search of {' and '.join(sorted(SEARCHING))}"
        check_libraries(words, ["cma"], "search", hint=", or name other checks with --only")
    check_files((("--json", config.json), ("--markdown", config.markdown)), page="--markdown", places=[PLACE])


def command_line(config: AuditConfig) -> str:
    """The command line that reproduces these results."""
    checks = tuple(name for name in get_args(CheckName) if name in config.only)
    always = ("n_worlds", "evaluations", "seed")
    return command_of(PROGRAM, replace(config, only=checks), without=NOT_IN_COMMAND, always=always)


def _run(config: AuditConfig, errors: Console) -> int:
    """Run the requested checks in the order of CHECKS, then write the files, then print."""
    from thinmargin_agents.audit.checks import CHECKS
    from thinmargin_agents.audit.findings import Scope
    from thinmargin_agents.audit.plan_players import Players
    from thinmargin_agents.audit.table import show, summary, word_of
    from thinmargin_agents.cli.console import plain_console

    output = plain_console()
    findings: list[Finding] = []
    with Players(config.processes) as players:
        scope = Scope(config.n_worlds, config.evaluations, config.seed, players)
        for name in CHECKS:
            if name in config.only:
                findings.append(_checked(name, scope, errors))
                errors.print(f"{name}: {word_of(findings[-1])}")
    written = _write(config, scope, findings, errors)  # before anything is printed: a reader that leaves costs no file
    for finding in findings:
        show(finding, output)
    output.print(summary(findings))
    return 0 if written and all(finding.passed for finding in findings) else 1


def _checked(name: str, scope: Scope, errors: Console) -> Finding:
    """One check, with its progress on stderr."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from thinmargin_agents.audit.checks import CHECKS

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    with Progress(
        *columns, TimeRemainingColumn(), console=errors, transient=True, disable=not errors.is_terminal
    ) as bar:
        task = bar.add_task(name, total=1.0)

        def progress(share: float, words: str) -> None:
            bar.update(task, completed=share, description=f"{name}: {words}")

        return CHECKS[name](scope, progress)


def _write(config: AuditConfig, scope: Scope, findings: list[Finding], errors: Console) -> bool:
    """Write the requested files; False if one could not be written."""
    from thinmargin.files import write_atomically
    from thinmargin_agents.audit.table import PLACE, as_markdown, document
    from thinmargin_agents.cli.markdown import page_with
    from thinmargin_agents.evaluate.files import as_json

    command = command_line(config)
    try:
        if config.json is not None:
            write_atomically(config.json, as_json(document(findings, scope, command)))
        if config.markdown is not None:
            write_atomically(config.markdown, page_with(config.markdown, {PLACE: as_markdown(findings, command)}))
    except (OSError, ValueError) as error:
        errors.print(f"{PROGRAM}: the results could not be written: {error}", style="red")
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
