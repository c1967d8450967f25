"""The rows and columns of a file of figures: its separator, header, and which way round it stands."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from thinmargin.data.cells import MINUS, NOT_REPORTED, is_spreadsheet_error
from thinmargin.data.encodings import text_of
from thinmargin.data.figures import FiguresError
from thinmargin.data.headings import KNOWN, PERIOD_NAMES, has_unit, heading_of, is_unit, name_of, unit_above
from thinmargin.data.period_cells import is_like_period, is_period
from thinmargin.data.series import SERIES, suggestion
from thinmargin.data.titles import foreign_unit, other_periods
from thinmargin.shown import plain, shown

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
"""Between the cells of a line, and what messages call them."""
SEARCHED = 30
"""Lines in which the header is looked for; those above it are titles."""
_OTHER_SEPARATORS = re.compile(r"\s*[|^~:!]\s*|\s+")
_UNSEEN = "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060\u00ad"
"""Characters that no screen shows: marks of byte order and direction, spaces without width, soft hyphens."""
_EDGES = _UNSEEN + "".join(character for character in map(chr, range(0x3001)) if character.isspace())
_FIRST_CELL = re.compile(rf"[\s\"{_UNSEEN}]*(#[^,;\t\"]*)")
_ONLY_HASHES = re.compile(r"##+")
_NUMBER = re.compile(rf"[(+\s{MINUS}]*[0-9][0-9.,'\u2019\s]*(?:[eE][+-]?[0-9]+)?(?:[%){MINUS}]\s*)*")


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

    Cells are separated by commas, semicolons or tabs. Lines above the header are titles; blank lines, lines that begin
    with # and columns without a name or a cell are skipped; a table with a column a period is turned. Names of series
    may be written in capitals, with spaces, and with their unit behind, as of `heading_of`. Nothing else is left out:
    what is no title, no comment and not empty is a row, a column, or an error.

    Raises:
        FiguresError: the text cannot be decoded, a line is no line of CSV, figures stand where they would be left out,
            or a unit is not that of its series.
    """
    lines = [
        (number, line)
        for number, line in enumerate(text_of(file, content).split("\n"), 1)
        if line.strip() and not _is_comment(line)
    ]
    unknown: tuple[int, str] | None = None  # place and separator of a header without a series that is known
    for position, (_, line) in enumerate(lines[:SEARCHED]):
        for separator in SEPARATORS:
            names = _split(line, separator)
            if names is None:
                continue
            header = {name_of(name) for name in names}
            if header & set(PERIOD_NAMES) and header & KNOWN:
                _check_titles(file, lines[:position], separator, KNOWN & header)
                _check_units_above(file, lines[:position], separator, names)
                return _table(file, lines[position:], separator)
            if _stands_across(names, lines[position + 1 :], separator):
                _check_titles(file, lines[:position], separator, KNOWN)
                return _turned(file, lines[position:], separator)
            if header & set(PERIOD_NAMES) and len(names) > 1 and unknown is None:
                unknown = position, separator
    if unknown is not None:
        return _table(file, lines[unknown[0] :], unknown[1])
    _say_what_header_lacks(file, lines)
    return _table(file, lines, ",")


def _is_comment(line: str) -> bool:
    """Whether a line begins with #, and not with the error that a spreadsheet writes into a cell."""
    found = _FIRST_CELL.match(line)
    if not found:
        return False
    first, rest = found[1].strip(), line[found.end() :]
    if _ONLY_HASHES.fullmatch(first):  # a divider; before figures, a period that was too wide for its column
        return not any(character.isdecimal() for character in rest)
    return not is_spreadsheet_error(first)


def _split(line: str, separator: str) -> list[str] | None:
    """The cells of a line; None if it is no line of CSV with this separator."""
    try:
        cells = next(csv.reader([line.strip(_UNSEEN)], delimiter=separator, strict=True), [])
    except csv.Error:
        return None
    return [cell.strip(_EDGES) for cell in cells]


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
        if any(cells):
            yield Row(number, cells)


def _table(file: str, lines: Sequence[tuple[int, str]], separator: str) -> Table:
    rows = list(_rows(file, lines, separator))
    if not rows:
        return Table(None, [])
    first, *rest = _without_empty_columns(file, rows)
    return Table(Row(first.line, [_named(file, first.line, name) for name in first.cells]), rest)


