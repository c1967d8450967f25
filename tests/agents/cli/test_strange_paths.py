"""Names that no file system takes, and links that lead nowhere, are refused in a sentence by every command."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from tests.messages import said

from thinmargin.files import is_file, is_folder, is_there, same_file
from thinmargin_agents.export.conversion import exported
from thinmargin_agents.export.torch_modules import ExportError
from thinmargin_agents.policies.by_name import entrant_of, member_of
from thinmargin_agents.runs.folder import RunError, RunFolder

LONG = "x" * 5000
DEEP = "/".join(["folder"] * 2000)


@pytest.fixture
def strange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names that cannot be looked at."""
    monkeypatch.chdir(tmp_path)
    Path("round").symlink_to("about")
    Path("about").symlink_to("round")
    Path("itself").symlink_to("itself")
    return [LONG, DEEP, "round", "itself/inside", "a\0b", "\x1b[2J" * 100]


def test_what_cannot_be_looked_at_is_not_there(strange: list[str]) -> None:
    for name in strange:
        path = Path(name)
        assert (is_file(path), is_folder(path), is_there(path)) == (False, False, False)
    with pytest.raises(OSError, match="symbolic links"):
        same_file(Path("round"), Path("a"))


def test_a_policy_of_such_a_name_is_unknown(strange: list[str]) -> None:
    for name in strange:
        for full in (name, f"{name}.py", f"{name}.py:Policy", f"{name},{name}2"):
            for find in (entrant_of, member_of):
                with pytest.raises(ValueError, match="policy ") as caught:
                    find(full)
                assert str(caught.value).isprintable()
                assert len(str(caught.value)) < 1500
        with pytest.raises(ExportError, match="RUN is ") as refused:
            exported(name)
        assert str(refused.value).isprintable()
        with pytest.raises(RunError, match="no such run folder"):
            RunFolder.open(Path(name))


FLAGS = {
    "evaluate.command": ("--json", "--csv", "--markdown", "--html"),
    "years.__main__": ("--json", "--picture", "--markdown"),
    "exact.__main__": ("--json", "--markdown"),
    "audit.__main__": ("--json", "--markdown"),
    "mechanisms.__main__": ("--json", "--markdown"),
    "phase_map.__main__": ("--json", "--picture", "--markdown"),
    "foresight.__main__": ("--output",),
    "tuning.__main__": ("--output",),
    "curves.__main__": ("--folder",),
}
NEEDED = {"tuning.__main__": ["plan"]}


@pytest.mark.parametrize("module", list(FLAGS))
def test_a_command_refuses_such_a_file(module: str, strange: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main = importlib.import_module(f"thinmargin_agents.{module}").main
    for flag in FLAGS[module]:
        for name in strange:
            if "\0" in name or "\x1b" in name:  # no word of a command line; a name like another
                continue
            assert main([*NEEDED.get(module, []), flag, name]) == 2, (flag, name[:20])
            told = said(capsys)
            assert flag in told
            assert "Traceback" not in told


@pytest.mark.parametrize("module", ["evaluate.command", "years.__main__", "export.__main__", "shipping.__main__"])
def test_a_command_refuses_such_a_policy_or_run(
    module: str, strange: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main = importlib.import_module(f"thinmargin_agents.{module}").main
    more = {"shipping.__main__": ["tiny", "--meaning", "A test."]}.get(module, [])
    for name in strange:
        if "\0" not in name:
            assert main([*more[:1], name, *more[1:]]) == 2, name[:20]
            told = said(capsys)
            assert "Traceback" not in told
            assert "\x1b" not in told
