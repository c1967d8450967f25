from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numba
import pytest

from thinmargin.economics import compiled


def _copy_of_the_package(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    package = Path(compiled.__file__).parent.parent
    shutil.copytree(package, folder / "thinmargin", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(compiled, "__file__", str(folder / "thinmargin" / "economics" / "compiled.py"))
    return folder / "thinmargin"


@pytest.mark.parametrize("source", ["economics/demand.py", "strategies.py"])
def test_the_digest_changes_with_any_source_the_entry_points_inline(
    source: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    original = compiled.source_digest()
    package = _copy_of_the_package(monkeypatch, tmp_path)
    assert compiled.source_digest() == original
    with (package / source).open("a") as file:
        file.write("\n")
    assert compiled.source_digest() != original


def test_a_mechanism_runs_compiled_and_an_entry_point_runs_without_a_place_for_its_cache(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[dict[str, Any]] = []

    def refuses_to_cache(**options: Any) -> Any:
        asked.append(options)
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(numba, "njit", refuses_to_cache)
    assert compiled.entry_point(abs)(-2.0) == 2.0
    assert [options.get("cache", False) for options in asked] == [True, False]
    assert all(options["error_model"] == "numpy" for options in asked)
