from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from tests.agents.search.small import JUDGED_BY_J, Scripted, base_run, searched, small, study_of

from thinmargin_agents.config.preset import load_preset
from thinmargin_agents.search.best import ENOUGH, conclude, importances, preset_path, preset_text, table_of
from thinmargin_agents.search.messages import TrialEnd
from thinmargin_agents.search.search_space import space_of
from thinmargin_agents.search.session import space_of_flags


def test_a_preset_without_pairing_or_arguments_is_written_and_read(tmp_path: Path) -> None:
    base = base_run("sac", batch_size=64)
    space = space_of(base)
    study = study_of(space, 2)
    text = preset_text(study, space, JUDGED_BY_J, "python train.py --optimize\n", "sqlite:///x.db")
    assert text.count("\n#") == 5
    path = tmp_path / "found.yml"
    path.write_text(text, encoding="utf-8")
    assert load_preset(str(path), "sac", base.env_id) == (space.hyperparameters(study.best_trial.params), {})


def test_the_table_shows_the_best_trials_and_what_matters_once_there_are_enough(tmp_path: Path) -> None:
    space = space_of_flags(small(tmp_path))
    few, many = study_of(space, 3), study_of(space, ENOUGH)
    assert importances(few) == {}
    assert set(importances(many)) == set(space.dimensions)
    assert sum(importances(many).values()) == pytest.approx(1.0)
    paper = io.StringIO()
    Console(width=200, file=paper).print(table_of(many, space, JUDGED_BY_J))
    shown = paper.getvalue()
    best = [f"trial {ENOUGH - 1 - place}" for place in range(5)]
    assert [word for word in best if word in shown] == best
    assert "importance" in shown
    for name in space.dimensions:
        assert name.removeprefix("policy_kwargs.") in shown


def test_a_search_in_which_nothing_is_complete_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = small(tmp_path, n_trials=2)
    space = space_of_flags(config)
    study = searched(space, Scripted(*([TrialEnd("impossible", reason="does not fit")] for _ in range(2))), 2)
    assert conclude(config, study, space, JUDGED_BY_J, "python train.py", "sqlite:///x.db", Console()) == 1
    assert "does not fit" in capsys.readouterr().out
    assert not preset_path(config, study.study_name).exists()
