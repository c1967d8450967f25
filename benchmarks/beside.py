"""Speed and memory of the environment beside an earlier build of it, taking turns.

python -m benchmarks.beside --before COMMIT [--seconds 0.5] [--repeats 7] [--json FILE]

The commit is checked out into a temporary folder. Each build runs in a process of its own, with this file's code and a
compile cache of its own; the two take turns within each repeat, so that a busy machine slows both alike. Shown are the
medians, and the median of the ratios within a repeat. Time is that of the clock, since threads are part of it: let
nothing else run. Ratios travel between machines, absolute speeds do not.
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SIZE, HORIZON, MANY = 1024, 180, 65_536
STEADY = (-0.2, -0.3, -0.2, 0.4)
"""Actions under which firms reach the horizon."""

Round = Callable[[], int]
"""A piece of work; returns how many units of it were done."""


def one(name: str) -> Round:
    """Steps of one environment made by Gymnasium, resets included."""
    import gymnasium  # noqa: PLC0415  # of the build that the process was started for

    env = gymnasium.make(name)
    env.reset(seed=0)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(1000)]

    def play() -> int:
        for action in actions:
            *_, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()
        return len(actions)

    return play


def batch(*, threads: int = 1, steady: bool = True) -> Round:
    """Steps of a batch for whole horizons: new worlds, closing values and infos included."""
    import numpy as np  # noqa: PLC0415

    from thinmargin.vector import EcosystemVectorEnv  # noqa: PLC0415

    known = "num_threads" in inspect.signature(EcosystemVectorEnv).parameters
    envs = EcosystemVectorEnv(SIZE, **({"num_threads": threads} if known else {}))
    envs.reset(seed=0)
    actions = np.random.default_rng(0).uniform(-1, 1, (HORIZON, SIZE, 4)).astype(np.float32)
    if steady:
        actions[:] = STEADY

    def play() -> int:
        for action in actions:
            envs.step(action)
        return HORIZON * SIZE

    return play


def worlds() -> Round:
    """Worlds drawn from their keys into the rows of a batch."""
    import numpy as np  # noqa: PLC0415

    from thinmargin.scenarios import FAMILIES  # noqa: PLC0415
    from thinmargin.settings import Settings  # noqa: PLC0415

    firms, family = Settings().batch(SIZE), FAMILIES["benchmark"]
    rows, keys = np.arange(SIZE), np.arange(1_000_000, 1_000_000 + SIZE)

    def draw() -> int:
        firms.draw(rows, family, keys)
        return SIZE

    return draw


def starts() -> Round:
    """Firms that start anew: a key drawn by each one's generator, its world, its first month's report."""
    from thinmargin.vector import EcosystemVectorEnv  # noqa: PLC0415

    envs = EcosystemVectorEnv(SIZE)
    envs.reset(seed=0)

    def reset() -> int:
        envs.reset()
        return SIZE

    return reset


WORK: dict[str, Callable[[], Round]] = {
    "CartPole-v1": lambda: one("CartPole-v1"),
    "one environment": lambda: one("thinmargin:ThinMargin/Ecosystem-v1"),
    f"batch of {SIZE:,}, steady, 1 thread": batch,
    f"batch of {SIZE:,}, steady, 2 threads": lambda: batch(threads=2),
    f"batch of {SIZE:,}, random, 1 thread": lambda: batch(steady=False),
    "worlds drawn": worlds,
    "firms started anew": starts,
}
"""What is measured, each in units a second."""


def resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def memory() -> dict[str, float]:
    """Bytes a firm of a large batch that plays, as the system counts them."""
    import numpy as np  # noqa: PLC0415

    from thinmargin.vector import EcosystemVectorEnv  # noqa: PLC0415

    before = resident()
    envs = EcosystemVectorEnv(MANY)
    envs.reset(seed=0)
    actions = np.zeros((MANY, 4))
    results = [envs.step(actions) for _ in range(2)][-1:]
    taken = resident() - before
    del results
    return {"GB": taken / 1e9, "bytes a firm": taken / MANY}


def serve() -> None:
    """Do what each line of the input asks for, and answer with a line of JSON."""
    rounds: dict[str, Round] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["work"] == "memory":
            print(json.dumps(memory()), flush=True)
            continue
        if asked["work"] not in rounds:
            rounds[asked["work"]] = WORK[asked["work"]]()
            rounds[asked["work"]]()
        units, begun = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - begun) < asked["seconds"]:
            units += rounds[asked["work"]]()
        print(json.dumps(units / elapsed), flush=True)


class Build:
    """A process that measures one build."""

    def __init__(self, tree: Path, cache: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and this file
            [sys.executable, __file__, "--serve"],
            env={**os.environ, "PYTHONPATH": str(tree / "envs"), "NUMBA_CACHE_DIR": str(cache)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def measure(self, work: str, seconds: float) -> Any:
        """What the process answers."""
        streams = self._process.stdin, self._process.stdout
        if streams[0] is None or streams[1] is None:
            raise RuntimeError("the process has no pipes")
        print(json.dumps({"work": work, "seconds": seconds}), file=streams[0], flush=True)
        answer = streams[1].readline()
        if not answer:
            raise SystemExit(f"the process that measures {work} ended with status {self._process.wait()}")
        return json.loads(answer)

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


def compare(pair: dict[str, Build], seconds: float, repeats: int) -> list[dict[str, Any]]:
    """A row a piece of work: medians of both, and of their ratio."""
    for build in pair.values():
        for work in WORK:
            build.measure(work, 0.0)  # compiles
    rates: dict[str, list[tuple[float, float]]] = {work: [] for work in WORK}
    for _ in range(repeats):
        for work, found in rates.items():
            before, this = (pair[name].measure(work, seconds) for name in ("before", "this"))
            found.append((before, this))
    return [
        {
            "work": work,
            "before": statistics.median(before for before, _ in found),
            "this": statistics.median(this for _, this in found),
            "ratio": statistics.median(this / before for before, this in found),
        }
        for work, found in rates.items()
    ]


def main() -> None:
    """Measure both builds and print a table."""
    sys.path.insert(0, str(ROOT))
    from benchmarks.arguments import commit, new_file, parser_of, seconds, whole  # noqa: PLC0415  # a process that serves starts from this file alone

    parser = parser_of("beside", __doc__)
    parser.add_argument(
        "--before", type=commit, metavar="COMMIT", required="--serve" not in sys.argv, help="the build to compare with"
    )
    parser.add_argument("--seconds", type=seconds, default=0.5, help="of each measurement (default 0.5)")
    parser.add_argument("--repeats", type=whole(1, 1000), default=7, help="measurements of each (default 7)")
    parser.add_argument("--json", type=new_file, metavar="FILE", help="write the numbers there")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve()
        return
    with builds(arguments.before) as pair:
        rows = compare(pair, arguments.seconds, arguments.repeats)
        held = {name: build.measure("memory", 0.0) for name, build in pair.items()}
    print(f"{'units a second':40} {'before':>12} {'this':>12} {'ratio':>8}")
    for row in rows:
        print(f"{row['work']:40} {row['before']:12,.0f} {row['this']:12,.0f} {row['ratio']:8.2f}")
    cartpole, ours = (next(row for row in rows if row["work"] == name) for name in ("CartPole-v1", "one environment"))
    print(f"{'one environment over CartPole-v1':40} {ours['before'] / cartpole['before']:12.2f}", end=" ")
    print(f"{ours['this'] / cartpole['this']:12.2f}")
    for what in ("GB", "bytes a firm"):
        print(f"{f'{MANY:,} firms, {what}':40} {held['before'][what]:12,.2f} {held['this'][what]:12,.2f}")
    if arguments.json is not None:
        document = {"before": arguments.before, "rows": rows, "memory": held}
        arguments.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
