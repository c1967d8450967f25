from __future__ import annotations

import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.agents.phase_map.small import HAND_CODED, QUICK, hand_judged
from tests.messages import lacks

from thinmargin.baselines import baseline
from thinmargin.scenarios import family_of
from thinmargin.splits import KEYS
from thinmargin_agents.phase_map import __main__ as command
from thinmargin_agents.phase_map.assumptions import ASSUMPTIONS, family_under
from thinmargin_agents.phase_map.boundary import tie
from thinmargin_agents.phase_map.cells import GRIDS
from thinmargin_agents.play.rollout import play_worlds

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
            assert "middle" in cell
        gaps = [[cell["difference"] for cell in row] for row in entry["cells"]]
        assert [row["price_slope"] for row in entry["ties"]] == [tie(grid.slopes, row) for row in gaps]
        assert entry["signs"] == ["".join("+" if gap >= 0.0 else "-" for gap in row) for row in gaps]
    assert document["maps"]["services"]["cells"][2] == document["maps"]["patience"]["cells"][2]
    assert document["maps"]["patience"]["prototype"] is None
    prototype = document["maps"]["services"]["prototype"]
    assert prototype["agree"] + len(prototype["changed"]) == prototype["of"] == 25
    share = document["hidden"]
    assert (share["drawn"], share["searched"]) == (2000, 2)
    assert document["closing"]["scored"] == "own_levers"
    assert list(share["under"]) == list(document["closing"]["rules"]) == ["own_levers", "playbook", "years"]
    for entry in share["under"].values():
        assert len(entry["differences"]) == 2
        assert entry["thin_ahead"] == np.mean(np.array(entry["differences"]) >= 0.0)
        assert entry["thin_ahead_ci95"][0] <= entry["thin_ahead"] <= entry["thin_ahead_ci95"][1]
    assert set(document["maps_under"]) == {"playbook", "years"}
    for maps in document["maps_under"].values():
        for name, entry in maps.items():
            assert len(entry["cells"]) == len(document["maps"][name]["cells"])
            assert "middle" not in entry["cells"][0][0]
    assert sum(share["best"].values()) == pytest.approx(1.0)
    assert 0.0 < share["thin_side"] < 1.0


@pytest.mark.slow
def test_judgements_have_shares_by_every_rule_for_the_best_levers_and_for_policies(results: tuple[Path, str]) -> None:
    document = json.loads((results[0] / "map.json").read_text("utf-8"))
    assert list(document["judgements"]) == list(ASSUMPTIONS)
    assert document["judgements"]["as calibrated"]["best_levers"] == document["hidden"]["under"]
    keys = KEYS["validation"][:2]
    for name, entry in document["judgements"].items():
        assert entry["meaning"] == ASSUMPTIONS[name].meaning
        assert set(entry["best_levers"]) == {"own_levers", "playbook", "years"}
        assert set(entry["shipped"]["J_mean"]) == set(HAND_CODED)
        assert entry["shipped"]["missing"] == {}
        family = family_under(name, family_of("benchmark"))
        values = [play_worlds(baseline(rule), keys, family=family).value for rule in HAND_CODED[:2]]
        assert entry["shipped"]["J_mean"]["premium"]["own_levers"] == pytest.approx(values[1].mean())
        assert entry["shipped"]["thin_ahead"]["own_levers"]["share"] == np.mean(values[0] >= values[1])


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
    assert "\nlast year\n" not in page
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
        "plausible worlds the best thin rule for ever earns more than the best premium rule",
        "which is what is scored",
        "2 hidden validation worlds",
        "judgements made otherwise",
        "no reaction: rivals keep their markups",
        "2,000 hidden validation worlds lies on the thin side",
        "The calibrated firm (price slope",
        "A prototype of this model",
    ):
        assert part in printed
    assert max(map(len, results[1].splitlines())) <= 130


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


def test_a_policy_missing_under_one_assumption_fails_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    judged = hand_judged({}, {"ppo": "the policy 'ppo' is old"})
    monkeypatch.setattr("thinmargin_agents.phase_map.results.find", lambda *_: judged)
    assert command.main(QUICK) == 1
    shown = capsys.readouterr()
    assert "the policy 'ppo' is old (no reaction)" in " ".join(shown.err.split())
    assert "Could not be played: ppo (no reaction)." in " ".join(shown.out.split())
    monkeypatch.setattr("thinmargin_agents.phase_map.results.find", lambda *_: hand_judged({}, {}))
    assert command.main(QUICK) == 0


@pytest.mark.slow
def test_quick_searches_little_and_a_new_page_gets_every_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page, file = tmp_path / "new.md", tmp_path / "map.json"
    flags = ["--quick", "--map", "services", "--processes", "1", "--markdown", str(page), "--json", str(file)]
    monkeypatch.setattr("thinmargin_agents.phase_map.shipped.POLICIES", ("premium", "nobody"))
    assert command.main(flags) == 1
    shown = capsys.readouterr()
    assert not lacks(shown.err, "policy 'nobody' is unknown", "searches: ")
    assert "Could not be played: nobody." in shown.out.replace("\n", " ")
    document = json.loads(file.read_text("utf-8"))
    assert (document["n_worlds"], document["generations"], document["hidden"]["searched"]) == (1, 2, 4)
    assert document["command"] == "python -m thinmargin_agents.phase_map --map services --quick"
    text = page.read_text("utf-8")
    answer = text[text.index("<!-- answer -->") : text.index("<!-- judgements -->")]
    assert not lacks(answer, "**In ", "which is what is scored", "The calibrated firm")
    assert "| as calibrated |" in text[text.index("<!-- judgements -->") :]


@pytest.mark.slow
def test_without_judgements_none_is_searched(tmp_path: Path) -> None:
    file = tmp_path / "map.json"
    assert command.main([*QUICK, "--map", "services", "--no-judgements", "--json", str(file)]) == 0
    assert json.loads(file.read_text("utf-8"))["judgements"] == {}


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
