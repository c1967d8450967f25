"""Files that are whole or not there: written beside their place, then renamed onto it."""

from __future__ import annotations

import errno
import os
import stat
import uuid
from pathlib import Path

from thinmargin.shown import shown

LONGEST_STEM = 200
"""Bytes of a file's name that the name of its spare file has."""


class DamagedFileError(ValueError):
    """A file is missing, cut short, changed, or not what it should be; the message names it."""


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write bytes, or text as UTF-8, so that a reader or a crash finds the old file or the new one, never half of it.

    A file that is replaced keeps its permissions. What a process that was killed while it wrote this file has left
    beside it is removed.

    Raises:
        OSError: the file cannot be written, or the disk is full; the old one is untouched.
    """
    target = _target(path)
    _clear(target)
    spare = _spare(target)
    try:
        with spare.open("xb") as file:
            if target.exists():
                spare.chmod(stat.S_IMODE(target.stat().st_mode))
            file.write(content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        spare.replace(target)
    finally:
        spare.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Raise OSError unless `write_atomically` can write there; no file is left behind.

    Raises:
        OSError: the file cannot be written; the message says why.
    """
    target = _target(path)
    if target.exists() and not target.is_file():
        raise OSError("it is there and is not a file")
    if not target.parent.is_dir():
        raise OSError(f"there is no folder {shown(path.parent)}")
    spare = _spare(target)
    try:
        spare.touch(exist_ok=False)
    except OSError as error:
        raise OSError(error.strerror or str(error)) from error
    finally:
        spare.unlink(missing_ok=True)


def is_folder(path: Path) -> bool:
    """Whether there is a folder; a name that no file system takes, or that may not be looked at, is none."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def is_file(path: Path) -> bool:
    """Whether there is a file that ends, no pipe or device; otherwise as `is_folder`."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_there(path: Path) -> bool:
    """Whether there is anything of this name; otherwise as `is_folder`."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def same_file(one: Path, other: Path) -> bool:
    """Whether two names lead to the same file, there or not; OSError for a name that can lead to none."""
    return _target(one) == _target(other)


def _target(path: Path) -> Path:
    """The file behind links: only in its own folder is renaming atomic; OSError if links go round in a circle."""
    try:
        return path.resolve()
    except RuntimeError as error:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from error


def _spare(target: Path) -> Path:
    """A new name in the same folder, which tells the file and the process that writes it."""
    return target.with_name(f"{_beginning(target)}{os.getpid()}.{uuid.uuid4().hex[:8]}.tmp")


def _beginning(target: Path) -> str:
    """How the spare names of a file begin; a long name is cut, so that the whole is one that file systems take."""
    return f".{target.name.encode()[:LONGEST_STEM].decode('utf-8', 'ignore')}."


def _clear(target: Path) -> None:
    """Remove spare files of this file whose process is gone."""
    beginning = _beginning(target)
    for spare in target.parent.glob(".*.tmp"):
        owner, _, rest = spare.name.removeprefix(beginning).partition(".")
        if spare.name.startswith(beginning) and owner.isdecimal() and rest.count(".") == 1 and not is_alive(int(owner)):
            spare.unlink(missing_ok=True)


def is_alive(process: int) -> bool:
    """Whether there is a process of this number, of whatever user; True where that cannot be asked without harm."""
    if os.name != "posix":  # elsewhere, asking for a process by its number may end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # of another user; no number of a process
        return True
    return True
