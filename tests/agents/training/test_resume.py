"""A run that is stopped or killed and resumed is the run that was never stopped, bit for bit."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.summary.writer import event_file_writer

from thinmargin_agents.config.hyperparameters import checked
from thinmargin_agents.config.run import Run
from thinmargin_agents.runs.folder import RunFolder
from thinmargin_agents.training import trainer
from thinmargin_agents.training.callbacks.progress import Step
from thinmargin_agents.training.trainer import train

HORIZON = 12
RESIDUAL = {"thinmargin.wrappers.Residual": {"base": "plan", "bound": 0.5}}
LEVELS = {"thinmargin.wrappers.Residual": {"base": "plan", "bound": 0.5, "levels": 2}}
HISTORY = {"thinmargin.wrappers.History": {"lags": [2, 5]}}
FIRMS = 4
OFF_POLICY = {
    "n_timesteps": 192, "learning_starts": 40, "buffer_size": 128, "batch_size": 8, "gradient_steps": 2,
    "train_freq": 3,
}  # fmt: skip
LAYERS = {"net_arch": [8]}
SETUPS: dict[str, dict[str, Any]] = {
    "ppo": {"env_wrapper": [HISTORY, RESIDUAL], "n_steps": 12, "batch_size": 16, "n_epochs": 2, "paired_worlds": 2,
            "learning_rate": "lin_0.003", "clip_range": "lin_0.3"},
    "ppo, noise that depends on the state": {"use_sde": True, "sde_sample_freq": 3, "n_steps": 8, "batch_size": 16},
    "a2c": {"env_wrapper": [RESIDUAL], "n_steps": 5, "learning_rate": "lin_0.001"},
    "ppo_lstm": {"env_wrapper": [HISTORY, RESIDUAL], "n_steps": 12, "batch_size": 16, "n_epochs": 2,
                 "paired_worlds": 4, "policy_kwargs": {"lstm_hidden_size": 8, "net_arch": [8]}},
    "ppo_lstm, inside episodes": {"n_steps": 7, "batch_size": 14, "n_epochs": 1, "policy_kwargs": {
        "lstm_hidden_size": 8, "net_arch": [8]}},
    "sac": {**OFF_POLICY, "env_wrapper": [HISTORY, RESIDUAL], "noise_type": "normal", "noise_std": 0.1, "n_steps": 3},
    "sac, noise that depends on the state": {**OFF_POLICY, "use_sde": True, "ent_coef": 0.1},
    "td3": {**OFF_POLICY, "env_wrapper": [RESIDUAL], "noise_type": "normal", "noise_std": 0.2},
    "sac, before it learns": {**OFF_POLICY, "learning_starts": 130},
    "tqc": {**OFF_POLICY, "env_wrapper": [HISTORY], "policy_kwargs": {"n_quantiles": 5, "net_arch": [8]}},
    "crossq": {**OFF_POLICY, "env_wrapper": [RESIDUAL], "learning_rate": "lin_0.001"},
    "dqn": {**OFF_POLICY, "env_wrapper": [LEVELS, HISTORY], "target_update_interval": 24, "exploration_fraction": 0.8},
}  # fmt: skip


class KilledError(BaseException):
    """Ends a run where it stands: no clean-up of its own sees it coming."""


@pytest.fixture(autouse=True)
def small_and_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "FINAL_WORLDS", 2)
    monkeypatch.setattr(trainer, "can_draw", lambda: False)
    monkeypatch.setattr(os, "fsync", lambda _: None)  # no test pulls the plug
    seconds = itertools.count(1_000_000_000)  # every file of curves begins in one of its own: nobody waits for it
    monkeypatch.setattr(event_file_writer, "time", SimpleNamespace(time=lambda: float(next(seconds))))


def run_of(setup: str, **changes: Any) -> Run:
    algo = setup.partition(",")[0]
    values = {"n_timesteps": 240, "n_envs": FIRMS, "policy_kwargs": LAYERS, **SETUPS[setup]}
    settings = {"eval_freq": 60, "save_freq": 84, "n_eval_episodes": 2, "seed": 3, **changes}
    return Run(
        algo=algo, env_id="ThinMargin/Ecosystem-v1", env_kwargs={"horizon": HORIZON}, num_threads=1, device="cpu",
        hyperparameters=checked("test", algo, values), **settings,
    )  # fmt: skip


def killed_after(months: int) -> Callable[[Step], None]:
    def report(step: Step) -> None:
        if step.timesteps >= months:
            raise KilledError

    return report


def ignored(_: Step) -> None:
    pass


def trained(folder: RunFolder, *kills: int) -> RunFolder:
    """The run, killed where these months of experience are reached and resumed each time."""
    for number, months in enumerate(kills):
        with pytest.raises(KilledError):
            train(folder.run(), folder, shown=False, resume=number > 0, report=killed_after(months))
    assert train(folder.run(), folder, shown=False, resume=bool(kills), report=ignored) is not None
    return folder


def differences(one: Any, other: Any, where: str = "") -> list[str]:
    """The places where two trees differ, but for times."""
    if where.endswith(("/t", "/seconds")) or "/time/" in where:
        return []
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            return [f"{where}: {sorted(one)} {sorted(other)}"]
        return [found for key in one for found in differences(one[key], other[key], f"{where}/{key}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [found for k in range(len(one)) for found in differences(one[k], other[k], f"{where}/{k}")]
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        same = one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
        return [] if same else [where]
    return [] if type(one) is type(other) and one == other else [f"{where}: {one!r} {other!r}"]


def end_of(folder: RunFolder) -> dict[str, Any]:
    """All that a finished run has written, but for times."""
    tree = folder.load("checkpoint")
    tree["validation"]["rows"] = [[row[0], *row[2:]] for row in tree["validation"]["rows"]]
    tree["logged"] = {tag: value for tag, value, _ in tree["logged"] if not tag.startswith("time/")}
    rows = (folder.path / "evaluations.csv").read_text(encoding="utf-8").splitlines()
    table = [[cell for k, cell in enumerate(row.split(",")) if k != 1] for row in rows]
    return {"checkpoint": tree, "best": folder.load("best"), "evaluations": table, "curves": curves(folder.path)}


def curves(folder: Path) -> dict[str, list[list[float]]]:
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    return {
        tag: [[event.step, event.value] for event in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
        if not tag.startswith("time/")
    }


@pytest.mark.slow
@pytest.mark.parametrize("setup", SETUPS)
def test_a_run_killed_and_resumed_ends_as_the_one_that_was_not(setup: str, tmp_path: Path) -> None:
    run = run_of(setup)
    whole = end_of(trained(RunFolder.create(tmp_path / "whole", run)))
    parts = end_of(trained(RunFolder.create(tmp_path / "parts", run), 110))
    assert whole["checkpoint"]["timesteps"] >= run.total_timesteps
    assert differences(whole, parts) == []


def seeded_by_counting(patch: pytest.MonkeyPatch) -> None:
    """Seeds are made as version 0.1.0 made them at first: firm i and its worlds by seed + i, all else by the seed."""
    patch.setattr("thinmargin_agents.sb3.vec_env.seeds_of", lambda seed, _, count: [seed + k for k in range(count)])
    patch.setattr("thinmargin_agents.sb3.vec_env.sequence", lambda seed, _: seed)
    patch.setattr("thinmargin_agents.sb3.algorithms.seeds_of", lambda seed, _, **__: [seed])


@pytest.mark.slow
@pytest.mark.parametrize("setup", ["ppo", "sac", "dqn"])
def test_a_run_begun_with_seeds_that_counted_up_ends_as_it_would_have(
    setup: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of(setup)
    folders = [RunFolder.create(tmp_path / name, run) for name in ("whole", "parts", "now")]
    with monkeypatch.context() as before:
        seeded_by_counting(before)
        whole = end_of(trained(folders[0]))
        with pytest.raises(KilledError):
            train(run, folders[1], shown=False, report=killed_after(110))
    assert train(folders[1].run(), folders[1], shown=False, resume=True, report=ignored) is not None
    assert differences(whole, end_of(folders[1])) == []
    assert differences(whole, end_of(trained(folders[2]))) != [], "the seeds of today are others"


def test_a_run_begun_with_seeds_that_counted_up_and_killed_before_a_checkpoint_is_that_of_today(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of("ppo")
    folders = [RunFolder.create(tmp_path / name, run) for name in ("killed", "now")]
    with monkeypatch.context() as before:
        seeded_by_counting(before)
        with pytest.raises(KilledError):
            train(run, folders[0], shown=False, report=killed_after(1))
    folders[0].delete("checkpoint")
    assert train(run, folders[0], shown=False, resume=True, report=ignored) is not None
    assert differences(end_of(trained(folders[1])), end_of(folders[0])) == []


@pytest.mark.slow
def test_a_run_killed_in_its_first_update_and_in_its_last_ends_as_the_one_that_was_not(tmp_path: Path) -> None:
    run = run_of("ppo")
    whole = end_of(trained(RunFolder.create(tmp_path / "whole", run)))
    parts = end_of(trained(RunFolder.create(tmp_path / "parts", run), 1, 1, 48, 240))
    assert differences(whole, parts) == []


def test_files_of_curves_are_in_the_order_in_which_they_were_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([5.2, 5.3, 5.9, 6.0])
    monkeypatch.setattr(trainer.time, "time", lambda: next(clock))
    monkeypatch.setattr(trainer.time, "sleep", lambda _: None)
    (tmp_path / "events.out.tfevents.0000000005.host.99.0").write_bytes(b"")
    trainer.wait_for_a_new_second(tmp_path)
    assert not list(clock)


def command_of(run: Run, logs: Path, preset: Path) -> list[str]:
    """The command line of the run."""
    preset.write_text(json.dumps({"default": run.hyperparameters}), encoding="utf-8")
    return [
        "--algo", run.algo, "--preset", str(preset), "--env-kwargs", f"horizon={HORIZON}", "--seed", str(run.seed),
        "--eval-freq", str(run.eval_freq), "--save-freq", str(run.save_freq), "--n-eval-episodes",
        str(run.n_eval_episodes), "--log-folder", str(logs), "--no-progress",
    ]  # fmt: skip


def hash_of(folder: Path) -> str:
    """Of the weights a run ended with."""
    weights = RunFolder(folder).load("checkpoint")["parameters"]["policy"]
    return hashlib.sha256(b"".join(name.encode() + weights[name].tobytes() for name in sorted(weights))).hexdigest()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills are of forked processes")
def test_runs_killed_by_the_system_at_any_moment_end_as_those_that_were_not(tmp_path: Path) -> None:
    jobs = [
        {
            "arguments": command_of(run, tmp_path / f"{setup}_{kills}", tmp_path / f"{setup}.yml"),
            "kills": kills,
            "seed": 8,
        }
        for setup, run in ((setup, run_of(setup, eval_freq=72, save_freq=48)) for setup in ("ppo", "sac"))
        for kills in (0, 8)
    ]
    program = Path(__file__).parents[2] / "killing.py"
    done = subprocess.run(  # noqa: S603  # the program stands beside this one
        [sys.executable, str(program)], input=json.dumps(jobs), capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    for whole, parts in (found[:2], found[2:]):
        assert [status for _, status, _ in whole["ended"]] == [0]
        *killed, end = [status for _, status, _ in parts["ended"]]
        assert killed == [-signal.SIGKILL] * len(killed)
        assert len(killed) >= 6
        assert end == 0
        left = [spares for _, _, spares in parts["ended"]]
        assert max(left) == 1  # a kill leaves what it was writing
        assert left[-1] == 0  # and the resumed run clears it away
        assert hash_of(Path(whole["folder"])) == hash_of(Path(parts["folder"]))
        assert differences(end_of(RunFolder(Path(whole["folder"]))), end_of(RunFolder(Path(parts["folder"])))) == []


@pytest.mark.slow
def test_the_command_resumes_a_run_that_another_process_began(tmp_path: Path) -> None:
    run = run_of("ppo")
    whole = trained(RunFolder.create(tmp_path / "whole", run))
    folder = RunFolder.create(tmp_path / "parts", run)
    with pytest.raises(KilledError):
        train(run, folder, shown=False, report=killed_after(110))
    program = str(Path(__file__).parents[3] / "train.py")
    done = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, program, "--resume", str(folder.path), "--no-progress"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "done: " in done.stdout
    assert hash_of(folder.path) == hash_of(whole.path)
    assert differences(end_of(whole), end_of(folder)) == []
