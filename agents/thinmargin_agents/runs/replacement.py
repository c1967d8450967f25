"""A folder made anew in the place of an older one: a reader, a crash or a kill finds the one or the other, whole."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from thinmargin.spares import left_behind, spare_of

AT_WORKING_FOLDER = -100
RENAME_EXCHANGE = 2
"""Constants of Linux's renameat2."""
CANNOT = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM}
"""What it answers where a system or a file system cannot exchange two folders."""

NEW, OLD = KINDS = ("new", "old")
"""Endings of the folder that is filled, and of the older one while it is set aside."""


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Fill the folder that is given; at the end it stands in the place of `folder`, old or not there yet.

    Where the system can, the two are exchanged in one step. Elsewhere the older one is set aside for the moment of two
    renames; a process killed between them leaves it beside its place, from where `recover` puts it back. After an
    exception everything is as it was.

    Raises:
        OSError: it cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    recover(folder)
    fresh, old = (spare_of(folder, kind) for kind in KINDS)
    fresh.mkdir()
    try:
        yield fresh
        if not folder.exists():
            fresh.rename(folder)
        elif not _exchanged(fresh, folder):
            folder.rename(old)
            try:
                fresh.rename(folder)
            except OSError:
                old.rename(folder)
                raise
    finally:
        for path in (fresh, old):
            shutil.rmtree(path, ignore_errors=True)


def recover(folder: Path) -> None:
    """Put back what a killed process of this machine had set aside, and remove what it left beside the folder.

    Raises:
        OSError: it cannot be put back.
    """
    for spare in left_behind(folder, *KINDS):
        if spare.suffix == f".{OLD}" and not folder.exists():
            spare.rename(folder)
        else:
            shutil.rmtree(spare, ignore_errors=True)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; False where the system cannot."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if os.name == "posix" else None
    if rename is None:
        return False
    here = ctypes.c_int(AT_WORKING_FOLDER)
    if rename(here, os.fsencode(one), here, os.fsencode(other), ctypes.c_uint(RENAME_EXCHANGE)) == 0:
        return True
    number = ctypes.get_errno()
    if number in CANNOT:
        return False
    raise OSError(number, os.strerror(number), str(other))
