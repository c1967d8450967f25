"""The search for hyper-parameters: what is tried, what is made large, that nothing is lost, what is refused."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna
import pytest
import yaml
from optuna.trial import TrialState
from rich.console import Console

from thinmargin.baselines import baseline
from thinmargin.splits import KEYS
from thinmargin_agents.config.algorithms import ALL
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.hyperparameters import TABLE as KNOWN
from thinmargin_agents.config.preset import load_preset, resolve
from thinmargin_agents.config.run import Run
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.runs.folder import RunFolder, load_policy
from thinmargin_agents.scoring.score import Anchors
from thinmargin_agents.search import optimize
from thinmargin_agents.search.best import ENOUGH, conclude, importances, preset_path, preset_text, table_of
from thinmargin_agents.search.claim import ATTRIBUTE, GRACE, Claim, TakenOverError
from thinmargin_agents.search.driver import Driver
from thinmargin_agents.search.local_workers import LocalWorkers
from thinmargin_agents.search.messages import Ended, Job, Judged, Lost, Message, Went
from thinmargin_agents.search.progress import Board
from thinmargin_agents.search.ray_workers import Desk
from thinmargin_agents.search.search_space import BOUND, TABLE, Between, OneOf, Space, bound_of, space_of
from thinmargin_agents.search.session import asked_for
from thinmargin_agents.search.study import MOST_TRIES, REASON, is_settled, open_storage, open_study, take_back
from thinmargin_agents.search.target import Target, target_of
from thinmargin_agents.search.trial import end_of
from thinmargin_agents.train import main
from thinmargin_agents.training import trainer

PRESET: dict[str, Any] = {
    "paired_worlds": {"default": 2},
    "default": {
        "n_timesteps": 384,
        "n_envs": 8,
        "env_kwargs": {"reward": "shaped", "horizon": 24},
        "env_wrapper": [{"thinmargin.wrappers.Residual": {"base": "plan", "bound": 0.5}}],
        "n_steps": 24,
        "batch_size": 96,
        "n_epochs": 2,
        "learning_rate": "lin_0.001",
        "policy_kwargs": {"log_std_init": -1.0, "net_arch": [8]},
    },
}
WORLDS = 4
JUDGE: Any = SimpleNamespace(anchors=None, keys=range(WORLDS), baseline=SimpleNamespace(value=np.zeros(WORLDS)))
JUDGED_BY_J = Target(JUDGE)


def small(folder: Path, **changes: Any) -> TrainConfig:
    preset = folder / "small.yml"
    preset.write_text(yaml.safe_dump(PRESET), encoding="utf-8")
    settings: dict[str, Any] = {
        "optimize": True, "preset": str(preset), "n_eval_episodes": WORLDS, "eval_freq": 192, "n_trials": 8,
        "n_seeds": 1, "n_jobs": 2, "progress": False, "log_folder": folder / "logs",
    }  # fmt: skip
    return TrainConfig(**{**settings, **changes})


def flags(config: TrainConfig) -> list[str]:
    return [
        "--optimize", "--no-progress", "--preset", config.preset, "--n-eval-episodes", str(config.n_eval_episodes),
        "--eval-freq", str(config.eval_freq), "--n-trials", str(config.n_trials), "--n-seeds", str(config.n_seeds),
        "--n-jobs", str(config.n_jobs), "--log-folder", str(config.log_folder),
    ]  # fmt: skip


def study_in(config: TrainConfig) -> optuna.Study:
    return optuna.load_study(storage=f"sqlite:///{config.log_folder / 'search.db'}", study_name="ppo-Ecosystem-v0")


def base_run(algo: str, **hyperparameters: Any) -> Run:
    values = {"n_timesteps": 1000, "n_envs": 8, **hyperparameters}
    return Run(
        algo=algo, env_id="ThinMargin/Ecosystem-v0", env_kwargs={}, seed=0, num_threads=1, device="cpu",
        eval_freq=100, n_eval_episodes=WORLDS, save_freq=100, hyperparameters=values,
    )  # fmt: skip


def study_of(space: Space, trials: int) -> optuna.Study:
    """A study with so many trials, worth what their number is; the first is the preset's."""
    study = optuna.create_study(direction="maximize", study_name="mine", sampler=optuna.samplers.RandomSampler(0))
    study.enqueue_trial(space.start())
    for value in range(trials):
        trial = study.ask(space.distributions())
        for name, item in done(float(value)).details.items():
            trial.set_user_attr(name, item)
        study.tell(trial, float(value))
    return study


