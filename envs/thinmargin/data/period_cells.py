"""Periods as spreadsheets write them: what has one meaning is read, the rest is answered with what helps."""

from __future__ import annotations

import datetime as dt
import re

from thinmargin.data.cells import is_spreadsheet_error
from thinmargin.data.periods import parse_period
from thinmargin.data.spans import DASHES, IF_CALENDAR, MONTH_NAMES, span_meant, span_text

_YEAR = r"([0-9]{4}|[0-9]{2})"
_GAP = r"[\s/.'\u2019-]{0,2}"
_YEAR_FIRST = re.compile(rf"{_YEAR}(?:\s?[/.-]\s?|\s)?([QH])([1-4])", re.IGNORECASE)
_YEAR_BEFORE_SHORT = re.compile(r"([0-9]{4})[\s/.-]?([1-4])([QH])", re.IGNORECASE)
_PART_FIRST = re.compile(rf"([QH])([1-4]){_GAP}{_YEAR}", re.IGNORECASE)
_SHORT = re.compile(rf"([1-4])([QH]){_GAP}{_YEAR}", re.IGNORECASE)
_SPOKEN = re.compile(
    r"([1-4])(?:\.|st|nd|rd|th)?\s*(quarter|quartal|half|half[\s-]year|halbjahr)\s+(?:of\s+)?([0-9]{4})", re.IGNORECASE
)
_MONTHS_OF = re.compile(rf"(3|6|9|12)M{_GAP}{_YEAR}", re.IGNORECASE)
_FISCAL = re.compile(rf"[FC]Y\s?{_YEAR}", re.IGNORECASE)
_WHOLE = re.compile(r"([0-9]{4})(?:[.,]0+|\s?\u5e74|\s?FY)")

_LETTERS = r"([^\W\d_]{3,9})\.?"
_BY_NAME = re.compile(rf"(?:[0-9]{{1,2}}[\s.-]+)?{_LETTERS}{_GAP}(?:[0-9]{{1,2}},\s*)?{_YEAR}")
_NAME_LAST = re.compile(rf"{_YEAR}{_GAP}{_LETTERS}")
_CLOCK = r"(?:[t\s]+[0-9:.]+z?)?"
_YEAR_MONTH = re.compile(rf"((?:19|20)[0-9]{{2}})[\s/.-]?([01]?[0-9])(?:[/.-][0-9]{{1,2}}{_CLOCK})?")
_CHINESE_MONTH = re.compile(r"([0-9]{4})\s?\u5e74\s?([01]?[0-9])\s?\u6708(?:\s?[0-9]{1,2}\s?\u65e5)?")
_MONTH_YEAR = re.compile(r"m?([01]?[0-9])[\s/.-]([0-9]{4})")
_DAY_MONTH_YEAR = re.compile(rf"([0-9]{{1,2}})[/.-]([0-9]{{1,2}})[/.-]{_YEAR}{_CLOCK}")
_DAYS = re.compile(r"[34][0-9]{4}(?:\.0+)?")
_FIRST_DAY = dt.date(1899, 12, 30)
"""Day 0 of spreadsheets."""
_TOTALS = re.compile(
    r"\b(sub-?|grand\s*)?(totals?|sums?|averages?|avg|means?|median|growth|change|cagr|yoy|qoq|gesamt|summe)\b|\u5408\u8ba1"
)
_ASIDES = re.compile(r"units?|notes?|sources?|comments?|remarks?|currency|einheit")
_NOTES = re.compile(r"\b(?:sources?|notes?|see|report(?:ed|s)?|restated|company|filings?|footnotes?)\b")
_OF_PERIODS = re.compile(
    rf"(?<![^\W\d_])(?:quarters?|quartale?|months?|monate?|half|halves|halbjahre?|years?|jahre?|weeks?|fiscal|ended|ending|[qh][1-4]"
    rf"|[1-4][qh]|[0-9]+m|m[0-9]+|(?:{'|'.join(MONTH_NAMES)})[^\W\d_]*)(?![^\W\d_])|[\u5b63\u6708\u5e74]"
)
"""Words that periods have, with digits beside them."""
_WORD = re.compile(r"[^\W\d_]{3}")
_NO_YEAR = re.compile(r"[qh][1-4]|[1-4][qh]")
_MARKED = re.compile(r"(?:[fc]y\s?(?:[0-9]{2}|[0-9]{4})|(?:19|20)[0-9]{2})\s?[(]?(?:[aefp]|est\.?|act\.?)[)]?")
_REMARK = re.compile(
    r"\s*(?:[aefp*]|[(\[,]?\s*(?:un)?(?:audited|reported|restated|actual|estimated?|preliminary)[)\]]?)$"
)
_FISCAL_PART = re.compile(r"[fc]y\s?([0-9]{4}|[0-9]{2})[\s.-]?([qh])([1-4])")
_PART_FISCAL = re.compile(r"([qh])([1-4])[\s.-]?[fc]y\s?([0-9]{4}|[0-9]{2})")
_SPAN = re.compile(rf"{_LETTERS}(?:{_GAP}{_YEAR})?\s*(?:-|\u2013|to|bis)\s*{_LETTERS}{_GAP}{_YEAR}")
_TO_DATE = re.compile(r"\b(?:ytd|ltm|ttm|to date)\b")
_QUARTER, _HALF = re.compile(r"qua?r?t|trim|\u5b63"), re.compile(r"half|halb|semes|\u534a")
_SEVERAL = re.compile(
    r"quarters|quartale|halves|half-years|months?|monate?|end(?:ed|ing)?\b|\b(?:one|two|three|four)\b|[\u524d\u540e\u6708\u81f3\u4e2a]"
)
"""What says that more than one quarter or half-year is meant, or when one ends."""
_ORDINALS = (("first", "\u4e00", "\u4e0a"), ("second", "\u4e8c", "\u4e0b"), ("third", "\u4e09"), ("fourth", "\u56db"))
"""Words for the parts of a year, the first to the fourth, in English and Chinese."""


