"""The page in a real browser: nothing is asked of the network, nothing overflows, nothing is empty, tables sort.

`python -m tests.browser.test_report_in_browser FOLDER` writes the page and pictures of it, at both widths, light and
dark.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from tests.browser.conftest import executable
from tests.reporting import HOSTILE, everything

from thinmargin.names import policy_name

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

pytestmark = pytest.mark.slow

WIDTHS = (1280, 390)
"""Pixels: a desk and a telephone."""
PAPER: ViewportSize = {"width": 688, "height": 1000}
"""Pixels: what the margins leave of A4."""
SECTIONS = (
    "headline", "leaderboard", "closing", "worlds", "years", "waterfall", "responses", "stress", "realism", "method",
)  # fmt: skip
FIGURES = (
    "ridges", "curves", "differences", "pairs", "profile", "seeds", "years-markup", "years-profit", "years-business",
    "waterfall", "response-months", "response-cash", "response-share-home", "response-services-per-user",
    "backtest-shipments", "backtest-key",
)  # fmt: skip
CLIPPED = """
() => [...document.querySelectorAll("figure svg")].flatMap((svg) => {
  const room = svg.closest("figure").getBoundingClientRect();
  return [...svg.querySelectorAll("text")]
    .filter((text) => text.textContent.trim())
    .filter((text) => {
      const box = text.getBoundingClientRect();
      return box.left < room.left - 2 || box.right > room.right + 2 || box.width === 0;
    })
    .map((text) => svg.closest("figure").id + ": " + text.textContent);
})
"""
"""Letters of pictures that stand beyond their figure."""
OVERLAPPING = """
() => [...document.querySelectorAll("figure svg")].flatMap((svg) => {
  const texts = [...svg.querySelectorAll("text")].filter((text) => text.textContent.trim());
  const boxes = texts.map((text) => text.getBoundingClientRect());
  const found = [];
  for (let i = 0; i < boxes.length; i++) {
    for (let j = i + 1; j < boxes.length; j++) {
      const wide = Math.min(boxes[i].right, boxes[j].right) - Math.max(boxes[i].left, boxes[j].left);
      const high = Math.min(boxes[i].bottom, boxes[j].bottom) - Math.max(boxes[i].top, boxes[j].top);
      if (wide > 1 && high > 0.35 * Math.min(boxes[i].height, boxes[j].height)) {
        found.push(svg.closest("figure").id + ": " + texts[i].textContent + " | " + texts[j].textContent);
      }
    }
  }
  return found;
})
"""
"""Pairs of letters of one picture that stand on each other."""


@dataclass
class Opened:
    """A page in the browser, and what it complained of or asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


def opened(browser: Browser, address: str, width: int, scheme: Literal["light", "dark"] = "light") -> Opened:
    """Open a page, with every folded part unfolded."""
    found = Opened(browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme))
    found.page.on("console", lambda message: found.complaints.append(message.text))
    found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.page.on("request", lambda request: found.requests.append(request.url))
    found.page.goto(address)
    found.page.evaluate("document.querySelectorAll('details').forEach((folded) => { folded.open = true; })")
    return found


