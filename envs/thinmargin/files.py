"""Files that are whole or not there: written beside their place, then renamed onto it; and files that end when read."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from thinmargin.shown import shown
from thinmargin.spares import left_behind, spare_of

TEMPORARY = "tmp"
"""Ending of a file that is being written."""
MOST_BYTES = 1 << 26
"""Bytes of a text or table that is read, 64 MiB: far beyond any that is meant."""


class DamagedFileError(ValueError):
    """A file is missing, cut short, changed, or not what it should be; the message names it."""


def check_regular(path: Path) -> None:
    """Raise OSError unless it is a file with an end: a pipe, a device or a socket would hold its reader for ever.

    Raises:
        OSError: there is no such file, or it is of another kind; `strerror` says what it is.
    """
    try:
        found = path.stat()
    except ValueError as error:  # a zero byte in it
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from error
    _check_kind(path, found)


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """The content of a file that somebody named: looked at before it is opened, and once more when it is.

    Args:
        path: of a regular file, or a link to one.
        most: bytes that it may have.

    Raises:
        OSError: it cannot be read, is no regular file, or has more bytes; `strerror` says which.
    """
    check_regular(path)
    # opening a pipe without O_NONBLOCK waits for a writer; O_BINARY is Windows's
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(number, "rb") as file:
        found = os.fstat(number)
        _check_kind(path, found)
        content = file.read(most + 1) if found.st_size <= most else b""
    if max(found.st_size, len(content)) > most:
        size = max(found.st_size, len(content))
        raise OSError(errno.EFBIG, f"it has {size:,} bytes, and at most {most:,} are read", str(path))
    return content


def read_text(path: Path, most: int = MOST_BYTES) -> str:
    """The text in UTF-8 of a file that somebody named, its lines ended as on Unix; errors as of `read_bytes`.

    Raises:
        UnicodeDecodeError: it is no text in UTF-8.
    """
    return read_bytes(path, most).decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")


def _check_kind(path: Path, found: os.stat_result) -> None:
    kinds = {
        stat.S_ISDIR: "a folder", stat.S_ISFIFO: "a pipe", stat.S_ISSOCK: "a socket", stat.S_ISCHR: "a device",
        stat.S_ISBLK: "a device",
    }  # fmt: skip
    if not stat.S_ISREG(found.st_mode):
        kind = next((word for test, word in kinds.items() if test(found.st_mode)), "something else")
        number = errno.EISDIR if stat.S_ISDIR(found.st_mode) else errno.EINVAL
        raise OSError(number, f"it is {kind}, not a file", str(path))


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write bytes, or text as UTF-8, so that a reader or a crash finds the old file or the new one, never half of it.

    A file that is replaced keeps its permissions. What a process of this machine that was killed while it wrote this
    file has left beside it is removed.

    Raises:
        OSError: the file cannot be written, or the disk is full; the old one is untouched.
    """
    target = _target(path)
    _clear(target)
    spare = spare_of(target, TEMPORARY)
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
    _make_and_remove(spare_of(target, TEMPORARY))


def check_folder(path: Path) -> None:
    """Raise OSError unless there is a folder that can be written to, or one can be made; nothing is left behind.

    Raises:
        OSError: the message says why.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except ValueError as error:  # a zero byte in it
        raise OSError(os.strerror(errno.ENOENT)) from error
    except OSError as error:
        raise OSError(error.strerror or str(error)) from error
    for place in (path, *path.absolute().parents):
        if os.path.lexists(place):
            if not is_folder(place):
                raise OSError(f"{shown(place)} is there and is not a folder")
            _make_and_remove(spare_of(place.resolve() / "folder", TEMPORARY))
            return


def _make_and_remove(spare: Path) -> None:
    """Raise OSError with the reason if no file of this name can be made."""
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
    """The file behind links: only in its own folder is renaming atomic; OSError if they go round, or for no name."""
    try:
        return path.resolve()
    except RuntimeError as error:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from error
    except ValueError as error:  # a zero byte in it
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from error


def _clear(target: Path) -> None:
    """Remove spare files of this file whose process is gone; what cannot be removed stays, and harms nobody."""
    for spare in left_behind(target, TEMPORARY):
        if spare.is_file() and not spare.is_symlink():
            with suppress(OSError):  # of another user, in a folder where only owners may remove
                spare.unlink(missing_ok=True)
