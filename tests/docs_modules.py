"""Programs beside the pages, docs/*.py, as modules."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

DOCS = Path(__file__).parents[1] / "docs"


def load(program: str, name: str) -> ModuleType:
    """A fresh module of docs/PROGRAM.py, registered under this name: nobody else's changes are in it."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{program}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(DOCS))  # as of a program that is run
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(DOCS))
    return module
