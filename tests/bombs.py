"""A pickle that tells when it is unpickled: nothing of this package ever does it."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (os.mkdir, (str(self.path),))


def live_bomb(path: Path) -> Path:
    """The folder that a bomb for it makes, which is not there yet; that such a bomb is live was tried."""
    pickle.loads(pickle.dumps(Bomb(path)))  # noqa: S301  # the one place where it may
    assert path.is_dir()
    path.rmdir()
    return path
