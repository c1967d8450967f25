"""The command line: python -m thinmargin_agents.curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from thinmargin_agents.cli.command import check_libraries, run
from thinmargin_agents.cli.errors import UsageError
from thinmargin_agents.policies.manifest import ShippedError
from thinmargin_agents.policies.shipped import trained_names

if TYPE_CHECKING:
    from rich.console import Console

PROGRAM = "python -m thinmargin_agents.curves"


@dataclass(frozen=True)
class CurvesConfig:
    """Draw the learning curves of the shipped agents, one picture each and one of all."""

    folder: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("docs/algorithms")
    """Where the pictures are: NAME.png, all.png."""
    check: Annotated[tyro.conf.FlagCreatePairsOff[bool], tyro.conf.arg(help_behavior_hint="")] = False
    """Write nothing; say which pictures do not show today's numbers."""


def check(config: CurvesConfig) -> None:
    """Raise ValueError, naming flag, value and what is allowed, unless the flags can be used."""
    from thinmargin.files import is_folder
    from thinmargin.shown import shown

    if not is_folder(config.folder):
        raise ValueError(f"--folder is {shown(config.folder)}: it must be a folder that exists, as in a clone")
    check_libraries("a picture", ["matplotlib"], "report")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status.

    0: pictures are written, or with --check up to date; 1: one is not; 2: a flag cannot be used.
    """
    return run(PROGRAM, CurvesConfig, argv, check, _run)


def _run(config: CurvesConfig, errors: Console) -> int:
    from thinmargin_agents.curves.learning_curve import learning_curve_of
    from thinmargin_agents.curves.picture import curves_by_picture, shows, write

    try:
        pictures = curves_by_picture([learning_curve_of(name) for name in trained_names()])
    except ShippedError as error:
        raise UsageError(str(error)) from error
    if not pictures:
        errors.print("no agent is shipped: python -m thinmargin_agents.shipping makes one")
    failed = False
    for name, curves in pictures.items():
        path = config.folder / f"{name}.png"
        if config.check:
            if not shows(path, curves):
                errors.print(f"{path} is out of date: {PROGRAM} draws it anew", style="red")
                failed = True
            continue
        try:
            write(name, curves, config.folder)
        except OSError as error:
            errors.print(f"{PROGRAM}: {path} could not be written: {error}", style="red")
            failed = True
        else:
            print(f"{path}: {path.stat().st_size:,} bytes")  # noqa: T201  # the command line's own answer
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
