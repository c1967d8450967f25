"""A run that is stopped or killed and resumed is the run that was never stopped, bit for bit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.small_runs import (
    HORIZON,
    SETUPS,
    KilledError,
    differences,
    end_of,
    hash_of,
    ignored,
    killed_after,
    run_of,
    trained,
)

from thinmargin_agents.config.run import Run
from thinmargin_agents.runs.folder import RunFolder
from thinmargin_agents.training import trainer
from thinmargin_agents.training.trainer import train

pytestmark = pytest.mark.usefixtures("small_and_quick")


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
