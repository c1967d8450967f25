"""Spans of months as reports write them: nine months, Q1 to Q3, three months ended in March."""

from __future__ import annotations

import calendar
import re

MONTH_NAMES = {
    "jan": 1, "feb": 2, "mar": 3, "m\u00e4r": 3, "mrz": 3, "apr": 4, "may": 5, "mai": 5, "jun": 6, "jul": 7, "aug": 8,
    "sep": 9, "oct": 10, "okt": 10, "nov": 11, "dec": 12, "dez": 12,
}  # fmt: skip
"""The first three letters of the months in English and German."""
DASHES = re.compile("[\u2010-\u2015\u2212\ufe63\uff0d]")
"""Dashes of print, which stand for a hyphen."""

_NUMBERS = {
    word: number
    for words in (
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"],
        ["ein", "zwei", "drei", "vier", "f\u00fcnf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zw\u00f6lf"],
        ["\u4e00", "\u4e8c", "\u4e09", "\u56db", "\u4e94", "\u516d", "\u4e03", "\u516b", "\u4e5d", "\u5341"],
    )
    for number, word in enumerate(words, 1)
}
"""Words for numbers, in English, German and Chinese."""
_COUNT = rf"({'|'.join(sorted(_NUMBERS, key=len, reverse=True))}|1[0-2]|[1-9])"
_TO = r"\s*(?:-|/|~|to|bis|until|through|thru|\u81f3|\u5230)\s*"
_JOINT = r"(-|/|~|\+|&|,|to|bis|und|until|through|thru|and|\u81f3|\u5230)"
_MONTH = r"(0?[1-9]|1[0-2])"
_TWO_MONTHS = re.compile(rf"([0-9]{{4}})-(0[1-9]|1[0-2]){_TO}([0-9]{{4}})-(0[1-9]|1[0-2])")
_TWO_MONTHS_SHORT = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])\s*(?:/|to|bis|until|through)\s*(0[1-9]|1[0-2])")
_CHINESE = re.compile(rf"([0-9]{{4}})\s?\u5e74\s?{_MONTH}\s?\u6708?{_TO}(?:([0-9]{{4}})\s?\u5e74)?\s?{_MONTH}\s?\u6708")
_MONTH_CODE = re.compile(rf"([0-9]{{4}})-?m{_MONTH}")
_DATE = (
    r"(?:(?:the\s+)?([0-9]{1,2})(?:st|nd|rd|th)?\.?\s+(?:of\s+)?)?([^\W\d_]{3,9})\.?"
    r"(?:\s+([0-9]{1,2})(?:st|nd|rd|th)?)?\s*,?\s*([0-9]{4})"
)
_ENDED = re.compile(
    rf"(?:the\s+)?(?:{_COUNT}(?:[\s-]+months?(?:\s+period)?|\s?m)"
    r"|(quarter|three-month period|half[\s-]?year|six-month period|year))"
    rf"\s+(?:ended|ending|to|until)\s+(?:on\s+)?{_DATE}"
)
_DATES = re.compile(rf"([0-9]{{4}})-{_MONTH}-0?1{_TO}([0-9]{{4}})-{_MONTH}-([0-9]{{1,2}})")
_MONTHS_YEARS = re.compile(rf"{_MONTH}[/.]([0-9]{{4}}){_TO}{_MONTH}[/.]([0-9]{{4}})")
_LENGTHS = {"q": 3, "h": 6}
_PART = re.compile(r"(?<![a-z0-9])(?:([qh])\s?([1-4])(?![0-9])|([1-4])(?:\.|st|nd|rd|th)?\s?([qh]))")
_PARTS_SHORT = (
    (re.compile(rf"([qh])\s?([1-4])\s*{_JOINT}\s*([1-4])(?![0-9])"), r"\1\2 \3 \1\4 "),
    (re.compile(rf"(?<![0-9])([1-4])\.?\s*{_JOINT}\s*([1-4])\.?\s?([qh])"), r"\4\1 \2 \4\3 "),
)
_WORDS_OF_PARTS = (
    (re.compile(r"(?:quarters?|quartale?)"), "q"),
    (re.compile(r"(?:half-years?|halves|half|halbjahre?)"), "h"),
    *(
        (re.compile(rf"\b{word}\b"), str(k))
        for k, word in enumerate(("first|1st", "second|2nd", "third|3rd", "fourth|4th"), 1)
    ),
)
_CHINESE_PARTS = re.compile(
    r"\u7b2c?([\u4e00\u4e8c\u4e09\u56db1-4])(?:\u5b63\u5ea6?)?(?:-|~|/|\u81f3|\u5230|\u3001|\u548c)"
    r"\u7b2c?([\u4e00\u4e8c\u4e09\u56db1-4])\u5b63\u5ea6?"
)
_ANY_YEAR = r"(?:[fc]y\s?)?'?(?:(?:19|20)?[0-9]{2})"
_BETWEEN_PARTS = re.compile(rf"(?:[\s/.'-]*{_ANY_YEAR})?\s*{_JOINT}\s*(?:{_ANY_YEAR}[\s/.'-]*)?")
_YEARS = re.compile(r"(?<![0-9])(?:((?:19|20)[0-9]{2})|'?([0-9]{2}))(?![0-9])")
_FIRST = re.compile(
    rf"(?:\b(first|last|final|1st|ersten?|letzten?)\s+)?{_COUNT}[\s-]+(?:(months?(?=\s+period)|months|monate)|(quarters|quartale)|(?:halves|half-years))"
    rf"|(\u524d|\u540e)?{_COUNT}\s?(?:\u4e2a)?(?:(\u6708)|\u5b63\u5ea6?)"
)
_ASIDE = re.compile(r"(?:\s|[-.,()/'\u2019\u5e74]|the|of|in|for|period|fy|cy|fiscal|calendar|year)*")
_FISCAL = re.compile(r"fy|fiscal")
IF_CALENDAR = " if the firm's year is that of the calendar"


