from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.messages import lacks
from tests.unread import Unread

from thinmargin.command_line import PIPE_CLOSED
from thinmargin_agents.exact import backward_induction, contenders
from thinmargin_agents.exact.__main__ import main


@pytest.mark.slow
def test_a_search_that_falls_short_is_said_and_fails_and_the_page_has_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text("above\n<!-- exact -->\nold\n<!-- end -->\nbelow\n", encoding="utf-8")
    monkeypatch.setattr(backward_induction, "USERS", 20)
    monkeypatch.setattr(backward_induction, "PRICES", 10)
    monkeypatch.setattr(contenders, "GENERATIONS", 1)
    assert main(["--markdown", str(page)]) == 1
    printed, errors = capsys.readouterr()
    head = "above\n<!-- exact -->\n`python -m thinmargin_agents.exact`\n\n```text\n"
    assert page.read_text(encoding="utf-8") == f"{head}{printed}```\n<!-- end -->\nbelow\n"
    assert "plan reaches" in errors
    assert not lacks(errors, "99 %", "less than 0.1 %")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--ppo", "--timesteps", "-5"], ("--timesteps", "-5", "1 to")),
        (["--ppo", "--timesteps", "0"], ("--timesteps", "0", "1 to")),
        (["--timesteps", "5"], ("--timesteps", "5", "--ppo")),
    ],
)
def test_a_bad_argument_is_named_with_what_is_allowed(
    arguments: list[str], words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert not shown.out
    for word in words:
        assert word in shown.err


def test_the_page_is_written_though_nobody_reads_the_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    monkeypatch.setattr("thinmargin_agents.exact.__main__._without_learning", lambda *_: (None, []))
    monkeypatch.setattr("thinmargin_agents.exact.table.Results", lambda *_: SimpleNamespace(problems=()))
    monkeypatch.setattr("thinmargin_agents.exact.__main__._write", lambda *_: page.write_text("done") and [])
    monkeypatch.setattr("thinmargin_agents.exact.table.text", lambda *_: "results")
    monkeypatch.setattr("sys.stdout", Unread())
    assert main(["--markdown", str(page)]) == PIPE_CLOSED
    assert page.read_text() == "done"
