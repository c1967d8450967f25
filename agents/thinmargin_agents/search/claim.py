"""The claim that keeps a study to one search at a time.

While a search runs, its study holds the process that runs it and the time of its last sign of life. A search that was
killed cannot remove its claim, so a claim that is old, or whose process is gone from this machine, is void.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from typing import Any

from optuna import Study

from thinmargin import spares
from thinmargin.shown import plain, shown
from thinmargin_agents.config.errors import ConfigError

ATTRIBUTE = "search claimed by"
BEAT = 10.0
"""Seconds between two signs of life."""
GRACE = 60.0
"""Seconds without one after which a search counts as dead."""


class TakenOverError(OSError):
    """Another search considered this one dead and goes on with its study."""


class Claim:
    """The right to search a study.

    Raises:
        ConfigError: another search lives.
    """

    def __init__(self, study: Study) -> None:
        self._study = study
        self._identity = {"token": uuid.uuid4().hex, "host": socket.gethostname(), "pid": os.getpid()}
        self._last = 0.0
        other = study.user_attrs.get(ATTRIBUTE)
        if other is not None and is_alive(other):
            raise ConfigError(
                f"--study-name is {shown(study.study_name)}: process {other['pid']} on {other['host']} searches it now;"
                " wait for its end, or name another study"
            )
        self._write()

    def renew(self) -> None:
        """Give a sign of life if it is time for one; a TakenOverError if another search has the study now."""
        if time.monotonic() - self._last < BEAT:
            return
        other = self._study.user_attrs.get(ATTRIBUTE) or {}
        if other.get("token") != self._identity["token"]:
            raise TakenOverError(
                f"study {shown(self._study.study_name)}: process {plain(other.get('pid'))} on"
                f" {plain(other.get('host'))} took over, as this one gave no sign of life for {GRACE:g} seconds"
            )
        self._write()

    def is_held(self) -> bool:
        """Whether no other search has taken over."""
        return (self._study.user_attrs.get(ATTRIBUTE) or {}).get("token") == self._identity["token"]

    def release(self) -> None:
        """Leave the study to the next search."""
        self._study.set_user_attr(ATTRIBUTE, None)

    def _write(self) -> None:
        self._study.set_user_attr(ATTRIBUTE, {**self._identity, "at": time.time()})
        self._last = time.monotonic()


def is_alive(claim: dict[str, Any]) -> bool:
    """Whether the search that wrote this still runs, as far as can be seen from here."""
    if time.time() - float(claim["at"]) > GRACE:
        return False
    return claim["host"] != socket.gethostname() or spares.is_alive(int(claim["pid"]))
