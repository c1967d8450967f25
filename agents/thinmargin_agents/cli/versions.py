"""Versions of Python and of the libraries behind a result."""

from __future__ import annotations

import platform
from importlib import metadata

import thinmargin

LIBRARIES = ("gymnasium", "numpy", "numba", "stable-baselines3", "sb3-contrib", "torch")


def versions() -> dict[str, str]:
    """Versions of this package, Python, and the libraries a number may depend on, as far as installed."""
    found = {"thinmargin": thinmargin.__version__, "python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return found
