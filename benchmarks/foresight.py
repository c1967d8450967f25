"""What a search for best plans costs and finds, beside an earlier build of it, taking turns.

python -m benchmarks.foresight --before COMMIT [--worlds 48] [--first 256] [--json FILE]

Both searches of `python -m thinmargin_agents.foresight`, with the default budget and the chunks of each build, from the
policies' plans, in validation worlds: by default some without shipped plans. The commit is checked out into a temporary
folder. Each build runs in a process of its own, with this file's code and a compile cache of its own, one thread; the
two take turns, a chunk of worlds each. Seconds are those of the processor, without those of the compiler. Ratios travel
between machines, seconds do not.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TOGETHER = 16
"""Worlds of a turn."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Found = dict[str, list[float]]
"""J of every world after the start, the first and the second search, and seconds of each search."""


def searched(keys: Sequence[int], evaluations: int | None = None) -> Found:
    """Search in these worlds as the build that the process was started for does by default."""
    from thinmargin.baselines import BASELINES, baseline  # noqa: PLC0415  # of that build
    from thinmargin.settings import Settings  # noqa: PLC0415
    from thinmargin_agents.foresight import improvement  # noqa: PLC0415
    from thinmargin_agents.foresight.config import ForesightConfig  # noqa: PLC0415
    from thinmargin_agents.foresight.search import Problem, improve  # noqa: PLC0415

    config, settings = ForesightConfig(), Settings()
    players = {name: baseline(name) for name in BASELINES if name != improvement.UNUSED}
    _, starts = improvement.starts_of(players, keys, None, settings)
    knots = improvement.KNOTS
    each = knots[:2] if len(knots) == 3 else (knots, improvement.FINE)  # an earlier build names all three
    found: Found = {"J": [float(improvement.value_of(keys, starts[0], settings).mean())], "seconds": []}
    for number, of_search in enumerate(each):
        begun = time.process_time()
        seed = config.seed + 100_003 * number
        best = improve(Problem(list(keys), starts), settings, evaluations or config.evaluations, seed, of_search)
        found["seconds"].append(time.process_time() - begun)
        found["J"].append(float(best.value.mean()))
        starts = best.tables[None]
    return found


def serve() -> None:
    """Search in the worlds that each line of the input names, and answer with a line of JSON."""
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(searched(range(*asked["keys"]), asked["evaluations"])), flush=True)


class Build:
    """A process that searches with one build."""

    def __init__(self, tree: Path, cache: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and this file
            [sys.executable, __file__, "--serve"],
            env={
                **os.environ,
                **dict.fromkeys(THREADS, "1"),
                "PYTHONPATH": os.pathsep.join([str(tree / "envs"), str(tree / "agents")]),
                "NUMBA_CACHE_DIR": str(cache),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def search(self, first: int, last: int, evaluations: int | None = None) -> Found:
        """Search in worlds from `first` to before `last`."""
        streams = self._process.stdin, self._process.stdout
        if streams[0] is None or streams[1] is None:
            raise RuntimeError("the process has no pipes")
        print(json.dumps({"keys": (first, last), "evaluations": evaluations}), file=streams[0], flush=True)
        answer = streams[1].readline()
        if not answer:
            raise SystemExit(f"a process that searches ended with status {self._process.wait()}")
        found: Found = json.loads(answer)
        return found

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


@contextlib.contextmanager
def builds(commit: str) -> Iterator[dict[str, Build]]:
    """The build of `commit` and the one of this checkout."""
    from benchmarks.checkouts import checked_out  # noqa: PLC0415  # a process that serves needs none

    with tempfile.TemporaryDirectory() as folder, checked_out(commit) as before:
        pair = {name: Build(tree, Path(folder) / name) for name, tree in (("before", before), ("this", ROOT))}
        yield pair
        for build in pair.values():
            build.close()


def compare(pair: dict[str, Build], first: int, worlds: int) -> dict[str, dict[str, Any]]:
    """Mean J and seconds of both builds in these worlds, each after the first and after the second search."""
    for build in pair.values():
        build.search(first, first + 1, 32)  # compiles
    total: dict[str, dict[str, Any]] = {name: {"J": [0.0] * 3, "seconds": [0.0] * 2} for name in pair}
    for begin in range(first, first + worlds, TOGETHER):
        end = min(begin + TOGETHER, first + worlds)
        for name, build in pair.items():
            found = build.search(begin, end)
            share = (end - begin) / worlds
            total[name]["J"] = [one + share * new for one, new in zip(total[name]["J"], found["J"], strict=True)]
            spent = zip(total[name]["seconds"], found["seconds"], strict=True)
            total[name]["seconds"] = [one + new for one, new in spent]
    return total


def main() -> None:
    """Compare both builds and print a table."""
    sys.path.insert(0, str(ROOT))
    from benchmarks.arguments import commit, new_file, parser_of, whole  # noqa: PLC0415  # a process that serves starts from this file alone

    parser = parser_of("foresight", __doc__)
    parser.add_argument(
        "--before", type=commit, metavar="COMMIT", required="--serve" not in sys.argv, help="the build to compare with"
    )
    parser.add_argument("--worlds", type=whole(1, 1_000_000), default=48, help="validation worlds (default 48)")
    parser.add_argument("--first", type=whole(0, 999_999), default=256, help="the first of them (default 256)")
    parser.add_argument("--json", type=new_file, metavar="FILE", help="write the numbers there")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve()
        return
    if arguments.worlds < 1 or not 0 <= arguments.first <= 1_000_000 - arguments.worlds:
        parser.error("--worlds and --first: there are 1,000,000 validation worlds")
    with builds(arguments.before) as pair:
        total = compare(pair, 1_000_000 + arguments.first, arguments.worlds)
    print(f"{arguments.worlds} validation worlds from number {arguments.first}")
    print(f"{'':8} {'J: start':>10} {'first':>10} {'second':>10} {'seconds':>10} {'and then':>10} {'both':>10}")
    for name, found in total.items():
        shown = [*found["J"], *found["seconds"], sum(found["seconds"])]
        print(f"{name:8} " + " ".join(f"{number:10.2f}" for number in shown))
    ratio = sum(total["before"]["seconds"]) / sum(total["this"]["seconds"])
    gain = total["this"]["J"][-1] - total["before"]["J"][-1]
    print(f"{ratio:.2f} times as fast, J {gain:+.2f} RMB bn")
    if arguments.json is not None:
        document = {"before": arguments.before, **total, "ratio": ratio, "gain": gain}
        arguments.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
