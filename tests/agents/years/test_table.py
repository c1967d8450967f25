from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.written import run_with_files

from thinmargin.baselines import baseline
from thinmargin.calibration.misfit import LAST_FITTED
from thinmargin.data import Period, reported
from thinmargin.splits import KEYS
from thinmargin_agents.play.outcome import Outcome
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.years import __main__ as command
from thinmargin_agents.years.quantities import NOTE, QUANTITIES, as_reported, gross_margin
from thinmargin_agents.years.table import cells

WORLDS = 6
YEARS = list(range(2012, 2027))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Two policies, one of which goes bankrupt: the folder of the files and what was printed."""
    folder = tmp_path_factory.mktemp("years")
    arguments = ["low_margin_ecosystem", "do_nothing", "--n-worlds", str(WORLDS)]
    return folder, run_with_files(command.main, folder, "years", "years", *arguments)


@pytest.fixture(scope="module")
def document(results: tuple[Path, str]) -> dict[str, Any]:
    found = json.loads((results[0] / "years.json").read_text("utf-8"), parse_constant=pytest.fail)
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return play_worlds(baseline("low_margin_ecosystem"), KEYS["validation"][:WORLDS])


def test_means_are_those_of_the_worlds_played_in_the_units_said(document: dict[str, Any], outcome: Outcome) -> None:
    policy = document["policies"]["low_margin_ecosystem"]
    assert policy["J_mean"] == pytest.approx(outcome.value.mean())
    assert policy["in_business"][0] == 1.0
    yearly = outcome.yearly
    expected = {
        "markup": 100.0 * yearly["applied_price"],
        "tickets": 100.0 * yearly["applied_accessories"],
        "selling": 100.0 * yearly["applied_marketing"],
        "releases": yearly["applied_updates"],
        "users": yearly["active_users"],
        "share_home": 100.0 * yearly["share_home"],
        "gross_margin": 100.0 * yearly["device_profit"] / yearly["device_revenue"],
        "shipments": 12.0 * yearly["sales"],
        "profit": 12.0 * yearly["profit"] / 1e3,
    }
    assert set(policy["courses"]) == set(document["courses"]) == set(expected)
    for name, table in expected.items():
        path = policy["courses"][name]
        assert path["mean"] == pytest.approx(np.nanmean(table, axis=1)), name
        low, high = np.nanpercentile(table, (10.0, 90.0), axis=1)
        assert path["low"] == pytest.approx(low), name
        assert path["high"] == pytest.approx(high), name
    assert policy["courses"]["markup"]["mean"][-1] == pytest.approx(2.5, abs=0.1), "the pledge"
    assert 100.0 < policy["courses"]["users"]["mean"][-1] < 5000.0


def test_reported_figures_are_the_shipped_ones_and_blank_where_there_are_none(document: dict[str, Any]) -> None:
    assert document["years"] == YEARS
    known = {
        name: dict(zip(YEARS, quantity["reported"], strict=True)) for name, quantity in document["courses"].items()
    }
    year = Period(12 * (2019 - 2012), 12)
    figures = reported()
    for name, series in (
        ("users", "miui_mau_m"),
        ("share_home", "xiaomi_china_share_pct"),
        ("gross_margin", "gm_smartphones_pct"),
        ("shipments", "smartphone_shipments_m"),
        ("profit", "adjusted_net_profit_rmb_bn"),
    ):
        assert known[name][2019] == figures.value(series, year)
    assert known["selling"][2019] == pytest.approx(100.0 * 10.378 / 205.839)
    margin = known["gross_margin"][2019]
    assert known["markup"][2019] == pytest.approx(100.0 * (1.0 / (1.0 - margin / 100.0) - 1.0))
    assert known["gross_margin"][2014] is known["selling"][2014] is known["profit"][2014] is None
    for quantity in known.values():
        assert quantity[2025] is quantity[2026] is None
    for name in ("tickets", "releases"):
        assert set(known[name].values()) == {None}


def test_years_behind_every_bankruptcy_are_empty(document: dict[str, Any], results: tuple[Path, str]) -> None:
    nothing = document["policies"]["do_nothing"]
    assert nothing["in_business"][-1] == 0.0
    for quantity in nothing["courses"].values():
        assert quantity["mean"][0] is not None
        assert quantity["mean"][-1] is quantity["low"][-1] is quantity["high"][-1] is None
    page = (results[0] / "page.md").read_text("utf-8")
    row = next(line for line in page.splitlines() if "| do nothing (do_nothing) |" in line)
    assert row.endswith("|  |")


def test_gross_margin_is_unknown_where_nothing_was_sold() -> None:
    tracks = {"device_revenue": np.array([[0.0, 100.0, np.nan]]), "device_profit": np.array([[0.0, 7.0, np.nan]])}
    np.testing.assert_allclose(gross_margin(tracks), [[np.nan, 7.0, np.nan]])


def test_cells_are_rounded_blank_if_unknown_and_never_minus_zero() -> None:
    assert cells(np.array([1.26, np.nan, -0.04, -3.0]), 1) == ["1.3", "", "0.0", "-3.0"]
    assert cells(np.array([1226.6]), 0) == ["1227"]


def test_every_course_has_a_name_of_its_own_and_reads_other_years_too() -> None:
    assert len({quantity.name for quantity in QUANTITIES}) == len(QUANTITIES) == 9
    shipments = next(quantity for quantity in QUANTITIES if quantity.name == "shipments")
    assert as_reported(shipments, [2011, 1999])[0] == 0.3
    assert np.isnan(as_reported(shipments, [2011, 1999])[1])


def test_what_is_printed_says_that_shapes_are_compared(document: dict[str, Any], results: tuple[Path, str]) -> None:
    assert document["note"] == NOTE
    printed = results[1].replace("\n", " ")
    for part in (f"history until {LAST_FITTED}", "hidden worlds", "compare shapes over the years, not levels"):
        assert part in NOTE
        assert part in printed
    assert f"{WORLDS} hidden validation worlds" in printed
    for quantity in QUANTITIES:
        assert f"{quantity.title}, {quantity.unit}" in results[1]
    assert "reported, in December" in results[1]


def test_the_table_stands_in_its_place_on_the_page(document: dict[str, Any], results: tuple[Path, str]) -> None:
    page = (results[0] / "page.md").read_text("utf-8")
    start = "before\n\n<!-- years -->\n`python -m thinmargin_agents.years low_margin_ecosystem do_nothing --n-worlds 6`"
    assert page.startswith(start)
    assert page.endswith("\n<!-- end -->\n\nafter\n")
    assert "last year" not in page
    assert "not levels" in page
    lines = page.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("| active users"))
    assert lines[place].split(" | ")[9] == "310"  # what was reported for 2019
    mean = document["policies"]["low_margin_ecosystem"]["courses"]["users"]["mean"][7]
    assert lines[place + 1].split(" | ")[9] == f"{mean:.0f}"


def test_the_picture_is_a_png_that_fills_a_page(results: tuple[Path, str]) -> None:
    content = (results[0] / "years.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    assert width == 1800
    assert 1200 <= height <= 1800
    assert 50_000 < len(content) < 1_500_000


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["svg", "pdf"])
def test_the_same_picture_is_the_same_file(tmp_path: Path, ending: str) -> None:
    files = [tmp_path / f"{name}.{ending}" for name in ("one", "two")]
    for file in files:
        assert command.main(["premium", "--n-worlds", "1", "--picture", str(file)]) == 0
    assert files[0].read_bytes() == files[1].read_bytes()
