"""A lock on a folder that ends with the process that holds it, however that ends."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from thinmargin_agents.runs.file_names import LOCK

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

UNKNOWN = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
"""Error numbers of a file system without locks."""


class LockedError(RuntimeError):
    """Another process holds the lock."""


@contextmanager
def locked(folder: Path) -> Iterator[int]:
    """Hold the folder's lock inside; the system lets it go if the process is killed.

    Yields the descriptor of the lock's file: a process that inherits it holds the lock too.

    A file system that knows no locks (some network ones) is used without.

    Raises:
        LockedError: another process, or another caller in this one, holds it.
        OSError: the file cannot be made.
    """
    file = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _take(file)
        yield file
    finally:
        os.close(file)  # and with it the lock


def _take(file: int) -> None:
    try:
        if sys.platform == "win32":
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK):
            raise LockedError("another process holds the lock") from error
        if error.errno not in UNKNOWN:
            raise
