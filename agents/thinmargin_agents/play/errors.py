"""The error of a policy that does not work, and any error in words."""

from __future__ import annotations

from thinmargin.shown import class_name, plain

LONGEST = 1000
"""Characters of an error's message."""


class PolicyError(RuntimeError):
    """A policy that exists but does not work: it cannot be loaded, it raises, or its answers are not valid."""


def in_words(error: BaseException) -> str:
    """`ValueError: its message`, on one line; also where the error's own class fails to give one."""
    return f"{class_name(type(error))}: {' '.join(plain(error, LONGEST).split())}"
