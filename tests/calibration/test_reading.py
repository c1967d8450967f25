"""Reading a file of figures: in any dress, and what a bad one is answered."""

from __future__ import annotations

import datetime as dt
from contextlib import nullcontext as does_not_raise
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from tests.calibration.figure_files import HEADER, PHONES, PRICE, TODAY, TOTAL, UNITS, read, written, year

from thinmargin.data import (
    FiguresError,
    parse_period,
    read_figures,
    reported,
)
from thinmargin.data.cells import NOT_REPORTED
from thinmargin.data.figures import SEGMENTS

Told = tuple[str, ...]


@pytest.mark.parametrize(
    "text",
    [
        f"{HEADER}\n2024,168.5,365.906\n2025-Q1,41.8,\n",
        f"\ufeff{HEADER}\r\n2024,168.5,365.906\r\n2025-Q1,41.8,\r\n",
        f"{HEADER}\r2024,168.5,365.906\r2025-Q1,41.8,",
        f'# note, with "quotes\n\n{HEADER}\n\n  # another\n2025-Q1,41.8,\n,,\n2024,168.5,365.906\n\n',
        f'"# a note, as spreadsheets quote it",,\n{HEADER}\n"2024","168.5",365.906\n2025-Q1, 41.8 ,\n',
        f"year,{TOTAL},{UNITS}\n2024,365.906,168.5\n2025-01/2025-03,,4.18e1\n",
    ],
    ids=["plain", "bom and crlf", "cr", "comments and blanks", "quoted", "year and other order"],
)
def test_the_same_figures_in_any_dress(tmp_path: Path, text: str) -> None:
    figures = read(tmp_path, text)
    assert [str(period) for period in figures.periods] == ["2024", "2025-Q1"]
    assert list(figures.columns) == [UNITS, TOTAL]
    assert figures.columns[UNITS].tolist() == [168.5, 41.8]
    assert figures.value(TOTAL, year(2024)) == 365.906
    assert np.isnan(figures.value(TOTAL, parse_period("2025-Q1")))
    assert figures.name == str(tmp_path / "mine.csv")


EXPORTS: dict[str, str | bytes] = {
    "semicolons and decimal commas": f"period;{UNITS};{TOTAL}\n2024;168,5;365,906\n2025-Q1;41,8;\n",
    "tabs": f"period\t{UNITS}\t{TOTAL}\n2024\t168.5\t365.906\n2025-Q1\t41.8\t\n",
    "decimal commas in quotes": f'period,{UNITS},{TOTAL}\n2024,"168,5","365,906"\n2025-Q1,"41,8",\n',
    "UTF-16": f"period;{UNITS};{TOTAL}\n2024;168,5;365,906\n2025-Q1;41,8;\n".encode("utf-16"),
    "UTF-16 without its mark": f"{HEADER}\n2024,168.5,365.906\n2025-Q1,41.8,\n".encode("utf-16-le"),
    "capitals, spaces and units": (
        "Period,Smartphone Shipments M (m units),REVENUE_TOTAL_RMB_BN [RMB bn]\n2024,168.5,365.906\n2025-Q1,41.8,\n"
    ),
    "titles above": f"Xiaomi, key figures\n\nall in RMB bn;;\n{HEADER}\n2024,168.5,365.906\n2025-Q1,41.8,\n",
    "a column a period": f"RMB bn,2024,1Q25\n{UNITS},168.5,41.8\n{TOTAL},365.906,n/a\n",
    "a column a period, semicolons": f";2024;Q1 2025\n{UNITS};168,5;41,8\n{TOTAL};365,906;-\n",
    "quarters as they are said": f"{HEADER}\nFY2024,168.5,365.906\nQ1 2025,41.8,n/a\n",
    "quarters in short": f"{HEADER}\nFY24,168.5,365.906\n1Q25,41.8,\u2013\n",
    "quarters without a hyphen": f"{HEADER}\n2024,+168.50,365.906\n2025Q1,41.8,N/A\n",
}


