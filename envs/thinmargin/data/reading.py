"""Figures from a CSV file: every cell is checked, and every complaint names its place."""

from __future__ import annotations

import calendar
import datetime as dt
import itertools
import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from thinmargin.data.cells import CellError, Mark, is_number_either_way, number, told_mark
from thinmargin.data.figures import Figures, FiguresError
from thinmargin.data.headings import PERIOD_NAMES
from thinmargin.data.layout import Row, table_of
from thinmargin.data.period_cells import period_help, period_text
from thinmargin.data.periods import FORMS, START_YEAR, Period, month_name, parse_period
from thinmargin.data.series import SERIES, Series, series_named, suggestion
from thinmargin.shown import listed, plain, shown

PERIOD = PERIOD_NAMES[0]
BASIS_POINTS = 100.0
"""In a percent."""
FOUNDED = 12 * (2010 - START_YEAR)
"""January 2010, the year the firm was founded: no period begins earlier."""


def read_figures(path: str | os.PathLike[str], *, needed: Sequence[str] = (), today: dt.date | None = None) -> Figures:
    """Figures of a CSV file.

    The header names `period` (or `year`) and any of `SERIES`. A row is a period, as `parse_period` reads it; an empty
    cell, or one that a row lacks at its end, was not reported. Blank lines and lines that begin with # are skipped; a
    byte order mark and any line ends will do. What spreadsheets make of it is read where it has one meaning: see
    `thinmargin.data.layout` for rows and columns, `thinmargin.data.headings` for names and units,
    `thinmargin.data.titles` for what stands above, `thinmargin.data.cells` for numbers, `thinmargin.data.period_cells`
    and `thinmargin.data.spans` for periods.

    Args:
        path: the file.
        needed: series whose column must be there, with no empty cell.
        today: periods must be over by the end of this day; by default the day it is (UTC).

    Raises:
        FiguresError: the file cannot be read, or something in it is wrong.
        ValueError: a name in `needed` is unknown.
    """
    for name in needed:
        series_named(name)
    from thinmargin.files import read_bytes  # noqa: PLC0415  # the shipped figures need no files but their own

    file = os.fspath(path)
    try:
        content = read_bytes(Path(path))
    except FileNotFoundError as error:
        raise FiguresError.at(file, "no such file: name a CSV file of figures that exists") from error
    except IsADirectoryError as error:
        raise FiguresError.at(file, "is a folder: name a CSV file of figures") from error
    except OSError as error:
        raise FiguresError.at(file, f"cannot be read ({error.strerror}): name one that can be read") from error
    figures = parse_figures(file, content, today or dt.datetime.now(tz=dt.UTC).date())
    figures.require(needed)
    return figures


def parse_figures(file: str, content: bytes, today: dt.date) -> Figures:
    """Figures of the bytes of a CSV file that messages call `file`; raises as `read_figures`."""
    table = table_of(file, content)
    if table.header is None:
        raise FiguresError.at(file, f"empty: it must have a header line with {shown(PERIOD)} and names of series")
    line, names = table.header
    columns = _header(file, line, names)
    over = _months_over(today)
    mark = _decimal_mark(file, names, table.rows)
    found: dict[Period, tuple[int, list[float]]] = {}
    either_way: dict[tuple[str, Period], str] = {}
    place = names.index(columns[0])
    for line, cells in table.rows:
        period = _period(file, line, cells[place], columns[0], over) if place < len(cells) else None
        if period is None or len(cells) > len(names):
            problem = (
                f"{len(cells)} cells, but the header has {len(names)}: there must be one a column, empty where nothing"
                " was reported, and numbers without thousands separators; a note begins with #"
            )
            raise FiguresError.at(file, problem, line=line, period=period)
        texts = dict(itertools.zip_longest(names, cells, fillvalue=""))
        if period in found:
            problem = f"{period} stands on line {found[period][0]} already: each period once is allowed"
            raise FiguresError.at(file, problem, line=line, period=period, column=columns[0])
        values = [_value(file, line, period, series_named(name), texts[name], mark) for name in columns[1:]]
        found[period] = line, values
        either_way.update({(name, period): texts[name] for name in columns[1:] if is_number_either_way(texts[name])})
    if not found:
        raise FiguresError.at(file, "no rows of figures below the header: there must be at least one")
    periods = sorted(found)
    numbers = np.array([found[period][1] for period in periods])
    by_name = {name: numbers[:, position] for position, name in enumerate(columns[1:])}
    figures = Figures(
        file,
        tuple(periods),
        {series.name: by_name[series.name] for series in SERIES if series.name in by_name},
        tuple(found[period][0] for period in periods),
        (file,) * len(periods),
        either_way,
    )
    for period in sorted(periods, key=lambda period: found[period][0]):
        figures.check(period)
    return figures


