"""Run folders and folders of events lie beside each other: none is made inside of another."""

from __future__ import annotations

from pathlib import Path

from thinmargin.files import is_file
from thinmargin.shown import shown
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.runs.board import OWNER
from thinmargin_agents.runs.file_names import COMMAND, CONFIG


def check_outside_runs(flag: str, path: Path) -> None:
    """Raise ConfigError if a folder is, or lies in, that of a run or of a run's events."""
    place = path.resolve()
    for folder in (place, *place.parents):
        is_run = is_file(folder / CONFIG) and is_file(folder / COMMAND)
        if is_run or is_file(folder / OWNER):
            whose = "the folder of a run" if is_run else "the folder of a run's events"
            raise ConfigError(
                f"{flag} is {shown(path)}: {'that' if folder == place else shown(folder)} is {whose}, and no other run"
                " writes there; it must be a folder outside"
            )
