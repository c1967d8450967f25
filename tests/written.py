"""What a command prints, and the three files that it writes beside it."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path


def run_with_files(main: Callable[[Sequence[str]], int], folder: Path, name: str, place: str, *flags: str) -> str:
    """What it prints; NAME.json, NAME.png and page.md, which had an older table in its place, are in the folder."""
    page = folder / "page.md"
    page.write_text(f"before\n\n<!-- {place} -->\nlast year\n<!-- end -->\n\nafter\n", encoding="utf-8")
    files = ["--json", folder / f"{name}.json", "--picture", folder / f"{name}.png", "--markdown", page]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):  # capsys is of one test only
        assert main([*flags, *map(str, files)]) == 0
    return printed.getvalue()
