from __future__ import annotations

from pathlib import Path

import pytest
from tests.agents.phase_map.small import QUICK

from thinmargin_agents.phase_map import __main__ as command


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Both maps, found in a hurry: the folder of the files and what was printed."""
    folder = tmp_path_factory.mktemp("maps")
    page = folder / "page.md"
    page.write_text("before\n\n<!-- phase map -->\nlast year\n<!-- end -->\n\nafter\n", encoding="utf-8")
    files = ["--json", folder / "map.json", "--picture", folder / "map.png", "--markdown", page]
    with pytest.MonkeyPatch.context() as patch:
        printed: list[str] = []
        patch.setattr("builtins.print", lambda *parts, **_: printed.extend(map(str, parts)))
        assert command.main([*QUICK, *map(str, files)]) == 0
    return folder, "\n".join(printed)
