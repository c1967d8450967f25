from __future__ import annotations

import signal
import threading
import time
from contextlib import nullcontext as does_not_raise
from types import SimpleNamespace

import pytest

from thinmargin_agents.play.time_limit import Clock, OutOfTime

can_interrupt = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timers here")


def wait_for_ever() -> None:
    while True:
        time.sleep(0.01)


def stubborn() -> None:
    """Catch whatever comes, twice."""
    caught = 0
    while caught < 2:
        try:
            wait_for_ever()
        except BaseException:  # noqa: BLE001  # a policy that swallows everything is what is tested
            caught += 1
    wait_for_ever()


@can_interrupt
def test_code_that_never_returns_is_broken_off() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with (
        pytest.raises(OutOfTime, match=r"the time limit of 0\.05 seconds is over"),
        Clock(0.05) as clock,
        clock.policy_code(),
    ):
        wait_for_ever()
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0.0


@can_interrupt
def test_code_that_catches_everything_is_interrupted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thinmargin_agents.play.time_limit.AGAIN", 0.02)
    with pytest.raises(OutOfTime), Clock(0.02) as clock, clock.policy_code():
        stubborn()


@can_interrupt
def test_our_own_code_is_not_interrupted() -> None:
    with Clock(0.02) as clock:
        time.sleep(0.06)
        with pytest.raises(OutOfTime), clock.policy_code():
            pass  # the policy's next answer comes too late


def test_time_goes_on_when_the_clock_is_entered_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("thinmargin_agents.play.time_limit.time", SimpleNamespace(monotonic=lambda: now))
    clock = Clock(100.0)
    with clock, clock.policy_code():
        now += 60.0
    now += 1000.0  # not counted
    with clock, clock.policy_code():
        now += 39.0
    with pytest.raises(OutOfTime), clock, clock.policy_code():
        now += 2.0


def test_in_another_thread_a_late_answer_is_noticed() -> None:
    noticed = []

    def play() -> None:
        try:
            with Clock(0.02) as clock, clock.policy_code():
                time.sleep(0.05)
        except OutOfTime as error:
            noticed.append(str(error))

    thread = threading.Thread(target=play)
    thread.start()
    thread.join()
    assert noticed == ["the time limit of 0.02 seconds is over"]


def test_without_a_limit_nothing_is_over() -> None:
    with does_not_raise(), Clock() as clock, clock.policy_code():
        time.sleep(0.001)