@pytest.mark.parametrize("text", EXPORTS.values(), ids=EXPORTS.keys())
def test_figures_as_a_spreadsheet_exports_them(tmp_path: Path, text: str | bytes) -> None:
    figures = read(tmp_path, text)
    assert [str(period) for period in figures.periods] == ["2024", "2025-Q1"]
    assert figures.columns[UNITS].tolist() == [168.5, 41.8]
    assert figures.value(TOTAL, year(2024)) == 365.906
    assert np.isnan(figures.value(TOTAL, parse_period("2025-Q1")))


@pytest.mark.parametrize(
    ("cell", "other", "expected"),
    [
        ("(11.5)", "", -11.5),
        ("-11.5", "", -11.5),
        ("\u221211.5", "", -11.5),
        ('"(1,011.5)"', "", -1011.5),
        ('"1,042.5"', "", 1042.5),
        ('"1,042"', "0.5", 1042.0),
        ('"1,042"', '"0,5"', 1.042),
        ("1 042", "", 1042.0),
        ("1 042 000.5", "", None),
        ("1 042.567", "", 1042.567),
        ("\u201311.5", "", -11.5),
        ("\uff0d11.5", "", -11.5),
        ("- 11.5", "", -11.5),
        ("-\u00a011.5", "", -11.5),
        ("11.5-", "", -11.5),
        ("11.5 \u2212", "", -11.5),
        ("( 1 011.5 )", "", -1011.5),
        ("1'042", "", 1042.0),
        ("1.042", "", 1.042),
        ('"1.042,5"', "", 1042.5),
        ('"1,042,000.5"', "", None),
        ("1e1", "", 10.0),
        *(("12.4", word, 12.4) for word in sorted(NOT_REPORTED)),
        *(("1.042", word, 1.042) for word in sorted(NOT_REPORTED)),
    ],
)
def test_numbers_as_spreadsheets_write_them(tmp_path: Path, cell: str, other: str, expected: float | None) -> None:
    profit = "adjusted_net_profit_rmb_bn"
    text = f"period,{profit},rnd_rmb_bn\n2024,{cell},{other}\n"
    if expected is None:
        with pytest.raises(FiguresError, match=rf"column {profit}: .*out of range"):
            read(tmp_path, text)
    else:
        assert read(tmp_path, text).value(profit, year(2024)) == expected


@pytest.mark.parametrize("word", sorted(NOT_REPORTED))
def test_what_was_not_reported_tells_no_decimal_mark(tmp_path: Path, word: str) -> None:
    profit = "adjusted_net_profit_rmb_bn"
    with pytest.raises(FiguresError, match=r"'1,042' may be 1042 or 1\.042"):
        read(tmp_path, f'period,{profit},rnd_rmb_bn\n2024,"1,042",{word}\n')


def test_a_percentage_may_have_its_sign(tmp_path: Path) -> None:
    figures = read(tmp_path, "period;gm_iot_pct;gm_total_pct\n2024;20,3 %;(3%)\n")
    assert figures.value("gm_iot_pct", year(2024)) == 20.3
    assert figures.value("gm_total_pct", year(2024)) == -3.0


@pytest.mark.parametrize("cell", ["-3 %", "(3)%", "(3%)", "3%-", "\u2013 3%", "(3 %)"])
def test_a_percentage_may_be_negative(tmp_path: Path, cell: str) -> None:
    assert read(tmp_path, f"period;gm_total_pct\n2024;{cell}\n").value("gm_total_pct", year(2024)) == -3.0


