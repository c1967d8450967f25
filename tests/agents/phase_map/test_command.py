from __future__ import annotations

import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.agents.phase_map.small import QUICK

from thinmargin_agents.phase_map import __main__ as command
from thinmargin_agents.phase_map.boundary import tie
from thinmargin_agents.phase_map.cells import GRIDS

ONE_CELL = replace(GRIDS["patience"], rows=(0.10,), slopes=(3.5,))


@pytest.mark.slow
def test_json_is_complete(results: tuple[Path, str]) -> None:
    document = json.loads((results[0] / "map.json").read_text("utf-8"), parse_constant=pytest.fail)
    assert document["command"] == "python -m thinmargin_agents.phase_map --n-worlds 1 --n-hidden 2 --generations 1"
    assert (document["worlds"], document["split"], document["horizon"]) == ("calibrated", "validation", 180)
    assert document["versions"]["numpy"] == np.__version__
    assert set(document["maps"]) == {"services", "patience"}
    for name, entry in document["maps"].items():
        grid = GRIDS[name]
        assert (entry["rows"], entry["price_slopes"]) == (list(grid.rows), list(grid.slopes))
        cells = [cell for row in entry["cells"] for cell in row]
        assert [len(row) for row in entry["cells"]] == [5] * 5
        for cell, place in zip(cells, grid.places(), strict=True):
            assert (cell["price_slope"], cell["services"], cell["discount_rate"]) == place
            assert cell["difference"] == pytest.approx(cell["thin"]["value"] - cell["premium"]["value"])
            best = max(("thin", "middle", "premium"), key=lambda each: cell[each]["value"])
            assert cell["best_markup"] == cell[best]["levers"]["price"]
            assert set(cell[best]) == {"levers", "value", "closing", "bankrupt"}
        gaps = [[cell["difference"] for cell in row] for row in entry["cells"]]
        assert [row["price_slope"] for row in entry["ties"]] == [tie(grid.slopes, row) for row in gaps]
        assert entry["signs"] == ["".join("+" if gap >= 0.0 else "-" for gap in row) for row in gaps]
    assert document["maps"]["services"]["cells"][2] == document["maps"]["patience"]["cells"][2]
    assert document["maps"]["patience"]["prototype"] is None
    prototype = document["maps"]["services"]["prototype"]
    assert prototype["agree"] + len(prototype["changed"]) == prototype["of"] == 25
    share = document["hidden"]
    assert (share["drawn"], share["searched"], len(share["differences"])) == (2000, 2, 2)
    assert share["thin_wins"] == np.mean(np.array(share["differences"]) >= 0.0)
    assert sum(share["best"].values()) == pytest.approx(1.0)
    assert 0.0 < share["thin_side"] < 1.0


@pytest.mark.slow
def test_the_picture_is_a_png_that_fills_a_page(results: tuple[Path, str]) -> None:
    content = (results[0] / "map.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    assert width == 1800
    assert 800 <= height <= 1200
    assert 50_000 < len(content) < 1_000_000


@pytest.mark.slow
def test_the_table_stands_in_its_place_on_the_page(results: tuple[Path, str]) -> None:
    page = (results[0] / "page.md").read_text("utf-8")
    assert page.startswith("before\n\n<!-- phase map -->\n`python -m thinmargin_agents.phase_map --n-worlds 1")
    assert page.endswith("\n<!-- end -->\n\nafter\n")
    assert "last year" not in page
    document = json.loads((results[0] / "map.json").read_text("utf-8"))
    cell = document["maps"]["services"]["cells"][4][4]
    words = f"{round(100.0 * cell['best_markup'])} % ({cell['difference']:+.0f})"
    row = next(line for line in page.splitlines() if line.startswith("| 2x |"))
    assert f"| {words} |" in row
    assert words in results[1]
    assert "| 35 % |" in page


@pytest.mark.slow
def test_the_answer_is_printed_in_words(results: tuple[Path, str]) -> None:
    printed = results[1].replace("\n", " ")
    for part in (
        "When does the thin margin win?",
        "a thin constant margin beats a premium one",
        "2 hidden validation worlds",
        "2,000 hidden validation worlds lies on the thin side",
        "The calibrated firm (price slope",
        "Signs of the first prototype's map:",
    ):
        assert part in printed
    assert max(map(len, results[1].splitlines())) <= 120


def test_one_map_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(GRIDS, "patience", ONE_CELL)
    page, picture = tmp_path / "new.md", tmp_path / "map.svg"
    assert command.main([*QUICK, "--map", "patience", "--markdown", str(page), "--picture", str(picture)]) == 0
    printed = capsys.readouterr().out
    assert "patience:" in printed
    assert "services:" not in printed
    assert "hidden" not in printed
    text = page.read_text("utf-8")
    assert text.startswith("<!-- phase map -->\n`python -m thinmargin_agents.phase_map --map patience")
    assert text.endswith("\n<!-- end -->\n")
    assert "<svg" in picture.read_text("utf-8")


BAD: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "no worlds": (["--n-worlds", "0"], ("--n-worlds is 0", "1 to 64")),
    "no generations": (["--generations", "0"], ("--generations is 0", "1 to 1000")),
    "too many generations": (["--generations", "1001"], ("--generations is 1001", "1 to 1000")),
    "no processes": (["--processes", "0"], ("--processes is 0", "1 to 64")),
    "too many processes": (["--processes", "65"], ("--processes is 65", "1 to 64")),
    "fewer than no hidden worlds": (["--n-hidden", "-1"], ("--n-hidden is -1", "0 to 2000")),
    "more hidden worlds than are drawn": (["--n-hidden", "2001"], ("--n-hidden is 2001", "0 to 2000")),
    "seed below zero": (["--seed", "-1"], ("--seed is -1", "allowed are 0 to")),
    "unknown map": (["--map", "moon"], ("services", "patience", "both")),
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
    monkeypatch.setattr("thinmargin_agents.phase_map.results.find", pytest.fail)
    assert command.main(flags) == 2
    shown = capsys.readouterr()
    for part in parts:
        assert part in shown.err
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_in_the_end_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(GRIDS, "patience", ONE_CELL)
    monkeypatch.setattr("thinmargin.files.write_atomically", full)
    assert command.main([*QUICK, "--map", "patience", "--json", str(tmp_path / "map.json")]) == 1
    shown = capsys.readouterr()
    assert "No space left on device" in shown.err
    assert "patience:" in shown.out
