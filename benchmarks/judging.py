"""Time of judging the shipped policies beside an earlier build of it, taking turns.

python -m benchmarks.judging --before COMMIT [--n-worlds 512] [--repeats 3] [--json FILE]

The commit is checked out into a temporary folder. Each build plays `evaluate.py shipped --split test --n-worlds N`, in
processes of its own and with a compile cache of its own; the two take turns within each repeat, so that a busy machine
slows both alike, and a first call of each, which compiles, is not counted. Shown are the medians of the seconds by the
clock, and of those of the processor, user and system, over all processes of a call; and the median of the ratios within
a repeat. This build is also played in one process. Seconds by the clock need a machine that does nothing else. The
tables that the builds print must be the same: else the first line that differs is shown and the exit status is 1.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.arguments import commit, new_file, parser_of, whole
from benchmarks.checkouts import ROOT, checked_out

FEW = 8
"""Worlds of the call that compiles."""


class Played(NamedTuple):
    """One call: seconds by the clock, seconds of the processor, and what it printed."""

    wall: float
    processor: float
    printed: str


class Build(NamedTuple):
    """A checkout, where it keeps what it compiles, and flags that it is called with besides."""

    tree: Path
    cache: Path
    flags: tuple[str, ...] = ()

    def play(self, n_worlds: int) -> Played:
        """Judge the shipped policies; SystemExit if that fails."""
        command = [sys.executable, "evaluate.py", "shipped", "--split", "test", "--n-worlds", str(n_worlds)]
        paths = os.pathsep.join(str(self.tree / package) for package in ("envs", "agents"))
        environment = {**os.environ, "PYTHONPATH": paths, "NUMBA_CACHE_DIR": str(self.cache), "COLUMNS": "200"}
        begun, before = time.perf_counter(), os.times()
        done = subprocess.run(  # noqa: S603  # our own interpreter and a checkout of this repository
            [*command, *self.flags], cwd=self.tree, env=environment, capture_output=True, text=True, check=False
        )
        wall, after = time.perf_counter() - begun, os.times()
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stderr}")
        spent = (after.children_user - before.children_user) + (after.children_system - before.children_system)
        return Played(wall, spent, done.stdout)


@contextmanager
def builds(commit: str) -> Iterator[dict[str, Build]]:
    """The build of `commit`, the one of this checkout, and that in one process."""
    with tempfile.TemporaryDirectory() as folder, checked_out(commit) as before:
        cache = Path(folder) / "cache of this"
        yield {
            "before": Build(before, Path(folder) / "cache of before"),
            "this": Build(ROOT, cache),
            "this, one process": Build(ROOT, cache, ("--processes", "1")),
        }


def compare(every: Mapping[str, Build], n_worlds: int, repeats: int) -> dict[str, list[Played]]:
    """Calls of every build, in turn."""
    for build in every.values():
        build.play(min(FEW, n_worlds))
    found: dict[str, list[Played]] = {name: [] for name in every}
    for _ in range(repeats):
        for name, build in every.items():
            found[name].append(build.play(n_worlds))
    return found


def summary(found: Mapping[str, list[Played]]) -> list[dict[str, Any]]:
    """A row a build: median seconds, and medians of their ratios to the build before."""
    rows = []
    for name, calls in found.items():
        row: dict[str, Any] = {"build": name}
        for what in ("wall", "processor"):
            ours, theirs = ([getattr(call, what) for call in some] for some in (calls, found["before"]))
            row[what] = statistics.median(ours)
            row[f"{what}_ratio"] = statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
        rows.append(row)
    return rows


def first_difference(found: Mapping[str, list[Played]]) -> str | None:
    """The first line in which what was printed differs between any two calls, None if there is none."""
    first, *others = (call.printed.splitlines() for calls in found.values() for call in calls)
    for other in others:
        for number, (one, two) in enumerate(zip_longest(first, other, fillvalue=""), 1):
            if one != two:
                return f"line {number}:\n- {one}\n+ {two}"
    return None


def main() -> int:
    """Measure, and print a table."""
    parser = parser_of("judging", __doc__)
    parser.add_argument("--before", type=commit, metavar="COMMIT", required=True, help="the build to compare with")
    parser.add_argument("--n-worlds", type=whole(2, 1_000_000), default=512, help="of the test split (default 512)")
    parser.add_argument("--repeats", type=whole(1, 1000), default=3, help="calls of each build (default 3)")
    parser.add_argument("--json", type=new_file, metavar="FILE", help="write the numbers there")
    arguments = parser.parse_args()
    with builds(arguments.before) as every:
        found = compare(every, arguments.n_worlds, arguments.repeats)
    rows = summary(found)
    print(f"{f'{arguments.n_worlds} worlds':20} {'seconds':>9} {'ratio':>6} {'processor seconds':>18} {'ratio':>6}")
    for row in rows:
        print(f"{row['build']:20} {row['wall']:9.1f} {row['wall_ratio']:6.2f}", end=" ")
        print(f"{row['processor']:18.1f} {row['processor_ratio']:6.2f}")
    differs = first_difference(found)
    print("the printed tables are the same" if differs is None else f"the printed tables differ, {differs}")
    if arguments.json is not None:
        document = {
            "before": arguments.before, "n_worlds": arguments.n_worlds, "rows": rows, "same": differs is None
        }  # fmt: skip
        arguments.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return 0 if differs is None else 1


if __name__ == "__main__":
    raise SystemExit(main())
