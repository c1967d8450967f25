"""Work in several processes: its order, and what is said where one of them is killed."""

from __future__ import annotations

import importlib
import multiprocessing
import re
import time
from functools import partial
from pathlib import Path

import pytest
from tests.agents.cli.dying import die
from tests.messages import lacks, naming
from tests.waiting import HANG, wait_until

from thinmargin_agents.cli.errors import LostProcessError
from thinmargin_agents.cli.processes import in_processes, run_all


def assert_none_is_left() -> None:
    wait_until(lambda: not multiprocessing.active_children(), "the processes end")


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_the_order_of_the_work_and_each_is_counted(processes: int) -> None:
    done: list[None] = []
    assert run_all([partial(abs, -number) for number in range(5)], processes, lambda: done.append(None)) == [*range(5)]
    assert len(done) == 5
    assert in_processes(abs, [-3, 2, -1], processes) == [3, 2, 1]
    assert run_all([], processes) == []


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_of_the_work_is_told_as_it_is(processes: int) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        in_processes(int, ["1", "x", "3"], processes)
    assert_none_is_left()


def test_a_killed_process_is_told_with_the_flag_and_ends_the_others() -> None:
    with pytest.raises(LostProcessError, match=naming("--processes is 3", "memory", "fewer")):
        run_all([partial(die), partial(time.sleep, HANG), partial(time.sleep, HANG)], 3)
    assert_none_is_left()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("room", "work", "flags"),
    [
        ("mechanisms", "results.anchor", ["--quick", "--rows", "8"]),
        ("phase_map", "results.solve", ["--quick", "--map", "services"]),
        ("foresight", "improvement.improve", ["--n-worlds", "2", "--evaluations", "32", "--output", "plans.npz"]),
        ("audit", "plan_players.play_plans", ["--n-worlds", "2", "--only", "adversary"]),
    ],
)
def test_a_command_whose_process_is_killed_says_so_in_a_sentence(
    room: str,
    work: str,
    flags: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = importlib.import_module(f"thinmargin_agents.{room}.__main__")
    assert re.search(r" 1: [^;]*killed", " ".join(command.main.__doc__.split()))  # the exit status is documented
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(f"thinmargin_agents.{room}.{work}", die)
    assert command.main([*flags, "--processes", "2"]) == 1
    told = capsys.readouterr().err
    assert not lacks(told, f"thinmargin_agents.{room}: --processes is 2", "ended before its work was done")
    assert "Traceback" not in told
    assert_none_is_left()
    assert list(tmp_path.iterdir()) == []
