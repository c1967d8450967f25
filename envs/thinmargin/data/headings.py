"""Names of columns as people write them, and whether a unit beside them is the one that a series is in."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from thinmargin.data.series import SERIES, series_named
from thinmargin.shown import shown

PERIOD_NAMES = ("period", "year")
KNOWN = frozenset(series.name for series in SERIES)
NOTES = frozenset({"reported", "as reported", "audited", "unaudited", "restated", "preliminary"})
"""Words behind a name, in small letters, that are no unit."""
CALENDAR = frozenset({"calendar", "calendar year"})
"""The same behind the name of the periods' column."""

_SPELT = {
    **dict.fromkeys(("cny", "yuan", "renminbi", "\xa5", "\u4eba\u6c11\u5e01", "\u5143"), ("rmb",)),
    **dict.fromkeys(("b", "bln", "billion", "billions", "mrd"), ("bn",)),
    **dict.fromkeys(("mn", "mm", "mln", "mio", "million", "millions"), ("m",)),
    **dict.fromkeys(("percent", "pct", "percentage"), ("%",)),
    **dict.fromkeys(("phones", "smartphones", "pieces", "pcs"), ("units",)),
    **dict.fromkeys(("\u767e\u4e07",), ("m",)),
    **dict.fromkeys(("\u5341\u4ebf",), ("bn",)),
    **dict.fromkeys(("\u5341\u4ebf\u5143",), ("rmb", "bn")),
    **dict.fromkeys(("\u767e\u4e07\u5143",), ("rmb", "m")),
    **dict.fromkeys(("\u767e\u4e07\u53f0", "\u767e\u4e07\u90e8"), ("m", "units")),
    **dict.fromkeys(("rmbbn", "rmbb", "cnybn"), ("rmb", "bn")),
    **dict.fromkeys(("in", "of", ".", "cn", "'", "\u2019"), ()),
}
"""Words of a unit in other spellings."""
_BRACKETS = " .*:()[]{}<>\u3010\u3011\uff08\uff09"
_JOINED = str.maketrans("_-", "  ")
_SCALES = frozenset({"m", "bn"})
_BETWEEN = r"[\s_-]+"
_PATTERNS = {
    **{
        name: re.compile(_BETWEEN.join(name.split("_")) + r"(?![^\W_]|\s*;)(.*)", re.IGNORECASE)
        for name in sorted(KNOWN)
    },
    **{name: re.compile(name + r"\s*([\[({<,:/|\u3010].*)?", re.IGNORECASE) for name in PERIOD_NAMES},
}
_PIECES = re.compile(r"[\[\](){}<>,;:/|\u3010\u3011]+")
_WORDS = _SCALES | {
    *("rmb", "usd", "eur", "k", "thousand", "thousands", "tsd", "tn", "bp", "bps", "basis", "points"),
    *("fraction", "fractions", "decimal", "\u4ebf", "\u4e07", "\u5343", "\u4ebf\u5143", "\u4e07\u5143", "\u5343\u5143"),
    *("\u4e07\u53f0", "\u5343\u53f0", "\u53f0", "\u4e07\u90e8"),
}
"""Words that only units have, beside those of the series."""


class Heading(NamedTuple):
    """The head of a column."""

    name: str
    """As it is known here, or the whole cell where it is not."""
    problem: str
    """Why what stands behind the name is refused; empty if it is not."""


def heading_of(cell: str) -> Heading:
    """The name in a cell, whatever its capitals and spaces, and what is wrong with a unit behind it.

    In brackets, behind a comma, a colon or a slash may stand the unit of the series itself, in one of its spellings,
    or a word of NOTES. Anything else might be a unit, which would be read wrongly without a word, and is a problem.
    """
    text = unicodedata.normalize("NFKC", cell).strip()
    for name, pattern in _PATTERNS.items():
        if found := pattern.fullmatch(text):
            pieces = [piece.strip(" \t_*'-\u2013\u2014") for piece in _PIECES.split(found[1] or "")]
            units = [piece for piece in pieces if piece and piece.lower() not in NOTES]
            if name in KNOWN and len(units) > 1 and not _problem(name, " ".join(units)):
                return Heading(name, "")
            return Heading(name, next(filter(None, (_problem(name, piece) for piece in pieces if piece)), ""))
    return Heading(cell, "")


def name_of(cell: str) -> str:
    """The name of a column as it is known here; another one as it is."""
    return heading_of(cell).name


def is_unit(cell: str) -> bool:
    """Whether a cell holds a unit, of a series or another one, and nothing else."""
    written = tokens(cell.strip(_BRACKETS))
    return bool(written) and written <= _UNITS


def has_unit(cell: str) -> bool:
    """Whether a word of a cell is one of a unit."""
    return bool(tokens(cell) & _UNITS)


def unit_above(name: str, cell: str) -> str:
    """What is wrong with a unit in the cell above a name; empty if it holds none, or the right one."""
    return _problem(name, cell.strip(_BRACKETS)) if is_unit(cell) else ""


def _problem(name: str, piece: str) -> str:
    """What is wrong with one word, or some, behind a name; empty if nothing is."""
    words = piece.lower()
    if name in PERIOD_NAMES:
        if words in NOTES | CALENDAR:
            return ""
        return f"{shown(piece)} stands behind the name: periods are those of the calendar, write {name} alone"
    unit = series_named(name).unit
    own, written = tokens(unit), tokens(words)
    if words in NOTES or (written and written <= own and own & _SCALES <= written):
        return ""
    return (
        f"{shown(piece)} stands beside the name, and the series is in {unit}: write figures in {unit}, and {name} or"
        f" {name} [{unit}] as their head; notes belong into lines that begin with #"
    )


def tokens(unit: str) -> frozenset[str]:
    """The words of a unit, each in the spelling of the series."""
    words = re.findall(r"[^\W\d_]+|\S", unit.lower().translate(_JOINED))
    return frozenset(token for word in words for token in _SPELT.get(word, (word,)))


_UNITS = _WORDS.union(*(tokens(series.unit) for series in SERIES))
"""Words of units, those of the series and others."""
