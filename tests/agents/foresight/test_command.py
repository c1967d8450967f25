from __future__ import annotations

from pathlib import Path

import pytest

from thinmargin.splits import KEYS
from thinmargin_agents.foresight import __main__ as command
from thinmargin_agents.foresight.plan_files import read_plans


@pytest.mark.slow
def test_the_command_makes_a_file_and_a_second_run_only_improves_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "benchmark_validation.npz"
    arguments = ["--split", "validation", "--n-worlds", "2", "--evaluations", "96", "--output", str(path)]
    assert command.main([*arguments, "--processes", "2"]) == 0
    assert "as many again add" in capsys.readouterr().out
    first = read_plans(path)
    assert (
        first.made["command"]
        == "python -m thinmargin_agents.foresight --split validation --n-worlds 2 --evaluations 96"
    )
    assert command.main([*arguments[:3], "3", *arguments[4:], "--processes", "1", "--seed", "1"]) == 0
    second = read_plans(path)
    assert second.keys.tolist() == list(KEYS["validation"][:3])
    assert (second.value[:2] >= first.value - 1e-9).all()
    assert second.made["begun_from"]["earlier search"] >= 1


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--evaluations", "5"], "--evaluations is 5: allowed are 32 to"),
        (["--processes", "0"], "--processes is 0"),
        (["--also", "clever"], "policy 'clever' is unknown"),
    ],
)
def test_bad_arguments_are_named(arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--split", "validation", "--n-worlds", "1", *arguments]) == 2
    assert problem in capsys.readouterr().err
