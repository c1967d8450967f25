from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.unread import Unread

from thinmargin.command_line import PIPE_CLOSED
from thinmargin.names import with_id
from thinmargin_agents.years import __main__ as command

BROKEN = """
class Broken:
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        raise RuntimeError("no idea")
"""


def test_the_good_policies_unless_others_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "new.md"
    assert command.main(["--n-worlds", "2", "--split", "test", "--markdown", str(page)]) == 0
    text = page.read_text("utf-8")
    assert text.startswith("<!-- years -->\n`python -m thinmargin_agents.years --n-worlds 2 --split test`")
    shown = capsys.readouterr().out
    for name in ("low_margin_tuned", "plan", "plan_with_feedback"):
        assert f"| {with_id(name)} |" in text
        assert f"  {with_id(name)} " in shown


def test_a_policy_that_fails_is_reported_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(BROKEN)
    assert command.main(["mine.py:Broken", "--n-worlds", "2", "--json", "years.json"]) == 1
    shown = capsys.readouterr()
    assert "mine.py:Broken" in shown.err
    assert "no idea" in shown.err
    assert not Path("years.json").exists()


@pytest.mark.slow
def test_files_are_written_though_nobody_reads_the_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", Unread())
    assert command.main(["premium", "--n-worlds", "1", "--json", str(tmp_path / "years.json")]) == PIPE_CLOSED
    assert list(json.loads((tmp_path / "years.json").read_text("utf-8"))["policies"]) == ["premium"]


def test_a_file_that_cannot_be_written_in_the_end_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("thinmargin.files.write_atomically", full)
    assert command.main(["premium", "--n-worlds", "1", "--json", str(tmp_path / "years.json")]) == 1
    shown = capsys.readouterr()
    assert "No space left on device" in shown.err
    assert "markup over unit cost" in shown.out


BAD: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "unknown policy": (["low_margin_tund"], ("low_margin_tund", "did you mean low_margin_tuned")),
    "policy twice": (["plan", "plan"], ("'plan' is named twice",)),
    "training worlds": (["--split", "train"], ("validation", "test")),
    "seed below zero": (["--seed", "-1"], ("--seed is -1", "allowed are 0 to")),
}


@pytest.mark.parametrize(("flags", "parts"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_used_is_reported_before_anything_is_played(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    parts: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "played", pytest.fail)
    assert command.main(flags) == 2
    shown = capsys.readouterr()
    for part in parts:
        assert part in shown.err
    assert list(tmp_path.iterdir()) == []
