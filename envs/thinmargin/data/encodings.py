"""The text of a file of figures, whichever of Unicode's encodings it has."""

from __future__ import annotations

import codecs

from thinmargin.data.figures import FiguresError

SAVE = "save the file as CSV in UTF-8"
_MARKED = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins with the mark of UTF-16, so it comes first
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ZEROS: dict[tuple[bool, ...], str] = {
    (False, True, True, True): "utf-32-le",
    (True, True, True, False): "utf-32-be",
    (False, True, False, True): "utf-16-le",
    (True, False, True, False): "utf-16-be",
}
"""Which of the first four bytes are zero, where a file without a mark begins with letters of ASCII."""
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How files of spreadsheets begin."""


def text_of(file: str, content: bytes) -> str:
    """The text of a file's bytes, in UTF-8, UTF-16 or UTF-32, marked or not, its lines ended as on Unix.

    Raises:
        FiguresError: it is none of them, a workbook of a spreadsheet, or no text.
    """
    if content.startswith(_WORKBOOKS):
        raise FiguresError.at(file, f"it is a workbook, not CSV: open it in a spreadsheet and {SAVE}")
    encoding = next((name for mark, name in _MARKED if content.startswith(mark)), None)
    encoding = encoding or _ZEROS.get(tuple(byte == 0 for byte in content[:4]), "utf-8-sig")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        name = encoding[:6].removesuffix("-").upper()
        problem = f"byte {content[error.start]:#04x} is not {name}: {SAVE}"
        raise FiguresError.at(file, problem, line=content.count(b"\n", 0, error.start) + 1) from None
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in lines:
        line = lines.count("\n", 0, lines.index("\0")) + 1
        raise FiguresError.at(file, f"a zero byte, which no text has: {SAVE}", line=line)
    return lines
