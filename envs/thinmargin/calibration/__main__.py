"""The command line of the calibration: `python -m thinmargin.calibration`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

EXPLAINED = """\
Fits the unknown constants of the economy to the reported figures of 2012-2019, and once more to those until 2016,
2017 and 2018 for forecasts from the past. Figures of 2020 and later are never read. It looks for the least sum of
misfit and prior with CMA-ES from several starts, measures the curvature around the best guess, and writes one
JSON file. The package ships such a file: --check runs the search again and compares."""

LAST_SEED = 2**31
"""NumPy's older generator, which the search draws from, takes no larger ones."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m thinmargin.calibration",
        description=EXPLAINED,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seed", type=_count, default=0, help="seed of the search (default 0, the shipped one)")
    parser.add_argument("--starts", type=_positive, default=3, help="starts of the search (default 3)")
    parser.add_argument("--output", type=Path, default=Path("calibration.json"), help="file to write")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 unless the shipped constants come out again"
    )
    return parser


def _count(text: str) -> int:
    number = int(text) if text.isdecimal() else -1
    if not 0 <= number <= LAST_SEED:
        raise argparse.ArgumentTypeError(f"{text!r} is no seed: a whole number from 0 to {LAST_SEED} is wanted")
    return number


def _positive(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} starts: a whole number from 1 is wanted")
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status is 1 where --check finds another result."""
    asked = _parser().parse_args(arguments)
    if not asked.check:
        if not asked.output.resolve().parent.is_dir():
            return _refuse(f"--output is {asked.output}: its folder does not exist")
        if asked.output.is_dir():
            return _refuse(f"--output is {asked.output}: a file is wanted, this is a folder")
    try:
        import cma  # noqa: F401, PLC0415  # heavy: not for --help
        from rich.console import Console  # noqa: PLC0415  # as above
        from rich.progress import Progress  # noqa: PLC0415  # as above
    except ModuleNotFoundError as error:
        return _refuse(f"{str(error.name).partition('.')[0]} is missing: pip install 'thinmargin[search]'")
    from thinmargin.calibration.misfit import LAST_FITTED, Misfit  # noqa: PLC0415  # heavy: not for --help
    from thinmargin.calibration.saved import (  # noqa: PLC0415  # as above
        CLOSE,
        ORIGINS,
        Calibration,
        difference,
        shipped,
    )
    from thinmargin.calibration.search import (  # noqa: PLC0415  # as above
        GENERATIONS,
        Found,
        curvature,
        posterior_covariance,
        search,
    )
    from thinmargin.calibration.unknowns import UNKNOWNS  # noqa: PLC0415  # as above
    from thinmargin.data import reported  # noqa: PLC0415  # as above

    last_years = (*ORIGINS, LAST_FITTED)
    found: dict[int, Found] = {}
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for last in last_years:
            task = progress.add_task(f"figures to {last}", total=asked.starts * GENERATIONS)

            def told(start: int, generation: int, value: float, task: object = task, last: int = last) -> None:
                done = start * GENERATIONS + generation
                progress.update(task, completed=done, description=f"figures to {last}: misfit {value:.4f}")  # type: ignore[arg-type]  # rich's own TaskID

            found[last] = search(Misfit(reported(), last), asked.seed, asked.starts, told)
            progress.remove_task(task)
    best = found[LAST_FITTED]
    covariance = posterior_covariance(curvature(Misfit(reported()), best.z))
    result = Calibration(
        best.z, covariance, best.misfit, best.starts, asked.seed, {year: found[year].z for year in ORIGINS}
    )
    lines = [f"{'constant':<34}{'value':>12}{'prior':>12}{'z':>8}{'sd of z':>9}"]
    for unknown, z, variance in zip(UNKNOWNS, best.z, covariance.diagonal(), strict=True):
        number = float(unknown.constant(z))
        lines.append(f"{unknown.label:<34}{number:>12.5g}{unknown.centre:>12.5g}{z:>8.2f}{variance**0.5:>9.2f}")
    ends = ", ".join(f"{value:.9f}" for value in best.starts)
    lines.append(f"misfit of each start: {ends}")
    status = 0
    if asked.check:
        gap = difference(result, shipped())
        status = 0 if gap <= CLOSE else 1
        lines.append(f"largest relative difference to a shipped constant: {gap:.2e} ({CLOSE:g} allowed)")
    else:
        try:
            result.write(asked.output)
        except OSError as error:
            return _refuse(str(error))
        lines.append(f"written: {asked.output}")
    print("\n".join(lines))  # noqa: T201  # the command line's own answer
    return status


def _refuse(problem: str) -> int:
    print(f"error: {problem}", file=sys.stderr)  # noqa: T201  # the command line's own answer
    return 2


if __name__ == "__main__":
    raise SystemExit(main())
