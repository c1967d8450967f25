"""What the tests of this folder share: the shipped calibration, its misfit, its back-test, and figures made by hand."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest
from tests.calibration.backtest_files import written

from thinmargin.backtest.results import Result, backtest
from thinmargin.calibration.misfit import Misfit
from thinmargin.calibration.saved import Calibration, shipped
from thinmargin.data import Figures, parse_period, parse_until, reported

HELP = """
import sys
from {module}.__main__ import main
try:
    main(["--help"])
except SystemExit as stopped:
    assert stopped.code == 0
print([name for name in {heavy} if name in sys.modules])
"""
Cells = Mapping[tuple[str, str], float]


class WithCells(Protocol):
    """Shipped figures with some cells replaced."""

    def __call__(self, cells: Cells) -> Figures: ...


class MadeFigures(Protocol):
    """Figures from period to series to value; what is not given was not reported."""

    def __call__(self, rows: Mapping[str, Mapping[str, float]]) -> Figures: ...


@pytest.fixture(scope="session")
def calibration() -> Calibration:
    return shipped()


@pytest.fixture(scope="session")
def misfit() -> Misfit:
    """Of 2012 to 2024; nothing about it changes when it is called."""
    return Misfit(reported())


@pytest.fixture(scope="session")
def result(calibration: Calibration) -> Result:
    """The back-test of the shipped calibration on the shipped figures."""
    return backtest(reported(), parse_until("2024"), calibration, draws=64)


@pytest.fixture(scope="session")
def with_cells() -> WithCells:
    """`with_cells({("miui_mau_m", "2020"): 111.0})`: the shipped figures with these cells instead."""

    def changed(cells: Cells) -> Figures:
        figures = reported()
        columns = {name: values.copy() for name, values in figures.columns.items()}
        for (name, period), value in cells.items():
            columns[name][figures.periods.index(parse_period(period))] = value
        return Figures(figures.name, figures.periods, columns, figures.lines, figures.files)

    return changed


@pytest.fixture(scope="session")
def made_figures() -> MadeFigures:
    """`made_figures({"2025-Q1": {"miui_mau_m": 111.0}})`: figures of these periods alone."""

    def made(rows: Mapping[str, Mapping[str, float]]) -> Figures:
        ordered = sorted((parse_period(text), values) for text, values in rows.items())
        names = dict.fromkeys(name for _, values in ordered for name in values)
        return Figures(
            "made.csv",
            tuple(period for period, _ in ordered),
            {name: [values.get(name, float("nan")) for _, values in ordered] for name in names},
            tuple(range(2, 2 + len(ordered))),
            ("made.csv",) * len(ordered),
        )

    return made


@pytest.fixture
def lightly_helped(tmp_path: Path) -> Callable[..., str]:
    """`lightly_helped("thinmargin.backtest", "numba")`: what --help prints, in a process that loads no such module."""

    def helped(module: str, *heavy: str) -> str:
        command = [sys.executable, "-W", "error", "-c", HELP.format(module=module, heavy=heavy)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)  # noqa: S603  # our own code
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == "[]"
        return done.stdout

    return helped


@pytest.fixture(scope="session")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the command writes of the back-test of the shipped figures."""
    return written(tmp_path_factory.mktemp("whole"))