# what is tried


def test_whatever_is_searched_is_a_hyperparameter_of_its_algorithm_and_every_value_is_allowed() -> None:
    for algo in ALL:
        known = {item.name: item.kind for item in KNOWN if algo in item.algorithms}
        searched = [item for item in TABLE if algo in item.algorithms]
        assert len({item.name for item in searched}) == len(searched), f"{algo} has one twice"
        assert {"learning_rate", "policy_kwargs.net_arch", BOUND} <= {item.name for item in searched}
        for item in searched:
            if item.name == BOUND:
                continue
            assert item.name in known, f"{item.name} of {algo}"
            kind = item.kind
            values = (
                list(kind.values.values()) if isinstance(kind, OneOf)
                else [kind.low, kind.high] if isinstance(kind, Between)
                else list(kind.parts)
            )  # fmt: skip
            for value in values:
                assert known[item.name].allows(value), f"{item.name} of {algo}: {value}"


def test_the_first_trial_is_the_preset_itself(tmp_path: Path) -> None:
    space = asked_for(small(tmp_path))
    start = space.start()
    assert set(space.dimensions) - set(start) == {"policy_kwargs.activation_fn"}  # only the network knows its own
    tried = space.hyperparameters(start)
    assert {name: tried[name] for name in space.base.hyperparameters} == space.base.hyperparameters


@pytest.mark.parametrize("algo", ALL)
def test_every_algorithm_can_be_searched_from_its_own_preset(algo: str) -> None:
    space = space_of(resolve(TrainConfig(algo=algo)))
    start = space.start()
    assert {"learning_rate", BOUND} <= set(start)
    tried = space.hyperparameters(start)
    assert {name: tried[name] for name in space.base.hyperparameters} == space.base.hyperparameters
    assert start.items() <= study_of(space, 1).trials[0].params.items()


def test_what_is_tried_fits_firms_episodes_and_updates() -> None:
    def tried(name: str, **hyperparameters: Any) -> list[Any]:
        dimension = space_of(base_run("ppo", **hyperparameters)).dimensions.get(name)
        return list(dimension.values.values()) if isinstance(dimension, OneOf) else []

    assert tried("paired_worlds", n_envs=24, n_steps=180) == [1, 2, 4, 8]
    assert tried("paired_worlds", n_envs=24, n_steps=100) == [], "updates that cut episodes cannot be paired"
    assert tried("batch_size", n_envs=8, n_steps=180, batch_size=480) == [480, 240, 120, 60, 30]
    assert BOUND not in space_of(base_run("ppo", n_steps=180)).dimensions, "there is no plan to correct"


def test_what_the_command_line_gives_is_not_searched(tmp_path: Path) -> None:
    config = small(tmp_path, hyperparams=("clip_range=0.3", "policy_kwargs.net_arch=[16]"), residual_bound=0.2)
    space = asked_for(config)
    assert not {"clip_range", "policy_kwargs.net_arch", BOUND} & set(space.dimensions)
    values = space.hyperparameters({"gae_lambda": 0.951234})
    assert (values["clip_range"], values["policy_kwargs"]["net_arch"]) == (0.3, [16])
    assert (bound_of(values), values["gae_lambda"]) == (0.2, 0.9512)


def test_numbers_keep_the_presets_schedule_and_names_become_what_they_stand_for(tmp_path: Path) -> None:
    space = asked_for(small(tmp_path))
    values = space.hyperparameters({"learning_rate": 0.00123456, "policy_kwargs.net_arch": "wide critic", BOUND: 0.75})
    assert values["learning_rate"] == "lin_0.001235"
    assert values["policy_kwargs"] == {"log_std_init": -1.0, "net_arch": {"pi": [64, 64], "vf": [128, 128]}}
    assert values["env_wrapper"] == [{"thinmargin.wrappers.Residual": {"base": "plan", "bound": 0.75}}]


# what is made large


