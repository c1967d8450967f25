"""The command line: python -m thinmargin_agents.mechanisms --markdown docs/mechanisms.md."""

from __future__ import annotations

import json as plain_json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from thinmargin_agents.cli.command import check_libraries, check_ranges, command_of, run
from thinmargin_agents.cli.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from thinmargin_agents.mechanisms.results import Request, Result

PROGRAM = "python -m thinmargin_agents.mechanisms"
NOT_IN_COMMAND = ("json", "markdown", "processes")
"""Flags left out of the printed command: they do not change the results."""
PLACE = "mechanisms"
"""Name of the place on a Markdown page."""
LIMITS = {
    "n_worlds": (2, 10_000),
    "search_worlds": (1, 1000),
    "budget": (1, 1000),
    "processes": (1, 64),
    "seed": (0, 2**30),
}
"""Least and most of each; CMA-ES takes few larger seeds."""


@dataclass(frozen=True)
class MechanismsConfig:
    """What is each mechanism of the model worth: J with it and without it, levers fixed and levers re-tuned.

    Three rules are played: the thin one (low_margin_tuned), premium and the plan. Each row switches a mechanism off by
    constants that gymnasium.make takes as `parameters`. Only validation worlds are used.
    """

    n_worlds: int = 256
    """Worlds that J is the mean of."""
    search_worlds: int = 80
    """Other worlds, which searches see."""
    rows: tuple[str, ...] = ()
    """Rows of the table, such as 8 16 16b; all of them if none is given."""
    budget: int = 20
    """Generations of CMA-ES of constant levers; the plan has twice as many. Every case is searched with two seeds."""
    seed: int = 0
    """First seed of the searches, and that of the intervals."""
    quick: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Few worlds and one generation, whatever else is given: to try the command, not to read the numbers."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """File for everything found."""
    markdown: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """File for the tables in Markdown, between <!-- mechanisms --> and <!-- end --> if it is there already."""
    processes: int = 2
    """Searches at a time; the answer does not depend on it."""


def check(config: MechanismsConfig) -> None:
    """Raise ValueError, naming flag, value and what is allowed, unless the flags can be used."""
    from thinmargin.shown import shown

    check_ranges(config, LIMITS)
    check_libraries("the search", ["cma"], "search")
    from thinmargin_agents.cli.outputs import check_files
    from thinmargin_agents.mechanisms.catalogue import SWITCHES

    for row in config.rows:
        if row not in SWITCHES:
            raise UsageError(f"--rows has {shown(row)}: allowed are {', '.join(SWITCHES)}")
    check_files([("--json", config.json), ("--markdown", config.markdown)], page="--markdown", places=[PLACE])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status.

    0: all was found; 1: a file could not be written, or a process that searches was killed, and nothing is written;
    2: a flag cannot be used.
    """
    return run(PROGRAM, MechanismsConfig, argv, check, _run)


def _run(config: MechanismsConfig, errors: Console) -> int:
    from thinmargin_agents.mechanisms.table import text

    result = _found(config, errors)
    problem = _write(config, result)  # before anything is printed: a reader that leaves early costs no file
    print(text(result))  # noqa: T201  # the command line's own answer
    if problem is not None:
        errors.print(f"{PROGRAM}: a file could not be written: {problem}", style="red")
    return 0 if problem is None else 1


def request_of(config: MechanismsConfig) -> Request:
    """What the flags ask for; rows in the order of the table, each once."""
    from thinmargin_agents.mechanisms.catalogue import SWITCHES
    from thinmargin_agents.mechanisms.results import Request
    from thinmargin_agents.mechanisms.search import Effort

    rows = tuple(row for row in SWITCHES if row in config.rows or not config.rows)
    if config.quick:
        return Request(rows, Effort(worlds=4, search_worlds=2, budget=1, seed=config.seed), quick=True)
    return Request(rows, Effort(config.n_worlds, config.search_worlds, config.budget, config.seed))


def _found(config: MechanismsConfig, console: Console) -> Result:
    """Everything requested, with a progress bar on a terminal."""
    import numpy as np
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from thinmargin.settings import Settings
    from thinmargin_agents.mechanisms.results import find
    from thinmargin_agents.play.candidates import Candidates

    request = request_of(config)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("compiled model (slow only the first time)", total=request.searches)
        Candidates((0,), 1, Settings(horizon=1)).plans(np.zeros((1, 1, 4)))
        bar.update(task, description="searches with and without")
        return find(request, config.processes, lambda: bar.update(task, advance=1))


def _write(config: MechanismsConfig, result: Result) -> Exception | None:
    """Write the requested files; returns the error, if there was one."""
    from thinmargin.files import write_atomically
    from thinmargin_agents.cli.markdown import page_with
    from thinmargin_agents.mechanisms.table import document, markdown

    command = command_of(PROGRAM, config, without=NOT_IN_COMMAND)
    try:
        if config.json is not None:
            write_atomically(config.json, plain_json.dumps(document(result, command), allow_nan=False, indent=1) + "\n")
        if config.markdown is not None:
            write_atomically(config.markdown, page_with(config.markdown, {PLACE: markdown(result, command)}))
    except (OSError, ValueError) as error:  # a full disk, a page that lost its place meanwhile
        return error
    return None


if __name__ == "__main__":
    raise SystemExit(main())
