from __future__ import annotations

from pathlib import Path

import pytest
from tests.agents.phase_map.small import HAND_CODED, QUICK
from tests.written import run_with_files

from thinmargin_agents.phase_map import __main__ as command


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Both maps, found in a hurry: the folder of the files and what was printed."""
    folder = tmp_path_factory.mktemp("maps")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("thinmargin_agents.phase_map.shipped.POLICIES", HAND_CODED)
        patch.setattr("thinmargin_agents.phase_map.judgements.POLICIES", HAND_CODED)
        return folder, run_with_files(command.main, folder, "map", "phase map", *QUICK)