def _without_empty_columns(file: str, rows: Sequence[Row]) -> list[Row]:
    """Rows without the columns that have neither a name in the first row nor a cell below it, as spreadsheets leave.

    Empty cells at the end are dropped where the first row has none, so that rows may be shorter than it.
    """
    names = rows[0].cells
    dropped = {k for k, name in enumerate(names) if not name}
    for row in rows if {name_of(name) for name in names} & set(PERIOD_NAMES) else ():
        place = next((k for k, cell in enumerate(row.cells) if cell and k in dropped), None)
        if place is not None:
            problem = f"column {place + 1} has no name, and {shown(row.cells[place])} on line {row.line}: it must name"
            raise FiguresError.at(file, f"{problem} a series", line=rows[0].line)
    return [
        Row(row.line, [cell for k, cell in enumerate(row.cells) if k not in dropped and (k < len(names) or k <= last)])
        for row in rows
        for last in [max(k for k, cell in enumerate(row.cells) if cell)]
    ]


def _named(file: str, line: int, cell: str) -> str:
    """The name in a head of a row or column, whose unit must be that of the series."""
    name, problem = heading_of(cell)
    if problem:
        raise FiguresError.at(file, problem, line=line, column=name)
    return name


def _stands_across(names: Sequence[str], below: Sequence[tuple[int, str]], separator: str) -> bool:
    """Whether a line names periods, and is the last such one above a line whose first cell is a series."""
    if not _names_periods(names):
        return False
    for _, line in below:
        cells = _split(line, separator) or [""]
        if name_of(cells[0]) in KNOWN:
            return True
        if _names_periods(cells):
            return False
    return False


def _names_periods(cells: Sequence[str]) -> bool:
    """Whether a cell behind the first is a period, or written like one; a series' own figures may look like years."""
    return name_of(cells[0]) not in KNOWN and any(map(is_like_period, cells[1:]))


def _turned(file: str, lines: Sequence[tuple[int, str]], separator: str) -> Table:
    """A table with a column a period, turned; every row has the line of the periods."""
    first, *series = list(_rows(file, lines, separator))
    _check_unit(file, first.line, first.cells[0], KNOWN & {name_of(row.cells[0]) for row in series})
    series = [Row(line, _fitted(cells, len(first.cells))) for line, cells in series]
    for row in series:
        if len(row.cells) > len(first.cells):
            problem = f"{len(row.cells)} cells, but the header has {len(first.cells)}: there must be one a period"
            raise FiguresError.at(file, problem, line=row.line)
    header = Row(first.line, [PERIOD_NAMES[0], *(_series_of(file, row) for row in series)])
    rows = []
    for k, period in enumerate(first.cells[1:], 1):
        cells = [row.cells[k] for row in series]
        if not period and any(cells):
            line, found = next((row.line, row.cells[k]) for row in series if row.cells[k])
            problem = (
                f"{shown(found)} stands in column {k + 1}, which has no period above it: write its period on line"
                f" {first.line}, or delete the column"
            )
            raise FiguresError.at(file, problem, line=line)
        if period:
            rows.append(Row(first.line, [period, *cells]))
    return Table(header, rows)


def _fitted(cells: list[str], length: int) -> list[str]:
    """Cells with empty ones at their end, as many as are missing, or without those that are too many."""
    while len(cells) > length and not cells[-1]:
        cells = cells[:-1]
    return cells + [""] * (length - len(cells))


def _series_of(file: str, row: Row) -> str:
    """The series that a row of a table with a column a period begins with."""
    name = _named(file, row.line, row.cells[0])
    if not name:
        raise FiguresError.at(file, "the first cell names no series: name one, or delete the row", line=row.line)
    if name not in KNOWN:
        problem = f"unknown series: {suggestion(name, [series.name for series in SERIES])}"
        raise FiguresError.at(file, problem, line=row.line, column=name)
    return name


