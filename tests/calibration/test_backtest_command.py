"""`python -m thinmargin.backtest`: what it writes, and what it says to bad arguments and figures."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from thinmargin.backtest.__main__ import MOST_DRAWS, main
from thinmargin.calibration import fits
from thinmargin.calibration.saved import CLOSE, Calibration, difference
from thinmargin.data import Figures, reported
from thinmargin.history import NEEDED
from thinmargin.names import quantity_name

MARGIN, SELLING, TOTAL, CHINA, WORLD = NEEDED
HEADER = f"period,{','.join(NEEDED)},miui_mau_m,smartphone_shipments_m"
QUARTERS = f"""# invented
{HEADER}
2025-Q1,11.1,6.66,111.0,66.6,333.0,777.0,44.4
2025-Q2,12.2,7.77,122.0,66.6,333.0,,55.5
2025-Q3,13.3,8.88,133.0,66.6,333.0,888.0,
"""
SERIES = {
    "shipments", "asp", "phone_revenue", "iot_revenue", "internet_revenue", "mau", "arpu", "iot_gross_margin",
    "total_gross_margin", "china_share", "overseas_share", "profit", "services_gross_margin", "retention",
}  # fmt: skip
SURVEYS = {2017: 31.4, 2021: 63.2, 2023: 49.0}
ORIGINS = {"2017", "2018", "2019", "2020", "2021", "2022"}
FEW = ("--draws", "8")
BEGINNINGS = {".png": b"\x89PNG\r\n", ".svg": b"<?xml", ".pdf": b"%PDF-"}


def no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text("utf-8"), parse_constant=no_constant)
    return document


def written(folder: Path, *arguments: str) -> dict[str, Any]:
    path = folder / "result.json"
    assert main([*FEW, "--json", str(path), *arguments]) == 0
    return read(path)


def file_of(folder: Path, text: str, name: str = "mine.csv") -> str:
    path = folder / name
    path.write_text(text, "utf-8")
    return str(path)


# what is written


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The back-test of the shipped figures."""
    return written(tmp_path_factory.mktemp("whole"))


def test_every_series_has_its_errors(document: dict[str, Any]) -> None:
    assert set(document["series"]) == SERIES
    for name, entry in document["series"].items():
        unknown = {"trend_holdout", "last_value_fit"} if name == "retention" else set()  # one survey before 2020
        for error in ("mape_fit", "last_value_fit", "mape_holdout", "last_value_holdout", "trend_holdout"):
            if error in unknown:
                assert entry[error] is None
            else:
                assert isinstance(entry[error], float), (name, error)
                assert entry[error] > 0.0
        assert set(entry["rolling"]) == {"model", "last_value", "trend"}
        assert entry["rolling"] == document["rolling"]["mean"][name]
        assert entry["error_in"] in ("percent", "points", "amount")
        assert entry["years"] == list(range(2012, 2025))
        for values in ("reported", "simulated", "band_low", "band_high", "wide_band_low", "wide_band_high"):
            assert len(entry[values]) == 13
        assert None not in entry["simulated"]
    assert document["series"]["mau"]["reported"][-1] == 702.3
    assert document["series"]["arpu"]["reported"][3] == pytest.approx(1e3 * 3.239 / 112)
    assert document["series"]["iot_gross_margin"]["reported"][:3] == [None] * 3
    assert document["series"]["retention"]["reported"] == [SURVEYS.get(year) for year in range(2012, 2025)]
    profit = document["series"]["profit"]
    assert (profit["unit"], profit["error_in"]) == ("RMB bn", "amount")
    assert profit["reported"][-3:] == pytest.approx([8.518 + 3.1, 19.273 + 6.7, 27.235 + 6.2])


