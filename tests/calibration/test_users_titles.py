"""Titles above users' figures: rows of figures and foreign units among them are refused, plain titles are skipped."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.calibration.figure_files import HEADER, PRICE, TOTAL, UNITS, read

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


@pytest.mark.parametrize(
    "title",
    [
        "Figures in AUD bn", "CAD", "Amounts: CAD m", "In NOK", "in TRY m", "bn ZAR", "\u20bd", "\u20ba bn", "\u20a6",
        "Rs", "Rs.", "Pound", "Pounds sterling", "roubles", "INR crore", "lakh", "won, billions: bn won", "R$",
        "JP\xa5 bn", "RMB:m", "(RMB: million)", "All figures in RMB (mn)", "in RMB, mn", "RMB / m", "RMB [million]",
        "\xa5 m", "in Mio. RMB", "Tsd. RMB", "in Tsd.", "in k", "rmb hundred million", "Figures in 100 million RMB",
        "RMB\u2019000", "x1000", "RMB k", "\u5355\u4f4d\uff1a\u4eba\u6c11\u5e01\u767e\u4e07",
        "\u5355\u4f4d\uff1a\u4ebf", "\u5355\u4f4d\uff1a\u4e07\u53f0", "\u5355\u4f4d: \u767e\u4e07\u5143",
        "\u5343\u53f0", "basis points", "margins in bps", "fraction", "margins as fractions", "(as decimals)",
    ],
)  # fmt: skip
def test_a_foreign_unit_in_a_title_is_refused(tmp_path: Path, title: str) -> None:
    quoted = f'"{title}"'
    for text in (
        f"{quoted}\n{HEADER}\n{ROW}\n",
        f"{quoted},2024\n{UNITS},168.5\n",
        f"Xiaomi\n{quoted},,\n{HEADER}\n{ROW}\n",
    ):
        told = refused(tmp_path, text)
        assert "stands in a title, and every series is in its own unit (RMB bn, RMB, m units, %" in told
    assert read(tmp_path, f"# {title}\n{HEADER}\n{ROW}\n").columns[TOTAL].tolist() == [365.906]


@pytest.mark.parametrize(
    "title",
    [
        "cumulative", "Cumulative since January", "year to date figures", "YTD", "\u7d2f\u8ba1",
        "fiscal year April to March", "Fiscal year ends March", "fiscal year ended 31 March 2024",
        "Financial years from July to June", "year ending June",
    ],
)  # fmt: skip
def test_other_periods_in_a_title_are_refused(tmp_path: Path, title: str) -> None:
    told = refused(tmp_path, f"{title}\n{HEADER}\n{ROW}\n")
    assert "stands in a title, and every figure is of its own period, in years of the calendar" in told


@pytest.mark.parametrize(
    "units",
    [
        ",fraction,RMB bn", ",bps,RMB bn", ",%,\u4ebf\u5143", ",%,\u4ebf", ",(fraction),[RMB bn]",
        ",%,AUD bn", ",%,\u4e07\u53f0",
        ",%,(RMB mn)", ",%,Rmb mn.", ",%,Tsd", "Unit,%,RMB mn", ",basis points,RMB bn",
    ],
)  # fmt: skip
def test_a_foreign_unit_in_a_row_of_units_is_refused(tmp_path: Path, units: str) -> None:
    assert refused(tmp_path, f"{units}\nperiod,gm_total_pct,{TOTAL}\n2024,20.9,365.9\n").startswith("line 1")


@pytest.mark.parametrize(
    "title",
    [
        "all in RMB bn", "ALL FIGURES IN RMB BN", "RMB bn, RMB, m units, %", "bn RMB, millions of units",
        "RMB billion", "\u5355\u4f4d\uff1a\u5341\u4ebf\u5143",
        "\u5355\u4f4d\uff1a\u5341\u4ebf\u5143\uff0c\u767e\u4e07\u53f0", "\u5c0f\u7c73\u96c6\u56e2", "CN\xa5 bn",
        "Try the newest phones", "Top results, all in one table", "TOP 10", "Fiscal year 2024",
        "Year ended 31 December 2024", "Fiscal year January to December", "A fraction of the market",
        "Prepared in May by M. Km", "in mn units", "in bn", "Awards won in 2024", "Annual report",
        "Xiaomi quarterly results", "Source: company filings", "Made in China",
        "Results for investors: PHP, SAR and TRY in words", "Redmi K70, Mi 11 T", "Note K", "in millions of units",
    ],
)  # fmt: skip
def test_titles_with_the_own_units_or_none_are_skipped(tmp_path: Path, title: str) -> None:
    assert read(tmp_path, f'"{title}"\n{HEADER}\n{ROW}\n').columns[TOTAL].tolist() == [365.906]


@pytest.mark.parametrize("units", [",m,RMB", "Unit,m units,RMB", ";m;RMB", ",(m units),(RMB)"])
def test_the_cells_of_a_row_of_units_are_read_one_by_one(tmp_path: Path, units: str) -> None:
    text = f"{units}\nperiod,{UNITS},{PRICE}\n2024,168.5,1138.2\n"
    figures = read(tmp_path, text.replace(",", ";") if ";" in units else text)
    assert figures.columns[PRICE].tolist() == [1138.2]


def test_a_title_whose_unit_has_a_separator_is_no_row_of_units(tmp_path: Path) -> None:
    told = refused(tmp_path, f"Amounts in RMB, mn\n{HEADER}\n{ROW}\n")
    assert "'RMB, mn' stands in a title" in told