@pytest.mark.parametrize(
    "cell",
    [
        "--12.4", "-+12.4", "+-12.4", "++12.4", "(--12.4)", "(-12.4)", "(+12.4)", "((12.4))", "-(12.4)", "(12.4-)",
        "-12.4-", "12.4--", "\u2212-12.4", "\u2013\u201312.4", "- -12.4",
    ],
)  # fmt: skip
def test_a_number_has_one_sign_at_most(tmp_path: Path, cell: str) -> None:
    profit = "adjusted_net_profit_rmb_bn"
    with pytest.raises(FiguresError, match=rf"line 2 \(2024\), column {profit}: .* is not a number, it has more than"):
        read(tmp_path, f"period;{profit}\n2024;{cell}\n")


@pytest.mark.parametrize(
    "cell",
    ["12.4 567", "12.4'567", "12.456 789", "1 042.567 890", "12 34", "1 2 345", "1 042'000", "1042 000", "0 042"],
)
def test_thousands_are_grouped_before_the_decimal_mark_only(tmp_path: Path, cell: str) -> None:
    for text, mark in ((cell, "."), (cell.replace(".", ","), ",")):
        with pytest.raises(FiguresError, match=f"column {TOTAL}: .* is not a number"):
            read(tmp_path, f"period;{UNITS};{TOTAL}\n2024;0{mark}5;{text}\n")


def test_lines_are_counted_as_an_editor_does(tmp_path: Path) -> None:
    assert read(tmp_path, f"# a\n\n{HEADER}\r\n\r\n2024,1,\r\n2023,1,\n").lines == (6, 5)


def test_the_shipped_file_reads_as_a_users_file(tmp_path: Path) -> None:
    content = resources.files("thinmargin.data").joinpath("figures.csv").read_bytes()
    figures = read(tmp_path, content)
    for name, values in reported().columns.items():
        np.testing.assert_array_equal(figures.columns[name], values)
    again = read(tmp_path, content.replace(b"period,", b"year,", 1))
    assert again.periods == figures.periods


def test_a_profit_and_a_margin_may_be_negative(tmp_path: Path) -> None:
    figures = read(tmp_path, "period,adjusted_net_profit_rmb_bn,gm_total_pct\n2025-Q1,-1.5,-3\n")
    assert figures.value("adjusted_net_profit_rmb_bn", parse_period("2025-Q1")) == -1.5


