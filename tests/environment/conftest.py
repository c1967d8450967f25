"""Helpers of this folder: a fresh Python process, and the bits of whatever an environment returns."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest


class FreshPython(Protocol):
    """Runs code in a new interpreter and returns what it printed."""

    def __call__(self, code: str, *arguments: str, **environ: str) -> str: ...


@pytest.fixture(scope="session")
def fresh_python(tmp_path_factory: pytest.TempPathFactory) -> FreshPython:
    """`fresh_python(code, *arguments, **environ)`: a new process in an empty folder, warnings are errors."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")

    def run(code: str, *arguments: str, **environ: str) -> str:
        done = subprocess.run(  # noqa: S603  # our own interpreter and our own code
            [sys.executable, "-W", "error", "-c", code, *arguments],
            cwd=elsewhere,
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


@pytest.fixture(scope="session")
def compiled_copies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for the disk cache of every process that compiles a copy of the package."""
    return tmp_path_factory.mktemp("numba")


@pytest.fixture(scope="session")
def bits() -> Callable[[Any], Any]:
    """`bits(value)`: a nested value that is equal only if every number is, bit for bit (nan, -0.0, type)."""

    def convert(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: convert(item) for name, item in value.items()}
        if isinstance(value, np.ndarray) and value.dtype.names is not None:
            return {name: convert(value[name]) for name in value.dtype.names}
        if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.dtype == object):
            return [convert(item) for item in value]
        if isinstance(value, (np.ndarray, np.generic)):
            return value.dtype.str, value.shape, value.tobytes()
        return type(value), value.hex() if isinstance(value, float) else value

    return convert
