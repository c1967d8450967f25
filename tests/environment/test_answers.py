"""What a command says where its reader has gone, the disk is full, or a file of the package is damaged."""

from __future__ import annotations

import errno
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.import_graph import AGENTS
from tests.messages import lacks

import thinmargin
from thinmargin.command_line import PIPE_CLOSED, answered
from thinmargin.files import DamagedFileError
from thinmargin.fitted import read

PACKAGE = Path(thinmargin.__file__).parent
FULL = Path("/dev/full")
ENDS = "import sys\nfrom {module} import main\nraise SystemExit(main(sys.argv[1:]))"


def started(module: str, arguments: Sequence[str], output: int, envs: Path = PACKAGE.parent) -> tuple[int, str]:
    """Status and messages of a command that writes to this file."""
    place = {"PYTHONPATH": os.pathsep.join(map(str, (envs, AGENTS.parent))), "PYTHONUNBUFFERED": ""}
    done = subprocess.run(  # noqa: S603  # our own interpreter and our own commands
        [sys.executable, "-W", "error", "-c", ENDS.format(module=module), *arguments],
        stdout=output, stderr=subprocess.PIPE, text=True, timeout=200, check=False, env={**os.environ, **place},
    )  # fmt: skip
    return done.returncode, done.stderr


def closed_pipe() -> int:
    """An end of a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("thinmargin.data.table", []),
        ("thinmargin.data.table", ["--help"]),
        ("thinmargin.backtest.__main__", ["--help"]),
    ],
)
def test_a_command_whose_reader_has_gone_ends_without_a_word(module: str, arguments: list[str]) -> None:
    pipe = closed_pipe()
    try:
        assert started(module, arguments, pipe) == (PIPE_CLOSED, "")
    finally:
        os.close(pipe)


@pytest.mark.parametrize("module", ["thinmargin_agents.evaluate.command", "thinmargin_agents.tuning.__main__"])
def test_so_does_a_command_of_the_agents(module: str) -> None:
    pipe = closed_pipe()
    try:
        assert started(module, ["--help"], pipe) == (PIPE_CLOSED, "")
    finally:
        os.close(pipe)


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("module", ["thinmargin.data.table", "thinmargin_agents.evaluate.command"])
def test_a_full_disk_is_one_sentence(module: str) -> None:
    with FULL.open("wb") as full:
        status, said = started(module, ["--help"], full.fileno())
    assert status == 1
    assert not lacks(said, "the output cannot be written", "No space left")
    assert said.count("\n") == 1


def test_another_error_of_a_file_is_not_one_of_the_output() -> None:
    def act() -> int:
        raise FileNotFoundError(2, "No such file or directory", "a")

    with pytest.raises(FileNotFoundError):
        answered("test", act)


class Failing(io.StringIO):
    """An output of which nothing arrives."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        del text
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        BrokenPipeError(errno.EPIPE, "Broken pipe"),
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EIO, "Input/output error"),
        OSError(errno.EBADF, "Bad file descriptor"),
    ],
    ids=["pipe", "full", "defect", "closed"],
)
def test_an_error_without_a_name_is_not_one_of_the_output_that_works(
    error: OSError, capsys: pytest.CaptureFixture[str]
) -> None:
    def act() -> int:
        print("this arrives")  # noqa: T201  # as a command does
        raise error

    with pytest.raises(OSError, match=re.escape(str(error.strerror))) as caught:
        answered("test", act)
    assert caught.value is error
    assert capsys.readouterr() == ("this arrives\n", "")


def test_a_pipe_of_a_worker_that_broke_is_reported(capfd: pytest.CaptureFixture[str]) -> None:
    def act() -> int:
        pipe = closed_pipe()
        try:
            return os.write(pipe, b"to a worker")
        finally:
            os.close(pipe)

    with pytest.raises(BrokenPipeError):
        answered("test", act)
    print("the output is as it was")  # noqa: T201  # that is asked
    assert capfd.readouterr() == ("the output is as it was\n", "")


@pytest.mark.parametrize("name", ["stdout", "stderr"])
@pytest.mark.parametrize(
    ("error", "status"),
    [(BrokenPipeError(errno.EPIPE, "Broken pipe"), PIPE_CLOSED), (OSError(errno.ENOSPC, "No space left"), 1)],
    ids=["pipe", "full"],
)
def test_an_output_that_broke_is_known_whichever_it_is(
    name: str, error: OSError, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Failing(error)
    monkeypatch.setattr(sys, name, broken)

    def act() -> int:
        print("lost", file=getattr(sys, name))  # as a command does
        return 0

    assert answered("test", act) == status
    assert getattr(sys, name) is broken
    if (name, status) == ("stdout", 1):
        assert capsys.readouterr().err == "test: the output cannot be written: No space left\n"


def test_a_command_without_an_output_does_its_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert answered("test", lambda: 3) == 3


DAMAGED = {
    "cut short": b'{"constants": {"econ',
    "empty": b"",
    "not UTF-8": b"\xff\xfe\x00",
    "a list": b"[1, 2]",
    "deep": b"[" * 100_000,
    "a text": b'{"constants": "\x1b[2J"}',
    "texts for numbers": b'{"constants": {"economy": {"price_slope": "4"}, "seat": {}}}',
}


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the environment's package."""
    folder = tmp_path_factory.mktemp("damaged")
    shutil.copytree(PACKAGE, folder / "thinmargin", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.mark.parametrize("damage", ["cut short", "a text"])
def test_help_needs_no_calibration_and_a_command_names_the_damaged_file(damage: str, copied: Path) -> None:
    (copied / "thinmargin" / "data" / "calibration.json").write_bytes(DAMAGED[damage])
    for module in ("data.table", "backtest.__main__", "calibration.__main__"):
        assert started(f"thinmargin.{module}", ["--help"], subprocess.DEVNULL, copied) == (0, "")
    assert started("thinmargin_agents.evaluate.command", ["--help"], subprocess.DEVNULL, copied) == (0, "")
    for module, arguments in (
        ("thinmargin.backtest.__main__", []),
        ("thinmargin.calibration.__main__", ["--check"]),
        ("thinmargin_agents.evaluate.command", ["plan", "--n-worlds", "2", "--no-stress"]),
    ):
        status, said = started(module, arguments, subprocess.DEVNULL, copied)
        assert status in (1, 2), said
        assert not lacks(said, "calibration.json", "damaged", "install thinmargin anew")
        assert said.count("\n") == 1
        assert "Traceback" not in said
        assert "\x1b" not in said


@pytest.mark.parametrize("damage", [name for name in DAMAGED if name not in ("a text", "texts for numbers")])
def test_a_damaged_calibration_is_named(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    path.write_bytes(DAMAGED[damage])
    with pytest.raises(DamagedFileError, match=r"calibration\.json is damaged"):
        read(path)
    with pytest.raises(DamagedFileError, match="cannot be read"):
        read(tmp_path)
