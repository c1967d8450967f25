"""Users' files as finance people export them: units, titles, tables that stand across, encodings, odd cells."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import numpy as np
import pytest

from thinmargin.data import Figures, FiguresError, parse_period, read_figures
from thinmargin.shown import LONGEST

TODAY = dt.date(2025, 12, 31)
UNITS, TOTAL, PRICE, MARGIN = "smartphone_shipments_m", "revenue_total_rmb_bn", "smartphone_asp_rmb", "gm_total_pct"
HEADER = f"period,{UNITS},{TOTAL}"
TEXT = f"{HEADER}\n2024,168.5,365.906\n"


def read(folder: Path, text: str | bytes) -> Figures:
    path = folder / "mine.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_figures(path, today=TODAY)


def refused(folder: Path, text: str | bytes) -> str:
    """The words of the error, behind the name of the file."""
    with pytest.raises(FiguresError) as error:
        read(folder, text)
    message = str(error.value)
    assert message.startswith(f"{folder / 'mine.csv'}: ")
    assert "\n" not in message
    return message.removeprefix(f"{folder / 'mine.csv'}: ")


# units beside a name


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        (TOTAL, "[RMB bn]"),
        (TOTAL, "(RMB billion)"),
        (TOTAL, ", bn CNY"),
        (TOTAL, "/ RMBbn"),
        (TOTAL, "(bn)"),
        (TOTAL, "[rmb_bn]"),
        (TOTAL, "*"),
        (TOTAL, "\uff08RMB bn\uff09"),
        (TOTAL, "[RMB bn, unaudited]"),
        (TOTAL, "(restated)"),
        (UNITS, "(m units)"),
        (UNITS, "in millions"),
        (PRICE, "[yuan]"),
        (MARGIN, "(%)"),
        (MARGIN, ": percent"),
    ],
)
def test_a_series_own_unit_behind_its_name_is_read(tmp_path: Path, name: str, unit: str) -> None:
    assert read(tmp_path, f"period;{name} {unit}\n2024;20.9\n").value(name, parse_period("2024")) == 20.9
    assert read(tmp_path, f"series;2024\n{name} {unit};20.9\n").value(name, parse_period("2024")) == 20.9


@pytest.mark.parametrize(
    ("name", "unit", "own"),
    [
        (TOTAL, "[USD m]", "RMB bn"),
        (TOTAL, "(USD m)", "RMB bn"),
        (TOTAL, ", USD m", "RMB bn"),
        (TOTAL, "/ USD bn", "RMB bn"),
        (TOTAL, "in USD bn", "RMB bn"),
        (TOTAL, "(RMB m)", "RMB bn"),
        (TOTAL, "(RMB)", "RMB bn"),
        (TOTAL, "(million)", "RMB bn"),
        (TOTAL, "(RMB'000)", "RMB bn"),
        (TOTAL, "\uff08\u767e\u4e07\u5143\uff09", "RMB bn"),
        (TOTAL, "(RMB bn) [USD m]", "RMB bn"),
        (TOTAL, "(%)", "RMB bn"),
        (TOTAL, "(1)", "RMB bn"),
        (TOTAL, "(including cars)", "RMB bn"),
        (UNITS, "(units)", "m units"),
        (UNITS, "[thousands]", "m units"),
        (PRICE, "(USD)", "RMB"),
        (PRICE, "(RMB bn)", "RMB"),
        (MARGIN, "(bp)", "%"),
        (MARGIN, "[fraction]", "%"),
    ],
)
def test_another_unit_behind_a_name_is_refused_and_the_one_wanted_is_named(
    tmp_path: Path, name: str, unit: str, own: str
) -> None:
    for text, line in ((f"period;{name} {unit}\n2024;20.9\n", 1), (f"series;2024\n{name} {unit};20.9\n", 2)):
        told = refused(tmp_path, text)
        assert re.match(rf"line {line}, column {name}: ['\"]", told)
        assert f"the series is in {own}: write figures in {own}" in told


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_name_that_is_nearly_one_is_answered_with_it(tmp_path: Path, separator: str) -> None:
    told = refused(tmp_path, f"Xiaomi\nPeriod{separator}Revenue Total (RMB bn)\n2024{separator}365\n")
    assert told.startswith("line 2, column Revenue Total (RMB bn): unknown series: did you mean")
    assert TOTAL in told


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("selling", "selling_marketing_rmb_bn"),
        ("Marketing expense", "selling_marketing_rmb_bn"),
        ("profit", "adjusted_net_profit_rmb_bn"),
        ("Total revenue (RMB bn)", TOTAL),
        ("stores", "mi_home_stores_china"),
        ("users", "miui_mau_m"),
        ("ASP", PRICE),
        ("India share", "xiaomi_india_share_pct"),
        ("Research", "rnd_rmb_bn"),
        ("smartphone_shipment", UNITS),
        ("revenue_totl_rmb_bn", TOTAL),
    ],
)
def test_a_series_is_suggested_by_its_letters_or_a_word_of_it(tmp_path: Path, name: str, near: str) -> None:
    for text in (f"period,{name},{UNITS}\n2024,1,1\n", f",2024\n{UNITS},1\n{name},1\n"):
        assert f"unknown series: did you mean {near}" in refused(tmp_path, text)


@pytest.mark.parametrize("name", ["EBITDA", "xyzzy", "RMB", "units"])
def test_all_series_are_listed_where_none_is_near(tmp_path: Path, name: str) -> None:
    told = refused(tmp_path, f"period,{name},{UNITS}\n2024,1,1\n")
    assert f"unknown series: allowed are {UNITS}, {PRICE}, " in told


def test_a_year_of_another_calendar_is_refused(tmp_path: Path) -> None:
    assert "'ends March' stands behind the name" in refused(tmp_path, f"Year (ends March);{UNITS}\n2024;1\n")
    assert read(tmp_path, f"Year (calendar);{UNITS}\n2024;1\n").periods == (parse_period("2024"),)


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("Key figures in USD m", "USD"),
        ("all in US$ million", "US$"),
        ("RMB million", "RMB million"),
        ("(in thousands of RMB)", "thousands of RMB"),
        ("RMB'000", "RMB'000"),
        ("\u5355\u4f4d\uff1a\u4ebf\u5143", "\u4ebf\u5143"),
    ],
)
def test_another_unit_in_a_title_is_refused(tmp_path: Path, title: str, found: str) -> None:
    for text in (f"{title}\n{TEXT}", f"{title},2024\n{UNITS},168.5\n"):
        told = refused(tmp_path, text)
        assert told.startswith("line 1: ")
        assert repr(found)[1:-1] in told
        assert "RMB bn, RMB, m units, %" in told
    assert read(tmp_path, f"# {title}\n{TEXT}").value(TOTAL, parse_period("2024")) == 365.906


@pytest.mark.parametrize(
    ("titles", "told"),
    [
        ("Figures in thousands\n", "line 1: 'in thousands' stands in a title"),
        (";thousands;RMB bn\n", f"line 1, column {UNITS}: 'thousands' stands beside the name"),
        (";m units;RMB\n", f"line 1, column {TOTAL}: 'RMB' stands beside the name, and the series is in RMB bn"),
        ("Xiaomi;;\n;m;k RMB\n", "line 2: 'k RMB' stands in a title"),
        ("in '000;;\n", "line 1: "),
    ],
)
def test_units_above_the_names_are_those_of_the_series(tmp_path: Path, titles: str, told: str) -> None:
    text = TEXT.replace(",", ";")
    assert refused(tmp_path, titles + text).startswith(told)
    assert read(tmp_path, f";m units;RMB bn\nin millions and billions\n{text}").columns[TOTAL].tolist() == [365.906]


def test_a_scale_that_no_series_of_the_file_has_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, f"in millions\nperiod,{TOTAL}\n2024,365.906\n").startswith("line 1: 'in millions'")
    assert read(tmp_path, f"in millions\nperiod,{UNITS}\n2024,168.5\n").columns[UNITS].tolist() == [168.5]


@pytest.mark.parametrize("title", ["all in RMB bn", "RMB bn, m units, %", "Xiaomi, 2024", "yuan and millions of users"])
def test_other_titles_are_skipped(tmp_path: Path, title: str) -> None:
    assert read(tmp_path, f"{title}\n{TEXT}").value(TOTAL, parse_period("2024")) == 365.906


# nothing is left out without a word

LEFT_OUT: dict[str, tuple[str, tuple[str, ...]]] = {
    "row above the header": (f"2023,145.6,270.97\n{TEXT}", ("line 1: '2023' with figures", "below the header")),
    "quarter above the header": (f"Q1 2023;30;59\n{TEXT.replace(',', ';')}", ("line 1: 'Q1 2023' with figures",)),
    "series above the periods": (
        f"{UNITS},168.5,41.8\nperiod,2024,2025-Q1\n{TOTAL},365.906,\n",
        (f"line 1: '{UNITS}' with figures", "above the header"),
    ),
    "figures that look like years": (
        f"{UNITS},168.5,41.8\nmi_home_stores_china,2015,2024\n{TOTAL},365.9,109\n",
        ("line 1, column period: missing", "no line above it names their periods", "period,2024,2025-Q1"),
    ),
    "across without periods": (f"{UNITS};168,5;41,8\n", ("line 1, column period: missing", "period;2024;2025-Q1")),
    "column without a period": (
        f",2024,,2025-Q1\n{UNITS},168.5,9,41.8\n",
        ("line 2: '9' stands in column 3", "no period above it", "on line 1"),
    ),
    "column of notes": (f",2024,Notes\n{UNITS},168.5,old\n", ("period is 'Notes'", "delete a row or column of units")),
    "column of units": (f"series,unit,2024\n{UNITS},m units,168.5\n", ("period is 'unit'", "delete a row or column")),
    "column of totals": (f"series,2024,Grand total\n{UNITS},1,1\n", ("period is 'Grand total'", "column of them")),
    "column of growth": (f"series,2024,YoY\n{UNITS},1,1\n", ("period is 'YoY'", "growth")),
    "row that is no series": (f",2024\n{UNITS},1\nMargins,2\n", ("line 3, column Margins: unknown series",)),
    "row without a name": (f",2024\n{UNITS},1\n,2\n", ("line 3: the first cell names no series",)),
    "row of an error": (f"{HEADER}\n#REF!,1,1\n2024,1,1\n", ("line 2", "period is '#REF!'", "formula fails")),
    "row of a translated error": (f"{HEADER}\n#BEZUG!,1,1\n2024,1,1\n", ("line 2", "period is '#BEZUG!'")),
    "row of a narrow column": (f"{HEADER}\n####,1,1\n2024,1,1\n", ("line 2", "period is '####'")),
    "row of units": (f"{HEADER}\n,m units,RMB bn\n2024,1,1\n", ("line 2", "period is ''", "begin the line with #")),
    "note below": (
        f"{TEXT}Source: annual report\n",
        ("line 3", "'Source: annual report'", "begin the line with # if it is a note"),
    ),
}


@pytest.mark.parametrize(("text", "told"), LEFT_OUT.values(), ids=LEFT_OUT.keys())
def test_nothing_is_left_out_silently(tmp_path: Path, text: str, told: tuple[str, ...]) -> None:
    message = refused(tmp_path, text)
    for words in told:
        assert words in message


def test_empty_columns_and_lines_of_hashes_are_nothing(tmp_path: Path) -> None:
    figures = read(
        tmp_path, f"########\n# #N/A is no comment, this is one\n;2024;2025-Q1;;\n{UNITS};168,5;41,8;;\n;;;;\n"
    )
    assert figures.columns[UNITS].tolist() == [168.5, 41.8]


@pytest.mark.parametrize(
    "comment",
    [
        "# source: https://example.com/report", "# really?", "# units: m/bn", "# note! see below", "#", "###", "## , b",
        "# in USD/RMB, see note", "#hidden! row", '"# quoted, with a mark!"',
    ],
)  # fmt: skip
@pytest.mark.parametrize("above", [True, False])
def test_lines_that_begin_with_a_hash_are_comments_whatever_they_say(tmp_path: Path, comment: str, above: bool) -> None:
    head = f"period,{UNITS}\n"
    figures = read(tmp_path, f"{comment}\n{head}2024,168.5\n" if above else f"{head}{comment}\n2024,168.5\n")
    assert figures.columns[UNITS].tolist() == [168.5]


@pytest.mark.parametrize("cell", ["#BEZUG!", "#DIV/0!", "#N/A", "#n/a", "#NAME?", "#\xbfNOMBRE?", "#NV", "####"])
def test_a_row_whose_period_is_a_spreadsheets_error_is_no_comment(tmp_path: Path, cell: str) -> None:
    assert refused(tmp_path, f"period,{UNITS}\n2024,168.5\n{cell},41\n").startswith("line 3, column period: ")


def test_the_line_of_periods_is_the_one_next_to_the_figures(tmp_path: Path) -> None:
    figures = read(tmp_path, f"Report of,2024,\n\n,2023,2024\n{UNITS},145.6,168.5\n")
    assert figures.columns[UNITS].tolist() == [145.6, 168.5]


# periods


@pytest.mark.parametrize(
    ("cell", "period"),
    [
        ("2025.0", "2025"),
        ("2025,00", "2025"),
        ("2025\u5e74", "2025"),
        ("2025 FY", "2025"),
        ("CY2025", "2025"),
        ("1. Quartal 2025", "2025-Q1"),
        ("3rd quarter of 2025", "2025-Q3"),
        ("2. Halbjahr 2024", "2024-H2"),
        ("24Q4", "2024-Q4"),
        ("2025 1H", "2025-H1"),
        ("9M25", "2025-01/2025-09"),
        ("9M 2025", "2025-01/2025-09"),
        ("6M 2025", "2025-H1"),
    ],
)
def test_a_period_of_one_meaning_is_read(tmp_path: Path, cell: str, period: str) -> None:
    assert read(tmp_path, f"period;{UNITS}\n{cell};1\n").periods == (parse_period(period),)


YEAR_END = "write 2025-12 for that month, 2025-Q4 for the quarter that ends then, 2025 for the year"


@pytest.mark.parametrize(
    ("cell", "cure"),
    [
        *((cell, YEAR_END) for cell in (
            "202512", "2025-12-31", "2025-12-31 00:00:00", "2025/12/31", "Dec-25", "Dez 25", "December 2025",
            "31 Dec 2025", "Dec 31, 2025", "31.12.2025", "12/31/2025", "12/2025", "46022", "25-Dec",
        )),
        ("2025-9", "write 2025-09 for that month, 2025-Q3 for the quarter that ends then, 2025-01/2025-09 for nine"),
        ("Jun-25", "2025-H1 for the half-year"),
        ("Aug 2025", "write 2025-08 for that month; allowed"),
        ("First quarter 2025", "write 2025-Q1;"),
        ("2025\u5e74\u7b2c\u4e09\u5b63\u5ea6", "write 2025-Q3;"),
        ("second half-year 2025", "write 2025-H2;"),
        ("FY25Q1", "write 2025-Q1 if the firm's year is that of the calendar;"),
        ("Q1 FY2025", "write 2025-Q1 if the firm's year is that of the calendar;"),
        ("Jan-Sep 2025", "write 2025-01/2025-09;"),
        ("January to June 2025", "write 2025-01/2025-06;"),
        ("YTD Sep 2025", "write its months, such as 2025-01/2025-09"),
        ("Q3", "write its year too, such as 2025-Q3"),
        ("1H", "write its year too, such as 2025-H1"),
        ("2025E", "write 2025 if it was reported"),
        ("Total", "delete a row of totals"),
        ("Grand total", "delete a row of totals"),
        ("Total 2025", "delete a row of totals"),
        ("Subtotal", "delete a row of totals"),
        ("CAGR", "delete a row of totals"),
        ("Notes", "delete a row or column of units"),
        ("#N/A", "formula fails"),
    ],
)  # fmt: skip
def test_a_period_that_may_be_another_is_told_what_to_write(tmp_path: Path, cell: str, cure: str) -> None:
    told = refused(tmp_path, f"period;{UNITS}\n{cell};1\n")
    assert told.startswith("line 2, column period: period is ")
    assert cure in told
    assert "allowed are 2015 (a year), 2025-Q3 (a quarter)" in told


# values


@pytest.mark.parametrize("cell", ["#N/A", "#DIV/0!", "#REF!", "#NV", "#WERT!", "#####", "Err:502"])
def test_a_spreadsheets_error_is_no_value_and_not_unreported(tmp_path: Path, cell: str) -> None:
    told = refused(tmp_path, f"period;{UNITS};{TOTAL}\n2024;{cell};1\n")
    assert told.startswith(f"line 2 (2024), column {UNITS}: {cell!r} is not a number")
    assert "a formula fails or a column is too narrow; mend it" in told
    assert "an empty cell where nothing was reported" in told


@pytest.mark.parametrize("cell", ["12.4bn", "RMB 12.4", "$12", "12 m"])
def test_a_unit_in_a_value_is_refused(tmp_path: Path, cell: str) -> None:
    assert "write its digits without a currency or unit" in refused(tmp_path, f"period;{TOTAL}\n2024;{cell}\n")


def test_basis_points_are_named(tmp_path: Path) -> None:
    told = refused(tmp_path, f"period;{MARGIN}\n2025-Q1;2500\n")
    assert (
        "'2500' is out of range: allowed are numbers from -100 to 100 [%]; basis points are divided by 100, 25 %"
        in told
    )


@pytest.mark.parametrize("cell", ["9" * 300, "1" + "\u00a0000" * 100, "-" + "0" * 5000 + "7"])
def test_a_long_value_is_cut_in_its_message(tmp_path: Path, cell: str) -> None:
    told = refused(tmp_path, f"period;{UNITS}\n2024;{cell}\n")
    assert "is out of range: allowed are numbers from 0 to 10000 [m units]" in told
    assert len(told) < 250 + LONGEST
    assert told.isprintable()


def test_foreign_text_is_escaped_and_cut_in_every_message(tmp_path: Path) -> None:
    foreign = "\x1b[2J" + "y" * 500
    for text in (
        f"period;{UNITS}\n{foreign};1\n",
        f"period;{UNITS}\n2024;{foreign}\n",
        f"period;{foreign}\n2024;1\n",
        f"period;{UNITS} ({foreign})\n2024;1\n",
        f"{foreign};{UNITS}\n2024;1\n",
        f";2024;\n{UNITS};1;{foreign}\n",
        f"{UNITS};1;{foreign}\n",
    ):
        told = refused(tmp_path, text)
        assert told.isprintable()
        assert not re.search("y{70}", told)


def test_a_comma_that_makes_a_contradiction_is_named(tmp_path: Path) -> None:
    phones = "revenue_smartphones_rmb_bn"
    told = refused(
        tmp_path,
        f"period;{UNITS};{PRICE};{phones}\n2024;168,5;1138,2;191,759\n2023;145,6;1081,7;157\n".replace(
            "191,759", "1,917"
        ),
    )
    assert told.startswith(f"line 2 (2024), column {phones}: 1.917, but ")
    assert "('1,917' was read as 1.917)" in told


# separators and encodings


@pytest.mark.parametrize("separator", ["|", "^", "~", " | ", "   "])
def test_another_separator_is_named(tmp_path: Path, separator: str) -> None:
    told = refused(tmp_path, TEXT.replace(",", separator))
    assert told.startswith("line 1, column period: missing: cells seem to be separated by ")
    assert repr(separator.strip() or " ") in told
    assert "allowed are commas, semicolons, tabs" in told


@pytest.mark.parametrize(
    "encoding", ["utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "utf-16", "utf-8-sig"]
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_every_encoding_of_unicode_is_read(tmp_path: Path, encoding: str, ends: str) -> None:
    figures = read(tmp_path, TEXT.replace("\n", ends).encode(encoding))
    np.testing.assert_array_equal([values[0] for values in figures.columns.values()], [168.5, 365.906])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"PK\x03\x04 a workbook", "it is a workbook, not CSV: open it in a spreadsheet and save"),
        (b"\xd0\xcf\x11\xe0 an old one", "it is a workbook, not CSV"),
        (TEXT.encode("utf-16") + b"\x00\xd8", "line 3: byte 0x00 is not UTF-16: save the file as CSV in UTF-8"),
        (TEXT.encode() + b"2023,1\x00,1\n", "line 3: a zero byte, which no text has"),
        (TEXT.encode() + b"2023,\xe9,1\n", "line 3: byte 0xe9 is not UTF-8"),
    ],
)  # fmt: skip
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    assert refused(tmp_path, content).startswith(told)
