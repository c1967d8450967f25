from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from tests.agents.search.small import small

from thinmargin_agents.search.search_space import Space
from thinmargin_agents.search.session import space_of_flags


@pytest.fixture
def space(tmp_path: Path) -> Space:
    return space_of_flags(small(tmp_path))


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)
