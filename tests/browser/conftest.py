"""A browser for tests of pages: Chromium or Chrome where it is installed, else the tests are skipped.

THINMARGIN_BROWSER names another executable; with CI_BROWSER=required a missing browser is a failure.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome")


def executable() -> str | None:
    """Where the browser is, or None."""
    wanted = os.environ.get("THINMARGIN_BROWSER")
    return shutil.which(wanted) if wanted else next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = executable()
    missing = None
    if path is None:
        missing = f"no browser: install one of {', '.join(NAMES)}, or name it in THINMARGIN_BROWSER"
    elif importlib.util.find_spec("playwright") is None:
        missing = "no playwright: pip install 'thinmargin[dev]'"
    if missing is not None:
        (pytest.fail if os.environ.get("CI_BROWSER") == "required" else pytest.skip)(missing)
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  # it may not be installed

    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=path, headless=True, args=["--no-sandbox"] if is_root else []
        )
        yield started
        started.close()
