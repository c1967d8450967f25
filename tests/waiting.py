"""Waiting for what another process or thread does: until it is done, however busy the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")

HANG = 600.0
"""Seconds after which a test is taken to hang: far beyond what the slowest machine needs."""


def wait_until(condition: Callable[[], Answer], what: str) -> Answer:
    """The first answer that is true; after HANG seconds without one, a failure that says what was waited for."""
    end = time.monotonic() + HANG
    while not (answer := condition()):
        assert time.monotonic() < end, f"{what}: not within {HANG:g} s"
        time.sleep(0.01)
    return answer
