"""Reporting periods, counted in months since January 2012."""

from __future__ import annotations

import re
from typing import NamedTuple

from thinmargin.shown import shown

START_YEAR = 2012
"""The year whose January is month 0."""
FORMS = (
    "2015 (a year), 2025-Q3 (a quarter), 2025-H1 (a half-year), 2025-09 (a month), 2025-01/2025-09 (a span of months)"
)
"""The ways to write a period, for messages."""

_YEAR = re.compile(r"[0-9]{4}")
_PART = re.compile(r"([0-9]{4})-(?:Q([1-4])|H([12]))")
_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_LETTERS = {3: "Q", 6: "H"}


class Period(NamedTuple):
    """Whole calendar months in a row.

    Periods sort by their first month, then by their length: a quarter stands before its year.
    """

    first: int
    """Months since January 2012: -12 is January 2011."""
    months: int
    """Length, at least 1."""

    @property
    def end(self) -> int:
        """Index one past the last month."""
        return self.first + self.months

    @property
    def year(self) -> int:
        """Calendar year of the first month."""
        return START_YEAR + self.first // 12

    @property
    def is_year(self) -> bool:
        """True for one full calendar year."""
        return self.months == 12 and self.first % 12 == 0

    def __str__(self) -> str:
        if self.is_year:
            return str(self.year)
        letter = _LETTERS.get(self.months)
        if letter is not None and self.first % self.months == 0:
            return f"{self.year}-{letter}{self.first % 12 // self.months + 1}"
        begin = month_name(self.first)
        return begin if self.months == 1 else f"{begin}/{month_name(self.end - 1)}"


def month_name(month: int) -> str:
    """A month index as text: 0 is "2012-01"."""
    return f"{START_YEAR + month // 12}-{month % 12 + 1:02d}"


def parse_period(text: str) -> Period:
    """The period that `text` names, the inverse of `str`.

    Raises:
        ValueError: `text` has none of the five forms, or a span ends before it begins.
    """
    period = _parsed(text)
    if period is None:
        raise ValueError(f"period is {shown(text)}: allowed are {FORMS}")
    if period.months < 1:
        raise ValueError(f"period is {shown(text)}: a span ends no earlier than it begins")
    return period


def parse_until(text: str) -> int:
    """The index one past the last month of "2025-09", or of "2024" through its December; any period will do.

    Raises:
        ValueError: as `parse_period`.
    """
    try:
        return parse_period(text).end
    except ValueError as error:
        raise ValueError(f"until: {error}") from None


def _parsed(text: str) -> Period | None:
    if not isinstance(text, str):
        return None
    if _YEAR.fullmatch(text):
        return Period(_january(text), 12)
    if part := _PART.fullmatch(text):
        year, quarter, half = part.groups()
        months = 3 if quarter else 6
        return Period(_january(year) + months * (int(quarter or half) - 1), months)
    months_named = [_MONTH.fullmatch(month) for month in text.split("/")]
    indices = [_january(month[1]) + int(month[2]) - 1 for month in months_named if month]
    if len(indices) != len(months_named) or len(indices) > 2:
        return None
    return Period(indices[0], indices[-1] - indices[0] + 1)


def _january(year: str) -> int:
    return 12 * (int(year) - START_YEAR)
