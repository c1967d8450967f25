from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from tests.reporting import Judged, synthetic

from thinmargin_agents.report.roles import cast_of
from thinmargin_agents.report.sections.headline import headline
from thinmargin_agents.report.sections.waterfall import adding_up, waterfall_of, waterfall_rows
from thinmargin_agents.report.words import MINUS


def test_steps_of_the_waterfall_sum_from_one_j_to_the_other(whole: Judged) -> None:
    fall = waterfall_of(cast_of(whole.report, whole.results), 0)
    assert fall is not None
    assert (fall.before.name, fall.after.name) == ("low_margin_tuned", fall.after.name)
    assert fall.after.name == next(name for name in whole.report["policies"] if name not in ("foresight", "random"))
    total = sum(step.change for step in fall.steps)
    assert total == pytest.approx(fall.after.mean - fall.before.mean, abs=1e-9)
    assert sum(step.before for step in fall.steps) == pytest.approx(fall.before.mean, abs=1e-9)
    assert fall.steps[-1].what == "closing value"
    assert fall.steps[-1].before == pytest.approx(fall.before.result.closing_part.mean())
    for step in fall.steps:
        assert step.interval[0] <= step.change <= step.interval[1]


def test_printed_numbers_of_the_waterfall_add_up_to_the_last_digit(whole: Judged) -> None:
    fall = waterfall_of(cast_of(whole.report, whole.results), 0)
    assert fall is not None
    rows = waterfall_rows(fall)
    table = [[Decimal(cell.replace(MINUS, "-").replace(",", "")) for cell in row[1:4]] for row in rows]
    *lines, total = table
    for column in range(3):
        assert sum(line[column] for line in lines) == total[column]
    assert all(after - before == change for before, after, change in table)
    assert float(total[0]) == pytest.approx(fall.before.mean, abs=0.051)
    assert float(total[1]) == pytest.approx(fall.after.mean, abs=0.051)


@pytest.mark.usefixtures("intervals_of_few")
@pytest.mark.parametrize(
    ("tuned", "plan", "gain"), [(144.96, 215.31, "70.3"), (10.04, 20.06, "10.1"), (5.0, 1.26, "3.7")]
)
def test_the_gain_is_one_number_in_headline_facts_and_waterfall(
    whole: Judged, tuned: float, plan: float, gain: str
) -> None:
    like = whole.results[1]
    lines = {name: np.zeros((1, 2)) for name in like.lines}
    results = [
        synthetic(name, [value, value], like, lines={**lines, "device_profit": np.full((1, 2), value)})
        for name, value in (("low_margin_tuned", tuned), ("plan", plan))
    ]
    cast = cast_of({}, results)
    fall = waterfall_of(cast, 0)
    assert fall is not None
    top = headline(cast, {}, 0)
    assert waterfall_rows(fall)[-1][3].lstrip(f"+{MINUS}") == gain
    assert f" {gain} more than " in top.lead
    assert f"{gain}\N{NO-BREAK SPACE}bn more" in top.answer[-2] or cast.best.name == "low_margin_tuned"
    assert next(fact.figure for fact in top.facts if fact.what.startswith("against")).lstrip("+") == gain


def test_numbers_are_rounded_so_that_they_add_up() -> None:
    assert adding_up([0.04, 0.04, 0.04]) == [0.0, 0.1, 0.0]
    assert adding_up([1.25, -1.25]) == [1.2, -1.2]
    assert adding_up([]) == []


@pytest.mark.usefixtures("intervals_of_few")
def test_the_tuned_rule_can_be_the_best(whole: Judged) -> None:
    like = whole.results[1]
    results = [synthetic("low_margin_tuned", [3.0, 4.0], like), synthetic("plan", [1.0, 2.0], like)]
    cast = cast_of({}, results)
    fall = waterfall_of(cast, 0)
    assert fall is not None
    assert (cast.best.name, fall.after.name) == ("low_margin_tuned", "plan")
    top = headline(cast, {}, 0)
    assert " 2.0 more than fixed plan" in top.lead
    assert top.sentences[0] == (
        "Tuned low margin is the simple rule at its best; fixed plan earns 57\N{NO-BREAK SPACE}% less."
    )