def period_text(cell: str) -> str:
    """A period in the form of this package: 2025-Q1 for 2025Q1, Q1 2025, 1Q25, 1. Quartal 2025; others as they are."""
    if span := span_text(_small(cell)):
        return span
    cell = DASHES.sub("-", cell)
    if found := _YEAR_FIRST.fullmatch(cell):
        year, kind, part = found.groups()
    elif found := _YEAR_BEFORE_SHORT.fullmatch(cell):
        year, part, kind = found.groups()
    elif found := _PART_FIRST.fullmatch(cell):
        kind, part, year = found.groups()
    elif found := _SHORT.fullmatch(cell) or _SPOKEN.fullmatch(cell):
        part, kind, year = found.groups()
    elif found := _MONTHS_OF.fullmatch(cell):
        year = _four(found[2])
        return f"{year}-01/{year}-{int(found[1]):02d}"
    elif found := _FISCAL.fullmatch(cell) or _WHOLE.fullmatch(cell):
        return _four(found[1])
    else:
        return cell
    return f"{_four(year)}-{'Q' if kind[0].upper() == 'Q' else 'H'}{part}"


def is_period(cell: str) -> bool:
    """Whether a cell is read as a period."""
    try:
        parse_period(period_text(cell))
    except ValueError:
        return False
    return True


def period_help(cell: str) -> str:
    """What to write in place of a cell that is not read as a period; empty where that cannot be guessed."""
    text = _small(cell)
    if not text:
        return "write its period, or begin the line with # if it holds units or notes"
    if is_spreadsheet_error(cell):
        return "it is what a spreadsheet writes where a formula fails: mend it"
    period = _meant(text)
    if period:
        return f"write {period}"
    if _TOTALS.search(text):
        return "delete a row of totals, averages or growth, or a column of them"
    if _ASIDES.fullmatch(text):
        return "delete a row or column of units, notes or sources, or begin its line with #"
    is_note = _WORD.search(text) and not (_OF_PERIODS.search(text) and any(map(str.isdecimal, text)))
    return "begin the line with # if it is a note" if is_note or _NOTES.search(text) else ""


def is_like_period(cell: str) -> bool:
    """Whether a cell is read as a period, or is answered with the periods that it may mean."""
    return is_period(cell) or bool(_meant(_small(cell)))


def _small(cell: str) -> str:
    """A cell in small letters, with single spaces, and hyphens for dashes."""
    return " ".join(DASHES.sub("-", cell).lower().split())