def span_text(text: str) -> str:
    """A span that has one meaning, in the form of this package; empty if there is none.

    Args:
        text: in small letters, with single spaces, and hyphens for dashes.
    """
    if found := _TWO_MONTHS.fullmatch(text):
        return f"{found[1]}-{found[2]}/{found[3]}-{found[4]}"
    if found := _TWO_MONTHS_SHORT.fullmatch(text):
        return f"{found[1]}-{found[2]}/{found[1]}-{found[3]}"
    if found := _CHINESE.fullmatch(text):
        return f"{found[1]}-{int(found[2]):02d}/{found[3] or found[1]}-{int(found[4]):02d}"
    if found := _MONTH_CODE.fullmatch(text):
        return f"{found[1]}-{int(found[2]):02d}"
    found = _ENDED.fullmatch(text)
    return _ending(*found.groups()) if found else ""


def span_meant(text: str) -> str:
    """The span that other words for several months or parts of a year mean; empty if there is none.

    Args:
        text: as of `span_text`.
    """
    fiscal = IF_CALENDAR if _FISCAL.search(text) else ""
    if (found := _DATES.fullmatch(text)) and int(found[5]) == calendar.monthrange(int(found[3]), int(found[4]))[1]:
        return f"{found[1]}-{int(found[2]):02d}/{found[3]}-{int(found[4]):02d}"
    if found := _MONTHS_YEARS.fullmatch(text):
        return f"{found[2]}-{int(found[1]):02d}/{found[4]}-{int(found[3]):02d}"
    span = _counted(text) or _from_part_to_part(text)
    return f"{span}{fiscal}" if span else ""


def _number(word: str) -> int:
    return _NUMBERS.get(word) or int(word)


def _ending(count: str, part: str, day: str, name: str, day_behind: str, year: str) -> str:
    """So many months, or a part of a year, that end with the last day of a month."""
    month = MONTH_NAMES.get(name[:3], 0)
    months = _number(count) if count else 12 if part == "year" else 3 if part[0] in "qt" else 6
    last_day = calendar.monthrange(int(year), month)[1] if month else 0
    if (
        not month
        or (day and day_behind)
        or int(day or day_behind or last_day) not in (last_day, 28 if month == 2 else 0)
    ):
        return ""
    first = 12 * int(year) + month - months
    return f"{first // 12}-{first % 12 + 1:02d}/{year}-{month:02d}"


def _counted(text: str) -> str:
    """The first three quarters, nine months, the last six months of a year."""
    found = _FIRST.search(text)
    if not found:
        return ""
    which, count, months, quarters, chinese_which, chinese_count, chinese_months = found.groups()
    if chinese_count and not chinese_which and "\u4e2a" not in found[0]:
        return ""  # a month or a quarter, not so many of them
    length = 1 if months or chinese_months else 6 if count and not quarters else 3
    last = length * _number(count or chinese_count)
    year = _only_year(f"{text[: found.start()]} {text[found.end() :]}")
    if not year or last > 12:
        return ""
    if which in ("last", "final", "letzte", "letzten") or chinese_which == "\u540e":
        return _span(year, 13 - last, 12)
    return _span(year, 1, last)


def _from_part_to_part(text: str) -> str:
    """Q1-Q3 2025, 2025-Q1/2025-Q3, 1Q-3Q25, first to third quarter 2025."""
    text = _CHINESE_PARTS.sub(lambda found: f" q{_number(found[1])}-q{_number(found[2])} ", text)
    for pattern, letter in _WORDS_OF_PARTS:
        text = pattern.sub(letter, text)
    for pattern, whole in _PARTS_SHORT:
        text = pattern.sub(whole, text)
    parts = list(_PART.finditer(text))
    if len(parts) != 2:
        return ""
    letters = {found[1] or found[4] for found in parts}
    numbers = [int(found[2] or found[3]) for found in parts]
    between = text[parts[0].end() : parts[1].start()]
    around = f"{text[: parts[0].start()]} {text[parts[1].end() :]}"
    length = _LENGTHS[letters.pop()]
    joint = _BETWEEN_PARTS.fullmatch(between)
    year = _only_year(" ".join([around, *(found[0] for found in _YEARS.finditer(between))]))
    if letters or not joint or not year or numbers[0] >= numbers[1] or length * numbers[1] > 12:
        return ""
    if joint[1] in ("+", "&", ",", "and", "und") and numbers[1] > numbers[0] + 1:
        return ""
    return _span(year, length * (numbers[0] - 1) + 1, length * numbers[1])


def _only_year(text: str) -> str:
    """The one year of a text that has nothing else but asides; empty if there is none, or several."""
    years = {found[1] or f"20{found[2]}" for found in _YEARS.finditer(text)}
    return years.pop() if len(years) == 1 and _ASIDE.fullmatch(_YEARS.sub("", text)) else ""


def _span(year: str, first: int, last: int) -> str:
    return f"{year}-{first:02d}/{year}-{last:02d}"
