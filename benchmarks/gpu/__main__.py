"""Checks on a GPU: equality with a CPU, steps a second in two layouts, training.

python -m benchmarks.gpu [--only equality speed training] [--json FILE]

Equality: whole episodes of every family of worlds are played on both with the same random actions. Whole numbers must
be equal, constants of worlds to 1e-12 of their size, observations within one step of float32, rewards to 1e-9; episodes
that end in one place only are counted and shown. Speed: steps a second with new worlds and starts in it, by batch size,
with a column a firm as `thinmargin.cuda` has it and with a record a firm as a CPU has it, in turn on the same card; the
medians count. Training: `train.py --device cuda` with the default preset, one seed after the other, while the same
seeds train on processors. It ends with status 1 if a bound of equality is passed.

In numba's simulator (NUMBA_ENABLE_CUDASIM=1 NUMBA_DISABLE_JIT=1) equality and speed run with a few firms and months, to
try them out; training is left out.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numba
import torch
from benchmarks.arguments import new_file, whole

PARTS = ("equality", "speed", "training")
SIZES = (1_024, 4_096, 16_384, 65_536, 131_072, 524_288)


def equality(arguments: argparse.Namespace, found: dict[str, Any]) -> bool:
    """Print what differs; whether all is within its bounds."""
    from benchmarks.gpu.equality import report  # noqa: PLC0415  # needs the device

    lines, passed = report(arguments.firms, arguments.months, arguments.device, arguments.horizon)
    print("\n".join(lines))
    print(f"beyond their bounds: {', '.join(passed) or 'none'}", flush=True)
    found["equality"] = {"lines": lines, "beyond": passed}
    return not passed


def speed(arguments: argparse.Namespace, found: dict[str, Any]) -> None:
    """Print steps a second by batch size."""
    from benchmarks.gpu.speed import measure  # noqa: PLC0415  # needs the device

    print(f"{'firms':>10} {'columns, steps/s':>18} {'records, steps/s':>18} {'ratio':>7}   first horizon, s")
    found["speed"] = []
    for firms in arguments.sizes:
        row, first = measure(firms, arguments.device, arguments.turns, arguments.horizon)
        seconds = ", ".join(f"{name} {took:.1f}" for name, took in first.items())
        print(f"{firms:10,} {row.columns:18,.0f} {row.records:18,.0f} {row.ratio:7.2f}   {seconds}", flush=True)
        found["speed"].append(row._asdict())


def training(arguments: argparse.Namespace, found: dict[str, Any]) -> None:
    """Print seconds and scores by seed."""
    from benchmarks.gpu.learning import OnProcessors, compile_kernels, on_gpu  # noqa: PLC0415  # needs the device

    with tempfile.TemporaryDirectory() as folder, OnProcessors(Path(folder), arguments.seeds) as beside:
        compiled = compile_kernels()
        its = on_gpu(Path(folder), arguments.seeds)
        ours = beside.wait()
    print(f"kernels compiled in {compiled:.1f} s")
    print(f"{'seed':>4} {'GPU, s':>8} {'CPU, s':>8} {'of processors, s':>17} {'GPU, score':>11} {'CPU, score':>11}")
    for there, here in zip(its, ours, strict=True):
        print(
            f"{there.seed:4} {there.seconds:8.1f} {here.seconds:8.1f} {here.processor_seconds:17.1f}"
            f" {there.score:11.2f} {here.score:11.2f}"
        )
    difference = sum(there.score - here.score for there, here in zip(its, ours, strict=True)) / len(its)
    print(f"score on the GPU less on processors: {difference:+.2f}, mean of {len(its)} paired seeds", flush=True)
    found["training"] = {
        "compiled": compiled, "gpu": [run._asdict() for run in its], "cpu": [run._asdict() for run in ours],
    }  # fmt: skip


def _device(text: str) -> str:
    from thinmargin.cuda.devices import check_device  # noqa: PLC0415  # only where one is asked for

    try:
        check_device(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def main() -> int:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to run (default all)")
    parser.add_argument("--device", type=_device, default="cuda", help="of equality and speed (default cuda)")
    parser.add_argument(
        "--firms", type=whole(1, 1 << 22), default=2048, help="of a family, for equality (default 2048)"
    )
    parser.add_argument("--months", type=whole(1, 100_000), default=181, help="played, for equality (default 181)")
    parser.add_argument("--horizon", type=whole(1, 600), default=180, help="months of an episode (default 180)")
    parser.add_argument(
        "--sizes",
        nargs="+",
        type=whole(1, 1 << 22),
        default=SIZES,
        help=f"batch sizes, for speed (default {' '.join(map(str, SIZES))})",
    )
    parser.add_argument("--turns", type=whole(1, 1000), default=3, help="measurements of each, for speed (default 3)")
    parser.add_argument("--seeds", type=whole(1, 100), default=3, help="training seeds (default 3)")
    parser.add_argument("--json", type=new_file, metavar="FILE", help="write the numbers there")
    arguments = parser.parse_args()
    settings: Any = numba.config
    simulated = bool(settings.ENABLE_CUDASIM)
    there = torch.cuda.get_device_name(arguments.device) if torch.cuda.is_available() else "numba's simulator"
    if not simulated and not torch.cuda.is_available():
        parser.error("PyTorch finds no GPU here; NUMBA_ENABLE_CUDASIM=1 NUMBA_DISABLE_JIT=1 tries the script without")
    print(f"{there}; torch {torch.__version__}, numba {numba.__version__}", flush=True)
    begun, found, equal = time.perf_counter(), dict[str, Any](device=there), True
    if "equality" in arguments.only:
        equal = equality(arguments, found)
    if "speed" in arguments.only:
        speed(arguments, found)
    if "training" in arguments.only and not simulated:
        training(arguments, found)
    found["seconds"] = time.perf_counter() - begun
    print(f"{found['seconds']:.0f} s in all")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
