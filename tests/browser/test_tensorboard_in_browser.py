"""TensorBoard in a real browser: what its first screen shows at the address that every run prints."""

from __future__ import annotations

import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from tests.waiting import wait_until

from thinmargin.baselines import baseline
from thinmargin.settings import Settings
from thinmargin_agents.monitoring.layout import ADDRESS, layout
from thinmargin_agents.monitoring.tags import EPISODE, all_tags
from thinmargin_agents.training.callbacks.episode_picture import DPI, LABEL, WIDTH, EpisodePicture
from thinmargin_agents.training.callbacks.tensorboard import Events, event_logger

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

CHARTS = "tf-custom-scalar-margin-chart-card, tf-custom-scalar-multi-line-chart-card"
BOXES = "cards => cards.map(card => ({title: card.title, ...card.getBoundingClientRect().toJSON()}))"
LEAST_LETTERS = 8.0
"""Pixels of the smallest letters of a picture, as it is shown."""
POINTS_AN_INCH = 72.0


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """TensorBoard on a free port of this machine."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder), "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:  # noqa: S603  # our own interpreter
        try:
            wait_until(lambda: answers(f"http://localhost:{port}/data/runs"), "TensorBoard answers")
            yield f"localhost:{port}"
        finally:
            server.terminate()


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address) as answer:  # noqa: S310  # our own server
            return b"run" in answer.read()
    except urllib.error.URLError:
        return False


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Two runs with every curve, in TensorBoard."""
    folder = tmp_path_factory.mktemp("boards")
    picture = EpisodePicture(1_000_000, Settings())(baseline("plan"))
    for number in (1, 2):
        logger = event_logger(folder / f"run_{number}", 0)
        for events in logger.output_formats:
            assert isinstance(events, Events)
            events.writer.add_custom_scalars(layout(scored=True, corrected=True))
            events.add_image(EPISODE, picture, 3)
            for step in (1, 2, 3):
                for tag in all_tags():
                    events.add_scalar(tag.name, float(step), step)
        logger.close()
    with served(folder) as where:
        yield where


def test_the_layout_leads_with_score_and_value_on_the_first_screen(browser: Browser, place: str) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(urlsplit(ADDRESS)._replace(netloc=place).geturl())
    page.locator(CHARTS).nth(3).wait_for()
    shown = page.locator(CHARTS).evaluate_all(BOXES)
    shown.sort(key=lambda card: (card["y"], card["x"]))
    page.close()
    first = shown[:4]
    assert [card["title"].split(",")[0].split(" ")[0] for card in first] == ["score", "J", "score", "J"]
    assert first[0]["y"] == first[1]["y"]
    assert all(card["y"] + card["height"] / 2 < 900 for card in first)


def test_the_picture_can_be_read_as_wide_as_it_is_shown(browser: Browser, place: str) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(f"http://{place}/#images")
    shown = page.locator("tf-image-loader img").first
    shown.wait_for()
    width = shown.evaluate("image => image.getBoundingClientRect().width")
    page.close()
    assert LABEL / POINTS_AN_INCH * DPI * width / WIDTH >= LEAST_LETTERS
