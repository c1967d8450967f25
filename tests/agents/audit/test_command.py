from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from tests.agents.audit.small import bests
from tests.messages import lacks, naming
from tests.unread import Unread

from thinmargin.command_line import PIPE_CLOSED
from thinmargin_agents.audit import __main__ as command
from thinmargin_agents.audit import adversary, checks, common_worlds, identities, last_year, levers, ranking
from thinmargin_agents.audit.findings import Finding, aligned
from thinmargin_agents.audit.table import PLACE
from thinmargin_agents.cli.markdown import page_with


def finding_of(name: str, *, passed: bool) -> Finding:
    return Finding(name, "Is it so?", {"number": 1.0, "none": float("nan")}, "one", "at most two", passed, ("a", "b"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and checks that cost nothing: `corners` fails, the others pass."""
    monkeypatch.chdir(tmp_path)
    for name in checks.CHECKS:
        monkeypatch.setitem(
            checks.CHECKS, name, lambda _scope, _progress, name=name: finding_of(name, passed=name != "corners")
        )
    return tmp_path


def test_the_command_knows_every_check_in_its_order() -> None:
    assert get_args(command.CheckName) == tuple(checks.CHECKS)


def test_every_check_calls_its_finding_by_its_own_name() -> None:
    names = [
        identities.judged({"a": 0.0}, 1).name,
        ranking.judged_last(
            {"do_nothing": np.zeros(1), "b": np.ones(1)}, {"do_nothing": np.ones(1, bool), "b": np.zeros(1, bool)}
        ).name,
        ranking.judged_stable(["a", "b"], dict.fromkeys((180, 204, 240), np.arange(2.0))).name,
        levers.judged_corners(np.zeros(16), 1.0).name,
        levers.judged_interior(np.ones((4, 5))).name,
        adversary.judged(*bests(chattering=1.0), np.ones(20), 0).name,
        last_year.judged(np.zeros((240, 4)), np.zeros((240, 4)), np.ones(4), 1, [], 64).name,
        common_worlds.judged({"a": np.arange(3.0), "b": np.arange(3.0) * 2.0}).name,
    ]
    assert names == list(checks.CHECKS)


@pytest.mark.usefixtures("here")
def test_the_exit_status_says_whether_every_check_passed(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--only", "interior", "identities"]) == 0
    output = capsys.readouterr().out
    assert output.index("identities") < output.index("interior")
    assert "pass  identities: Is it so?" in output
    assert "measured: one" in output
    assert "allowed:  at most two" in output
    assert "2 of 2 checks passed" in output
    assert command.main([]) == 1
    output = capsys.readouterr().out
    assert "FAIL  corners" in output
    assert "7 of 8 checks passed; failed: corners" in output


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "luck"], "identities"),
        (["--only"], "--only names no check: allowed are identities"),
        (["--evaluations", "100"], "--evaluations is 100: allowed are 480 to"),
        (["--seed", "-1"], "--seed is -1: allowed are 0 to"),
        (["--processes", "0"], "--processes is 0: allowed are 1 to"),
        (["--markdown", "page.md"], "--markdown is 'page.md'"),
        (["--split", "test"], "--split"),
    ],
)
def test_a_bad_argument_is_named_and_nothing_is_played(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("page.md").write_text("# No place\n")
    assert command.main(arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert "passed" not in captured.out


@pytest.mark.usefixtures("here")
def test_a_search_without_cma_is_refused_and_the_rest_is_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("thinmargin_agents.cli.command.find_spec", lambda _: None)
    assert command.main([]) == 2
    message = capsys.readouterr().err
    assert not lacks(message, "adversary", "last_year", "cma", "pip install 'thinmargin[search]'", "--only")
    assert command.main(["--only", "interior"]) == 0


@pytest.mark.usefixtures("here")
def test_json_is_strict_and_has_everything_measured() -> None:
    assert command.main(["--json", "audit.json", "--n-worlds", "32"]) == 1

    def refuse(name: str) -> Any:
        raise AssertionError(name)

    report = json.loads(Path("audit.json").read_text(), parse_constant=refuse)
    assert (report["split"], report["worlds"], report["evaluations"], report["seed"]) == ("validation", 32, 10_000, 0)
    assert report["command"] == "python -m thinmargin_agents.audit --n-worlds 32 --evaluations 10000 --seed 0"
    assert report["passed"] is False
    assert list(report["checks"]) == list(checks.CHECKS)
    check = report["checks"]["corners"]
    assert check["passed"] is False
    assert check["measured"] == {"number": 1.0, "none": None}
    assert check["lines"] == ["a", "b"]
    assert {"thinmargin", "numpy"} <= set(report["versions"])


@pytest.mark.usefixtures("here")
def test_markdown_goes_between_its_markers_and_again() -> None:
    page = Path("page.md")
    page.write_text("# Audit\n\n<!-- audit -->\nold\n<!-- end -->\n\nafter\n")
    for _ in range(2):
        assert command.main(["--markdown", "page.md", "--only", "corners", "interior"]) == 1
    text = page.read_text()
    assert text.startswith("# Audit\n\n<!-- audit -->\n`python -m thinmargin_agents.audit --n-worlds 256")
    assert "--only corners interior`: 1 of 2 checks passed; failed: corners." in text
    assert "| corners | Is it so? | one | at most two | FAIL |" in text
    assert "```text\ncorners:\na\nb\n\ninterior:\na\nb\n```\n<!-- end -->\n\nafter\n" in text
    assert "old" not in text
    assert command.main(["--markdown", "new.md", "--only", "interior"]) == 0
    assert Path("new.md").read_text().startswith("<!-- audit -->\n`python -m")


def test_results_are_not_written_into_a_page_without_a_place_for_them(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n<!-- results -->\n<!-- end -->\n")
    with pytest.raises(ValueError, match=naming("<!-- audit -->", "<!-- end -->")):
        page_with(page, {PLACE: "x"})


def test_a_table_in_plain_text_stands_under_its_head() -> None:
    assert aligned(("name", "x"), [("a", "1.0"), ("longer", "10.0")]) == (
        "name       x",
        "a        1.0",
        "longer  10.0",
    )


@pytest.mark.usefixtures("here")
def test_files_are_written_though_nobody_reads_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", Unread())
    assert command.main(["--only", "interior", "--json", "audit.json", "--markdown", "page.md"]) == PIPE_CLOSED
    assert list(json.loads(Path("audit.json").read_text())["checks"]) == ["interior"]
    assert "1 of 1 checks passed" in Path("page.md").read_text()