def test_the_target_is_the_middle_half_of_all_scores_of_seeds_and_worlds() -> None:
    anchors = Anchors(tuned=np.array([0.0, 10.0, 0.0, 5.0]), best=np.array([10.0, 30.0, 100.0, 5.0]))
    judge: Any = SimpleNamespace(anchors=anchors, keys=range(4))
    value = np.array([[5.0, 20.0, -100.0, 7.0], [8.0, 24.0, 99.0, 7.0]])
    # without the world where nothing can be gained: 50, 50, -100 and 80, 70, 99; the middle four of six
    assert Target(judge).of(value) == pytest.approx((50 + 50 + 80 + 70) / 4)
    assert JUDGED_BY_J.of(value) == pytest.approx((7 + 7 + 8 + 20) / 4)


def test_on_the_benchmark_the_tuned_rule_has_value_0_and_the_best_known_plans_100() -> None:
    target = target_of(base_run("ppo"))
    anchors = target.judge.anchors
    assert anchors is not None
    assert target.name == "score"
    assert target.of(target.play(baseline("low_margin_tuned"))[None]) == pytest.approx(0.0, abs=1e-9)
    assert target.of(anchors.best[None]) == pytest.approx(100.0)


def test_a_trial_is_worth_what_runs_of_train_py_would_keep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "FINAL_WORLDS", WORLDS)
    run = resolve(small(tmp_path, n_seeds=2))
    kept = []
    for seed in (0, 1):
        one = dataclasses.replace(run, seed=seed)
        folder = RunFolder.create(tmp_path / "runs", one)
        trainer.train(one, folder, shown=False)
        kept.append(play_worlds(load_policy(folder.path), KEYS["validation"][:WORLDS], horizon=24).value)
    told: list[Message] = []
    ended = end_of(Job(0, (run, dataclasses.replace(run, seed=1))), lambda message: told.append(message) is None)
    pooled = np.sort(np.concatenate(kept))
    assert ended.state == "complete", ended.reason
    assert ended.value == pytest.approx(pooled[2:-2].mean(), rel=1e-9)
    judged = [message for message in told if isinstance(message, Judged)]
    assert [message.step for message in judged] == [192, 384, 576, 768]
    assert [message.place for message in judged] == [0, 0, 1, 1]
    assert ended.details["by_seed"] == pytest.approx([np.sort(row)[1:-1].mean() for row in kept])


def test_a_trial_ends_where_it_is_told_to_unless_all_is_trained(tmp_path: Path) -> None:
    run = resolve(small(tmp_path))
    runs = (run, dataclasses.replace(run, seed=1))

    def ended(job: tuple[Run, ...], last: int) -> str:
        return end_of(Job(0, job), lambda message: not isinstance(message, Judged) or message.step < last).state

    assert [ended(runs, last) for last in (192, 384, 576, 768)] == ["pruned", "pruned", "pruned", "complete"]


def test_later_seeds_are_averaged_with_the_earlier_ones_at_the_same_months(tmp_path: Path) -> None:
    run = resolve(small(tmp_path))
    runs = (run, dataclasses.replace(run, seed=1))

    def judged(job: tuple[Run, ...]) -> list[float]:
        told: list[Message] = []
        end_of(Job(0, job), lambda message: told.append(message) is None)
        return [message.value for message in told if isinstance(message, Judged)]

    first, second = judged(runs[:1]), judged(runs[1:])
    assert judged(runs)[2:] == pytest.approx([(one + two) / 2 for one, two in zip(first, second, strict=True)])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"learning_rate": 1.0, "ent_coef": 10.0, "n_epochs": 60}, ("training diverged", "no longer finite")),
        ({"n_steps": 30}, ("n_steps", "30", "24 months")),
    ],
)
def test_weights_that_diverge_and_values_that_do_not_fit_end_a_trial_with_the_reason(
    tmp_path: Path, changes: dict[str, Any], words: tuple[str, ...]
) -> None:
    run = resolve(small(tmp_path))
    bad = dataclasses.replace(run, hyperparameters={**run.hyperparameters, **changes})
    ended = end_of(Job(0, (bad,)), lambda _: True)
    assert ended.state == "impossible"
    assert all(word in ended.reason for word in words)
    assert "\n" not in ended.reason


# the search, with workers that say what they are told to