@pytest.fixture(scope="module")
def address(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> str:  # noqa: ARG001  # none without a browser
    file = tmp_path_factory.mktemp("report") / "report.html"
    file.write_text(everything().page(), "utf-8")
    return file.as_uri()


@pytest.fixture(scope="module", params=[(WIDTHS[0], "light"), (WIDTHS[1], "dark")], ids=["desk", "telephone"])
def view(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Opened]:
    found = opened(browser, address, *request.param)
    yield found
    found.page.close()


def test_it_asks_for_nothing_and_complains_of_nothing(view: Opened, address: str) -> None:
    assert view.requests == [address]
    assert view.complaints == []
    assert view.page.title() == "ThinMargin: 7 policies in 12 worlds"


def test_every_section_and_picture_can_be_seen(view: Opened) -> None:
    for section in SECTIONS:
        box = view.page.locator(f"h2#{section}").bounding_box()
        assert box is not None
        assert box["width"] > 100
        assert box["height"] > 20
    for figure in FIGURES:
        box = view.page.locator(f"#figure-{figure} svg").bounding_box()
        assert box is not None
        assert box["width"] > 200
        assert box["height"] > 60
        drawn = view.page.locator(f"#figure-{figure} svg :is(path, use, text)").count()
        assert drawn > 5


def test_nothing_overflows_sideways(view: Opened) -> None:
    sizes: list[int] = view.page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth, document.body.scrollWidth]"
    )
    assert sizes[0] == sizes[1] == sizes[2]
    assert view.page.evaluate(CLIPPED) == []


def test_letters_of_a_picture_do_not_stand_on_each_other(view: Opened) -> None:
    assert view.page.evaluate(OVERLAPPING) == []


def test_letters_of_a_picture_are_large_enough(view: Opened) -> None:
    heights: list[float] = view.page.evaluate(
        """[...document.querySelectorAll("figure svg text")].filter((text) => text.textContent.trim()).map((text) => {
          const { a, b } = text.getScreenCTM();
          return parseFloat(getComputedStyle(text).fontSize) * Math.hypot(a, b);
        })"""
    )
    assert min(heights) >= 8.0


def test_links_of_the_contents_lead_to_their_sections(view: Opened) -> None:
    links: list[str] = view.page.evaluate("[...document.querySelectorAll('nav a')].map((link) => link.hash.slice(1))")
    assert tuple(links) == SECTIONS
    for section in links:
        assert view.page.locator(f"[id='{section}']").count() == 1


def names(page: Page) -> list[str]:
    """Names in the first column of the leaderboard, from above."""
    found: list[str] = page.evaluate(
        "[...document.querySelectorAll('#policies tbody th')].map((head) => head.dataset.id)"
    )
    return found


def numbers(page: Page, column: int) -> list[float | None]:
    """What a column of the leaderboard is sorted by, from above."""
    found: list[Any] = page.evaluate(
        f"[...document.querySelectorAll('#policies tbody tr')].map((row) => row.cells[{column}].dataset.sort)"
    )
    return [float(text) if text else None for text in found]


def test_a_click_sorts_the_leaderboard(view: Opened) -> None:
    heads: list[str] = view.page.evaluate(
        "[...document.querySelectorAll('#policies thead th')].map((head) => head.innerText.trim())"
    )
    assert heads[:3] == ["policy", "score", "J, RMB bn"]
    first = names(view.page)
    assert HOSTILE in first
    buttons = view.page.locator("#policies thead button")
    bankrupt = heads.index("bankrupt")
    buttons.nth(bankrupt).click()
    shares = [share for share in numbers(view.page, bankrupt) if share is not None]
    assert shares == sorted(shares, reverse=True)
    assert names(view.page)[0] == "do_nothing"
    buttons.nth(bankrupt).click()
    assert names(view.page)[-1] == "do_nothing"
    against = next(number for number, head in enumerate(heads) if head.startswith("P(better)"))
    for _ in range(2):
        buttons.nth(against).click()
        assert numbers(view.page, against)[-1] is None  # against itself there is no number: last either way
        assert None not in numbers(view.page, against)[:-1]
    buttons.first.click()
    assert names(view.page) == sorted(first, key=lambda name: policy_name(name).casefold())
    assert view.page.locator("#policies th[aria-sort]").count() == 1
    buttons.nth(2).click()
    assert names(view.page) == first


