"""Markdown pages with places for tables: the lines `<!-- results -->` and `<!-- end -->`, and what is between them."""

from __future__ import annotations

import re
from pathlib import Path

PLACES = ("results", "stress")
"""Names of the places, in the order of a new page."""


class PageError(ValueError):
    """A page that has no place for the results; the message says what is wanted."""


def old_page(path: Path) -> str:
    """The text of a page with a place for results; empty if there is none yet.

    Raises:
        PageError: it is a file without the markers, or one has no end.
        OSError: it cannot be read.
    """
    if not path.exists():
        return ""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise PageError(f"it is no text in UTF-8: {error}") from error
    if text and not _place("results").search(text):
        raise PageError("it has no lines <!-- results --> and <!-- end -->: such a page, or a new file, is wanted")
    for name in PLACES:
        if f"\n<!-- {name} -->\n" in f"\n{text}" and not _place(name).search(text):
            raise PageError(f"its line <!-- {name} --> is not followed by <!-- end -->")
    return text


def with_tables(text: str, tables: dict[str, str]) -> str:
    """`text` with each table in its place, where it has one; a new page with all of them if it is empty.

    Args:
        text: a page.
        tables: Markdown by name of PLACES.
    """
    page = text or "\n".join(f"<!-- {name} -->\n<!-- end -->\n" for name in PLACES if name in tables)
    for name, table in tables.items():
        place = _place(name).search(page)
        if place is not None:
            page = f"{page[: place.end(1)]}\n{table}\n{page[place.start(2) :]}"
    return page


def _place(name: str) -> re.Pattern[str]:
    """From the line of a marker to the next line that ends it, without another marker between them."""
    return re.compile(rf"^(<!-- {name} -->)\n(?:(?!<!--).*\n)*?(<!-- end -->)$", re.MULTILINE)
