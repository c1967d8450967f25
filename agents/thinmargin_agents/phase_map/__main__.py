"""The command line: python -m thinmargin_agents.phase_map --picture map.png."""

from __future__ import annotations

import json as plain_json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from thinmargin_agents.cli.command import check_libraries, check_ranges, command_of, run

if TYPE_CHECKING:
    from rich.console import Console

    from thinmargin_agents.phase_map.results import PhaseMapResult

PROGRAM = "python -m thinmargin_agents.phase_map"
NOT_IN_COMMAND = ("json", "picture", "markdown", "processes")
"""Flags left out of the printed command: they do not change the results."""
QUICK = {"n_worlds": 1, "n_hidden": 4, "generations": 2}
"""Most of each with --quick."""
LIMITS = {
    "n_worlds": (1, 64),
    "n_hidden": (0, 2000),
    "generations": (1, 1000),
    "processes": (1, 64),
    "seed": (0, 2**31),
}
"""Least and most of each; more worlds would need gigabytes of memory, and CMA-ES takes no larger seed."""


@dataclass(frozen=True)
class PhaseMapConfig:
    """When does the thin margin win: the best constant levers with a thin, a middle and a premium markup.

    One map has price slopes against what services pay, the other against the owners' patience. Hidden worlds of the
    benchmark are put on the first, and some of them are searched too: under every closing rule, and with judgements of
    the model made otherwise. Only validation worlds are used.
    """

    map: Literal["services", "patience", "both"] = "both"
    """services: services ceiling as a multiple of the calibrated one. patience: discount rate a year."""
    n_worlds: int = 4
    """Worlds of every cell; they differ in small shocks only."""
    n_hidden: int = 100
    """Hidden worlds of the benchmark that are searched one by one for the services map; 0 leaves them out."""
    judgements: bool = True
    """Search the hidden worlds with judgements made otherwise too, and play shipped policies there."""
    generations: int = 20
    """Generations of CMA-ES of every start."""
    quick: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Look in a hurry: at most one world a cell, four hidden worlds, two generations. Numbers mean little."""
    seed: int = 0
    """Seed of CMA-ES."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """File for everything found."""
    picture: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """File for the maps as a picture: .png, .svg or .pdf."""
    markdown: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """File for what was found in Markdown: a new one, or between the lines <!-- phase map --> and <!-- end -->,
    <!-- answer --> and <!-- end -->, <!-- judgements --> and <!-- end --> of a page that has them."""
    processes: int = 2
    """Cells searched at a time; the answer does not depend on it."""


def check(config: PhaseMapConfig) -> None:
    """Raise ValueError, naming flag, value and what is allowed, unless the flags can be used."""
    check_ranges(config, LIMITS)
    check_libraries("the search", ["cma"], "search")
    from thinmargin_agents.cli.outputs import check_files
    from thinmargin_agents.phase_map.table import PLACES

    files = [("--json", config.json), ("--picture", config.picture), ("--markdown", config.markdown)]
    check_files(files, picture="--picture", page="--markdown", places=PLACES)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status.

    0: all was found; 1: a file could not be written, a policy not played, or a process that searches was killed, and
    nothing is written; 2: a flag cannot be used.
    """
    return run(PROGRAM, PhaseMapConfig, argv, check, _run)


def _run(config: PhaseMapConfig, errors: Console) -> int:
    from thinmargin_agents.phase_map.judgements import not_played
    from thinmargin_agents.phase_map.table import text

    result = _found(config, errors)
    problems = [f"{why}{where}" for _, why, where in not_played(result.judgements)]
    failure = _write(config, result)  # before anything is printed: a reader that leaves early costs no file
    print(text(result))  # noqa: T201  # the command line's own answer
    if failure is not None:
        problems.append(f"a file could not be written: {failure}")
    for problem in problems:
        errors.print(f"{PROGRAM}: {problem}", style="red")
    return 1 if problems else 0


def _found(config: PhaseMapConfig, console: Console) -> PhaseMapResult:
    """Everything requested, with its progress."""
    import numpy as np

    from thinmargin.settings import Settings
    from thinmargin_agents.cli.progress import progress_of
    from thinmargin_agents.phase_map.cells import GRIDS
    from thinmargin_agents.phase_map.results import PhaseMapRequest, find
    from thinmargin_agents.phase_map.search import SearchBudget
    from thinmargin_agents.play.candidates import Candidates

    if config.quick:
        config = replace(config, **{name: min(getattr(config, name), most) for name, most in QUICK.items()})
    request = PhaseMapRequest(
        tuple(grid for name, grid in GRIDS.items() if config.map in (name, "both")),
        config.n_worlds,
        config.n_hidden,
        SearchBudget(config.generations, config.seed),
        config.judgements,
    )
    with progress_of(request.tasks, console) as progress:
        progress.say("compiled model (slow only the first time)")
        Candidates((0,), 1, Settings(horizon=1)).plans(np.zeros((1, 1, 4)))
        progress.say("searches")
        return find(request, config.processes, progress.advance)


def _write(config: PhaseMapConfig, result: PhaseMapResult) -> Exception | None:
    """Write the requested files; returns the error, if there was one."""
    from thinmargin.files import write_atomically
    from thinmargin_agents.cli.markdown import page_with
    from thinmargin_agents.cli.outputs import write_picture
    from thinmargin_agents.phase_map.document import document
    from thinmargin_agents.phase_map.table import markdown

    command = command_of(PROGRAM, config, without=NOT_IN_COMMAND)
    try:
        if config.json is not None:
            write_atomically(config.json, plain_json.dumps(document(result, command), allow_nan=False, indent=1) + "\n")
        if config.picture is not None:
            from thinmargin_agents.phase_map.picture import draw

            write_picture(draw(result), config.picture)
        if config.markdown is not None:
            write_atomically(config.markdown, page_with(config.markdown, markdown(result, command)))
    except (OSError, ValueError) as error:  # a full disk, a page that lost its place meanwhile
        return error
    return None


if __name__ == "__main__":
    raise SystemExit(main())
