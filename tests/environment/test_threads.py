"""Threads share the rows of a batch: results are the same bit for bit, whatever happens to the process."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest

from thinmargin import threads
from thinmargin.families import FAMILY_TABLE
from thinmargin.threads import Team, available_threads, check_threads, parts
from thinmargin.vector import EcosystemVectorEnv

Bits = Callable[[Any], Any]


@pytest.fixture
def many_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if this process might use sixteen."""
    monkeypatch.setattr(threads, "available_threads", lambda: 16)


def played(count: int, size: int = 13, months: int = 25, **settings: Any) -> list[Any]:
    envs = EcosystemVectorEnv(size, horizon=9, num_threads=count, **settings)
    actions = np.random.default_rng(0).uniform(-1, 1, (months, size, 4))
    results = [envs.reset(seed=0), *map(envs.step, actions)]
    envs.close()
    return results


@pytest.mark.parametrize("worlds", FAMILY_TABLE)
@pytest.mark.usefixtures("many_processors")
def test_any_number_of_threads_gives_the_same_bits(worlds: str, bits: Bits) -> None:
    alone = bits(played(1, worlds=worlds))
    for count in (2, 3, 16):
        assert bits(played(count, worlds=worlds)) == alone


@pytest.mark.usefixtures("many_processors")
def test_worlds_with_tables_and_shaped_rewards_are_shared_too(bits: Bits) -> None:
    world = EcosystemVectorEnv(1)._family.draw(3, 9)
    results = []
    for count in (1, 4):
        envs = EcosystemVectorEnv(6, horizon=9, reward="shaped", num_threads=count)
        first = envs.reset(seed=0, options={"world": [world, 4, world, 5, 6, world]})
        results.append(bits([first, *(envs.step(np.full((6, 4), 0.1)) for _ in range(12)), envs.get_state()]))
        envs.close()
    assert results[0] == results[1]


@pytest.mark.usefixtures("many_processors")
@pytest.mark.parametrize("again", [copy.deepcopy, lambda envs: pickle.loads(pickle.dumps(envs))])  # noqa: S301  # our own
def test_a_copy_has_threads_of_its_own(again: Callable[[Any], Any], bits: Bits) -> None:
    envs = EcosystemVectorEnv(8, num_threads=3)
    envs.reset(seed=0)
    envs.step(np.zeros((8, 4)))
    other = again(envs)
    envs.close()
    assert bits(other.step(np.zeros((8, 4)))) == bits(envs.step(np.zeros((8, 4)))), "closing ends no episode"
    for one in (envs, other):
        one.close()


def test_a_forked_process_steps_as_well(fresh_python: Callable[..., str]) -> None:
    if not hasattr(os, "fork") or available_threads() < 2:
        pytest.skip("this system has no fork, or one processor")
    program = """
import os, sys, warnings
import numpy as np
from thinmargin.vector import EcosystemVectorEnv
envs = EcosystemVectorEnv(8, num_threads=2)
envs.reset(seed=0)
envs.step(np.zeros((8, 4)))
warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of forks beside threads
child = os.fork()
rewards = envs.step(np.zeros((8, 4)))[1]
if child == 0:
    print(rewards.tolist(), flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(rewards.tolist())
"""
    first, second = fresh_python(program).splitlines()
    assert first == second


def test_gymnasium_makes_them(bits: Bits) -> None:
    most = available_threads()
    results = []
    for count in (1, most):
        envs = gymnasium.make_vec("thinmargin:ThinMargin/Ecosystem-v1", num_envs=5, num_threads=count)
        envs.reset(seed=0)
        results.append(bits(envs.step(np.zeros((5, 4), np.float32))))
        envs.close()
    assert results[0] == results[1]


@pytest.mark.parametrize("count", [0, -1, 10**9])
def test_threads_that_there_are_not_are_refused_with_what_there_is(count: int) -> None:
    with pytest.raises(ValueError, match=rf"num_threads is {count}: allowed are 1 to {available_threads()}, the proc"):
        EcosystemVectorEnv(2, num_threads=count)


@pytest.mark.parametrize("count", [True, 1.0, "2", None])
def test_what_is_no_number_of_threads_is_refused(count: Any) -> None:
    with pytest.raises(TypeError, match=r"num_threads is .*: must be a whole number from 1 to \d+"):
        check_threads(count)


def test_rows_are_shared_evenly_and_in_order() -> None:
    for size in (1, 2, 7, 100):
        for count in (1, 2, 3, 16):
            shared = parts(size, count)
            rows = [row for part in shared for row in range(size)[part]]
            lengths = [part.stop - part.start for part in shared]
            assert rows == list(range(size))
            assert len(shared) == min(size, count)
            assert max(lengths) - min(lengths) <= 1


def test_work_that_fails_is_told_after_all_others_are_done() -> None:
    done = []

    def fails() -> None:
        raise ArithmeticError("a thread")

    team = Team(3)
    with pytest.raises(ArithmeticError, match="a thread"):
        team.run([lambda: done.append(1), fails, lambda: done.append(2)])
    with pytest.raises(ArithmeticError, match="a thread"):
        team.run([fails, lambda: done.append(3), lambda: done.append(4)])
    assert sorted(done) == [1, 2, 3, 4]
    team.close()
    team.run([lambda: done.append(5), lambda: done.append(6)])
    assert len(done) == 6
    team.close()


def test_an_interrupted_step_leaves_nothing_behind_for_the_next_one() -> None:
    program = """
import signal, threading, time
from thinmargin.threads import Team

team, done = Team(2), []
slow = threading.Event()

def late():
    slow.wait()
    time.sleep(0.2)
    done.append("late")

def interrupted():
    threading.Timer(0.2, signal.raise_signal, (signal.SIGINT,)).start()
    threading.Timer(0.4, slow.set).start()

try:
    team.run([interrupted, late])
except KeyboardInterrupt:
    assert done == ["late"], "nobody is at work any more"
else:
    raise AssertionError("it was not interrupted")
for k in range(3):
    team.run([lambda: done.append(k), lambda: (time.sleep(0.05), done.append(-k))])
    assert sorted(done[-2:]) == sorted([k, -k]), "all is done when it returns"
print("whole")
"""
    done = subprocess.run(  # noqa: S603  # our own interpreter and our own code
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == "whole", done.stderr