def test_the_rest_of_the_document(document: dict[str, Any]) -> None:
    assert document["calibrated_on"] == [2012, 2024]
    assert document["fit_years"] == [2015, 2024]
    assert document["holdout_years"] == [2020, 2024]
    assert document["holdout_fitted_to"] == 2019
    assert document["markets"] == "reported"
    assert set(document["holdout_beats"]) == {"last_value", "trend"}
    assert set(document["rolling"]["origins"]) == ORIGINS
    assert all(len(origin["mau"]["forecast"]) == 2 for origin in document["rolling"]["origins"].values())
    assert set(document["rolling"]["mean"]) == SERIES
    assert list(document["replay_rules"]) == ["centred", "trailing", "none"]
    assert all(set(errors) == SERIES for errors in document["replay_rules"].values())
    assert set(document["elasticity"]) == {"1", "6", "12"}
    assert set(document["elasticity"]["1"]) == {"2013", "2015", "2019", "2022"}
    assert set(document["advertising"]) == {"2013", "2015", "2017", "2019", "2021", "2024"}
    assert document["later"] == []


def test_every_goal_has_its_range_and_whether_it_is_met(document: dict[str, Any]) -> None:
    assert document["goals"]
    for goal in document["goals"]:
        assert list(goal) == ["goal", "unit", "low", "high", "value", "met"]
        assert goal["met"] == (goal["low"] <= goal["value"] <= goal["high"])
    shipments = document["rolling"]["mean"]["shipments"]
    first = document["goals"][0]
    assert first["goal"].startswith("forecasts of shipments")
    assert (first["value"], first["high"]) == (shipments["model"], min(shipments["last_value"], shipments["trend"]))


@pytest.mark.slow
def test_it_prints_the_tables_and_names_the_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, picture = tmp_path / "result.json", tmp_path / "picture.svg"
    assert main([*FEW, "--json", str(path), "--picture", str(picture)]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    for part in (
        "hold-out 2020-2024",
        "Forecasts up to 2 years ahead",
        "80 % band",
        "All-in brand elasticity",
        "Elasticity of the offer to advertising",
        "Goals:",
        *map(quantity_name, SERIES),
    ):
        assert part in told.out
    assert told.out.endswith(f"written: {path}\n\nwritten: {picture}\n")


@pytest.mark.slow
@pytest.mark.parametrize("ending", [".PNG", ".svg", ".pdf"])
def test_the_ending_decides_the_format_of_the_picture(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"picture{ending}"
    assert main([*FEW, "--picture", str(path)]) == 0
    content = path.read_bytes()
    assert content.startswith(BEGINNINGS[ending.lower()])
    assert len(content) > 10_000


@pytest.mark.slow
def test_a_picture_of_fewer_years(tmp_path: Path) -> None:
    path = tmp_path / "picture.svg"
    assert main([*FEW, "--until", "2015", "--picture", str(path)]) == 0
    assert path.stat().st_size > 10_000


def test_the_same_seed_gives_the_same_file_and_another_seed_other_bands(
    tmp_path: Path, document: dict[str, Any]
) -> None:
    assert written(tmp_path, "--seed", "0") == document
    other = written(tmp_path, "--seed", "1")
    for name in SERIES:
        assert other["series"][name]["band_high"] != document["series"][name]["band_high"]
        assert other["series"][name]["simulated"] == document["series"][name]["simulated"]


def test_markets_as_the_model_says(tmp_path: Path, document: dict[str, Any]) -> None:
    own = written(tmp_path, "--markets", "model")
    assert own["markets"] == "model"
    assert own["series"]["mau"]["simulated"] != document["series"]["mau"]["simulated"]


def test_to_2019_nothing_is_held_out(tmp_path: Path, document: dict[str, Any]) -> None:
    early = written(tmp_path, "--until", "2019")
    assert early["holdout_years"] is None
    assert early["holdout_beats"] is None
    for name, entry in early["series"].items():
        assert entry["years"][-1] == 2019
        assert entry["simulated"][:-1] == document["series"][name]["simulated"][:7]
        for error in ("mape_holdout", "last_value_holdout", "trend_holdout", "in_band_holdout"):
            assert entry[error] is None


def test_to_the_middle_of_a_year(tmp_path: Path) -> None:
    early = written(tmp_path, "--until", "2019-06")
    assert early["series"]["mau"]["years"][-1] == 2018
    assert set(early["rolling"]["origins"]) == {"2017"}
    assert early["elasticity"].keys() == {"1", "6", "12"}
    assert all(set(found) == {"2013", "2015"} for found in early["elasticity"].values())
    assert set(early["advertising"]) == {"2013", "2015", "2017"}


def test_goals_that_cannot_be_told_yet_are_null(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    early = {goal["goal"]: goal for goal in written(tmp_path, "--until", "2017")["goals"]}
    untold = [name for name, goal in early.items() if goal["met"] is None]
    assert [early[name]["value"] for name in untold] == [None] * len(untold)
    for words in ("forecasts of shipments", "forecasts of mau", "profit 2015-2024", "retention 2021", "retention 2023"):
        assert sum(name.startswith(words) for name in untold) == 1, words
    assert not any(name.startswith("retention 2017") for name in untold)
    assert "Goals:" not in capsys.readouterr().out


@pytest.mark.slow
def test_refitted_forecasts_from_the_past_are_the_saved_ones(
    tmp_path: Path, document: dict[str, Any], capsys: pytest.CaptureFixture[str], calibration: Calibration
) -> None:
    again = written(tmp_path, "--refit")
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("Forecasts from the past"))
    told = re.search(r"fitted anew: largest relative difference to a saved constant (\d\.\de[-+]\d\d)\.$", line)
    assert told is not None
    assert float(told[1]) <= CLOSE
    for year in ORIGINS:
        for name in SERIES:
            mine, saved = (each["rolling"]["origins"][year][name]["forecast"] for each in (again, document))
            assert mine == pytest.approx(saved, rel=1e-5)
    for name in SERIES:
        assert again["series"][name]["simulated"] == document["series"][name]["simulated"]
        assert again["series"][name]["mape_holdout"] == pytest.approx(
            document["series"][name]["mape_holdout"], rel=1e-5
        )
    assert calibration.origins.keys() == {int(year) for year in ORIGINS}


def test_refitting_uses_the_shipped_figures_and_says_how_far_it_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], calibration: Calibration
) -> None:
    asked: list[Figures] = []

    def moved(figures: Figures, saved: Calibration) -> Calibration:
        asked.append(figures)
        away = {year: z + 0.1 * (year == 2021) for year, z in saved.origins.items()}
        return replace(saved, origins=away)

    monkeypatch.setattr("thinmargin.calibration.fits.with_new_origins", moved)
    newer = written(tmp_path, "--refit", "--data", file_of(tmp_path, QUARTERS))
    told = difference(moved(reported(), calibration), calibration)
    assert told > 0.01
    assert f"largest relative difference to a saved constant {told:.1e}." in capsys.readouterr().out
    assert asked[0] is reported()
    plain = written(tmp_path, "--data", file_of(tmp_path, QUARTERS))
    for year in ORIGINS:
        mine, saved = (each["rolling"]["origins"][year]["mau"]["forecast"] for each in (newer, plain))
        assert (mine == saved) == (year != "2021")


