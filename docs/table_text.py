"""Numbers, cells and tables of the documentation as text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from thinmargin.records import markdown_table


def number(value: Any) -> str:
    """A number with four significant digits, without needless ones; several numbers side by side."""
    if isinstance(value, tuple):
        return ", ".join(number(item) for item in value)
    return f"{float(f'{value:.3e}'):.10g}"


def plain(text: object) -> str:
    """Text that cannot break a table's cells."""
    return re.sub(r"\|(\w+)\|", r"abs(\1)", str(text)).replace("|", "\\|")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    return markdown_table(head, [[plain(cell) for cell in row] for row in rows])
