"""Numbers as spreadsheets write them: what has one meaning only is read, the rest is answered with what helps."""

from __future__ import annotations

import math
import re
from typing import Literal, TypeAlias

from thinmargin.data.series import Series
from thinmargin.shown import plain, shown

Mark: TypeAlias = Literal[".", ","]
"""Character between whole numbers and decimals."""
MINUS = "\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d-"
"""What stands for a minus before or behind a number: hyphens, the en dash, the minus sign."""
NOT_REPORTED = frozenset(
    {
        *("", "n/a", "na", "n.a.", "n.a", "n.m.", "n.m", "n/m", "nm", "n/d", "n.d.", "k.a.", "k. a.", "k.a", "null"),
        *("..", "...", "\u2026", "not reported", "not available", "not disclosed"),
        *(dash * count for dash in "-\u2013\u2014\u2212" for count in (1, 2, 3)),
    }
)
"""Cells that say that nothing was reported, in small letters."""
NOT_FINITE = frozenset({"nan", "inf", "infinity"})

CURRENCIES = "$\u20ac\xa3\xa5"

_PLAIN = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_SPACED = re.compile(r"([1-9][0-9]{0,2}(?P<space>[\s'\u2019])[0-9]{3}(?:(?P=space)[0-9]{3})*)(?![0-9])")
"""Whole numbers with a space or an apostrophe between their thousands, the same one everywhere."""
_GROUPS = {mark: re.compile(rf"[1-9][0-9]{{0,2}}(\{mark}[0-9]{{3}})+") for mark in ".,"}
_DIGITS = re.compile(r"[0-9.,]*[0-9][0-9.,]*")
"""What may tell a decimal mark: n.a. and other words do not."""
_NEGATIVE = re.compile(r"\((.+)\)")
_SIGNED = re.compile(rf"[+(\s{MINUS}]*[0-9][0-9.,\s'\u2019]*(?:[)%+{MINUS}]\s*)*")
_SPACED_BEHIND = re.compile(r"[^.,]*[0-9][.,][0-9]+(?:[\s'\u2019][0-9]+)+[)%]?")
_GROUP_ALONE = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
_SPREADSHEET_ERROR = re.compile(r"#[\xa1\xbf]?[^\W\d_a-z]+(/0)?[!?]|#[Nn]/?[AaVvDd]|##+|Err:[0-9]+")
"""#DIV/0!, #REF!, #N/A and their translations, a column that was too narrow, and those of LibreOffice."""


class CellError(ValueError):
    """A cell that cannot be read: what is wrong with it, and what helps."""


def is_spreadsheet_error(cell: str) -> bool:
    """Whether a cell holds what spreadsheets write where a formula fails or a column is too narrow."""
    return bool(_SPREADSHEET_ERROR.fullmatch(cell.strip()))


def told_mark(cell: str) -> Mark | None:
    """The character between whole numbers and decimals, where a cell tells it.

    "12,4" and "1.042,5" tell a comma; "12.4" and "1,042.5" a point; "1,042" may be either, and words tell nothing.
    """
    digits = _bare(cell)[0]
    if not _DIGITS.fullmatch(digits):
        return None
    point, comma = digits.rfind("."), digits.rfind(",")
    if point >= 0 and comma >= 0:
        return "." if point > comma else ","
    mark: Mark = "." if point >= 0 else ","
    if point < 0 and comma < 0:
        return None
    if digits.count(mark) > 1:
        return "," if mark == "." else "."  # groups of thousands
    whole, _, decimals = digits.partition(mark)
    is_group = len(decimals) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0")
    return None if is_group else mark


def _bare(cell: str) -> tuple[str, bool, bool]:
    """Digits and marks of a cell, whether it is negative, and whether it is in percent.

    One sign is taken off: a minus or plus before the digits, a minus behind them, or brackets around them. A second
    one is left, and makes the cell no number.
    """
    text = cell.strip()
    percent = text.endswith("%")
    text = text.removesuffix("%").strip()
    if brackets := _NEGATIVE.fullmatch(text):
        text, negative = brackets[1].strip(), True
        if not percent and text.endswith("%"):
            text, percent = text.removesuffix("%").strip(), True
    elif text[:1] in ("+", *MINUS):
        text, negative = text[1:].strip(), text[0] != "+"
    elif text[-1:] in (*MINUS,):
        text, negative = text[:-1].strip(), True
        if not percent and text.endswith("%"):
            text, percent = text.removesuffix("%").strip(), True
    else:
        negative = False
    if spaced := _SPACED.match(text):
        text = spaced[1].replace(spaced["space"], "") + text[spaced.end() :]
    return text, negative, percent


def number(cell: str, series: Series, mark: Mark | None) -> float:
    """The number in a cell; NaN where nothing was reported.

    Args:
        cell: its text, without spaces around it.
        series: its column: only one in percent takes a percent sign.
        mark: between whole numbers and decimals, as `told_mark` of the file's cells; None: no cell tells.

    Raises:
        CellError: it is no number, or may be two.
    """
    if cell.strip().lower() in NOT_REPORTED:
        return math.nan
    digits, negative, percent = _bare(cell)
    if percent and series.unit != "%":
        raise CellError(
            f"{shown(cell)} is in percent, and {series.name} is in {series.unit}: write a number of that unit"
        )
    if mark is None and "," in digits:
        groups = digits.replace(",", "")
        either = f"{plain(groups)} or {plain(digits.replace(',', '.'))}"
        raise CellError(f"{shown(cell)} may be {either}: write {plain(groups)}, or a decimal point")
    value = _plain(digits, mark or ".")
    if digits.lower() in NOT_FINITE or (value is not None and math.isinf(value)):
        raise CellError(f"{shown(cell)} is not finite")
    if value is None:
        raise CellError(f"{shown(cell)} is not a number{_help(cell)}")
    return -value if negative else value


def _help(cell: str) -> str:
    """What to write in place of a cell that is no number, where that can be said."""
    if is_spreadsheet_error(cell):
        return ", it is what a spreadsheet writes where a formula fails or a column is too narrow; mend it"
    if _SIGNED.fullmatch(cell.strip()) and sum(map(cell.count, f"+({MINUS}")) > 1:
        return ", it has more than one sign; write one minus before a negative number, and no brackets"
    if _SPACED_BEHIND.fullmatch(cell.strip()):
        return ", spaces stand between thousands before the decimal mark only"
    has_digits, others = any(map(str.isdecimal, cell)), any(c.isalpha() or c in CURRENCIES for c in cell)
    return ", write its digits without a currency or unit" if has_digits and others else ""


def is_number_either_way(cell: str) -> bool:
    """Whether a cell has one mark with three digits behind it, and is another number with the other decimal mark."""
    return bool(_GROUP_ALONE.fullmatch(_bare(cell)[0]))


def _plain(digits: str, mark: Mark) -> float | None:
    """Digits with this decimal mark, and the other one between thousands, as a number; None if they are none."""
    other: Mark = "," if mark == "." else "."
    whole, found, decimals = digits.partition(mark)
    if other in whole:
        if not _GROUPS[other].fullmatch(whole):
            return None
        whole = whole.replace(other, "")
    text = f"{whole}.{decimals}" if found else whole
    return float(text) if _PLAIN.fullmatch(text) else None
