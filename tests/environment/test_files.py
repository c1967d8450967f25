"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from thinmargin.files import check_writable, write_atomically

KILLED = """
import os, signal, sys
from pathlib import Path
from thinmargin import files
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
files.write_atomically(Path(sys.argv[1]), "half")
"""
posix = pytest.mark.skipif(os.name != "posix", reason="permissions and signals are those of POSIX")


def kill_while_it_writes(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False, timeout=600)  # noqa: S603  # own code
    assert done.returncode < 0


@posix
@pytest.mark.parametrize("name", ["out.json", "a name with spaces.csv", 250 * "x"])
def test_what_a_killed_process_left_is_cleared_by_the_next_write(name: str, tmp_path: Path) -> None:
    path, other = tmp_path / name, tmp_path / "other.json"
    path.write_text("old", encoding="utf-8")
    kill_while_it_writes(path)
    kill_while_it_writes(other)
    assert path.read_text(encoding="utf-8") == "old"
    assert len(list(tmp_path.glob(".*.tmp"))) == 2
    write_atomically(path, "new")
    assert path.read_text(encoding="utf-8") == "new"
    (left,) = tmp_path.glob(".*.tmp")
    assert left.name.startswith(".other.json."), "what is another file's is left to its next write"


@posix
def test_what_a_process_is_writing_now_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    spare = tmp_path / f".out.json.{os.getppid()}.0123abcd.tmp"
    foreign = tmp_path / ".out.json.notes.tmp"
    for file in (spare, foreign):
        file.touch()
    write_atomically(path, "new")
    assert spare.exists()
    assert foreign.exists()


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_a_file_that_is_replaced_keeps_its_permissions(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    path.write_text("old", encoding="utf-8")
    path.chmod(mode)
    write_atomically(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    target.write_text("old", encoding="utf-8")
    link.symlink_to(target)
    write_atomically(link, "new")
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == "new"


def test_links_that_go_round_are_an_error_of_the_system(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for attempt in (lambda: write_atomically(loop, "new"), lambda: check_writable(loop)):
        with pytest.raises(OSError, match="symbolic links"):
            attempt()


def test_trying_leaves_nothing_behind(tmp_path: Path) -> None:
    check_writable(tmp_path / "new.json")
    with pytest.raises(OSError, match="not a file"):
        check_writable(tmp_path)
    with pytest.raises(OSError, match="no folder"):
        check_writable(tmp_path / "absent" / "new.json")
    assert not list(tmp_path.iterdir())
