"""`python -m thinmargin.backtest`: what it writes, and how it runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.calibration.backtest_files import (
    BEGINNINGS,
    FEW,
    ORIGINS,
    QUARTERS,
    SERIES,
    SURVEYS,
    file_of,
    read,
    written,
)

from thinmargin.backtest.__main__ import main
from thinmargin.calibration.saved import CLOSE, Calibration, difference
from thinmargin.data import Figures, reported
from thinmargin.history import NEEDED
from thinmargin.names import quantity_name


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


def test_an_interrupt_is_said_in_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("thinmargin.backtest.results.backtest", interrupted)
    assert main([]) == 130
    assert capsys.readouterr().err == "interrupted: nothing was written\n"
