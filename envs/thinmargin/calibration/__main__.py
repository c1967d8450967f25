"""The command line of the calibration: `python -m thinmargin.calibration`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from thinmargin.command_line import Parser, answered
from thinmargin.files import DamagedFileError, check_writable
from thinmargin.shown import plain, shown

if TYPE_CHECKING:
    from thinmargin.calibration.saved import Calibration

EXPLAINED = """\
Fits the unknown constants of the economy to the reported figures of 2012-2024, and again to those until 2017, 2018,
2019, 2020, 2021 and 2022 for forecasts from the past, under three rules of the replay. It looks for the least sum of
misfit and prior with steps of Levenberg and Marquardt from several starts and quasi-Newton steps from the best of them,
measures the curvature around the best guess, and writes one JSON file.
The package ships such a file: --check runs the search again and compares.

All fits together take some forty seconds."""

LAST_SEED = 2**32 - 1


def _parser() -> Parser:
    parser = Parser(
        prog="python -m thinmargin.calibration",
        description=EXPLAINED,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seed", type=_count, default=0, help="seed of the search (default 0, the shipped one)")
    parser.add_argument("--starts", type=_positive, default=3, help="starts of each search (default 3)")
    parser.add_argument(
        "--output", type=Path, default=Path("calibration.json"), metavar="FILE",
        help="file to write (default calibration.json)",
    )  # fmt: skip
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 unless the shipped constants come out again"
    )
    return parser


def _count(text: str) -> int:
    number = int(text) if text.isdecimal() else -1
    if not 0 <= number <= LAST_SEED:
        raise argparse.ArgumentTypeError(f"{shown(text)} is no seed: must be a whole number from 0 to {LAST_SEED}")
    return number


def _positive(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{shown(text)} starts: must be a whole number from 1")
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status is 1 where --check finds another result, 2 for bad arguments."""
    parser = _parser()
    return answered(parser.prog, lambda: _answer(parser, arguments))


def _answer(parser: Parser, arguments: Sequence[str] | None) -> int:
    asked = parser.parse_args(arguments)
    try:
        return _run(asked)
    except DamagedFileError as error:
        return _refuse(plain(error))
    except KeyboardInterrupt:
        print("interrupted: nothing was written", file=sys.stderr)  # noqa: T201  # the command line's own answer
        return 130


def _run(asked: argparse.Namespace) -> int:
    problem = None
    if not asked.check:  # known before the search, not after
        try:
            check_writable(asked.output)
        except OSError as error:
            problem = f"--output is {plain(asked.output)}: it cannot be written: {error}"
    if find_spec("rich") is None:
        problem = "rich is missing: pip install 'thinmargin[search]'"
    if problem is not None:
        return _refuse(problem)
    from thinmargin.calibration.saved import (  # noqa: PLC0415  # heavy: not for --help
        CLOSE,
        CLOSE_COVARIANCE,
        covariance_difference,
        difference,
        shipped,
    )

    result = _calibrated(asked.seed, asked.starts)
    lines = _lines(result)
    status = 0
    if asked.check:
        gap, doubt = difference(result, shipped()), covariance_difference(result, shipped())
        status = 0 if gap <= CLOSE and doubt <= CLOSE_COVARIANCE else 1
        lines += [
            f"largest relative difference to a shipped constant: {gap:.2e} ({CLOSE:g} allowed)",
            f"largest difference of a deviation or correlation: {doubt:.2e} ({CLOSE_COVARIANCE:g} allowed)",
            "the calibration that is shipped" if status == 0 else "not the calibration that is shipped",
        ]
    else:
        try:
            result.write(asked.output)
            lines.append(f"written: {plain(asked.output)}")
        except OSError as error:  # what was found is printed all the same
            status = _refuse(f"--output is {plain(asked.output)}: it cannot be written: {error.strerror}")
    print("\n".join(lines))  # noqa: T201  # the command line's own answer
    return status


def _calibrated(seed: int, starts: int) -> Calibration:
    """Every fit, with progress on stderr: a bar on a terminal, a line a fit elsewhere."""
    from rich.console import Console  # noqa: PLC0415  # heavy: not for --help
    from rich.progress import Progress  # noqa: PLC0415  # as above

    from thinmargin.calibration.fits import calibrate  # noqa: PLC0415  # as above
    from thinmargin.calibration.saved import ORIGINS, OTHER_RULES  # noqa: PLC0415  # as above
    from thinmargin.data import reported  # noqa: PLC0415  # as above

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("fits", total=1 + len(ORIGINS) * (1 + len(OTHER_RULES)))

        def report(last: int, value: float, *, ended: bool) -> None:
            described = f"figures to {last}: misfit {value:.6f}"
            progress.update(task, advance=float(ended), description=described)
            if ended and not progress.console.is_terminal:
                progress.console.print(described)

        return calibrate(reported(), seed, starts, report)


def _lines(result: Calibration) -> list[str]:
    """The constants found, with their priors and what is in doubt."""
    from thinmargin.calibration.unknowns import UNKNOWNS  # noqa: PLC0415  # heavy: not for --help

    lines = [f"{'constant':<34}{'value':>12}{'prior':>12}{'z':>8}{'sd of z':>9}"]
    for unknown, z, variance in zip(UNKNOWNS, result.z, result.covariance.diagonal(), strict=True):
        number = float(unknown.constant(z))
        lines.append(f"{unknown.label:<34}{number:>12.5g}{unknown.centre:>12.5g}{z:>8.2f}{variance**0.5:>9.2f}")
    ends = ", ".join(f"{value:.9f}" for value in result.starts)
    return [*lines, f"misfit of each start: {ends}"]


def _refuse(problem: str) -> int:
    print(f"error: {problem}", file=sys.stderr)  # noqa: T201  # the command line's own answer
    return 2


if __name__ == "__main__":
    raise SystemExit(main())
