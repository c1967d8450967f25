from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.agents.evaluate.stand_ins import OUTSIDERS


@pytest.fixture(autouse=True)
def no_agents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thinmargin_agents.policies.shipped.FOLDER", tmp_path / "no agents")


@pytest.fixture(autouse=True)
def shipped(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Ship plans made by this function; none unless a test does."""

    def ship(known_plans: Any) -> None:
        monkeypatch.setattr("thinmargin_agents.foresight.plan_files.known_plans", known_plans)

    ship(lambda *_: None)
    return ship


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder with a few policies in outsiders.py."""
    monkeypatch.chdir(tmp_path)
    Path("outsiders.py").write_text(OUTSIDERS)
    return tmp_path
