"""Units in the titles above figures: a currency or scale that no series has, and years that are not the calendar's."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from thinmargin.data.headings import tokens
from thinmargin.data.series import series_named
from thinmargin.data.spans import MONTH_NAMES

_CODES = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF"
    " CLP COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG"
    " HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA"
    " MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NTD NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON"
    " RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH"
    " UGX USD UYU UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWL"
)
"""Currencies of ISO 4217 but the yuan, and NTD, which is written for one of them."""
_WORDS_TOO = frozenset(
    "ALL AMD ANG BAM BOB COP CUP GEL LAK MAD MOP NAD PEN PHP RON SAR SOS TOP TRY".split()  # noqa: SIM905  # as above
)
"""Those which are words, names or short for something else: a currency only beside a scale or behind `in`."""
_ALONE = "|".join(code for code in _CODES.split() if code not in _WORDS_TOO)
_ANY = "|".join(_CODES.split())
_SCALE = (
    r"(?:m|mn|mm|mln|mio|millions?|k|tsd|thousands?|bn|b|bln|mrd|billions?|tn|trillions?|crores?|lakhs?"
    r"|(?:hundred|100) ?(?:millions?|m|mn))"
)
_CODE = re.compile(
    rf"\b(?:{_ALONE})\b(?:\W{{0,3}}(?i:{_SCALE})\b)?"
    rf"|\b(?:[Ii]n|[Cc]urrency:?) (?:{_ANY})\b(?! [A-Z])"
    rf"|\b(?:{_ANY})\W{{1,3}}(?i:{_SCALE})\b|\b(?i:{_SCALE})\W{{1,3}}(?:{_ANY})\b"
)
"""Codes in capitals, as they are also words in small letters."""
_CURRENCY = re.compile(
    r"\b(?:usd|eur|gbp|hkd|jpy|inr|krw|twd|sgd|chf|dollars?|euros?|yen|rupees?|rs|pounds?|sterling|r[uo]u?bles?|francs?"
    r"|pesos?|ringgit|baht|rupiah|dirhams?|zloty|kron[aeo]r?|liras?|crores?|lakhs?)\b|(?:us|hk|nt|r|a|c|s)?[$]"
    r"|\b(?:korean|in|bn|billions?|millions?|trillions?|of) won\b"
    r"|[\u7f8e\u6e2f\u6b27\u65e5]\u5143|(?:jp|j)\xa5|\u5362\u6bd4|\u82f1\u9551",
    re.IGNORECASE,
)
_YUAN = r"(?:rmb|cny|yuan|renminbi|cn\xa5|\xa5)"
_FOREIGN = (
    r"(?:m|mn|mm|mln|mio|millions?|k|tsd|thousands?|tn|trillions?|'?000s?"
    r"|(?:hundred|100|ten|10) ?(?:millions?|thousands?|m|mn|k)|crores?)"
)
"""Scales of the yuan that no series has."""
_OF_OTHERS = r"(?!\W{0,3}(?:of )?(?:units|users|devices|phones|smartphones|pieces|pcs)\b)"
_SCALED = re.compile(
    rf"(?<![a-z])(?<!bn )(?<!billion )(?<!billions )(?<!billion of )(?<!billions of )"
    rf"{_YUAN}(?:\s|[-,:;(\[/'])*(?:in )?{_FOREIGN}(?![a-z]){_OF_OTHERS}"
    rf"|(?<![a-z0-9]){_FOREIGN}\.?(?:\s|[-(\[/])*(?:of )?{_YUAN}(?![a-z])"
)
_IN_SCALE = re.compile(
    r"(?<![a-z])in\s+('?(?:thousands?|millions?|billions?|trillions?|k|tsd|mn|mm|mln|mio|bn|mrd|tn))\b\.?(?!\s*[a-z])"
    r"|(?<![a-z])in\s+(thousands?|millions?|billions?|trillions?)\b"
    r"|(?<![a-z])(?:in\s+)?(?:hundred|100|ten) (?:millions?|thousands?)\b|(?<![0-9.,])'?000s?\b|\bx\s?1[,.]?000\b"
)
_SHARES = re.compile(
    r"\b(?:basis points?|bps?)\b|\b(?:in|as) (?:fractions?|decimals?)\b|^\W*fractions?\W*$|\bunit:? fractions?\b"
)
_CHINESE = re.compile(
    r"(?:[\u5343\u4e07]|(?<!\u5341)\u4ebf)\u5143|\u4eba\u6c11\u5e01[\s(]*(?:\u767e\u4e07|[\u5343\u4e07\u4ebf])|(?:(?<!\u767e)\u4e07|\u5343|\u4ebf)[\u53f0\u90e8]"
)
"""Thousands, tens of thousands and hundred millions of the yuan, or of phones."""
_CHINESE_UNIT = re.compile(
    r"\u5355\u4f4d\s*:\s*[^\s,;)]*?((?:(?<!\u767e)\u4e07|\u5343|(?<!\u5341)\u4ebf)|\u767e\u4e07\u5143)"
)
"""The same behind the word for a unit."""
_MONTHS = "|".join(MONTH_NAMES)
_YEAR_OF_FIRM = re.compile(
    rf"\b(?:fiscal|financial|business) years?\b(?:\W+\w+){{0,4}}?\W+(?:{_MONTHS})[a-z]*\b"
    rf"(?:\W+(?:[0-9]+\W+)?(?:to|through|-|\u2013)?\W*(?:{_MONTHS})[a-z]*\b)?"
    rf"|\byears? (?:ends?|ended|ending)\b(?:\W+\w+){{0,3}}?\W+(?:{_MONTHS})[a-z]*\b"
)
_LAST_MONTH = re.compile(rf"({_MONTHS})[a-z]*\W*$")
_TO_DATE = re.compile(r"\bcumulative(?:ly)?\b|\bcumulated\b|\byear[- ]to[- ]date\b|\bytd\b|\u7d2f\u8ba1")


def foreign_unit(title: str, names: Iterable[str]) -> str:
    """A currency, or a scale, in a title above figures of these series that none of them has; empty if none."""
    text = unicodedata.normalize("NFKC", title).replace("\u2019", "'")
    small = text.lower()
    for pattern, where in (
        (_CODE, text), (_CURRENCY, text), (_SCALED, small), (_SHARES, small), (_CHINESE, text), (_CHINESE_UNIT, text),
    ):  # fmt: skip
        if found := pattern.search(where):
            return text[found.start() : found.end()]
    symbol = next((sign for sign in text if unicodedata.category(sign) == "Sc" and sign != "\xa5"), "")
    if symbol:
        return symbol
    scale = _IN_SCALE.search(small)
    if scale:
        written = tokens(scale[1] or scale[2] or scale[0])
        if not any(written <= tokens(series_named(name).unit) for name in names):
            return text[scale.start() : scale.end()]
    return ""


def other_periods(title: str) -> str:
    """What a title says of years that are not the calendar's, or of figures that are summed up; empty if nothing."""
    text = unicodedata.normalize("NFKC", title).lower()
    if found := _TO_DATE.search(text):
        return found[0]
    found = _YEAR_OF_FIRM.search(text)
    last = _LAST_MONTH.search(found[0]) if found else None
    return found[0] if found and last and MONTH_NAMES[last[1]] != 12 else ""
