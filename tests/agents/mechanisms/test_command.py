from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.messages import said

from thinmargin_agents.mechanisms import __main__ as command
from thinmargin_agents.mechanisms.catalogue import SWITCHES
from thinmargin_agents.mechanisms.players import PLAYERS

QUICK = ["--quick", "--processes", "1"]


def written(folder: Path, *flags: str) -> tuple[dict[str, Any], str]:
    """The JSON file and the page, which had an older table in its place."""
    page, file = folder / "page.md", folder / "found.json"
    page.write_text("before\n\n<!-- mechanisms -->\nlast year\n<!-- end -->\n\nafter\n", encoding="utf-8")
    assert command.main([*QUICK, *flags, "--json", str(file), "--markdown", str(page)]) == 0
    document: dict[str, Any] = json.loads(file.read_text("utf-8"), parse_constant=pytest.fail)
    return document, page.read_text("utf-8")


@pytest.mark.slow
def test_table_and_json_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document, page = written(tmp_path, "--rows", "14", "8")
    printed = capsys.readouterr().out
    line = "python -m thinmargin_agents.mechanisms --rows 14 8 --quick"
    assert document["command"] == line
    assert page.startswith(f"before\n\n<!-- mechanisms -->\n`{line}`\n\nA quick run")
    assert page.endswith("\n<!-- end -->\n\nafter\n")
    assert "last year" not in page
    assert list(document["rows"]) == ["8", "14"]
    assert document["versions"]["numpy"] == np.__version__
    assert (document["quick"], document["n_worlds"], document["split"]) == (True, 4, "validation")
    for row, entry in document["rows"].items():
        switch = SWITCHES[row]
        cells = next(line for line in page.splitlines() if line.startswith(f"| {row} | {switch.mechanism} | "))
        assert f"| {row} | {switch.mechanism} | {switch.off} | `{json.dumps(entry['parameters'])}` |" in page
        assert entry["parameters"] == dict(switch.parameters)
        for name, ways in entry["rules"].items():
            if ways is None:
                assert (row, name) == ("14", "premium")
                continue
            assert min(ways.pop("spread").values()) >= 0.0
            for worth in ways.values():
                low, high = worth["interval"]
                percent = f"{worth['percent']:+.1f}" if abs(worth["percent"]) < 10 else f"{worth['percent']:+.0f}"
                words = f"{worth['mean']:+.1f} [{low:+.1f}, {high:+.1f}] {percent} %"
                assert f"| {words} |" in cells
                assert words in printed
                assert worth["mean"] == pytest.approx(worth["without"] - worth["with_it"])
                assert worth["percent"] == pytest.approx(100.0 * worth["mean"] / worth["base"])
        largest = max(abs(w["percent"]) for ways in entry["rules"].values() if ways for w in ways.values())
        assert entry["thin"] == (largest < document["thin_below_percent"])
        assert cells.endswith("| thin |") == entry["thin"]
    assert "Worth less than 1 % of J to every rule" in printed


@pytest.mark.slow
def test_every_row_can_be_measured(tmp_path: Path) -> None:
    document, page = written(tmp_path)
    assert list(document["rows"]) == list(SWITCHES)
    assert all(set(entry["rules"]) == set(PLAYERS) for entry in document["rows"].values())
    assert page.count("\n| ") == 2 * (len(SWITCHES) + 2)
    assert "J of two searches of the same side" in page


def test_a_new_page_is_made(tmp_path: Path) -> None:
    page = tmp_path / "new.md"
    assert command.main([*QUICK, "--rows", "8", "--markdown", str(page)]) == 0
    text = page.read_text("utf-8")
    assert text.startswith("<!-- mechanisms -->\n`python -m thinmargin_agents.mechanisms --rows 8 --quick`")
    assert text.endswith("\n<!-- end -->\n")


BAD: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "one world": (["--n-worlds", "1"], ("--n-worlds is 1", "2 to 10000")),
    "no world to search": (["--search-worlds", "0"], ("--search-worlds is 0", "1 to 1000")),
    "no budget": (["--budget", "0"], ("--budget is 0", "1 to 1000")),
    "no processes": (["--processes", "0"], ("--processes is 0", "1 to 64")),
    "seed below zero": (["--seed", "-1"], ("--seed is -1", "0 to")),
    "nothing off is no row": (["--rows", "0"], ("--rows has '0'", "allowed are 1, 2, 2b")),
    "unknown row": (["--rows", "8", "17"], ("--rows has '17'", "allowed are 1, 2, 2b")),
    "no number": (["--n-worlds", "many"], ("many",)),
}


@pytest.mark.parametrize(("flags", "parts"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_used_is_reported_before_anything_is_searched(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    parts: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("thinmargin_agents.mechanisms.results.find", pytest.fail)
    assert command.main(flags) == 2
    shown = said(capsys)
    for part in parts:
        assert part in shown
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_in_the_end_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("thinmargin.files.write_atomically", full)
    assert command.main([*QUICK, "--rows", "8", "--json", str(tmp_path / "found.json")]) == 1
    shown = capsys.readouterr()
    assert "No space left on device" in shown.err
    assert "word of mouth" in shown.out
