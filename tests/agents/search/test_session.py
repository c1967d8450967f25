from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState
from tests.agents.search.small import JUDGE, JUDGED_BY_J, WORLDS, small, study_in
from tests.messages import naming

from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.preset import load_preset, resolve
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.search import optimize
from thinmargin_agents.search.best import preset_path
from thinmargin_agents.search.session import space_of_flags
from thinmargin_agents.search.study import ATTRIBUTE, open_storage, open_study
from thinmargin_agents.search.target import Target
from thinmargin_agents.train import main


def flags(config: TrainConfig) -> list[str]:
    return [
        "--optimize", "--no-progress", "--preset", config.preset, "--n-eval-episodes", str(config.n_eval_episodes),
        "--eval-freq", str(config.eval_freq), "--n-trials", str(config.n_trials), "--n-seeds", str(config.n_seeds),
        "--n-jobs", str(config.n_jobs), "--log-folder", str(config.log_folder),
    ]  # fmt: skip


@pytest.mark.slow
def test_a_search_that_is_killed_goes_on_to_exactly_its_trials_and_its_preset_can_be_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = small(tmp_path)
    code = "from thinmargin_agents.train import main; raise SystemExit(main())"
    process = subprocess.Popen(  # noqa: S603  # the program is written above
        [sys.executable, "-c", code, *flags(config)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    seen = 0
    for line in process.stdout:
        seen += line.startswith("trial ")
        if seen == 2:
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    before = study_in(config)
    running = before.get_trials(states=(TrialState.RUNNING,))
    assert running, "nothing was killed"
    finished = {trial.number: trial.value for trial in before.trials if trial.state.is_finished()}

    assert optimize(config) == 0
    study = study_in(config)
    trials = study.trials
    assert sum(trial.state in (TrialState.COMPLETE, TrialState.PRUNED) for trial in trials) == config.n_trials
    assert all(trial.state.is_finished() for trial in trials)
    assert {number: trials[number].value for number in finished} == finished
    failed = [trial for trial in trials if trial.state == TrialState.FAIL]
    assert {trial.number for trial in failed} == {trial.number for trial in running}
    for trial in failed:
        assert any(again.params == trial.params for again in trials if again.number != trial.number)
    output = capsys.readouterr().out
    assert f"{len(running)} that an earlier search left unfinished are tried again" in output

    path = preset_path(config, study.study_name)
    assert str(path) in output
    space = space_of_flags(config)
    assert load_preset(str(path), "ppo", "ThinMargin/Ecosystem-v1") == (
        space.hyperparameters(study.best_trial.params), space.base.env_kwargs,
    )  # fmt: skip
    assert resolve(TrainConfig(preset=str(path))).hyperparameters["n_timesteps"] == 384
    comment = path.read_text(encoding="utf-8")
    for word in ("python train.py --preset", "--optimize", "ppo-Ecosystem-v1", f"{study.best_value:.2f}", "optuna 5"):
        assert word in comment.replace(f"optuna {optuna.__version__}", "optuna 5")
    assert sorted(item.name for item in config.log_folder.iterdir()) == ["search", "search.db"], "trials leave nothing"

    assert optimize(config) == 0, "a search that is done shows what it found"
    assert len(study_in(config).trials) == len(trials)
    assert optimize(dataclasses.replace(config, n_trials=7)) == 0, "fewer than there are: nothing is left to do"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--n-trials", "0"], ("--n-trials", "0", "1 to")),
        (["--n-seeds", "0"], ("--n-seeds", "0", "1 to")),
        (["--seeds", "1", "2"], ("--seeds", "--optimize")),
        (["--tensorboard-log", "tb"], ("--tensorboard-log", "--optimize")),
        (["--resume", "logs/ppo/x_1"], ("--resume", "--optimize")),
        (["--study-name", "a/b"], ("--study-name", "a/b", "letters")),
        (["--storage", "nonsense"], ("--storage", "nonsense", "sqlite:///")),
        (["--storage", "nonsense://me:secret@there/x"], ("--storage", "nonsense://me:***@there/x")),
        (["--storage", "sqlite:////no/such/folder/x.db"], ("--storage", "/no/such/folder", "open")),
        (["--env", "ThinMargin/PriceWar-v1"], ("held out",)),
        (["--env-kwargs", "split=test"], ("split", "test", "train")),
    ],
)
def test_a_flag_that_does_not_fit_a_search_ends_with_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: tuple[str, ...]
) -> None:
    rest = flags(small(tmp_path))
    if arguments[0] in rest:
        place = rest.index(arguments[0])
        del rest[place : place + 2]
    assert main([*rest, *arguments]) == 2
    errors = capsys.readouterr().err
    for word in words:
        assert word in errors
    assert "secret" not in errors
    assert not (tmp_path / "logs").exists()


