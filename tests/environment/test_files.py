"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from thinmargin import spares
from thinmargin.files import check_folder, check_writable, write_atomically
from thinmargin.spares import spare_of

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
    spare = of_process(path, os.getppid())
    foreign = tmp_path / ".out.json.notes.tmp"
    for file in (spare, foreign):
        file.touch()
    write_atomically(path, "new")
    assert spare.exists()
    assert foreign.exists()


def of_process(target: Path, number: int) -> Path:
    """The name beside a file that this process would have written to."""
    return Path(str(spare_of(target, "tmp")).replace(f".{os.getpid()}.", f".{number}."))


def dead_process() -> int:
    """A number that no process has: systems give none beyond 2^22."""
    return 2**22 + 1


@posix
@pytest.mark.parametrize("kind", ["folder", "full folder", "link", "dangling link", "pipe"])
def test_what_has_the_name_of_a_spare_file_and_is_none_stays_and_stops_no_write(kind: str, tmp_path: Path) -> None:
    path, other = tmp_path / "out.json", tmp_path / "other"
    other.write_text("kept", encoding="utf-8")
    odd = of_process(path, dead_process())
    if "folder" in kind:
        odd.mkdir()
        if kind == "full folder":
            (odd / "file").touch()
    elif "link" in kind:
        odd.symlink_to(other if kind == "link" else tmp_path / "nothing")
    else:
        os.mkfifo(odd)
    write_atomically(path, "new")
    assert path.read_text(encoding="utf-8") == "new"
    assert os.path.lexists(odd)
    assert other.read_text(encoding="utf-8") == "kept"


@posix
@pytest.mark.parametrize("part", ["machine", "container"])
def test_what_another_machine_is_writing_is_left_alone(
    part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.json"
    number = dead_process()
    with monkeypatch.context() as there:
        if part == "machine":
            there.setattr("platform.node", lambda: "another")
        else:
            (tmp_path / "processes").symlink_to("pid:[7]")
            there.setattr(spares, "PROCESSES", tmp_path / "processes")
        spares._machine.cache_clear()  # as in a process of that machine
        theirs = of_process(path, number)
        theirs.touch()
    spares._machine.cache_clear()  # back on this one
    ours = of_process(path, number)
    ours.touch()
    write_atomically(path, "new")
    assert theirs.exists(), "its number of a process says nothing here"
    assert not ours.exists()


def test_names_that_begin_alike_have_spare_files_of_their_own(tmp_path: Path) -> None:
    one, other = (tmp_path / (240 * "x" + end) for end in "ab")
    names = {spare_of(one, "tmp").name, spare_of(other, "tmp").name}
    assert len({name.split(".")[1] for name in names}) == 2
    assert all(len(name.encode()) <= 255 for name in names)


@posix
def test_a_name_that_is_no_text_is_written_as_any_other(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff.json"))
    write_atomically(path, "new")
    assert path.read_text(encoding="utf-8") == "new"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_can_be_made_is_told_from_one_that_cannot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "nowhere").symlink_to(tmp_path / "nothing")
    (tmp_path / "twice" / "twice").mkdir(parents=True)
    for good in (".", "new", "deep/new", "twice", "deep/twice"):
        check_folder(tmp_path / good)
    with monkeypatch.context() as there:
        there.chdir(tmp_path / "twice")
        for good in (Path(), Path("twice"), Path("..")):
            check_folder(good)
    for bad in (tmp_path / "file", tmp_path / "file" / "deep" / "new", tmp_path / "nowhere" / "new"):
        with pytest.raises(OSError, match="not a folder"):
            check_folder(bad)
    for unfit, reason in (("zero\0byte", "No such file"), ("x" * 300, "name too long")):
        with pytest.raises(OSError, match=reason):
            check_folder(tmp_path / unfit)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "nowhere", "twice"]
    assert [path.name for path in (tmp_path / "twice").rglob("*")] == ["twice"]


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
