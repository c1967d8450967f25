"""Work that kills the process it is done in, as a system does where memory runs out."""

from __future__ import annotations

import os
import signal


def die(*_: object) -> None:
    """Whatever is asked for."""
    os.kill(os.getpid(), signal.SIGKILL)
