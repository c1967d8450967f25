"""Seeds on a Ray cluster: trained as if alone, even where a worker is killed; stopped by Ctrl-C; refused clearly."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.messages import lacks, naming, said

from thinmargin_agents import train
from thinmargin_agents.cli.versions import versions
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.run import Run
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.parallel import ray_tasks
from thinmargin_agents.parallel.jobs import SeedJob
from thinmargin_agents.parallel.progress import SeedsProgress
from thinmargin_agents.parallel.ray_session import answer_of, ray_session
from thinmargin_agents.parallel.seeds import train_seeds
from thinmargin_agents.runs.folder import RunFolder
from thinmargin_agents.runs.lock import locked
from thinmargin_agents.training import trainer
from thinmargin_agents.training.callbacks.progress import Step

SMALL = [
    "--total-timesteps", "1440", "--n-envs", "8", "--eval-freq", "960", "--save-freq", "480", "--n-eval-episodes", "2",
    "--no-progress", "--env-kwargs", "horizon=24", "--hyperparams", "paired_worlds=1", "n_steps=24", "batch_size=48",
    "n_epochs=1", "policy_kwargs.net_arch=[8]",
]  # fmt: skip
SAVED, JUDGED = 576, 960
"""Months at which a small run writes a checkpoint, and is judged later on."""


def small_run(seed: int) -> Run:
    return resolve(
        TrainConfig(
            total_timesteps=1440, n_envs=8, eval_freq=960, save_freq=480, n_eval_episodes=2, seed=seed,
            env_kwargs=("horizon=24",),
            hyperparams=("paired_worlds=1", "n_steps=24", "batch_size=48", "n_epochs=1", "policy_kwargs.net_arch=[8]"),
        )
    )  # fmt: skip


def need_ray() -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'thinmargin[cluster]'")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two machines of one processor each; both are this one."""
    need_ray()
    from ray.cluster_utils import Cluster  # noqa: PLC0415  # only where Ray is

    machine = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 100 << 20}
    two = Cluster(initialize_head=True, head_node_args=machine)
    two.add_node(num_cpus=1, object_store_memory=100 << 20)
    try:
        yield two
    finally:
        two.shutdown()


