"""Every command where its output is closed or its reader has gone, and numbers as people write them."""

from __future__ import annotations

import errno
import io
import subprocess
import sys
from pathlib import Path

import pytest
from tests.agents.cli.test_every_command import (
    COMMANDS,
    EVERY_COMMAND,
    ROOT,
    Command,
    make_inputs,
    status_of,
    work_is,
)
from tests.messages import lacks, said

from thinmargin.command_line import PIPE_CLOSED
from thinmargin.commands import main as thinmargin
from thinmargin_agents.cli.reading import whole_number


class Gone(io.StringIO):
    """An output whose reader has gone."""

    def write(self, text: str) -> int:
        del text
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    def flush(self) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@EVERY_COMMAND
def test_help_whose_reader_has_gone_ends_without_a_word(
    command: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", Gone())
    assert status_of(command, ["--help"]) == PIPE_CLOSED
    assert said(capsys) == ""


@EVERY_COMMAND
@pytest.mark.parametrize("words", [["--help"], ["--xyzzy"]], ids=" ".join)
def test_closed_outputs_are_no_failure_of_their_own(
    command: Command, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    assert status_of(command, words) == (0 if words == ["--help"] else 2)


@EVERY_COMMAND
def test_what_a_command_prints_for_a_reader_who_has_gone_ends_it_without_a_word(
    command: Command, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def printing(*_: object, **__: object) -> None:
        print("something")  # noqa: T201  # as the work of a command does

    work_is(command, printing, monkeypatch)
    make_inputs(command)
    monkeypatch.setattr(sys, "stdout", Gone())
    status = status_of(command, ["--json", "file.json"] if "--json" in command.files else [])
    assert (status, said(capsys)) == (PIPE_CLOSED, "")
    assert not list(here.glob("*.json"))


@pytest.mark.parametrize("words", [["--help"], ["--version"]], ids=" ".join)
def test_so_does_the_list_of_commands(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", Gone())
        assert thinmargin(words) == PIPE_CLOSED
    assert said(capsys) == ""
    monkeypatch.setattr(sys, "stdout", None)
    assert thinmargin(words) == 0


@pytest.mark.parametrize("script", ["train.py", "evaluate.py"])
def test_scripts_started_with_a_closed_output_leave_no_trace(script: str) -> None:
    words = ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-W", "error", str(ROOT / script), "--help"]
    done = subprocess.run(words, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603  # our own program
    assert (done.returncode, done.stderr) == (0, "")


NUMBERED = {
    name: (command, command.ranged[0])
    for name, command in COMMANDS.items()
    if command.ranged is not None and name != "remake"
}
"""Commands with a flag that takes a whole number."""


@pytest.mark.parametrize("text", ["1e5.5", "1.5", "1,000", "2**3", "x", "1__0", "٣", "1e400", "nan", "None"])
@pytest.mark.parametrize(("command", "flag"), NUMBERED.values(), ids=NUMBERED)
def test_what_is_no_whole_number_is_named_with_its_flag_in_a_sentence(
    command: Command, flag: str, text: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(command, [flag, text]) == 2
    printed = said(capsys)
    assert not lacks(printed, f"{flag} is {text!r}", "whole number")
    assert "NoneType" not in printed
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("text", ["-1e0", "-1.0", "-0_1"])
@pytest.mark.parametrize(("command", "flag"), NUMBERED.values(), ids=NUMBERED)
def test_a_whole_number_may_be_written_with_a_power_a_point_or_underscores(
    command: Command, flag: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is read: -1 is then outside the range of every such flag."""
    assert status_of(command, [flag, text]) == 2
    assert not lacks(said(capsys), f"{flag} is -1: allowed")


@pytest.mark.parametrize(
    ("text", "number"),
    [("100000", 100_000), ("100_000", 100_000), ("1e5", 100_000), ("1E+5", 100_000), ("2.5e3", 2500), ("-3", -3),
     ("1.0", 1), ("007", 7), ("12345678901234567890", 12345678901234567890), ("1e20", 10**20)],
)  # fmt: skip
def test_a_whole_number_is_read_exactly(text: str, number: int) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize("text", ["", " 1", "1e-5", "2.5", "2.55e1", "1e999999999", "9" * 5000, "0x10", "_1", "1e"])
def test_a_text_that_is_no_whole_number_is_refused_at_once(text: str) -> None:
    with pytest.raises(ValueError, match="no whole number"):
        whole_number(text)


def test_flags_that_do_not_fit_each_other_are_named_without_the_name_of_a_class(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for words, named in (
        (["--seeds", "1", "1"], "--seeds has 1 more than once"),
        (["--seed", "3", "--seeds", "1", "2"], "--seed is 3 and --seeds are given too"),
        (["--ray-address", "auto"], "--ray-address is 'auto'"),
        (["--seeds", "1", "1e0"], "--seeds has 1 more than once"),
        (["--preset", "abc", "--n-envs", "abc"], "--n-envs is 'abc'"),  # a text is fine for the other
        (["--env", "ten", "--seeds", "1", "ten"], "--seeds is 'ten'"),
    ):
        assert status_of(COMMANDS["train.py"], words) == 2
        printed = said(capsys)
        assert not lacks(printed, f"train.py: {named}")
        assert "TrainConfig" not in printed


@pytest.mark.parametrize("script", ["train.py", "evaluate.py"])
def test_ctrl_c_while_a_script_is_loaded_is_said_in_a_line(script: str) -> None:
    code = (
        "import builtins, runpy, sys\nload = builtins.__import__\n"
        "def pressed(name, *rest):\n"
        "    if name == 'tyro': raise KeyboardInterrupt\n"
        "    return load(name, *rest)\n"
        "builtins.__import__ = pressed\nrunpy.run_path(sys.argv[1], run_name='__main__')\n"
    )
    done = subprocess.run(  # noqa: S603  # the program is written above
        [sys.executable, "-c", code, str(ROOT / script)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 130
    assert done.stderr == f"{script}: interrupted before it began\n"


def test_ctrl_c_while_flags_are_read_is_said_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("thinmargin_agents.cli.command.read_flags", interrupted)
    assert status_of(COMMANDS["train.py"], []) == 130
    assert said(capsys) == "interrupted"
