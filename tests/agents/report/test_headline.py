from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from tests.reporting import Judged, synthetic

from thinmargin_agents.report.roles import cast_of
from thinmargin_agents.report.sections.headline import headline
from thinmargin_agents.report.words import number
from thinmargin_agents.scoring.comparison import Result


def results_of(like: Result, **values: Sequence[Any]) -> list[Result]:
    return [synthetic(name, value, like) for name, value in values.items()]


def lead_of(results: Sequence[Result]) -> str:
    return headline(cast_of({}, results), {}, 0).lead.replace("\N{NO-BREAK SPACE}", " ")


def test_the_headline_calls_a_winner_only_if_the_interval_does(whole: Judged) -> None:
    like = whole.results[1]
    luck = np.random.default_rng(0).normal(0.0, 10.0, 40)
    noise = np.random.default_rng(1).normal(0.0, 10.0, 40)
    far = lead_of(results_of(like, a=100.0 + luck, b=90.0 + luck))
    assert far.startswith(f"a wins: RMB {number(100.0 + luck.mean())} bn a world, 10.0 more than b, the next best")
    assert far.endswith("(95 % interval 10.0 to 10.0).")
    assert "cannot be told apart" in lead_of(results_of(like, a=100.0 + luck, b=100.0 + noise))
    assert "earn the same in every world" in lead_of(results_of(like, a=luck, b=luck))


def test_foresight_does_not_win(whole: Judged) -> None:
    cast = cast_of(whole.report, whole.results)
    assert cast.players[0].name == "foresight"
    assert cast.best.name != "foresight"
    assert not headline(cast, whole.report, 0).lead.startswith(("foresight", "Perfect foresight"))


def test_a_failure_is_reported(whole: Judged) -> None:
    report = {**whole.report, "failures": {"x": "policy 'x' broke"}}
    assert "policy 'x' broke" in headline(cast_of(report, whole.results), report, 0).sentences[-1]
