"""`python -m thinmargin.data`: the table, and templates for figures of a user."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.calibration.figure_files import HEADER, TODAY, TOTAL, UNITS, read, year

from thinmargin.data import (
    BREAKS,
    SERIES,
    FiguresError,
    read_figures,
)
from thinmargin.data.table import WIDTH, figures_text, main


def test_the_table_shows_every_series_with_its_marks_in_120_columns() -> None:
    lines = figures_text().splitlines()
    assert max(map(len, lines)) <= WIDTH == 120
    for series in SERIES:
        assert any(line.startswith(series.name) for line in lines)
    units = next(line for line in lines if line.startswith(UNITS))
    assert " 0.3~" in units
    assert " 151 " in units
    assert units.endswith(" 169")
    assert "199 of 296" in figures_text()
    assert all(any(line.startswith(f"{name}: ") for line in lines) for name in BREAKS)


def test_fewer_series_are_shown_more_exactly(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--series", "gm_total_pct", "gm_internet_pct"]) == 0
    shown = capsys.readouterr().out
    assert "64.2" in shown
    assert TOTAL not in shown
    assert main(["--series", UNITS]) == 0
    shown = capsys.readouterr().out
    assert "66.546~" in shown
    assert "118.7" in shown
    assert max(map(len, shown.splitlines())) <= WIDTH


def test_a_template_has_every_column_and_takes_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.csv"
    assert main(["--template", str(path)]) == 0
    assert str(path) in capsys.readouterr().out
    text = path.read_text(encoding="utf-8")
    for series in SERIES:
        assert f"# {series.name}: " in text
    assert text.splitlines()[-1].split(",") == ["period", *(series.name for series in SERIES)]
    with pytest.raises(FiguresError, match="no rows"):
        read_figures(path, today=TODAY)
    figures = read(tmp_path, f"{text}2024,168.5{25 * ','}\n")
    assert figures.value(UNITS, year(2024)) == 168.5


def test_the_path_of_a_template_moves_no_cursor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine\x1b[2J.csv"
    assert main(["--template", str(path)]) == 0
    assert path.is_file()
    assert capsys.readouterr().out.endswith("mine\\x1b[2J.csv\n")


def test_a_template_of_some_series_overwrites_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.csv"
    assert main(["--template", str(path), "--series", UNITS, TOTAL]) == 0
    assert path.read_text(encoding="utf-8").endswith(f"\n{HEADER}\n")
    path.write_text("typed by hand", encoding="utf-8")
    for target in (path, tmp_path / "absent" / "mine.csv", tmp_path):
        with pytest.raises(SystemExit) as stopped:
            main(["--template", str(target)])
        assert stopped.value.code == 2
        assert "--template is" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == "typed by hand"


def test_a_series_without_breaks_has_no_list_of_them() -> None:
    assert "Breaks" not in figures_text(["gm_internet_pct"])


@pytest.mark.parametrize("template", [False, True])
def test_a_series_named_twice_is_refused(template: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.csv"
    with pytest.raises(SystemExit) as stopped:
        main(["--series", UNITS, TOTAL, UNITS, *(["--template", str(path)] if template else [])])
    assert stopped.value.code == 2
    assert f"series '{UNITS}' is named twice: each series once is allowed" in capsys.readouterr().err
    assert not path.exists()


def test_the_command_line_refuses_an_unknown_series(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--series", "shipments"])
    assert stopped.value.code == 2
    assert UNITS in capsys.readouterr().err


@pytest.mark.slow
def test_python_dash_m_prints_the_table() -> None:
    command = [sys.executable, "-W", "error", "-m", "thinmargin.data", "--series", "miui_mau_m"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)  # noqa: S603  # own code
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == figures_text(["miui_mau_m"]).strip()
