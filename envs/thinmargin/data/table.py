"""The shipped figures as plain text for analysts, 120 columns wide at most."""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from thinmargin.command_line import Parser, answered
from thinmargin.data.periods import FORMS
from thinmargin.data.series import BREAKS, SERIES, Series, series_named
from thinmargin.data.shipped import STATUSES, provenance, reported
from thinmargin.files import check_writable, is_there, write_atomically
from thinmargin.shown import plain, shown

WIDTH = 120
KINDS = {
    "sum": "summed over the period",
    "end": "at the end of the period",
    "share": "share over the period",
    "ratio": "ratio over the period",
}
MARKS = {"verified": "", "background": "~", "estimate": "?"}
"""Mark behind a value by its status."""
CHARACTERS = range(9, 3, -1)
"""Characters a value may take, the most first: the table is as exact as its width allows."""


def figures_text(names: Sequence[str] = ()) -> str:
    """The table of these series, by default of all, with status marks, their legend and the breaks below.

    Raises:
        ValueError: a name is unknown, or there twice.
    """
    chosen = [series.name for series in _chosen(names)]
    tables = (_table(chosen, characters) for characters in CHARACTERS)
    table = next((lines for lines in tables if max(map(len, lines)) <= WIDTH), _table(chosen, CHARACTERS[-1]))
    counts = Counter(entry.status for entry in provenance() if entry.series in chosen)
    legend = [
        f"{MARKS[status] or ' '} {status}: {meaning} ({counts[status]} of {counts.total()} cells)"
        for status, meaning in STATUSES.items()
    ]
    breaks = [
        textwrap.fill(f"{name}: {BREAKS[name]}", WIDTH, subsequent_indent="  ") for name in chosen if name in BREAKS
    ]
    about = [
        textwrap.fill(
            f"{series.name}: {series.meaning} [{series.unit}], {KINDS[series.kind]}", WIDTH, subsequent_indent="  "
        )
        for series in SERIES
        if series.name in chosen
    ]
    return "\n".join(
        [*table, "", *legend, "", "What they are", *about, *(["", "Breaks and weak spots", *breaks] if breaks else [])]
    )


def _chosen(names: Sequence[str]) -> list[Series]:
    """The series of these names, by default all."""
    twice = next((name for k, name in enumerate(names) if name in names[:k]), None)
    if twice is not None:
        raise ValueError(f"series {shown(twice)} is named twice: each series once is allowed")
    return [series_named(name) for name in names] or list(SERIES)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line `python -m thinmargin.data`. Returns the exit status."""
    parser = Parser(
        prog="python -m thinmargin.data",
        description="Print the shipped figures, rounded to the width of the table, with their status and breaks.",
    )
    parser.add_argument("--series", nargs="+", default=[], metavar="NAME", help="series to show (default: all)")
    parser.add_argument(
        "--template",
        type=Path,
        metavar="FILE",
        help="write an empty file for figures of your own: every column, or those of --series, and what they are",
    )
    return answered(parser.prog, lambda: _answer(parser, arguments))


def _answer(parser: Parser, arguments: Sequence[str] | None) -> int:
    options = parser.parse_args(arguments)
    try:
        if options.template is not None:
            return _write_template(parser, options.template, template_text(options.series))
        text = figures_text(options.series)
    except ValueError as error:
        parser.error(str(error))
    print(text)  # noqa: T201  # the command line's own answer
    return 0


def template_text(names: Sequence[str] = ()) -> str:
    """An empty CSV file of these series, by default of all, that `read_figures` takes once it has rows.

    Raises:
        ValueError: a name is unknown, or there twice.
    """
    chosen = _chosen(names)
    about = [f"{series.name}: {series.meaning} [{series.unit}], {KINDS[series.kind]}" for series in chosen]
    lines = [
        "Figures of your own for python -m thinmargin.backtest --data FILE: a row a period, below the names.",
        f"period: {FORMS}",
        *about,
        "An empty cell was not reported. Lines that begin with # are skipped.",
        "Semicolons or tabs between the cells, and decimal commas, are read too.",
    ]
    return "".join(f"# {line}\n" for line in lines) + ",".join(["period", *(series.name for series in chosen)]) + "\n"


def _write_template(parser: Parser, path: Path, text: str) -> int:
    """Write the template, unless there is a file already: figures that somebody typed are not overwritten."""
    if is_there(path):
        parser.error(f"--template is {shown(path)}: it exists already; name a new file")
    try:
        check_writable(path)
        write_atomically(path, text)
    except OSError as error:
        parser.error(f"--template is {shown(path)}: {error}; it must be a new file in a folder that can be written to")
    print(f"written: {plain(path)}")  # noqa: T201  # the command line's own answer
    return 0


def _table(names: Sequence[str], characters: int) -> list[str]:
    figures = reported()
    marks = {(entry.series, entry.year): MARKS[entry.status] for entry in provenance()}
    rows = [["", *(f"{period} " for period in figures.periods)]]
    for name in names:
        values = [(period.year, figures.value(name, period)) for period in figures.periods]
        rows.append([name, *(_short(value, characters) + (marks.get((name, year)) or " ") for year, value in values)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        " ".join(
            f"{cell:>{width}}" if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _short(value: float, characters: int) -> str:
    """A value as it was reported, else rounded to these characters where that is possible."""
    if math.isnan(value):
        return ""
    exact = Decimal(f"{value:.10g}")
    texts = [f"{exact:f}"]
    texts += [f"{exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP):f}" for decimals in (3, 2, 1, 0)]
    return next((text for text in texts if len(text) <= characters), texts[-1])
