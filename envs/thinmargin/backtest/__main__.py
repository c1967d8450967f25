"""The command line of the back-test: `python -m thinmargin.backtest`."""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from thinmargin.command_line import Parser, answered
from thinmargin.files import check_writable, same_file, write_atomically
from thinmargin.shown import plain

EXPLAINED = """\
Drives the firm with its reported history (margin, selling spend, start-ups funded, size of markets) and compares what
the model makes of it with what was reported: errors in the years of the fit and in years it never saw, beside two
naive forecasts; forecasts from the past; bands of the posterior; elasticities to price and advertising; and the goals
it is held to, missed ones too."""
NEWER = """\
Newer figures: a CSV file with a column `period` (2025, 2025-Q3, 2025-H1, 2025-09 or 2025-01/2025-09) and columns named
like those of `python -m thinmargin.data`. Every row needs gm_smartphones_pct,
selling_marketing_rmb_bn, revenue_total_rmb_bn, china_smartphone_market_m_units and global_smartphone_market_m_units:
they drive the replay. Whatever else is reported is scored, period by period, from 2025 on. Give total margin,
overseas share and profit without electric cars: the model knows none (they are taken out of shipped figures before
they are compared).

  python -m thinmargin.backtest --until 2025-09 --data my_figures.csv"""
IMAGES = (".png", ".svg", ".pdf")
MOST_DRAWS = 10_000
"""More would need gigabytes of memory."""


def _parser() -> Parser:
    parser = Parser(
        prog="python -m thinmargin.backtest",
        description=EXPLAINED,
        epilog=NEWER,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result as JSON")
    parser.add_argument(
        "--picture", type=Path, metavar="FILE",
        help=f"write a picture ({', '.join(IMAGES)}): reported against simulated",
    )  # fmt: skip
    parser.add_argument(
        "--until", metavar="PERIOD", help="replay through this period, e.g. 2024 or 2025-09 (default: to the last one)"
    )
    parser.add_argument("--data", type=Path, metavar="FILE", help="newer figures, on top of the shipped ones")
    parser.add_argument(
        "--markets", choices=("reported", "model"), default="reported",
        help="size of the home and overseas market: as reported (default), or as the model says",
    )  # fmt: skip
    parser.add_argument("--draws", type=int, default=256, help="worlds of the posterior behind the bands (default 256)")
    parser.add_argument("--seed", type=int, default=0, help="seed of those worlds (default 0)")
    parser.add_argument(
        "--refit", action="store_true",
        help="fit the constants of the forecasts from the past anew, and say how far they are from the saved ones",
    )  # fmt: skip
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status is 2 for bad arguments or figures."""
    parser = _parser()
    return answered(parser.prog, lambda: _answer(parser, arguments))


def _answer(parser: Parser, arguments: Sequence[str] | None) -> int:
    asked = parser.parse_args(arguments)
    try:
        found = _run(asked)
    except BrokenPipeError:
        raise
    except (ValueError, OSError, MemoryError) as error:
        print(f"error: {plain(error)}", file=sys.stderr)  # noqa: T201  # the command line's own answer
        return 2
    except KeyboardInterrupt:
        print("interrupted: nothing was written", file=sys.stderr)  # noqa: T201  # as above
        return 130
    print(found)  # noqa: T201  # as above; an output that cannot be written is told as of every command
    return 0


def _run(asked: argparse.Namespace) -> str:
    _check(asked)
    from thinmargin.backtest.given import given_text  # noqa: PLC0415  # heavy: not for --help
    from thinmargin.backtest.results import FIT_START, backtest, check_replay  # noqa: PLC0415  # as above
    from thinmargin.backtest.table import document, text  # noqa: PLC0415  # as above
    from thinmargin.calibration.fits import with_new_origins  # noqa: PLC0415  # as above
    from thinmargin.calibration.saved import difference, shipped  # noqa: PLC0415  # as above
    from thinmargin.data import (  # noqa: PLC0415  # as above
        check_plausible,
        parse_period,
        parse_until,
        read_figures,
        reported,
    )
    from thinmargin.history import check_drivers  # noqa: PLC0415  # as above

    if asked.until is not None:
        try:
            until = parse_period(asked.until).end
        except ValueError as error:
            raise ValueError(f"--until: {error}") from None
        if until < parse_until(str(FIT_START)):
            raise ValueError(f"--until is {plain(asked.until)}: must be the end of {FIT_START} or later")
    figures, given = reported(), ""
    if asked.data is not None:
        newer = read_figures(asked.data)
        check_drivers(newer)
        merged = figures.merged(newer)
        for warning in check_plausible(newer, figures, merged):
            print(f"warning: {warning}", file=sys.stderr)  # noqa: T201  # the command line's own answer
        given = given_text(newer, figures)
        figures = merged
    if asked.until is None:
        until = max(period.end for period in figures.periods)
    markets = asked.markets == "reported"
    check_replay(figures, until, reported_markets=markets)
    calibration = shipped()
    written = []
    if asked.refit:
        refitted = with_new_origins(reported(), calibration)
        written.append(
            "Forecasts from the past fitted anew: largest relative difference to a saved constant "
            f"{difference(refitted, calibration):.1e}."
        )
        calibration = refitted
    result = backtest(figures, until, calibration, reported_markets=markets, draws=asked.draws, seed=asked.seed)
    if asked.json is not None:
        write_atomically(asked.json, json.dumps(document(result), indent=1, allow_nan=False) + "\n")
        written.append(f"written: {plain(asked.json)}")
    if asked.picture is not None:
        from thinmargin.backtest.picture import save  # noqa: PLC0415  # needs matplotlib

        save(result, asked.picture)
        written.append(f"written: {plain(asked.picture)}")
    return "\n\n".join([text(result, given), *written])


def _check(asked: argparse.Namespace) -> None:
    """Raise ValueError for an argument that cannot work, before anything is computed."""
    if not 1 <= asked.draws <= MOST_DRAWS:
        raise ValueError(f"--draws is {asked.draws}: 1 to {MOST_DRAWS} are allowed")
    if asked.seed < 0:
        raise ValueError(f"--seed is {asked.seed}: must be 0 or more")
    for flag, path in (("--json", asked.json), ("--picture", asked.picture)):
        if path is not None:
            try:
                check_writable(path)
            except OSError as error:
                raise ValueError(f"{flag} is {plain(path)}: it cannot be written: {error}") from None
    named = [path for path in (asked.json, asked.picture, asked.data) if path is not None]
    if any(same_file(one, other) for one, other in itertools.combinations(named, 2)):
        raise ValueError("--json, --picture and --data must be three different files")
    if asked.picture is not None:
        if asked.picture.suffix.lower() not in IMAGES:
            raise ValueError(f"--picture is {plain(asked.picture)}: allowed endings are {', '.join(IMAGES)}")
        if find_spec("matplotlib") is None:
            raise ValueError("--picture needs matplotlib: pip install 'thinmargin[report]'")


if __name__ == "__main__":
    raise SystemExit(main())
