"""The command line: python -m thinmargin_agents.foresight --split test --n-worlds 512."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from thinmargin_agents.commands import check_output, check_ranges, command_of, run

if TYPE_CHECKING:
    from rich.console import Console

PROGRAM = "python -m thinmargin_agents.foresight"
UNTOLD = ("output", "processes", "fresh")
"""Flags that the command kept in the file leaves out."""


@dataclass(frozen=True)
class ForesightConfig:
    """Look for the best plan of every world given its future: best known, not a bound.

    Every world is sought twice, the second time with a finer plan. A check doubles the whole budget in some worlds.
    """

    split: Literal["validation", "test"] = "test"
    """Worlds."""
    n_worlds: int = 512
    """How many."""
    evaluations: int = 4000
    """Plays of a world in each of the two searches."""
    n_check: int = 64
    """Worlds in which the whole budget is doubled, only to see what that adds."""
    also: Annotated[tuple[str, ...], tyro.conf.arg(metavar="POLICY ...")] = ()
    """Further policies to begin from, as evaluate.py names them; all deterministic hand-coded and tuned ones are."""
    processes: int = max((os.cpu_count() or 1), 1)
    """Processes side by side; the result does not depend on it."""
    seed: int = 0
    """Seed of CMA-ES."""
    fresh: bool = False
    """Forget what an earlier search has written to the file."""
    output: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """File to improve or make; by default the one that evaluate.py reads."""


def check(config: ForesightConfig) -> None:
    """Nothing if the flags can be used, else a UsageError."""
    from thinmargin.splits import KEYS  # noqa: PLC0415  # heavy: not for --help

    most = len(KEYS[config.split])
    ranges = {"n_worlds": (1, most), "n_check": (1, most), "evaluations": (32, 1_000_000)}
    check_ranges(config, {**ranges, "processes": (1, 256), "seed": (0, 2**30)})
    check_output("--output", config.output)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status: 1 if a policy or a file fails, 2 for a bad argument."""
    return run(PROGRAM, ForesightConfig, argv, check, _run)


def _run(config: ForesightConfig, errors: Console) -> int:
    from thinmargin.files import check_writable  # noqa: PLC0415  # heavy: not for --help
    from thinmargin.tuned import DamagedFileError  # noqa: PLC0415  # as above
    from thinmargin_agents.foresight.known import file_of  # noqa: PLC0415  # as above
    from thinmargin_agents.foresight.making import make  # noqa: PLC0415  # as above
    from thinmargin_agents.policies import PolicyError  # noqa: PLC0415  # as above

    path = config.output or file_of("benchmark", config.split)
    try:
        path.parent.mkdir(exist_ok=True)
        check_writable(path)
        print(make(config, path, command_of(PROGRAM, config, without=UNTOLD), errors))  # noqa: T201  # its own answer
    except (DamagedFileError, PolicyError) as error:
        errors.print(f"{PROGRAM}: {error}", style="red")
        return 1
    except OSError as error:
        errors.print(f"{PROGRAM}: {path} cannot be written: {error}", style="red")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
