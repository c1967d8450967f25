"""Several seeds at once: each as if trained alone, none harmed by another, all stopped by one Ctrl-C."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import re
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from tests.messages import lacks, said

from thinmargin_agents import train
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.run import Run
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.monitoring.judgement import Judgement
from thinmargin_agents.parallel import processes
from thinmargin_agents.parallel.jobs import SeedEnd, SeedJob
from thinmargin_agents.parallel.progress import SeedsProgress
from thinmargin_agents.parallel.stop_signals import Stop
from thinmargin_agents.runs.folder import RunFolder
from thinmargin_agents.training import trainer
from thinmargin_agents.training.callbacks.progress import Step

pytestmark = pytest.mark.usefixtures("quick_training")
SMALL = [
    "--total-timesteps", "1440", "--n-envs", "8", "--eval-freq", "1440", "--save-freq", "480", "--n-eval-episodes", "2",
    "--no-progress", "--env-kwargs", "horizon=24", "--hyperparams", "paired_worlds=1", "n_steps=24", "batch_size=48",
    "n_epochs=1", "policy_kwargs.net_arch=[8]",
]  # fmt: skip
JUDGEMENT = Judgement(
    J=212.4, profit_part=125.2, closing_part=87.2, bankrupt_share=0.01, saturation={}, difference=27.7, low=25.0,
    high=30.3,
)  # fmt: skip


def small_run(seed: int, timesteps: int = 1440) -> Run:
    return resolve(
        TrainConfig(
            total_timesteps=timesteps, n_envs=8, eval_freq=1440, save_freq=480, n_eval_episodes=2, seed=seed,
            env_kwargs=("horizon=24",),
            hyperparams=("paired_worlds=1", "n_steps=24", "batch_size=48", "n_epochs=1", "policy_kwargs.net_arch=[8]"),
        )
    )  # fmt: skip


def small_job(folder: Path, seed: int, timesteps: int = 1440) -> SeedJob:
    run = small_run(seed, timesteps)
    return SeedJob(run, RunFolder.create(folder, run).path)


def alone(tmp_path: Path, run: Run) -> RunFolder:
    """The run, trained in this process."""
    folder = RunFolder.create(tmp_path / "alone", run)
    trainer.train(run, folder, shown=False)
    return folder


def same_weights(one: RunFolder, other: RunFolder) -> bool:
    first, second = (folder.load("checkpoint")["parameters"]["policy"] for folder in (one, other))
    assert len(first) == len(second) > 0
    return all(np.array_equal(first[name], second[name]) for name in second)


def child() -> int:
    """The process of the one seed that is trained now."""
    (process,) = multiprocessing.active_children()
    assert process.pid is not None
    return process.pid


@pytest.mark.slow
def test_seeds_are_trained_as_if_alone_and_one_that_fails_harms_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    begins, steps = SeedsProgress.begins, SeedsProgress.steps
    pids: list[int] = []
    surroundings: list[str] = []

    def note(self: SeedsProgress, number: int, where: str) -> None:
        begins(self, number, where)
        pids.append(int(where.removeprefix("process ")))

    def kill_the_second(self: SeedsProgress, number: int, step: Step) -> None:
        steps(self, number, step)
        if number == 1 and not surroundings:
            if Path("/proc/self/environ").exists():
                surroundings.extend(Path(f"/proc/{pids[1]}/environ").read_bytes().decode().split("\0"))
                assert "OMP_NUM_THREADS=1" in surroundings
            os.kill(pids[1], signal.SIGKILL)

    monkeypatch.setattr(SeedsProgress, "begins", note)
    monkeypatch.setattr(SeedsProgress, "steps", kill_the_second)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    events = tmp_path / "events"
    flags = ["--seeds", "3", "5", "6", "--n-jobs", "2", "--tensorboard-log", str(events), "-f", str(tmp_path), *SMALL]
    assert train.main(flags) == 1
    assert os.environ["OMP_NUM_THREADS"] == "3"
    captured = capsys.readouterr()
    output = captured.out
    folders = [tmp_path / "ppo" / f"Ecosystem-v1_{number}" for number in (1, 2, 3)]
    assert [RunFolder.open(folder).run().seed for folder in folders] == [3, 5, 6]
    for seed, folder in ((3, folders[0]), (6, folders[2])):
        assert same_weights(RunFolder(folder), alone(tmp_path, small_run(seed)))
        assert list((events / "ppo" / folder.name).glob("events.out.tfevents.*"))
        assert re.search(rf"seed {seed}:\s+1,536 months", output)
        assert f"seed {seed}: done: " in output
    assert not same_weights(RunFolder(folders[0]), RunFolder(folders[2]))
    assert "seed 5: failed: its process was killed by SIGKILL" in output
    assert "seed 5 failed" in captured.err
    assert "of 2 seeds" in output
    judge = f"python evaluate.py {folders[0]},{folders[2]} --env-kwargs horizon=24"
    assert f"next: {judge}    tensorboard --logdir {events}\n" in output
    assert f"  python train.py --resume {folders[1]}\n" in output
    assert re.search(r"[\d,]+ months in \d+ s: [\d,]+ months/s over all seeds", output)


@pytest.mark.slow
def test_ctrl_c_stops_every_seed_with_a_checkpoint_that_resumes_bit_for_bit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    begins = SeedsProgress.begins

    def press(self: SeedsProgress, number: int, where: str) -> None:
        begins(self, number, where)
        os.kill(child(), signal.SIGINT)  # a terminal tells all of its processes
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(SeedsProgress, "begins", press)
    flags = ["--seeds", "1", "2", "--n-jobs", "1", "-f", str(tmp_path), *SMALL]
    assert train.main(flags) == 130
    output = capsys.readouterr().out
    first, second = (RunFolder(tmp_path / "ppo" / f"Ecosystem-v1_{number}") for number in (1, 2))
    assert first.load("checkpoint")["timesteps"] == 192
    assert not second.has("checkpoint")
    assert not lacks(output, "stopping every seed", "Ctrl-C again")
    assert "seed 1: stopped" in output
    assert (
        f"resume with:\n  python train.py --resume {first.path}\n  python train.py --resume {second.path}\n" in output
    )
    assert not multiprocessing.active_children()
    monkeypatch.setattr(SeedsProgress, "begins", begins)
    assert train.main(["--resume", str(first.path), str(second.path), "--n-jobs", "2", "--no-progress"]) == 0
    assert f"next: python evaluate.py {first.path},{second.path}" in capsys.readouterr().out
    for seed, folder in ((1, first), (2, second)):
        assert same_weights(folder, alone(tmp_path, small_run(seed)))


@pytest.mark.parametrize(("seeds", "joined"), [((3, 3), False), ((3, 4), True)])
def test_resumed_runs_of_one_seed_have_names_of_their_own(
    seeds: tuple[int, int], joined: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    paths = [str(small_job(tmp_path / name, seed).path) for name, seed in zip("ab", seeds, strict=True)]
    seen: list[str] = []

    def ended(jobs: Sequence[SeedJob], *_: object, **__: object) -> list[SeedEnd]:
        seen.extend(job.name for job in jobs)
        return [SeedEnd(JUDGEMENT) for _ in jobs]

    monkeypatch.setattr(processes, "train_in_processes", ended)
    assert train.main(["--resume", *paths, "--no-progress"]) == 0
    assert seen == (["seed 3", "seed 4"] if joined else [f"seed 3 in {path}" for path in paths])
    printed = said(capsys)
    assert f"evaluate.py {(',' if joined else ' ').join(paths)}" in printed


def test_runs_that_cannot_be_resumed_together_are_named_and_nothing_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "train_in_processes", lambda *_, **__: pytest.fail("it trains"))
    one = str(small_job(tmp_path, 1).path)
    for flags, words in (
        ([one, str(tmp_path / "none")], (str(tmp_path / "none"), "no such run folder")),
        ([one, f"{one}/../{Path(one).name}"], ("--resume has", "more than once")),
        ([one, one + "_", "--seed", "3"], ("--resume", "own settings", "--n-jobs")),
    ):
        assert train.main(["--resume", *flags]) == 2
        assert not lacks(capsys.readouterr().err, *words)


@pytest.mark.slow
def test_a_second_ctrl_c_stops_at_once_and_keeps_the_last_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def press_twice(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(SeedsProgress, "steps", press_twice)
    flags = ["--seeds", "1", "-f", str(tmp_path), "--total-timesteps", "1000000", *SMALL[2:]]
    assert train.main(flags) == 130
    folder = tmp_path / "ppo" / "Ecosystem-v1_1"
    assert f"python train.py --resume {folder}\n" in capsys.readouterr().out
    assert RunFolder(folder).load("checkpoint")["timesteps"] < 1000000
    assert not multiprocessing.active_children()


def test_a_seed_whose_parent_is_gone_stops_with_a_checkpoint(tmp_path: Path) -> None:
    job = small_job(tmp_path, 1, 1_000_000)
    here, there = multiprocessing.Pipe()
    here.close()
    processes._child(job, there)
    there.close()
    assert 0 < RunFolder(job.path).load("checkpoint")["timesteps"] < 1_000_000


def test_an_unforeseen_error_of_a_seed_is_reported_with_its_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("of our own making")

    monkeypatch.setattr(trainer, "train", broken)
    here, there = multiprocessing.Pipe()
    processes._child(small_job(tmp_path, 1), there)
    end = here.recv()
    here.close()
    there.close()
    assert end.judgement is None
    assert "ZeroDivisionError: of our own making" in end.error
    assert "Traceback" in end.error


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--seeds", "1", "2", "1"], "--seeds has 1 more than once"),
        (["--seeds", "0", "-1"], "--seeds has -1: allowed are 0 to 2147483647"),
        (["--seeds", "1", "2147483648"], "--seeds has 2147483648: allowed are 0 to 2147483647"),
        (["--seeds", "1", "2", "--seed", "3"], "--seed is 3 and --seeds are given too"),
        (["--seeds", "1", "2", "--n-jobs", "0"], "--n-jobs is 0: allowed are 1 to"),
        (["--seeds", "1", "2", "--ray-address", "auto"], "--ray-address is 'auto': it needs --engine ray"),
        (
            ["--seeds", "1", "2", "--resume", "somewhere"],
            "--seeds, --log-folder with --resume: a run keeps",
        ),
        (["--seeds", "1", "2", "--hyperparams", "n_steps=7"], "hyper-parameter n_steps is 7"),
        (["--seeds", "1", "2", "--env", "ThinMargin/PriceWar-v1"], "never trained on"),
        (["--seeds", "1", "2", "--preset", "absent.yml"], "--preset is 'absent.yml'"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_anything_begins(
    flags: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status([*flags, "-f", str(tmp_path / "logs")]) == 2
    errors = " ".join(capsys.readouterr().err.split())  # some errors are folded into a box
    assert words in errors
    assert not (tmp_path / "logs").exists()


def status(flags: list[str]) -> int | str | None:
    try:
        return train.main(flags)
    except SystemExit as end:
        return end.code


def test_a_negative_seed_and_an_unknown_engine_are_refused_from_python_too() -> None:
    with pytest.raises(ConfigError, match="--seeds has -1: allowed are 0 to"):
        TrainConfig(seeds=(0, -1))
    engine: Any = "slurm"
    with pytest.raises(ConfigError, match="--engine is 'slurm': allowed are local, ray"):
        TrainConfig(engine=engine)


def test_bars_show_every_seed_that_runs_and_all_of_them(tmp_path: Path) -> None:
    jobs = [small_job(tmp_path, seed) for seed in (7, 8, 9)]
    console = Console(record=True, force_terminal=True, width=200, file=(tmp_path / "screen").open("w"))
    with console.file, SeedsProgress(jobs, console, bars=True) as progress:
        progress.begins(0, "process 11")
        progress.begins(1, "process 12")
        progress.steps(0, Step(480, None))
        progress.steps(0, Step(960, JUDGEMENT))
        progress.ends(1, SeedEnd(error="no room"))
        bars = "\n".join(str(task.description) for task in progress._progress.tasks if task.visible)
        progress._progress.refresh()
    shown = console.export_text()
    assert bars == "all\nseed 7"
    assert "seed 8: failed: no room" in shown
    assert re.search(r"all .* 960/4320 .* 1 of 3 seeds ended, 1 waiting", shown)
    assert re.search(r"seed 7 .* 960/1440 .* J 212\.4 bn \(\+27\.7 over the baseline\)", shown)
    assert progress.months == 960


def test_a_seed_is_scored_as_its_best_evaluation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    progress = SeedsProgress([small_job(tmp_path, 7)], Console(width=200), bars=True)
    progress.begins(0, "process 11")
    assert progress.score(0) is None
    for months, value, score in ((480, 213.0, 45.1), (960, 214.0, 46.2), (1440, 200.0, 31.0)):
        progress.steps(0, Step(months, dataclasses.replace(JUDGEMENT, J=value, score=score)))
    assert progress.score(0) == 46.2
    assert re.search(r"seed 7:\s+960 months\s+score\s+46\.2\s+J\s+214\.0", capsys.readouterr().out)


def test_a_seed_whose_beginning_was_not_reported_is_shown_too(tmp_path: Path) -> None:
    progress = SeedsProgress([small_job(tmp_path, 7)], Console(quiet=True), bars=False)
    progress.steps(0, Step(480, None))
    progress.ends(0, SeedEnd())
    assert progress.months == 480


def test_the_first_signal_asks_and_the_second_interrupts() -> None:
    messages: list[str] = []
    before = signal.getsignal(signal.SIGTERM)
    with Stop(messages.append) as stop:
        assert not stop.asked
        signal.raise_signal(signal.SIGTERM)
        assert stop.asked
        assert len(messages) == 1
        assert "a second signal stops at once" in messages[0]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) is before
