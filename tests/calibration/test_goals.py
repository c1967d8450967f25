"""Goals of the model: what is asked for, what is reached, and that a missed one is shown as missed."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from thinmargin.backtest.goals import ADVERTISING_RANGE, PRICE_RANGE, Goal, goals, profit_gap
from thinmargin.backtest.results import Result, backtest
from thinmargin.backtest.table import document, goal_rows, markdown, text
from thinmargin.calibration.saved import Calibration
from thinmargin.data import parse_until, reported
from thinmargin.names import quantity_with_id

NAN = math.nan


@pytest.fixture(scope="module")
def early(calibration: Calibration) -> Result:
    """To 2018: two years with forecasts from 2017, one survey, no last year of profit."""
    return backtest(reported(), parse_until("2018"), calibration, draws=2)


def by_words(result: Result, words: str) -> Goal:
    found = [goal for goal in goals(result) if goal.name.startswith(words)]
    assert len(found) == 1, words
    return found[0]


def with_values(result: Result, name: str, values: np.ndarray) -> Result:
    return replace(result, model={**result.model, name: values})


@pytest.mark.parametrize(
    ("value", "met"), [(1.0, True), (-2.0, True), (3.0, True), (-2.001, False), (3.001, False), (NAN, None)]
)
def test_a_goal_is_met_inside_its_range_and_untold_without_a_number(value: float, met: bool | None) -> None:
    assert Goal("any", "%", value, -2.0, 3.0).met is met


def test_a_goal_whose_range_is_unknown_is_untold() -> None:
    assert Goal("any", "%", NAN, 0.0, NAN).met is None
    assert Goal("any", "%", 1.0, 0.0, NAN).met is None


def test_every_goal_in_order(result: Result) -> None:
    assert [(goal.name, goal.unit) for goal in goals(result)] == [
        ("forecasts of shipments: the better naive one", "%"),
        ("forecasts of overseas_share", "points"),
        ("forecasts of mau", "%"),
        ("profit 2015-2024 against the reported sum", "%"),
        *((f"retention {year} against the survey", "points") for year in (2017, 2021, 2023)),
        *((f"price elasticity mid {year}, 12 months", "1") for year in (2013, 2015, 2019, 2022)),
        *((f"advertising elasticity at home mid {year}", "1") for year in (2013, 2015, 2017, 2019, 2021, 2024)),
    ]


def test_series_of_goals_have_their_names_for_people(result: Result, early: Result) -> None:
    names, rows = [goal.name for goal in goals(result)], [row[0] for row in goal_rows(result)]
    assert rows[1:3] == ["forecasts of overseas revenue share", "forecasts of monthly active users"]
    assert rows[:1] + rows[3:] == names[:1] + names[3:]
    pages = markdown(result)["goals"]
    for words in ("overseas revenue share (overseas_share)", "monthly active users (mau)"):
        assert f"| forecasts of {words} |" in pages
        assert f"forecasts of {words.partition(' (')[0]} " in text(result)
    for shown in (text(result), pages, *markdown(early).values()):
        assert "forecasts of mau" not in shown
        assert "forecasts of overseas_share" not in shown


def test_shipments_are_held_to_the_better_naive_forecast(result: Result) -> None:
    rolling = result.rolling("shipments")
    goal = by_words(result, "forecasts of shipments")
    assert (goal.value, goal.low) == (rolling["model"], 0.0)
    assert goal.high == min(rolling["last_value"], rolling["trend"])
    origins = tuple(
        replace(
            origin,
            model={**origin.model, "shipments": np.full(2, 7.0)},
            last_value={**origin.last_value, "shipments": np.full(2, last)},
            trend={**origin.trend, "shipments": np.full(2, 9.0)},
        )
        for origin, last in zip(result.origins, (8.0, 8.0, 8.0, 8.0, 8.0, 14.0), strict=True)
    )
    goal = by_words(replace(result, origins=origins), "forecasts of shipments")
    assert (goal.value, goal.high, goal.met) == (7.0, 9.0, True)


def test_other_forecasts_are_held_to_a_number(result: Result) -> None:
    for name, most in (("overseas_share", 5.0), ("mau", 8.0)):
        goal = by_words(result, f"forecasts of {name}")
        assert (goal.value, goal.low, goal.high) == (result.rolling(name)["model"], 0.0, most)
        assert goal.met == (goal.value <= most)


def test_the_sum_of_profit_by_hand(result: Result) -> None:
    told = [-0.304, 1.896, 5.362, 8.555, 11.532, 13.006, 22.039, 8.518 + 3.1, 19.273 + 6.7, 27.235 + 6.2]
    goal = by_words(result, "profit 2015-2024")
    assert goal.value == pytest.approx(100.0 * (result.model["profit"][3:].sum() / sum(told) - 1.0), rel=1e-9)
    assert (goal.low, goal.high) == (-25.0, 25.0)
    before = np.array([1e3, -1e3, 1e3])  # years before 2015 do not count
    for factor, met in ((1.0, True), (1.24, True), (1.26, False), (0.76, True), (0.74, False)):
        some = with_values(result, "profit", np.concatenate([before, factor * np.array(told)]))
        assert profit_gap(some) == pytest.approx(100.0 * (factor - 1.0), abs=1e-9)
        assert by_words(some, "profit 2015-2024").met is met


def test_retention_is_compared_with_each_survey(result: Result) -> None:
    for year, survey in ((2017, 31.4), (2021, 63.2), (2023, 49.0)):
        place = year - 2012
        goal = by_words(result, f"retention {year}")
        assert goal.value == pytest.approx(result.model["retention"][place] - survey)
        assert (goal.low, goal.high) == (-8.0, 8.0)
        for gap, met in ((7.9, True), (-7.9, True), (8.1, False), (-8.1, False)):
            values = result.model["retention"].copy()
            values[place] = survey + gap
            found = by_words(with_values(result, "retention", values), f"retention {year}")
            assert found.value == pytest.approx(gap)
            assert found.met is met


def test_elasticities_are_held_to_what_studies_found(result: Result) -> None:
    assert PRICE_RANGE == (-3.5, -2.5)
    assert ADVERTISING_RANGE == (0.10, 0.25)
    for year, value in result.elasticity[12].items():
        goal = by_words(result, f"price elasticity mid {year}")
        assert (goal.value, goal.low, goal.high) == (value, *PRICE_RANGE)
    for year, value in result.advertising.items():
        goal = by_words(result, f"advertising elasticity at home mid {year}")
        assert (goal.value, goal.low, goal.high) == (value, *ADVERTISING_RANGE)


def test_what_the_years_do_not_tell_is_left_open(early: Result) -> None:
    """The first survey was in 2017; profit is summed to 2024; later years have no elasticity yet."""
    found = {goal.name: goal.met for goal in goals(early)}
    untold = [name for name, met in found.items() if met is None]
    assert untold == [
        "profit 2015-2024 against the reported sum",
        "retention 2021 against the survey",
        "retention 2023 against the survey",
    ]
    assert [name for name in found if "elasticity" in name] == [
        *(f"price elasticity mid {year}, 12 months" for year in (2013, 2015)),
        *(f"advertising elasticity at home mid {year}" for year in (2013, 2015, 2017)),
    ]
    for goal in document(early)["goals"]:
        if goal["goal"] in untold:
            assert goal["value"] is goal["met"] is None


def test_without_forecasts_from_the_past_none_is_judged(early: Result) -> None:
    without = replace(early, origins=())
    for words in ("forecasts of shipments", "forecasts of overseas_share", "forecasts of mau"):
        assert by_words(without, words).met is None
    first, second, _, profit = goal_rows(without)[:4]
    assert first[2:] == ["0.0 to -", "-", "-"]
    assert second[2:] == ["0.0 to 5.0", "-", "-"]
    assert profit[2:] == ["-25.0 to 25.0", "-", "-"]


def test_text_pages_and_json_say_the_same_and_missed_where_missed(result: Result, early: Result) -> None:
    shown = text(result)
    table = shown[shown.index("Goals:") :]
    rows = markdown(result)["goals"].splitlines()
    entries = document(result)["goals"]
    words = {True: "met", False: "missed"}
    for goal, row, entry in zip(goals(result), rows[2:], entries, strict=True):
        assert goal.met is not None
        digits = 2 if goal.unit == "1" else 1
        line = next(line for line in table.splitlines() if line.startswith(f"{goal.words()} "))
        assert line.split()[-1] == words[goal.met]
        assert f"{goal.value:.{digits}f}" in line.split()
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert cells == [
            goal.words(quantity_with_id), goal.unit, f"{goal.low:.{digits}f} to {goal.high:.{digits}f}",
            f"{goal.value:.{digits}f}", words[goal.met],
        ]  # fmt: skip
        assert entry == {
            "goal": goal.name, "unit": goal.unit, "low": goal.low, "high": goal.high, "value": goal.value,
            "met": goal.met,
        }  # fmt: skip
    assert {goal.met for goal in goals(result)} == {True, False}
    assert "Goals:" not in text(early)
