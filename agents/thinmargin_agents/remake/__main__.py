"""The command line: python -m thinmargin_agents.remake.

Nothing heavy is imported before the command line is read, so that `--help` answers at once.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from thinmargin_agents.cli.command import check_libraries, run
from thinmargin_agents.cli.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from thinmargin_agents.remake.stage import Stage, Table

PROGRAM = "python -m thinmargin_agents.remake"
LIBRARIES = {"search": ["cma"], "report": ["matplotlib"], "agents": ["stable_baselines3", "sb3_contrib"]}
"""Libraries that stages need, by the extra that brings them."""
MOST_FACTOR = 1000.0


@dataclass(frozen=True)
class RemakeConfig:
    """Make everything anew that hangs on the economics: constants, rules, plans, agents, pages. Takes hours.

    Stages run one after the other. A second call passes over what is up to date and goes on where one was broken off:
    by Ctrl-C, by a failure, by a kill. What is noticed are changes of equations, constants, presets, files of earlier
    stages, and of the code of each command; not of the code that trains: --only agent --fresh trains anew.
    """

    only: Annotated[tuple[str, ...] | None, tyro.conf.arg(metavar="STAGE ...")] = None
    """Stages to make, by name, or by group: tune for all tuned rules. All if not given."""
    start: Annotated[str | None, tyro.conf.arg(name="from", metavar="STAGE")] = None
    """First stage to make; those before it are left as they are."""
    fresh: Annotated[tyro.conf.FlagCreatePairsOff[bool], tyro.conf.arg(help_behavior_hint="")] = False
    """Make these stages though they are up to date, from their beginning."""
    list: Annotated[tyro.conf.FlagCreatePairsOff[bool], tyro.conf.arg(help_behavior_hint="")] = False
    """Make nothing; print the stages with their state, the seconds they took and their bounds."""
    dry_run: Annotated[tyro.conf.FlagCreatePairsOff[bool], tyro.conf.arg(help_behavior_hint="")] = False
    """Make nothing; print the commands that would be run, and why."""
    bound_factor: float = 1.0
    """Every stage is ended after so many times its bound."""
    folder: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("logs/remake")
    """Where state, logs and runs are."""


def check(config: RemakeConfig, make_table: Callable[[Path], Table] | None = None) -> None:
    """Raise UsageError unless the flags can be used."""
    from thinmargin.shown import shown

    if not (math.isfinite(config.bound_factor) and 0.0 < config.bound_factor <= MOST_FACTOR):
        raise UsageError(f"--bound-factor is {config.bound_factor:g}: allowed are above 0 to {MOST_FACTOR:g}")
    for one, other in (("only", "start"), ("list", "dry_run"), ("list", "fresh")):
        if getattr(config, one) and getattr(config, other):
            names = [f"--{name.replace('start', 'from').replace('_', '-')}" for name in (one, other)]
            raise UsageError(f"{names[0]} and {names[1]} are both given: give one of the two")
    if os.name != "posix":
        raise UsageError(f"this system is {shown(os.name)}: it must be Linux, macOS or another that has process groups")
    if not (config.list or config.dry_run):
        for extra, libraries in LIBRARIES.items():
            check_libraries("making everything", libraries, extra)
    if config.only == ():
        _chosen(config, make_table)  # which says what there is


def main(argv: Sequence[str] | None = None, make_table: Callable[[Path], Table] | None = None) -> int:
    """Run the command line and return the exit status.

    0: all is made; 1: a stage failed or ran over its bound, or a file could not be written; 2: a flag cannot be used,
    this is no checkout, or another call works; 130: it was interrupted.

    Args:
        argv: arguments; those of the process by default.
        make_table: the stages, given --folder; those of this package by default.
    """
    return run(PROGRAM, RemakeConfig, argv, partial(check, make_table=make_table), partial(_run, make_table=make_table))


def _chosen(config: RemakeConfig, make_table: Callable[[Path], Table] | None) -> tuple[Table, list[Stage]]:
    """All stages, and those that are asked for; raises UsageError for a name that there is not."""
    from thinmargin_agents.remake import table as package
    from thinmargin_agents.remake.stage import chosen

    table = (make_table or package.shipped_table)(config.folder)
    return table, chosen(table.stages, config.only, config.start)


def _run(config: RemakeConfig, errors: Console, make_table: Callable[[Path], Table] | None) -> int:
    from thinmargin.files import DamagedFileError
    from thinmargin_agents.cli.console import console, plain_console
    from thinmargin_agents.remake.display import show_commands, show_list
    from thinmargin_agents.remake.session import STATE, StageError, is_busy, remake
    from thinmargin_agents.remake.state import State

    table, stages = _chosen(config, make_table)
    try:
        if config.list:
            state = State.read(config.folder / STATE)
            busy = is_busy(config.folder)
            show_list(table, state, stages, factor=config.bound_factor, busy=busy, console=console())
        elif config.dry_run:
            state = State.read(config.folder / STATE)
            show_commands(table, state, stages, fresh=config.fresh, folder=config.folder, console=plain_console())
        else:
            remake(table, stages, config.folder, errors, fresh=config.fresh, factor=config.bound_factor)
    except DamagedFileError as error:
        raise UsageError(str(error)) from error
    except (StageError, OSError) as error:
        errors.print(f"{PROGRAM}: {error}", style="red")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
