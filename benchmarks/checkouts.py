"""An earlier commit beside this checkout, for benchmarks that compare the two."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]


@contextlib.contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """The files of a commit in a temporary folder, which is removed with everything that was written beside them.

    Args:
        commit: as git names one.
    """
    with tempfile.TemporaryDirectory() as folder:
        before = Path(folder) / "before"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(before), commit], check=True)  # noqa: S603
        default = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the folder is removed then too
        try:
            yield before
        finally:
            signal.signal(signal.SIGTERM, default)
            subprocess.run([*git, "remove", "--force", str(before)], check=True)  # noqa: S603
