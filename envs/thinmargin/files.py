"""Files that are whole or not there: written beside their place, then renamed onto it."""

from __future__ import annotations

import os
import uuid
from pathlib import Path


class DamagedFileError(ValueError):
    """A file is missing, cut short, changed, or not what it should be; the message names it."""


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write bytes, or text as UTF-8, so that a reader or a crash finds the old file or the new one, never half of it.

    Raises:
        OSError: the file cannot be written, or the disk is full; the old one is untouched.
    """
    spare = _spare(path)
    try:
        with spare.open("xb") as file:
            file.write(content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        spare.replace(path.resolve())
    finally:
        spare.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Raise OSError unless `write_atomically` can write there; no file is left behind.

    Raises:
        OSError: the file cannot be written; the message says why.
    """
    if path.exists() and not path.is_file():
        raise OSError("it is there and is not a file")
    if not path.parent.is_dir():
        raise OSError(f"there is no folder {str(path.parent)!r}")
    spare = _spare(path)
    try:
        spare.touch(exist_ok=False)
    except OSError as error:
        raise OSError(error.strerror or str(error)) from error
    finally:
        spare.unlink(missing_ok=True)


def _spare(path: Path) -> Path:
    """A new name in the same folder, links followed: only there is renaming atomic."""
    return path.resolve().with_name(f".{uuid.uuid4().hex}.tmp")
