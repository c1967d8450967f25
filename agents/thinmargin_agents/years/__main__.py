"""The command line: python -m thinmargin_agents.years plan plan_with_feedback --picture years.png."""

from __future__ import annotations

import json as plain_json
import math
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

if TYPE_CHECKING:
    from thinmargin_agents.comparison import Result
    from thinmargin_agents.policies import Entrant

PROGRAM = "python -m thinmargin_agents.years"
PLACE = "years"
"""Name of the place on a Markdown page."""
POLICIES = ("low_margin_tuned", "plan", "plan_with_feedback")
ENVIRONMENT = "ThinMargin/Ecosystem-v0"


@dataclass(frozen=True)
class YearsConfig:
    """What good policies do year by year, beside what the firm reported.

    Reported figures are history and policies play hidden worlds: shapes are compared, not levels.
    """

    policies: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="[POLICY ...]")] = POLICIES
    """Names of hand-coded or tuned policies, run folders (joined by commas: one policy of several training seeds), or
    file.py:Class."""
    n_worlds: int = 256
    """How many worlds; all policies play the same ones."""
    split: Literal["validation", "test"] = "validation"
    """Unseen worlds: test for reporting, validation while choosing."""
    seed: int = 0
    """Seed of policies with dice of their own."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """File for all numbers, bands too."""
    picture: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """File for a picture: .png, .svg or .pdf."""
    markdown: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """File for the table in Markdown, between <!-- years --> and <!-- end --> if it is there already."""


def check(config: YearsConfig) -> None:
    """Nothing if the flags can be used, else a ValueError that names flag, value and what is allowed."""
    from thinmargin.splits import KEYS  # noqa: PLC0415  # not for --help
    from thinmargin_agents.outputs import check_files  # noqa: PLC0415  # as above

    most = len(KEYS[config.split])
    if not 1 <= config.n_worlds <= most:
        raise ValueError(f"--n-worlds is {config.n_worlds}: whole numbers from 1 to {most} are allowed")
    if config.seed < 0:
        raise ValueError(f"--seed is {config.seed}: whole numbers from 0 are allowed")
    twice = next((name for k, name in enumerate(config.policies) if name in config.policies[:k]), None)
    if twice is not None:
        raise ValueError(f"POLICY: {twice!r} is named twice: each policy once is allowed")
    files = {"--json": config.json, "--picture": config.picture, "--markdown": config.markdown}
    check_files(files, picture="--picture", page="--markdown", place=PLACE)


def command_of(config: YearsConfig) -> str:
    """The command line that gives the same."""
    words = [*PROGRAM.split(), *(config.policies if config.policies != POLICIES else ())]
    for name in ("n_worlds", "split", "seed"):
        value = getattr(config, name)
        if value != YearsConfig.__dataclass_fields__[name].default:
            words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join(words)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status.

    0: all is done; 1: a policy failed, or a file could not be written; 2: a flag or name cannot be used.
    """
    try:
        config = tyro.cli(YearsConfig, args=argv, prog=PROGRAM)
        try:
            check(config)
        except ValueError as error:
            return _refuse(f"error: {error}", 2)
        return _run(config)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except KeyboardInterrupt:
        return _refuse("interrupted: nothing was written", 130)


def _run(config: YearsConfig) -> int:
    from thinmargin_agents.policies import PolicyError, entrant_of  # noqa: PLC0415  # heavy: not for --help

    try:
        entrants = [entrant_of(name) for name in config.policies]
    except ValueError as error:
        return _refuse(f"error: POLICY: {error}", 2)
    except PolicyError as error:
        return _refuse(f"error: {error}", 1)
    try:
        results = played(config, entrants)
    except PolicyError as error:
        return _refuse(f"error: {error}", 1)
    return conclude(config, results)


def played(config: YearsConfig, entrants: Sequence[Entrant]) -> list[Result]:
    """Every policy through the same worlds; one that fails is a PolicyError."""
    from rich.console import Console  # noqa: PLC0415  # heavy: not for --help

    from thinmargin.splits import KEYS  # noqa: PLC0415  # as above
    from thinmargin_agents.playing import Arena, Evaluation, play_all, playground_of  # noqa: PLC0415  # as above
    from thinmargin_agents.policies import PolicyError  # noqa: PLC0415  # as above

    evaluation = Evaluation()
    arena = Arena(playground_of(ENVIRONMENT), KEYS[config.split][: config.n_worlds])
    console = Console(stderr=True)
    play_all(entrants, arena, [], evaluation, seed=config.seed, time_limit=math.inf, console=console)
    for failure in evaluation.failures.values():
        raise PolicyError(failure)
    return evaluation.results


def conclude(config: YearsConfig, results: Sequence[Result]) -> int:
    """Write the files and print the table; returns the exit status."""
    from thinmargin_agents.years.table import text  # noqa: PLC0415  # heavy: not for --help

    problem = _write(config, results)  # before anything is printed: a reader that leaves early costs no file
    print(text(results, config.split, config.n_worlds))  # noqa: T201  # the command line's own answer
    return 0 if problem is None else _refuse(f"error: a file could not be written: {problem}", 1)


def _write(config: YearsConfig, results: Sequence[Result]) -> Exception | None:
    """Write the files asked for; returns what went wrong, if anything did."""
    from thinmargin.files import write_atomically  # noqa: PLC0415  # heavy: not for --help
    from thinmargin_agents.outputs import page_with, write_picture  # noqa: PLC0415  # as above
    from thinmargin_agents.years.table import document, markdown  # noqa: PLC0415  # as above

    split, worlds, command = config.split, config.n_worlds, command_of(config)
    try:
        if config.json is not None:
            content = document(results, split=split, worlds=worlds, seed=config.seed, command=command)
            write_atomically(config.json, plain_json.dumps(content, allow_nan=False, indent=1) + "\n")
        if config.picture is not None:
            from thinmargin_agents.years.picture import draw, title  # noqa: PLC0415  # needs matplotlib

            write_picture(draw(results, title(split, worlds)), config.picture)
        if config.markdown is not None:
            table = markdown(results, split, worlds, command)
            write_atomically(config.markdown, page_with(config.markdown, PLACE, table))
    except (OSError, ValueError) as error:  # a full disk, a page that lost its place meanwhile
        return error
    return None


def _refuse(problem: str, status: int) -> int:
    print(problem, file=sys.stderr)  # noqa: T201  # the command line's own answer
    return status


if __name__ == "__main__":
    raise SystemExit(main())
