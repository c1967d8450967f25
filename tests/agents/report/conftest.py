from __future__ import annotations

import pytest
from tests.reporting import Judged, everything


@pytest.fixture(scope="session")
def whole() -> Judged:
    return everything()
