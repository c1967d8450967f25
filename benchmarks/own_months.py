"""What choosing a firm's last months apart is worth, by how many months the closing value remembers.

    python benchmarks/own_months.py [--months 12 36] [--seed 0]

The closing value lets the mean levers of the firm's own last months go on. How many months that mean is over is a size
of the state, so every number asked for runs on a copy of the package in which it is replaced. The shipped constant
levers (`constant_best`) are played, once throughout, and once with other levers in the last 12 months and in the last
remembered ones, which CMA-ES searches on 48 validation worlds; both are judged on 96 others.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent
HORIZON, WINDOW = 180, 12
SEARCHED, JUDGED = slice(0, 48), slice(100, 196)
GENERATIONS, POPULATION, SPREAD = 18, 10, 0.4
PLACE = re.compile(r"^OWN_MONTHS = \d+$", re.MULTILINE)


def _measure(window: int, seed: int) -> dict[str, float]:
    """Play the constant levers, and with others in the last `window` months: J, RMB bn, and what that gains."""
    from thinmargin.baselines import baseline  # noqa: PLC0415  # of the copy that this process was given
    from thinmargin.splits import KEYS  # noqa: PLC0415  # as above
    from thinmargin_agents.play.candidates import Candidates, Earned  # noqa: PLC0415  # as above
    from thinmargin_agents.tuning.search import climb  # noqa: PLC0415  # as above

    base = baseline("constant_best").knots[0]  # type: ignore[attr-defined]  # a plan of one knot
    keys = KEYS["validation"]
    begins = (HORIZON - window) / HORIZON - 1e-9

    def play(candidates: Candidates, last: np.ndarray) -> Earned:
        return candidates.play(lambda _, time: np.clip(last, -1.0, 1.0)[:, None] if time >= begins else base)

    searched = Candidates(keys[SEARCHED], POPULATION)
    found = climb(
        lambda numbers: play(searched, numbers).value.mean(axis=1), base, SPREAD,
        generations=GENERATIONS, population=POPULATION, seed=seed + 1,
    )  # fmt: skip
    value = play(Candidates(keys[JUDGED], 2), np.stack([base, found.numbers])).value
    gain = value[1] - value[0]
    return {"J": float(value[0].mean()), "gain": float(gain.mean()), "error": float(gain.std() / len(gain) ** 0.5)}


def _on_copy(months: int, seed: int, folder: Path) -> list[dict[str, float]]:
    """Run this file on a copy of both packages that remembers so many months."""
    for part in ("envs", "agents"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "trained"))
    records = folder / "envs" / "thinmargin" / "records.py"
    text, count = PLACE.subn(f"OWN_MONTHS = {months}", records.read_text("utf-8"))
    if count != 1:
        raise LookupError(f"records.py has {count} lines with OWN_MONTHS: must be one")
    records.write_text(text, "utf-8")
    path = os.pathsep.join(str(folder / part) for part in ("envs", "agents"))
    windows = [str(window) for window in sorted({WINDOW, months})]
    done = subprocess.run(  # noqa: S603  # our own interpreter and our own code
        [sys.executable, __file__, "--measure", *windows, "--seed", str(seed)],
        env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr)
    return [
        {"months": months, "window": float(w), **row} for w, row in zip(windows, json.loads(done.stdout), strict=True)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print a row for every number of months and every window."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--months", type=int, nargs="+", default=[12, 36], help="months remembered (default 12 36)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the searches (default 0)")
    parser.add_argument("--measure", type=int, nargs="+", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.measure:
        print(json.dumps([_measure(window, asked.seed) for window in asked.measure]))  # read by the caller
        return 0
    if any(not 1 <= months < HORIZON for months in asked.months):
        parser.error(f"--months is {asked.months}: must be whole numbers from 1 to {HORIZON - 1}")
    print("remembered  chosen apart      J   gain        share")  # the command line's own answer
    for months in asked.months:
        with tempfile.TemporaryDirectory() as folder:
            for row in _on_copy(months, asked.seed, Path(folder)):
                print(  # as above
                    f"{months:>10}  {row['window']:>12.0f}  {row['J']:>5.1f}  {row['gain']:>5.2f} +- {row['error']:.2f}"
                    f"  {100.0 * row['gain'] / row['J']:>4.1f} %"
                )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
