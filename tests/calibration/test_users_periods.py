"""Spans of months in users' files, as reports write them: read where one is meant, else told what to write."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.calibration.figure_files import UNITS, read

from thinmargin.data import FiguresError, parse_period

IF = " if the firm's year is that of the calendar"

SEPTEMBER = "2025-09 for that month, 2025-Q3 for the quarter that ends then, 2025-01/2025-09 for nine months"


def refused(folder: Path, cell: str) -> str:
    """The words of the error on a period."""
    with pytest.raises(FiguresError) as error:
        read(folder, f"period;{UNITS}\n{cell};1\n")
    return str(error.value).split(": period is ", 1)[1]


@pytest.mark.parametrize(
    ("cell", "period"),
    [
        ("2025-01 to 2025-03", "2025-Q1"),
        ("2025-01 - 2025-03", "2025-Q1"),
        ("2025-01\u20132025-09", "2025-01/2025-09"),
        ("2025-01/03", "2025-Q1"),
        ("2024-11 bis 2025-02", "2024-11/2025-02"),
        ("2025\u2013Q1", "2025-Q1"),
        ("2025 \u2013 Q1", "2025-Q1"),
        ("Q1\u20142025", "2025-Q1"),
        ("2025\u201109", "2025-09"),
        ("2025M03", "2025-03"),
        ("2025-M3", "2025-03"),
        ("Three months ended March 31, 2025", "2025-Q1"),
        ("Six months ended 30 June 2025", "2025-H1"),
        ("the nine-month period ended September 30th, 2025", "2025-01/2025-09"),
        ("9 months to September 2025", "2025-01/2025-09"),
        ("9M to Sep 2025", "2025-01/2025-09"),
        ("Year ended 31 December 2024", "2024"),
        ("Twelve months ended March 31, 2025", "2024-04/2025-03"),
        ("Quarter ended 31 March 2025", "2025-Q1"),
        ("2025\u5e741-9\u6708", "2025-01/2025-09"),
        ("2025\u5e741\u6708\u81f32025\u5e743\u6708", "2025-Q1"),
    ],
)
def test_a_span_of_one_meaning_is_read(tmp_path: Path, cell: str, period: str) -> None:
    assert read(tmp_path, f"period;{UNITS}\n{cell};1\n").periods == (parse_period(period),)
    assert read(tmp_path, f'series,"{cell}"\n{UNITS},1\n').periods == (parse_period(period),)


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        *((cell, "2025-01/2025-09") for cell in (
            "2025\u5e74\u524d\u4e09\u5b63\u5ea6", "2025\u5e74\u524d\u4e5d\u4e2a\u6708",
            "2025\u5e74\u4e00\u81f3\u4e09\u5b63\u5ea6",
            "first three quarters 2025", "Three quarters of 2025", "nine months 2025", "First 9 months of 2025",
            "2025 nine months", "Nine-month period 2025", "9 Monate 2025", "erste neun Monate 2025", "Q1-Q3 2025",
            "Q1\u2013Q3 2025", "Q1 to Q3 2025", "2025 Q1-Q3", "2025-Q1/2025-Q3", "Q1 2025 - Q3 2025", "Q1-3 2025",
            "1-3Q25", "1Q25-3Q25", "1Q-3Q 2025", "first to third quarter 2025", "1.-3. Quartal 2025",
            "Jan 2025 - Sep 2025", "2025-01-01 to 2025-09-30", "01/2025-09/2025",
        )),
        ("first two quarters of 2025", "2025-01/2025-06"),
        ("Q2 and Q3 2025", "2025-04/2025-09"),
        ("third and fourth quarter 2024", "2024-07/2024-12"),
        *((cell, "2025-Q1 if it was reported, and leave it out if it is an estimate") for cell in (
            "2025Q1 (unaudited)", "Q1 2025A", "1Q25E", "2025-Q1, restated", "2025-Q1*",
        )),
        ("last six months 2024", "2024-07/2024-12"),
        ("H1-H2 2024", "2024-01/2024-12"),
        ("Q1 to Q3 FY2025", f"2025-01/2025-09{IF}"),
        ("first nine months FY25", f"2025-01/2025-09{IF}"),
        ("Nov 2024 - Feb 2025", "2024-11/2025-02"),
        ("2025\u5e74\u4e09\u5b63\u5ea6", "2025-Q3"),
        ("2025\u5e749\u6708", SEPTEMBER),
    ],
)  # fmt: skip
def test_a_span_in_other_words_is_told_what_to_write(tmp_path: Path, cell: str, meant: str) -> None:
    assert f": write {meant}; allowed are 2015 (a year)" in refused(tmp_path, f'"{cell}"')


@pytest.mark.parametrize(
    "cell",
    [
        "Q1 and Q3 2025", "Q3-Q1 2025", "Q1 2024 - Q3 2025", "quarter ended March 3, 2025", "Nov-Feb 2025",
        "first and third quarter 2025", "Q1-H2 2025",
        "Three months ended March 2, 2025", "weeks 1-13 2025", "thirteen weeks ended March 30, 2025", "2025-26",
        "five quarters 2025", "2025-03 to 2025-01", "first three quarters",
    ],
)  # fmt: skip
def test_no_other_period_than_is_meant_is_named(tmp_path: Path, cell: str) -> None:
    told = refused(tmp_path, cell)
    assert "write 20" not in told
    if any(map(str.isdecimal, cell)):
        assert "if it is a note" not in told


@pytest.mark.parametrize("cell", ["average of 4 quarters 2024", "Total Q1-Q3 2025", "Growth, 4 quarters 2024"])
def test_totals_of_several_periods_are_no_period(tmp_path: Path, cell: str) -> None:
    assert "delete a row of totals" in refused(tmp_path, cell)


@pytest.mark.parametrize("cell", ["Source: annual report 2024", "see note 3 on the quarter", "Figures as of today"])
def test_a_note_is_still_told_to_be_one(tmp_path: Path, cell: str) -> None:
    assert "begin the line with # if it is a note" in refused(tmp_path, cell)
