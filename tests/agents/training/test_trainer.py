"""Whole training runs: what is written, that they learn, that they resume bit for bit."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tests.messages import lacks, said

from thinmargin.baselines import baseline
from thinmargin.splits import KEYS
from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.run import Run
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.monitoring.judgement import Judgement
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.runs.folder import RunError, RunFolder, latest_run, load_policy
from thinmargin_agents.sb3.algorithms import schedule_of
from thinmargin_agents.sb3.networks import build_network, policy_of
from thinmargin_agents.train import main
from thinmargin_agents.training import trainer
from thinmargin_agents.training.callbacks.progress import ProgressCallback
from thinmargin_agents.training.trainer import train

SMALL = ("n_steps=30", "batch_size=120", "n_epochs=2", "policy_kwargs.net_arch=[8]", "paired_worlds=1")


@pytest.fixture(autouse=True)
def small_and_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "FINAL_WORLDS", 4)
    monkeypatch.setattr(trainer, "can_draw", lambda: False)
    monkeypatch.setattr(os, "fsync", lambda _: None)  # no test pulls the plug


def small_run(timesteps: int = 1440, **changes: Any) -> Run:
    config = TrainConfig(
        total_timesteps=timesteps, n_envs=8, eval_freq=480, save_freq=480, n_eval_episodes=4, seed=5,
        hyperparams=SMALL, env_kwargs=("horizon=24",),
    )  # fmt: skip
    return dataclasses.replace(resolve(config), **changes)


def with_batches_of(months: int, run: Run) -> Run:
    """The run with batches of another size."""
    return dataclasses.replace(run, hyperparameters={**run.hyperparameters, "batch_size": months})


def policy_in(folder: RunFolder) -> dict[str, Any]:
    """The policy's weights in the checkpoint."""
    weights: dict[str, Any] = folder.load("checkpoint")["parameters"]["policy"]
    return weights


def trained(tmp_path: Path, run: Run) -> RunFolder:
    folder = RunFolder.create(tmp_path, run)
    train(run, folder, shown=False)
    return folder


def test_a_run_folder_describes_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = small_run()
    folder = trained(tmp_path, run)
    assert folder.path == tmp_path / "ppo" / "Ecosystem-v1_1"
    assert RunFolder.open(folder.path).run() == run
    assert (folder.path / "command.txt").read_text(encoding="utf-8").startswith("python ")
    assert json.loads((folder.path / "versions.json").read_text(encoding="utf-8"))["numpy"] == np.__version__
    with (folder.path / "evaluations.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["timesteps"]) for row in rows] == [480, 960, 1440]
    best = max(float(row["J"]) for row in rows)
    assert folder.load("best")["J"] == best
    printed = capsys.readouterr().out
    assert str(folder.path) in printed
    assert "low_margin_ecosystem" in printed
    assert "95 % interval" in printed
    beside = printed[printed.index("on the 4 validation worlds it was chosen on") :].splitlines()
    assert [line.split("  J ")[0].strip() for line in beside[1:4]] == [
        "this agent", "plan with feedback (plan_with_feedback)", "tuned low margin (low_margin_tuned)",
    ]  # fmt: skip
    assert f"{best:.1f}" in beside[1]
    assert latest_run(tmp_path) == folder.path
    assert RunFolder.create(tmp_path, run).path.name == "Ecosystem-v1_2"


@pytest.mark.slow
def test_the_best_policy_plays_as_it_was_judged(tmp_path: Path) -> None:
    folder = trained(tmp_path, small_run())
    outcome = play_worlds(load_policy(folder.path), KEYS["validation"][:4], horizon=24)
    assert outcome.value.mean() == pytest.approx(folder.load("best")["J"], rel=1e-9)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tmp_path: Path) -> None:
    one, two = (policy_in(trained(tmp_path, small_run())) for _ in range(2))
    other = policy_in(trained(tmp_path, small_run(seed=6)))
    assert all(np.array_equal(one[name], two[name]) for name in one)
    assert not all(np.array_equal(one[name], other[name]) for name in one)


def test_a_stopped_run_resumes_bit_for_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = small_run()
    whole = trained(tmp_path / "whole", run)
    show_judgement = ProgressCallback.show_judgement

    def interrupt(self: ProgressCallback, timesteps: int, judgement: Judgement) -> None:
        show_judgement(self, timesteps, judgement)
        signal.raise_signal(signal.SIGINT)

    folder = RunFolder.create(tmp_path / "parts", run)
    monkeypatch.setattr(ProgressCallback, "show_judgement", interrupt)
    assert train(run, folder, shown=False) is None
    assert folder.load("checkpoint")["timesteps"] == 480
    monkeypatch.setattr(ProgressCallback, "show_judgement", show_judgement)
    train(run, folder, shown=False, resume=True)
    resumed, expected = folder.load("checkpoint"), whole.load("checkpoint")
    assert resumed["timesteps"] == expected["timesteps"] == 1440
    for name, weights in expected["parameters"]["policy"].items():
        assert np.array_equal(resumed["parameters"]["policy"][name], weights), name
    assert np.array_equal(resumed["last_observations"], expected["last_observations"])
    drop = [[row[0], *row[2:]] for row in resumed["validation"]["rows"]]
    assert drop == [[row[0], *row[2:]] for row in expected["validation"]["rows"]]


