"""Full disks, folders that are gone, signals, two processes in one folder: a clear end, and a run to resume."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import resource
import shlex
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.compat.tensorflow_stub.io import gfile

from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.run import Run
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.runs.folder import DivergedError, RunError, RunFolder
from thinmargin_agents.train import main
from thinmargin_agents.training import trainer
from thinmargin_agents.training.callbacks.progress import ProgressCallback, Step
from thinmargin_agents.training.trainer import train

SMALL = ("n_steps=12", "batch_size=24", "n_epochs=1", "policy_kwargs.net_arch=[8]", "paired_worlds=1")
FLAGS: dict[str, Any] = {
    "total_timesteps": 240, "n_envs": 4, "eval_freq": 96, "save_freq": 48, "n_eval_episodes": 2, "seed": 5,
    "hyperparams": SMALL, "env_kwargs": ("horizon=12",),
}  # fmt: skip


@pytest.fixture(autouse=True)
def small_and_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "FINAL_WORLDS", 2)
    monkeypatch.setattr(trainer, "can_draw", lambda: False)
    monkeypatch.setattr(trainer, "wait_for_a_new_second", lambda _: None)  # nobody looks at curves here
    monkeypatch.setattr(os, "fsync", lambda _: None)  # no test pulls the plug


def small_run(**changes: Any) -> Run:
    return dataclasses.replace(resolve(TrainConfig(**FLAGS)), **changes)


def command(logs: Path, **changes: Any) -> list[str]:
    words = ["--no-progress", "--log-folder", str(logs)]
    for name, value in {**FLAGS, **changes}.items():
        words += [f"--{name.replace('_', '-')}", *([str(value)] if isinstance(value, int) else value)]
    return words


def policy_in(folder: RunFolder) -> dict[str, Any]:
    weights: dict[str, Any] = folder.load("checkpoint")["parameters"]["policy"]
    return weights


def assert_resumes(folder: RunFolder, whole: RunFolder) -> None:
    """The run can be resumed and ends as one that nothing happened to."""
    assert train(folder.run(), folder, shown=False, resume=True) is not None
    resumed, uninterrupted = policy_in(folder), policy_in(whole)
    assert all(np.array_equal(resumed[name], uninterrupted[name]) for name in uninterrupted)
    assert not [*folder.path.rglob(".*.tmp")]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """The run that nothing happens to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "FINAL_WORLDS", 2)
        patch.setattr(trainer, "can_draw", lambda: False)
        folder = RunFolder.create(tmp_path_factory.mktemp("whole"), small_run())
        assert train(folder.run(), folder, shown=False) is not None
    return folder


def when_reached(months: int, act: Callable[[ProgressCallback], None], patch: pytest.MonkeyPatch) -> None:
    """Do something after the update that reaches so many months."""
    step = ProgressCallback._on_rollout_end

    def then(self: ProgressCallback) -> None:
        step(self)
        if self.num_timesteps == months:
            act(self)

    patch.setattr(ProgressCallback, "_on_rollout_end", then)


@pytest.mark.slow
def test_a_disk_that_fills_up_ends_the_run_clearly_and_the_last_checkpoint_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], whole: RunFolder
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(_: ProgressCallback) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))

    with monkeypatch.context() as patch:
        when_reached(144, fill, patch)
        try:
            status = main(command(tmp_path))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    printed = capsys.readouterr()
    assert status == 1
    assert "File too large" in printed.err
    assert "what was written before is kept" in printed.err
    folder = RunFolder(tmp_path / "ppo" / "Ecosystem-v1_1")
    assert f"--resume {folder.path}" in printed.out
    assert folder.load("checkpoint")["timesteps"] in (96, 144)
    assert_resumes(folder, whole)


@pytest.mark.slow
def test_a_disk_too_full_for_curves_ends_the_run_clearly_and_does_not_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], whole: RunFolder
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        when_reached(144, lambda _: patch.setattr(gfile.LocalFileSystem, "append", full), patch)
        assert main(command(tmp_path)) == 1
    printed = capfd.readouterr()
    assert "No space left on device" in printed.err
    assert "Traceback" not in printed.err
    assert_resumes(RunFolder(tmp_path / "ppo" / "Ecosystem-v1_1"), whole)


def test_a_log_folder_that_cannot_be_used_is_named_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert main(command(tmp_path / "file")) == 2
    printed = capsys.readouterr().err
    for words in ("--log-folder is", str(tmp_path / "file"), "is there and is not a folder"):
        assert words in printed

    def read_only(self: Path, *_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(self))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", read_only)
        status = main(command(tmp_path / "logs"))
    assert status == 2
    assert "Read-only file system" in capsys.readouterr().err


