"""`python -m thinmargin.backtest`: what it says to bad arguments and figures."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.calibration.backtest_files import (
    CHINA,
    FEW,
    HEADER,
    MARGIN,
    QUARTERS,
    SELLING,
    TOTAL,
    WORLD,
    file_of,
)

from thinmargin.backtest.__main__ import MOST_DRAWS, main
from thinmargin.calibration import fits

ROW = "2025-Q1,11.1,6.66,111.0,66.6,333.0,777.0,44.4"
BAD_FIGURES: dict[str, tuple[str, tuple[str, ...]]] = {
    "missing column": (
        f"period,{MARGIN}\n2025-Q1,11.1\n",
        (f"column {SELLING}", "missing, but needed", "columns found"),
    ),
    "negative shipments": (
        f"{HEADER}\n2025-Q1,11.1,6.66,111.0,66.6,333.0,777.0,-44.4\n",
        ("line 2 (2025-Q1)", "column smartphone_shipments_m", "-44.4", "0 to 10000"),
    ),
    "future": (f"{HEADER}\n{ROW.replace('2025', '9999')}\n", ("line 2 (9999-Q1)", "column period", "future")),
    "empty cell": (
        f"{HEADER}\n{ROW}\n2025-Q2,11.1,6.66,,66.6,333.0,777.0,44.4\n",
        ("line 3 (2025-Q2)", f"column {TOTAL}", "empty, but needed", "a number"),
    ),
    "gap": (f"{HEADER}\n{ROW.replace('Q1', 'Q2')}\n", ("no row covers 2025-01", "needs one")),
    "unknown column": ("period,miui_mau\n2025-Q1,777.0\n", ("line 1", "column miui_mau", "did you mean miui_mau_m")),
    "margin": (f"{HEADER}\n{ROW.replace('11.1', '100')}\n", (f"column {MARGIN}", "100", "less than 100")),
    "revenue": (f"{HEADER}\n{ROW.replace('111.0', '0')}\n", (f"column {TOTAL}", ": 0,", "more than 0")),
    "world": (f"{HEADER}\n{ROW.replace('333.0', '44.4')}\n", (f"column {WORLD}", "44.4", f"more than {CHINA}, 66.6")),
}


@pytest.mark.parametrize(("text", "told"), BAD_FIGURES.values(), ids=BAD_FIGURES.keys())
def test_bad_figures_are_told_where_and_what_is_allowed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, told: tuple[str, ...]
) -> None:
    data = file_of(tmp_path, text)
    arguments = ["--data", data, "--json", str(tmp_path / "r.json"), "--picture", str(tmp_path / "p.svg")]
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert data in shown.err
    assert shown.err.count("\n") == 1
    for part in told:
        assert part in shown.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]


BAD_ARGUMENTS: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "until too early": (["--until", "2014"], ("--until is 2014", "2015 or later")),
    "until in 2015": (["--until", "2015-06"], ("--until is 2015-06", "2015 or later")),
    "until before the firm": (["--until", "1999"], ("--until is 1999", "2015 or later")),
    "until no period": (["--until", "soon"], ("--until", "'soon'", "2015 (a year)", "2025-09 (a month)")),
    "until after the figures": (["--until", "2025-09"], ("no row covers 2025-01", "--data FILE")),
    "until much later": (["--until", "9999"], ("no row covers 2025-01",)),
    "no draws": (["--draws", "0"], ("--draws is 0", "1 to 10000")),
    "too many draws": (["--draws", str(MOST_DRAWS + 1)], ("--draws is 10001", "1 to 10000")),
    "negative seed": (["--seed", "-1"], ("--seed is -1", "0 or more")),
    "no folder of the json": (["--json", "none/r.json"], ("--json is none", "there is no folder 'none'")),
    "json is a folder": (["--json", "."], ("--json is .", "is not a file")),
    "no folder of the picture": (["--picture", "none/p.png"], ("--picture is none", "there is no folder 'none'")),
    "picture is a folder": (["--picture", "."], ("--picture is .", "is not a file")),
    "bitmap": (["--picture", "p.bmp"], ("--picture is p.bmp", ".png, .svg, .pdf")),
    "no ending": (["--picture", "p"], ("--picture is p", ".png, .svg, .pdf")),
    "no data": (["--data", "none.csv"], ("none.csv: no such file",)),
    "data is a folder": (["--data", "."], ("is a folder", "a CSV file")),
}


@pytest.mark.parametrize("arguments", [["--until", "2030-12"], ["--until", "9999"], ["--markets", "model"]])
def test_a_replay_that_cannot_be_is_refused_before_the_fit(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fits, "with_new_origins", lambda *_: pytest.fail("it was fitted"))
    later = [line for line in QUARTERS.splitlines(keepends=True) if not line.startswith("2025-Q1")]
    data = file_of(tmp_path, "".join(later))
    assert main(["--refit", "--data", data, *arguments]) == 2
    assert "no row covers " in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "told"), BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS.keys())
def test_bad_arguments_are_told_what_is_allowed(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    told: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    others = [flag for flag in ("--json", "--picture") if flag not in arguments]
    files = [item for flag in others for item in (flag, {"--json": "r.json", "--picture": "p.svg"}[flag])]
    assert main([*arguments, *files]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    for part in told:
        assert part in shown.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("arguments", "told"), [
    (["--draws", "many"], ("--draws", "'many'")),
    (["--seed", "0.5"], ("--seed", "'0.5'")),
    (["--markets", "none"], ("--markets", "'none'", "reported", "model")),
    (["--xyzzy"], ("--xyzzy",)),
])  # fmt: skip
def test_arguments_that_cannot_be_read(
    capsys: pytest.CaptureFixture[str], arguments: list[str], told: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    shown = capsys.readouterr().err
    for part in told:
        assert part in shown


def test_a_picture_without_matplotlib_says_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    path = tmp_path / "p.png"
    assert main([*FEW, "--picture", str(path)]) == 2
    assert "pip install 'thinmargin[report]'" in capsys.readouterr().err
    assert not path.exists()
    assert main([*FEW, "--json", str(tmp_path / "r.json")]) == 0


def test_one_file_is_never_named_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = file_of(tmp_path, QUARTERS)
    assert main(["--data", figures, "--json", figures]) == 2
    assert "three different files" in capsys.readouterr().err
    assert Path(figures).read_text("utf-8") == QUARTERS
