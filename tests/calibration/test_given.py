"""What the back-test says of a file of newer figures: what was read, what is new, and what it changes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from thinmargin.backtest.__main__ import main
from thinmargin.backtest.given import WIDTH, given_text
from thinmargin.data import SERIES, parse_period, read_figures, reported
from thinmargin.history import NEEDED

USERS = "miui_mau_m"
HEAD = f"period,{','.join(NEEDED)},{USERS},rnd_rmb_bn"
LATER = f"""{HEAD}
2025-Q1,11.1,6.66,111.0,66.6,333.0,777.0,
2025-Q2,12.2,7.77,122.0,66.6,333.0,,
"""


def said(folder: Path, text: str, name: str = "mine.csv") -> list[str]:
    """The lines about a file, behind its name."""
    path = folder / name
    path.write_text(text, "utf-8")
    first, *lines = given_text(read_figures(path, today=dt.date(2025, 12, 31)), reported()).split("\n")
    assert first.startswith(f"Newer figures: {folder}")
    assert first.isprintable()
    assert all(len(line) <= WIDTH for line in lines)
    return lines


def test_values_are_counted_by_series_and_new_periods_named(tmp_path: Path) -> None:
    lines = said(tmp_path, LATER)
    assert lines[0] == "Read: 11 values of 6 series in 2 periods:"
    counts = " ".join(lines[1:-2]).split(", ")
    assert {entry.split()[0]: int(entry.split()[1]) for entry in counts} == {**dict.fromkeys(NEEDED, 2), USERS: 1}
    assert lines[-2:] == ["New periods, 2: 2025-Q1, 2025-Q2.", "Columns without a value: rnd_rmb_bn."]


def test_values_of_shipped_years_that_are_others_are_named(tmp_path: Path) -> None:
    known = reported().value(USERS, parse_period("2023"))
    lines = said(tmp_path, f"period,{USERS},retention_home_pct\n2023,{known},\n2024,702.5,50\n")
    assert lines[0] == "Read: 3 values of 2 series in 2 periods:"
    assert lines[2] == "New periods: none."
    assert " ".join(" ".join(lines[3:]).split()) == (
        "Periods known before, 2: 2023, 2024; new or other values, 2: miui_mau_m of 2024 702.5 for 702.3,"
        " retention_home_pct of 2024 50."
    )
    assert said(tmp_path, f"period,{USERS}\n2023,{known}\n")[-1].endswith("2023; no value is another.")
    assert said(tmp_path, f"period,{USERS}\n2025-Q1,700\n")[0] == "Read: 1 value of 1 series in 1 period:"


def test_many_series_and_periods_stay_short_lines(tmp_path: Path) -> None:
    names = [series.name for series in SERIES if series.unit == "%"]
    rows = [f"{year}-{month:02}{',9.5' * len(names)}" for year in range(2013, 2026) for month in range(1, 12)]
    lines = said(tmp_path, f"period,{','.join(names)}\n" + "\n".join(rows) + "\n", "mine\x1b[2J.csv")
    assert lines[0] == f"Read: {143 * len(names):d} values of {len(names)} series in 143 periods:"
    assert any(line.startswith("New periods, 143: 2013-01, ") for line in lines)


def test_the_command_begins_with_what_was_read_and_the_new_periods(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(LATER, "utf-8")
    assert main(["--draws", "2", "--data", str(path), "--until", "2025-03"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"Newer figures: {path}\nRead: 11 values of 6 series in 2 periods:\n")
    places = [out.index(words) for words in (
        "New periods, 2: 2025-Q1, 2025-Q2.", "2025-Q1, after the shipped figures", "Not scored: 2025-Q2", "Back-test: ",
        "Hold-out: ",
    )]  # fmt: skip
    assert places == sorted(places)


def test_without_a_file_nothing_is_said_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--draws", "2"]) == 0
    assert capsys.readouterr().out.startswith("Back-test: ")
