"""Compilation of the equations: one decorator for a mechanism, one digest for the disk cache.

A mechanism is a pure function of numbers, or of one month's records, and draws nothing at random.
`NUMBA_DISABLE_JIT=1` runs the same functions as plain Python.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

import numba
import numpy as np

Record: TypeAlias = Any
"""One record of a type declared in `thinmargin.records` or `thinmargin.parameters`."""

F = TypeVar("F", bound=Callable[..., Any])


def mechanism(function: F) -> F:
    """Compile one equation; it is inlined into the entry points that Python calls."""
    return cast("F", numba.njit(error_model="numpy")(function))


def entry_point(function: F) -> F:
    """Compile a function that Python calls, and keep the result on disk where a place can be found.

    It gives up the interpreter's lock while it runs: it must write to nothing but the arrays it is given.
    """
    try:
        return cast("F", numba.njit(error_model="numpy", nogil=True, cache=True)(function))
    except RuntimeError:  # numba found no folder that it may write its cache to
        return cast("F", numba.njit(error_model="numpy", nogil=True)(function))


SHELLS = frozenset({
    "__init__", "__main__", "baselines", "batch", "command_line", "commands", "dashboard", "discounting", "env",
    "families", "files", "fitted", "history", "infos", "memory", "names", "palette", "plain_json", "plans",
    "record_checks", "registration", "rendering", "scenarios", "settings", "shown", "sources", "spares", "splits",
    "statement", "threads", "tuned", "vector", "versions", "waiting",
    "warm_up",
})  # fmt: skip
"""Modules with nothing compiled in them: editing them leaves the machine code as it is."""


def source_digest(*layouts: np.dtype[Any]) -> str:
    """Digest of every source file the entry points inline, and of the record types that they view numbers as.

    numba's disk cache looks at the file of the entry point and the types of its arguments alone: without this digest in
    the key, an edit of an equation elsewhere would silently run the old machine code.
    """
    package = Path(__file__).parent.parent
    sources = [path for path in package.glob("*.py") if path.stem not in SHELLS]
    digest = hashlib.sha256(json.dumps([layout.descr for layout in layouts]).encode())
    for path in sorted([*sources, *package.glob("economics/*.py")]):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
