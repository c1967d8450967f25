from __future__ import annotations

import pytest

from thinmargin.backtest.results import Result, backtest
from thinmargin.backtest.table import beaten
from thinmargin.calibration.misfit import LAST_FITTED
from thinmargin.calibration.saved import shipped
from thinmargin.data import parse_until, reported
from thinmargin.history import COMPARED
from thinmargin.names import QUANTITIES, quantity_name
from thinmargin_agents.report.sections.realism import Realism, realism
from thinmargin_agents.report.style import drawing

NAMES = [compared.name for compared in COMPARED]


@pytest.fixture(scope="module")
def section() -> Realism:
    with drawing():
        return realism()


@pytest.fixture(scope="module")
def result() -> Result:
    return backtest(reported(), parse_until("2024"), shipped(), draws=2)


def test_every_series_has_a_picture_and_a_row_in_plain_words(section: Realism) -> None:
    words = [quantity_name(name) for name in NAMES]
    assert [chart.name for chart in section.charts[:-1]] == [f"backtest-{name.replace('_', '-')}" for name in NAMES]
    assert [row[0] for row in section.rows] == words
    assert not any("_" in one for one in words)
    assert len(set(words)) == len(words)
    assert set(NAMES) <= set(QUANTITIES)
    assert section.charts[-1].name == "backtest-key"


@pytest.mark.parametrize(
    ("name", "words", "unit"),
    [
        ("mau", "monthly active users", "%"),
        ("profit", "profit", "RMB bn"),
        ("services_gross_margin", "services gross margin", "points"),
        ("retention", "repeat buyers at home", "points"),
    ],
)
def test_errors_come_with_their_unit(section: Realism, result: Result, name: str, words: str, unit: str) -> None:
    place = NAMES.index(name)
    assert section.rows[place][:2] == (words, unit)
    score = result.scores[name]
    told = (
        f"Mean absolute error {score.mape_fit:.1f} {unit} in the fit, {score.mape_holdout:.1f} {unit} in the hold-out."
    )
    assert told in section.charts[place].svg


def test_the_sentence_says_which_years_were_forecast_and_by_which_fit(section: Realism, result: Result) -> None:
    won = beaten(result)
    for part in (
        f"{len(shipped().z)} constants",
        f"from 2012 to {LAST_FITTED}",
        "fit to 2019",
        "through 2020 to 2024, whose figures that fit does not have",
        "no test any more",
        f"last value on {won['last_value']} of {len(COMPARED)} series",
        f"trend of 2015-2019 on {won['trend']}.",
    ):
        assert part in section.summary