def _check_titles(file: str, titles: Sequence[tuple[int, str]], separator: str, names: Iterable[str]) -> None:
    """Raise FiguresError if a line above the header has figures, which would be left out, or another unit."""
    for number, line in titles:
        about = next(filter(None, (_figures_about(line, by, separator) for by in (*SEPARATORS, "|"))), "")
        if about:
            problem = (
                f"{shown(about)} with figures stands above the header, where lines are titles: move the line below"
                " the header, or begin it with #"
            )
            raise FiguresError.at(file, problem, line=number)
        for title in _units_apart(_split(line, separator) or []) or [line]:
            _check_unit(file, number, title, names)


def _units_apart(cells: Sequence[str]) -> Sequence[str]:
    """The cells of a row of units, which are read one by one; none where a line is a title that has separators."""
    first, *others = cells or [""]
    is_row = any(others) and not has_unit(first) and all(is_unit(cell) for cell in others if cell)
    return cells if is_row else []


def _figures_about(line: str, separator: str, of_header: str) -> str:
    """What the figures in a line are about, a period, a series or any other words; empty if it is no row of figures.

    Sentences have commas too: a line split otherwise than the header must have the period or series in front.
    """
    cells = [cell for cell in _split(line, separator) or [] if cell]
    numbers = [cell for cell in cells if _NUMBER.fullmatch(cell)]
    for cell in cells if separator == of_header else cells[:1]:
        others = [number for number in numbers if number is not cell]
        if others and (is_period(cell) or name_of(cell) in KNOWN):
            return cell
        if is_like_period(cell) and not all(map(is_period, others)):
            return cell
    filled = [cell for cell in cells if cell.lower() not in NOT_REPORTED]
    words = [cell for cell in filled if not _NUMBER.fullmatch(cell)]
    is_row = len(words) <= 1 < len(numbers) and (separator == of_header or words == cells[:1])
    return (words or cells)[0] if is_row else ""


def _check_units_above(file: str, titles: Sequence[tuple[int, str]], separator: str, header: Sequence[str]) -> None:
    """Raise FiguresError if a cell above the name of a series holds another unit than its own, in a row of units.

    A line with a unit above the periods too is a list of units, in no order.
    """
    names = [name_of(name) for name in header]
    for number, line in titles:
        pairs = list(zip(names, _split(line, separator) or [], strict=False))
        if any(is_unit(cell) for name, cell in pairs if name in PERIOD_NAMES):
            continue
        for name, cell in pairs:
            problem = unit_above(name, cell) if name in KNOWN else ""
            if problem:
                raise FiguresError.at(file, problem, line=number, column=name)


def _check_unit(file: str, line: int, title: str, names: Iterable[str]) -> None:
    found = foreign_unit(title, names)
    if found:
        problem = (
            f"{shown(found)} stands in a title, and every series is in its own unit (RMB bn, RMB, m units, %, as"
            " python -m thinmargin.data lists them): convert the figures and change the title, or begin its line with #"
        )
        raise FiguresError.at(file, problem, line=line)
    found = other_periods(title)
    if found:
        problem = (
            f"{shown(found)} stands in a title, and every figure is of its own period, in years of the calendar:"
            " convert the figures and change the title, or begin its line with #"
        )
        raise FiguresError.at(file, problem, line=line)


def _say_what_header_lacks(file: str, lines: Sequence[tuple[int, str]]) -> None:
    """Raise FiguresError where it is plain why no line is a header."""
    for number, line in lines[:SEARCHED]:
        names = [name.strip("\"' ") for name in _OTHER_SEPARATORS.split(line.strip())]
        if set(PERIOD_NAMES) & {name_of(name) for name in names} and KNOWN & {name_of(name) for name in names}:
            found = next((sign for sign in "|^~:!" if sign in line), " ")
            allowed = ", ".join(SEPARATORS.values())
            problem = f"missing: cells seem to be separated by {shown(found)}, and allowed are {allowed}"
            raise FiguresError.at(file, problem, line=number, column=PERIOD_NAMES[0])
        for separator in SEPARATORS:
            cells = _split(line, separator) or [""]
            if name_of(cells[0]) in KNOWN and any(_NUMBER.fullmatch(cell) for cell in cells[1:]):
                problem = (
                    f"missing: {shown(cells[0])} begins a row of figures, and no line above it names their periods;"
                    f" write one, such as {plain(separator.join((PERIOD_NAMES[0], '2024', '2025-Q1')))}"
                )
                raise FiguresError.at(file, problem, line=number, column=PERIOD_NAMES[0])
