from __future__ import annotations

import errno
import subprocess
import sys
from contextlib import nullcontext as does_not_raise
from pathlib import Path
from typing import Any

import pytest

from thinmargin_agents.runs import lock
from thinmargin_agents.runs.lock import LockedError, locked


def test_a_lock_ends_with_the_process_that_holds_it(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom thinmargin_agents.runs.lock import locked\n"
        f"with locked(Path({str(tmp_path)!r})):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    with subprocess.Popen(  # noqa: S603  # the program is written above
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(LockedError), locked(tmp_path):
            pytest.fail("held twice")
        other.kill()
    with does_not_raise(), locked(tmp_path):
        pass


def test_a_process_that_inherits_the_file_holds_the_lock_too(tmp_path: Path) -> None:
    with locked(tmp_path) as file:
        heir = subprocess.Popen(  # the program is written here
            [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, pass_fds=(file,)
        )
    with heir:
        with pytest.raises(LockedError), locked(tmp_path):
            pytest.fail("held twice")
        heir.kill()
    with does_not_raise(), locked(tmp_path):
        pass


def test_a_file_system_without_locks_is_used_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock.fcntl, "flock", unknown)
    with does_not_raise(), locked(tmp_path), locked(tmp_path):
        pass
