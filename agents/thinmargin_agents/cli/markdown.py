"""Markdown pages with places for tables: the lines `<!-- results -->` and `<!-- end -->`, and what is between them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from thinmargin.files import is_there, read_text


class PageError(ValueError):
    """A page that has no place for a table; the message says what it must have."""


def read_page(path: Path, places: Sequence[str]) -> str:
    """The text of a page that has the first of these places, and may have the others; empty if there is no file.

    Raises:
        PageError: it is a file without the first place, or a place has no end.
        OSError: it cannot be read.
    """
    if not is_there(path):
        return ""
    try:
        text = read_text(path)
    except UnicodeDecodeError as error:
        raise PageError(f"it is no text in UTF-8: {error}") from error
    first = places[0]
    if text and not _place(first).search(text):
        raise PageError(f"it has no lines <!-- {first} --> and <!-- end -->: it must have both, or be a new file")
    for name in places:
        if f"\n<!-- {name} -->\n" in f"\n{text}" and not _place(name).search(text):
            raise PageError(f"its line <!-- {name} --> is not followed by <!-- end -->")
    return text


def with_tables(text: str, tables: Mapping[str, str]) -> str:
    """`text` with each table in its place, where it has one; a new page with all of them if it is empty.

    Args:
        text: a page.
        tables: Markdown by name of the place.
    """
    page = text or "\n".join(f"<!-- {name} -->\n<!-- end -->\n" for name in tables)
    for name, table in tables.items():
        place = _place(name).search(page)
        if place is not None:
            page = f"{page[: place.end(1)]}\n{table}\n{page[place.start(2) :]}"
    return page


def page_with(path: Path, tables: Mapping[str, str]) -> str:
    """The text of the page at `path` with these tables in their places; errors as of `read_page`."""
    return with_tables(read_page(path, list(tables)), tables)


def text_of(path: Path, name: str) -> str:
    """The text in a place of the page at `path`; errors as of `read_page`, and a PageError if there is no page."""
    page = read_page(path, [name])
    found = _place(name).search(page)
    if found is None:
        raise PageError(f"it has no lines <!-- {name} --> and <!-- end -->: it must have both")
    return page[found.end(1) : found.start(2)]


def _place(name: str) -> re.Pattern[str]:
    """From the line of a marker to the next line that ends it, without another marker between them."""
    return re.compile(rf"^(<!-- {name} -->)\n(?:(?!<!--).*\n)*?(<!-- end -->)$", re.MULTILINE)