class Scripted:
    """Workers that train nothing: each trial says what a script says, one message at a time."""

    count = 2

    def __init__(self, *scripts: list[Message]) -> None:
        self._scripts = list(scripts)
        self.jobs: list[Job] = []
        self.answers: list[tuple[int, bool]] = []
        self._left: dict[int, list[Message]] = {}
        self.closed = False

    def start(self, job: Job) -> None:
        self.jobs.append(job)
        self._left[job.number] = self._scripts.pop(0)

    def news(self, seconds: float) -> list[tuple[int, Message]]:
        del seconds
        number, script = next(iter(self._left.items()))
        message = script.pop(0)
        if not script or isinstance(message, (Ended, Lost)):
            del self._left[number]
        return [(number, message)]

    def answer(self, number: int, *, go_on: bool) -> None:
        self.answers.append((number, go_on))
        if not go_on:
            self._left[number] = [Ended("pruned")]

    def close(self) -> None:
        self.closed = True


def done(value: float) -> Ended:
    return Ended("complete", value, details={"J": value, "by_seed": [value], "seconds": 1.0})


def searched(space: Space, workers: Scripted, trials: int, study: optuna.Study | None = None) -> optuna.Study:
    study = study or optuna.create_study(
        direction="maximize", pruner=optuna.pruners.MedianPruner(n_startup_trials=2, n_warmup_steps=100)
    )
    board = Board(Console(quiet=True), trials=trials, months=384, seeds=1, name="J", shown=False)
    claim = Claim(study)
    with board:
        Driver(study, claim, space, 1, trials, workers, board).search()
    claim.release()
    return study


@pytest.fixture
def space(tmp_path: Path) -> Space:
    return asked_for(small(tmp_path))


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)


def test_a_search_has_as_many_trials_as_asked_for_and_ends_its_workers(space: Space) -> None:
    workers = Scripted(*([Went(0, 192), done(float(value))] for value in range(5)))
    study = searched(space, workers, 5)
    assert [trial.value for trial in study.trials] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert workers.closed
    searched(space, workers, 5, study)  # nothing is left to do
    assert len(workers.jobs) == 5
    seeds = {run.seed for job in workers.jobs for run in job.runs}
    assert seeds == {0}, "every trial has the same seeds"


def test_a_trial_below_the_median_ends_early_but_not_in_its_warm_up(space: Space) -> None:
    scripts = [[Judged(0, 96, 10.0), Judged(0, 192, 20.0), done(30.0)] for _ in range(2)]
    scripts += [[Judged(0, 96, 1.0), Judged(0, 192, 2.0), done(3.0)]]
    workers = Scripted(*scripts)
    study = searched(space, workers, 3)
    assert workers.answers[-2:] == [(2, True), (2, False)]
    assert study.trials[2].state == TrialState.PRUNED
    assert study.trials[2].intermediate_values == {96: 1.0, 192: 2.0}


def test_what_cannot_be_done_or_fails_is_kept_with_its_reason_and_the_search_goes_on(space: Space) -> None:
    workers = Scripted([Ended("impossible", reason="does not fit")], [Ended("failed", reason="a bug")], [done(1.0)])
    study = searched(space, workers, 3)
    assert [trial.state.name for trial in study.trials] == ["PRUNED", "FAIL", "COMPLETE"]
    assert [trial.user_attrs.get(REASON) for trial in study.trials] == ["does not fit", "a bug", None]


def test_hyperparameters_whose_worker_was_lost_are_tried_again_but_not_for_ever(space: Space) -> None:
    workers = Scripted([Lost("killed")], [done(1.0)], [done(2.0)])
    study = searched(space, workers, 2)
    lost, *others = study.trials
    assert (lost.state, is_settled(lost)) == (TrialState.FAIL, False)
    assert lost.params in [trial.params for trial in others]
    assert [trial.state.name for trial in others] == ["COMPLETE", "COMPLETE"]

    workers = Scripted(*([Lost("killed")] for _ in range(MOST_TRIES)))
    study = searched(space, workers, 1)
    assert len(study.trials) == MOST_TRIES
    assert [is_settled(trial) for trial in study.trials] == [False, False, True]
    assert "killed" in study.trials[-1].user_attrs[REASON]


def test_ctrl_c_stops_and_what_ran_is_tried_again(space: Space) -> None:
    class Interrupted(Scripted):
        def news(self, seconds: float) -> list[tuple[int, Message]]:
            if len(self.jobs) == 3:
                signal.raise_signal(signal.SIGINT)
            return super().news(seconds)

    study = searched(space, Interrupted([done(1.0)], [Went(0, 1)] * 9, [Went(0, 1)] * 9), 5)
    states = [trial.state.name for trial in study.trials]
    assert sorted(states) == ["COMPLETE", "RUNNING", "RUNNING"]
    assert take_back(study) == 2
    waiting = study.get_trials(states=(TrialState.WAITING,))
    assert len(waiting) == 2
    workers = Scripted(*([done(2.0)] for _ in range(4)))
    searched(space, workers, 5, study)
    assert sum(map(is_settled, study.trials)) == 5
    tried = [trial.params for trial in study.get_trials(states=(TrialState.COMPLETE,))]
    assert all(trial.params in tried for trial in study.get_trials(states=(TrialState.FAIL,)))