def test_a_file_that_is_no_data_base_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "text.db"
    file.write_text("not a data base, and long enough to be taken for none" * 20, encoding="utf-8")
    assert main([*flags(small(tmp_path)), "--storage", f"sqlite:///{file}"]) == 2
    assert "not a database" in capsys.readouterr().err


@pytest.mark.slow
def test_a_study_of_something_else_is_refused_and_what_differs_is_named(tmp_path: Path) -> None:
    config = small(tmp_path)
    storage, space = open_storage(config), space_of_flags(config)
    open_study(config, storage, space, JUDGED_BY_J)
    assert open_study(config, storage, space, JUDGED_BY_J).study_name == "ppo-Ecosystem-v1"
    changed = dataclasses.replace(config, total_timesteps=768, seed=3, n_seeds=2)
    with pytest.raises(ConfigError) as caught:
        open_study(changed, storage, space_of_flags(changed), JUDGED_BY_J)
    for words in ("--study-name", "n_timesteps 384, not 768", "seeds [0], not [3, 4]"):
        assert words in str(caught.value)
    fixed = dataclasses.replace(config, hyperparams=("gae_lambda=0.9",))
    with pytest.raises(ConfigError, match=r"tried\.gae_lambda"):
        open_study(fixed, storage, space_of_flags(fixed), JUDGED_BY_J)
    open_study(dataclasses.replace(changed, study_name="other"), storage, space_of_flags(changed), JUDGED_BY_J)

    other: Any = SimpleNamespace(**{**vars(JUDGE), "baseline": SimpleNamespace(value=np.ones(WORLDS))})
    with pytest.raises(ConfigError, match=r"J of low_margin_ecosystem 0\.0, not 1\.0"):
        open_study(config, storage, space, Target(other))

    counted = dataclasses.replace(config, study_name="counted")  # begun when seeds of firms counted up
    old = open_study(counted, storage, space, JUDGED_BY_J)
    old.set_user_attr(ATTRIBUTE, {k: v for k, v in old.user_attrs[ATTRIBUTE].items() if k != "seeding"})
    with pytest.raises(ConfigError, match=naming("--study-name is 'counted'", "seeding", "SeedSequence", "another")):
        open_study(counted, storage, space, JUDGED_BY_J)

    optuna.create_study(storage=storage, study_name="foreign", direction="minimize")
    with pytest.raises(ConfigError, match=r"not made by train\.py"):
        open_study(dataclasses.replace(config, study_name="foreign"), storage, space, JUDGED_BY_J)


@pytest.mark.slow
def test_a_search_begins_with_the_preset_and_draws_other_trials_when_it_goes_on(tmp_path: Path) -> None:
    config = small(tmp_path)
    storage, space = open_storage(config), space_of_flags(config)
    first = open_study(config, storage, space, JUDGED_BY_J)
    start, drawn = (first.ask(space.distributions()).params for _ in range(2))
    assert {name: start[name] for name in space.start()} == space.start()
    again = open_study(config, storage, space, JUDGED_BY_J).ask(space.distributions()).params
    assert again != drawn


def test_without_optuna_the_message_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert main(flags(small(tmp_path))) == 2
    assert "thinmargin[search]" in capsys.readouterr().err


def test_without_ray_the_message_says_what_to_install_and_no_storage_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main([*flags(small(tmp_path)), "--engine", "ray"]) == 2
    assert "thinmargin[cluster]" in capsys.readouterr().err
    assert not (tmp_path / "logs").exists()
