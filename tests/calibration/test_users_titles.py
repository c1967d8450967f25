"""Titles above users' figures: rows of figures and foreign units among them are refused, plain titles are skipped."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.calibration.figure_files import HEADER, TOTAL, UNITS, read

from thinmargin.data import FiguresError

ROW = "2024,168.5,365.906"


def refused(folder: Path, text: str) -> str:
    """The words of the error, behind the name of the file."""
    with pytest.raises(FiguresError) as error:
        read(folder, text)
    return str(error.value).removeprefix(f"{folder / 'mine.csv'}: ")


@pytest.mark.parametrize(
    ("row", "about"),
    [
        ("Sep-24,12,5,90,60,300", "Sep-24"),
        ("FY24E,12,5", "FY24E"),
        ("2023A,12,5", "2023A"),
        ("2024-Q4;12;5", "2024-Q4"),
        ("2024-Q4\t12\t5", "2024-Q4"),
        ("2024-Q4|12|5", "2024-Q4"),
        ("First nine months 2024;12;5", "First nine months 2024"),
        ("31.12.2023,145.6,", "31.12.2023"),
        (f"{UNITS};168.5;41.8", UNITS),
        ("Last year,145.6,270.97", "Last year"),
        ("Prior;145,6;270,97", "Prior"),
        ("Prior,(11.5),n/a,5-", "Prior"),
        ("Q4,12,5", "Q4"),
        ("12,5,90", "12"),
    ],
)
def test_a_row_of_figures_above_the_header_is_refused(tmp_path: Path, row: str, about: str) -> None:
    for above in ("", "Xiaomi\n\n"):
        told = refused(tmp_path, f"{above}{row}\n{HEADER}\n{ROW}\n")
        assert f"{about!r} with figures stands above the header" in told
        assert "begin it with #" in told


@pytest.mark.parametrize(
    "title",
    [
        "Report of 2024", "Exported 2025-12-31", "Exported,2025-12-31", "Xiaomi, 2024", "Report of,2024,", "Q1,2025",
        "Revenue rose by 12.4 %, in 2024", "Page 1; 12", "Sep-24", "2024;", "Figures for 2024, 2023 and 2022",
        "Annual report", "Xiaomi quarterly results", "Source: company filings", "Version 3,", "2025-12-31 14:05",
    ],
)  # fmt: skip
def test_a_plain_title_is_skipped(tmp_path: Path, title: str) -> None:
    assert read(tmp_path, f"{title}\n{HEADER}\n{ROW}\n").columns[TOTAL].tolist() == [365.906]
    text = f"{title}\n{HEADER}\n{ROW}\n" if ";" in title else f"{title}\n{HEADER}\n{ROW}\n".replace(",", ";")
    assert read(tmp_path, text).columns[TOTAL].tolist() == [365.906]