def test_a_folder_for_curves_that_is_none_is_named_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    board = tmp_path / "file" / "board"
    assert main([*command(tmp_path / "logs"), "--tensorboard-log", str(board)]) == 2
    printed = capsys.readouterr().err
    assert f"--tensorboard-log is {str(board)!r}: " in printed
    assert "is there and is not a folder" in printed
    assert not (tmp_path / "logs").exists()


@pytest.mark.slow
def test_curves_in_a_folder_of_their_own_are_resumed_there(tmp_path: Path, whole: RunFolder) -> None:
    run = small_run(tensorboard_log=str(tmp_path / "board"))
    folder = RunFolder.create(tmp_path / "logs", run)
    assert train(run, folder, shown=False, report=lambda step: step.timesteps == 96) is None
    assert_resumes(folder, whole)
    assert not [*folder.path.glob("events*")]
    assert len([*(tmp_path / "board" / "ppo" / folder.path.name).glob("events*")]) > 1


@pytest.mark.slow
def test_a_run_from_somebody_else_writes_nothing_outside_its_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = RunFolder.create(tmp_path / "logs", small_run())
    assert train(folder.run(), folder, shown=False, report=lambda step: step.timesteps == 96) is None
    config = json.loads((folder.path / "config.json").read_text("utf-8"))
    changed = {**config, "tensorboard_log": str(tmp_path / "elsewhere")}
    (folder.path / "config.json").write_text(json.dumps(changed), encoding="utf-8")
    before = len([*folder.path.glob("events*")])
    assert main(["--resume", str(folder.path), "--no-progress"]) == 0
    assert len([*folder.path.glob("events*")]) > before
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]
    assert "events go into the run folder" in " ".join(capsys.readouterr().out.split())


@pytest.mark.slow
def test_runs_of_two_algorithms_have_curves_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for algo in ("ppo", "a2c"):
        names = ("n_steps=12", "policy_kwargs.net_arch=[8]", "paired_worlds=1")
        flags = {**FLAGS, "total_timesteps": 48, "hyperparams": names, "tensorboard_log": tmp_path / "board"}
        run = resolve(TrainConfig(algo=algo, **flags))  # type: ignore[arg-type]  # one of the names
        monkeypatch.chdir(RunFolder.create(tmp_path, run).path)
        here = RunFolder.open(Path())
        assert train(here.run(), here, shown=False) is not None
    found = sorted(path.parent.relative_to(tmp_path) for path in (tmp_path / "board").rglob("events*"))
    assert found == [Path("board", algo, "Ecosystem-v1_1") for algo in ("a2c", "ppo")]


@pytest.mark.slow
def test_a_checkpoint_folder_that_was_removed_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: RunFolder
) -> None:
    folder = RunFolder.create(tmp_path, small_run())
    with monkeypatch.context() as patch:
        when_reached(96, lambda _: shutil.rmtree(folder.path / "checkpoint"), patch)
        assert train(folder.run(), folder, shown=False) is not None
    resumed, uninterrupted = policy_in(folder), policy_in(whole)
    assert all(np.array_equal(resumed[name], uninterrupted[name]) for name in uninterrupted)


def test_a_run_folder_that_was_removed_ends_the_run_and_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    when_reached(96, lambda _: shutil.rmtree(tmp_path / "ppo"), monkeypatch)
    assert main(command(tmp_path)) == 1
    printed = capfd.readouterr().err
    assert str(tmp_path / "ppo" / "Ecosystem-v1_1") in printed
    assert "Traceback" not in printed


def test_a_checkpoint_that_was_removed_for_good_cannot_be_resumed_from(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, small_run())
    train(folder.run(), folder, shown=False)
    shutil.rmtree(folder.path / "checkpoint")
    with pytest.raises(RunError, match="a policy but no checkpoint"):
        train(folder.run(), folder, shown=False, resume=True)
    assert folder.has("best")


@pytest.mark.slow
def test_a_run_killed_before_anything_was_saved_begins_again(tmp_path: Path, whole: RunFolder) -> None:
    assert_resumes(RunFolder.create(tmp_path, small_run()), whole)


