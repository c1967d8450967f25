"""Newer figures beside what is known: another unit, a year in a quarter's row, parts that are more than their whole."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from thinmargin.data import SERIES, FiguresError, Series, check_plausible, parse_period, read_figures, reported

TODAY = dt.date(2025, 12, 31)
UNITS, TOTAL, PROFIT = "smartphone_shipments_m", "revenue_total_rmb_bn", "adjusted_net_profit_rmb_bn"
PRICE = "smartphone_asp_rmb"
WORLD = "global_smartphone_market_m_units"


MONTHS_OF_TWO_YEARS = "".join(f"{year}-{month:02},14\n" for year in (2024, 2025) for month in range(1, 13))


def warned(folder: Path, text: str) -> str:
    """The warnings about a file, a line each."""
    path = folder / "mine.csv"
    path.write_text(text, encoding="utf-8")
    newer = read_figures(path, today=TODAY)
    return "\n".join(check_plausible(newer, reported(), reported().merged(newer)))


def quarter_of(name: str, scale: float) -> str:
    """A file with the first quarter of 2025 of one series, at the pace of 2024 times a factor."""
    series = next(item for item in SERIES if item.name == name)
    value = reported().value(name, parse_period("2024")) * (0.25 if series.kind == "sum" else 1.0)
    return f"period,{name}\n2025-Q1,{value * scale:.8g}\n"


TOLD = [series for series in SERIES if not np.isnan(reported().value(series.name, parse_period("2024")))]


@pytest.mark.parametrize("series", TOLD, ids=lambda series: series.name)
def test_a_quarter_like_the_year_before_is_believed(series: Series, tmp_path: Path) -> None:
    for scale in (0.7, 1.0, 1.3):
        assert not warned(tmp_path, quarter_of(series.name, scale))


@pytest.mark.parametrize("series", [item for item in TOLD if item.unit != "%"], ids=lambda series: series.name)
@pytest.mark.parametrize("scale", [10.0, 0.1, 100.0, 0.01])
def test_another_unit_is_named_with_its_factor(series: Series, scale: float, tmp_path: Path) -> None:
    try:
        told = warned(tmp_path, quarter_of(series.name, scale))
    except FiguresError as error:
        assert scale > 1.0, "beyond what any firm reaches"  # either way is a clear word
        assert "out of range" in str(error)  # noqa: PT017  # as above
        return
    if series.name == PROFIT and scale < 1.0:
        assert not told, "a profit may fall to nothing"
        return
    assert f"line 2 (2025-Q1), column {series.name}: " in told
    assert f"is it in {series.unit}, and of 2025-Q1 alone?" in told
    words = f"{scale:g} times the" if scale > 1.0 else f"{1.0 / scale:g} times less than the"
    assert words in told


@pytest.mark.parametrize(
    "series",
    [item for item in TOLD if item.kind == "sum" and item.name != PROFIT],
    ids=lambda series: series.name,
)
@pytest.mark.parametrize("period", ["2025-Q1", "2025-01/2025-04", "2025-H1", "2025-01/2025-07", "2025-01/2025-09"])
def test_a_whole_years_figure_in_the_row_of_a_part_is_told(series: Series, period: str, tmp_path: Path) -> None:
    year = reported().value(series.name, parse_period("2024"))
    for scale in (1.0, 1.2):
        told = warned(tmp_path, f"period,{series.name}\n{period},{scale * year:.8g}\n")
        assert f"looks like a whole year's, 2024 has {year:.10g}: write what {period} alone had" in told
    pace = parse_period(period).months / 12.0
    for scale in (0.8, 1.0, 1.25):
        assert not warned(tmp_path, f"period,{series.name}\n{period},{scale * pace * year:.8g}\n")


@pytest.mark.parametrize(
    "series",
    [item for item in TOLD if item.kind == "sum" and item.name != PROFIT],
    ids=lambda series: series.name,
)
@pytest.mark.parametrize(
    ("period", "written"), [("2025", 3), ("2025", 6), ("2025-01/2025-09", 3), ("2025-H1", 3), ("2025-H2", 1)]
)
def test_the_figure_of_a_part_in_the_row_of_a_longer_period_is_told(
    series: Series, period: str, written: int, tmp_path: Path
) -> None:
    value = reported().value(series.name, parse_period("2024")) * written / 12.0
    told = warned(tmp_path, f"period,{series.name}\n{period},{value:.8g}\n")
    assert f"line 2 ({period}), column {series.name}: " in told
    assert f"write what all of {period} had" in told or "times less than" in told


@pytest.mark.parametrize(("period", "most"), [("2024-Q2", 0.6), ("2024-H1", 0.7), ("2024-01/2024-09", 0.85)])
def test_a_part_of_a_known_year_has_little_more_than_its_share(period: str, most: float, tmp_path: Path) -> None:
    year = reported().value(UNITS, parse_period("2024"))
    assert not warned(tmp_path, f"period,{UNITS}\n{period},{most * year}\n")
    assert "looks like a whole year's" in warned(tmp_path, f"period,{UNITS}\n{period},{(most + 0.1) * year}\n")


@pytest.mark.parametrize("series", [item for item in TOLD if item.unit == "%"], ids=lambda series: series.name)
@pytest.mark.parametrize("factor", [0.1, 10.0, 100.0])
def test_a_percentage_with_another_factor_is_told(series: Series, factor: float, tmp_path: Path) -> None:
    """Tenths, per mille and basis points."""
    near = reported().value(series.name, parse_period("2024"))
    try:
        told = warned(tmp_path, f"period,{series.name}\n2025-Q1,{factor * near:.8g}\n")
    except FiguresError as error:
        assert factor > 1.0, "beyond what any share is"  # either way is a clear word
        assert "out of range" in str(error)  # noqa: PT017  # as above
        return
    words = f"{factor:g} times the {near:g}" if factor > 1.0 else f"10 times less than the {near:g}"
    assert words in told or "looks like a fraction" in told


@pytest.mark.parametrize("series", [item for item in TOLD if item.unit == "%"], ids=lambda series: series.name)
def test_a_fraction_for_percents_is_named(series: Series, tmp_path: Path) -> None:
    told = warned(tmp_path, quarter_of(series.name, 0.01))
    assert f"column {series.name}: " in told
    assert "looks like a fraction" in told
    assert "write percents" in told


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (f"period,{UNITS}\n2025-Q1,168.5\n", ("168.5 looks like a whole year's, 2024 has 168.5", "2025-Q1 alone")),
        ("period,china_smartphone_market_m_units\n2025-Q1,286.2\n", ("looks like a whole year's",)),
        (f"period,{WORLD}\n2025-H1,1900\n", ("3.07 times the 1238.8 of 2024", "more than 1.6 times")),
        (f"period,{UNITS}\n2025-Q1,260\n", ("6.17 times the 168.5 of 2024", "m units", "2025-Q1 alone")),
        (f"period,{PROFIT}\n2025-Q1,2723\n", (f"column {PROFIT}", "times the 27.235 of 2024")),
        ("period,gm_total_pct\n2025-Q1,0.124\n", ("0.124 looks like a fraction, 2024 has 20.9", "12.4")),
    ],
    ids=lambda item: item.splitlines()[1] if isinstance(item, str) else "",
)
def test_figures_far_from_the_nearest_year_are_told(rows: str, told: tuple[str, ...], tmp_path: Path) -> None:
    found = warned(tmp_path, rows)
    for words in told:
        assert words in found
    assert "mine.csv: line 2" in found


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (f"{TOTAL}\n2025-Q1;109.125", ()),
        (
            f"{TOTAL}\n2025-Q1;0.365",
            ("2025-Q1 has 0.365, at a year's pace 1.46, 251 times less than the 365.906 of 2024",),
        ),
        (f"{TOTAL}\n2025-Q1;0.09", ("1,016 times less than the 365.906 of 2024", "It looks like RMB tn.")),
        (f"{TOTAL}\n2025-Q1;9000", ("98.4 times the 365.906 of 2024", "It looks like USD m.")),
        (f"{PRICE}\n2025-Q1;160", ("7.11 times less than the 1138.2 of 2024", "is it in RMB,", "It looks like USD.")),
        (f"{TOTAL}\n2025-Q1;0", ("2025-Q1 has 0, at a year's pace 0, and 2024 has 365.906: leave the cell empty",)),
        (f"{UNITS}\n2025;0", ("2025 has 0, and 2024 has 168.5: leave the cell empty where nothing was reported",)),
        (
            f"{TOTAL};gm_total_pct\n2025-Q1;1,091;22,1",
            ("83.8 times less", "The comma of '1,091' was read as a decimal mark: if it is none, write 1091."),
        ),
        (
            f"{UNITS};gm_total_pct\n2025-Q1;4,180;22.1",
            (
                "99.2 times the 168.5",
                "comma of '4,180' was read as a mark between thousands: if it is none, write 4.18.",
            ),
        ),
        (
            f"{PRICE}\n2025-Q1;1.138",
            ("1,000 times less", "The point of '1.138' was read as a decimal mark: if it is none, write 1138."),
        ),
    ],
)
def test_a_factor_is_told_in_words(row: str, told: tuple[str, ...], tmp_path: Path) -> None:
    found = warned(tmp_path, f"period;{row}\n")
    for words in told:
        assert words in found
    assert bool(found) == bool(told)
    assert "1/" not in found.replace(str(tmp_path), "")
    assert "e+" not in found


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (f"period,{UNITS}\n2025-H1,40\n2025-Q1,41.8\n", "41.8 of 2025-Q1 is more than 40 of 2025-H1"),
        (
            f"period,{UNITS}\n2025-H1,100\n2025-Q1,41.8\n2025-Q2,42.4\n",
            "2025-Q1 [+] 2025-Q2 are 84.2, but 2025-H1 is 100",
        ),
        (f"period,{UNITS}\n2024-Q1,60.6\n2024-Q2,42.2\n2024-Q3,43.1\n2024-Q4,42.7\n", "188.6, but 2024 is 168.5"),
        (f"period,{WORLD}\n2019-Q1,9999\n", f"column {WORLD}: 9999 of 2019-Q1 is more than 1372.6 of 2019"),
        (f"period,{UNITS}\n2024-H1,300\n", "300 of 2024-H1 is more than 168.5 of 2024"),
        (f"period,{UNITS}\n{MONTHS_OF_TWO_YEARS}2024-01/2025-12,500\n", "are 336, but 2024-01/2025-12 is 500"),
        (f"period,rnd_rmb_bn,{TOTAL}\n2025-Q1,29,28\n", f"column rnd_rmb_bn: 29 is more than {TOTAL} .* 28, of which"),
        ("period,rnd_rmb_bn\n2024,380\n", f"column rnd_rmb_bn: 380 is more than {TOTAL} .* 365.906"),
        (f"period,{UNITS},{WORLD}\n2025-Q1,390,300\n", f"column {UNITS}: 390 is more than {WORLD}"),
    ],
    ids=lambda item: item.splitlines()[1] if item.startswith("period") else "",
)
def test_parts_that_contradict_their_whole_are_refused(rows: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(FiguresError, match=rf"mine\.csv: line \d.*{told}"):
        warned(tmp_path, rows)


@pytest.mark.parametrize(
    "rows",
    [
        f"period,{UNITS}\n2025-H1,84\n",
        f"period,{UNITS}\n2025-H1,84.2\n2025-Q1,41.8\n2025-Q2,42.4\n",
        f"period,{UNITS}\n2024-Q1,40.6\n2024-Q2,42.2\n2024-Q3,43.1\n2024-Q4,42.7\n",
        f"period,{PROFIT}\n2025-Q1,-1.5\n",
        "period,rnd_rmb_bn\n2010,0.1\n",  # the nearest report is of 2015
        "period,gm_total_pct\n2025-Q1,-3\n",
    ],
    ids=lambda item: item.splitlines()[1],
)
def test_what_may_be_is_believed(rows: str, tmp_path: Path) -> None:
    assert not warned(tmp_path, rows)


def test_the_shipped_figures_contradict_nothing() -> None:
    assert not check_plausible(reported(), reported(), reported())


def test_a_percentage_beside_one_near_nothing_is_told_without_a_factor(tmp_path: Path) -> None:
    """The gross margin of 2015 was below zero: no number is so many times of it."""
    head = "period,gm_smartphones_pct\n"
    warning = warned(tmp_path, f"{head}2015-Q1,20\n")
    assert "2015-Q1 has 20, and 2015 has -0.3; more than 15 % is unusual there" in warning
    assert "times" not in warning
    assert not warned(tmp_path, f"{head}2015-Q1,14\n")
