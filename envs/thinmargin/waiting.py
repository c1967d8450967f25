"""What is said while the equations are compiled, which takes a while after an installation and only then."""

from __future__ import annotations

import sys
from typing import Any, Self

from numba.core import event

COMPILING = "numba:compile"
"""Numba's name of the event that something is compiled that was not on disk."""
NOTE = (
    "thinmargin: compiling the equations for this machine, once per installation: fifteen to thirty seconds"
    " (thinmargin warm-up does it beforehand)"
)


def _is_ours(function: Any) -> bool:
    """Whether it is of this package; functions made by `exec` have no module."""
    return str(function.__module__).startswith("thinmargin.")


class Compilations(event.Listener):
    """Listens, inside a `with`, to what is compiled of this package.

    Attributes:
        names: functions that Python called and that were compiled for it, in their order.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self._depth = 0

    def on_start(self, event: Any) -> None:
        """Note what Python called; what that calls is compiled inside."""
        function = event.data["dispatcher"].py_func
        if _is_ours(function):
            if self._depth == 0:
                self.found(function.__qualname__)
            self._depth += 1

    def on_end(self, event: Any) -> None:
        """The end of what began last."""
        if _is_ours(event.data["dispatcher"].py_func):
            self._depth -= 1

    def found(self, name: str) -> None:
        """Something is being compiled."""
        self.names.append(name)

    def listen(self) -> None:
        """Listen from now on."""
        event.register(COMPILING, self)  # type: ignore[no-untyped-call]  # numba has no types

    def __enter__(self) -> Self:
        """Listen."""
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        """Listen no more."""
        event.unregister(COMPILING, self)  # type: ignore[no-untyped-call]


class Announcer(Compilations):
    """Says once, where somebody sits at a terminal, why the first step takes so long."""

    def found(self, name: str) -> None:
        """Say it before the first function is compiled."""
        if not self.names and sys.stderr is not None and sys.stderr.isatty():
            print(NOTE, file=sys.stderr, flush=True)  # noqa: T201  # somebody waits
        self.names.append(name)
