"""`python -m thinmargin.backtest --data FILE`: newer figures scored, replaced and not scored."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from tests.calibration.backtest_files import (
    FEW,
    HEADER,
    QUARTERS,
    SERIES,
    file_of,
    written,
)

from thinmargin.backtest.__main__ import main
from thinmargin.data import reported
from thinmargin.history import NEEDED


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


@pytest.mark.slow
def test_later_periods_are_in_the_picture(tmp_path: Path) -> None:
    plain, later = tmp_path / "plain.svg", tmp_path / "later.svg"
    assert main([*FEW, "--picture", str(plain)]) == 0
    assert main([*FEW, "--picture", str(later), "--data", file_of(tmp_path, QUARTERS)]) == 0
    assert "later, sums at a year" not in plain.read_text("utf-8")
    assert "later, sums at a year" in later.read_text("utf-8")
