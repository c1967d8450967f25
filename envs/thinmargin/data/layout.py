"""The rows and columns of a file of figures: its encoding, separator, header, and which way round it stands."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from thinmargin.data.cells import period_text
from thinmargin.data.figures import FiguresError
from thinmargin.data.periods import parse_period
from thinmargin.data.series import SERIES

PERIOD_NAMES = ("period", "year")
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
"""Between the cells of a line, and what messages call them."""
SEARCHED = 30
"""Lines in which the header is looked for; those above it are titles."""
_UNIT = re.compile(r"\s*[(\[][^)\]]*[)\]]$")
_KNOWN = frozenset(series.name for series in SERIES)


class Row(NamedTuple):
    """One line of a file that says something."""

    line: int
    cells: list[str]


class Table(NamedTuple):
    """A file's header and the rows below it; `header` is None where the file says nothing."""

    header: Row | None
    rows: list[Row]


def table_of(file: str, content: bytes) -> Table:
    """The header and rows of the bytes of a file, a row a period.

    Cells are separated by commas, semicolons or tabs. Lines above the header are titles; blank lines and lines that
    begin with # are skipped; a table with a column a period is turned. Names of series may be written in capitals,
    with spaces, and with a unit in brackets behind.

    Raises:
        FiguresError: the text cannot be decoded, or a line is no line of CSV.
    """
    lines = [
        (number, line)
        for number, line in enumerate(_text(file, content).replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    for position, (_, line) in enumerate(lines[:SEARCHED]):
        for separator in SEPARATORS:
            names = _split(line, separator)
            if names is None:
                continue
            header = [name_of(name) for name in names]
            below = lines[position + 1 :]
            if set(header) & set(PERIOD_NAMES) and set(header) & _KNOWN:
                return _table(file, lines[position:], separator)
            if _stands_across(names, below, separator):
                return _turned(file, lines[position:], separator)
    return _table(file, lines, ",")


def name_of(cell: str) -> str:
    """The name of a column as it is known here, whatever its capitals, spaces and unit; another one as it is."""
    plain = re.sub(r"[\s-]+", "_", _UNIT.sub("", cell).strip().lower())
    return plain if plain in _KNOWN or plain in PERIOD_NAMES else cell


def _text(file: str, content: bytes) -> str:
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError as error:
        problem = f"byte {content[error.start]:#04x} is not UTF-8: save the file as CSV in UTF-8"
        raise FiguresError.at(file, problem, line=content.count(b"\n", 0, error.start) + 1) from None


def _split(line: str, separator: str) -> list[str] | None:
    """The cells of a line; None if it is no line of CSV with this separator."""
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator, strict=True), [])]
    except csv.Error:
        return None


def _rows(file: str, lines: Sequence[tuple[int, str]], separator: str) -> Iterator[Row]:
    """Lines that say something. One line is one row, so that an open quote cannot swallow the lines below it."""
    for number, line in lines:
        cells = _split(line, separator)
        if cells is None:
            problem = (
                "not a line of CSV: a quote in it is open or stands inside a cell, which"
                f" {SEPARATORS[separator]} must separate"
            )
            raise FiguresError.at(file, problem, line=number)
        if any(cells) and not cells[0].startswith("#"):
            yield Row(number, cells)


def _table(file: str, lines: Sequence[tuple[int, str]], separator: str) -> Table:
    rows = list(_rows(file, lines, separator))
    if not rows:
        return Table(None, [])
    first, *rest = rows
    return Table(Row(first.line, [name_of(name) for name in first.cells]), rest)


def _stands_across(names: Sequence[str], below: Sequence[tuple[int, str]], separator: str) -> bool:
    """Whether a line names periods, and the first cell of a line below it a series."""
    if len(names) < 2 or not all(_is_period(name) for name in names[1:] if name):
        return False
    cells = (_split(line, separator) for _, line in below)
    return any(names[1:]) and any(row and name_of(row[0]) in _KNOWN for row in cells)


def _is_period(cell: str) -> bool:
    try:
        parse_period(period_text(cell))
    except ValueError:
        return False
    return True


def _turned(file: str, lines: Sequence[tuple[int, str]], separator: str) -> Table:
    """A table with a column a period, turned; every row has the line of the periods."""
    first, *series = list(_rows(file, lines, separator))
    for row in series:
        if len(row.cells) != len(first.cells):
            problem = f"{len(row.cells)} cells, but the header has {len(first.cells)}: there must be one a period"
            raise FiguresError.at(file, problem, line=row.line)
    header = Row(first.line, [PERIOD_NAMES[0], *(name_of(row.cells[0]) for row in series)])
    columns = range(1, len(first.cells))
    turned = [Row(first.line, [first.cells[k], *(row.cells[k] for row in series)]) for k in columns if first.cells[k]]
    return Table(header, turned)