BAD_FILES: dict[str, tuple[str | bytes, Told]] = {
    "no number": (f"{HEADER}\n2024,many,1\n", ("line 2 (2024)", f"column {UNITS}", "'many'", "0 to 10000 [m units]")),
    "four dashes": (f"{HEADER}\n2024,1,----\n", ("line 2 (2024)", f"column {TOTAL}", "'----'", "empty cell")),
    "percent of no percentage": (
        f"{HEADER}\n2024,20.3%,1\n",
        ("line 2 (2024)", f"column {UNITS}", "'20.3%' is in percent", "in m units"),
    ),
    "other digits": (f"{HEADER}\n2024,١٢,1\n", ("line 2 (2024)", f"column {UNITS}", "not a number")),
    "nan": (f"{HEADER}\n2024,nan,1\n", ("line 2 (2024)", f"column {UNITS}", "'nan'", "not finite", "0 to 10000")),
    "inf": (f"{HEADER}\n2024,1,-inf\n", ("line 2 (2024)", f"column {TOTAL}", "'-inf'", "not finite")),
    "overflow": (f"{HEADER}\n2024,1e999,1\n", ("line 2 (2024)", f"column {UNITS}", "'1e999'", "not finite")),
    "negative": (f"{HEADER}\n2023,1,1\n2024,-5,1\n", ("line 3 (2024)", f"column {UNITS}", "-5", "0 to 10000")),
    "too large": (f"{HEADER}\n2024,1,365906\n", ("line 2 (2024)", f"column {TOTAL}", "365906", "[RMB bn]")),
    "share": (
        "period,xiaomi_china_share_pct\n2024,101\n",
        ("line 2 (2024)", "column xiaomi_china_share_pct", "101", "0 to 100 [%]"),
    ),
    "thousands": (
        f'{HEADER}\n2024,"1,685",1\n',
        ("line 2 (2024)", f"column {UNITS}", "'1,685' may be 1685 or 1.685", "write 1685"),
    ),
    "thousands in a file of semicolons": (
        f"period;{UNITS}\n2024;1,685\n",
        ("line 2 (2024)", f"column {UNITS}", "'1,685' may be 1685 or 1.685"),
    ),
    "two decimal marks": (
        f"period;{UNITS};{TOTAL}\n2024;168,5;1\n2023;1;145.6\n",
        (
            f"line 3, column {TOTAL}: '145.6' has a decimal point",
            f"'168,5' a decimal comma (line 2, column {UNITS})",
            "one of the two",
        ),
    ),
    "two decimal marks across": (
        f"series;2023;2024\n{UNITS};145.6;168,5\n",
        (f"line 1, column {UNITS}: '168,5' has a decimal comma", f"'145.6' a decimal point (line 1, column {UNITS})"),
    ),
    "groups that are none": (f"period;{UNITS}\n2024;1.23,4\n", (f"column {UNITS}", "'1.23,4' is not a number")),
    "underscore": (f"{HEADER}\n2024,1_685,1\n", (f"column {UNITS}", "'1_685'", "not a number")),
    "a row of totals": (f"{HEADER}\n2024,1,1\nTotal,1,1\n", ("line 3", "'Total'", "delete a row of totals")),
    "a column a period, too long": (
        f"series,2023,2024\n{UNITS},1,2\n{TOTAL},1,2,3\n",
        ("line 3", "4 cells", "one a period"),
    ),
    "thousands unquoted": (f"{HEADER}\n2024,1,685,1\n", ("line 2 (2024)", "4 cells", "header has 3", "thousands")),
    "future": (f"{HEADER}\n2025-10,1,1\n", ("line 2 (2025-10)", "column period", "future", "through 2025-09")),
    "this year": (f"{HEADER}\n2025,1,1\n", ("line 2 (2025)", "column period", "2025 ends in the future")),
    "too early": (f"{HEADER}\n1024,1,1\n", ("line 2 (1024)", "column period", "founded", "2010-01")),
    "no period": (f"{HEADER}\n2024 Q5,1,1\n", ("line 2", "column period", "'2024 Q5'", "2025-Q3 (a quarter)")),
    "no year": ("year,gm_iot_pct\n24,1\n", ("line 2", "column year", "'24'", "2015 (a year)")),
    "empty period": (f"{HEADER}\n,1,1\n", ("line 2", "column period", "''", "allowed are")),
    "twice": (f"{HEADER}\n2024,1,1\n2023,1,1\n2024,2,2\n", ("line 4 (2024)", "column period", "line 2", "once")),
    "twice by another name": (
        f"{HEADER}\n2024-Q1,1,1\n2024-01/2024-03,2,2\n",
        ("line 3 (2024-Q1)", "column period", "line 2"),
    ),
    "many cells": (f"{HEADER}\n2024,1,,2,\n", ("line 2 (2024)", "4 cells", "header has 3")),
    "too few for a period": (f"{UNITS},{TOTAL},period\n1,2\n", ("line 2", "2 cells", "header has 3")),
    "empty": (b"", ("empty", "header", "'period'")),
    "only comments": ("# nothing\n\n", ("empty", "header")),
    "header only": (f"{HEADER}\n", ("no rows", "at least one")),
    "not UTF-8": (f"{HEADER}\n2024,1,1\n# \xe9\n".encode("latin-1"), ("line 3", "0xe9", "UTF-8")),
    "unknown series": (
        "period,smartphone_shipment\n2024,1\n",
        ("line 1", "column smartphone_shipment", f"did you mean {UNITS}"),
    ),
    "strange series": ("period,xyzzy\n2024,1\n", ("line 1", "column xyzzy", "allowed are", TOTAL)),
    "series twice": (f"period,{UNITS},{UNITS}\n2024,1,1\n", ("line 1", f"column {UNITS}", "named twice")),
    "nameless column": (f"period,,{UNITS},\n2024,,1,2\n", ("line 1", "column 4", "no name", "'2' on line 2")),
    "no period column": (f"{UNITS},{TOTAL}\n1,1\n", ("line 1", "column period", "missing", f"found: {UNITS}, {TOTAL}")),
    "two period columns": (f"period,year,{UNITS}\n2024,2024,1\n", ("line 1", "column period", "more than once")),
    "only periods": ("period\n2024\n", ("line 1", "no series", UNITS)),
    "bars": (f"period|{UNITS}\n2024|1\n", ("line 1", "column period", "missing")),
    "open quote": (f'{HEADER}\n2024,"1,1\n2023,1,1\n', ("line 2", "CSV", "commas")),
    "segments": (
        f"period,{TOTAL},{','.join(SEGMENTS)}\n2023,100,50,30,10,10\n2024,100,50,30,10,12\n",
        ("line 3 (2024)", f"column {TOTAL}", "100", " + ".join(SEGMENTS), "102", "1 %"),
    ),
    "price": (
        f"period,{UNITS},{PRICE},{PHONES}\n2024,100,1000,95\n",
        ("line 2 (2024)", f"column {PHONES}", "95", f"{UNITS} x {PRICE}", "100", "3 %"),
    ),
}