CONTRASTS = """
() => {
  const parts = (color) => {
    const found = color.match(/[\\d.]+/g).map(Number);
    return color.startsWith("color(") ? found.slice(0, 3) : found.slice(0, 3).map((part) => part / 255);
  };
  const alpha = (color) => (color.match(/[\\d.]+/g) || []).length === 4 ? Number(color.match(/[\\d.]+/g)[3]) : 1;
  const luminance = (color) => {
    const [r, g, b] = parts(color).map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let node = element; node; node = node.parentElement) {
      const color = getComputedStyle(node).backgroundColor;
      if (alpha(color) > 0 && color !== "transparent") return color;
    }
    return "rgb(255, 255, 255)";
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.getClientRects().length || element.closest("script, output")) continue;
    const style = getComputedStyle(element);
    const letters = element instanceof SVGElement ? style.fill : style.color;
    const [low, high] = [luminance(letters), luminance(ground(element))].sort((a, b) => a - b);
    if ((high + 0.05) / (low + 0.05) < 4.5) found.push(`${element.tagName} ${element.textContent.trim().slice(0, 40)}`);
  }
  return found;
}
"""
"""Letters whose contrast to what they stand on is below 4.5 to 1."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_letters_can_be_read(browser: Browser, address: str, scheme: Literal["light", "dark"]) -> None:
    found = opened(browser, address, WIDTHS[0], scheme)
    grounds = found.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert grounds == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 25, 31)"}[scheme]
    assert found.page.evaluate(CONTRASTS) == []
    found.page.evaluate("document.querySelector('.answer').style.color = 'rgb(128, 128, 128)'")
    assert len(found.page.evaluate(CONTRASTS)) == 2  # grey on white or on black: the check sees it
    found.page.close()


def test_values_of_a_picture_are_shown_under_the_pointer_and_read_with_keys(view: Opened) -> None:
    figure = view.page.locator("#figure-years-users")
    picture, told = figure.locator("svg"), figure.locator("output")
    figure.scroll_into_view_if_needed()
    assert told.is_hidden()
    picture.hover()
    assert told.is_visible()
    assert "fixed plan" in told.inner_text()
    view.page.mouse.move(0, 0)
    assert told.is_hidden()
    picture.focus()
    view.page.keyboard.press("Home")
    assert told.inner_text().startswith("2012:")
    view.page.keyboard.press("ArrowRight")
    assert told.inner_text().startswith("2013:")
    view.page.keyboard.press("End")
    assert told.inner_text().startswith("2026:")
    view.page.keyboard.press("ArrowRight")
    assert told.inner_text().startswith("2026:")
    view.page.keyboard.press("Escape")
    assert told.is_hidden()


def test_every_picture_with_values_can_be_reached_with_keys(view: Opened) -> None:
    reached: list[bool] = view.page.evaluate(
        """[...document.querySelectorAll("figure[data-readings] svg")].map((svg) => {
          svg.focus();
          const box = svg.parentElement.querySelector("output").getBoundingClientRect();
          const inside = box.left >= 0 && box.right <= document.documentElement.clientWidth + 1;
          const shown = document.activeElement === svg && box.height > 0 && inside;
          svg.blur();
          return shown;
        })"""
    )
    assert len(reached) > 35
    assert all(reached)


def test_paper_has_everything_unfolded_and_inside_its_margins(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport=PAPER)
    page.goto(address)
    assert page.evaluate("[...document.querySelectorAll('details')].some((folded) => folded.open)") is False
    page.emulate_media(media="print")
    assert page.locator("nav").is_hidden()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.documentElement.scrollWidth") == PAPER["width"]
    assert page.evaluate("[...document.querySelectorAll('details')].every((folded) => folded.open)") is True
    page.close()


def main(folder: Path) -> None:
    """Write the page and its pictures."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  # only this command and the fixture need it

    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / "report.html").resolve()
    file.write_text(everything().page(), "utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=["--no-sandbox"])
        schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
        for width, scheme in itertools.product(WIDTHS, schemes):
            page = opened(browser, file.as_uri(), width, scheme).page
            page.screenshot(path=folder / f"report_{width}_{scheme}.png", full_page=True)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