def test_hyperparameters_that_were_only_half_drawn_when_a_search_was_killed_are_all_tried_again(space: Space) -> None:
    study = optuna.create_study(direction="maximize")
    wanted = {"gae_lambda": 0.91, "n_epochs": 3, "clip_range": 0.3}
    study.enqueue_trial(wanted)
    study.ask({"gae_lambda": space.distributions()["gae_lambda"]})
    assert take_back(study) == 1
    assert wanted.items() <= study.ask(space.distributions()).params.items()


def test_a_search_that_slept_while_another_took_over_ends_and_touches_nothing(space: Space) -> None:
    study = optuna.create_study(direction="maximize")

    class Sleeping(Scripted):
        def news(self, seconds: float) -> list[tuple[int, Message]]:
            if len(self.jobs) == 3:
                study.set_user_attr(ATTRIBUTE, {"token": "other", "host": "there", "pid": 1, "at": time.time()})
                take_back(study)
                claim._last = -1e9
            return super().news(seconds)

    workers = Sleeping([done(1.0)], [Judged(0, 96, 2.0), done(2.0)], [done(3.0)])
    claim = Claim(study)
    board = Board(Console(quiet=True), trials=4, months=384, seeds=1, name="J", shown=False)
    with board, pytest.raises(TakenOverError, match="process 1 on there took over"):
        Driver(study, claim, space, 1, 4, workers, board).search()
    assert workers.closed
    assert not claim.is_held()
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "FAIL", "FAIL", "WAITING", "WAITING"]


def test_only_one_search_at_a_time_has_a_study() -> None:
    study = optuna.create_study(direction="maximize")
    claim = Claim(study)
    with pytest.raises(ConfigError, match=f"process {os.getpid()}"):
        Claim(study)
    held = study.user_attrs[ATTRIBUTE]
    study.set_user_attr(ATTRIBUTE, {**held, "at": time.time() - 2 * GRACE})
    other = Claim(study)
    claim._last = -1e9
    with pytest.raises(TakenOverError, match="took over"):
        claim.renew()
    assert not claim.is_held()
    other.release()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    study.set_user_attr(ATTRIBUTE, {**held, "pid": gone.pid})
    assert Claim(study).is_held(), "a process that is gone has no claim"


# with processes


def test_a_worker_that_is_killed_is_noticed_and_another_takes_the_next_trial(tmp_path: Path) -> None:
    run = resolve(small(tmp_path))
    workers = LocalWorkers(1)

    def heard(kind: type) -> Message:
        while True:
            for _, message in workers.news(60.0):
                if isinstance(message, Judged):
                    workers.answer(0, go_on=True)
                if isinstance(message, kind):
                    return message

    try:
        workers.start(Job(0, (run,)))
        workers._busy[0].process.kill()
        lost = heard(Lost)
        assert isinstance(lost, Lost)
        assert "SIGKILL" in lost.reason
        workers.start(Job(0, (run,)))
        ended = heard(Ended)
        assert isinstance(ended, Ended)
        assert ended.state == "complete", ended.reason
    finally:
        workers.close()


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
    told = capsys.readouterr().out
    assert f"{len(running)} that an earlier search left unfinished are tried again" in told

    path = preset_path(config, study.study_name)
    assert str(path) in told
    space = asked_for(config)
    assert load_preset(str(path), "ppo", "ThinMargin/Ecosystem-v0") == (
        space.hyperparameters(study.best_trial.params), space.base.env_kwargs,
    )  # fmt: skip
    assert resolve(TrainConfig(preset=str(path))).hyperparameters["n_timesteps"] == 384
    comment = path.read_text(encoding="utf-8")
    for word in ("python train.py --preset", "--optimize", "ppo-Ecosystem-v0", f"{study.best_value:.2f}", "optuna 5"):
        assert word in comment.replace(f"optuna {optuna.__version__}", "optuna 5")
    assert sorted(item.name for item in config.log_folder.iterdir()) == ["search", "search.db"], "trials leave nothing"

    assert optimize(config) == 0, "a search that is done shows what it found"
    assert len(study_in(config).trials) == len(trials)
    assert optimize(dataclasses.replace(config, n_trials=7)) == 0, "fewer than there are: nothing is left to do"


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
    space = asked_for(small(tmp_path))
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
    space = asked_for(config)
    study = searched(space, Scripted(*([Ended("impossible", reason="does not fit")] for _ in range(2))), 2)
    assert conclude(config, study, space, JUDGED_BY_J, "python train.py", "sqlite:///x.db", Console()) == 1
    assert "does not fit" in capsys.readouterr().out
    assert not preset_path(config, study.study_name).exists()


