"""A folder in the place of an older one: whole, the one or the other, whenever the process that writes it dies."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from thinmargin import spares
from thinmargin.spares import spare_of
from thinmargin_agents.runs import replacement
from thinmargin_agents.runs.replacement import recover, replacing

KILLED = """
import os, signal, sys
from pathlib import Path
from thinmargin_agents.runs import replacement
moment, exchanges, folder = sys.argv[1], sys.argv[2] == "exchanges", Path(sys.argv[3])
if not exchanges:
    replacement._exchanged = lambda one, other: False
rename, calls = Path.rename, 0

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def renamed(self, target):
    global calls
    done = rename(self, target)
    calls += 1
    if moment == f"after rename {calls}":
        die()
    return done

Path.rename = renamed
with replacement.replacing(folder) as fresh:
    (fresh / "a.txt").write_text("new")
    if moment == "half filled":
        die()
    (fresh / "b.txt").write_text("new")
if moment != "after all":
    sys.exit("this moment never came")
die()
"""
OLD, NEW = {"a.txt": "old", "gone.txt": "old"}, {"a.txt": "new", "b.txt": "new"}


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def fill(folder: Path, content: dict[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in content.items():
        (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The older folder."""
    fill(tmp_path / "tiny", OLD)
    return tmp_path / "tiny"


@pytest.mark.parametrize("exchanges", [True, False])
def test_it_takes_the_place_of_the_older_one_and_nothing_else_is_left(
    exchanges: bool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not exchanges:
        monkeypatch.setattr(replacement, "_exchanged", lambda *_: False)
    with replacing(folder) as fresh:
        fill(fresh, NEW)
        assert texts(folder) == OLD
    assert texts(folder) == NEW
    assert list(folder.parent.iterdir()) == [folder]


def test_where_there_was_none_it_is_made_with_the_folders_above(tmp_path: Path) -> None:
    with replacing(tmp_path / "deep" / "tiny") as fresh:
        fill(fresh, NEW)
    assert texts(tmp_path / "deep" / "tiny") == NEW


def test_an_error_while_it_is_filled_leaves_everything_as_it_was(folder: Path) -> None:
    def broken_off(fresh: Path) -> None:
        fill(fresh, {"a.txt": "new"})
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), replacing(folder) as fresh:
        broken_off(fresh)
    assert texts(folder) == OLD
    assert list(folder.parent.iterdir()) == [folder]


def test_an_older_one_is_put_back_when_the_new_one_cannot_take_its_place(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def refusing(self: Path, target: Path) -> Path:
        if self.name.endswith(".new"):
            raise OSError(5, "made up")
        return rename(self, target)

    monkeypatch.setattr(replacement, "_exchanged", lambda *_: False)
    monkeypatch.setattr(Path, "rename", refusing)
    with pytest.raises(OSError, match="made up"), replacing(folder) as fresh:
        fill(fresh, NEW)
    assert texts(folder) == OLD
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="two folders are exchanged in one step on Linux")
@pytest.mark.parametrize(
    ("moment", "exchanges", "found"),
    [
        ("half filled", "exchanges", OLD),
        ("after all", "exchanges", NEW),
        ("half filled", "renames", OLD),
        ("after rename 1", "renames", None),
        ("after rename 2", "renames", NEW),
    ],
)
def test_after_a_kill_the_folder_is_whole_and_the_next_one_clears_up(
    moment: str, exchanges: str, found: dict[str, str] | None, folder: Path
) -> None:
    words = [sys.executable, "-c", KILLED, moment, exchanges, str(folder)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)  # noqa: S603  # the program is above
    assert done.returncode == -9, done.stderr
    assert (texts(folder) if folder.exists() else None) == found

    recover(folder)
    assert texts(folder) == (found or OLD)
    assert list(folder.parent.iterdir()) == [folder]


def test_what_another_process_fills_now_and_what_is_not_ours_are_left(folder: Path) -> None:
    ours = Path(str(spare_of(folder, "new")).replace(f".{os.getpid()}.", f".{os.getppid()}."))
    for name in (ours.name, ".tiny.notes.0.new", ".tinyer.1.0.old", ".tiny.1.2.3"):
        fill(folder.with_name(name), NEW)
    before = sorted(folder.parent.iterdir())
    recover(folder)
    assert sorted(folder.parent.iterdir()) == before


def test_what_another_machine_fills_or_has_set_aside_is_left(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as there:
        there.setattr(spares, "_machine", lambda: "01234567")
        names = [spare_of(folder, kind).name for kind in ("new", "old")]
    for name in names:
        fill(folder.with_name(name.replace(f".{os.getpid()}.", f".{2**22 + 1}.")), NEW)
    before = sorted(folder.parent.iterdir())
    recover(folder)
    assert sorted(folder.parent.iterdir()) == before