def test_without_it_nothing_is_fitted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fitted(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("thinmargin.calibration.fits.with_new_origins", fitted)
    assert main([*FEW]) == 0
    assert "fitted anew" not in capsys.readouterr().out


def test_until_the_last_figure_unless_told_otherwise(tmp_path: Path, document: dict[str, Any]) -> None:
    assert written(tmp_path, "--until", "2024") == document


# newer figures


def test_quarters_of_newer_figures_are_scored_one_by_one(
    tmp_path: Path, document: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    newer = written(tmp_path, "--until", "2025-09", "--data", file_of(tmp_path, QUARTERS))
    assert [each["period"] for each in newer["later"]] == ["2025-Q1", "2025-Q2", "2025-Q3"]
    first, second, third = (each["series"] for each in newer["later"])
    assert set(first) == SERIES
    mau = first["mau"]
    assert mau["reported"] == 777.0
    assert mau["error"] == pytest.approx(100 * abs(mau["simulated"] / 777.0 - 1))
    assert mau["last_value_error"] == pytest.approx(100 * (1 - 702.3 / 777.0))
    assert first["shipments"]["last_value_error"] == pytest.approx(100 * abs(168.5 / 4 / 44.4 - 1))
    assert second["mau"] == {**second["mau"], "reported": None, "error": None, "last_value_error": None}
    assert second["shipments"]["reported"] == 55.5
    assert third["mau"]["simulated"] > 0.0
    for name, entry in newer["series"].items():
        assert entry["reported"] == document["series"][name]["reported"]
        assert entry["simulated"] == document["series"][name]["simulated"]  # 2024 does not look into newer figures
        assert entry["rolling"] == document["series"][name]["rolling"]
    shown = capsys.readouterr().out
    for period in ("2025-Q1", "2025-Q2", "2025-Q3"):
        assert f"\n{period}, after the shipped figures" in shown
    assert "777.00" in shown


def test_half_years_and_single_months_of_newer_figures(tmp_path: Path) -> None:
    text = (
        f"{HEADER}\n2025-H1,11.1,13.3,222.0,133.0,666.0,,99.9\n"
        "2025-07,11.1,2.22,44.4,22.2,111.0,801.0,\n2025-08,11.1,2.22,44.4,22.2,111.0,802.0,\n"
    )
    newer = written(tmp_path, "--until", "2025-08", "--data", file_of(tmp_path, text))
    assert [each["period"] for each in newer["later"]] == ["2025-H1", "2025-07", "2025-08"]
    half, july, august = (each["series"] for each in newer["later"])
    assert half["shipments"]["last_value_error"] == pytest.approx(100 * abs(168.5 / 2 / 99.9 - 1))
    assert half["mau"]["reported"] is None
    assert (july["mau"]["reported"], august["mau"]["reported"]) == (801.0, 802.0)
    assert 3.0 < half["shipments"]["simulated"] / july["shipments"]["simulated"] < 12.0


def test_without_until_newer_figures_are_replayed_to_their_end(tmp_path: Path) -> None:
    newer = written(tmp_path, "--data", file_of(tmp_path, QUARTERS))
    assert newer["later"][-1]["period"] == "2025-Q3"


def test_a_cell_of_a_shipped_year_may_be_replaced(tmp_path: Path, document: dict[str, Any]) -> None:
    figures = reported()
    year = figures.periods[-1]
    drivers = ",".join(repr(figures.value(name, year)) for name in NEEDED)
    table = f"period,{','.join(NEEDED)},miui_mau_m\n2024,{drivers},777.0\n"
    newer = written(tmp_path, "--data", file_of(tmp_path, table))
    assert newer["series"]["mau"]["reported"][-1] == 777.0
    assert newer["series"]["mau"]["simulated"] == document["series"]["mau"]["simulated"]


@pytest.mark.parametrize("name", NEEDED)
def test_a_copy_of_the_shipped_figures_with_an_empty_needed_cell_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    lines = files("thinmargin.data").joinpath("figures.csv").read_text("utf-8").splitlines()
    column = lines[0].split(",").index(name)
    row = next(k for k, line in enumerate(lines) if line.startswith("2018,"))
    cells = lines[row].split(",")
    cells[column] = ""
    lines[row] = ",".join(cells)
    assert main(["--data", file_of(tmp_path, "\n".join(lines) + "\n")]) == 2
    told = capsys.readouterr().err
    assert f"line {row + 1} (2018)" in told
    assert f"column {name}" in told


def test_a_copy_of_the_shipped_figures_is_accepted(tmp_path: Path, document: dict[str, Any]) -> None:
    shipped = files("thinmargin.data").joinpath("figures.csv").read_text("utf-8")
    same = written(tmp_path, "--data", file_of(tmp_path, shipped))
    assert same["series"]["mau"]["simulated"] == document["series"]["mau"]["simulated"]


@pytest.mark.parametrize("row", [
    "2025-Q1,99.9,1.11,111.0,66.6,333.0,0,0",
    "2025-Q1,-100,1.11,1.11,0.001,0.002,0,0",
    "2025-Q1,11.1,0,9999,9999,10000,777.0,10000",
])  # fmt: skip
def test_strange_but_possible_figures_give_plain_json(tmp_path: Path, row: str) -> None:
    newer = written(tmp_path, "--data", file_of(tmp_path, f"{HEADER}\n{row}\n"))
    assert newer["later"][0]["period"] == "2025-Q1"


# bad input

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


# in a process of its own


def run(*command: str, folder: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # our own interpreter and our own code
        [sys.executable, "-W", "error", *command],
        cwd=folder,
        text=True,
        timeout=600,
        check=False,
        **({"capture_output": True} | options),
    )


@pytest.mark.slow
def test_python_dash_m_runs_it(tmp_path: Path) -> None:
    file_of(tmp_path, QUARTERS)
    arguments = ["--until", "2025-09", "--data", "mine.csv", "--json", "r.json", *FEW]
    done = run("-m", "thinmargin.backtest", *arguments, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2025-Q3, after the shipped figures" in done.stdout
    assert done.stdout.endswith("written: r.json\n")
    assert len(read(tmp_path / "r.json")["later"]) == 3


def test_python_dash_m_ends_with_2_on_bad_input(tmp_path: Path) -> None:
    done = run("-m", "thinmargin.backtest", "--draws", "0", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "error: --draws is 0: 1 to 10000 are allowed\n"


def test_help_is_fast_and_shows_how_newer_figures_are_given(lightly_helped: Callable[..., str]) -> None:
    shown = lightly_helped("thinmargin.backtest", "numba", "matplotlib", "cma", "thinmargin.replay")
    for name in NEEDED:
        assert name in shown
    assert "--until 2025-09 --data my_figures.csv" in shown


@pytest.mark.slow
def test_files_are_written_though_nobody_reads_the_output(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        run(
            "-m", "thinmargin.backtest", "--json", "r.json", "--picture", "p.svg", *FEW, folder=tmp_path,
            capture_output=False, stdout=writing, stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
    finally:
        os.close(writing)
    assert set(read(tmp_path / "r.json")["series"]) == SERIES
    assert (tmp_path / "p.svg").stat().st_size > 10_000


def test_cars_that_are_out_already_are_not_taken_out_again(tmp_path: Path, document: dict[str, Any]) -> None:
    head = f"period,{','.join(NEEDED)},overseas_revenue_share_pct,gm_total_pct,revenue_other_rmb_bn"
    row = "2024,12.6,25.39,333.152,286.2,1238.8,46.0,21.1,3.174"
    own = written(tmp_path, "--data", file_of(tmp_path, f"{head}\n{row}\n"))
    assert own["series"]["overseas_share"]["reported"][-1] == 46.0
    assert own["series"]["total_gross_margin"]["reported"][-1] == 21.1
    assert document["series"]["overseas_share"]["reported"][-1] == pytest.approx(41.9 * 365.906 / (365.906 - 32.754))


def test_what_is_not_scored_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = file_of(tmp_path, QUARTERS)
    told = written(tmp_path, "--data", figures, "--until", "2025-05")
    assert [each["period"] for each in told["later"]] == ["2025-Q1"]
    assert told["not_scored"] == ["2025-Q2", "2025-Q3"]
    assert "Not scored: 2025-Q2, 2025-Q3" in capsys.readouterr().out
    only_drivers = f"period,{','.join(NEEDED)}\n2025-Q1,11.1,6.66,111.0,66.6,333.0\n"
    written(tmp_path, "--data", file_of(tmp_path, only_drivers))
    assert "2025-Q1: nothing reported that is compared" in capsys.readouterr().out


def test_one_file_is_never_named_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = file_of(tmp_path, QUARTERS)
    assert main(["--data", figures, "--json", figures]) == 2
    assert "three different files" in capsys.readouterr().err
    assert Path(figures).read_text("utf-8") == QUARTERS


def test_an_interrupt_is_said_in_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("thinmargin.backtest.results.backtest", interrupted)
    assert main([]) == 130
    assert capsys.readouterr().err == "interrupted: nothing was written\n"


@pytest.mark.slow
def test_later_periods_are_in_the_picture(tmp_path: Path) -> None:
    plain, later = tmp_path / "plain.svg", tmp_path / "later.svg"
    assert main([*FEW, "--picture", str(plain)]) == 0
    assert main([*FEW, "--picture", str(later), "--data", file_of(tmp_path, QUARTERS)]) == 0
    assert "later, sums at a year" not in plain.read_text("utf-8")
    assert "later, sums at a year" in later.read_text("utf-8")
