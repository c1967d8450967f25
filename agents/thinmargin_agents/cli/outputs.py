"""Files that a command line writes, checked before anything is computed."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from thinmargin.files import same_file, write_atomically
from thinmargin.shown import shown
from thinmargin_agents.cli.command import check_libraries, check_output
from thinmargin_agents.cli.errors import UsageError
from thinmargin_agents.cli.markdown import PageError, read_page

if TYPE_CHECKING:
    from matplotlib.figure import Figure

IMAGES = (".png", ".svg", ".pdf")
"""Endings of pictures."""
DPI = 200
"""Dots an inch of a PNG: two for a pixel where a page shows it at 100 an inch."""


def check_files(
    files: Iterable[tuple[str, Path | None]], *, page: str = "", places: Sequence[str] = (), picture: str = ""
) -> None:
    """Raise UsageError unless every file can be written, and each is named once.

    Args:
        files: flag and file; None where the flag was not given.
        page: flag of a Markdown page.
        places: names of the places on that page; it must have the first.
        picture: flag of a picture.
    """
    named = [(flag, path) for flag, path in files if path is not None]
    for flag, path in named:
        check_output(flag, path)
    for (flag, path), (other, same) in itertools.combinations(named, 2):
        if same_file(path, same):
            raise UsageError(f"{flag} and {other} are both {shown(path)}: they must be two files")
    for flag, path in named:
        if flag == picture:
            if path.suffix.lower() not in IMAGES:
                raise UsageError(f"{flag} is {shown(path)}: allowed endings are {', '.join(IMAGES)}")
            check_libraries(flag, ["matplotlib"], "report")
        if flag == page:
            try:
                read_page(path, places)
            except (OSError, PageError) as error:
                raise UsageError(f"{flag} is {shown(path)}: {error}") from error


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
