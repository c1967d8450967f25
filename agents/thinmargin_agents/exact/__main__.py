"""The command line: python -m thinmargin_agents.exact --ppo.

Nothing heavy is imported before the command line is read, so that `--help` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from thinmargin_agents.cli.command import check_libraries, check_ranges, command_of, run
from thinmargin_agents.cli.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from thinmargin_agents.exact.backward_induction import CheckedOptimum
    from thinmargin_agents.exact.contenders import Contender
    from thinmargin_agents.exact.table import Results

PROGRAM = "python -m thinmargin_agents.exact"
LAST_SEED = 2**30
"""CMA-ES takes few larger ones, and the searches use a few seeds above this one."""
MOST_TIMESTEPS = 10**9
PLACE = "exact"
"""Name of the place on a Markdown page."""
NOT_IN_COMMAND = ("json", "markdown")
"""Flags left out of the printed command: they do not change the results."""


@dataclass(frozen=True)
class ExactConfig:
    """Compute the optimum of ThinMargin/EcosystemOneState-v1 and say how much of it others reach.

    Exit status 0 if the computation agrees with itself and with the environment to 0.1 % and the plan, and PPO
    if asked for, reach 99 %; 1 if not; 2 for bad arguments.
    """

    ppo: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Train PPO too, with the preset of this environment."""
    timesteps: int | None = None
    """Months of experience of PPO; the preset's if not given."""
    seed: int = 0
    """Seed of the search for a plan and of PPO."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """File for all numbers and the whole optimal policy."""
    markdown: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """File for the tables in Markdown, between <!-- exact --> and <!-- end --> if it is there already."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status.

    0: all is as required; 1: a requirement failed, or the file could not be written; 2: a flag cannot be used.
    """
    return run(PROGRAM, ExactConfig, argv, check_flags, _run)


def check_flags(config: ExactConfig) -> None:
    """Raise UsageError unless the values of the flags can be used."""
    check_ranges(config, {"seed": (0, LAST_SEED), "timesteps": (1, MOST_TIMESTEPS)})
    if config.timesteps is not None and not config.ppo:
        raise UsageError(f"--timesteps is {config.timesteps}: it is for PPO, add --ppo")
    check_libraries("the search for a plan", ["cma"], "search")
    from thinmargin_agents.cli.outputs import check_files

    check_files((("--json", config.json), ("--markdown", config.markdown)), page="--markdown", places=[PLACE])


def _run(config: ExactConfig, errors: Console) -> int:
    """Compute everything requested, then write the files and print the table."""
    from thinmargin_agents.cli.console import plain_console
    from thinmargin_agents.exact.contenders import trained
    from thinmargin_agents.exact.table import Results, text

    checked, reached = _without_learning(config.seed, errors)
    if config.ppo:
        errors.print("training PPO; its run folder is thrown away afterwards")
        reached.insert(1, trained(config.seed, config.timesteps, shown=errors.is_terminal))
    results = Results(checked, reached, config.seed)
    problems = [*results.problems, *_write(config, results)]  # first: a reader that leaves early costs no file
    plain_console().print(text(results))
    for problem in problems:
        errors.print(f"{PROGRAM}: {problem}", style="red")
    return 1 if problems else 0


def _write(config: ExactConfig, results: Results) -> list[str]:
    """Write the requested files; returns a sentence for each that could not be written."""
    import json

    from thinmargin.files import write_atomically
    from thinmargin.shown import shown
    from thinmargin_agents.cli.markdown import page_with
    from thinmargin_agents.exact.table import document, markdown

    problems = []
    try:
        if config.json is not None:
            write_atomically(config.json, json.dumps(document(results), indent=1, allow_nan=False) + "\n")
    except OSError as error:
        problems.append(f"--json is {shown(config.json)}: it cannot be written: {error}")
    try:
        if config.markdown is not None:
            tables = markdown(results, command_of(PROGRAM, config, without=NOT_IN_COMMAND))
            write_atomically(config.markdown, page_with(config.markdown, {PLACE: tables}))
    except (OSError, ValueError) as error:  # a full disk, a page that lost its place meanwhile
        problems.append(f"--markdown is {shown(config.markdown)}: it cannot be written: {error}")
    return problems


def _without_learning(seed: int, errors: Console) -> tuple[CheckedOptimum, list[Contender]]:
    """The optimum with its check, then the plan and the constants, with progress on stderr."""
    from rich.progress import Progress

    from thinmargin_agents.exact.backward_induction import (
        PRICES,
        USERS,
        checked_optimum,
        settings_of_the_world,
    )
    from thinmargin_agents.exact.contenders import (
        GENERATIONS,
        SEARCHES,
        constants,
        planned,
    )

    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar:
        months = bar.add_task("the optimum, twice", total=2 * settings_of_the_world().horizon)
        optimum = checked_optimum(USERS, PRICES, lambda done: bar.update(months, completed=done))
        search = bar.add_task("the search for a plan", total=SEARCHES * GENERATIONS)
        plan = planned(seed, GENERATIONS, lambda: bar.advance(search))
    return optimum, [plan, *constants()]


if __name__ == "__main__":
    sys.exit(main())
