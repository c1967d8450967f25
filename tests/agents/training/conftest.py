"""Fixtures of tests that train."""

from __future__ import annotations

import itertools
import os
from types import SimpleNamespace

import pytest
from tensorboard.summary.writer import event_file_writer

from thinmargin_agents.training import trainer


@pytest.fixture
def small_and_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little is played after a training, nothing is drawn, and no second is waited for."""
    monkeypatch.setattr(trainer, "FINAL_WORLDS", 2)
    monkeypatch.setattr(trainer, "can_draw", lambda: False)
    monkeypatch.setattr(os, "fsync", lambda _: None)  # no test pulls the plug
    seconds = itertools.count(1_000_000_000)  # every file of curves begins in one of its own: nobody waits for it
    monkeypatch.setattr(event_file_writer, "time", SimpleNamespace(time=lambda: float(next(seconds))))
