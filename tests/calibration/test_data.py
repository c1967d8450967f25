"""Reported figures: what is shipped, how it is looked up, and newer figures on top of it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from tests.calibration.figure_files import HEADER, PHONES, PRICE, TOTAL, UNITS, read, year

from thinmargin.data import (
    BREAKS,
    EV_REVENUE_2024,
    SERIES,
    STATUSES,
    Figures,
    FiguresError,
    annual,
    parse_period,
    parse_until,
    provenance,
    read_figures,
    reported,
    series_named,
)
from thinmargin.data.figures import PRICE_TOLERANCE, SEGMENTS, SEGMENTS_TOLERANCE

NEW_MODULES = """
import sys, thinmargin
before = set(sys.modules)
import thinmargin.data
names = {name.partition(".")[0] for name in set(sys.modules) - before if not name.startswith("thinmargin.data")}
print(sorted(names - set(sys.stdlib_module_names)))
"""


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


def test_figures_made_by_hand_are_checked() -> None:
    with pytest.raises(ValueError, match="sorted"):
        Figures("x", (year(2024), year(2023)), {}, (1, 2), ("x", "x"))
    with pytest.raises(ValueError, match="there must be 1 of each"):
        Figures("x", (year(2024),), {}, (), ("x",))
    with pytest.raises(ValueError, match=rf"{UNITS} has shape \(2,\)"):
        Figures("x", (year(2024),), {UNITS: np.zeros(2)}, (2,), ("x",))
