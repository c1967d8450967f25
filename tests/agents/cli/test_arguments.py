from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import tyro

from thinmargin_agents.cli.arguments import check_arguments, check_no_value_is_empty
from thinmargin_agents.cli.errors import UsageError
from thinmargin_agents.train import main


@dataclass(frozen=True)
class Flags:
    """Every kind of flag that the commands have."""

    names: tyro.conf.Positional[tuple[str, ...]] = ()
    rows: Annotated[tuple[int, ...] | None, tyro.conf.arg(metavar="ROW ...")] = None
    start: Annotated[str, tyro.conf.arg(name="from", aliases=["-s"])] = "here"
    json: Annotated[Path | None, tyro.conf.arg(aliases=["-j"])] = None
    bar: bool = True


def check_all(words: list[str]) -> None:
    check_arguments(Flags, words)
    check_no_value_is_empty(Flags, words)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--rows"], "--rows is given without a value"),
        (["--rows", "--bar"], "--rows is given without a value"),
        (["a", "--rows", "1", "--rows", "2"], "--rows is given after --rows: give it once"),
        (["--from", "a", "-s", "b"], "-s is given after --from: give it once"),
        (["--from=a", "--from", "b"], "--from is given after --from"),
        (["--bar", "--no-bar"], "--no-bar is given after --bar"),
        (["--json", ""], "--json is '': must not be empty"),
        (["--json="], "--json is '': must not be empty"),
        (["-j", " \t"], r"-j is ' \\t': must not be empty"),
        (["a", ""], "NAMES is '': must not be empty"),
        (["--rows", "1", ""], "--rows is ''"),
        (["--json", "folder/" + 3000 * "x"], r"--json is 'folder/x.{1,60} of 3,007 characters.*at most 255 bytes"),
        (["--json", 100 * "\u20ac"], "at most 255 bytes"),
    ],
    ids=lambda item: " ".join(item)[:30] if isinstance(item, list) else "",
)
def test_words_that_no_command_can_use_are_named(words: list[str], named: str) -> None:
    with pytest.raises(UsageError, match=named) as caught:
        check_all(words)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["a", "b", "--rows", "1", "-2", "--from", "-x", "--json", "a/b.json", "--no-bar"],
        ["--from", "=", "--json", "x=y"],
        ["--from", 3000 * "x"],
        ["--json", "/".join(100 * [250 * "x"])],
    ],
    ids=lambda item: " ".join(item)[:30],
)
def test_other_words_are_left_to_the_parser(words: list[str]) -> None:
    check_all(words)


@pytest.mark.parametrize(
    "words", [["--resume"], ["--seeds"], ["--log-folder", ""], ["--seed", "1", "--seed", "2"]], ids=str
)
def test_train_py_refuses_them_before_it_does_anything(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert f"train.py: {words[0]} is" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