def test_a_finished_run_is_not_changed_by_resuming_it(tmp_path: Path) -> None:
    folder = trained(tmp_path, small_run(480))
    rows = (folder.path / "evaluations.csv").read_bytes()
    before, events = policy_in(folder), sorted(folder.path.glob("events*"))
    assert train(folder.run(), folder, shown=False, resume=True) is not None
    assert (folder.path / "evaluations.csv").read_bytes() == rows
    assert all(np.array_equal(before[name], item) for name, item in policy_in(folder).items())
    assert sorted(folder.path.glob("events*")) == events


@pytest.mark.slow
def test_a_run_killed_before_its_first_checkpoint_starts_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = small_run(480, save_freq=10**9)
    whole = trained(tmp_path / "whole", run)

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    folder = RunFolder.create(tmp_path / "parts", run)
    with monkeypatch.context() as patch:
        patch.setattr(ProgressCallback, "_on_rollout_end", die)
        with pytest.raises(KeyboardInterrupt):
            train(run, folder, shown=False)
    assert folder.load("checkpoint")["timesteps"] == 0
    train(run, folder, shown=False, resume=True)
    resumed, expected = policy_in(folder), policy_in(whole)
    assert all(np.array_equal(resumed[name], expected[name]) for name in expected)


def curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    return {
        tag: [(event.step, event.value) for event in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
        if not tag.startswith("time/")
    }


@pytest.mark.slow
def test_a_resumed_run_draws_the_same_curves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = small_run(1440, save_freq=480, eval_freq=720)
    whole = trained(tmp_path / "whole", run)
    folder = RunFolder.create(tmp_path / "parts", run)
    step = ProgressCallback._on_rollout_end

    def die_late(self: ProgressCallback) -> None:
        step(self)
        if self.num_timesteps >= 1200:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ProgressCallback, "_on_rollout_end", die_late)
        with pytest.raises(KeyboardInterrupt):
            train(run, folder, shown=False)
    train(run, folder, shown=False, resume=True)
    assert curves(folder.path) == curves(whole.path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("run", "parts"),
    [
        (small_run(1400), ("6 updates", "240 months", "1,440 months")),
        (
            small_run(200),
            ("learning rate", "first update", "nothing is learnt"),
        ),
        (
            small_run(480),
            ("learning rate", "last of 2 updates", "240 months are not learnt from"),
        ),
        (
            small_run(900),
            ("learning rate", "last of 4 updates", "240 months are not learnt from"),
        ),
        (
            with_batches_of(100, small_run(1440)),
            ("update of 240 months", "batch_size 100", "a last one of 40"),
        ),
        (
            resolve(
                TrainConfig(
                    "sac", total_timesteps=96, n_envs=8, n_eval_episodes=2, env_kwargs=("horizon=12",),
                    hyperparams=("policy_kwargs.net_arch=[8]", "buffer_size=1000", "learning_starts=96"),
                )
            ),
            ("learning_starts is 96", "96 months"),
        ),
    ],
    ids=["rounded up", "one update", "two updates", "four updates", "uneven batches", "off-policy"],
)  # fmt: skip
def test_what_of_a_run_teaches_nothing_is_said_at_its_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], run: Run, parts: tuple[str, ...]
) -> None:
    trained(tmp_path, run)
    assert not lacks(said(capsys), "note:", *parts)


@pytest.mark.slow
def test_a_run_without_idle_months_says_nothing_of_them_and_other_libraries_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = trained(tmp_path, small_run(1440))
    assert "note:" not in capsys.readouterr().out
    versions = json.loads((folder.path / "versions.json").read_text(encoding="utf-8"))
    (folder.path / "versions.json").write_text(json.dumps({**versions, "torch": "1.0"}), encoding="utf-8")
    train(folder.run(), folder, shown=False, resume=True)
    assert f"torch was 1.0 and is {versions['torch']}" in capsys.readouterr().out


def test_a_run_says_where_evaluate_judges_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = trained(tmp_path, dataclasses.replace(small_run(240), env_id="ThinMargin/EcosystemContinuing-v1"))
    assert f"next: python evaluate.py {folder.path} --env ThinMargin/EcosystemContinuing-v1 " in capsys.readouterr().out


