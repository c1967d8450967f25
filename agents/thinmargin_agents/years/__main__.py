"""The command line: python -m thinmargin_agents.years plan plan_with_feedback --picture years.png."""

from __future__ import annotations

import json as plain_json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from thinmargin_agents.cli.command import check_ranges, command_of, run
from thinmargin_agents.cli.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from thinmargin_agents.policies.entrants import Entrant
    from thinmargin_agents.scoring.comparison import Result

PROGRAM = "python -m thinmargin_agents.years"
PLACE = "years"
"""Name of the place on a Markdown page."""
POLICIES = ("low_margin_tuned", "plan", "plan_with_feedback")
LAST_SEED = 2**31
NOT_IN_COMMAND = ("json", "picture", "markdown")
"""Flags left out of the printed command: they do not change the results."""


@dataclass(frozen=True)
class YearsConfig:
    """Good policies year by year, beside the figures that the firm reported.

    Reported figures are history and policies play hidden worlds: shapes are compared, not levels.
    """

    policies: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="[POLICY ...]")] = POLICIES
    """Names of hand-coded or tuned policies, run folders (joined by commas: one policy of several training seeds), or
    file.py:Class."""
    n_worlds: int = 256
    """Number of worlds; all policies play the same ones."""
    split: Literal["validation", "test"] = "validation"
    """Unseen worlds: test for reporting, validation while choosing."""
    seed: int = 0
    """Seed of policies that draw at random."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """File for all numbers, bands too."""
    picture: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """File for a picture: .png, .svg or .pdf."""
    markdown: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """File for the table in Markdown, between <!-- years --> and <!-- end --> if it is there already."""


def check(config: YearsConfig) -> None:
    """Raise ValueError, naming flag, value and what is allowed, unless the flags can be used."""
    from thinmargin.shown import shown
    from thinmargin.splits import KEYS
    from thinmargin_agents.cli.outputs import check_files

    most = len(KEYS[config.split])
    check_ranges(config, {"n_worlds": (1, most), "seed": (0, LAST_SEED)})
    twice = next((name for k, name in enumerate(config.policies) if name in config.policies[:k]), None)
    if twice is not None:
        raise ValueError(f"POLICY: {shown(twice)} is named twice: each policy once is allowed")
    files = [("--json", config.json), ("--picture", config.picture), ("--markdown", config.markdown)]
    check_files(files, picture="--picture", page="--markdown", places=[PLACE])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status.

    0: all is done; 1: a policy failed, or a file could not be written; 2: a flag or name cannot be used.
    """
    return run(PROGRAM, YearsConfig, argv, check, _run)


def _run(config: YearsConfig, errors: Console) -> int:
    from thinmargin_agents.play.errors import PolicyError
    from thinmargin_agents.policies.by_name import entrant_of
    from thinmargin_agents.years.table import text

    try:
        entrants = [entrant_of(name) for name in config.policies]
        results = played(config, entrants, errors)
    except ValueError as error:
        raise UsageError(f"POLICY: {error}") from error
    except PolicyError as error:
        errors.print(f"{PROGRAM}: {error}", style="red")
        return 1
    problem = _write(config, results)  # before anything is printed: a reader that leaves early costs no file
    print(text(results, config.split, config.n_worlds))  # noqa: T201  # the command line's own answer
    if problem is not None:
        errors.print(f"{PROGRAM}: a file could not be written: {problem}", style="red")
    return 0 if problem is None else 1


def played(config: YearsConfig, entrants: Sequence[Entrant], console: Console) -> list[Result]:
    """Every policy through the same worlds; one that fails is a PolicyError."""
    from thinmargin.families import BENCHMARK
    from thinmargin.splits import KEYS
    from thinmargin_agents.judging.arena import (
        Arena,
        ArenaResults,
        play_all,
        playground_of,
    )
    from thinmargin_agents.play.errors import PolicyError

    evaluation = ArenaResults()
    arena = Arena(playground_of(BENCHMARK), KEYS[config.split][: config.n_worlds])
    play_all(entrants, arena, [], evaluation, seed=config.seed, time_limit=math.inf, console=console)
    for failure in evaluation.failures.values():
        raise PolicyError(failure)
    return evaluation.results


def _write(config: YearsConfig, results: Sequence[Result]) -> Exception | None:
    """Write the requested files; returns the error, if there was one."""
    from thinmargin.files import write_atomically
    from thinmargin_agents.cli.markdown import page_with
    from thinmargin_agents.cli.outputs import write_picture
    from thinmargin_agents.years.table import document, markdown

    split, worlds, command = config.split, config.n_worlds, command_of(PROGRAM, config, without=NOT_IN_COMMAND)
    try:
        if config.json is not None:
            content = document(results, split=split, worlds=worlds, seed=config.seed, command=command)
            write_atomically(config.json, plain_json.dumps(content, allow_nan=False, indent=1) + "\n")
        if config.picture is not None:
            from thinmargin_agents.years.picture import draw, title

            write_picture(draw(results, title(split, worlds)), config.picture)
        if config.markdown is not None:
            table = markdown(results, split, worlds, command)
            write_atomically(config.markdown, page_with(config.markdown, {PLACE: table}))
    except (OSError, ValueError) as error:  # a full disk, a page that lost its place meanwhile
        return error
    return None


if __name__ == "__main__":
    raise SystemExit(main())
