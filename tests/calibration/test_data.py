"""Reported figures: what is shipped, what may be read beside it, and what a bad file is told."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
from collections import Counter
from contextlib import nullcontext as does_not_raise
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from thinmargin.data import (
    BREAKS,
    EV_REVENUE_2024,
    SERIES,
    STATUSES,
    Figures,
    FiguresError,
    Period,
    annual,
    parse_period,
    parse_until,
    provenance,
    read_figures,
    reported,
    series_named,
)
from thinmargin.data.cells import NOT_REPORTED
from thinmargin.data.figures import PRICE_TOLERANCE, SEGMENTS, SEGMENTS_TOLERANCE
from thinmargin.data.table import WIDTH, figures_text, main

TODAY = dt.date(2025, 10, 15)
UNITS, PRICE, TOTAL, PHONES = (
    "smartphone_shipments_m",
    "smartphone_asp_rmb",
    "revenue_total_rmb_bn",
    "revenue_smartphones_rmb_bn",
)
HEADER = f"period,{UNITS},{TOTAL}"
NEW_MODULES = """
import sys, thinmargin
before = set(sys.modules)
import thinmargin.data
names = {name.partition(".")[0] for name in set(sys.modules) - before if not name.startswith("thinmargin.data")}
print(sorted(names - set(sys.stdlib_module_names)))
"""

Told = tuple[str, ...]


def year(number: int) -> Period:
    return parse_period(str(number))


def written(folder: Path, text: str | bytes, name: str = "mine.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(folder: Path, text: str | bytes, name: str = "mine.csv", needed: tuple[str, ...] = ()) -> Figures:
    return read_figures(written(folder, text, name), needed=needed, today=TODAY)


# periods


@pytest.mark.parametrize(
    ("text", "first", "months"),
    [
        ("2011", -12, 12),
        ("2012", 0, 12),
        ("2015", 36, 12),
        ("2025-Q1", 156, 3),
        ("2025-Q3", 162, 3),
        ("2025-H1", 156, 6),
        ("2025-H2", 162, 6),
        ("2025-09", 164, 1),
        ("2025-01/2025-09", 156, 9),
        ("2024-11/2025-01", 154, 3),
        ("2024-07/2025-06", 150, 12),
    ],
)
def test_a_period_is_read_and_written_alike(text: str, first: int, months: int) -> None:
    period = parse_period(text)
    assert period == Period(first, months)
    assert str(period) == text
    assert period.end == first + months
    assert period.year == int(text[:4])
    assert period.is_year == text.isdecimal()


def test_a_span_that_is_a_named_period_is_that_period() -> None:
    assert str(parse_period("2025-01/2025-12")) == "2025"
    assert str(parse_period("2025-07/2025-09")) == "2025-Q3"
    assert str(parse_period("2025-05/2025-05")) == "2025-05"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "25",
        "2025-",
        "2025-13",
        "2025-00",
        "2025-9",
        "2025-Q5",
        "2025Q1",
        "2025-q1",
        "2025-H3",
        "2025-09-30",
        "2025/2026",
        "2025-01/2025-02/2025-03",
        "2025-01/",
        " 2025",
        "2025\n",
        "٢٠٢٥",
        "FY2025",
        2025,
    ],
)
def test_any_other_period_is_told_the_allowed_forms(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(text))) as told:
        parse_period(text)
    for form in ("2015", "2025-Q3", "2025-H1", "2025-09", "2025-01/2025-09"):
        assert form in str(told.value)


def test_a_span_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'2025-09/2025-01'.*no earlier"):
        parse_period("2025-09/2025-01")


def test_until_is_one_past_the_last_month() -> None:
    assert parse_until("2025-09") == 165
    assert parse_until("2024") == parse_until("2024-12") == 156
    assert parse_until("2025-Q3") == 165
    with pytest.raises(ValueError, match=r"until.*'soon'.*2025-09"):
        parse_until("soon")


# the shipped figures


def test_the_shipped_figures_are_the_years_2011_to_2024() -> None:
    figures = reported()
    assert [str(period) for period in figures.periods] == [str(number) for number in range(2011, 2025)]
    assert list(figures.columns) == [series.name for series in SERIES]
    assert len(SERIES) == 26
    assert all(values.shape == (14,) for values in figures.columns.values())
    assert figures.value(UNITS, year(2015)) == 66.546
    assert figures.value("adjusted_net_profit_rmb_bn", year(2015)) == -0.304
    assert figures.value(TOTAL, year(2024)) == 365.906
    surveys = {number: figures.value("retention_home_pct", year(number)) for number in range(2011, 2025)}
    told = {number: value for number, value in surveys.items() if not np.isnan(value)}
    assert told == {2017: 31.4, 2021: 63.2, 2023: 49.0}
    assert np.isnan(figures.value("rnd_rmb_bn", year(2012)))
    assert reported() is figures


def test_the_shipped_figures_agree_with_themselves() -> None:
    columns = reported().columns
    parts = sum(columns[name] for name in SEGMENTS)
    assert np.nanmax(np.abs(parts / columns[TOTAL] - 1)) < SEGMENTS_TOLERANCE
    assert np.nanmax(np.abs(columns[UNITS] * columns[PRICE] / 1000 / columns[PHONES] - 1)) < PRICE_TOLERANCE
    assert columns["revenue_other_rmb_bn"][-1] - EV_REVENUE_2024 == pytest.approx(3.174)


def test_every_cell_has_exactly_one_provenance_and_the_reverse() -> None:
    figures = reported()
    cells = {
        (period.year, name): float(values[row])
        for name, values in figures.columns.items()
        for row, period in enumerate(figures.periods)
        if not np.isnan(values[row])
    }
    assert Counter((entry.year, entry.series) for entry in provenance()) == Counter(cells.keys())
    for entry in provenance():
        assert entry.value == cells[entry.year, entry.series], entry
        assert entry.status in STATUSES, entry
        assert entry.source.strip(), entry


def test_two_thirds_of_the_cells_are_verified() -> None:
    assert Counter(entry.status for entry in provenance()) == {"verified": 199, "background": 63, "estimate": 34}
    assert len(provenance()) == 296


def test_sources_are_public_pages() -> None:
    for entry in provenance():
        assert not re.search(r"\bseed\b|\bhost\b|\d+\.\d+\.\d+\.\d+", entry.source, re.IGNORECASE), entry


def test_nothing_later_than_2024_is_shipped() -> None:
    assert {entry.year for entry in provenance()} <= set(range(2011, 2025))
    for name in ("figures.csv", "provenance.csv"):
        for line in resources.files("thinmargin.data").joinpath(name).read_text(encoding="utf-8").splitlines()[1:]:
            assert re.match(r"20(1[1-9]|2[0-4]),", line), line


def test_the_shipped_arrays_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        reported().columns[UNITS][0] = 1.0


def test_every_series_says_what_it_is() -> None:
    for series in SERIES:
        assert series.unit
        assert series.meaning
        assert series.kind in {"sum", "end", "share", "ratio"}
        assert series.low < series.high
        assert BREAKS.get(series.name, "") == series.breaks
        assert series_named(series.name) is series


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("miui_mau_m", "1 in 6"),
        ("iot_connected_devices_m", "definition changes in 2018"),
        ("ecosystem_companies_invested", "from 2018 all investees"),
        ("xiaomi_india_share_pct", "exclude POCO"),
        ("adjusted_net_profit_rmb_bn", "leaked document"),
        ("revenue_internet_services_rmb_bn", "2014 may be gross"),
        ("revenue_other_rmb_bn", "32.754"),
        ("admin_rmb_bn", "about 9.9"),
        ("revenue_total_rmb_bn", "VAT"),
    ],
)
def test_a_break_is_documented(name: str, said: str) -> None:
    assert said in BREAKS[name]


def test_importing_the_data_brings_in_nothing_else() -> None:
    command = [sys.executable, "-W", "error", "-c", NEW_MODULES]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)  # noqa: S603  # own code
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


# looking things up


def test_annual_leaves_out_what_was_not_reported() -> None:
    years, values = annual(reported(), "mi_home_stores_china")
    assert years.tolist() == list(range(2015, 2025))
    assert values.tolist() == [22, 51, 268, 586, 630, 1900, 10200, 10500, 10500, 15000]


def test_annual_leaves_out_parts_of_years_and_takes_an_absent_series_as_not_reported(tmp_path: Path) -> None:
    figures = read(tmp_path, f"{HEADER}\n2024-Q4,42.7,109\n2024,168.5,365.9\n")
    assert [numbers.tolist() for numbers in annual(figures, UNITS)] == [[2024], [168.5]]
    assert [numbers.tolist() for numbers in annual(figures, "rnd_rmb_bn")] == [[], []]
    assert np.isnan(figures.value("rnd_rmb_bn", year(2024)))
    assert np.isnan(figures.value(UNITS, year(2020)))


def test_an_unknown_series_is_told_the_nearest_name() -> None:
    for ask in (
        lambda: annual(reported(), "miui_mau"),
        lambda: reported().value("miui_mau", year(2015)),
        lambda: reported().require(["miui_mau"]),
        lambda: series_named("miui_mau"),
        lambda: read_figures("unread.csv", needed=["miui_mau"]),
    ):
        with pytest.raises(ValueError, match=r"'miui_mau'.*miui_mau_m"):
            ask()


def test_years_and_until_choose_periods(tmp_path: Path) -> None:
    figures = read(tmp_path, f"{HEADER}\n2022,1,\n2023-H1,2,\n2023,3,\n2024,4,\n2025-Q1,5,\n2024-07/2025-06,6,\n")
    assert [str(period) for period in figures.years(2023, 2025).periods] == ["2023", "2024"]
    early = figures.until(parse_until("2024"))
    assert [str(period) for period in early.periods] == ["2022", "2023-H1", "2023", "2024"]
    assert early.columns[UNITS].tolist() == [1, 2, 3, 4]
    assert early.lines == (2, 3, 4, 5)
    assert figures.until(0).periods == ()
    with pytest.raises(ValueError, match="2024 to 2023"):
        figures.years(2024, 2023)


def test_require_names_the_first_empty_cell() -> None:
    figures = reported()
    figures.require([UNITS, TOTAL])
    figures.require(["rnd_rmb_bn"], [year(2015), year(2016)])
    with pytest.raises(FiguresError, match=r"figures\.csv: line 2 \(2011\), column rnd_rmb_bn: empty.*number"):
        figures.require([UNITS, "rnd_rmb_bn"])
    with pytest.raises(FiguresError, match=r"figures\.csv: line 5 \(2014\), column rnd_rmb_bn: empty"):
        figures.require(["rnd_rmb_bn"], [year(2015), year(2014)])
    with pytest.raises(FiguresError, match=r"figures\.csv: period 2030 is missing.*periods found: 2011, "):
        figures.require([UNITS], [year(2030)])


# newer figures on top


def test_newer_figures_replace_cell_by_cell_and_add_periods(tmp_path: Path) -> None:
    newer = read(tmp_path, "period,miui_mau_m,rnd_rmb_bn\n2025-Q1,718.8,\n2024,702.5,\n2010,,0.1\n")
    merged = reported().merged(newer)
    assert [str(period) for period in merged.periods] == ["2010", *map(str, range(2011, 2025)), "2025-Q1"]
    assert merged.value("miui_mau_m", year(2024)) == 702.5
    assert merged.value("rnd_rmb_bn", year(2024)) == 24.05
    assert merged.value(UNITS, year(2024)) == 168.5
    assert merged.value("miui_mau_m", parse_period("2025-Q1")) == 718.8
    assert np.isnan(merged.value(UNITS, parse_period("2025-Q1")))
    assert merged.value("rnd_rmb_bn", year(2010)) == 0.1
    assert reported().value("miui_mau_m", year(2024)) == 702.3


def test_a_year_and_its_quarters_stand_side_by_side(tmp_path: Path) -> None:
    quarters = read(tmp_path, f"{HEADER}\n2024-Q4,42.7,109\n2024-Q1,40.6,75.5\n")
    merged = reported().merged(quarters)
    assert [str(period) for period in merged.periods[-3:]] == ["2024-Q1", "2024", "2024-Q4"]
    assert len(merged.years(2011, 2024).periods) == 14


def test_after_merging_a_row_is_named_by_its_own_file(tmp_path: Path) -> None:
    newer = read(tmp_path, f"# a note\n{HEADER}\n2025-Q1,41.8,\n", "newer.csv")
    merged = reported().merged(newer)
    assert merged.files[0].endswith("figures.csv")
    with pytest.raises(FiguresError, match=rf"newer\.csv: line 3 \(2025-Q1\), column {TOTAL}: empty"):
        merged.require([TOTAL])
    with pytest.raises(FiguresError, match=r"figures\.csv: line 2 \(2011\), column rnd_rmb_bn: empty"):
        merged.require(["rnd_rmb_bn"])


def test_newer_cells_that_contradict_the_rest_of_their_row_are_refused(tmp_path: Path) -> None:
    newer = read(tmp_path, f"{HEADER}\n2024,,400\n", "newer.csv")
    with pytest.raises(FiguresError, match=rf"newer\.csv: line 2 \(2024\), column {TOTAL}: 400.*figures\.csv, line 15"):
        reported().merged(newer)


# reading a user's file


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
    "two dashes": (f"{HEADER}\n2024,1,--\n", ("line 2 (2024)", f"column {TOTAL}", "'--'", "empty cell")),
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
        ("'145.6' has a decimal point", "'168,5' a decimal comma", "one of the two"),
    ),
    "groups that are none": (f"period;{UNITS}\n2024;1.23,4\n", (f"column {UNITS}", "'1.23,4' is not a number")),
    "underscore": (f"{HEADER}\n2024,1_685,1\n", (f"column {UNITS}", "'1_685'", "not a number")),
    "a row of totals": (f"{HEADER}\n2024,1,1\nTotal,1,1\n", ("line 3", "'Total'", "delete a row of totals")),
    "a column a period, cut short": (
        f"series,2023,2024\n{UNITS},1,2\n{TOTAL},1\n",
        ("line 3", "2 cells", "one a period"),
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
    "few cells": (f"{HEADER}\n2024,1\n", ("line 2 (2024)", "2 cells", "header has 3")),
    "many cells": (f"{HEADER}\n2024,1,1,\n", ("line 2 (2024)", "4 cells", "header has 3")),
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
    "nameless column": (f"period,{UNITS},\n2024,1,\n", ("line 1", "column 3", "no name")),
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


def test_figures_made_by_hand_are_checked() -> None:
    with pytest.raises(ValueError, match="sorted"):
        Figures("x", (year(2024), year(2023)), {}, (1, 2), ("x", "x"))
    with pytest.raises(ValueError, match="there must be 1 of each"):
        Figures("x", (year(2024),), {}, (), ("x",))
    with pytest.raises(ValueError, match=rf"{UNITS} has shape \(2,\)"):
        Figures("x", (year(2024),), {UNITS: np.zeros(2)}, (2,), ("x",))


# the command line


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
