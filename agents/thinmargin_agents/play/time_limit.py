"""A time limit for policies: one that never answers must not cost the others their results.

Where the system has interval timers, and in the main thread, code of the policy is interrupted when time is
up; elsewhere a policy is stopped when it next answers. Compiled code that never returns to Python cannot be
interrupted.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

AGAIN = 1.0
"""Seconds after which a policy that caught the interruption is interrupted again."""
LONGEST = 1e8
"""Seconds a system's timer can surely count, three years."""


class OutOfTime(BaseException):
    """The policy's time is over; the message says how much it had.

    It is no Exception, so that a policy that catches all of those does not catch it.
    """


class Clock:
    """A policy's time, counted while the clock is entered; it may be entered again.

    Args:
        seconds: how much time there is; infinity by default.
    """

    def __init__(self, seconds: float = math.inf) -> None:
        self._seconds = seconds
        self._left = seconds
        self._end = math.inf
        self._in_policy = False
        self._before: Any = signal.SIG_DFL
        self._armed = False

    def __enter__(self) -> Self:
        """Start counting."""
        self._end = time.monotonic() + self._left
        if _can_interrupt():
            self._before = signal.signal(signal.SIGALRM, self._interrupt) or signal.SIG_DFL
            self._armed = True
            signal.setitimer(signal.ITIMER_REAL, min(max(self._left, AGAIN / 1e3), LONGEST), AGAIN)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop counting."""
        if self._armed:
            self._armed = False
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, self._before)
        self._left = self._end - time.monotonic()

    @contextmanager
    def policy_code(self) -> Iterator[None]:
        """Code of the policy runs inside; OutOfTime is raised in it, or at its end, when time is over."""
        self._in_policy = True
        try:
            yield
        finally:
            self._in_policy = False
        self._check()

    def _interrupt(self, *_: object) -> None:
        if self._in_policy:
            self._check()

    def _check(self) -> None:
        if time.monotonic() >= self._end:
            raise OutOfTime(f"the time limit of {self._seconds:g} seconds is over")


def _can_interrupt() -> bool:
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
