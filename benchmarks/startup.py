"""Waiting times: for the import, for the compiler, for `--help`.

python benchmarks/startup.py [--repeats 3] [--json FILE]

Every measurement is a fresh process, timed from outside; the median counts. "cold" has an empty folder
for numba's disk cache, "warm" a full one.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
MAKE = "import gymnasium; env = gymnasium.make('thinmargin:ThinMargin/Ecosystem-v1')\n"
RESET = MAKE + "env.reset(seed=0)\n"
STEP = RESET + "env.step(env.action_space.sample())\n"
PROGRAMS = {
    "python alone": "pass",
    "import numpy": "import numpy",
    "import gymnasium": "import gymnasium",
    "import thinmargin": "import thinmargin",
    "make": MAKE,
    "make, reset": RESET,
    "make, reset, step": STEP,
}
SCRIPTS = ("train.py", "evaluate.py")

Row = dict[str, Any]


def seconds(command: list[str], cache: str | None = None) -> float:
    """Wall-clock seconds of a command that must succeed, with numba's disk cache in this folder."""
    environ = dict(os.environ) if cache is None else {**os.environ, "NUMBA_CACHE_DIR": cache}
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environ, cwd=ROOT)  # noqa: S603  # our own commands
    return time.perf_counter() - start


def median_seconds(command: list[str], repeats: int, cache: str | None = None) -> float:
    """Median over fresh processes, after one that warms the disk."""
    seconds(command, cache)
    return statistics.median(seconds(command, cache) for _ in range(repeats))


def imports(repeats: int) -> list[Row]:
    """Seconds until each stage is reached, with everything compiled before."""
    with tempfile.TemporaryDirectory() as cache:
        return [
            {"stage (warm)": name, "seconds": median_seconds([sys.executable, "-c", code], repeats, cache)}
            for name, code in PROGRAMS.items()
        ]


def compilation(repeats: int) -> list[Row]:
    """Seconds to the first step with an empty and with a full disk cache."""
    rows: list[Row] = []
    for name, code in (("first reset", RESET), ("first step", STEP)):
        with tempfile.TemporaryDirectory() as cache:
            command = [sys.executable, "-c", code]
            cold = seconds(command, cache)
            warm = median_seconds(command, repeats, cache)
        rows.append({"until": name, "cold s": cold, "warm s": warm, "compiler s": cold - warm})
    return rows


def helps(repeats: int) -> list[Row]:
    """Seconds of `--help` of the command lines that are there."""
    return [
        {"command": f"{name} --help", "seconds": median_seconds([sys.executable, name, "--help"], repeats)}
        for name in SCRIPTS
        if (ROOT / name).is_file()
    ]


def table(title: str, rows: list[Row]) -> str:
    """Rows as plain text: words to the left, seconds to the right."""
    columns = []
    for head in rows[0]:
        words = isinstance(rows[0][head], str)
        cells = [head, *(row[head] if words else f"{row[head]:.2f}" for row in rows)]
        width = max(len(cell) for cell in cells)
        columns.append([cell.ljust(width) if words else cell.rjust(width) for cell in cells])
    return "\n".join([title, *("  " + "  ".join(line).rstrip() for line in zip(*columns, strict=True))])


def main() -> None:
    """Measure, print, and write JSON if requested."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="fresh processes of each, the median counts (default 3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there")
    arguments = parser.parse_args()
    results: dict[str, Any] = {"python": platform.python_version(), "processor": platform.machine()}
    for title, measure in (("Start", imports), ("Compilation", compilation), ("Command lines", helps)):
        rows = measure(arguments.repeats)
        if rows:
            results[title] = rows
            print(table(title, rows), end="\n\n", flush=True)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
