"""Figures from a CSV file: every cell is checked, and every complaint names its place."""

from __future__ import annotations

import calendar
import csv
import datetime as dt
import math
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from thinmargin.data.figures import Figures, FiguresError
from thinmargin.data.periods import START_YEAR, Period, month_name, parse_period
from thinmargin.data.series import SERIES, Series, series_named, suggestion

PERIOD = "period"
PERIOD_NAMES = (PERIOD, "year")
FOUNDED = 12 * (2010 - START_YEAR)
"""January 2010, the year the firm was founded: no period begins earlier."""

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_SEPARATED = re.compile(r"[+-]?[0-9]+([,_'\u2019\s][0-9]+)+(\.[0-9]*)?")
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)

Row: TypeAlias = tuple[int, list[str]]
"""Line number and cells."""


def read_figures(path: str | os.PathLike[str], *, needed: Sequence[str] = (), today: dt.date | None = None) -> Figures:
    """Figures of a CSV file.

    The header names `period` (or `year`) and any of `SERIES`. A row is a period, as `parse_period` reads it; an empty
    cell was not reported. Blank lines and lines that begin with # are skipped; a byte order mark and any line ends
    will do.

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
    file = os.fspath(path)
    try:
        content = Path(path).read_bytes()
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
    rows = _cells(file, content)
    header = next(rows, None)
    if header is None:
        raise FiguresError.at(file, f"empty: it must have a header line with {PERIOD!r} and names of series")
    line, names = header
    columns = _header(file, line, names)
    over = _months_over(today)
    found: dict[Period, tuple[int, list[float]]] = {}
    place = names.index(columns[0])
    for line, cells in rows:
        period = _period(file, line, cells[place], columns[0], over) if place < len(cells) else None
        if period is None or len(cells) != len(names):
            problem = (
                f"{len(cells)} cells, but the header has {len(names)}: there must be one a column, empty where nothing"
                " was reported, and numbers without thousands separators"
            )
            raise FiguresError.at(file, problem, line=line, period=period)
        if period in found:
            problem = f"{period} stands on line {found[period][0]} already: each period once is allowed"
            raise FiguresError.at(file, problem, line=line, period=period, column=columns[0])
        values = [_value(file, line, period, series_named(name), cells[names.index(name)]) for name in columns[1:]]
        found[period] = line, values
    if not found:
        raise FiguresError.at(file, "no rows of figures below the header: there must be at least one")
    periods = sorted(found)
    table = np.array([found[period][1] for period in periods])
    by_name = {name: table[:, position] for position, name in enumerate(columns[1:])}
    figures = Figures(
        file,
        tuple(periods),
        {series.name: by_name[series.name] for series in SERIES if series.name in by_name},
        tuple(found[period][0] for period in periods),
        (file,) * len(periods),
    )
    for period in sorted(periods, key=lambda period: found[period][0]):
        figures.check(period)
    return figures


def _cells(file: str, content: bytes) -> Iterator[Row]:
    """Lines that say something. One line is one row, so that an open quote cannot swallow the lines below it."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = f"byte {content[error.start]:#04x} is not UTF-8: save the file as CSV in UTF-8"
        raise FiguresError.at(file, problem, line=content.count(b"\n", 0, error.start) + 1) from None
    for line, row in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1):
        if row.lstrip().startswith("#"):
            continue
        try:
            cells = [cell.strip() for cell in next(csv.reader([row], strict=True), [])]
        except csv.Error as error:
            problem = f"not a line of CSV ({error}): cells must be separated by commas"
            raise FiguresError.at(file, problem, line=line) from None
        if any(cells) and not cells[0].startswith("#"):
            yield line, cells


def _header(file: str, line: int, names: list[str]) -> list[str]:
    """The header's columns, the period's first."""
    periods = [name for name in names if name in PERIOD_NAMES]
    if len(periods) != 1:
        if not periods and len(names) == 1 and re.search(r"[;\t]", names[0]):
            raise FiguresError.at(file, "cells must be separated by commas", line=line)
        problem = "named more than once: allowed is one" if periods else "missing: there must be one"
        problem = f"{problem} column {' or '.join(map(repr, PERIOD_NAMES))}; columns found: {', '.join(names)}"
        raise FiguresError.at(file, problem, line=line, column=PERIOD)
    known = [series.name for series in SERIES]
    for position, name in enumerate(names):
        if not name:
            raise FiguresError.at(file, f"column {position + 1} has no name: it must name a series", line=line)
        if name not in known and name not in periods:
            raise FiguresError.at(file, f"unknown series: {suggestion(name, known)}", line=line, column=name)
        if name in names[:position]:
            raise FiguresError.at(file, "named twice: each series once is allowed", line=line, column=name)
    if len(names) == 1:
        raise FiguresError.at(file, f"no series beside {names[0]!r}: {suggestion('', known)}", line=line)
    return periods + [name for name in names if name not in periods]


def _months_over(today: dt.date) -> int:
    """Index of the first month that is not over at the end of `today`."""
    last_day = calendar.monthrange(today.year, today.month)[1]
    return 12 * (today.year - START_YEAR) + today.month - 1 + (today.day == last_day)


def _period(file: str, line: int, cell: str, column: str, over: int) -> Period:
    try:
        period = parse_period(cell)
    except ValueError as error:
        raise FiguresError.at(file, str(error), line=line, column=column) from None
    if period.end > over:
        problem = f"{cell} ends in the future: allowed are periods that are over, through {month_name(over - 1)}"
        raise FiguresError.at(file, problem, line=line, period=period, column=column)
    if period.first < FOUNDED:
        problem = f"{cell} begins before the firm was founded: allowed are periods from {month_name(FOUNDED)} on"
        raise FiguresError.at(file, problem, line=line, period=period, column=column)
    return period


def _value(file: str, line: int, period: Period, series: Series, cell: str) -> float:
    if not cell:
        return math.nan
    value = float(cell) if _NUMBER.fullmatch(cell) else math.nan
    if series.low <= value <= series.high:
        return value
    allowed = f"allowed are numbers from {series.low:g} to {series.high:g} [{series.unit}]"
    if math.isinf(value) or _NOT_FINITE.fullmatch(cell):
        problem = f"{cell!r} is not finite: {allowed}, or an empty cell where nothing was reported"
    elif _SEPARATED.fullmatch(cell):
        problem = f"{cell!r} has a thousands separator or a decimal comma: write digits and a decimal point only"
    elif math.isnan(value):
        problem = f"{cell!r} is not a number: {allowed}, or an empty cell where nothing was reported"
    else:
        problem = f"{cell} is out of range: {allowed}"
    raise FiguresError.at(file, problem, line=line, period=period, column=series.name)