@pytest.mark.parametrize(("text", "told"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_bad_file_is_told_where_and_what_is_allowed(tmp_path: Path, text: str | bytes, told: Told) -> None:
    path = written(tmp_path, text, "bad.csv")
    with pytest.raises(FiguresError) as error:
        read_figures(path, today=TODAY)
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    for part in told:
        assert part in message


def test_small_differences_of_rounding_are_allowed(tmp_path: Path) -> None:
    with does_not_raise():
        read(tmp_path, f"period,{TOTAL},{','.join(SEGMENTS)}\n2024,100,50,30,10,10.9\n")
        read(tmp_path, f"period,{UNITS},{PRICE},{PHONES}\n2024,100,1000,98\n")
        read(tmp_path, f"period,{TOTAL},{','.join(SEGMENTS)}\n2024,100,50,30,10,\n")


def test_needed_columns_and_cells(tmp_path: Path) -> None:
    text = f"{HEADER}\n2023,145.6,\n2024,168.5,365.9\n"
    read(tmp_path, text, needed=(UNITS,))
    with pytest.raises(FiguresError, match=rf"mine\.csv: line 2 \(2023\), column {TOTAL}: empty.*number"):
        read(tmp_path, text, needed=(UNITS, TOTAL))
    with pytest.raises(FiguresError, match=rf"mine\.csv: column rnd_rmb_bn: missing.*found: {UNITS}, {TOTAL}"):
        read(tmp_path, text, needed=("rnd_rmb_bn",))


def test_a_period_is_over_at_the_end_of_its_last_day(tmp_path: Path) -> None:
    path = written(tmp_path, f"{HEADER}\n2024-02,1,1\n")
    assert read_figures(path, today=dt.date(2024, 2, 29)).periods == (parse_period("2024-02"),)
    with pytest.raises(FiguresError, match=r"line 2 \(2024-02\), column period: .*future"):
        read_figures(path, today=dt.date(2024, 2, 28))


def test_by_default_today_is_today(tmp_path: Path) -> None:
    read_figures(written(tmp_path, f"{HEADER}\n2024,1,1\n"))
    with pytest.raises(FiguresError, match="future"):
        read_figures(written(tmp_path, f"{HEADER}\n9999,1,1\n"))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(FiguresError, match=r"absent\.csv: no such file"):
        read_figures(tmp_path / "absent.csv")
    with pytest.raises(FiguresError, match=r"is a folder.*a CSV file"):
        read_figures(tmp_path)
    with pytest.raises(FiguresError, match=r"mine\.csv.below: cannot be read"):
        read_figures(written(tmp_path, HEADER) / "below")
