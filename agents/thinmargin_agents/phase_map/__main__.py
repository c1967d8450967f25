"""The command line: python -m thinmargin_agents.phase_map --picture map.png."""

from __future__ import annotations

import json as plain_json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

if TYPE_CHECKING:
    from thinmargin_agents.phase_map.results import Result

PROGRAM = "python -m thinmargin_agents.phase_map"
PLACE = "phase map"
"""Name of the place on a Markdown page."""
LIMITS = {"n_worlds": (1, 64), "n_hidden": (0, 2000), "generations": (1, 1000), "processes": (1, 64)}
"""Least and most of each; more worlds would need gigabytes of memory."""
LAST_SEED = 2**31


@dataclass(frozen=True)
class PhaseMapConfig:
    """When does the thin margin win: the best constant levers with a thin, a middle and a premium markup.

    One map has price slopes against what services pay, the other against the owners' patience. Hidden worlds of the
    benchmark are put on the first, and some of them are searched too. Only validation worlds are used.
    """

    map: Literal["services", "patience", "both"] = "both"
    """services: services ceiling as a multiple of the calibrated one. patience: discount rate a year."""
    n_worlds: int = 4
    """Worlds of every cell; they differ in small shocks only."""
    n_hidden: int = 100
    """Hidden worlds of the benchmark that are searched one by one for the services map; 0 leaves them out."""
    generations: int = 40
    """Generations of CMA-ES of every start."""
    seed: int = 0
    """Seed of CMA-ES."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """File for everything found."""
    picture: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """File for the maps as a picture: .png, .svg or .pdf."""
    markdown: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """File for the tables in Markdown, between <!-- phase map --> and <!-- end --> if it is there already."""
    processes: int = 2
    """Cells searched at a time; the answer does not depend on it."""


def check(config: PhaseMapConfig) -> None:
    """Nothing if the flags can be used, else a ValueError that names flag, value and what is allowed."""
    for name, (low, high) in LIMITS.items():
        if not low <= getattr(config, name) <= high:
            raise ValueError(
                f"--{name.replace('_', '-')} is {getattr(config, name)}: whole numbers from {low} to {high} are allowed"
            )
    if not 0 <= config.seed <= LAST_SEED:
        raise ValueError(f"--seed is {config.seed}: whole numbers from 0 to {LAST_SEED} are allowed")
    if find_spec("cma") is None:
        raise ValueError("the search needs CMA-ES: pip install 'thinmargin[search]'")
    from thinmargin_agents.outputs import check_files  # noqa: PLC0415  # not for --help

    files = {"--json": config.json, "--picture": config.picture, "--markdown": config.markdown}
    check_files(files, picture="--picture", page="--markdown", place=PLACE)


def command_of(config: PhaseMapConfig) -> str:
    """The command line that finds the same."""
    words = PROGRAM.split()
    for name in ("map", "n_worlds", "n_hidden", "generations", "seed"):
        value = getattr(config, name)
        if value != PhaseMapConfig.__dataclass_fields__[name].default:
            words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join(words)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status: 2 for a bad argument, 1 if a file cannot be written."""
    try:
        config = tyro.cli(PhaseMapConfig, args=argv, prog=PROGRAM)
        try:
            check(config)
        except ValueError as error:
            return _refuse(f"error: {error}", 2)
        return _run(config)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except KeyboardInterrupt:
        return _refuse("interrupted: nothing was written", 130)


def _run(config: PhaseMapConfig) -> int:
    from thinmargin_agents.phase_map.table import text  # noqa: PLC0415  # heavy: not for --help

    result = _found(config)
    problem = _write(config, result)  # before anything is printed: a reader that leaves early costs no file
    print(text(result))  # noqa: T201  # the command line's own answer
    return 0 if problem is None else _refuse(f"error: a file could not be written: {problem}", 1)


def _found(config: PhaseMapConfig) -> Result:
    """Everything asked for, with a progress bar on a terminal."""
    import numpy as np  # noqa: PLC0415  # heavy: not for --help
    from rich.console import Console  # noqa: PLC0415  # as above
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    from thinmargin.settings import Settings  # noqa: PLC0415  # as above
    from thinmargin_agents.phase_map.cells import GRIDS  # noqa: PLC0415  # as above
    from thinmargin_agents.phase_map.results import Asked, find  # noqa: PLC0415  # as above
    from thinmargin_agents.phase_map.search import Effort  # noqa: PLC0415  # as above
    from thinmargin_agents.trials import Trials  # noqa: PLC0415  # as above

    grids = tuple(grid for name, grid in GRIDS.items() if config.map in (name, "both"))
    asked = Asked(grids, config.n_worlds, config.n_hidden, Effort(config.generations, config.seed))
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("compiled model (slow only the first time)", total=asked.searches)
        Trials((0,), 1, Settings(horizon=1)).plans(np.zeros((1, 1, 4)))
        bar.update(task, description="cells and hidden worlds")
        return find(asked, config.processes, lambda: bar.update(task, advance=1))


def _write(config: PhaseMapConfig, result: Result) -> Exception | None:
    """Write the files asked for; returns what went wrong, if anything did."""
    from thinmargin.files import write_atomically  # noqa: PLC0415  # heavy: not for --help
    from thinmargin_agents.outputs import page_with, write_picture  # noqa: PLC0415  # as above
    from thinmargin_agents.phase_map.table import document, markdown  # noqa: PLC0415  # as above

    command = command_of(config)
    try:
        if config.json is not None:
            write_atomically(config.json, plain_json.dumps(document(result, command), allow_nan=False, indent=1) + "\n")
        if config.picture is not None:
            from thinmargin_agents.phase_map.picture import draw  # noqa: PLC0415  # needs matplotlib

            write_picture(draw(result), config.picture)
        if config.markdown is not None:
            write_atomically(config.markdown, page_with(config.markdown, PLACE, markdown(result, command)))
    except (OSError, ValueError) as error:  # a full disk, a page that lost its place meanwhile
        return error
    return None


def _refuse(problem: str, status: int) -> int:
    print(problem, file=sys.stderr)  # noqa: T201  # as above
    return status


if __name__ == "__main__":
    raise SystemExit(main())