@pytest.mark.slow
def test_killed_workers_runs_resume_from_their_checkpoints_and_end_as_if_nothing_had_happened(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fates = {1: signal.SIGKILL, 2: signal.SIGTERM}
    log: list[tuple[int, int | str]] = []
    begins, steps = SeedsProgress.begins, SeedsProgress.steps

    class Deadly(ray_tasks.Exchange):
        """Kills a worker while it tells that its run has been judged."""

        def __init__(self) -> None:
            super().__init__()
            self.pids: dict[int, int] = {}
            self.fates = dict(fates)

        def begins(self, number: int, where: str, checkpoint: int) -> int:
            self.pids[number] = int(where.split()[1])
            return super().begins(number, where, checkpoint)

        def steps(self, number: int, timesteps: int, judgement: dict[str, Any] | None) -> bool:
            if judgement is not None and number in self.fates:
                os.kill(self.pids[number], self.fates.pop(number))
            return super().steps(number, timesteps, judgement)

    def note_begin(self: SeedsProgress, number: int, where: str) -> None:
        begins(self, number, where)
        log.append((number, where))

    def note_step(self: SeedsProgress, number: int, step: Step) -> None:
        steps(self, number, step)
        log.append((number, step.timesteps))

    monkeypatch.setattr(ray_tasks, "Exchange", Deadly)
    monkeypatch.setattr(ray_tasks, "PULSE", 0.05)
    monkeypatch.setattr(trainer, "FINAL_WORLDS", 2)
    monkeypatch.setattr(trainer, "can_draw", lambda: False)
    monkeypatch.setattr(SeedsProgress, "begins", note_begin)
    monkeypatch.setattr(SeedsProgress, "steps", note_step)
    flags = ["--seeds", "10", "11", "12", "13", "--engine", "ray", "--ray-address", cluster.address]
    assert train.main([*flags, "-f", str(tmp_path), *SMALL]) == 0
    output = capsys.readouterr().out
    for number, seed in enumerate((10, 11, 12, 13)):
        folder, whole = RunFolder.open(tmp_path / "ppo" / f"Ecosystem-v1_{number + 1}"), small_run(seed)
        alone = RunFolder.create(tmp_path / "alone", whole)
        trainer.train(whole, alone, shown=False)
        assert folder.run() == whole
        shared, single = (one.load("checkpoint")["parameters"]["policy"] for one in (folder, alone))
        assert all(np.array_equal(shared[name], single[name]) for name in single)
        assert f"seed {seed}: done: " in output
        again = f"seed {seed}: begins again, from its last checkpoint" in output
        assert again == (number in fates)
    assert not list(tmp_path.glob(".*"))
    for number, fate in fates.items():
        own = [what for who, what in log if who == number]
        first, second = (place for place, what in enumerate(own) if isinstance(what, str))
        assert own[first] != own[second] or fate == signal.SIGTERM  # Ray may use a worker again
        assert own[second - 1] == JUDGED
        assert int(own[second + 1]) > SAVED


@pytest.mark.slow
def test_the_process_of_the_exchange_may_be_lost(cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = tmp_path / "mark"

    class Mortal(ray_tasks.Exchange):
        def stopping(self) -> bool:
            if not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return super().stopping()

    monkeypatch.setattr(ray_tasks, "Exchange", Mortal)
    with ray_session(cluster.address, None) as ray:
        exchange = ray_tasks._begin_exchange(ray)
        assert ray.get(exchange.begins.remote(3, "there", 0)) == 1
        assert ray.get(exchange.stopping.remote()) is False
        assert mark.exists()
        assert ray.get(exchange.steps.remote(3, 480, None)) is False
        assert ray.get(exchange.news.remote()) == [(3, (480, None))]


@pytest.mark.slow
def test_a_task_that_waits_for_an_answer_keeps_its_processor(cluster: Any) -> None:
    class Room:
        """Counts who is in it, and takes its time to say so."""

        def __init__(self) -> None:
            self.inside = self.most = 0

        def enter(self) -> int:
            self.inside += 1
            self.most = max(self.most, self.inside)
            time.sleep(0.1)
            return self.most

        def leave(self) -> None:
            self.inside -= 1

    def visit(room: Any) -> None:
        for change in (room.enter, room.leave):
            answer_of(change.remote())

    with ray_session(cluster.address, None) as ray:
        room = ray.remote(num_cpus=0)(Room).remote()
        ray.get([ray.remote(num_cpus=1)(visit).remote(room) for _ in range(8)])
        assert ray.get(room.enter.remote()) <= 2


@pytest.mark.slow
def test_ctrl_c_stops_the_seeds_of_a_cluster_and_says_how_to_resume(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    begins, pressed = SeedsProgress.begins, []

    def press(self: SeedsProgress, number: int, where: str) -> None:
        begins(self, number, where)
        if not pressed:
            pressed.append(number)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(SeedsProgress, "begins", press)
    monkeypatch.setattr(ray_tasks, "PULSE", 0.05)
    flags = ["--seeds", "1", "2", "3", "4", "--engine", "ray", "--ray-address", cluster.address]
    assert train.main([*flags, "-f", str(tmp_path), *SMALL[2:], "--total-timesteps", "10000000"]) == 130
    output = capsys.readouterr().out
    folders = [RunFolder(tmp_path / "ppo" / f"Ecosystem-v1_{number}") for number in (1, 2, 3, 4)]
    assert 0 < folders[pressed[0]].load("checkpoint")["timesteps"] < 10_000_000
    assert not folders[3].has("checkpoint")
    for folder in folders:
        assert f"  python train.py --resume {folder.path}\n" in output
    assert "seed 4: stopped" in output


@pytest.mark.slow
def test_a_session_starts_a_cluster_of_this_machine_and_takes_it_down() -> None:
    need_ray()
    with ray_session(None, 2, threads=2) as ray:
        surroundings = ray.get(ray.remote(num_cpus=1)(lambda: dict(os.environ)).remote())
        assert ray.cluster_resources()["CPU"] == 2
        assert surroundings["OMP_NUM_THREADS"] == "2"
        assert surroundings["RAY_USAGE_STATS_ENABLED"] == "0"
        with pytest.raises(ConfigError, match="no cluster can be started here"), ray_session(None, 1):
            pass
    assert not ray.is_initialized()


@pytest.mark.slow
def test_more_threads_than_any_machine_has_processors_are_refused_and_nobody_waits(cluster: Any) -> None:
    message = naming("--num-threads", "99", "processors", "are 1")
    with pytest.raises(ConfigError, match=message), ray_session(cluster.address, None, threads=99):
        pass


def test_without_ray_the_missing_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert train.main(["--engine", "ray", "-f", str(tmp_path / "logs"), *SMALL]) == 2
    assert "pip install 'thinmargin[cluster]'" in capsys.readouterr().err
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize("address", ["nowhere", "ray://10.0.0.1:10001", "10.0.0.1:port", "10.0.0.1:99999", ":6379"])
def test_an_address_that_cannot_be_is_refused(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    need_ray()
    assert train.main(["--engine", "ray", "--ray-address", address, *SMALL]) == 2
    assert f"--ray-address is {address!r}" in capsys.readouterr().err


def test_an_address_where_nothing_answers_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    need_ray()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and deaf: nobody else can answer there meanwhile
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        flags = ["--engine", "ray", "--ray-address", address, "-f", str(tmp_path / "logs"), *SMALL]
        assert train.main(flags) == 2
    assert not lacks(said(capsys), "--ray-address", f"'{address}'", "nothing answers")
    assert not (tmp_path / "logs").exists()


def test_auto_that_stands_for_a_cluster_that_is_gone_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    need_ray()
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "ray_current_cluster").write_text("127.0.0.1:1", encoding="utf-8")
    assert train.main(["--engine", "ray", "--ray-address", "auto", *SMALL]) == 2
    assert not lacks(said(capsys), "--ray-address", "'auto'", "127.0.0.1:1", "nothing answers")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:2")
    assert train.main(["--engine", "ray", "--ray-address", "auto", *SMALL]) == 2
    assert not lacks(said(capsys), "127.0.0.1:2", "nothing answers")


def test_flags_that_a_cluster_decides_are_refused() -> None:
    with pytest.raises(ConfigError, match="--n-jobs is 3 and --ray-address 'auto'"):
        train_seeds(TrainConfig(engine="ray", ray_address="auto", n_jobs=3))


def order_of(folder: Path, token: Path, **changed: str) -> ray_tasks.Order:
    run = small_run(1)
    return ray_tasks.Order(0, SeedJob(run, RunFolder.create(folder, run).path), token, {**versions(), **changed})


def test_a_machine_that_does_not_see_the_log_folder_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_tasks, "SIGHT", 0.0)
    error = ray_tasks._unusable(order_of(tmp_path, tmp_path / "token"))
    assert error is not None
    assert not lacks(error, str(tmp_path), "--log-folder", "every machine")


def test_a_machine_with_other_libraries_says_so(tmp_path: Path) -> None:
    error = ray_tasks._unusable(order_of(tmp_path, tmp_path, numpy="0.1"))
    assert not lacks(error, f"numpy is {np.__version__}", "0.1")


def test_a_worker_waits_until_the_lost_process_has_let_go_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_tasks, "RELEASE", 60.0)
    token = tmp_path / "token"
    token.touch()
    order = order_of(tmp_path, token)
    held = contextlib.ExitStack()
    held.enter_context(locked(order.job.path))
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        held.close()

    monkeypatch.setattr(ray_tasks.time, "sleep", wait)
    assert ray_tasks._unusable(order) is None
    assert len(waits) == 1


@pytest.mark.slow
def test_the_exchange_counts_processes_lost_at_the_same_checkpoint_and_passes_stop_on() -> None:
    exchange = ray_tasks.Exchange()
    assert [exchange.begins(3, "there", 0) for _ in range(2)] == [1, 2]
    assert [exchange.begins(3, "there", 99) for _ in range(2)] == [1, 2]
    assert exchange.steps(3, 480, None) is False
    assert exchange.news() == [(3, "there")] * 4 + [(3, (480, None))]
    assert exchange.news() == []
    assert not exchange.stopping()
    assert exchange.stop() == [3]
    assert exchange.steps(3, 960, None) is True
    assert exchange.begins(4, "there", 0) == 0
    assert exchange.stopping()
