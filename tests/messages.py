"""What a message must say: the argument or file, its value, what is allowed; not how."""

from __future__ import annotations

import re

import pytest


def flat(text: str) -> str:
    """The words in one line, without the frame that a command line draws around them."""
    return " ".join(text.replace("│", " ").split())


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """Everything printed since it was read last, in one line."""
    captured = capsys.readouterr()
    return flat(f"{captured.out} {captured.err}")


def lacks(text: object, *parts: str) -> list[str]:
    """The parts that a message, or an error's, does not have: `assert not lacks(caught.value, "horizon", "-3")`."""
    printed = flat(str(text))
    return [part for part in parts if part not in printed]


def naming(*parts: str) -> str:
    """A pattern of messages that have all these parts, in any order: `pytest.raises(ValueError, match=naming(...))`."""
    return "(?s)^" + "".join(f"(?=.*{re.escape(part)})" for part in parts)
