"""What spreadsheets leave in users' files: empty columns, short rows, invisible characters, words for nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.calibration.figure_files import HEADER, PRICE, TOTAL, UNITS, read, year

from thinmargin.data import FiguresError, parse_period

ROW = "2024,168.5,365.906"


@pytest.mark.parametrize(
    "text",
    [
        f"{HEADER},,\n{ROW},,\n",
        f"{HEADER}\n{ROW},,\n",
        f"{HEADER},,\n{ROW}\n",
        f"{HEADER},,\n{ROW},,,,,\n2023\n",
        f",{HEADER}\n,{ROW}\n",
        f"{HEADER}\n{ROW}\n".replace(",", ",,"),
        f"{HEADER}\n{ROW}\n".replace(",", "\t\t"),
        f"Xiaomi,,,\n{HEADER},\n{ROW},\n,,,\n",
        f",2024\n{UNITS},168.5,,\n{TOTAL},365.906,\n",
        f",2024,,\n{UNITS},168.5\n{TOTAL},365.906,,,,\n",
    ],
)
def test_empty_columns_of_spreadsheets_are_nothing(tmp_path: Path, text: str) -> None:
    figures = read(tmp_path, text)
    assert figures.value(UNITS, year(2024)) == 168.5
    assert figures.value(TOTAL, year(2024)) == 365.906
    assert list(figures.columns) == [UNITS, TOTAL]


@pytest.mark.parametrize(
    "text", [f"{HEADER}\n{ROW}\n2025-Q1,41.8\n", f",2024,2025-Q1\n{UNITS},168.5,41.8\n{TOTAL},365.906\n"]
)
def test_cells_that_are_missing_at_the_end_were_not_reported(tmp_path: Path, text: str) -> None:
    figures = read(tmp_path, text)
    assert figures.columns[UNITS].tolist() == [168.5, 41.8]
    assert np.isnan(figures.value(TOTAL, parse_period("2025-Q1")))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{HEADER},\n{ROW},7\n", "line 1: column 4 has no name"),
        (f"{HEADER},,\n{ROW},,7\n", "line 1: column 5 has no name"),
        (f"{HEADER}\n{ROW},,7,\n", "line 2 (2024): 5 cells, but the header has 3"),
        (f"period,{UNITS}\n2024,168,5\n", "line 2 (2024): 3 cells, but the header has 2"),
    ],
)
def test_a_figure_without_a_name_is_not_left_out(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(FiguresError) as error:
        read(tmp_path, text)
    assert told in str(error.value)


@pytest.mark.parametrize(
    "unseen", ["\ufeff", "\u200b", "\u00a0", "\u200e", "\u2060", "\ufeff\ufeff", "\u00a0\u200b \ufeff"]
)
def test_invisible_characters_around_cells_are_nothing(tmp_path: Path, unseen: str) -> None:
    cells = [f"{unseen}{cell}{unseen}" for cell in f"{HEADER},{ROW}".split(",")]
    figures = read(tmp_path, f"{unseen}# a note\n{','.join(cells[:3])}\n{','.join(cells[3:])}\n{unseen}\n")
    assert [values.tolist() for values in figures.columns.values()] == [[168.5], [365.906]]


@pytest.mark.parametrize(
    "word",
    [
        "--", "---", "\u2013\u2013", "\u2212", "n/m", "NM", "nm", "N.M.", "null", "NULL", "k.A.", "k. A.", "..", "...",
        "\u2026", "n/d",
    ],
)  # fmt: skip
def test_words_for_nothing_reported(tmp_path: Path, word: str) -> None:
    figures = read(tmp_path, f"{HEADER}\n2024,{word},365.906\n")
    assert np.isnan(figures.value(UNITS, year(2024)))


@pytest.mark.parametrize(
    "head",
    [
        f"{TOTAL} (RMB, bn)", f"{TOTAL} (\xa5 bn)", f"{TOTAL} (\uffe5bn)", f"{TOTAL} (CN\xa5 bn)", f"{TOTAL} (RMB'bn)",
        f"{TOTAL} (RMB\u2019bn)", f"{TOTAL} [bn; CNY]", f"{TOTAL} (RMB/bn)", f"{TOTAL} (RMB, bn, audited)",
        f"{TOTAL} (RMB) (bn)",
    ],
)  # fmt: skip
def test_the_own_unit_in_pieces_is_read(tmp_path: Path, head: str) -> None:
    assert read(tmp_path, f'period,"{head}"\n2024,365.906\n').value(TOTAL, year(2024)) == 365.906


@pytest.mark.parametrize("unit", ["(RMB, m)", "(JP\xa5 bn)", "(CN)", "(RMB, bn, USD)", "(\xa5, mn)", "(bn, %)"])
def test_another_unit_in_pieces_is_refused(tmp_path: Path, unit: str) -> None:
    with pytest.raises(FiguresError, match="stands beside the name, and the series is in RMB bn"):
        read(tmp_path, f'period,"{TOTAL} {unit}"\n2024,365.906\n')


def test_a_yuan_sign_is_the_unit_of_a_price(tmp_path: Path) -> None:
    assert read(tmp_path, f"period,{PRICE} (\xa5)\n2024,1138.2\n").value(PRICE, year(2024)) == 1138.2


@pytest.mark.parametrize("gap", [" " * 100_000, "\u00a0" * 100_000, "-" * 100_000, "1 " * 50_000])
def test_a_long_cell_is_refused_as_a_short_one(tmp_path: Path, gap: str) -> None:
    with pytest.raises(FiguresError, match="is not a number"):
        read(tmp_path, f"{HEADER}\n2024,1{gap}x,1\n")
    with pytest.raises(FiguresError, match="period is "):
        read(tmp_path, f"1{gap}x\n{HEADER}\n2024 {gap}x,1,1\n")
