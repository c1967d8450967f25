"""An output that nobody reads any more."""

from __future__ import annotations

import errno
import io


class Unread(io.StringIO):
    """A pipe whose reader has gone, as a stand-in for an output of the process."""

    def write(self, text: str) -> int:
        """Fail, as such a pipe does."""
        del text
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")
