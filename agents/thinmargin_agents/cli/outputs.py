"""Files that a command line writes: what is wrong with them is said before anything is computed."""

from __future__ import annotations

import io
import itertools
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from thinmargin.files import write_atomically
from thinmargin_agents.cli.command import check_output
from thinmargin_agents.cli.markdown import with_tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

IMAGES = (".png", ".svg", ".pdf")
"""Endings of pictures."""
DPI = 200
"""Dots an inch of a PNG: two for a pixel where a page shows it at 100 an inch."""


def check_files(files: Mapping[str, Path | None], *, page: str, place: str, picture: str = "") -> None:
    """Nothing if these files can be written, else a ValueError that names the flag, the file and what is wanted.

    Args:
        files: by flag; None where it was not given.
        page: flag of the Markdown page.
        place: name of the place on that page.
        picture: flag of the picture, where there is one.
    """
    named = {flag: path for flag, path in files.items() if path is not None}
    for flag, path in named.items():
        check_output(flag, path)
    for (flag, path), (other, same) in itertools.combinations(named.items(), 2):
        if path.resolve() == same.resolve():
            raise ValueError(f"{flag} and {other} are both {str(path)!r}: two files are wanted")
    if picture in named:
        if named[picture].suffix.lower() not in IMAGES:
            raise ValueError(f"{picture} is {str(named[picture])!r}: allowed endings are {', '.join(IMAGES)}")
        if find_spec("matplotlib") is None:
            raise ValueError(f"{picture} needs matplotlib: pip install 'thinmargin[report]'")
    if page in named:
        try:
            page_with(named[page], place, "")
        except (OSError, ValueError) as error:
            raise ValueError(f"{page} is {str(named[page])!r}: {error}") from None


def page_with(path: Path, place: str, table: str) -> str:
    """The text of a page with `table` in its place; a new page if there is no file, or an empty one.

    Raises:
        ValueError: the page has no such place, or is no text.
        OSError: it cannot be read.
    """
    empty = f"<!-- {place} -->\n<!-- end -->\n"
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
    except UnicodeDecodeError as error:
        raise ValueError(f"it is no text in UTF-8: {error}") from None
    probe = "a line that is on no page"
    if text and probe not in with_tables(text, {place: probe}):
        raise ValueError(f"it has no lines <!-- {place} --> and <!-- end -->: such a page, or a new file, is wanted")
    return with_tables(text or empty, {place: table})


def write_picture(figure: Figure, path: Path) -> None:
    """Write a picture; the ending of the name decides the format, and the same figure gives the same file.

    Raises:
        OSError: it cannot be written.
    """
    import matplotlib as mpl  # noqa: PLC0415  # only pictures need it

    ending = path.suffix.removeprefix(".").lower()
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(ending)
    content = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "thinmargin"}):
        figure.savefig(content, format=ending, dpi=DPI, metadata=undated)
    write_atomically(path, content.getvalue())
