"""Fixtures of several rooms."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.bombs import live_bomb


@pytest.fixture
def boom(tmp_path: Path) -> Path:
    """The folder that is there once a bomb has gone off."""
    return live_bomb(tmp_path / "boom")


@pytest.fixture
def intervals_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals are told of any number of worlds and seeds, so that those of two can be worked by hand."""
    monkeypatch.setattr("thinmargin_agents.scoring.statistics.MIN_UNITS", 1)


@pytest.fixture
def quick_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little is played after a training, and nothing is drawn."""
    monkeypatch.setattr("thinmargin_agents.training.trainer.FINAL_WORLDS", 2)
    monkeypatch.setattr("thinmargin_agents.training.trainer.can_draw", lambda: False)
    monkeypatch.setattr(os, "fsync", lambda _: None)  # no test pulls the plug
