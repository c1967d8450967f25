"""Whether what is asked for fits into the memory there is, asked before any of it is taken."""

from __future__ import annotations

import os
from pathlib import Path

GIB = float(1 << 30)
SMALL = 1 << 26
"""Bytes that are not asked for: looking costs more than they do."""
MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")
GROUPS = (
    ("memory.max", "memory.current", "memory.stat", "inactive_file"),
    (
        "memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat", "total_inactive_file",
    ),
)  # fmt: skip
"""Files of a container's limit, of what is used of it, and of how much of that is cache, in both versions of control
groups; the last word is the cache's name there."""


def check_memory(what: str, needed: int) -> None:
    """Raise MemoryError if something needs more memory than there is; nothing is said where that is not known.

    Args:
        what: begins the message: the argument and its value.
        needed: bytes.
    """
    if needed <= SMALL:
        return
    there = available_memory()
    if there is not None and needed > there:
        raise MemoryError(
            f"{what}: needs about {needed / GIB:.1f} GiB of memory, and {there / GIB:.1f} GiB are available: allowed is"
            " what fits"
        )


def available_memory() -> int | None:
    """Bytes that this process can still take, of the machine or of its container; None where that is not known."""
    found = [_of_machine(), *(_of_group(*group) for group in GROUPS)]
    return min((number for number in found if number is not None), default=None)


def _of_machine() -> int | None:
    """What the kernel says is available; else all there is."""
    available = _named(MEMINFO, "MemAvailable:")
    if available is not None:
        return available * 1024
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # systems without it
        return None


def _of_group(limit: str, used: str, statistics: str, cache: str) -> int | None:
    """What a control group leaves, the cache that it would give back included; None without a limit."""
    most, taken = (_named(CGROUP / name, "") for name in (limit, used))
    if most is None or taken is None:
        return None
    return max(most - taken + (_named(CGROUP / statistics, cache) or 0), 0)


def _named(file: Path, name: str) -> int | None:
    """The number behind a name in a file of the kernel, or its only number without a name; None if there is none."""
    try:
        words = file.read_text("ascii").split()
        return int(words[words.index(name) + 1 if name else 0])
    except (OSError, ValueError, IndexError):  # no such file, or "max"
        return None
