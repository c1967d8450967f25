"""Numbers as they are printed, and names as they fit into a picture."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from functools import cache

from matplotlib.font_manager import FontProperties, findfont, get_font

from thinmargin_agents.scoring.comparison import rounded
from thinmargin_agents.scoring.rounding import shown_share

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"
"""Stands where there is no number."""
SPACE = "\N{NO-BREAK SPACE}"
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
LABEL_WIDTH = 22
"""Most characters of a name in a picture."""
FONT = "DejaVu Sans"
"""The font that pictures are measured with; it comes with matplotlib."""


def is_number(value: object) -> bool:
    """Whether this is a finite number and not missing."""
    return isinstance(value, (int, float)) and math.isfinite(value)


def number(value: float | None, digits: int = 1) -> str:
    """A number with its thousands apart and a real minus; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{rounded(value, digits):,.{digits}f}".replace("-", MINUS)


def signed(value: float | None, digits: int = 1) -> str:
    """A difference: the same with a plus."""
    text = number(value, digits)
    return f"+{text}" if is_number(value) and rounded(float(value or 0.0), digits) > 0.0 else text


def percent(share: float | None, digits: int = 0) -> str:
    """A share as a percentage; one that would round to none or all though it is neither is told as below or above."""
    if share is None or not math.isfinite(share):
        return NOTHING
    return f"{shown_share(share, digits, 100.0).replace('-', MINUS)}{SPACE}%"


def of_worlds(share: float, worlds: int, digits: int = 0) -> str:
    """A share of so many worlds in words: `all 8 worlds`, `none of the 8 worlds`, `75 % of the 8 worlds`."""
    if share in (0.0, 1.0):
        return f"{'all' if share else 'none of the'} {worlds} worlds"
    return f"{percent(share, digits)} of the {worlds} worlds"


def money(value: float) -> str:
    """RMB bn, on one line."""
    return f"RMB{SPACE}{number(value)}{SPACE}bn"


def interval(ends: Sequence[float | None] | None, digits: int = 1) -> str:
    """`low to high`, or a dash."""
    if ends is None or len(ends) != 2:
        return NOTHING
    return f"{number(ends[0], digits)} to {number(ends[1], digits)}"


def listed(words: Sequence[str], last: str = "and") -> str:
    """`a, b and c`."""
    *first, final = words
    return f"{', '.join(first)} {last} {final}" if first else final


def capital(sentence: str) -> str:
    """A sentence that begins with a capital letter."""
    return sentence[:1].upper() + sentence[1:]


def short_name(name: str, taken: Collection[str] = ()) -> str:
    """A policy's name in a picture: no longer than fits, unlike every other in `taken`."""
    label = _cut(_drawable(name), LABEL_WIDTH) or "?"
    copy, number_ = label, 2
    while copy in taken:
        copy, number_ = f"{_cut(label, LABEL_WIDTH - 4)} ({number_})", number_ + 1
    return copy


def _cut(text: str, width: int) -> str:
    """`text` in at most `width` characters, the middle left out."""
    if len(text) <= width:
        return text
    end = (width - 1) * 2 // 3
    return text[: width - 1 - end] + ELLIPSIS + text[-end:]


def _drawable(text: str) -> str:
    """`text` with a question mark for each character that the font lacks."""
    return "".join(letter if letter.isprintable() and _has_letter(letter) else "?" for letter in text)


@cache
def _has_letter(letter: str) -> bool:
    return bool(get_font(findfont(FontProperties(family=FONT))).get_char_index(ord(letter)))
