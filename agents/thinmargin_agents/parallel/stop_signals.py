"""Ctrl-C for several seeds: the first asks all of them to stop, the second stops at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""Ctrl-C, and what schedulers send before they kill."""


class Stop:
    """Inside, the first signal sets `asked` and the second raises KeyboardInterrupt.

    Args:
        notify: called with a message at the first signal.
    """

    def __init__(self, notify: Callable[[str], None]) -> None:
        self.asked = False
        self._notify = notify
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        """Take the signals; only the main thread of a process gets any."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._ask) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        """Give them back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, _: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        again = "Ctrl-C again" if number == signal.SIGINT else "a second signal"
        self._notify(f"stopping every seed after its update ({again} stops at once) ...")
