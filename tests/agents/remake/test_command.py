"""The command line: which stages are chosen, what is only shown, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.agents.remake.tiny_stages import order, stage, table_in, usual
from tests.messages import lacks, said

from thinmargin_agents.remake.__main__ import main
from thinmargin_agents.remake.stage import Table


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The top of a checkout."""
    return tmp_path


@pytest.mark.parametrize(
    ("flags", "made"),
    [
        (["--only", "constants"], ["constants"]),
        (["--only", "tune"], ["tune.one", "tune.two"]),
        (["--only", "tune.two", "constants"], ["constants", "tune.two"]),
        (["--from", "tune.two"], ["tune.two", "page"]),
        (["--from", "tune"], ["tune.one", "tune.two", "page"]),
    ],
)
def test_stages_are_chosen_by_name_group_or_first(flags: list[str], made: list[str], root: Path) -> None:
    for name in ("constants", "tune.one", "tune.two"):
        (root / f"{name}.txt").write_text("by hand", encoding="utf-8")
    assert main(["--folder", str(root / "state"), *flags], usual(root)) == 0
    assert order(root) == made


def test_needed_stages_that_are_left_out_are_named(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("constants", "tune.one"):
        (root / f"{name}.txt").write_text("by hand", encoding="utf-8")
    assert main(["--folder", str(root / "state"), "--only", "tune.two"], usual(root)) == 0
    assert "left as they are: constants, tune.one" in said(capsys)


def test_a_dry_run_prints_commands_and_reasons_and_makes_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--folder", str(root / "state"), "--dry-run"]
    assert main(flags, usual(root)) == 0
    assert sorted(root.iterdir()) == []
    printed = capsys.readouterr().out
    assert printed.count("\npython -c ") == 4
    assert not lacks(printed, "# constants: not made yet; at most 600 s; log", "# page: not made yet")
    assert main(flags[:2], usual(root)) == 0
    capsys.readouterr()
    (root / "figures.csv").write_text("new", encoding="utf-8")
    assert main(flags, usual(root)) == 0
    printed = capsys.readouterr().out
    assert not lacks(
        printed, "# constants: changed since: figures.csv", "# page: only if constants makes something else"
    )
    (root / "figures.csv").unlink()
    assert main(flags, usual(root)) == 0
    assert capsys.readouterr().out == "# nothing: every stage is up to date\n"


def test_the_list_has_state_seconds_bound_and_purpose_of_every_stage(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--folder", str(root / "state")]
    assert main([*flags, "--list", "--bound-factor", "3"], usual(root)) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if "txt" in line]
    assert [row[1] for row in rows] == ["constants", "tune.one", "tune.two", "page"]
    assert all("1,800" in row for row in rows)
    assert sorted(root.iterdir()) == []
    assert main(flags, usual(root)) == 0
    capsys.readouterr()
    (root / "figures.csv").write_text("new", encoding="utf-8")
    assert main([*flags, "--list"], usual(root)) == 0
    printed = capsys.readouterr().out
    assert not lacks(printed, "to do: changed since: figures.csv", "waits for constants")


def test_what_stands_between_makes_what_is_behind_wait(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stages = stage("a"), stage("b", "a"), stage("c", "b")
    flags = ["--folder", str(root / "state")]
    assert main(flags, table_in(root, *stages)) == 0
    (root / "a.txt").unlink()
    assert main([*flags, "--list"], table_in(root, *stages)) == 0
    printed = capsys.readouterr().out
    assert not lacks(printed, "to do: missing: a.txt", "to do: changed since: a.txt", "waits for a, b")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--only", "pages"], ("--only has 'pages'", "did you mean page?", "constants, tune.one", "the groups tune")),
        (["--from", "x"], ("--from has 'x'", "allowed are constants")),
        (["--only"], ("--only has no name", "allowed are constants, tune.one, tune.two, page", "the groups tune")),
        (["--only", "--dry-run"], ("--only has no name", "allowed are constants")),
        (["--only", "--from", "page"], ("--only has no name", "allowed are constants")),
        (["--only", "page", "--from", "page"], ("--only and --from", "one of the two")),
        (["--list", "--dry-run"], ("--list and --dry-run", "one of the two")),
        (["--list", "--fresh"], ("--list and --fresh", "one of the two")),
        (["--bound-factor", "nan"], ("--bound-factor is nan", "above 0")),
        (["--bound-factor", "-1"], ("--bound-factor is -1", "above 0")),
        (["--bound-factor", "1e9"], ("--bound-factor is 1e+09", "to 1000")),
    ],
)
def test_a_bad_argument_is_named_with_what_is_allowed_and_nothing_is_made(
    flags: list[str], words: tuple[str, ...], root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--folder", str(root / "state"), *flags], usual(root)) == 2
    assert not lacks(said(capsys), *words)
    assert sorted(root.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "file").touch()
    assert main(["--folder", str(root / "file" / "state")], usual(root)) == 2
    assert not lacks(said(capsys), "--folder is", "cannot be written")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"format": "another", "stages": {}}', '{"format": "thinmargin-remake-1", "stages": {"a": 1}}'],
)
def test_a_damaged_state_is_refused_by_name_and_left(text: str, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = root / "state" / "state.json"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    for flags in ([], ["--list"], ["--dry-run"]):
        assert main(["--folder", str(path.parent), *flags], usual(root)) == 2
        assert not lacks(said(capsys), str(path), "delete it")
    assert path.read_text("utf-8") == text


def test_a_table_whose_stages_are_out_of_order_is_refused(root: Path) -> None:
    with pytest.raises(ValueError, match="needs later"):
        Table(root, (stage("first", "later"), stage("later")), str)
    with pytest.raises(ValueError, match="first is there twice"):
        Table(root, (stage("first"), stage("first")), str)