def test_a_folder_whose_description_was_not_finished_is_no_run_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("thinmargin_agents.runs.folder.write_json", die)
        with pytest.raises(KeyboardInterrupt):
            RunFolder.create(tmp_path, small_run())
    with pytest.raises(RunError, match=r"it has no config\.json"):
        RunFolder.open(tmp_path / "ppo" / "Ecosystem-v1_1")
    assert RunFolder.create(tmp_path, small_run()).path.name == "Ecosystem-v1_2"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_what_schedulers_send_save_and_name_the_command_that_resumes(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    whole: RunFolder,
    number: signal.Signals,
) -> None:
    handlers = [signal.getsignal(each) for each in trainer.SIGNALS]
    with monkeypatch.context() as patch:
        when_reached(192, lambda _: signal.raise_signal(number), patch)
        assert main(command(tmp_path / "[bold][")) == 130
    assert [signal.getsignal(each) for each in trainer.SIGNALS] == handlers
    folder = RunFolder(tmp_path / "[bold][" / "ppo" / "Ecosystem-v1_1")
    again = shlex.join(["python", "train.py", "--resume", str(folder.path)])
    assert f"stopped; resume with: {again}\n" in capsys.readouterr().out
    assert folder.load("checkpoint")["timesteps"] == 192
    assert_resumes(folder, whole)


@pytest.mark.slow
def test_a_second_signal_stops_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: RunFolder) -> None:
    def twice(_: ProgressCallback) -> None:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch:
        when_reached(192, twice, patch)
        assert main(command(tmp_path)) == 130
    folder = RunFolder(tmp_path / "ppo" / "Ecosystem-v1_1")
    assert folder.load("checkpoint")["timesteps"] == 144
    assert_resumes(folder, whole)


@pytest.mark.slow
def test_a_signal_in_the_last_update_leaves_a_finished_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: RunFolder
) -> None:
    folder = RunFolder.create(tmp_path, small_run())
    with monkeypatch.context() as patch:
        when_reached(240, lambda _: signal.raise_signal(signal.SIGTERM), patch)
        assert train(folder.run(), folder, shown=False) is None
    assert folder.load("checkpoint")["timesteps"] == 240
    assert_resumes(folder, whole)


@pytest.mark.slow
def test_the_callback_of_the_progress_can_stop_the_run(tmp_path: Path, whole: RunFolder) -> None:
    folder = RunFolder.create(tmp_path, small_run())
    assert train(folder.run(), folder, shown=False, report=lambda step: step.timesteps == 96) is None
    assert folder.load("checkpoint")["timesteps"] == 96
    assert_resumes(folder, whole)


def test_a_run_in_training_is_refused_to_everybody_else(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, small_run())
    refused: list[str] = []

    def second(step: Step) -> None:
        if step.timesteps == 96:
            with pytest.raises(RunError) as caught:
                train(folder.run(), folder, shown=False, resume=True)
            refused.append(str(caught.value))

    assert train(folder.run(), folder, shown=False, report=second) is not None
    assert refused
    assert all(f"{folder.path}: another process is training this run" in words for words in refused)


def make_non_finite(callback: ProgressCallback) -> None:
    for parameter in callback.model.policy.parameters():
        parameter.data.fill_(float("nan"))


@pytest.mark.slow
def test_training_that_diverges_says_so_and_keeps_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], whole: RunFolder
) -> None:
    with monkeypatch.context() as patch:
        when_reached(144, make_non_finite, patch)
        assert main(command(tmp_path, save_freq=96)) == 1
    printed = capsys.readouterr().err
    for words in ("diverged", "no longer finite", "learning_rate"):
        assert words in printed
    folder = RunFolder(tmp_path / "ppo" / "Ecosystem-v1_1")
    assert folder.load("checkpoint")["timesteps"] == 96
    assert_resumes(folder, whole)


@pytest.mark.parametrize("judged_first", [True, False])
def test_choices_by_values_that_are_not_finite_are_not_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, judged_first: bool
) -> None:
    names = ("policy_kwargs.net_arch=[8]", "buffer_size=96", "learning_starts=200", "batch_size=8")
    flags = {**FLAGS, "hyperparams": names, "eval_freq": 48 if judged_first else 240, "save_freq": 96}
    folder = RunFolder.create(tmp_path, resolve(TrainConfig(algo="dqn", **flags)))
    when_reached(60, make_non_finite, monkeypatch)  # a grid of choices has a best one even then
    with pytest.raises(DivergedError, match="is no longer finite"):
        train(folder.run(), folder, shown=False)
    assert folder.load("checkpoint")["timesteps"] == 0
    if judged_first:
        assert folder.load("best")["timesteps"] == 48
        assert np.isfinite(folder.load("best")["policy"]["q_net.q_net.0.weight"]).all()


def test_other_threads_train_too_without_signals(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  # here only

    folder = RunFolder.create(tmp_path, small_run())
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(train, folder.run(), folder, shown=False).result() is not None
