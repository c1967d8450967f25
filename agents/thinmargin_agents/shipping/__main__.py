"""The command line: python -m thinmargin_agents.shipping NAME RUN [RUN ...] --meaning SENTENCE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from thinmargin_agents.cli.command import check_folder, run
from thinmargin_agents.cli.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from thinmargin_agents.policies.manifest import Manifest

PROGRAM = "python -m thinmargin_agents.shipping"
LONGEST = 300
"""Most characters of the sentence."""
TAKEN = ("all", "index")
"""Names that other pages and pictures have."""


@dataclass(frozen=True)
class ShippingConfig:
    """Make an agent that the package ships, of finished runs that differ in nothing but their seed.

    Only the weights that play are stored, checked by playing the validation worlds of the runs again. An agent of this
    name that is there already is replaced.
    """

    name: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="NAME")]
    """Name of the agent: small letters, digits and _."""
    runs: Annotated[
        tuple[Path, ...],
        tyro.conf.Positional,
        tyro.conf.arg(metavar="RUN [RUN ...]", help_behavior_hint="(required)"),
    ]
    """Run folders, one a training seed."""
    meaning: str
    """One sentence that says what the agent is."""
    folder: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: the package's)")] = None
    """Where the agent's folder goes."""


def check(config: ShippingConfig) -> None:
    """Raise ValueError, naming flag, value and what is allowed, unless the flags can be used."""
    from thinmargin.baselines import BASELINES
    from thinmargin.files import is_file, is_there
    from thinmargin.shown import plain, shown
    from thinmargin_agents.policies.manifest import MANIFEST
    from thinmargin_agents.policies.shipped import FOLDER, NAME
    from thinmargin_agents.scoring.score import FORESIGHT

    if not NAME.fullmatch(config.name):
        raise ValueError(f"NAME is {shown(config.name)}: it must be a small letter, then small letters, digits and _")
    if config.name in (*BASELINES, FORESIGHT, *TAKEN):
        raise ValueError(f"NAME is {shown(config.name)}: that is a built-in policy or page; give another name")
    if not config.runs:
        raise ValueError("RUN is missing: there must be at least one run folder")
    text = config.meaning
    if not text.strip() or len(text) > LONGEST or not text.isprintable():
        raise ValueError(f"--meaning is {shown(text)}: it must be one line of at most {LONGEST} characters")
    place = (config.folder or FOLDER) / config.name
    check_folder("--folder", config.folder)
    if is_there(place) and not is_file(place / MANIFEST):
        raise ValueError(f"{plain(place)} is there and is no shipped agent: it is not replaced")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status.

    0: the agent is written; 1: it could not be; 2: a flag or a run cannot be used, and nothing was written.
    """
    return run(PROGRAM, ShippingConfig, argv, check, _run)


def _run(config: ShippingConfig, errors: Console) -> int:
    try:
        from thinmargin_agents.shipping.shipment import shipment_of, write
    except ModuleNotFoundError as error:
        raise UsageError(f"{error}; this needs: pip install 'thinmargin[agents]'") from error
    from thinmargin.files import DamagedFileError
    from thinmargin.shown import plain
    from thinmargin_agents.config.errors import ConfigError
    from thinmargin_agents.policies.shipped import FOLDER
    from thinmargin_agents.runs.folder import RunError
    from thinmargin_agents.shipping.finished_run import read_finished_run

    try:
        runs = [read_finished_run(path) for path in config.runs]
        shipment = shipment_of(config.name, config.meaning.strip(), runs, errors.print)
    except (RunError, ConfigError, DamagedFileError) as error:
        raise UsageError(str(error)) from error
    place = (config.folder or FOLDER) / config.name
    try:
        write(shipment, place)
    except OSError as error:
        errors.print(f"{PROGRAM}: {plain(place)} could not be written: {error}", style="red")
        return 1
    print(summary(shipment.manifest, place))  # noqa: T201  # the command line's own answer
    return 0


def summary(manifest: Manifest, place: Path) -> str:
    """Summary of what was written."""
    from thinmargin.shown import plain

    found, sizes = manifest.validation, {path.name: path.stat().st_size for path in sorted(place.iterdir())}
    scored = ""
    if found.score is not None and found.score_ci95 is not None:
        scored = f", score {found.score:.1f} [{found.score_ci95[0]:.1f}, {found.score_ci95[1]:.1f}]"
    lines = [
        f"{manifest.name}: training seeds {', '.join(str(one.seed) for one in manifest.seeds)}",
        f"on {found.worlds} validation worlds: J {found.J:.1f} RMB bn{scored}",
        f"trained again by: {manifest.command}",
        *(f"{size:>9,} bytes  {plain(place / name)}" for name, size in sizes.items()),
        f"{sum(sizes.values()):>9,} bytes in all",
        "next: python -m thinmargin_agents.curves && python docs/tables.py",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
