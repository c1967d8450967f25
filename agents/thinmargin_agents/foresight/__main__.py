"""The command line: python -m thinmargin_agents.foresight --split test --n-worlds 512."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from thinmargin_agents.cli.command import check_output, check_ranges, command_of, run
from thinmargin_agents.foresight.config import ForesightConfig

if TYPE_CHECKING:
    from rich.console import Console

PROGRAM = "python -m thinmargin_agents.foresight"
NOT_IN_COMMAND = ("output", "processes", "fresh")
"""Flags left out of the command that is saved in the file."""


def check(config: ForesightConfig) -> None:
    """Raise UsageError unless the flags can be used."""
    from thinmargin.splits import KEYS

    most = len(KEYS[config.split])
    ranges = {"n_worlds": (1, most), "n_check": (1, most), "evaluations": (32, 1_000_000)}
    check_ranges(config, {**ranges, "processes": (1, 256), "seed": (0, 2**30)})
    check_output("--output", config.output)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status.

    0: plans are written; 1: a policy or a file failed, or a process that searches was killed; 2: a flag cannot be used.
    """
    return run(PROGRAM, ForesightConfig, argv, check, _run)


def _run(config: ForesightConfig, errors: Console) -> int:
    from thinmargin.files import DamagedFileError, check_writable
    from thinmargin_agents.foresight.improvement import make
    from thinmargin_agents.foresight.plan_files import BENCHMARK_WORLDS, file_of
    from thinmargin_agents.play.errors import PolicyError

    path = config.output or file_of(BENCHMARK_WORLDS, config.split)
    try:
        path.parent.mkdir(exist_ok=True)
        check_writable(path)
        print(make(config, path, command_of(PROGRAM, config, without=NOT_IN_COMMAND), errors))  # noqa: T201  # its own answer
    except (DamagedFileError, PolicyError) as error:
        errors.print(f"{PROGRAM}: {error}", style="red")
        return 1
    except OSError as error:
        errors.print(f"{PROGRAM}: {path} cannot be written: {error}", style="red")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
