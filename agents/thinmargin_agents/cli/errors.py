"""What ends a command line with a sentence and an exit status of its own."""

from __future__ import annotations


class UsageError(ValueError):
    """A flag with a value that cannot be used; the message names both and what is allowed."""


class FailedError(Exception):
    """What a command cannot go on without is not there any more; the message says what, and what helps."""


class LostProcessError(FailedError):
    """A process that works for a command ended before its work was done; the message says what helps."""
