"""Names beside the place of a file or folder while it is made: they tell what it becomes, and which process makes it.

A number of a process means something on its own machine only. So a name has the machine in it, and what another machine
left in a shared folder is nobody's to judge: it stays.
"""

from __future__ import annotations

import hashlib
import os
import platform
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path

LONGEST_STEM = 200
"""Bytes of a name that its spare names have; those of a longer one end with a digest of it."""
DIGITS = 8
"""Hexadecimal digits of a digest, and of what tells two spare names of one process apart."""
PROCESSES = Path("/proc/self/ns/pid")
"""What tells containers apart, each of which counts its processes from 1, where the system has it."""


def spare_of(target: Path, ending: str) -> Path:
    """A new name in the same folder, which tells the target, the machine and the process that makes it.

    Args:
        target: what it is to become.
        ending: of the name, without a dot in it.
    """
    return target.with_name(f"{_beginning(target)}{os.getpid()}.{uuid.uuid4().hex[:DIGITS]}.{ending}")


def left_behind(target: Path, *endings: str) -> Iterator[Path]:
    """The spare names of this target that a process of this machine left, which is gone; in order.

    Args:
        target: of `spare_of`.
        endings: those looked for.
    """
    beginning = _beginning(target)
    for spare in sorted(target.parent.glob(".*")):
        owner, _, rest = spare.name.removeprefix(beginning).partition(".")
        mark, _, ending = rest.partition(".")
        ours = spare.name.startswith(beginning) and ending in endings and len(mark) == DIGITS
        if ours and owner.isdecimal() and not is_alive(int(owner)):
            yield spare


def is_alive(process: int) -> bool:
    """Whether this machine has a process of this number, of whatever user; True where asking could harm it."""
    if os.name != "posix":  # elsewhere, asking for a process by its number may end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # of another user; no number of a process
        return True
    return True


def _beginning(target: Path) -> str:
    """How the spare names of a target begin on this machine; file systems take the whole of one."""
    name = target.name.encode("utf-8", "surrogateescape")
    stem = name[:LONGEST_STEM].decode("utf-8", "ignore")
    whole = stem if stem == target.name else f"{stem[:-DIGITS]}{_digest(name)}"
    return f".{whole}.{_machine()}."


@cache
def _machine() -> str:
    """A digest of this machine's name, and of what tells its containers apart."""
    container = str(PROCESSES.readlink()) if PROCESSES.is_symlink() else ""
    return _digest(f"{platform.node()} {container}".encode("utf-8", "surrogateescape"))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGITS]