# on a cluster


def test_word_left_at_the_desk_is_heard_once_and_a_judgement_waits_for_its_answer() -> None:
    async def talk() -> tuple[list[Any], bool, list[Any]]:
        desk = Desk()
        assert await desk.say(3, Went(0, 10))
        asked = asyncio.create_task(desk.say(4, Judged(0, 10, 1.0)))
        await asyncio.sleep(0)
        heard = await desk.heard()
        assert not asked.done()
        await desk.answer(4, go_on=False)
        return heard, await asked, await desk.heard()

    assert asyncio.run(talk()) == ([(3, Went(0, 10)), (4, Judged(0, 10, 1.0))], False, [])


def test_trials_are_trained_on_a_ray_cluster_too(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    config = small(tmp_path, n_trials=2, engine="ray", n_jobs=1)
    assert optimize(config) == 0
    assert [trial.state for trial in study_in(config).trials] == [TrialState.COMPLETE] * 2


# what is refused


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
        (["--env", "ThinMargin/PriceWar-v0"], ("held out",)),
        (["--env-kwargs", "split=test"], ("split", "test", "train")),
    ],
)
def test_a_flag_that_does_not_fit_a_search_ends_with_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: tuple[str, ...]
) -> None:
    assert main([*flags(small(tmp_path)), *arguments]) == 2
    told = capsys.readouterr().err
    for word in words:
        assert word in told
    assert "secret" not in told
    assert not (tmp_path / "logs").exists()


def test_a_file_that_is_no_data_base_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "text.db"
    file.write_text("not a data base, and long enough to be taken for none" * 20, encoding="utf-8")
    assert main([*flags(small(tmp_path)), "--storage", f"sqlite:///{file}"]) == 2
    assert "not a database" in capsys.readouterr().err


def test_a_study_of_something_else_is_refused_and_what_differs_is_named(tmp_path: Path) -> None:
    config = small(tmp_path)
    storage, space = open_storage(config), asked_for(config)
    open_study(config, storage, space, JUDGED_BY_J)
    assert open_study(config, storage, space, JUDGED_BY_J).study_name == "ppo-Ecosystem-v0"
    changed = dataclasses.replace(config, total_timesteps=768, seed=3, n_seeds=2)
    with pytest.raises(ConfigError) as caught:
        open_study(changed, storage, asked_for(changed), JUDGED_BY_J)
    for words in ("--study-name", "n_timesteps 384, not 768", "seeds [0], not [3, 4]"):
        assert words in str(caught.value)
    fixed = dataclasses.replace(config, hyperparams=("gae_lambda=0.9",))
    with pytest.raises(ConfigError, match=r"tried\.gae_lambda"):
        open_study(fixed, storage, asked_for(fixed), JUDGED_BY_J)
    open_study(dataclasses.replace(changed, study_name="other"), storage, asked_for(changed), JUDGED_BY_J)

    other: Any = SimpleNamespace(**{**vars(JUDGE), "baseline": SimpleNamespace(value=np.ones(WORLDS))})
    with pytest.raises(ConfigError, match=r"J of low_margin_ecosystem 0\.0, not 1\.0"):
        open_study(config, storage, space, Target(other))

    optuna.create_study(storage=storage, study_name="foreign", direction="minimize")
    with pytest.raises(ConfigError, match=r"not made by train\.py"):
        open_study(dataclasses.replace(config, study_name="foreign"), storage, space, JUDGED_BY_J)


def test_a_search_begins_with_the_preset_and_draws_other_trials_when_it_goes_on(tmp_path: Path) -> None:
    config = small(tmp_path)
    storage, space = open_storage(config), asked_for(config)
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