def _decimal_mark(file: str, names: Sequence[str], rows: Sequence[Row]) -> Mark | None:
    """The decimal mark of a file's numbers, where one of them tells; two that contradict each other are an error."""
    seen: dict[Mark, tuple[Row, int]] = {}
    for row in rows:
        for place, cell in enumerate(row.cells[: len(names)]):
            mark = None if names[place] in PERIOD_NAMES else told_mark(cell)
            if mark is not None and seen.setdefault(mark, (row, place)) == (row, place) and len(seen) == 2:
                (first, column), word = seen["," if mark == "." else "."], {".": "point", ",": "comma"}
                other = "comma" if mark == "." else "point"
                problem = (
                    f"{shown(cell)} has a decimal {word[mark]} and {shown(first.cells[column])} a decimal {other}"
                    f" (line {first.line}, column {plain(names[column])}): one of the two is allowed in a file"
                )
                raise FiguresError.at(file, problem, line=row.line, column=names[place])
    return next(iter(seen), None)


def _header(file: str, line: int, names: list[str]) -> list[str]:
    """The header's columns, the period's first."""
    periods = [name for name in names if name in PERIOD_NAMES]
    if len(periods) != 1:
        problem = "named more than once: allowed is one" if periods else "missing: there must be one"
        problem = f"{problem} column {' or '.join(map(shown, PERIOD_NAMES))}; columns found: {listed(names)}"
        raise FiguresError.at(file, problem, line=line, column=PERIOD)
    known = [series.name for series in SERIES]
    for position, name in enumerate(names):
        if name not in known and name not in periods:
            raise FiguresError.at(file, f"unknown series: {suggestion(name, known)}", line=line, column=name)
        if name in names[:position]:
            raise FiguresError.at(file, "named twice: each series once is allowed", line=line, column=name)
    if len(names) == 1:
        raise FiguresError.at(file, f"no series beside {shown(names[0])}: {suggestion('', known)}", line=line)
    return periods + [name for name in names if name not in periods]


def _months_over(today: dt.date) -> int:
    """Index of the first month that is not over at the end of `today`."""
    last_day = calendar.monthrange(today.year, today.month)[1]
    return 12 * (today.year - START_YEAR) + today.month - 1 + (today.day == last_day)


def _period(file: str, line: int, cell: str, column: str, over: int) -> Period:
    try:
        period = parse_period(period_text(cell))
    except ValueError as error:
        hint = period_help(cell)
        problem = f"period is {shown(cell)}: {hint}; allowed are {FORMS}" if hint else str(error)
        raise FiguresError.at(file, problem, line=line, column=column) from None
    if period.end > over:
        problem = f"{plain(cell)} ends in the future: allowed are periods that are over, through {month_name(over - 1)}"
        raise FiguresError.at(file, problem, line=line, period=period, column=column)
    if period.first < FOUNDED:
        problem = f"{plain(cell)} begins before the firm was founded: allowed are periods from {month_name(FOUNDED)} on"
        raise FiguresError.at(file, problem, line=line, period=period, column=column)
    return period


def _value(file: str, line: int, period: Period, series: Series, cell: str, mark: Mark | None) -> float:
    allowed = f"allowed are numbers from {series.low:g} to {series.high:g} [{series.unit}]"
    try:
        value = number(cell, series, mark)
    except CellError as error:
        problem = f"{error}: {allowed}, or an empty cell where nothing was reported"
        raise FiguresError.at(file, problem, line=line, period=period, column=series.name) from None
    if math.isnan(value) or series.low <= value <= series.high:
        return value
    read = "" if cell == f"{value:.10g}" else f", read as {value:.10g},"
    problem = f"{shown(cell)}{read} is out of range: {allowed}"
    if series.unit == "%" and abs(value) <= 100.0 * BASIS_POINTS:
        problem += f"; basis points are divided by 100, {value / BASIS_POINTS:.10g} %"
    raise FiguresError.at(file, problem, line=line, period=period, column=series.name)
