"""What ends a command line with a sentence and an exit status of its own."""

from __future__ import annotations


class UsageError(ValueError):
    """A flag with a value that cannot be used; the message names both and what is allowed."""


class LostProcessError(Exception):
    """A process that works for a command ended before its work was done; the message says what helps."""
