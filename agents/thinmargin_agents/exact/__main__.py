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

from thinmargin_agents.cli.command import UsageError, check_libraries, check_output, check_ranges, run

if TYPE_CHECKING:
    from rich.console import Console

    from thinmargin_agents.exact.backward_induction import CheckedOptimum
    from thinmargin_agents.exact.contenders import Contender

PROGRAM = "python -m thinmargin_agents.exact"
LAST_SEED = 2**30
"""CMA-ES takes few larger ones, and the searches use a few seeds above this one."""
MOST_TIMESTEPS = 10**9


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
    check_output("--json", config.json)


def _run(config: ExactConfig, errors: Console) -> int:
    """Compute everything requested, then print the table and write the file."""
    import json

    from thinmargin.files import write_atomically
    from thinmargin_agents.cli.console import plain_console
    from thinmargin_agents.exact.contenders import trained
    from thinmargin_agents.exact.table import Results, document, text

    checked, reached = _without_learning(config.seed, errors)
    if config.ppo:
        errors.print("training PPO; its run folder is thrown away afterwards")
        reached.insert(1, trained(config.seed, config.timesteps, shown=errors.is_terminal))
    results = Results(checked, reached, config.seed)
    plain_console().print(text(results))
    problems = results.problems
    if config.json is not None:
        try:
            write_atomically(config.json, json.dumps(document(results), indent=1, allow_nan=False) + "\n")
        except OSError as error:
            problems.append(f"--json is {str(config.json)!r}: it cannot be written: {error}")
    for problem in problems:
        errors.print(f"{PROGRAM}: {problem}", style="red")
    return 1 if problems else 0


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
