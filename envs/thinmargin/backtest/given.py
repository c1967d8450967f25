"""What a file of newer figures gave: how many values of which series, and which of its periods are new."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

import numpy as np

from thinmargin.data import Figures, Period
from thinmargin.shown import LONGEST_PATH, listed, plain

WIDTH = 88


def given_text(newer: Figures, known: Figures) -> str:
    """The lines that say what was read, at most WIDTH characters wide but for the name of the file.

    Args:
        newer: the figures of a file.
        known: those that it is put on top of.
    """
    counts = {name: int(np.count_nonzero(~np.isnan(values))) for name, values in newer.columns.items()}
    filled = {name: count for name, count in counts.items() if count}
    empty = [name for name, count in counts.items() if not count]
    new = [period for period in newer.periods if period not in known.periods]
    values = (
        f"{_count(sum(filled.values()), 'value')} of {len(filled)} series in {_count(len(newer.periods), 'period')}"
    )
    lines = [
        f"Read: {values}:",
        "  " + ", ".join(f"{name} {count}" for name, count in filled.items()),
        f"New periods, {len(new)}: {listed(map(str, new))}." if new else "New periods: none.",
    ]
    again = [period for period in newer.periods if period in known.periods]
    if again:
        changes = [change for name in filled for period in again for change in _changes(newer, known, name, period)]
        said = f"new or other values, {len(changes)}: {listed(changes)}" if changes else "no value is another"
        lines.append(f"Periods known before, {len(again)}: {listed(map(str, again))}; {said}.")
    if empty:
        lines.append(f"Columns without a value: {', '.join(empty)}.")
    return "\n".join([f"Newer figures: {plain(newer.name, LONGEST_PATH)}", *_filled(lines)])


def _changes(newer: Figures, known: Figures, name: str, period: Period) -> Iterator[str]:
    """What a newer cell of a known period changes: nothing, or one sentence."""
    value, before = newer.value(name, period), known.value(name, period)
    if not np.isnan(value) and value != before:
        yield f"{name} of {period} {value:.10g}" + ("" if np.isnan(before) else f" for {before:.10g}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _filled(lines: Iterable[str]) -> Iterable[str]:
    return (textwrap.fill(line, WIDTH, subsequent_indent="  ", break_on_hyphens=False) for line in lines)
