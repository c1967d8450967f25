"""A folder for a run's TensorBoard events outside its run folder: it belongs to one run, and no other writes there.

The board folder and the run folder hold the same random name. A run folder that says of a folder elsewhere that it is
its board is believed only if that folder says so too: a configuration from somebody else leads nowhere.
"""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from thinmargin.files import DamagedFileError
from thinmargin.shown import plain, shown
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.runs.file_names import BOARD
from thinmargin_agents.runs.safetensors_tree import read_json, write_json

LARGEST = 65_536
"""Bytes of a file that names a folder."""
OWNER = ".run"
"""File of a board folder: the name of the run that it belongs to, and the run folder it was made for."""


def claim(tensorboard_log: str, run_folder: Path) -> None:
    """Make TENSORBOARD_LOG/ALGO/ENV_K for this run alone, K being that of its folder or the next that is free.

    Nothing is made where that is the run folder itself.

    Raises:
        ConfigError: no folder can be made there.
        OSError: the run folder cannot be written.
    """
    name, number = _name_and_number(run_folder.name)
    board = Path(tensorboard_log, run_folder.parent.name, run_folder.name)
    if is_inside(tensorboard_log, run_folder):
        return
    try:
        board.parent.mkdir(parents=True, exist_ok=True)
        while True:  # another run may have it
            try:
                board.mkdir()
                break
            except FileExistsError:
                number += 1
                board = board.with_name(f"{name}_{number}")
        owner = secrets.token_hex(16)
        write_json(board / OWNER, {"owner": owner, "run": str(run_folder.absolute())})
    except OSError as error:
        why = f"{error.filename}: {error.strerror}" if error.filename else error
        raise ConfigError(
            f"--tensorboard-log is {shown(Path(tensorboard_log))}: no folder can be made there: {why}"
        ) from error
    try:
        write_json(run_folder / BOARD, {"folder": str(board.absolute()), "owner": owner})
    except OSError:
        shutil.rmtree(board)
        raise


def is_inside(tensorboard_log: str, run_folder: Path) -> bool:
    """Whether the run folder itself is the place for its events: it was made in the folder that was asked for."""
    return Path(tensorboard_log).resolve() == run_folder.resolve().parent.parent


def board_of(run_folder: Path) -> Path | None:
    """The board folder of a run; None if it has none of its own, or what it names does not belong to it.

    A run folder may be moved. A copy of one that is still there has no board: it would write into that of the other.
    """
    try:
        folder, owner = _read(run_folder / BOARD, "folder", "owner")
        marked, made_for = _read(Path(folder, OWNER), "owner", "run")
        if marked != owner:
            return None
        if Path(made_for).resolve() != run_folder.resolve() and (Path(made_for) / BOARD).is_file():
            return None if _read(Path(made_for) / BOARD, "owner") == (owner,) else Path(folder)
        return Path(folder)
    except (DamagedFileError, LookupError, TypeError, ValueError, OSError):
        return None  # absent, damaged or foreign: not believed


def _read(file: Path, *names: str) -> tuple[str, ...]:
    """These texts of a small JSON file, which is never read through a link."""
    if file.is_symlink() or not file.is_file() or file.stat().st_size > LARGEST:
        raise DamagedFileError(f"{plain(file)}: must be a file of at most {LARGEST} bytes")
    content = read_json(file)
    if not all(isinstance(content[name], str) for name in names):
        raise DamagedFileError(f"{plain(file)}: {', '.join(names)} must be texts")
    return tuple(content[name] for name in names)


def _name_and_number(folder: str) -> tuple[str, int]:
    """The parts of ENV_K."""
    name, _, number = folder.rpartition("_")
    return (name, int(number)) if name and number.isdecimal() else (folder, 0)
