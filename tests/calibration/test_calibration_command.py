"""`python -m thinmargin.calibration`: searches cut short, the check, and what it says to bad arguments."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from thinmargin.calibration import fits
from thinmargin.calibration import search as search_module
from thinmargin.calibration.__main__ import LAST_SEED, main
from thinmargin.calibration.misfit import Misfit
from thinmargin.calibration.saved import ORIGINS, Calibration, from_document
from thinmargin.calibration.search import Found
from thinmargin.calibration.unknowns import UNKNOWNS
from thinmargin.data import reported


def tables(calibration: Calibration) -> list[Mapping[int, np.ndarray]]:
    """The fits of the origins under each rule of the replay, that of the fit first."""
    return [calibration.origins, *calibration.rules.values()]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches end after two steps a start, and two more of the polish."""
    monkeypatch.setattr(search_module, "ITERATIONS", 2)
    monkeypatch.setattr(search_module, "ROUNDS", 1)


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch, calibration: Calibration) -> list[int]:
    """A search that finds the shipped guesses at once; gives the years that were searched."""
    searched: list[int] = []
    fits_made = iter([calibration.z, *(z for fitted in tables(calibration) for z in fitted.values())])

    def found(misfit: Misfit, points: Sequence[np.ndarray], _told: object) -> Found:
        z = next(fits_made)
        searched.append(misfit.periods[-1].year)
        return Found(z, calibration.misfit, (calibration.misfit,) * len(points))

    monkeypatch.setattr(fits, "search", found)
    return searched


@pytest.mark.slow
@pytest.mark.usefixtures("short")
def test_a_calibration_is_written_told_and_read_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.json"
    assert main(["--seed", "5", "--starts", "2", "--output", str(path)]) == 0
    shown = capsys.readouterr().out
    for unknown in UNKNOWNS:
        assert f"\n{unknown.label} " in shown
    assert f"written: {path}\n" in shown
    document = json.loads(path.read_text("utf-8"))
    assert document["command"] == "python -m thinmargin.calibration --seed 5 --starts 2"
    found = from_document(document)
    assert found.seed == 5
    assert len(found.starts) == 2
    assert found.misfit == pytest.approx(Misfit(reported())(found.z)[0], rel=1e-12)
    assert [sorted(fitted) for fitted in tables(found)] == [list(ORIGINS)] * 3
    assert np.linalg.eigvalsh(found.covariance).max() <= 1.0 + 1e-6
    assert [each.name for each in tmp_path.iterdir()] == ["mine.json"]
    again = tmp_path / "again.json"
    assert main(["--seed", "5", "--starts", "2", "--output", str(again)]) == 0
    assert again.read_bytes() == path.read_bytes()
    assert main(["--seed", "6", "--starts", "2", "--output", str(again)]) == 0
    assert json.loads(again.read_text("utf-8"))["z"] != document["z"]


@pytest.mark.slow
def test_the_constants_are_fitted_to_2024_and_the_forecasts_from_the_past_to_their_years_under_each_rule(
    settled: list[int], tmp_path: Path, calibration: Calibration
) -> None:
    path = tmp_path / "mine.json"
    assert main(["--output", str(path)]) == 0
    assert settled == [2024, *ORIGINS, *ORIGINS, *ORIGINS]
    again = from_document(json.loads(path.read_text("utf-8")))
    np.testing.assert_array_equal(again.z, calibration.z)
    np.testing.assert_allclose(again.covariance, calibration.covariance, atol=1e-6)
    for mine, saved in zip(tables(again), tables(calibration), strict=True):
        for last in ORIGINS:
            np.testing.assert_array_equal(mine[last], saved[last])


@pytest.mark.usefixtures("settled")
def test_a_check_that_finds_the_same_ends_with_0_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--check"]) == 0
    assert "largest relative difference to a shipped constant: 0.00e+00" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.usefixtures("short")
def test_a_check_that_finds_something_else_ends_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--check", "--starts", "1"]) == 1
    assert "0.001 allowed" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--starts", "0"], ("--starts", "'0'", "from 1")),
        (["--starts", "-3"], ("--starts", "'-3'", "from 1")),
        (["--starts", "few"], ("--starts", "'few'", "from 1")),
        (["--seed", "-1"], ("--seed", "'-1'", "from 0")),
        (["--seed", "1.5"], ("--seed", "'1.5'", "whole number")),
        (["--seed", str(LAST_SEED + 1)], ("--seed", f"'{LAST_SEED + 1}'", f"0 to {LAST_SEED}")),
        (["--xyzzy"], ("--xyzzy",)),
    ],
)
def test_bad_arguments_are_told_what_is_allowed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    told: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    shown = capsys.readouterr().err
    for part in told:
        assert part in shown
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("output", "told"), [("none/mine.json", "there is no folder 'none'"), (".", "is not a file")])
def test_a_place_that_cannot_be_written_is_refused_before_the_search(
    settled: list[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    output: str,
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--output", output]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith(f"error: --output is {output}: ")
    assert told in shown
    assert settled == []
    assert list(tmp_path.iterdir()) == []


def lacking(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == package] or [package]:
        monkeypatch.setitem(sys.modules, name, None)


def test_without_rich_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lacking(monkeypatch, "rich")
    path = tmp_path / "mine.json"
    assert main(["--output", str(path)]) == 2
    assert capsys.readouterr().err == "error: rich is missing: pip install 'thinmargin[search]'\n"
    assert not path.exists()


@pytest.mark.slow
@pytest.mark.usefixtures("settled")
def test_nothing_else_of_the_searches_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("cma", "optuna", "sqlalchemy"):
        lacking(monkeypatch, package)
    assert main(["--output", str(tmp_path / "mine.json")]) == 0


@pytest.mark.usefixtures("settled")
def test_where_no_terminal_is_every_fit_that_ended_is_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], calibration: Calibration
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--check"]) == 0
    lines = capsys.readouterr().err.split("\n")
    assert [line for line in lines if line.strip()] == [
        f"figures to {last}: misfit {calibration.misfit:.6f}" for last in (2024, *ORIGINS, *ORIGINS, *ORIGINS)
    ]


def test_help_is_fast(lightly_helped: Callable[..., str]) -> None:
    assert "2012-2024" in lightly_helped("thinmargin.calibration", "numba", "rich", "thinmargin.replay")


def test_python_dash_m_ends_with_2_on_bad_input(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "thinmargin.calibration", "--output", "none/mine.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)  # noqa: S603  # our own code
    assert done.returncode == 2
    assert done.stderr == "error: --output is none/mine.json: it cannot be written: there is no folder 'none'\n"


def test_an_interrupted_search_is_said_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fits, "search", interrupted)
    assert main(["--output", str(tmp_path / "c.json")]) == 130
    assert capsys.readouterr().err.endswith("interrupted: nothing was written\n")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_no_file_is_refused_before_the_search(
    settled: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "touch", refused)
    assert main(["--output", str(tmp_path / "c.json")]) == 2
    assert "cannot be written: Permission denied" in capsys.readouterr().err
    assert settled == []
