"""No interval is told of few worlds or seeds, and the number below which there is none is not plucked from the air."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.messages import lacks

from thinmargin_agents.cli.markdown import text_of
from thinmargin_agents.evaluate.command import main
from thinmargin_agents.monitoring.judgement import Judgement
from thinmargin_agents.report.words import NOTHING, interval
from thinmargin_agents.scoring.score import Anchors, score_summary
from thinmargin_agents.scoring.statistics import MIN_UNITS, Interval, bootstrap_interval, if_enough
from thinmargin_agents.training.callbacks.progress import in_a_line


def coverage(size: int, samples: int = 600) -> float:
    """Share of samples of normal numbers whose interval of 95 % holds their mean, 0."""
    dice = np.random.default_rng(1)
    rows = dice.standard_normal((samples, size))
    ends = [bootstrap_interval(row, dice, resamples=400) for row in rows]
    return float(np.mean([low <= 0.0 <= high for low, high in ends]))


def test_from_ten_on_an_interval_says_nearly_what_it_means_and_of_two_it_does_not() -> None:
    assert coverage(MIN_UNITS) > 0.87
    assert coverage(2) == pytest.approx(0.5, abs=0.06)
    assert coverage(3) < 0.8
    assert coverage(5) < 0.88


def test_an_interval_is_told_of_enough_units_only() -> None:
    ends = Interval(1.0, 2.0)
    assert if_enough(ends, MIN_UNITS - 1) is None
    assert if_enough(ends, MIN_UNITS) == [1.0, 2.0]
    assert interval(if_enough(ends, 2)) == NOTHING


@pytest.mark.parametrize(("seeds", "worlds"), [(1, 9), (1, 10), (9, 10), (10, 9), (10, 10)])
def test_worlds_and_seeds_are_counted_apart(seeds: int, worlds: int) -> None:
    value = np.random.default_rng(0).uniform(1.0, 2.0, (seeds, worlds))
    summary = score_summary(value, Anchors(np.zeros(worlds), np.full(worlds, 3.0)), 0)
    for name in ("score_ci95", "score_ci95_worlds", "score_iqm_ci95"):
        assert (summary[name] is None) == (worlds < MIN_UNITS), name
    assert (summary["score_ci95_seeds"] is None) == (seeds < MIN_UNITS)


@pytest.mark.parametrize("worlds", [2, MIN_UNITS])
def test_an_evaluation_says_that_there_is_no_interval_everywhere(
    worlds: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["premium", "--n-worlds", str(worlds), "--n-stress-worlds", "2", "--json", "all.json"]
    assert main([*command, "--markdown", "page.md", "--html", "page.html"]) == 0
    words = f"[-]: no interval of fewer than {MIN_UNITS}"
    places = (text_of(Path("page.md"), "results"), capsys.readouterr().out)
    few = worlds < MIN_UNITS
    for place in places:
        assert (words in place) == few
        assert ("[-]" in place) == few
    report = json.loads(Path("all.json").read_text("utf-8"))
    found = [summary["J_ci95"] for summary in report["policies"].values()]
    assert all((ends is None) == few for ends in found)
    gaps = [gap for summary in report["policies"].values() for gap in summary["vs"].values()]
    assert gaps
    for gap in gaps:
        assert (gap["diff_ci95"] is None) == (gap["p_improve_ci95"] is None) == few
    assert all(entry["J_ci95"] is None for family in report["stress"].values() for entry in family.values())
    assert not lacks(Path("page.html").read_text("utf-8"), f"fewer than {MIN_UNITS} worlds")


def test_a_judgement_of_few_worlds_has_no_interval_in_a_line() -> None:
    judgement = Judgement(1.0, 1.0, 0.0, 0.0, {}, 2.0, None, None, score=50.0)
    assert "over the baseline    +2.0 [-]" in in_a_line(10, judgement)
    assert judgement.score_in_words == "score 50.0 [-]"
