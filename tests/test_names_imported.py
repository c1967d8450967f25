"""Whatever benchmarks and programs of the pages import from the packages is there, also inside functions."""

from __future__ import annotations

import ast
import importlib
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted([*ROOT.glob("benchmarks/*.py"), *ROOT.glob("docs/*.py")])
PACKAGES = ("thinmargin", "thinmargin_agents")


def unresolved(text: str) -> list[str]:
    """Imports from the packages that lead nowhere, with their lines."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [(node.module or "", alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [(alias.name, "") for alias in node.names]
        else:
            continue
        found += [
            f"line {node.lineno}: {module} {name}".rstrip()
            for module, name in names
            if module.partition(".")[0] in PACKAGES and not _is_there(module, name)
        ]
    return found


def _is_there(module: str, name: str) -> bool:
    try:
        found = importlib.import_module(module)
        return not name or hasattr(found, name) or importlib.util.find_spec(f"{module}.{name}") is not None
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in PACKAGES:
            return False
        raise


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_name_that_is_imported_is_there(path: Path) -> None:
    assert unresolved(path.read_text(encoding="utf-8")) == []


def test_names_that_are_gone_are_seen() -> None:
    text = """
from thinmargin import ENVIRONMENTS, gone
from thinmargin.nowhere import x
from thinmargin import files
def later():
    import thinmargin.absent
    from thinmargin.files import lost, check_writable
    from pathlib import gone
"""
    assert unresolved(text) == [
        "line 2: thinmargin gone",
        "line 3: thinmargin.nowhere x",
        "line 6: thinmargin.absent",
        "line 7: thinmargin.files lost",
    ]
