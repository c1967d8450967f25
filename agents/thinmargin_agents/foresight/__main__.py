"""The command line: python -m thinmargin_agents.foresight --split test --n-worlds 512."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True)
class ForesightConfig:
    """Look for the best plan of every world given its future: best known, not a bound.

    Every world is sought twice with the same budget; what the second search adds is reported.
    """

    split: Literal["validation", "test"] = "test"
    """Worlds."""
    n_worlds: int = 512
    """How many."""
    evaluations: int = 4000
    """Plays of a world in each of the two searches."""
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


def command_of(config: ForesightConfig) -> str:
    """The command line that makes this file again."""
    words = ["python", "-m", "thinmargin_agents.foresight"]
    for item in fields(ForesightConfig):
        value = getattr(config, item.name)
        if item.name in ("output", "processes", "fresh") or value == item.default:
            continue
        words += [f"--{item.name.replace('_', '-')}", *map(str, value if isinstance(value, tuple) else (value,))]
    return shlex.join(words)


def problem_with(config: ForesightConfig) -> str | None:
    """What is wrong with the flags, or None."""
    from thinmargin.splits import KEYS  # noqa: PLC0415  # heavy: not for --help

    most = {"n_worlds": len(KEYS[config.split]), "evaluations": 1_000_000, "processes": 256, "seed": 2**30}
    least = {"n_worlds": 1, "evaluations": 32, "processes": 1, "seed": 0}
    for name, low in least.items():
        value = getattr(config, name)
        if not low <= value <= most[name]:
            return f"--{name.replace('_', '-')} is {value}: allowed are {low} to {most[name]}"
    return None


def main(argv: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status: 2 for a bad argument, 130 when interrupted."""
    config = tyro.cli(ForesightConfig, args=argv, prog="python -m thinmargin_agents.foresight")
    problem = problem_with(config)
    if problem is None:
        from thinmargin.files import check_writable  # noqa: PLC0415  # heavy: not for --help
        from thinmargin.tuned import DamagedFileError  # noqa: PLC0415  # as above
        from thinmargin_agents.foresight.known import file_of  # noqa: PLC0415  # as above
        from thinmargin_agents.foresight.making import make  # noqa: PLC0415  # as above
        from thinmargin_agents.policies import PolicyError  # noqa: PLC0415  # as above

        path = config.output or file_of("benchmark", config.split)
        try:
            if config.output is None:
                path.parent.mkdir(exist_ok=True)
            check_writable(path)
            print(make(config, path, command_of(config)))  # noqa: T201  # the command line's own answer
        except (DamagedFileError, PolicyError, ValueError) as error:
            problem = str(error)
        except OSError as error:
            problem = f"{path} cannot be written: {error}"
        except KeyboardInterrupt:
            print("interrupted: the file is as it was", file=sys.stderr)  # noqa: T201  # as above
            return 130
        else:
            return 0
    print(f"error: {problem}", file=sys.stderr)  # noqa: T201  # as above
    return 2


if __name__ == "__main__":
    raise SystemExit(main())
