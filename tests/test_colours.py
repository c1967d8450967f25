"""Colours are written down once, in the palette."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.import_graph import AGENTS

import thinmargin

ENVIRONMENT = Path(thinmargin.__file__).parent
COLOUR = re.compile(r"[\"']#[0-9a-fA-F]{6}[\"']")
OWN = {ENVIRONMENT / "palette.py"}


@pytest.mark.parametrize("package", [ENVIRONMENT, AGENTS], ids=["environment", "agents"])
def test_no_picture_has_colours_beside_the_palette(package: Path) -> None:
    found = {path for path in package.rglob("*.py") if COLOUR.search(path.read_text(encoding="utf-8"))}
    assert found <= OWN