def _meant(text: str) -> str:
    """The periods that a text in small letters may mean; empty where none is seen."""
    if _MARKED.fullmatch(text):
        year = "".join(filter(str.isdecimal, text))
        return f"{_four(year)} if it was reported, and leave it out if it is an estimate"
    bare = _REMARK.sub("", text)
    if bare != text and is_period(bare):
        return f"{parse_period(period_text(bare))} if it was reported, and leave it out if it is an estimate"
    if _NO_YEAR.fullmatch(text):
        return f"its year too, such as 2025-{''.join(sorted(text.upper(), reverse=True))}"
    several = _months_in(text)
    if several:
        return several
    if _TO_DATE.search(text):
        return "its months, such as 2025-01/2025-09"
    month = _month_in(text)
    return _part_in(text) if month is None else _ending(*month)


def _four(year: str) -> str:
    return year if len(year) == 4 else f"20{year}"


def _months_in(text: str) -> str:
    """A part of a fiscal year, or a span from one month to another, in other words; empty if there is none."""
    if found := _FISCAL_PART.fullmatch(text):
        return f"{_four(found[1])}-{found[2].upper()}{found[3]}{IF_CALENDAR}"
    if found := _PART_FISCAL.fullmatch(text):
        return f"{_four(found[3])}-{found[1].upper()}{found[2]}{IF_CALENDAR}"
    if (found := _SPAN.fullmatch(text)) and {found[1][:3], found[3][:3]} <= MONTH_NAMES.keys():
        ends = [(_four(found[2] or found[4]), MONTH_NAMES[found[1][:3]]), (_four(found[4]), MONTH_NAMES[found[3][:3]])]
        return "/".join(f"{year}-{month:02d}" for year, month in ends) if ends == sorted(ends) else ""
    return span_meant(text)


def _month_in(text: str) -> tuple[int, int] | None:
    """Year and month that a date or the name of a month has; None where there is none, or it may be two."""
    found, year, month = None, "", 0
    if found := _BY_NAME.fullmatch(text):
        month, year = MONTH_NAMES.get(found[1][:3], 0), found[2]
    elif found := _NAME_LAST.fullmatch(text):
        month, year = MONTH_NAMES.get(found[2][:3], 0), found[1]
    elif _DAYS.fullmatch(text):
        day = _FIRST_DAY + dt.timedelta(days=int(float(text)))
        return day.year, day.month
    elif found := _YEAR_MONTH.fullmatch(text) or _CHINESE_MONTH.fullmatch(text):
        year, month = found[1], int(found[2])
    elif found := _MONTH_YEAR.fullmatch(text):
        month, year = int(found[1]), found[2]
    elif found := _DAY_MONTH_YEAR.fullmatch(text):
        numbers = sorted({int(found[1]), int(found[2])})
        month, year = (numbers[0] if len(numbers) == 1 or numbers[1] > 12 else 0), found[3]
    return (int(_four(year)), month) if 1 <= month <= 12 else None


def _ending(year: int, month: int) -> str:
    """The periods that end with a month, which a date or its name may stand for."""
    forms = [f"{year}-{month:02d} for that month"]
    if month % 3 == 0:
        forms.append(f"{year}-Q{month // 3} for the quarter that ends then")
    longer = {6: f"{year}-H1 for the half-year", 9: f"{year}-01/{year}-09 for nine months", 12: f"{year} for the year"}
    return f"{', '.join([*forms, *([longer[month]] if month in longer else [])])}"


def _part_in(text: str) -> str:
    """A quarter or half-year that is said in other words; empty if there is none, or there are several."""
    years = re.findall(r"(?:19|20)[0-9]{2}", text)
    kind = "Q" if _QUARTER.search(text) else "H" if _HALF.search(text) else ""
    if len(years) != 1 or not kind or _TOTALS.search(text) or _SEVERAL.search(text):
        return ""
    rest = text.replace(years[0], " ")
    found = {int(number) for number in re.findall(r"(?<![0-9])[1-4](?![0-9])", rest)}
    found |= {k for k, words in enumerate(_ORDINALS, 1) if any(word in rest for word in words)}
    part = found.pop() if len(found) == 1 else 0
    return f"{years[0]}-{kind}{part}" if 1 <= part <= (4 if kind == "Q" else 2) else ""