def test_a_budget_shorter_than_one_update_trains_with_the_last_step_size(tmp_path: Path) -> None:
    run = small_run(1)
    first = run.hyperparameters["learning_rate"]
    assert first.startswith("lin_")
    assert schedule_of(first)(-200.0) == 0.0
    folder = trained(tmp_path, run)
    assert all(np.isfinite(item).all() for item in policy_in(folder).values())


@pytest.mark.slow
@pytest.mark.usefixtures("intervals_of_few")
def test_tensorboard_has_business_levers_evaluations_layout_and_hyperparameters(tmp_path: Path) -> None:
    folder = trained(tmp_path, small_run())
    events = EventAccumulator(str(folder.path), size_guidance={"scalars": 0})
    events.Reload()
    tags = set(events.Tags()["scalars"])
    for tag in (
        "firm/profit", "firm/users_home", "firm/services_revenue", "firm/device_margin",
        "firm/fans", "firm/cash", "levers/price_mean", "levers/marketing_spread", "levers/updates_saturation",
        "eval/J", "eval/over_baseline", "eval/over_baseline_low", "eval/bankrupt_share",
        "rollout/ep_rew_mean", "train/value_loss", "time/fps",
    ):  # fmt: skip
        assert tag in tags, tag
    assert [event.step for event in events.Scalars("eval/J")] == [480, 960, 1440]
    plugins = events.summary_metadata
    assert "custom_scalars__config__" in events.Tags()["tensors"]
    assert any(name.startswith("_hparams_") for name in plugins)


def test_a_damaged_run_is_refused_with_its_name(tmp_path: Path) -> None:
    folder = trained(tmp_path, small_run(480))
    weights = folder.path / "best" / "state.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(RunError, match=r"state\.safetensors"):
        load_policy(folder.path)
    (folder.path / "config.json").write_text('{"algo": "ppo"}', encoding="utf-8")
    with pytest.raises(RunError, match=r"config\.json"):
        load_policy(folder.path)
    with pytest.raises(RunError, match="no such run folder"):
        load_policy(tmp_path / "absent")
    with pytest.raises(RunError, match=r"config\.json"):
        load_policy(tmp_path)


def test_weights_that_do_not_fit_the_configuration_are_refused(tmp_path: Path) -> None:
    folder = trained(tmp_path, small_run(480))
    config = json.loads((folder.path / "config.json").read_text(encoding="utf-8"))
    config["hyperparameters"]["policy_kwargs"]["net_arch"] = [16]
    (folder.path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(RunError, match=r"net_arch is \[16\], and \[8\] where the weights were saved"):
        load_policy(folder.path)
    folder.save("best", {name: item for name, item in folder.load("best").items() if name != "settings"})
    with pytest.raises(RunError, match="does not fit"):  # as of a run that wrote no settings beside its weights
        load_policy(folder.path)


@pytest.mark.slow
def test_a_full_disk_ends_with_a_clear_error_and_keeps_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save = RunFolder.save
    saved: list[str] = []

    def full_later(self: RunFolder, which: Any, tree: dict[str, Any], run: Run | None = None) -> None:
        saved.append(which)
        if saved.count("checkpoint") > 2:
            raise OSError(28, "No space left on device")
        save(self, which, tree, run)

    monkeypatch.setattr(RunFolder, "save", full_later)
    arguments = [
        "--total-timesteps", "1440", "--n-envs", "8", "--save-freq", "480", "--n-eval-episodes", "2", "--no-progress",
        "--hyperparams", *SMALL, "--log-folder", str(tmp_path),
    ]  # fmt: skip
    assert main(arguments) == 1
    assert "No space left on device" in capsys.readouterr().err
    folder = latest_run(tmp_path)
    assert folder is not None
    assert RunFolder(folder).load("checkpoint")["timesteps"] == 480


@pytest.mark.slow
def test_ppo_learns_from_nothing_to_run_the_calibrated_firm_better(tmp_path: Path) -> None:
    config = TrainConfig(
        env="ThinMargin/EcosystemCalibrated-v1", preset="ppo_scratch", total_timesteps=153_600, n_envs=64,
        eval_freq=10**9, save_freq=10**9, n_eval_episodes=8, seed=0,
        hyperparams=("n_steps=120", "batch_size=1920", "n_epochs=8", "learning_rate=0.003", "paired_worlds=1"),
    )  # fmt: skip
    run = resolve(config)
    folder = RunFolder.create(tmp_path, run)
    train(run, folder, shown=False)
    keys = KEYS["validation"][100:116]
    learnt = play_worlds(load_policy(folder.path), keys, worlds="calibrated").value
    plain = play_worlds(baseline("low_margin_ecosystem"), keys, worlds="calibrated").value
    torch.manual_seed(0)
    untrained = play_worlds(policy_of(build_network(run), run), keys, worlds="calibrated").value
    assert (learnt > plain).all()
    assert learnt.mean() > untrained.mean() + 5.0
